//! Captions, their translations, and spoken translation.

use crate::{
    ids::{Language, ParticipantId, Seq, SpeechId, UtteranceId},
    provenance::Provenance,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A span of a track's media time, in milliseconds since the track opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MediaSpan {
    #[ts(type = "number")]
    pub start_ms: u64,
    #[ts(type = "number")]
    pub end_ms: u64,
}

/// What is understood so far of an utterance that is still being spoken. `committed` only ever grows;
/// `tentative` may change with the next partial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CaptionPartial {
    pub utterance: UtteranceId,
    pub participant: ParticipantId,
    pub language: Language,
    pub committed: String,
    pub tentative: String,
    pub span: MediaSpan,
    pub provenance: Provenance,
}

/// A finished utterance. Its text never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CaptionFinal {
    pub utterance: UtteranceId,
    pub participant: ParticipantId,
    pub language: Language,
    pub text: String,
    pub span: MediaSpan,
    /// Milliseconds from the last voiced sample reaching the server to this text being known.
    #[ts(type = "number")]
    pub latency_ms: u64,
    /// Mean probability of the chosen tokens, 0 to 1.
    pub confidence: f32,
    pub provenance: Provenance,
}

/// Speech that gave no caption, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CaptionDropped {
    pub utterance: UtteranceId,
    pub participant: ParticipantId,
    pub span: MediaSpan,
    pub reason: CaptionDropReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum CaptionDropReason {
    /// The recogniser found no speech in it.
    NoSpeech,
    /// The text repeats itself or was improbable: a hallucination.
    Implausible,
    /// The model failed; the error event before this one says how.
    ModelFailed,
    /// The actor that held the audio died before it was recognised.
    Interrupted,
}

/// Whether a clinician of both languages has reviewed this engine for this direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    Reviewed,
    Unreviewed,
}

/// A final caption in another language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TranslationFinal {
    pub utterance: UtteranceId,
    /// Sequence number of the caption translated.
    pub of: Seq,
    pub participant: ParticipantId,
    pub source_language: Language,
    pub target_language: Language,
    pub text: String,
    pub engine: String,
    pub review: ReviewStatus,
    pub provenance: Provenance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AudioCodec {
    /// Signed 16-bit little-endian PCM, mono.
    PcmS16le,
    Opus,
}

/// Says that binary frames of this speech follow on the WebSocket of those who asked for its language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SpeechAnnounced {
    pub speech: SpeechId,
    pub utterance: UtteranceId,
    /// Sequence number of the translation spoken.
    pub of: Seq,
    pub language: Language,
    pub voice: String,
    pub codec: AudioCodec,
    /// Hertz.
    pub sample_rate: u32,
    /// Milliseconds from the last voiced sample of the original reaching the server to the first
    /// synthesised samples being ready.
    #[ts(type = "number")]
    pub latency_ms: u64,
    pub provenance: Provenance,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SpeechCompleted {
    pub speech: SpeechId,
    #[ts(type = "number")]
    pub duration_ms: u64,
}

/// A binary WebSocket message: 16 bytes speech identifier (UUID, network order), 4 bytes frame index
/// (little-endian, from 0), 1 byte flags (bit 0: last frame), then samples in the announced codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechFrame {
    pub speech: SpeechId,
    pub index: u32,
    pub last: bool,
    pub payload: Vec<u8>,
}

/// Why bytes are not a [`SpeechFrame`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpeechFrameError {
    #[error("a speech frame has at least {} bytes", SpeechFrame::HEADER_BYTES)]
    Short,
    #[error("unknown speech frame flags")]
    Flags,
}

impl SpeechFrame {
    pub const HEADER_BYTES: usize = 21;

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::HEADER_BYTES + self.payload.len());
        bytes.extend_from_slice(self.speech.0.as_bytes());
        bytes.extend_from_slice(&self.index.to_le_bytes());
        bytes.push(u8::from(self.last));
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, SpeechFrameError> {
        let (header, payload) = bytes.split_at_checked(Self::HEADER_BYTES).ok_or(SpeechFrameError::Short)?;
        let id = <[u8; 16]>::try_from(&header[..16]).map_err(|_| SpeechFrameError::Short)?;
        let index = <[u8; 4]>::try_from(&header[16..20]).map_err(|_| SpeechFrameError::Short)?;
        if header[20] > 1 {
            return Err(SpeechFrameError::Flags);
        }
        Ok(Self {
            speech: SpeechId(uuid::Uuid::from_bytes(id)),
            index: u32::from_le_bytes(index),
            last: header[20] == 1,
            payload: payload.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_speech_frame_survives_the_wire(id in any::<u128>(), index in any::<u32>(), last in any::<bool>(),
                                            payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let frame = SpeechFrame { speech: SpeechId(uuid::Uuid::from_u128(id)), index, last, payload };
            prop_assert_eq!(SpeechFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = SpeechFrame::decode(&bytes);
        }
    }
}
