//! Samples of the signals that share a file: frame after frame, each with its signals in order. Pure.

use super::{Signal, WfdbError};

/// How samples are stored (signal(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Two samples of 12 bits, two's complement, in three bytes.
    F212,
    /// 16 bits, two's complement, little-endian.
    F16,
    /// 8 bits, offset binary.
    F80,
}

impl Format {
    /// The step that says that there is no value.
    const fn no_value(self) -> i16 {
        match self {
            Self::F212 => -2_048,
            Self::F16 => i16::MIN,
            Self::F80 => -128,
        }
    }

    /// Samples in so many bytes.
    const fn held_by(self, bytes: usize) -> usize {
        match self {
            Self::F212 => bytes / 3 * 2 + bytes % 3 / 2,
            Self::F16 => bytes / 2,
            Self::F80 => bytes,
        }
    }

    /// The `n`-th sample, which must be within.
    fn sample(self, bytes: &[u8], n: usize) -> i16 {
        match self {
            Self::F16 => i16::from_le_bytes([bytes[2 * n], bytes[2 * n + 1]]),
            Self::F80 => i16::from(bytes[n]) - 128,
            Self::F212 => {
                let triple = n / 2 * 3;
                let shared = u16::from(bytes[triple + 1]);
                let twelve = match n % 2 {
                    0 => (shared & 0x0F) << 8 | u16::from(bytes[triple]),
                    _ => (shared & 0xF0) << 4 | u16::from(bytes[triple + 2]),
                };
                // To the top of the word and back: the sign comes along.
                (twelve << 4).cast_signed() >> 4
            }
        }
    }
}

/// The samples of one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// `None` where the file says that there is no value.
    pub samples: Vec<Option<i16>>,
    /// Their sum is the header's checksum, or the header has none.
    pub adds_up: bool,
}

/// Reads the signals of one file, in the order of the header; `frames` as the header says.
pub fn decode(signals: &[&Signal], bytes: &[u8], frames: Option<u64>) -> Result<Vec<Read>, WfdbError> {
    let Some(first) = signals.first() else { return Ok(Vec::new()) };
    if signals.iter().any(|s| s.format != first.format || s.byte_offset != first.byte_offset) {
        return Err(WfdbError::Mixed);
    }
    let start = usize::try_from(first.byte_offset).unwrap_or(usize::MAX);
    let bytes = bytes.get(start..).ok_or(WfdbError::Truncated { frames: frames.unwrap_or(0) })?;
    let per_frame: usize = signals.iter().map(|s| s.per_frame as usize).sum();
    let held = first.format.held_by(bytes.len()) / per_frame;
    let frames = match frames {
        Some(frames) if frames > held as u64 => return Err(WfdbError::Truncated { frames }),
        Some(frames) => frames as usize,
        None => held,
    };
    let mut within_frame = 0;
    let mut read = Vec::with_capacity(signals.len());
    for signal in signals {
        read.push(one(signal, bytes, frames, held, per_frame, within_frame));
        within_frame += signal.per_frame as usize;
    }
    Ok(read)
}

