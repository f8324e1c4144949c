//! One WebSocket: blocks in from a source, or out to somebody who watches.

use crate::{
    block::{self, MAX_BLOCK_BYTES},
    continuity::{Continuity, Verdict},
    recorder::Recorder,
};
use axum::extract::{
    WebSocketUpgrade,
    ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use healthsync_events::{
    EventBody, MdcCode, Refusal, SessionId, Sessions, WaveformBlock, WaveformSink,
    waveform::{ChannelReceived, WaveformNotice, WaveformRecorded},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};
use tokio_util::sync::CancellationToken;

/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Without a sign of life for this long a client is gone: two pings unanswered.
const DEAD_AFTER: Duration = Duration::from_secs(50);

/// A client that takes nothing for this long is disconnected.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that may wait in the socket's own buffer before a write waits: half a second of sixteen channels.
const WRITE_BUFFER: usize = 64 * 1024;

/// How often a source is told how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Bad blocks in a row after which a source is taken to speak something else.
const MAX_BAD_IN_A_ROW: u32 = 16;

/// Bounds on what a source may send and how much may wait for a client.
pub fn limits(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MAX_BLOCK_BYTES)
        .max_frame_size(MAX_BLOCK_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
}

/// Why a socket was closed.
#[derive(Debug, Clone, Copy)]
enum End {
    SessionOver,
    NotBlocks,
    Refused,
    GoingAway,
    /// Nobody is there to be told.
    Gone,
}

impl End {
    const fn frame(self) -> Option<(u16, &'static str)> {
        match self {
            Self::SessionOver => Some((close_code::NORMAL, "the session has ended")),
            Self::NotBlocks => Some((close_code::POLICY, "waveform blocks are expected")),
            Self::Refused => Some((close_code::ERROR, "the session takes no waveforms")),
            Self::GoingAway => Some((close_code::AWAY, "the server is shutting down")),
            Self::Gone => None,
        }
    }
}

async fn close(sink: &mut SplitSink<WebSocket, Message>, end: End) {
    if let Some((code, reason)) = end.frame() {
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
        let _ = timeout(WRITE_TIMEOUT, sink.send(close)).await;
    }
}

async fn deliver(sink: &mut SplitSink<WebSocket, Message>, message: Message) -> Result<(), End> {
    match timeout(WRITE_TIMEOUT, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(End::Gone),
    }
}

/// Gives a session's waveforms to somebody who watches: the last 10 s, then what comes, until the session ends, the
/// watcher leaves or takes nothing any more, or `shutdown`. A watcher that is slow misses blocks.
pub async fn serve_viewer(
    socket: WebSocket,
    sessions: Arc<dyn Sessions>,
    session: SessionId,
    shutdown: CancellationToken,
) {
    metrics::gauge!("healthsync_waveform_viewers").increment(1.0);
    let (mut sink, incoming) = socket.split();
    let end = watch(&mut sink, incoming, &*sessions, session, shutdown).await;
    close(&mut sink, end).await;
    metrics::gauge!("healthsync_waveform_viewers").decrement(1.0);
}

async fn watch(
    sink: &mut SplitSink<WebSocket, Message>,
    mut incoming: SplitStream<WebSocket>,
    sessions: &dyn Sessions,
    session: SessionId,
    shutdown: CancellationToken,
) -> End {
    let mut blocks = match sessions.waveforms(session).await {
        Ok(blocks) => blocks,
        Err(Refusal::SessionEnded) => return End::SessionOver,
        Err(_) => return End::Refused,
    };
    let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut alive = Instant::now();
    loop {
        let written = tokio::select! {
            block = blocks.next() => match block {
                // What a sink took in can be written.
                Some(block) => match block::encode(&block) {
                    Ok(bytes) => deliver(sink, Message::Binary(bytes.into())).await,
                    Err(_) => Ok(()),
                },
                None => return End::SessionOver,
            },
            message = incoming.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                Some(Ok(_)) => {
                    alive = Instant::now();
                    Ok(())
                }
            },
            _ = ping.tick() => {
                if alive.elapsed() >= DEAD_AFTER {
                    return End::Gone;
                }
                deliver(sink, Message::Ping(bytes::Bytes::new())).await
            }
            () = shutdown.cancelled() => return End::GoingAway,
        };
        if let Err(end) = written {
            return end;
        }
    }
}

/// Takes a source's blocks until it leaves, the session ends, or `shutdown`. What was taken in is then summed up in the
/// session's log.
pub async fn serve_source(
    socket: WebSocket,
    sessions: Arc<dyn Sessions>,
    session: SessionId,
    shutdown: CancellationToken,
) {
    let (mut sink, incoming) = socket.split();
    let end = match sessions.open_waveforms(session).await {
        Ok(waveforms) => {
            let mut source =
                Source { sessions: &*sessions, session, waveforms, channels: BTreeMap::new(), bad: 0, fresh: false };
            let end = source.run(&mut sink, incoming, shutdown).await;
            source.finish().await;
            end
        }
        Err(Refusal::SessionEnded) => End::SessionOver,
        Err(error) => {
            let _ = tell(&mut sink, &WaveformNotice::Refused { error }).await;
            End::Refused
        }
    };
    close(&mut sink, end).await;
}

