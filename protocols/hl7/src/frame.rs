//! MLLP framing: `<VT>` message `<FS><CR>` (HL7 v2.9 Transmission Specification: MLLP, release 1).
//!
//! VT and FS cannot be in a message in any character set taken here, which is what finds the way back after a sender
//! that stopped halfway: a VT within a frame begins another message. An FS ends a message whether or not the CR that
//! should follow it does; a sender that forgets it would wait for an answer for ever.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use healthsync_events::limits::MAX_HL7_MESSAGE_BYTES;
use tokio_util::codec::{Decoder, Encoder};

const START: u8 = 0x0b;
const END: u8 = 0x1c;
const RETURN: u8 = 0x0d;

/// Bytes kept of a message that is too long: enough for its header, so that it can be answered.
const HEAD: usize = 4 * 1024;

/// Bytes of one message passed over before the connection ends: more than a CT volume, which has no business here.
const MAX_SKIPPED: usize = 256 * 1024 * 1024;

/// Bytes outside frames before the connection ends: whoever sends this much does not speak MLLP.
const MAX_STRAY: usize = 64 * 1024;

/// Why a stream is not MLLP, so that the connection has to end.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("a message exceeds {MAX_HL7_MESSAGE_BYTES} bytes")]
    TooLong,
    #[error("a message does not end within {MAX_SKIPPED} bytes")]
    Endless,
    #[error("more than {MAX_STRAY} bytes came outside frames")]
    NotFramed,
    #[error("the connection ended within a message")]
    Half,
}

/// What comes out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Message(Bytes),
    /// The beginning of a message that is longer than is taken; the rest is passed over.
    TooLong(Bytes),
    /// A message was begun, and another before it ended: so many bytes were lost.
    Half(usize),
}

/// The codec; `hl7-mllp-codec` has no bound on a frame, which is why there is one here.
#[derive(Debug, Default)]
pub struct Mllp {
    /// Bytes already searched for the end.
    searched: usize,
    /// Bytes passed over of a message that is too long.
    skipping: Option<usize>,
    /// Bytes outside frames, line ends not counted.
    stray: usize,
}

impl Mllp {
    /// Bytes that came outside frames so far, line ends not counted.
    pub fn stray(&self) -> usize {
        self.stray
    }

    /// Passes over what stands before the next frame; whether there is one.
    fn find_start(&mut self, buffer: &mut BytesMut) -> Result<bool, FrameError> {
        let start = buffer.iter().position(|byte| *byte == START);
        let before = &buffer[..start.unwrap_or(buffer.len())];
        self.stray += before.iter().filter(|byte| !matches!(**byte, b'\r' | b'\n' | b' ' | 0 | END)).count();
        if self.stray > MAX_STRAY {
            return Err(FrameError::NotFramed);
        }
        buffer.advance(start.unwrap_or(buffer.len()));
        Ok(start.is_some())
    }

    /// Passes over the rest of a message that is too long; whether it has ended.
    fn skip(&mut self, buffer: &mut BytesMut, skipped: usize) -> Result<bool, FrameError> {
        let end = buffer.iter().position(|byte| matches!(*byte, START | END));
        let skipped = skipped + end.unwrap_or(buffer.len());
        if skipped > MAX_SKIPPED {
            return Err(FrameError::Endless);
        }
        buffer.advance(end.unwrap_or(buffer.len()));
        self.skipping = if end.is_some() { None } else { Some(skipped) };
        Ok(end.is_some())
    }
}

impl Decoder for Mllp {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let Some(skipped) = self.skipping
            && !self.skip(buffer, skipped)?
        {
            return Ok(None);
        }
        if self.searched == 0 && !self.find_start(buffer)? {
            return Ok(None);
        }
        let from = self.searched.max(1);
        let found = buffer.get(from..).and_then(|rest| rest.iter().position(|byte| matches!(*byte, START | END)));
        let length = found.map_or(buffer.len(), |at| from + at);
        if length - 1 > MAX_HL7_MESSAGE_BYTES {
            self.searched = 0;
            self.skipping = Some(length);
            let head = Bytes::copy_from_slice(&buffer[1..=HEAD]);
            buffer.advance(length);
            return Ok(Some(Frame::TooLong(head)));
        }
        let Some(at) = found else {
            self.searched = buffer.len();
            return Ok(None);
        };
        self.searched = 0;
        let mut frame = buffer.split_to(from + at);
        if buffer[0] == START {
            return Ok(Some(Frame::Half(frame.len() - 1)));
        }
        buffer.advance(1);
        if buffer.first() == Some(&RETURN) {
            buffer.advance(1);
        }
        frame.advance(1);
        Ok(Some(Frame::Message(frame.freeze())))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        match self.decode(buffer)? {
            Some(frame) => Ok(Some(frame)),
            None if buffer.is_empty() && self.skipping.is_none() => Ok(None),
            None => Err(FrameError::Half),
        }
    }
}

impl Encoder<&[u8]> for Mllp {
    type Error = FrameError;

