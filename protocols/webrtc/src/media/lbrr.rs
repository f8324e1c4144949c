//! Whether an Opus packet carries a copy of the packet before it.

/// Whether the packet has low-bit-rate redundancy (LBRR): Opus' in-band forward error correction, with which
/// the packet before can be decoded when it was lost. RFC 6716, sections 3.1 and 4.2.3: only SILK and hybrid
/// packets have it, and the flags are the first bits of the first frame: one voice-activity flag for each
/// SILK frame of the mid channel, its LBRR flag, then the same for the side channel.
pub(super) fn has_lbrr(packet: &[u8]) -> bool {
    let Some(&toc) = packet.first() else { return false };
    let config = toc >> 3;
    // Configurations 16 to 31 are CELT only.
    if config >= 16 {
        return false;
    }
    // SILK: 10, 20, 40 and 60 ms in turn; hybrid (12 to 15): 10 and 20 ms. A SILK frame spans 20 ms at most.
    let silk_frames: u32 = match (config, config % 4) {
        (0..12, 2) => 2,
        (0..12, 3) => 3,
        _ => 1,
    };
    let Ok(parsed) = opus::packet::parse(packet) else { return false };
    let Some(&flags) = parsed.frames.first().and_then(|frame| frame.first()) else { return false };
    let stereo = toc & 0b100 != 0;
    let mid = flags >> (7 - silk_frames) & 1 == 1;
    let side = stereo && flags >> (6 - 2 * silk_frames) & 1 == 1;
    mid || side
}

#[cfg(test)]
mod tests {
    use super::*;
    use opus::{Application, Channels, Encoder};

    fn encoded(fec: bool) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(16_000, Channels::Mono, Application::Voip).unwrap();
        encoder.set_inband_fec(fec).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
        encoder.set_bitrate(opus::Bitrate::Bits(32_000)).unwrap();
        (0_u32..25)
            .map(|frame| {
                let samples: Vec<f32> = (0_u32..320)
                    .map(|i| {
                        let t = (frame * 320 + i) as f32 / 16_000.0;
                        0.4 * (t * 220.0 * std::f32::consts::TAU).sin() * (t * 3.0 * std::f32::consts::TAU).sin()
                    })
                    .collect();
                encoder.encode_vec_float(&samples, 1_275).unwrap()
            })
            .collect()
    }

    #[test]
    fn redundancy_is_seen_when_the_encoder_adds_it_and_only_then() {
        assert!(encoded(true).iter().filter(|packet| has_lbrr(packet)).count() > 10);
        assert!(!encoded(false).iter().any(|packet| has_lbrr(packet)));
    }

    #[test]
    fn an_empty_packet_has_none() {
        assert!(!has_lbrr(&[]));
        assert!(!has_lbrr(&[0]));
    }
}
