//! One stretch of one channel as a binary message. All numbers are little-endian:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 2 | `HW` |
//! | 2 | 1 | version, 1 |
//! | 3 | 1 | flags: bit 0, first block of a stream |
//! | 4 | 4 | channel, ISO/IEEE 11073-10101 code |
//! | 8 | 4 | unit, code of the same |
//! | 12 | 4 | sequence number: one more for each block of the channel, wrapping |
//! | 16 | 4 | samples in 1,000 seconds, 1,000 to 500,000 |
//! | 20 | 4 | scale, float: units a step |
//! | 24 | 4 | offset, float: units at step 0 |
//! | 28 | 8 | time of the first sample, microseconds since the Unix epoch |
//! | 36 | 2 | samples, 1 to 1,000 and no more than 2 s of them |
//! | 38 | 2 | 0 |
//! | 40 | 2 each | steps, signed; -32,768 is no value |

use healthsync_events::{
    MdcCode, WaveformBlock,
    limits::{MAX_WAVEFORM_RATE_HZ, MAX_WAVEFORM_SAMPLES},
};

pub const HEADER_BYTES: usize = 40;

/// Bytes of the longest block.
pub const MAX_BLOCK_BYTES: usize = HEADER_BYTES + 2 * MAX_WAVEFORM_SAMPLES;

const MAGIC: [u8; 2] = *b"HW";
const VERSION: u8 = 1;
const FLAG_FIRST: u8 = 1;

/// One sample a second: slower signals are no waveforms.
const MIN_RATE_MILLIHERTZ: u32 = 1_000;
const MAX_RATE_MILLIHERTZ: u32 = MAX_WAVEFORM_RATE_HZ * 1_000;

/// A longer block would come too late to be watched.
const MAX_DURATION_MICROS: i64 = 2_000_000;

/// The end of the year 9999, in microseconds: what RFC 3339 can still write.
const MAX_MICROS: i64 = 253_402_300_799_000_000;

/// Why bytes are not a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    #[error("is shorter than the {HEADER_BYTES} bytes of a header")]
    Short,
    #[error("does not begin as a waveform block does")]
    Magic,
    #[error("is of a version that is not known here")]
    Version,
    #[error("has flags that are not known here")]
    Flags,
    #[error("must hold 1 to {MAX_WAVEFORM_SAMPLES} samples and at most 2 s of them")]
    Samples,
    #[error("is not as long as its number of samples says")]
    Length,
    #[error("must have 1 to {MAX_WAVEFORM_RATE_HZ} samples a second")]
    Rate,
    #[error("has a scale or an offset that is not a number, or a scale of 0")]
    Scale,
    #[error("has a time outside the years 1970 to 9999")]
    Time,
}

/// Reads a block. Allocates for its samples alone, and only once its length is known to be true.
pub fn decode(bytes: &[u8]) -> Result<WaveformBlock, BlockError> {
    let (header, samples) = bytes.split_at_checked(HEADER_BYTES).ok_or(BlockError::Short)?;
    let u32_at = |at: usize| u32::from_le_bytes(array(header, at));
    if array::<2>(header, 0) != MAGIC {
        return Err(BlockError::Magic);
    }
    if header[2] != VERSION {
        return Err(BlockError::Version);
    }
    if header[3] & !FLAG_FIRST != 0 || array::<2>(header, 38) != [0; 2] {
        return Err(BlockError::Flags);
    }
    let count = usize::from(u16::from_le_bytes(array(header, 36)));
    if samples.len() != 2 * count {
        return Err(BlockError::Length);
    }
    let block = WaveformBlock {
        channel: MdcCode(u32_at(4)),
        unit: MdcCode(u32_at(8)),
        sequence: u32_at(12),
        first: header[3] & FLAG_FIRST != 0,
        rate_millihertz: u32_at(16),
        scale: f32::from_bits(u32_at(20)),
        offset: f32::from_bits(u32_at(24)),
        start_micros: i64::from_le_bytes(array(header, 28)),
        samples: samples.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(),
    };
    check(&block)?;
    Ok(block)
}

