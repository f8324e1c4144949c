//! What the tests listen with.
#![allow(dead_code, reason = "each test binary uses its part")]

use healthsync_events::{AudioFrame, AudioSink, AudioTrackSpec, Refusal, SessionId};
use healthsync_webrtc::{
    Accepted, AudioSender, ClientConfig, VideoCodec, WhipConfig, WhipServer,
    client::{OfferedPeer, OfferedViewer, Received, RtpPacket, Viewer},
};
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

/// A client whose sound a recording server hears.
pub struct Call {
    pub accepted: Accepted,
    pub audio: AudioSender,
    pub listening: watch::Receiver<Heard>,
}

pub async fn call(server: &WhipServer, session: SessionId, participant: &str, refusal: Option<Refusal>) -> Call {
    call_with(server, session, participant, refusal, ClientConfig::default()).await
}

/// A connected client that sends video as well.
pub async fn video_call(server: &WhipServer, session: SessionId, participant: &str, codec: VideoCodec) -> Call {
    call_with(server, session, participant, None, with_video(codec)).await
}

pub fn with_video(codec: VideoCodec) -> ClientConfig {
    ClientConfig { video: Some(codec), ..ClientConfig::default() }
}

async fn call_with(
    server: &WhipServer,
    session: SessionId,
    participant: &str,
    refusal: Option<Refusal>,
    config: ClientConfig,
) -> Call {
    let (peer, offer) = OfferedPeer::offer(config).await.unwrap();
    let (sink, mut listening) = Recorder::listen(refusal);
    let accepted = server.accept(session, spec(participant), sink, &offer).await.unwrap();
    let audio = peer.answer(accepted.answer_sdp.clone()).await.unwrap();
    // The client may have the keys before the server has: what it sends in between is lost, as on any network.
    heard_until(&mut listening, |heard| heard.pushes > 0 || heard.closed).await;
    Call { accepted, audio, listening }
}

pub async fn offer() -> (OfferedPeer, String) {
    OfferedPeer::offer(ClientConfig::default()).await.unwrap()
}

/// A connected viewer of a participant's sound and pictures, and all that has come so far.
pub struct Watcher {
    pub accepted: Accepted,
    pub viewer: Viewer,
    pub audio: Vec<RtpPacket>,
    pub video: Vec<RtpPacket>,
    pub samples: Vec<f32>,
}

pub async fn watch(server: &WhipServer, session: SessionId, participant: &str) -> Watcher {
    let (peer, offer) = OfferedViewer::offer(with_video(VideoCodec::Vp8)).await.unwrap();
    let accepted = server.watch(session, &participant.parse().unwrap(), &offer).await.unwrap();
    let viewer = peer.answer(accepted.answer_sdp.clone()).await.unwrap();
    Watcher::new(accepted, viewer)
}

impl Watcher {
    pub fn new(accepted: Accepted, viewer: Viewer) -> Self {
        Self { accepted, viewer, audio: Vec::new(), video: Vec::new(), samples: Vec::new() }
    }

    /// Receives until `ready` holds of everything.
    pub async fn until(&mut self, what: &str, mut ready: impl FnMut(&Self) -> bool) {
        let receiving = async {
            while !ready(self) {
                match self.viewer.next().await.expect("still connected") {
                    Received::Audio { packet, frames } => {
                        self.audio.push(packet);
                        self.samples.extend(frames.into_iter().flat_map(|frame| frame.samples));
                    }
                    Received::Video(packet) => self.video.push(packet),
                }
            }
        };
        let received = tokio::time::timeout(PATIENCE, receiving).await;
        let (audio, video) = (self.audio.len(), self.video.len());
        received.unwrap_or_else(|_| panic!("no {what}: {audio} packets of sound and {video} of pictures"));
    }

    /// The next `count` packets of sound.
    pub async fn audio(&mut self, count: usize) -> Vec<RtpPacket> {
        let before = self.audio.len();
        self.until("sound", |watcher| watcher.audio.len() >= before + count).await;
        self.audio[before..before + count].to_vec()
    }

    /// The next `count` packets of pictures.
    pub async fn video(&mut self, count: usize) -> Vec<RtpPacket> {
        let before = self.video.len();
        self.until("pictures", |watcher| watcher.video.len() >= before + count).await;
        self.video[before..before + count].to_vec()
    }
}

/// Waits until a count reaches `at_least`.
pub async fn counted(counts: &mut watch::Receiver<u64>, at_least: u64) {
    let reached = tokio::time::timeout(PATIENCE, counts.wait_for(|count| *count >= at_least)).await;
    reached.expect("in time").expect("still counted");
}

/// Looks until `ready` gives something. For what can be looked at but not waited for.
pub async fn eventually<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = ready() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("in time")
}
