//! Sends clips in real time, and silence between them.

use super::{
    ClientError, Link, VideoSender,
    encoder::{SpeechEncoder, encodes},
    resample::resample,
    stream::Stream,
};
use crate::peer::Peer;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

/// Longest clip: no turn of a conversation is longer, and a clip is held in memory.
pub(super) const MAX_CLIP: Duration = Duration::from_mins(10);

/// Clips waiting behind the one being sent.
const QUEUE: usize = 16;

/// The rate that silence starts at, and that clips of rates foreign to Opus are converted to.
const SAMPLE_RATE: u32 = 24_000;

/// When a clip was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// When its first packet went out.
    pub first_packet: Instant,
    /// When its last packet went out.
    pub last_packet: Instant,
    /// Media time at its beginning, in milliseconds since the first packet of the track.
    pub at_ms: u64,
}

pub(super) struct Clip {
    pub samples: Vec<f32>,
    pub sample_rate: u32,
    pub played: oneshot::Sender<Played>,
}

/// A connected track. Packets go out every 20 ms until it is closed or dropped.
pub struct AudioSender {
    clips: mpsc::Sender<Clip>,
    stop: CancellationToken,
    ended: watch::Receiver<bool>,
    is_muted: Arc<AtomicBool>,
    link: Link,
    video: Option<VideoSender>,
}

impl AudioSender {
    pub(super) async fn start(
        peer: Peer,
        link: Link,
        track: Arc<TrackLocalStaticRTP>,
        ssrc: u32,
        bitrate: i32,
        video: Option<VideoSender>,
    ) -> Result<Self, ClientError> {
        let encoder = match SpeechEncoder::new(SAMPLE_RATE, bitrate) {
            Ok(encoder) => encoder,
            Err(error) => {
                peer.connection.close().await?;
                return Err(error);
            }
        };
        let (clips, queue) = mpsc::channel(QUEUE);
        let (ended_tx, ended) = watch::channel(false);
        let stop = CancellationToken::new();
        let is_muted = Arc::new(AtomicBool::new(false));
        let stream = Stream::new(track, ssrc, (bitrate, encoder), queue, Arc::clone(&is_muted));
        let stopped = stop.clone();
        tokio::spawn(async move {
            let Peer { connection, status } = peer;
            stream.run(&*connection, status, stopped).await;
            if connection.close().await.is_err() {
                tracing::debug!("the peer connection did not close cleanly");
            }
            ended_tx.send_replace(true);
        });
        Ok(Self { clips, stop, ended, is_muted, link, video })
    }

    /// Queues a clip, mono, and waits until its last packet has gone out. Rates are in hertz; those that Opus
    /// does not encode itself are converted to 24 kHz.
    pub async fn say(&self, samples: &[f32], sample_rate: u32) -> Result<Played, ClientError> {
        if !(8_000..=48_000).contains(&sample_rate) {
            return Err(ClientError::SampleRate(sample_rate));
        }
        if samples.len() as u64 > MAX_CLIP.as_secs() * u64::from(sample_rate) {
            return Err(ClientError::ClipTooLong);
        }
        let (samples, sample_rate) = if encodes(sample_rate) {
            (samples.to_vec(), sample_rate)
        } else {
            (resample(samples, sample_rate, SAMPLE_RATE), SAMPLE_RATE)
        };
        let (played, done) = oneshot::channel();
        let clip = Clip { samples, sample_rate, played };
        self.clips.send(clip).await.map_err(|_| ClientError::Disconnected)?;
        done.await.map_err(|_| ClientError::Disconnected)
    }

    /// Between clips: sends nothing but a sign of life, as a muted browser does, or silence again.
    pub fn mute(&self, is_muted: bool) {
        self.is_muted.store(is_muted, Ordering::Relaxed);
    }

    /// The video track of the same connection.
    pub fn video(&self) -> Option<&VideoSender> {
        self.video.as_ref()
    }

    /// The network under it.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Whether packets still go out.
    pub fn is_connected(&self) -> bool {
        !*self.ended.borrow()
    }

    /// Waits until the connection has ended, from whichever side.
    pub async fn ended(&self) {
        // An error means that the task is gone, which is what is waited for.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Stops sending, says goodbye to the peer and waits until that is done.
    pub async fn close(self) {
        self.stop.cancel();
        self.ended().await;
    }
}

impl Drop for AudioSender {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
