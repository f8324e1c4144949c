//! One track, from RTP packets to contiguous frames.

use super::{
    MediaPacket, TICKS_PER_SAMPLE,
    decode::{FrameDecoder, packet_samples},
    reorder::{Inserted, Released, ReorderBuffer},
};
use healthsync_events::{AudioFrame, audio::SAMPLE_RATE};
use std::time::Duration;

/// Largest RTP payload taken: no path carries more in one datagram (Ethernet's MTU).
pub const MAX_PAYLOAD_BYTES: usize = 1_500;

/// How far media time may run ahead of the time that has passed since the first packet. A sender's clock and
/// ours part by up to 100 ppm, 1.4 s in four hours; a burst after a stall only catches up. Beyond this a
/// sender is sending faster than real time, or its timestamps claim silence that never happened.
pub const MAX_LEAD: Duration = Duration::from_secs(5);

/// Below 2.5 ms a step of the timestamp is rounding, not a gap.
const MIN_GAP: usize = SAMPLE_RATE as usize / 400;

/// Counts of one track since it began.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct MediaStats {
    /// Packets taken in, of whatever fate.
    pub packets: u64,
    /// Packets that came after their turn.
    pub late: u64,
    pub duplicate: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that were not Opus, were oversized, or far from the sequence.
    pub invalid: u64,
    /// Packets dropped because media time was more than [`MAX_LEAD`] ahead.
    pub ahead: u64,
    /// Samples of lost packets decoded from redundancy.
    pub recovered_samples: u64,
    /// Samples of lost packets that the decoder extrapolated.
    pub concealed_samples: u64,
    /// Samples of silence put in for long gaps and for pauses of the sender.
    pub silent_samples: u64,
}

/// Takes the packets of one track and gives contiguous frames: the first at 0, each where the one before
/// ended.
pub struct TrackReceiver {
    reorder: ReorderBuffer,
    decoder: FrameDecoder,
    ssrc: Option<u32>,
    /// When the first packet arrived.
    began: Option<Duration>,
    /// RTP timestamp at which the last packet released ended.
    expected: Option<u32>,
    /// Samples of the last packet that decoded.
    duration: usize,
    /// Packets missing since the last that decoded.
    lost: u32,
    stats: MediaStats,
}

impl TrackReceiver {
    /// Fails only when libopus cannot allocate a decoder.
    pub fn new() -> Result<Self, opus::Error> {
        Ok(Self {
            reorder: ReorderBuffer::default(),
            decoder: FrameDecoder::new()?,
            ssrc: None,
            began: None,
            expected: None,
            duration: 0,
            lost: 0,
            stats: MediaStats::default(),
        })
    }

    pub fn stats(&self) -> MediaStats {
        self.stats
    }

    /// Takes a packet that arrived at `now`, counted from any fixed instant, and appends to `out` the frames
    /// that are ready.
    pub fn receive(&mut self, packet: MediaPacket, now: Duration, out: &mut Vec<AudioFrame>) {
        self.stats.packets += 1;
        if packet.payload.len() > MAX_PAYLOAD_BYTES {
            self.stats.invalid += 1;
            return;
        }
        if self.ssrc != Some(packet.ssrc) {
            self.ssrc = Some(packet.ssrc);
            self.reorder.reset();
        }
        match self.reorder.insert(packet, now) {
            Inserted::Held => {}
            Inserted::Late => self.stats.late += 1,
            Inserted::Duplicate => self.stats.duplicate += 1,
            Inserted::OutOfRange => self.stats.invalid += 1,
        }
        self.poll(now, out);
    }

    /// Appends to `out` what is ready at `now` without a further packet.
    pub fn poll(&mut self, now: Duration, out: &mut Vec<AudioFrame>) {
        while let Some(released) = self.reorder.pop(now) {
            self.decode(released, out);
        }
    }

    /// When [`Self::poll`] will have something, if no packet comes before.
    pub fn deadline(&self) -> Option<Duration> {
        self.reorder.gives_up_at()
    }

    fn decode(&mut self, released: Released, out: &mut Vec<AudioFrame>) {
        let Released { packet, arrived, lost, restarted } = released;
        self.stats.lost += u64::from(lost);
        self.lost += u32::from(lost);
        let began = *self.began.get_or_insert(arrived);
        if restarted {
            self.expected = None;
        }
        if packet.payload.is_empty() {
            return; // Padding only, as sent to probe a path: it takes a sequence number and no time.
        }
        let Some(samples) = packet_samples(&packet.payload) else {
            self.stats.invalid += 1;
            self.lost += 1;
            return;
        };
        let room = self.room(arrived.saturating_sub(began));
        if room < samples {
            self.stats.ahead += 1;
            self.expected = None;
            self.lost = 0;
            return;
        }
        self.fill(&packet, room - samples, out);
        if self.decoder.packet(&packet.payload, out) {
            self.duration = samples;
        } else {
            self.stats.invalid += 1;
            let filled = self.decoder.gap(samples, None, out);
            self.count(filled);
        }
        self.expected = Some(packet.timestamp.wrapping_add(samples as u32 * TICKS_PER_SAMPLE));
    }

    /// Fills the time between the last packet and this one, with `room` samples at most.
    fn fill(&mut self, packet: &MediaPacket, room: usize, out: &mut Vec<AudioFrame>) {
        let lost = std::mem::take(&mut self.lost) as usize;
        let elapsed = self.expected.and_then(|expected| {
            // Half of the number space is behind: a timestamp that steps back says nothing about time.
            let ticks = i32::try_from(packet.timestamp.wrapping_sub(expected)).ok()?;
            Some(ticks as usize / TICKS_PER_SAMPLE as usize)
        });
        if lost == 0 {
            // Nothing is missing, so the sender paused (DTX).
            let pause = elapsed.unwrap_or(0).min(room);
            if pause >= MIN_GAP {
                self.decoder.silence(pause, false, out);
                self.stats.silent_samples += pause as u64;
            }
            return;
        }
        let missing = elapsed.unwrap_or(lost * self.duration).min(room);
        if missing >= MIN_GAP {
            let filled = self.decoder.gap(missing, Some(&packet.payload), out);
            self.count(filled);
        }
    }

    fn count(&mut self, filled: super::decode::Filled) {
        self.stats.recovered_samples += filled.recovered as u64;
        self.stats.concealed_samples += filled.concealed as u64;
        self.stats.silent_samples += filled.silent as u64;
    }

    /// Samples that media time may still advance by, `elapsed` after the first packet.
    fn room(&self, elapsed: Duration) -> usize {
        let allowed = (elapsed + MAX_LEAD).as_micros() * u128::from(SAMPLE_RATE) / 1_000_000;
        usize::try_from(allowed.saturating_sub(u128::from(self.decoder.at()))).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
