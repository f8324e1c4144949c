//! A binary frame of synthesised speech: what decodes is encoded to the same bytes.
#![no_main]

use healthsync_events::speech::SpeechFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = SpeechFrame::decode(bytes) {
        assert_eq!(frame.encode(), bytes);
    }
});
