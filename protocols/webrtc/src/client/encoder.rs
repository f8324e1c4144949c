//! Opus for speech: 20 ms packets with redundancy for lost ones.

use super::ClientError;
use opus::{Application, Bitrate, Channels, Encoder};

/// Packets a second: 20 ms each (RFC 7587, section 4.2: the default).
pub(super) const PACKETS_PER_SECOND: u32 = 50;

/// Loss, in percent, that the redundancy is made for.
const EXPECTED_LOSS: i32 = 10;

/// Largest packet of one frame (RFC 6716, section 3.2.1).
const MAX_PACKET: usize = 1_275;

/// Whether libopus encodes this rate itself.
pub(super) fn encodes(sample_rate: u32) -> bool {
    matches!(sample_rate, 8_000 | 12_000 | 16_000 | 24_000 | 48_000)
}

/// Encodes one stream at one rate.
pub(super) struct SpeechEncoder {
    opus: Encoder,
    sample_rate: u32,
}

impl SpeechEncoder {
    pub fn new(sample_rate: u32, bitrate: i32) -> Result<Self, ClientError> {
        let mut opus = Encoder::new(sample_rate, Channels::Mono, Application::Voip)?;
        opus.set_bitrate(Bitrate::Bits(bitrate))?;
        opus.set_inband_fec(true)?;
        opus.set_packet_loss_perc(EXPECTED_LOSS)?;
        Ok(Self { opus, sample_rate })
    }

    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Samples of one packet.
    pub fn frame(&self) -> usize {
        (self.sample_rate / PACKETS_PER_SECOND) as usize
    }

    /// Encodes [`Self::frame`] samples; fewer are followed by silence.
    pub fn encode(&mut self, samples: &[f32]) -> Result<bytes::Bytes, ClientError> {
        let frame = self.frame();
        let encoded = if samples.len() == frame {
            self.opus.encode_vec_float(samples, MAX_PACKET)?
        } else {
            let mut padded = samples[..samples.len().min(frame)].to_vec();
            padded.resize(frame, 0.0);
            self.opus.encode_vec_float(&padded, MAX_PACKET)?
        };
        Ok(encoded.into())
    }
}
