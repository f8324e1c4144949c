//! A WHIP offer.
#![no_main]

use healthsync_webrtc::sdp::Offer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Offer::parse(text);
});
