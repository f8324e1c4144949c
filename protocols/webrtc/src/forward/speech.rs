//! Speech that is made a little ahead of time, as packets in time.

use crate::media::{RTP_CLOCK_RATE, TICKS_PER_SAMPLE, packet_samples};
use bytes::Bytes;
use healthsync_events::{SpeechId, audio::SAMPLE_RATE, speech::SpeechFrame};
use std::{collections::VecDeque, time::Duration};

/// Packets held back at most: 5 s. The interpreter is 200 ms ahead; more than that comes only when this end
/// was held up, and then the oldest is what nobody wants to hear any more.
pub const MAX_QUEUED: usize = 250;

/// Behind its schedule by more than this, a speech has paused: what follows begins anew, instead of being sent all
/// at once. A receiver's jitter buffer takes less than that in its stride.
const MAX_BEHIND: Duration = Duration::from_millis(100);

/// A packet to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenPacket {
    /// One Opus packet.
    pub payload: Bytes,
    /// In ticks of the 48 kHz clock.
    pub timestamp: u32,
    /// First packet after silence (RFC 7587, section 4.2).
    pub marker: bool,
}

#[derive(Debug)]
struct Queued {
    speech: SpeechId,
    payload: Bytes,
    samples: u32,
}

/// Paces one voice. Times are counted from any fixed instant, timestamps from `origin` at that instant.
#[derive(Debug)]
pub struct SpeechPacer {
    origin: u32,
    queue: VecDeque<Queued>,
    /// The speech being sent, and when its next packet may go.
    sending: Option<(SpeechId, Duration)>,
    /// Timestamp at which the last packet ended.
    ended: Option<u32>,
    dropped: u64,
}

impl SpeechPacer {
    /// `origin` should be random (RFC 3550, section 5.1).
    pub fn new(origin: u32) -> Self {
        Self { origin, queue: VecDeque::new(), sending: None, ended: None, dropped: 0 }
    }

    /// Takes a frame in. An interruption takes what has not been sent of that speech away.
    pub fn push(&mut self, frame: &SpeechFrame) {
        if frame.interrupted {
            self.queue.retain(|queued| queued.speech != frame.speech);
            self.sending = self.sending.filter(|(speech, _)| *speech != frame.speech);
            return;
        }
        if frame.payload.is_empty() {
            return; // The end of a speech, without sound of its own.
        }
        let Some(samples) = packet_samples(&frame.payload) else {
            self.dropped += 1;
            return;
        };
        if self.queue.len() == MAX_QUEUED {
            self.queue.pop_front();
            self.dropped += 1;
        }
        let payload = Bytes::copy_from_slice(&frame.payload);
        self.queue.push_back(Queued { speech: frame.speech, payload, samples: samples as u32 });
    }

    /// When [`Self::pop`] has something; in the past means now.
    pub fn due(&self) -> Option<Duration> {
        self.queue.front()?;
        // One speech waits for the end of the one before.
        Some(self.sending.map_or(Duration::ZERO, |(_, at)| at))
    }

    /// The next packet, if it is time for it.
    pub fn pop(&mut self, now: Duration) -> Option<SpokenPacket> {
        if self.due()? > now {
            return None;
        }
        let Queued { speech, payload, samples } = self.queue.pop_front()?;
        let length = Duration::from_micros(u64::from(samples) * 1_000_000 / u64::from(SAMPLE_RATE));
        let on_time = self.sending.filter(|(of, at)| *of == speech && now.saturating_sub(*at) <= MAX_BEHIND);
        let (timestamp, marker, at) = match (on_time, self.ended) {
            (Some((_, at)), Some(ended)) => (ended, false, at),
            _ => (self.clock(now), true, now),
        };
        self.sending = Some((speech, at + length));
        self.ended = Some(timestamp.wrapping_add(samples * TICKS_PER_SAMPLE));
        Some(SpokenPacket { payload, timestamp, marker })
    }

    /// Packets that were not speech, or gave way to newer ones.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What the clock says, but never before the end of what was sent.
    fn clock(&self, now: Duration) -> u32 {
        let ticks = now.as_micros() * u128::from(RTP_CLOCK_RATE) / 1_000_000;
        let clock = self.origin.wrapping_add(ticks as u32);
        match self.ended {
            Some(ended) if (clock.wrapping_sub(ended) as i32) < 0 => ended,
            _ => clock,
        }
    }
}

#[cfg(test)]
#[path = "speech_tests.rs"]
mod tests;