/// Writes a block that [`decode`] reads again, or says why it would not.
pub fn encode(block: &WaveformBlock) -> Result<Vec<u8>, BlockError> {
    check(block)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 2 * block.samples.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[VERSION, if block.first { FLAG_FIRST } else { 0 }]);
    for number in [block.channel.0, block.unit.0, block.sequence, block.rate_millihertz] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&block.scale.to_le_bytes());
    bytes.extend_from_slice(&block.offset.to_le_bytes());
    bytes.extend_from_slice(&block.start_micros.to_le_bytes());
    // `check` has bounded it.
    bytes.extend_from_slice(&(block.samples.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    for sample in &block.samples {
        bytes.extend_from_slice(&sample.to_le_bytes());
    }
    Ok(bytes)
}

fn check(block: &WaveformBlock) -> Result<(), BlockError> {
    if !(MIN_RATE_MILLIHERTZ..=MAX_RATE_MILLIHERTZ).contains(&block.rate_millihertz) {
        return Err(BlockError::Rate);
    }
    if !(1..=MAX_WAVEFORM_SAMPLES).contains(&block.samples.len()) || block.duration_micros() > MAX_DURATION_MICROS {
        return Err(BlockError::Samples);
    }
    if !block.scale.is_finite() || block.scale == 0.0 || !block.offset.is_finite() {
        return Err(BlockError::Scale);
    }
    if !(0..=MAX_MICROS).contains(&block.start_micros) {
        return Err(BlockError::Time);
    }
    Ok(())
}

/// `N` bytes from `at` on; the header is known to be long enough.
fn array<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[at..at + N]);
    bytes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn block(sequence: u32, samples: Vec<i16>) -> WaveformBlock {
        WaveformBlock {
            channel: MdcCode::ECG_II,
            unit: MdcCode::MILLIVOLT,
            sequence,
            first: false,
            rate_millihertz: 250_000,
            scale: 0.005,
            offset: 0.0,
            start_micros: 1_795_000_000_000_000,
            samples,
        }
    }

    fn any_block() -> impl Strategy<Value = WaveformBlock> {
        let codes = (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>());
        let scales = (prop::num::f32::NORMAL, prop::num::f32::NORMAL | prop::num::f32::ZERO);
        let samples = prop::collection::vec(any::<i16>(), 1..=200);
        (codes, 100_000u32..=500_000, scales, 0..=MAX_MICROS, samples).prop_map(
            |((channel, unit, sequence, first), rate_millihertz, (scale, offset), start_micros, samples)| {
                WaveformBlock {
                    channel: MdcCode(channel),
                    unit: MdcCode(unit),
                    sequence,
                    first,
                    rate_millihertz,
                    scale,
                    offset,
                    start_micros,
                    samples,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_block_survives_the_wire(block in any_block()) {
            prop_assert_eq!(decode(&encode(&block).unwrap()), Ok(block));
        }

        #[test]
        fn what_decodes_is_encoded_to_the_same_bytes(block in any_block(), at in 0usize..40, byte in any::<u8>()) {
            let mut bytes = encode(&block).unwrap();
            bytes[at] = byte;
            if let Ok(read) = decode(&bytes) {
                prop_assert_eq!(encode(&read).unwrap(), bytes);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_block_cut_anywhere_is_refused(block in any_block(), share in 0.0..1.0f64) {
            let bytes = encode(&block).unwrap();
            prop_assert!(decode(&bytes[..(bytes.len() as f64 * share) as usize]).is_err());
        }
    }

    #[test]
    fn the_layout_is_the_one_described() {
        let mut block = block(7, vec![1, -2]);
        block.first = true;
        let bytes = encode(&block).unwrap();
        assert_eq!(bytes.len(), HEADER_BYTES + 4);
        assert_eq!(&bytes[..4], b"HW\x01\x01");
        assert_eq!(&bytes[4..8], &131_330_u32.to_le_bytes());
        assert_eq!(&bytes[8..12], &266_418_u32.to_le_bytes());
        assert_eq!(&bytes[12..20], &[7, 0, 0, 0, 0x90, 0xD0, 3, 0]);
        assert_eq!(&bytes[36..], &[2, 0, 0, 0, 1, 0, 0xFE, 0xFF]);
    }

    #[test]
    fn each_bound_is_refused_by_name() {
        let with = |change: &dyn Fn(&mut WaveformBlock)| {
            let mut block = block(0, vec![0; 50]);
            change(&mut block);
            encode(&block)
        };
        assert_eq!(with(&|b| b.rate_millihertz = 500_001), Err(BlockError::Rate));
        assert_eq!(with(&|b| b.rate_millihertz = 999), Err(BlockError::Rate));
        assert_eq!(with(&|b| b.samples.clear()), Err(BlockError::Samples));
        assert_eq!(with(&|b| b.samples = vec![0; 501]), Err(BlockError::Samples), "over 2 s at 250 Hz");
        assert_eq!(with(&|b| b.scale = f32::NAN), Err(BlockError::Scale));
        assert_eq!(with(&|b| b.scale = 0.0), Err(BlockError::Scale));
        assert_eq!(with(&|b| b.offset = f32::INFINITY), Err(BlockError::Scale));
        assert_eq!(with(&|b| b.start_micros = -1), Err(BlockError::Time));
        let good = encode(&block(0, vec![0])).unwrap();
        let broken = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            decode(&bytes)
        };
        assert_eq!(broken(0, b'X'), Err(BlockError::Magic));
        assert_eq!(broken(2, 2), Err(BlockError::Version));
        assert_eq!(broken(3, 2), Err(BlockError::Flags));
        assert_eq!(broken(38, 1), Err(BlockError::Flags));
        assert_eq!(broken(36, 2), Err(BlockError::Length));
        assert_eq!(decode(&good[..39]), Err(BlockError::Short));
    }
}
