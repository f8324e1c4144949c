//! A request for inference: its first two bytes say where its JSON ends. What is read is read the same once more after it
//! has been written.
#![no_main]

use bytes::Bytes;
use healthsync_kserve::infer::{encode_request, request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((length, body)) = data.split_first_chunk() else { return };
    let length = Some(usize::from(u16::from_le_bytes(*length))).filter(|&length| length > 0);
    let Ok(read) = request(Bytes::copy_from_slice(body), length) else { return };
    let written = encode_request(&read, true).expect("what was read can be written");
    assert_eq!(request(written.body, written.header_length).expect("what was written can be read"), read);
});
