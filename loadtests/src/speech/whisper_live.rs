//! A client of WhisperLive: float32 samples and JSON over a WebSocket, as its own client speaks.

use super::{
    BenchError,
    corpus::{PAUSE_MS, SAMPLE_RATE, Script, Span},
    record::{Block, Recording, Sent, Snapshot, length_ms, since},
};
use futures_util::{SinkExt, StreamExt, stream::SplitStream};
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::{net::TcpStream, sync::oneshot};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Bytes, Message},
};

/// A message of audio: 100 ms. Its own client sends 256 ms at a time, which would let each sample wait longer.
const CHUNK: usize = SAMPLE_RATE as usize / 10;

/// Loading the model comes before the answer to the first client.
const READY_LIMIT: Duration = Duration::from_mins(2);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    message: Option<serde_json::Value>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    segments: Vec<Segment>,
}

/// Times are seconds in decimal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Segment {
    start: String,
    end: String,
    text: String,
    #[serde(default)]
    completed: bool,
}

/// Speaks `script`, then is silent for `drain`.
pub async fn speak(
    url: &str,
    script: Script,
    name: &str,
    epoch: Instant,
    drain: Duration,
) -> Result<Recording, BenchError> {
    let failed = |e: tokio_tungstenite::tungstenite::Error| BenchError::Stream(e.to_string());
    let (mut socket, _) = connect_async(url).await.map_err(failed)?;
    // What its own client sends when nothing else is asked for, but for the language.
    let options = serde_json::json!({
        "uid": name, "language": script.language, "task": "transcribe", "model": "base", "use_vad": true,
        "send_last_n_segments": 10, "no_speech_thresh": 0.45, "clip_audio": false, "same_output_threshold": 10,
    });
    socket.send(Message::text(options.to_string())).await.map_err(failed)?;
    tokio::time::timeout(READY_LIMIT, until_ready(&mut socket))
        .await
        .map_err(|_| BenchError::Timeout("the peer's model"))??;
    let (mut sink, source) = socket.split();
    let (stop, stopped) = oneshot::channel();
    let reading = tokio::spawn(read(source, epoch, stopped));

    let (samples, starts_ms) = audio(&script, drain);
    let begun = tokio::time::Instant::now();
    let mut sent = Sent::default();
    let mut client_late_ms: f64 = 0.0;
    let mut outcome = Ok(());
    for (index, chunk) in samples.chunks(CHUNK).enumerate() {
        let due = begun + Duration::from_millis(index as u64 * 100);
        tokio::time::sleep_until(due).await;
        let bytes: Vec<u8> = chunk.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let now = Instant::now();
        client_late_ms = client_late_ms.max(now.saturating_duration_since(due.into_std()).as_secs_f64() * 1e3);
        sent.push(length_ms(index * CHUNK + chunk.len()), since(epoch, now));
        if let Err(error) = sink.send(Message::Binary(Bytes::from(bytes))).await {
            outcome = Err(failed(error));
            break;
        }
    }
    // Whoever has stopped reading has said why.
    let _ = stop.send(());
    let (snapshots, errors) = reading.await.map_err(|e| BenchError::Stream(e.to_string()))?;
    // The server takes this, or a closed connection, for the end.
    let _ = sink.send(Message::Binary(Bytes::from_static(b"END_OF_AUDIO"))).await;
    outcome.map(|()| Recording { script, starts_ms, sent, snapshots, client_late_ms, errors })
}

/// The whole stream, and where its clips begin.
fn audio(script: &Script, drain: Duration) -> (Vec<f32>, Vec<f64>) {
    let silence = |duration: Duration| (duration.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
    let mut samples: Vec<f32> = Vec::new();
    let mut starts_ms = Vec::new();
    for clip in &script.clips {
        starts_ms.push(length_ms(samples.len()));
        samples.extend_from_slice(&clip.samples);
        samples.resize(samples.len() + silence(Duration::from_millis(PAUSE_MS)), 0.0);
    }
    samples.resize(samples.len() + silence(drain), 0.0);
    (samples, starts_ms)
}

async fn until_ready(socket: &mut Socket) -> Result<(), BenchError> {
    while let Some(message) = socket.next().await {
        let message = message.map_err(|e| BenchError::Stream(e.to_string()))?;
        let Message::Text(text) = message else { continue };
        let answer: Answer = serde_json::from_str(&text).map_err(|e| BenchError::Stream(e.to_string()))?;
        if answer.message.as_ref().is_some_and(|message| message == "SERVER_READY") {
            return Ok(());
        }
        if let Some(status) = answer.status {
            return Err(BenchError::Stream(format!("the peer answered {status}")));
        }
    }
    Err(BenchError::Stream("the peer closed the connection".into()))
}

async fn read(
    mut source: SplitStream<Socket>,
    epoch: Instant,
    mut stopped: oneshot::Receiver<()>,
) -> (Vec<Snapshot>, Vec<String>) {
    let mut snapshots = Vec::new();
    let mut errors = Vec::new();
    let mut completed: Vec<Segment> = Vec::new();
    loop {
        let next = tokio::select! {
            _ = &mut stopped => return (snapshots, errors),
            next = source.next() => next,
        };
        let at_ms = since(epoch, Instant::now());
        let answer: Option<Answer> = match next {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).ok(),
            Some(Ok(Message::Close(_))) | None => {
                errors.push("the peer closed the connection".into());
                return (snapshots, errors);
            }
            Some(Ok(_)) => None,
            Some(Err(error)) => {
                errors.push(error.to_string());
                return (snapshots, errors);
            }
        };
        let Some(answer) = answer.filter(|answer| !answer.segments.is_empty()) else { continue };
        let open = take_in(&mut completed, answer.segments);
        let blocks = completed.iter().chain(&open).filter_map(Segment::block).collect();
        snapshots.push(Snapshot { at_ms, blocks });
    }
}

/// Every message repeats the last completed segments; the one that is not completed is replaced by the next.
fn take_in(completed: &mut Vec<Segment>, segments: Vec<Segment>) -> Option<Segment> {
    let mut open = None;
    for segment in segments {
        if !segment.completed {
            open = Some(segment);
        } else if !completed.contains(&segment) {
            completed.push(segment);
        }
    }
    open
}

impl Segment {
    /// `None` for times that are none.
    fn block(&self) -> Option<Block> {
        let ms = |seconds: &str| seconds.parse::<f64>().ok().map(|seconds| seconds * 1e3);
        let span = Span { start_ms: ms(&self.start)?, end_ms: ms(&self.end)? };
        Some(Block { span, text: self.text.as_str().into(), is_final: self.completed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_segments_are_kept_once_and_the_open_one_is_replaced() {
        let answers = [
            r#"{"uid":"a","segments":[{"start":"0.000","end":"1.000","text":" Um","completed":false}]}"#,
            r#"{"uid":"a","segments":[{"start":"0.000","end":"1.500","text":" Um dois.","completed":true},
                {"start":"1.500","end":"2.000","text":" Tr","completed":false}]}"#,
            r#"{"uid":"a","segments":[{"start":"0.000","end":"1.500","text":" Um dois.","completed":true},
                {"start":"1.500","end":"2.500","text":" Tres","completed":false}]}"#,
        ];
        let mut completed = Vec::new();
        let mut open = None;
        for answer in answers {
            let answer: Answer = serde_json::from_str(answer).unwrap();
            open = take_in(&mut completed, answer.segments);
        }
        assert_eq!(completed.len(), 1);
        let block = open.unwrap().block().unwrap();
        assert_eq!((&*block.text, block.span.start_ms, block.is_final), (" Tres", 1_500.0, false));
    }
}
