//! MLLP framing: `<VT>` message `<FS><CR>`.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use healthsync_events::limits::MAX_HL7_MESSAGE_BYTES;
use tokio_util::codec::{Decoder, Encoder};

const START: u8 = 0x0b;
const END: u8 = 0x1c;
const RETURN: u8 = 0x0d;

/// Why a stream is not MLLP. Bytes between frames are no error: they are passed over.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The frame cannot be told from its beginning, so the connection has to end.
    #[error("a message exceeds {MAX_HL7_MESSAGE_BYTES} bytes")]
    TooLong,
}

/// The codec; `hl7-mllp-codec` has no bound on a frame, which is why there is one here.
#[derive(Debug, Default)]
pub struct Mllp {
    /// Bytes already searched for the end.
    searched: usize,
}

impl Decoder for Mllp {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(start) = buffer.iter().position(|byte| *byte == START) else {
            buffer.clear();
            self.searched = 0;
            return Ok(None);
        };
        buffer.advance(start);
        let from = self.searched.saturating_sub(start).max(1);
        let end = buffer[from.min(buffer.len())..].windows(2).position(|pair| pair == [END, RETURN]);
        let Some(end) = end.map(|at| at + from) else {
            if buffer.len() > MAX_HL7_MESSAGE_BYTES {
                return Err(FrameError::TooLong);
            }
            self.searched = buffer.len().saturating_sub(1);
            return Ok(None);
        };
        self.searched = 0;
        let mut frame = buffer.split_to(end + 2);
        frame.truncate(end);
        frame.advance(1);
        if frame.len() > MAX_HL7_MESSAGE_BYTES {
            return Err(FrameError::TooLong);
        }
        Ok(Some(frame.freeze()))
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

    fn decode_all(stream: &[u8], chunk: usize) -> Vec<Bytes> {
        let (mut codec, mut buffer, mut frames) = (Mllp::default(), BytesMut::new(), Vec::new());
        for part in stream.chunks(chunk) {
            buffer.extend_from_slice(part);
            while let Some(frame) = codec.decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        frames
    }

    #[test]
    fn bytes_between_frames_are_passed_over() {
        let frames = decode_all(b"junk\x0bone\x1c\r\n\n\x0btwo\x1c\r", 3);
        assert_eq!(frames, [Bytes::from_static(b"one"), Bytes::from_static(b"two")]);
    }

    #[test]
    fn a_frame_that_never_ends_is_refused_at_the_bound() {
        let (mut codec, mut buffer) = (Mllp::default(), BytesMut::from(&b"\x0b"[..]));
        let part = vec![b'x'; 64 * 1024];
        let refused = (0..8).any(|_| {
            buffer.extend_from_slice(&part);
            matches!(codec.decode(&mut buffer), Err(FrameError::TooLong))
        });
        assert!(refused && buffer.len() <= MAX_HL7_MESSAGE_BYTES + part.len() + 1);
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
            let frames = decode_all(&stream, chunk);
            let texts: Vec<_> = frames.iter().map(|f| String::from_utf8(f.to_vec()).unwrap()).collect();
            prop_assert_eq!(texts, messages);
        }

        #[test]
        fn arbitrary_bytes_never_panic(stream in proptest::collection::vec(any::<u8>(), 0..300), chunk in 1usize..50) {
            decode_all(&stream, chunk);
        }
    }
}
