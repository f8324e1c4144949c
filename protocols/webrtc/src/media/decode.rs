//! Opus packets, gaps and pauses to contiguous audio frames.

use super::lbrr::has_lbrr;
use healthsync_events::{AudioFrame, audio::SAMPLE_RATE};
use opus::Channels;

/// Samples of one gap that the decoder makes up: 200 ms. Beyond that its extrapolation has long faded out,
/// and what it would give is noise that a recogniser may take for speech.
pub const MAX_CONCEAL: usize = SAMPLE_RATE as usize / 5;

/// Longest Opus packet: 120 ms (RFC 6716, section 3.2.5).
const MAX_PACKET: usize = SAMPLE_RATE as usize * 120 / 1_000;

/// libopus conceals in steps of 2.5 ms.
const STEP: usize = SAMPLE_RATE as usize / 400;

/// Samples of one frame of silence: 100 ms, about as long as a frame of sound, so that no queue counts
/// frames of very different worth.
const SILENCE_FRAME: usize = SAMPLE_RATE as usize / 10;

/// Samples, at 16 kHz, that a packet says it holds; none if it is not an Opus packet.
pub(crate) fn packet_samples(payload: &[u8]) -> Option<usize> {
    if payload.is_empty() {
        return None;
    }
    let samples = opus::packet::get_nb_samples(payload, SAMPLE_RATE).ok()?;
    (1..=MAX_PACKET).contains(&samples).then_some(samples)
}

/// What filling a gap took, in samples.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filled {
    /// Decoded from the redundancy of the packet after the gap.
    pub recovered: usize,
    /// Extrapolated by the decoder.
    pub concealed: usize,
    pub silent: usize,
}

/// Decodes to 16 kHz mono. libopus does both itself: it synthesises at any of its rates, and mixes stereo
/// down.
pub(super) struct FrameDecoder {
    opus: opus::Decoder,
    /// Samples given out so far.
    at: u64,
    /// Samples extrapolated since the last packet that decoded.
    run: usize,
    buffer: Vec<f32>,
}

impl FrameDecoder {
    pub fn new() -> Result<Self, opus::Error> {
        let opus = opus::Decoder::new(SAMPLE_RATE, Channels::Mono)?;
        Ok(Self { opus, at: 0, run: 0, buffer: vec![0.0; MAX_CONCEAL.max(MAX_PACKET)] })
    }

    /// Media time so far, in samples.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Decodes a packet. `false` when it does not decode: nothing was given out then.
    pub fn packet(&mut self, payload: &[u8], out: &mut Vec<AudioFrame>) -> bool {
        let Ok(samples) = self.opus.decode_float(payload, &mut self.buffer[..MAX_PACKET], false) else {
            return false;
        };
        self.run = 0;
        self.emit(samples, false, out);
        true
    }

    /// Fills a gap of `missing` samples that lost packets left: from the redundancy in `after`, the packet
    /// behind the gap, where it has any, before that by extrapolation, and the rest is silence.
    pub fn gap(&mut self, missing: usize, after: Option<&[u8]>, out: &mut Vec<AudioFrame>) -> Filled {
        let redundant = after.filter(|payload| has_lbrr(payload)).and_then(|payload| {
            let samples = (packet_samples(payload)? / STEP * STEP).min(missing / STEP * STEP);
            (samples > 0).then_some((payload, samples))
        });
        let last = redundant.map_or(0, |(_, samples)| samples);
        let before = missing - last;
        let conceal = before.min(MAX_CONCEAL.saturating_sub(self.run)) / STEP * STEP;
        let mut filled = Filled { concealed: self.extrapolate(conceal, out), ..Filled::default() };
        filled.silent = before - filled.concealed;
        self.silence(filled.silent, true, out);
        if let Some((payload, samples)) = redundant {
            filled.recovered = self.recover(payload, samples, out);
            let short = last - filled.recovered;
            self.silence(short, true, out);
            filled.silent += short;
        }
        filled
    }

    /// Gives out silence: `concealed` where there should have been sound.
    pub fn silence(&mut self, samples: usize, concealed: bool, out: &mut Vec<AudioFrame>) {
        let mut left = samples;
        while left > 0 {
            let now = left.min(SILENCE_FRAME);
            out.push(AudioFrame { samples: vec![0.0; now], at: self.at, concealed });
            self.at += now as u64;
            left -= now;
        }
    }

    fn extrapolate(&mut self, samples: usize, out: &mut Vec<AudioFrame>) -> usize {
        if samples == 0 {
            return 0;
        }
        let made = self.opus.decode_float(&[], &mut self.buffer[..samples], false).unwrap_or(0);
        self.run += made;
        self.emit(made, true, out);
        made
    }

    fn recover(&mut self, payload: &[u8], samples: usize, out: &mut Vec<AudioFrame>) -> usize {
        let made = self.opus.decode_float(payload, &mut self.buffer[..samples], true).unwrap_or(0);
        self.emit(made, false, out);
        made
    }

    fn emit(&mut self, samples: usize, concealed: bool, out: &mut Vec<AudioFrame>) {
        if samples == 0 {
            return;
        }
        // What a hostile packet decodes to is up to its sender; a NaN would poison every filter downstream.
        let clean = |sample: &f32| if sample.is_finite() { *sample } else { 0.0 };
        let samples: Vec<f32> = self.buffer[..samples].iter().map(clean).collect();
        let length = samples.len() as u64;
        out.push(AudioFrame { samples, at: self.at, concealed });
        self.at += length;
    }
}