    fn encode(&mut self, message: &[u8], buffer: &mut BytesMut) -> Result<(), FrameError> {
        if message.len() > MAX_HL7_MESSAGE_BYTES {
            return Err(FrameError::TooLong);
        }
        buffer.reserve(message.len() + 3);
        buffer.put_u8(START);
        buffer.extend_from_slice(message);
        buffer.extend_from_slice(&[END, RETURN]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode_all(stream: &[u8], chunk: usize) -> (Vec<Frame>, BytesMut) {
        let (mut codec, mut buffer, mut frames) = (Mllp::default(), BytesMut::new(), Vec::new());
        for part in stream.chunks(chunk) {
            buffer.extend_from_slice(part);
            while let Some(frame) = codec.decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        (frames, buffer)
    }

    fn message(text: &'static str) -> Frame {
        Frame::Message(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn bytes_between_frames_are_passed_over_and_counted() {
        for chunk in 1..12 {
            let (frames, _) = decode_all(b"junk\x0bone\x1c\r\n\n\x0btwo\x1c\r", chunk);
            assert_eq!(frames, [message("one"), message("two")]);
        }
        let mut codec = Mllp::default();
        codec.decode(&mut BytesMut::from(&b"junk\r\n"[..])).unwrap();
        assert_eq!(codec.stray(), 4);
    }

    #[test]
    fn a_message_begun_before_another_ended_is_lost_alone() {
        for chunk in 1..12 {
            let (frames, _) = decode_all(b"\x0bhalf\x0bwhole\x1c\r", chunk);
            assert_eq!(frames, [Frame::Half(4), message("whole")]);
        }
    }

    #[test]
    fn a_message_ends_without_its_carriage_return_as_well() {
        for chunk in 1..12 {
            assert_eq!(decode_all(b"\x0bone\x1c\x0btwo\x1c\n", chunk).0, [message("one"), message("two")]);
        }
    }

    #[test]
    fn a_connection_that_ends_within_a_message_says_so() {
        let mut buffer = BytesMut::from(&b"\x0bone\x1c\r\x0bhal"[..]);
        let mut codec = Mllp::default();
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), Some(message("one")));
        assert!(matches!(codec.decode_eof(&mut buffer), Err(FrameError::Half)));
        assert!(matches!(Mllp::default().decode_eof(&mut BytesMut::from(&b"\r\n"[..])), Ok(None)));
    }

    #[test]
    fn a_hundred_megabytes_are_answered_by_their_head_and_the_next_message_is_read() {
        let (mut codec, mut buffer) = (Mllp::default(), BytesMut::from(&b"\x0bMSH|"[..]));
        let part = vec![b'x'; 64 * 1024];
        let (mut heads, mut largest) = (Vec::new(), 0);
        for _ in 0..1_600 {
            buffer.extend_from_slice(&part);
            largest = largest.max(buffer.len());
            heads.extend(codec.decode(&mut buffer).unwrap());
        }
        buffer.extend_from_slice(b"\x1c\r\x0bnext\x1c\r");
        heads.extend(codec.decode(&mut buffer).unwrap());
        assert!(matches!(&heads[0], Frame::TooLong(head) if head.starts_with(b"MSH|xxx") && head.len() == HEAD));
        assert_eq!(&heads[1..], [message("next")]);
        assert!(largest <= MAX_HL7_MESSAGE_BYTES + part.len() + 8);
    }

    #[test]
    fn what_never_ends_and_what_is_not_framed_ends_the_connection() {
        let part = vec![b'x'; 1024 * 1024];
        let mut codec = Mllp::default();
        let mut buffer = BytesMut::from(&b"\x0b"[..]);
        let ended = (0..300).any(|_| {
            buffer.extend_from_slice(&part);
            matches!(codec.decode(&mut buffer), Err(FrameError::Endless))
        });
        assert!(ended);
        let refused = Mllp::default().decode(&mut BytesMut::from(&part[..]));
        assert!(matches!(refused, Err(FrameError::NotFramed)));
    }

    proptest! {
        #[test]
        fn messages_survive_the_wire_however_it_is_chopped(
            messages in proptest::collection::vec("[ -~\r]{0,80}", 0..6), chunk in 1usize..50,
        ) {
            let (mut codec, mut stream) = (Mllp::default(), BytesMut::new());
            for message in &messages {
                codec.encode(message.as_bytes(), &mut stream).unwrap();
            }
            let (frames, rest) = decode_all(&stream, chunk);
            let sent: Vec<_> = messages.into_iter().map(|text| Frame::Message(text.into_bytes().into())).collect();
            prop_assert_eq!(frames, sent);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn however_bytes_are_chopped_the_frames_are_the_same(
            stream in proptest::collection::vec(prop_oneof![Just(START), Just(END), Just(RETURN), any::<u8>()], 0..300),
            chunk in 1usize..50,
        ) {
            prop_assert_eq!(decode_all(&stream, chunk).0, decode_all(&stream, 1_000).0);
        }
    }
}
