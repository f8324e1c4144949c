//! Samples to Opus packets of 20 ms.

use opus::{Application, Bitrate, Channels, Encoder, Signal};
use std::collections::VecDeque;

/// Milliseconds of a packet.
pub(super) const PACKET_MS: u64 = 20;

/// Bits a second: with 24 kHz sources, where Opus' listening tests find mono speech transparent (RFC 7587 recommends
/// 28 to 40 kbit/s for fullband speech, 16 to 20 for wideband).
const BIT_RATE: i32 = 28_000;

/// Of 10. Costs half of what 10 does, and at this bit rate nobody hears the difference.
const COMPLEXITY: i32 = 6;

/// Bytes of a packet: three times what the bit rate gives on average.
const MAX_PACKET: usize = 256;

/// One speech's encoder. Clauses pushed one after the other give one stream without a seam.
pub(super) struct Packets {
    encoder: Encoder,
    sample_rate: u32,
    samples: VecDeque<f32>,
}

impl Packets {
    /// 8, 12, 16, 24 or 48 kHz, or an error.
    pub(super) fn new(sample_rate: u32) -> Result<Self, opus::Error> {
        let mut encoder = Encoder::new(sample_rate, Channels::Mono, Application::Voip)?;
        encoder.set_bitrate(Bitrate::Bits(BIT_RATE))?;
        encoder.set_signal(Signal::Voice)?;
        encoder.set_complexity(COMPLEXITY)?;
        // What the encoder looks ahead comes out late by as much: without it the end would be missing.
        Ok(Self { encoder, sample_rate, samples: VecDeque::new() })
    }

    pub(super) fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        self.samples.extend(samples);
    }

    /// Whether no sample waits for its packet.
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Whether there are samples for a whole packet.
    pub(super) fn is_ready(&self) -> bool {
        self.samples.len() >= self.packet_samples()
    }

    /// Says that nothing more comes: fills the last packet with silence, after what the encoder holds back.
    pub(super) fn finish(&mut self) -> Result<(), opus::Error> {
        let held_back = self.encoder.get_lookahead()?.max(0) as usize;
        let wanted = (self.samples.len() + held_back).next_multiple_of(self.packet_samples());
        self.samples.resize(wanted, 0.0);
        Ok(())
    }

    /// The next packet, if there are samples for a whole one.
    pub(super) fn next(&mut self) -> Option<Result<Vec<u8>, opus::Error>> {
        if !self.is_ready() {
            return None;
        }
        let samples: Vec<f32> = self.samples.drain(..self.packet_samples()).collect();
        Some(self.encoder.encode_vec_float(&samples, MAX_PACKET))
    }

    fn packet_samples(&self) -> usize {
        (u64::from(self.sample_rate) * PACKET_MS / 1_000) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opus::Decoder;

    fn tone(count: usize) -> Vec<f32> {
        (0..count).map(|n| 0.3 * (std::f32::consts::TAU * 440.0 * n as f32 / 24_000.0).sin()).collect()
    }

    fn all(packets: &mut Packets) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| packets.next()).map(Result::unwrap).collect()
    }

    #[test]
    fn what_comes_out_lasts_as_long_and_sounds_as_what_went_in() {
        let mut packets = Packets::new(24_000).unwrap();
        let mut encoded = Vec::new();
        for clause in tone(24_100).chunks(7_001) {
            packets.push(clause);
            encoded.extend(all(&mut packets));
        }
        packets.finish().unwrap();
        encoded.extend(all(&mut packets));
        assert!(packets.is_empty());
        assert_eq!(encoded.len(), (24_100 + 156usize).div_ceil(480), "20 ms each, with the encoder's delay of 6.5 ms");
        let bits = encoded.iter().map(Vec::len).sum::<usize>() * 8;
        assert!((15_000..33_000).contains(&bits), "{bits} bits in a second");
        let mut decoder = Decoder::new(24_000, Channels::Mono).unwrap();
        let mut heard = Vec::new();
        for packet in &encoded {
            let mut samples = [0.0; 480];
            assert_eq!(decoder.decode_float(packet, &mut samples, false).unwrap(), 480);
            heard.extend(samples);
        }
        let power = heard[2_400..21_600].iter().map(|s| s * s).sum::<f32>() / 19_200.0;
        assert!((power.sqrt() - 0.3 / 2f32.sqrt()).abs() < 0.02, "{}", power.sqrt());
    }

    #[test]
    fn a_rate_that_opus_does_not_have_is_refused() {
        assert!(Packets::new(22_050).is_err());
    }
}
