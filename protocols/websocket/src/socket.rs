//! One WebSocket: events and speech out, commands in.

use crate::{
    coalesce::{Outgoing, coalesce},
    command::carry_out,
};
use axum::extract::{
    WebSocketUpgrade,
    ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
};
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{self, SplitSink, SplitStream},
};
use healthsync_events::{
    Event, EventBody, EventStream, Language, Refusal, Seq, SessionId, Sessions, SpeechStream, envelope::StreamNotice,
    limits::MAX_WS_MESSAGE_BYTES,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::sync::CancellationToken;

/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Without a sign of life for this long a client is gone: two pings unanswered.
const DEAD_AFTER: Duration = Duration::from_secs(50);

/// A client that takes nothing for this long is disconnected: it can resume, and others should not wait.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Events taken from the log for one write. Only what is at hand is coalesced.
const MAX_BATCH: usize = 256;

/// Bytes read at a time: commands are short, and the library clears this much before every read.
const READ_BUFFER: usize = 4 * 1024;

/// Bytes of several messages that go out in one write. They wait for no more than the rest of what is at hand.
const WRITE_CHUNK: usize = 16 * 1024;

/// Bytes that may wait in the socket's own buffer before a write waits.
const WRITE_BUFFER: usize = 256 * 1024;

/// What a client asked for.
#[derive(Debug, Clone)]
pub struct StreamParams {
    /// First sequence number wanted; 0 and 1 both mean from the first.
    pub from: Seq,
    /// Also speech in this language, as binary messages.
    pub speech: Option<Language>,
}

/// Bounds on what a client may send and how much may wait for it: the library's defaults are 64 MiB and none.
pub fn limits(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MAX_WS_MESSAGE_BYTES)
        .max_frame_size(MAX_WS_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_CHUNK)
        .max_write_buffer_size(WRITE_BUFFER)
}

/// Why a socket was closed.
#[derive(Debug, Clone, Copy)]
enum End {
    SessionOver,
    CannotResume,
    Refused,
    GoingAway,
    /// Nobody is there to be told.
    Gone,
}

impl End {
    const fn frame(self) -> Option<(u16, &'static str)> {
        match self {
            Self::SessionOver => Some((close_code::NORMAL, "the session has ended")),
            Self::CannotResume => Some((close_code::POLICY, "cannot resume from there")),
            Self::Refused => Some((close_code::ERROR, "the session cannot be read")),
            Self::GoingAway => Some((close_code::AWAY, "the server is shutting down")),
            Self::Gone => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::SessionOver => "session over",
            Self::CannotResume => "cannot resume",
            Self::Refused => "refused",
            Self::GoingAway => "shutdown",
            Self::Gone => "gone",
        }
    }
}

/// Serves the stream until the session ends, the client leaves or is too slow, or `shutdown`.
pub async fn serve_socket(
    socket: WebSocket,
    sessions: Arc<dyn Sessions>,
    session: SessionId,
    params: StreamParams,
    shutdown: CancellationToken,
) {
    metrics::gauge!("healthsync_stream_clients").increment(1.0);
    let (mut sink, incoming) = socket.split();
    let end = match open(&*sessions, session, &params).await {
        Ok((events, speech)) => {
            let mut client = Client { sink: &mut sink, incoming, sessions: &*sessions, session };
            client.run(events, speech, shutdown).await
        }
        Err((notice, end)) => {
            let _ = write(&mut sink, &Outgoing::Notice(notice)).await;
            end
        }
    };
    if let Some((code, reason)) = end.frame() {
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
        let _ = timeout(WRITE_TIMEOUT, sink.send(close)).await;
    }
    metrics::gauge!("healthsync_stream_clients").decrement(1.0);
    metrics::counter!("healthsync_stream_ended_total", "reason" => end.name()).increment(1);
}