async fn tell(sink: &mut SplitSink<WebSocket, Message>, notice: &WaveformNotice) -> Result<(), End> {
    let text = serde_json::to_string(notice).map_err(|_| End::Refused)?;
    deliver(sink, Message::Text(text.into())).await
}

struct Source<'a> {
    sessions: &'a dyn Sessions,
    session: SessionId,
    waveforms: Box<dyn WaveformSink>,
    /// As many as the sink admits.
    channels: BTreeMap<MdcCode, Channel>,
    /// Bad blocks since the last good one.
    bad: u32,
    /// Something has come since the source was told last.
    fresh: bool,
}

#[derive(Default)]
struct Channel {
    continuity: Continuity,
    recorder: Recorder,
    sequence: u32,
    blocks: u64,
    lost_blocks: u64,
    repeated_blocks: u64,
}

impl Source<'_> {
    async fn run(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        mut incoming: SplitStream<WebSocket>,
        shutdown: CancellationToken,
    ) -> End {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut telling = interval(TELL_EVERY);
        telling.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alive = Instant::now();
        loop {
            let done = tokio::select! {
                message = incoming.next() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                    Some(Ok(message)) => {
                        alive = Instant::now();
                        self.message(message, sink).await
                    }
                },
                _ = telling.tick() => self.tell_how_far(sink).await,
                _ = ping.tick() => {
                    if alive.elapsed() >= DEAD_AFTER {
                        return End::Gone;
                    }
                    deliver(sink, Message::Ping(bytes::Bytes::new())).await
                }
                () = shutdown.cancelled() => return End::GoingAway,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn message(&mut self, message: Message, sink: &mut SplitSink<WebSocket, Message>) -> Result<(), End> {
        let read = match message {
            Message::Binary(bytes) => {
                block::decode(&bytes).map_err(|error| Refusal::invalid("block", error.to_string()))
            }
            Message::Text(_) => Err(Refusal::invalid("message", "is text: waveform blocks are binary")),
            _ => return Ok(()),
        };
        let error = match read.and_then(|block| self.take(block)) {
            Ok(recorded) => {
                self.bad = 0;
                record(self.sessions, self.session, recorded).await;
                return Ok(());
            }
            Err(Refusal::SessionEnded) => return Err(End::SessionOver),
            Err(error) => error,
        };
        metrics::counter!("healthsync_waveform_blocks_refused_total").increment(1);
        self.bad += 1;
        tell(sink, &WaveformNotice::Refused { error }).await?;
        if self.bad >= MAX_BAD_IN_A_ROW { Err(End::NotBlocks) } else { Ok(()) }
    }

    /// Passes a block on; gives what it completes for the log.
    fn take(&mut self, block: WaveformBlock) -> Result<Vec<WaveformRecorded>, Refusal> {
        let block = Arc::new(block);
        let known = self.channels.get(&block.channel).map(|channel| &channel.continuity);
        let mut continuity = known.cloned().unwrap_or_default();
        let verdict = continuity.take(&block);
        if verdict != Verdict::Repeated {
            self.waveforms.push(Arc::clone(&block))?;
        }
        let channel = self.channels.entry(block.channel).or_default();
        channel.continuity = continuity;
        self.fresh = true;
        match verdict {
            Verdict::Repeated => channel.repeated_blocks += 1,
            Verdict::Lost { blocks, .. } => {
                metrics::counter!("healthsync_waveform_blocks_lost_total").increment(u64::from(blocks));
                channel.lost_blocks += u64::from(blocks);
            }
            Verdict::First | Verdict::Next | Verdict::ClockStepped => {}
        }
        if verdict != Verdict::Repeated {
            metrics::counter!("healthsync_waveform_blocks_total").increment(1);
            (channel.blocks, channel.sequence) = (channel.blocks + 1, block.sequence);
        }
        Ok(channel.recorder.take(&block, verdict))
    }

    async fn tell_how_far(&mut self, sink: &mut SplitSink<WebSocket, Message>) -> Result<(), End> {
        if !std::mem::take(&mut self.fresh) {
            return Ok(());
        }
        let channels = self.channels.iter().map(|(code, channel)| ChannelReceived {
            channel: *code,
            sequence: channel.sequence,
            blocks: channel.blocks,
            lost_blocks: channel.lost_blocks,
            repeated_blocks: channel.repeated_blocks,
        });
        tell(sink, &WaveformNotice::Received { channels: channels.collect() }).await
    }

    async fn finish(&mut self) {
        let rest: Vec<_> = self.channels.values_mut().filter_map(|channel| channel.recorder.finish()).collect();
        record(self.sessions, self.session, rest).await;
    }
}

async fn record(sessions: &dyn Sessions, session: SessionId, stretches: Vec<WaveformRecorded>) {
    for stretch in stretches {
        // Not tried again: the source would be held up, and the next stretch tells as much.
        if let Err(refusal) = sessions.record(session, EventBody::WaveformRecorded(stretch)).await {
            tracing::warn!(%session, %refusal, "a stretch of a waveform was not recorded");
            metrics::counter!("healthsync_waveform_stretches_lost_total").increment(1);
        }
    }
}
