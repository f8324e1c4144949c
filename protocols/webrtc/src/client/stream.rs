//! A track's packets on their schedule.

use super::{
    ClientError,
    encoder::{PACKETS_PER_SECOND, SpeechEncoder},
    sender::{Clip, Played},
};
use crate::{
    media::RTP_CLOCK_RATE,
    peer::{CHECK_EVERY, PayloadTypes, PeerStatus, said_goodbye},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{PeerConnection, RTCPeerConnectionState},
};

const PERIOD: Duration = Duration::from_millis(1_000 / PACKETS_PER_SECOND as u64);

/// Muted, one packet in this many goes out: every 400 ms, as Opus' discontinuous transmission does (RFC 7587,
/// section 3.1.3).
const DTX_PERIOD: u64 = 20;

const TICKS: u32 = RTP_CLOCK_RATE / PACKETS_PER_SECOND;

/// Behind its schedule by more than this (the machine slept), the sender starts a new one instead of sending
/// everything late at once.
const MAX_BEHIND: Duration = Duration::from_millis(500);

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

pub(super) struct Stream {
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
    pub fn new(
        track: Arc<TrackLocalStaticRTP>,
        ssrc: u32,
        (bitrate, encoder): (i32, SpeechEncoder),
        queue: mpsc::Receiver<Clip>,
        is_muted: Arc<AtomicBool>,
    ) -> Self {
        let (playing, has_paused, origin) = (None, true, random_origin());
        Self { track, ssrc, bitrate, encoder, queue, playing, periods: 0, sent: 0, is_muted, has_paused, origin }
    }

    /// Sends on an absolute schedule, so that lateness does not add up, until the connection or the sender
    /// ends.
    pub async fn run(
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
