//! Bytes on the MLLP door: framing, then each message as ORU and ADT, and its answers.
#![no_main]

use bytes::BytesMut;
use healthsync_events::Timestamp;
use healthsync_hl7::{
    Message,
    ack::{self, Answer, Outcome},
    adt,
    frame::{Frame, Mllp},
    header::Header,
    oru::{self, Clock},
    time::Zone,
};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder as _;

fuzz_target!(|stream: &[u8]| {
    let (mut codec, mut buffer) = (Mllp::default(), BytesMut::from(stream));
    while let Ok(Some(frame)) = codec.decode(&mut buffer) {
        let (Frame::Message(bytes) | Frame::TooLong(bytes)) = frame else { continue };
        let Ok(message) = Message::parse(&bytes) else { continue };
        let header = Header::read(&message, Zone::UTC);
        let clock = Clock { received: Timestamp::from_millis(0), zone: Zone::UTC };
        let _ = adt::decode(&message, &header, clock);
        let problems = oru::decode(&message, &header, clock).map(|oru| oru.problems).unwrap_or_default();
        let answer = Answer { outcome: Outcome::Accepted, problems };
        let _ = ack::write(&header, &answer, Timestamp::from_millis(0), String::new);
    }
});
