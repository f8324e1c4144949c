//! Sends clips in real time, and silence between them.

use super::{
    ClientError, Link, VideoSender,
    encoder::{PACKETS_PER_SECOND, SpeechEncoder, encodes},
    resample::resample,
};
use crate::{
    media::RTP_CLOCK_RATE,
    peer::{CHECK_EVERY, PayloadTypes, Peer, PeerStatus, said_goodbye},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{PeerConnection, RTCPeerConnectionState},
};

/// Longest clip: no turn of a conversation is longer, and a clip is held in memory.
pub(super) const MAX_CLIP: Duration = Duration::from_mins(10);

/// Clips waiting behind the one being sent.
const QUEUE: usize = 16;

/// The rate that silence starts at, and that clips of rates foreign to Opus are converted to.
const SAMPLE_RATE: u32 = 24_000;

const PERIOD: Duration = Duration::from_millis(1_000 / PACKETS_PER_SECOND as u64);

/// Muted, one packet in this many goes out: every 400 ms, as Opus' discontinuous transmission does (RFC 7587,
/// section 3.1.3).
const DTX_PERIOD: u64 = 20;

const TICKS: u32 = RTP_CLOCK_RATE / PACKETS_PER_SECOND;

/// Behind its schedule by more than this (the machine slept), the sender starts a new one instead of sending
/// everything late at once.
const MAX_BEHIND: Duration = Duration::from_millis(500);

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

struct Clip {
    samples: Vec<f32>,
    sample_rate: u32,
    played: oneshot::Sender<Played>,
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
        let stream = Stream {
            track,
            ssrc,
            bitrate,
            encoder,
            queue,
            playing: None,
            periods: 0,
            sent: 0,
            is_muted: Arc::clone(&is_muted),
            has_paused: true,
            origin: random_origin(),
        };
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

/// RFC 3550, section 5.1: sequence number and timestamp begin anywhere.
fn random_origin() -> (u16, u32) {
    let (timestamp, sequence, ..) = Uuid::new_v4().as_fields();
    (sequence, timestamp)
}

struct Playing {
    clip: Clip,
    position: usize,
    first_packet: Option<Instant>,
    at_ms: u64,
}

struct Stream {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    bitrate: i32,
    encoder: SpeechEncoder,
    queue: mpsc::Receiver<Clip>,
    playing: Option<Playing>,
    /// Periods of 20 ms that have passed.
    periods: u64,
    /// Packets sent.
    sent: u64,
    is_muted: Arc<AtomicBool>,
    /// Nothing went out in the last period.
    has_paused: bool,
    origin: (u16, u32),
}

impl Stream {
    /// Sends on an absolute schedule, so that lateness does not add up, until the connection or the sender
    /// ends.
    async fn run(
        mut self,
        peer: &dyn PeerConnection,
        mut status: watch::Receiver<PeerStatus>,
        stop: CancellationToken,
    ) {
        let mut due = tokio::time::Instant::now();
        let mut check = due + CHECK_EVERY;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                changed = status.changed() => {
                    let state = status.borrow_and_update().state;
                    if changed.is_err()
                        || matches!(state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed)
                    {
                        return;
                    }
                    continue;
                }
                () = tokio::time::sleep_until(due) => {}
            }
            if let Err(error) = self.send().await {
                tracing::debug!(%error, "sending stopped");
                return;
            }
            due += PERIOD;
            if due > check {
                check += CHECK_EVERY;
                if said_goodbye(peer).await {
                    return;
                }
            }
            let now = tokio::time::Instant::now();
            if now > due + MAX_BEHIND {
                due = now;
            }
        }
    }

    async fn send(&mut self) -> Result<(), ClientError> {
        let payload = self.next_payload()?;
        let is_pause = self.playing.is_none() && self.is_muted.load(Ordering::Relaxed);
        if !is_pause || self.periods.is_multiple_of(DTX_PERIOD) {
            self.track.write_rtp(self.packet(payload)).await?;
            self.sent += 1;
        }
        self.has_paused = is_pause;
        self.periods += 1;
        self.note_progress();
        Ok(())
    }

    fn packet(&self, payload: bytes::Bytes) -> rtc::rtp::Packet {
        let (sequence, timestamp) = self.origin;
        let header = rtc::rtp::Header {
            version: 2,
            marker: self.has_paused,
            payload_type: PayloadTypes::SENDER.opus,
            sequence_number: sequence.wrapping_add(self.sent as u16),
            timestamp: timestamp.wrapping_add((self.periods as u32).wrapping_mul(TICKS)),
            ssrc: self.ssrc,
            ..rtc::rtp::Header::default()
        };
        rtc::rtp::Packet { header, payload }
    }

    /// The next 20 ms, of the clip at the head of the queue or of silence.
    fn next_payload(&mut self) -> Result<bytes::Bytes, ClientError> {
        if self.playing.is_none()
            && let Ok(clip) = self.queue.try_recv()
        {
            if clip.sample_rate != self.encoder.sample_rate() {
                self.encoder = SpeechEncoder::new(clip.sample_rate, self.bitrate)?;
            }
            let at_ms = self.periods * PERIOD.as_millis() as u64;
            self.playing = Some(Playing { clip, position: 0, first_packet: None, at_ms });
        }
        let Some(playing) = &mut self.playing else { return self.encoder.encode(&[]) };
        let end = (playing.position + self.encoder.frame()).min(playing.clip.samples.len());
        let payload = self.encoder.encode(&playing.clip.samples[playing.position..end])?;
        playing.position = end;
        Ok(payload)
    }

    /// Tells whoever waits for the clip, once its last packet is out.
    fn note_progress(&mut self) {
        let Some(playing) = &mut self.playing else { return };
        let now = Instant::now();
        let first_packet = *playing.first_packet.get_or_insert(now);
        if playing.position < playing.clip.samples.len() {
            return;
        }
        if let Some(Playing { clip, at_ms, .. }) = self.playing.take() {
            // Whoever asked may have stopped waiting; the clip was said all the same.
            let _ = clip.played.send(Played { first_packet, last_packet: now, at_ms });
        }
    }
}
