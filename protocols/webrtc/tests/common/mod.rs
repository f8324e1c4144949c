//! What the tests listen with.
#![allow(dead_code, reason = "each test binary uses its part")]

use healthsync_events::{AudioFrame, AudioSink, AudioTrackSpec, Refusal, SessionId};
use healthsync_webrtc::{Accepted, AudioSender, ClientConfig, WhipConfig, WhipServer, client::OfferedPeer};
use std::{net::Ipv4Addr, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

/// Longer than anything here takes, shorter than anybody waits.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub frames: Vec<AudioFrame>,
    pub pushes: usize,
    /// The sink was dropped.
    pub closed: bool,
}

impl Heard {
    pub fn samples(&self) -> Vec<f32> {
        self.frames.iter().flat_map(|frame| frame.samples.iter().copied()).collect()
    }
}

/// Keeps what is pushed, unless told to refuse.
pub struct Recorder {
    heard: watch::Sender<Heard>,
    refusal: Option<Refusal>,
}

impl Recorder {
    pub fn listen(refusal: Option<Refusal>) -> (Box<dyn AudioSink>, watch::Receiver<Heard>) {
        let (heard, listening) = watch::channel(Heard::default());
        (Box::new(Self { heard, refusal }), listening)
    }
}

impl AudioSink for Recorder {
    fn push(&mut self, frame: AudioFrame) -> Result<(), Refusal> {
        self.heard.send_modify(|heard| heard.pushes += 1);
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.heard.send_modify(|heard| heard.frames.push(frame));
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.heard.send_modify(|heard| heard.closed = true);
    }
}

/// Waits until `ready` holds of what was heard.
pub async fn heard_until(listening: &mut watch::Receiver<Heard>, ready: impl FnMut(&Heard) -> bool) -> Heard {
    let heard = tokio::time::timeout(PATIENCE, listening.wait_for(ready)).await;
    heard.expect("in time").expect("the sink told").clone()
}

pub fn spec(participant: &str) -> AudioTrackSpec {
    AudioTrackSpec { participant: participant.parse().unwrap(), language: "pt-BR".parse().unwrap() }
}

pub fn session() -> SessionId {
    SessionId(Uuid::new_v4())
}

pub fn server() -> WhipServer {
    server_with(|_| {})
}

pub fn server_with(change: impl FnOnce(&mut WhipConfig)) -> WhipServer {
    let mut config = WhipConfig { bind: vec![Ipv4Addr::LOCALHOST.into()], ..WhipConfig::default() };
    change(&mut config);
    WhipServer::new(config)
}

/// A connected client of a recording server.
pub struct Call {
    pub accepted: Accepted,
    pub audio: AudioSender,
    pub listening: watch::Receiver<Heard>,
}

pub async fn call(server: &WhipServer, session: SessionId, participant: &str, refusal: Option<Refusal>) -> Call {
    let (peer, offer) = OfferedPeer::offer(ClientConfig::default()).await.unwrap();
    let (sink, listening) = Recorder::listen(refusal);
    let accepted = server.accept(session, spec(participant), sink, &offer).await.unwrap();
    let audio = peer.answer(accepted.answer_sdp.clone()).await.unwrap();
    Call { accepted, audio, listening }
}

pub async fn offer() -> (OfferedPeer, String) {
    OfferedPeer::offer(ClientConfig::default()).await.unwrap()
}
