//! A block of a waveform: what decodes is encoded to the same bytes, and whatever follows what, it is told and summed up.
#![no_main]

use healthsync_waveform::{Continuity, Recorder, block::HEADER_BYTES, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut continuity, mut recorder) = (Continuity::default(), Recorder::default());
    // Several blocks of ten samples, so that one follows another.
    for bytes in bytes.chunks(HEADER_BYTES + 20) {
        let Ok(block) = decode(bytes) else { continue };
        assert_eq!(encode(&block).as_deref(), Ok(bytes));
        let verdict = continuity.take(&block);
        recorder.take(&block, verdict);
    }
    recorder.finish();
});
