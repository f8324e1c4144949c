//! Bytes on the MLLP door: framing, then each message as an ORU^R01.
#![no_main]

use bytes::BytesMut;
use healthsync_events::Timestamp;
use healthsync_hl7::{Message, decode, frame::Mllp, oru};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder as _;

fuzz_target!(|stream: &[u8]| {
    let (mut codec, mut buffer) = (Mllp::default(), BytesMut::from(stream));
    while let Ok(Some(frame)) = codec.decode(&mut buffer) {
        let Ok(message) = Message::parse(&frame) else { continue };
        let _ = oru::header(&message);
        let _ = decode(&message, Timestamp::from_millis(0));
    }
});
