use super::*;
use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;

const TONE: f32 = 440.0;

fn tone(rate: u32, seconds: f32) -> impl Iterator<Item = f32> {
    let samples = (rate as f32 * seconds) as u32;
    (0..samples).map(move |n| (n as f32 / rate as f32 * TONE * std::f32::consts::TAU).sin() * 0.5)
}

fn wav(folder: &Path, spec: WavSpec, seconds: f32) -> PathBuf {
    let path = folder.join(format!("{}-{}-{}.wav", spec.sample_rate, spec.bits_per_sample, spec.channels));
    let mut writer = WavWriter::create(&path, spec).unwrap();
    let full = (1_i64 << (spec.bits_per_sample - 1)) as f32 - 1.0;
    for sample in tone(spec.sample_rate, seconds) {
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Int => writer.write_sample((sample * full) as i32).unwrap(),
                SampleFormat::Float => writer.write_sample(sample).unwrap(),
            }
        }
    }
    writer.finalize().unwrap();
    path
}

/// Loudness, and how much of it is the tone.
fn loudness_and_purity(samples: &[f32]) -> (f32, f32) {
    let phase = |n: usize| n as f32 / SAMPLE_RATE as f32 * TONE * std::f32::consts::TAU;
    let product = |wave: fn(f32) -> f32| samples.iter().enumerate().map(|(n, s)| s * wave(phase(n))).sum::<f32>();
    let (sine, cosine) = (product(f32::sin), product(f32::cos));
    let energy: f32 = samples.iter().map(|s| s * s).sum();
    let amplitude = 2.0 * sine.hypot(cosine) / samples.len() as f32;
    (amplitude, amplitude * amplitude / 2.0 * samples.len() as f32 / energy)
}

#[test]
fn every_usual_kind_of_wav_gives_the_same_tone_at_16_khz() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        (8_000, 16, 1, SampleFormat::Int),
        (16_000, 16, 2, SampleFormat::Int),
        (22_050, 24, 1, SampleFormat::Int),
        (44_100, 16, 2, SampleFormat::Int),
        (48_000, 32, 1, SampleFormat::Float),
        (24_000, 32, 2, SampleFormat::Float),
    ];
    for (sample_rate, bits_per_sample, channels, sample_format) in kinds {
        let path = wav(folder.path(), WavSpec { channels, sample_rate, bits_per_sample, sample_format }, 1.0);
        let samples = decode(&path).unwrap();
        assert!(samples.len().abs_diff(16_000) <= 2, "{path:?}: {}", samples.len());
        let (amplitude, purity) = loudness_and_purity(&samples[1_600..14_400]);
        assert!((amplitude - 0.5).abs() < 0.01 && purity > 0.999, "{path:?}: {amplitude} {purity}");
    }
}

#[test]
fn what_is_not_a_recording_is_refused_with_its_name_and_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        decode(&path).unwrap_err().to_string()
    };
    let text = refused("text.wav", b"this is no sound at all, whatever its name says");
    assert!(text.contains("text.wav") && text.contains("not WAV, FLAC or Opus"), "{text}");
    assert!(refused("empty.flac", b"").contains("empty.flac"));
    let missing = decode(&folder.path().join("missing.wav")).unwrap_err();
    assert!(matches!(missing.fault, AudioFault::Read(_)), "{missing}");
    assert!(decode(folder.path()).is_err());
    let silent = WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let error = decode(&wav(folder.path(), silent, 0.0)).unwrap_err();
    assert!(error.to_string().contains("no sound"), "{error}");
    let surround = WavSpec { channels: 4, ..silent };
    assert!(matches!(decode(&wav(folder.path(), surround, 0.1)).unwrap_err().fault, AudioFault::Channels(4)));
}

/// An Ogg page with one packet a segment table allows.
fn page(serial: u32, sequence: u32, granule: u64, flags: u8, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut table = Vec::new();
    for packet in packets {
        table.extend(std::iter::repeat_n(255, packet.len() / 255));
        table.push((packet.len() % 255) as u8);
    }
    let mut bytes = b"OggS\0".to_vec();
    bytes.push(flags);
    bytes.extend(granule.to_le_bytes());
    bytes.extend(serial.to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.push(table.len() as u8);
    bytes.extend(&table);
    for packet in packets {
        bytes.extend(packet);
    }
    let crc = bytes.iter().fold(0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    bytes[22..26].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Opus in Ogg: a tone of so many packets of 20 ms, with `trimmed` samples at 48 kHz cut off the end.
fn opus_file(path: &Path, packets: usize, trimmed: u64) {
    const PRE_SKIP: u16 = 312;
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Audio).unwrap();
    let samples: Vec<f32> = tone(48_000, packets as f32 * 0.02 + 0.01).collect();
    let packets_of: Vec<Vec<u8>> =
        samples.chunks_exact(960).take(packets).map(|frame| encoder.encode_vec_float(frame, 1_000).unwrap()).collect();
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(PRE_SKIP.to_le_bytes());
    head.extend(48_000_u32.to_le_bytes());
    head.extend([0, 0, 0]);
    let mut tags = b"OpusTags".to_vec();
    tags.extend(4_u32.to_le_bytes());
    tags.extend(b"test\0\0\0\0");
    let mut bytes = page(7, 0, 0, 2, &[head]);
    bytes.extend(page(7, 1, 0, 0, &[tags]));
    let half = packets / 2;
    bytes.extend(page(7, 2, half as u64 * 960, 0, &packets_of[..half]));
    bytes.extend(page(7, 3, packets as u64 * 960 - trimmed, 4, &packets_of[half..]));
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn opus_in_ogg_has_the_length_and_the_tone_that_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.ogg");
    opus_file(&path, 50, 480);
    let samples = decode(&path).unwrap();
    // 50 packets of 320 samples, less 312 / 3 at the beginning and 480 / 3 at the end.
    assert_eq!(samples.len(), 16_000 - 104 - 160);
    let (amplitude, purity) = loudness_and_purity(&samples[3_200..14_400]);
    assert!((amplitude - 0.5).abs() < 0.05 && purity > 0.98, "{amplitude} {purity}");
}

#[test]
fn a_file_that_claims_more_channels_than_can_be_counted_in_bytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spec = WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let path = wav(folder.path(), spec, 0.1);
    let mut bytes = std::fs::read(&path).unwrap();
    // The format chunk's number of channels.
    bytes[22..24].copy_from_slice(&40_000_u16.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(decode(&path).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_file_is_refused_or_decoded_but_never_panics(
        places in proptest::collection::vec((0usize..4_000, any::<u8>()), 1..8), opus in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound");
        if opus {
            opus_file(&path, 10, 0);
        } else {
            let spec = WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
            std::fs::rename(wav(folder.path(), spec, 0.1), &path).unwrap();
        }
        let mut bytes = std::fs::read(&path).unwrap();
        for (place, value) in places {
            let place = place % bytes.len();
            bytes[place] = value;
        }
        std::fs::write(&path, bytes).unwrap();
        let _ = decode(&path);
    }
}
