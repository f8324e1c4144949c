//! What a listener hears of synthesised speech.

use healthsync_events::{SpeechId, speech::SpeechFrame};
use opus::{Channels, Decoder};

/// Sample rate that speech is decoded at, in hertz: that of the voices.
pub const SAMPLE_RATE: u32 = 24_000;

/// Samples of the longest Opus packet, 120 ms (RFC 6716, section 3.2.5).
const MAX_PACKET: usize = SAMPLE_RATE as usize * 120 / 1_000;

/// Why a frame cannot be heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HearingError {
    #[error("frame {got} came where frame {expected} was due")]
    Order { expected: u32, got: u32 },
    #[error("a frame is not an Opus packet")]
    Packet,
    #[error("there is no Opus decoder")]
    Decoder,
}

/// Decodes one speech after the other.
#[derive(Default)]
pub struct Listener {
    current: Option<(SpeechId, u32, Decoder)>,
}

impl Listener {
    /// The samples of a frame; none for one that only says that the speech is over. Who comes in the middle of a
    /// speech hears it from there.
    pub fn hear(&mut self, frame: &SpeechFrame) -> Result<Vec<f32>, HearingError> {
        let (_, due, decoder) = match &mut self.current {
            Some(current) if current.0 == frame.speech => current,
            _ => {
                let decoder = Decoder::new(SAMPLE_RATE, Channels::Mono).map_err(|_| HearingError::Decoder)?;
                self.current.insert((frame.speech, frame.index, decoder))
            }
        };
        let expected = std::mem::replace(due, frame.index.wrapping_add(1));
        if frame.index != expected {
            return Err(HearingError::Order { expected, got: frame.index });
        }
        if frame.payload.is_empty() {
            return if frame.last { Ok(Vec::new()) } else { Err(HearingError::Packet) };
        }
        let mut samples = vec![0.0; MAX_PACKET];
        let count = decoder.decode_float(&frame.payload, &mut samples, false).map_err(|_| HearingError::Packet)?;
        samples.truncate(count);
        Ok(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opus::{Application, Encoder};

    fn frames(speech: u128, count: u32) -> Vec<SpeechFrame> {
        let mut encoder = Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip).unwrap();
        let id: SpeechId = format!("{speech:032x}").parse().unwrap();
        let packets = (0..count).map(|_| encoder.encode_vec_float(&[0.1; 480], 400).unwrap());
        let frame = |(index, payload)| SpeechFrame { speech: id, index, last: false, interrupted: false, payload };
        (0..).zip(packets).map(frame).collect()
    }

    #[test]
    fn packets_become_as_much_sound_as_they_say() {
        let mut listener = Listener::default();
        let heard: usize = frames(1, 5).iter().map(|frame| listener.hear(frame).unwrap().len()).sum();
        assert_eq!(heard, 5 * 480);
    }

    #[test]
    fn a_frame_that_is_missing_is_noticed_and_the_next_speech_begins_anew() {
        let mut listener = Listener::default();
        let first = frames(1, 3);
        listener.hear(&first[0]).unwrap();
        assert_eq!(listener.hear(&first[2]), Err(HearingError::Order { expected: 1, got: 2 }));
        assert!(listener.hear(&frames(2, 1)[0]).is_ok());
    }

    #[test]
    fn an_interruption_has_no_sound_and_nonsense_is_refused() {
        let mut listener = Listener::default();
        let mut frame = frames(1, 1).remove(0);
        frame.payload.clear();
        assert_eq!(Listener::default().hear(&frame), Err(HearingError::Packet));
        (frame.last, frame.interrupted) = (true, true);
        assert_eq!(listener.hear(&frame), Ok(Vec::new()));
        frame.index += 1;
        frame.payload = vec![0xff; 3];
        assert_eq!(listener.hear(&frame), Err(HearingError::Packet));
    }
}