/// One signal of `frames` frames; the file holds `held`, of which a skewed signal uses more than `frames`.
fn one(signal: &Signal, bytes: &[u8], frames: usize, held: usize, per_frame: usize, within_frame: usize) -> Read {
    let count = signal.per_frame as usize;
    let mut samples = Vec::with_capacity(frames * count);
    let mut sum = 0u16;
    for frame in 0..frames {
        let stored = frame + signal.skew as usize;
        for n in 0..count {
            if stored >= held {
                samples.push(None);
                continue;
            }
            let step = signal.format.sample(bytes, stored * per_frame + within_frame + n);
            sum = sum.wrapping_add(step.cast_unsigned());
            samples.push((step != signal.format.no_value()).then_some(step));
        }
    }
    Read { samples, adds_up: signal.checksum.is_none_or(|expected| expected == sum) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wfdb::Header;
    use proptest::prelude::*;

    fn read(lines: &[&str], frames: u64, bytes: &[u8]) -> Result<Vec<Vec<Option<i16>>>, WfdbError> {
        let header = Header::parse(&format!("r {} 250\n{}", lines.len(), lines.join("\n"))).unwrap();
        let signals: Vec<&Signal> = header.signals.iter().collect();
        decode(&signals, bytes, Some(frames)).map(|read| read.into_iter().map(|r| r.samples).collect())
    }

    /// The reference of format 212, written from signal(5).
    fn write_212(samples: &[i16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for pair in samples.chunks(2) {
            let first = pair[0].cast_unsigned() & 0xFFF;
            let second = pair.get(1).map(|s| s.cast_unsigned() & 0xFFF);
            bytes.push(first as u8);
            bytes.push((first >> 8) as u8 | (second.unwrap_or(0) >> 8 << 4) as u8);
            bytes.extend(second.map(|s| s as u8));
        }
        bytes
    }

    #[test]
    fn two_signals_take_turns_in_format_212() {
        let bytes = write_212(&[995, 1011, -1, 2047, -2048, -2047]);
        let read = read(&["r.dat 212", "r.dat 212"], 3, &bytes).unwrap();
        assert_eq!(read, [vec![Some(995), Some(-1), None], vec![Some(1011), Some(2047), Some(-2047)]]);
    }

    #[test]
    fn several_samples_a_frame_and_a_byte_offset_are_heeded() {
        let mut bytes = vec![0xEE; 4];
        bytes.extend([1i16, 10, 11, 2, 20, 21].iter().flat_map(|s| s.to_le_bytes()));
        let read = read(&["r.dat 16+4", "r.dat 16x2+4"], 2, &bytes).unwrap();
        assert_eq!(read, [vec![Some(1), Some(2)], vec![Some(10), Some(11), Some(20), Some(21)]]);
    }

    #[test]
    fn a_skewed_signal_is_moved_to_its_time_and_has_no_values_at_its_end() {
        let read = read(&["r.dat 80", "r.dat 80:1"], 3, &[129, 0, 130, 131, 131, 132]).unwrap();
        assert_eq!(read, [vec![Some(1), Some(2), Some(3)], vec![Some(3), Some(4), None]]);
    }

    #[test]
    fn a_file_that_ends_early_or_mixes_formats_is_refused() {
        assert!(matches!(read(&["r.dat 16"], 3, &[0; 5]), Err(WfdbError::Truncated { frames: 3 })));
        assert!(matches!(read(&["r.dat 16+9"], 1, &[0; 5]), Err(WfdbError::Truncated { .. })));
        assert!(matches!(read(&["r.dat 16", "r.dat 80"], 1, &[0; 5]), Err(WfdbError::Mixed)));
    }

    #[test]
    fn a_checksum_that_is_not_the_sum_is_told() {
        let header = Header::parse("r 2 250\nr.dat 80 1 8 0 1 3 0\nr.dat 80 1 8 0 1 4 0").unwrap();
        let signals: Vec<&Signal> = header.signals.iter().collect();
        let read = decode(&signals, &[129, 129, 130, 130], None).unwrap();
        assert_eq!(read.iter().map(|r| r.adds_up).collect::<Vec<_>>(), [true, false]);
    }

    proptest! {
        #[test]
        fn format_212_gives_back_every_twelve_bits(samples in prop::collection::vec(-2_047i16..2_048, 1..100)) {
            let read = read(&["r.dat 212"], samples.len() as u64, &write_212(&samples)).unwrap();
            prop_assert_eq!(&read[0], &samples.iter().copied().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), frames in 0u64..64, skew in 0u32..9) {
            for format in [212, 16, 80] {
                let lines = [format!("r.dat {format}x3:{skew}"), format!("r.dat {format}")];
                let _ = read(&lines.each_ref().map(String::as_str), frames, &bytes);
            }
        }
    }
}
