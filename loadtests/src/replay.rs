//! Plays recorded waveforms into a session, as the monitor that recorded them would have sent them.

use crate::client::{ApiClient, ClientError};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use healthsync_events::{
    MdcCode, SessionId,
    waveform::{ChannelReceived, WaveformNotice},
};
use healthsync_waveform::{cut::Channel, encode};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// How long the server may take to say that it has everything: it says so once a second.
const CONFIRM_LIMIT: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What is played, and how.
#[derive(Debug, Clone)]
pub struct Recording {
    pub channels: Vec<Channel>,
    /// Milliseconds of a block.
    pub block_ms: u32,
    /// 1.0 is real time.
    pub speed: f64,
    /// Stop after this much of the recording.
    pub length: Option<Duration>,
    /// When the recording begins, in microseconds since the Unix epoch.
    pub origin_micros: i64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Replayed {
    pub blocks: u64,
    pub samples: u64,
    /// Refusals as the server worded them.
    pub refused: Vec<String>,
    /// What the server said last of each channel.
    pub received: Vec<ChannelReceived>,
}

impl Replayed {
    /// Whether the server has taken every block.
    pub fn is_confirmed(&self) -> bool {
        self.refused.is_empty() && self.received.iter().map(|channel| channel.blocks).sum::<u64>() == self.blocks
    }

    fn hear(&mut self, notice: WaveformNotice) {
        match notice {
            WaveformNotice::Received { channels } => self.received = channels,
            WaveformNotice::Refused { error } => self.refused.push(error.to_string()),
        }
    }
}

/// Sends every block when its last sample has been taken, and waits until the server has them.
pub async fn replay(api: &ApiClient, session: SessionId, recording: &Recording) -> Result<Replayed, ClientError> {
    let (mut sink, mut notices) = api.waveform_source(session).await?.split();
    let begun = Instant::now();
    let mut replayed = Replayed::default();
    // The next block of each channel.
    let mut next: BTreeMap<MdcCode, u32> = recording.channels.iter().map(|channel| (channel.code, 0)).collect();
    while let Some((channel, block)) = earliest(recording, &next) {
        let due = Duration::from_micros(u64::try_from(block.end_micros() - recording.origin_micros).unwrap_or(0));
        if recording.length.is_some_and(|length| due > length) {
            break;
        }
        let due = begun + due.div_f64(recording.speed);
        listen_until(due, &mut notices, &mut replayed).await?;
        replayed.samples += block.samples.len() as u64;
        replayed.blocks += 1;
        let bytes = encode(&block).map_err(|e| ClientError::failed("writing a block")(e.to_string()))?;
        send(&mut sink, Message::Binary(bytes.into())).await?;
        next.insert(channel, block.sequence + 1);
    }
    let confirmed = async {
        while !replayed.is_confirmed() && replayed.refused.is_empty() {
            match notices.next().await {
                Some(Ok(message)) => hear(&message, &mut replayed)?,
                _ => return Err(ClientError::failed("sending waveforms")("the server closed the connection".into())),
            }
        }
        Ok(())
    };
    timeout(CONFIRM_LIMIT, confirmed)
        .await
        .map_err(|_| ClientError::failed("sending waveforms")("the server did not say that it has them".into()))??;
    send(&mut sink, Message::Close(None)).await?;
    Ok(replayed)
}

/// The block that ends first of those that are next.
fn earliest(
    recording: &Recording,
    next: &BTreeMap<MdcCode, u32>,
) -> Option<(MdcCode, healthsync_events::WaveformBlock)> {
    let blocks = recording.channels.iter().filter_map(|channel| {
        let n = next.get(&channel.code).copied().unwrap_or(0);
        Some((channel.code, channel.block(n, recording.block_ms, recording.origin_micros)?))
    });
    blocks.min_by_key(|(_, block)| block.end_micros())
}

async fn listen_until(
    due: Instant,
    notices: &mut SplitStream<Socket>,
    replayed: &mut Replayed,
) -> Result<(), ClientError> {
    loop {
        tokio::select! {
            biased;
            message = notices.next() => match message {
                Some(Ok(message)) => hear(&message, replayed)?,
                _ => return Err(ClientError::failed("sending waveforms")("the server closed the connection".into())),
            },
            () = sleep_until(due) => return Ok(()),
        }
    }
}

fn hear(message: &Message, replayed: &mut Replayed) -> Result<(), ClientError> {
    let Message::Text(text) = message else { return Ok(()) };
    let notice = serde_json::from_str(text.as_str());
    replayed.hear(notice.map_err(|e| ClientError::failed("reading a notice")(e.to_string()))?);
    Ok(())
}

async fn send(sink: &mut SplitSink<Socket, Message>, message: Message) -> Result<(), ClientError> {
    sink.send(message).await.map_err(|e| ClientError::failed("sending waveforms")(e.to_string()))
}
