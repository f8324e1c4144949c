//! A million broken blocks and as many broken headers: each is answered, none panics, and nothing grows.

use healthsync_events::{MdcCode, WaveformBlock};
use healthsync_waveform::{Continuity, Recorder, decode, encode, wfdb::Header};

/// Marsaglia's xorshift: the same bytes every time, so that a failure can be seen again.
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Changes, drops, doubles or adds one to four bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.next() % 4 {
            let at = self.next() as usize % bytes.len().max(1);
            match self.next() % 8 {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), self.next() as u8),
                2 => bytes.extend_from_within(at.min(bytes.len())..),
                3 => drop(bytes.splice(at.min(bytes.len())..(at + 4).min(bytes.len()), [0xFF; 4])),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = self.next() as u8;
                    }
                }
            }
        }
    }
}

const MUTATIONS: u32 = 1_000_000;

#[test]
fn a_million_mutated_blocks_are_each_read_or_refused() {
    let mut luck = Luck(0x9E37_79B9_7F4A_7C15);
    let block = WaveformBlock {
        channel: MdcCode::ECG_II,
        unit: MdcCode::MILLIVOLT,
        sequence: 3,
        first: false,
        rate_millihertz: 500_000,
        scale: 0.005,
        offset: 0.0,
        start_micros: 1_795_000_000_000_000,
        samples: (0..20).collect(),
    };
    let good = encode(&block).unwrap();
    let (mut continuity, mut recorder) = (Continuity::default(), Recorder::default());
    let (mut read, mut stretches) = (0u32, 0usize);
    for _ in 0..MUTATIONS {
        let mut bytes = good.clone();
        luck.mutate(&mut bytes);
        let Ok(block) = decode(&bytes) else { continue };
        assert_eq!(encode(&block).unwrap(), bytes);
        read += 1;
        let verdict = continuity.take(&block);
        stretches += recorder.take(&block, verdict).len();
    }
    assert!((MUTATIONS / 100..MUTATIONS).contains(&read), "some are still blocks, most are not: {read}");
    assert!(stretches <= 2 * read as usize);
}

#[test]
fn a_million_mutated_headers_are_each_read_or_refused() {
    let mut luck = Luck(0xD1B5_4A32_D192_ED03);
    let good = b"r 2 360 650000\nr.dat 212x2:1+4 200(1024)/mV 11 1024 995 -22131 0 MLII\nr.dat 212 200 11 1024 1011 20052 0 V5\n";
    let mut read = 0u32;
    for _ in 0..MUTATIONS {
        let mut bytes = good.to_vec();
        luck.mutate(&mut bytes);
        if let Ok(header) = Header::parse(&String::from_utf8_lossy(&bytes)) {
            assert!(header.signals.len() <= 256);
            read += 1;
        }
    }
    assert!((MUTATIONS / 100..MUTATIONS).contains(&read), "some are still headers, not all: {read}");
}
