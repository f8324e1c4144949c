//! An uploaded file, within bounds that keep a run fast.
#![no_main]

use healthsync_dicom::{Decoder, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let limits = Limits { pixels: 1 << 20, ..Limits::default() };
    let _ = Decoder { limits }.decode_image(file);
});
