//! Opus packets of an Ogg stream (RFC 7845).

use super::{AudioFault, MAX_SECONDS, clean};
use healthsync_events::audio::SAMPLE_RATE;
use opus::{Channels, Decoder};
use symphonia::core::packet::Packet;

/// Longest packet: 120 ms (RFC 6716, section 3.2.5).
const MAX_PACKET: usize = SAMPLE_RATE as usize * 120 / 1_000;

/// Times in the stream are counted at 48 kHz, whatever it is decoded to (RFC 7845, section 4).
const STEP: usize = 48_000 / SAMPLE_RATE as usize;

/// Places in the identification header (RFC 7845, section 5.1): channels, then the samples to skip.
const CHANNELS_AT: usize = 9;
const PRE_SKIP_AT: usize = 10;

/// Decodes packets to 16 kHz mono. libopus does both itself.
pub(super) struct OpusPackets {
    decoder: Decoder,
    /// Samples at the beginning that only let the decoder settle.
    skip: usize,
    sound: Vec<f32>,
    buffer: Vec<f32>,
}

impl OpusPackets {
    /// `head` is the stream's identification header.
    pub fn new(head: &[u8]) -> Result<Self, AudioFault> {
        let damaged = || AudioFault::Damaged("its Opus header is too short".into());
        let channels = usize::from(*head.get(CHANNELS_AT).ok_or_else(damaged)?);
        if !(1..=2).contains(&channels) {
            return Err(AudioFault::Channels(channels));
        }
        let [low, high] = head.get(PRE_SKIP_AT..PRE_SKIP_AT + 2).ok_or_else(damaged)? else { return Err(damaged()) };
        let skip = usize::from(u16::from_le_bytes([*low, *high])) / STEP;
        let decoder = Decoder::new(SAMPLE_RATE, Channels::Mono).map_err(|e| AudioFault::Format(e.to_string()))?;
        Ok(Self { decoder, skip, sound: Vec::new(), buffer: vec![0.0; MAX_PACKET] })
    }

    pub fn packet(&mut self, packet: &Packet) -> Result<(), AudioFault> {
        let decoded = self.decoder.decode_float(&packet.data, &mut self.buffer, false);
        let samples = decoded.map_err(|e| AudioFault::Damaged(e.to_string()))?;
        let padding = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX) / STEP;
        let kept = &self.buffer[..samples.saturating_sub(padding)];
        let skipped = self.skip.min(kept.len());
        self.skip -= skipped;
        self.sound.extend(kept[skipped..].iter().copied().map(clean));
        if self.sound.len() as u64 > MAX_SECONDS * u64::from(SAMPLE_RATE) {
            return Err(AudioFault::TooLong);
        }
        Ok(())
    }

    pub fn finish(self) -> Vec<f32> {
        self.sound
    }
}