async fn open(
    sessions: &dyn Sessions,
    session: SessionId,
    params: &StreamParams,
) -> Result<(EventStream, SpeechStream), (StreamNotice, End)> {
    let refused = |error: Refusal| (StreamNotice::Refused { id: None, error }, End::Refused);
    let head = sessions.summary(session).await.map_err(refused)?.head;
    if params.from > head.next() {
        return Err((StreamNotice::CannotResume { asked: params.from, head }, End::CannotResume));
    }
    let events = sessions.events(session, params.from).await.map_err(refused)?;
    let speech = match &params.speech {
        Some(language) => match sessions.speech(session, language.clone()).await {
            Ok(speech) => speech,
            // A session that is over is still read, in silence.
            Err(Refusal::SessionEnded) => Box::pin(stream::pending()),
            Err(error) => return Err(refused(error)),
        },
        None => Box::pin(stream::pending()),
    };
    Ok((events, speech))
}

struct Client<'a> {
    sink: &'a mut SplitSink<WebSocket, Message>,
    incoming: SplitStream<WebSocket>,
    sessions: &'a dyn Sessions,
    session: SessionId,
}

impl Client<'_> {
    async fn run(&mut self, mut events: EventStream, mut speech: SpeechStream, shutdown: CancellationToken) -> End {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut alive = Instant::now();
        loop {
            let written = tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.events(event, &mut events).await,
                    Some(Err(_)) => return End::Refused,
                    None => return End::SessionOver,
                },
                Some(frame) = speech.next() => self.send(Message::Binary(frame.encode().into())).await,
                message = self.incoming.next() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                    Some(Ok(message)) => {
                        alive = Instant::now();
                        self.message(message).await
                    }
                },
                _ = ping.tick() => {
                    if alive.elapsed() >= DEAD_AFTER {
                        return End::Gone;
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await
                }
                () = shutdown.cancelled() => return End::GoingAway,
            };
            if let Err(end) = written {
                return end;
            }
        }
    }

    /// Sends an event and whatever has come in behind it while the client was being written to.
    async fn events(&mut self, first: Arc<Event>, events: &mut EventStream) -> Result<(), End> {
        let mut batch = vec![first];
        let mut failed = false;
        while batch.len() < MAX_BATCH {
            match events.next().now_or_never() {
                Some(Some(Ok(next))) => batch.push(next),
                Some(Some(Err(_))) => {
                    failed = true;
                    break;
                }
                Some(None) | None => break,
            }
        }
        let over = batch.last().is_some_and(|event| matches!(event.body, EventBody::SessionEnded(_)));
        metrics::counter!("healthsync_stream_events_total").increment(batch.len() as u64);
        for outgoing in &coalesce(batch) {
            within_limit(self.sink.feed(text(outgoing)?)).await?;
        }
        within_limit(self.sink.flush()).await?;
        match (failed, over) {
            (true, _) => Err(End::Refused),
            (false, true) => Err(End::SessionOver),
            (false, false) => Ok(()),
        }
    }

    async fn message(&mut self, message: Message) -> Result<(), End> {
        let notice = match message {
            Message::Text(text) => carry_out(text.as_str(), self.sessions, self.session).await,
            Message::Binary(_) => {
                let error = Refusal::invalid("message", "is binary: commands are text");
                StreamNotice::Refused { id: None, error }
            }
            _ => return Ok(()),
        };
        write(self.sink, &Outgoing::Notice(notice)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        within_limit(self.sink.send(message)).await
    }
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, outgoing: &Outgoing) -> Result<(), End> {
    within_limit(sink.send(text(outgoing)?)).await
}

fn text(outgoing: &Outgoing) -> Result<Message, End> {
    let text = match outgoing {
        Outgoing::Event(event) => serde_json::to_string(&**event),
        Outgoing::Notice(notice) => serde_json::to_string(notice),
    };
    text.map(|text| Message::Text(text.into())).map_err(|_| End::Refused)
}

async fn within_limit(writing: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    match timeout(WRITE_TIMEOUT, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => {
            metrics::counter!("healthsync_stream_too_slow_total").increment(1);
            Err(End::Gone)
        }
    }
}
