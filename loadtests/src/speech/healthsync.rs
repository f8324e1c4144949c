//! A client of this server: audio by WHIP, captions from the event stream.

use super::{
    BenchError,
    corpus::{PAUSE_MS, SAMPLE_RATE, Script, Span},
    record::{Block, Recording, Sent, Snapshot, length_ms, since},
};
use crate::client::{ApiClient, Incoming, Stream};
use healthsync_events::{EventBody, NewSession, UtteranceId, risk::Spo2Scale};
use healthsync_webrtc::{ClientConfig, Played, WhipClient};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// A packet of audio, in milliseconds.
const PACKET_MS: f64 = 20.0;

/// How long an answer that has nothing to do with recognition may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Speaks `script` in a session of its own, then is silent for `drain`. The session has one language, so that nothing
/// is translated: the peer does not translate either.
pub async fn speak(
    http: &str,
    script: Script,
    name: &str,
    epoch: Instant,
    drain: Duration,
) -> Result<Recording, BenchError> {
    let api = ApiClient::new(http)?;
    let new = NewSession {
        patient: name.parse().map_err(|_| BenchError::Material("a client's name cannot be a patient's"))?,
        languages: vec![script.language.parse().map_err(|_| BenchError::Material("a recording's language is none"))?],
        spo2_scale: Spo2Scale::default(),
        terms: Vec::new(),
    };
    let session = api.create_session(&new).await?.session;
    let stream = api.follow(session, 1, None).await?;
    let (stop, stopped) = oneshot::channel();
    let reading: JoinHandle<Read> = tokio::spawn(read(stream, epoch, stopped));
    let url = api.whip_url(session, "patient", &script.language);
    let config = ClientConfig { bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ..ClientConfig::default() };
    let audio = WhipClient::connect(&url, config).await.map_err(|e| BenchError::Stream(e.to_string()))?;
    let spoken = say(&audio, &script, epoch).await;
    if spoken.is_ok() {
        tokio::time::sleep(drain).await;
    }
    // Whoever has stopped reading has said why.
    let _ = stop.send(());
    let Read { snapshots, errors } = reading.await.map_err(|e| BenchError::Stream(e.to_string()))?;
    // What the server does with a client that is gone is not what is measured.
    let _ = tokio::time::timeout(ANSWER_LIMIT, audio.close()).await;
    let _ = tokio::time::timeout(ANSWER_LIMIT, api.end_session(session)).await;
    let Spoken { starts_ms, sent, client_late_ms } = spoken?;
    Ok(Recording { script, starts_ms, sent, snapshots, client_late_ms, errors })
}

struct Spoken {
    starts_ms: Vec<f64>,
    sent: Sent,
    client_late_ms: f64,
}

async fn say(audio: &WhipClient, script: &Script, epoch: Instant) -> Result<Spoken, BenchError> {
    let mut spoken = Spoken { starts_ms: Vec::new(), sent: Sent::default(), client_late_ms: 0.0 };
    for clip in &script.clips {
        let mut samples = clip.samples.to_vec();
        samples.resize(samples.len() + (u64::from(SAMPLE_RATE) * PAUSE_MS / 1_000) as usize, 0.0);
        let played = audio.say(&samples, SAMPLE_RATE).await.map_err(|e| BenchError::Stream(e.to_string()))?;
        note(&mut spoken, &played, samples.len(), epoch);
    }
    Ok(spoken)
}

/// The client tells when a clip's first and last packet went out; those between went out evenly.
fn note(spoken: &mut Spoken, played: &Played, samples: usize, epoch: Instant) {
    let (first, last) = (since(epoch, played.first_packet), since(epoch, played.last_packet));
    let packets = (length_ms(samples) / PACKET_MS).ceil().max(1.0);
    let start_ms = played.at_ms as f64;
    for packet in 0..packets as u32 {
        let share = if packets > 1.0 { f64::from(packet) / (packets - 1.0) } else { 0.0 };
        spoken.sent.push(start_ms + f64::from(packet + 1) * PACKET_MS, first + (last - first) * share);
    }
    spoken.starts_ms.push(start_ms);
    spoken.client_late_ms = spoken.client_late_ms.max(last - first - (packets - 1.0) * PACKET_MS);
}

struct Read {
    snapshots: Vec<Snapshot>,
    errors: Vec<String>,
}

/// Reads captions until told to stop.
async fn read(mut stream: Stream, epoch: Instant, mut stopped: oneshot::Receiver<()>) -> Read {
    let mut read = Read { snapshots: Vec::new(), errors: Vec::new() };
    let mut blocks: BTreeMap<UtteranceId, Block> = BTreeMap::new();
    loop {
        let next = tokio::select! {
            _ = &mut stopped => return read,
            next = stream.next() => next,
        };
        let at_ms = since(epoch, Instant::now());
        let event = match next {
            Ok(Some(Incoming::Event(event))) => event,
            Ok(Some(_)) => continue,
            Ok(None) => {
                read.errors.push("the event stream ended".into());
                return read;
            }
            Err(error) => {
                read.errors.push(error.to_string());
                return read;
            }
        };
        if take_in(&mut blocks, &mut read.errors, event.body) {
            let mut blocks: Vec<Block> = blocks.values().cloned().collect();
            blocks.sort_by(|a, b| a.span.start_ms.total_cmp(&b.span.start_ms));
            read.snapshots.push(Snapshot { at_ms, blocks });
        }
    }
}

/// Whether the text to be read is another one now.
fn take_in(blocks: &mut BTreeMap<UtteranceId, Block>, errors: &mut Vec<String>, body: EventBody) -> bool {
    let span = |span: healthsync_events::speech::MediaSpan| Span {
        start_ms: span.start_ms as f64,
        end_ms: span.end_ms as f64,
    };
    match body {
        EventBody::CaptionPartial(partial) => {
            let text = format!("{} {}", partial.committed, partial.tentative);
            let block = Block { span: span(partial.span), text: text.into(), is_final: false };
            blocks.insert(partial.utterance, block);
            true
        }
        EventBody::CaptionFinal(caption) => {
            let block = Block { span: span(caption.span), text: caption.text.into(), is_final: true };
            blocks.insert(caption.utterance, block);
            true
        }
        EventBody::CaptionDropped(dropped) => {
            errors.push(format!("caption dropped: {:?}", dropped.reason));
            blocks.remove(&dropped.utterance).is_some()
        }
        EventBody::ErrorRaised(raised) => {
            errors.push(format!("{:?}: {}", raised.component, raised.error));
            false
        }
        _ => false,
    }
}
