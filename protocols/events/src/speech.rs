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

/// A word of a caption with its place on the track's media clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CaptionWord {
    pub text: String,
    #[ts(type = "number")]
    pub start_ms: u64,
    #[ts(type = "number")]
    pub end_ms: u64,
    /// Mean probability of its tokens, 0 to 1.
    pub probability: f32,
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
    /// The words of `text` in order, where the engine tells their times.
    #[serde(default)]
    pub words: Vec<CaptionWord>,
    pub provenance: Provenance,
}

/// Speech that gave no caption, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CaptionDropped {
    pub utterance: UtteranceId,
    pub participant: ParticipantId,
    pub span: MediaSpan,
    pub reason: CaptionDropReason,
    /// Words of the text that was not believed.
    #[serde(default)]
    pub words: u32,
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

/// What of an utterance that is still being spoken can be translated already: its committed text up to the last
/// complete clause. A later one of the same utterance and language replaces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TranslationPartial {
    pub utterance: UtteranceId,
    pub participant: ParticipantId,
    pub source_language: Language,
    pub target_language: Language,
    pub text: String,
    pub engine: String,
    pub review: ReviewStatus,
    pub provenance: Provenance,
}

/// What must survive translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum PreservedKind {
    /// A quantity, a time or a count.
    Number,
    /// A unit, or a number with another unit than in the source.
    Unit,
    /// The name of a drug.
    Drug,
    Negation,
    /// Left, right, both.
    Laterality,
    /// A term of the deployment's own list.
    Term,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum PreservationProblem {
    /// In the source, not in the translation.
    Missing,
    /// In the translation, not in the source.
    Added,
    /// In both, but not the same.
    Changed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct PreservationFinding {
    pub kind: PreservedKind,
    pub problem: PreservationProblem,
    /// As it stands in the source, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub source: Option<String>,
    /// As it stands in the translation, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub target: Option<String>,
}

/// The outcome of comparing a translation with its source. It has passed when nothing was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Preservation {
    pub findings: Vec<PreservationFinding>,
}

impl Preservation {
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
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
    /// `None`: not compared, as in logs from before there was a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub preservation: Option<Preservation>,
    pub provenance: Provenance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AudioCodec {
    /// Signed 16-bit little-endian PCM, mono.
    PcmS16le,
    /// One Opus packet of 20 ms, mono, a frame.
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
    /// Of what was sent.
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// Somebody else took the turn before it was over.
    #[serde(default)]
    pub interrupted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SpeechSkipReason {
    /// The translation failed its preservation check: it is shown flagged, not spoken.
    NotPreserved,
    /// Somebody else had taken the turn.
    TurnTaken,
    /// Too much was waiting to be spoken.
    Backlog,
}

/// A translation that somebody would have heard and that stays text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SpeechSkipped {
    pub utterance: UtteranceId,
    /// Sequence number of the translation.
    pub of: Seq,
    pub language: Language,
    pub reason: SpeechSkipReason,
}

/// The language somebody speaks, found out from what they said. It holds until it is set or found anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LanguageDetected {
    pub participant: ParticipantId,
    pub utterance: UtteranceId,
    pub language: Language,
    /// Among the languages of the session, 0 to 1.
    pub probability: f32,
    pub provenance: Provenance,
}

/// The language somebody speaks, as a person says; `und` asks for it to be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LanguageSet {
    pub participant: ParticipantId,
    pub language: Language,
}

/// A binary WebSocket message: 16 bytes speech identifier (UUID, network order), 4 bytes frame index
/// (little-endian, from 0), 1 byte flags (bit 0: last frame; bit 1: interrupted, what has not been played yet is not
/// to be), then samples in the announced codec; a last frame may be without any. Frames come at the pace they are
/// played at, at most 200 ms ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechFrame {
    pub speech: SpeechId,
    pub index: u32,
    pub last: bool,
    /// Comes with `last` only.
    pub interrupted: bool,
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
        bytes.push(u8::from(self.last) | u8::from(self.interrupted) << 1);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, SpeechFrameError> {
        let (header, payload) = bytes.split_at_checked(Self::HEADER_BYTES).ok_or(SpeechFrameError::Short)?;
        let id = <[u8; 16]>::try_from(&header[..16]).map_err(|_| SpeechFrameError::Short)?;
        let index = <[u8; 4]>::try_from(&header[16..20]).map_err(|_| SpeechFrameError::Short)?;
        // An interruption is an end.
        if !matches!(header[20], 0 | 1 | 3) {
            return Err(SpeechFrameError::Flags);
        }
        Ok(Self {
            speech: SpeechId(uuid::Uuid::from_bytes(id)),
            index: u32::from_le_bytes(index),
            last: header[20] & 1 == 1,
            interrupted: header[20] & 2 == 2,
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
        fn a_speech_frame_survives_the_wire(id in any::<u128>(), index in any::<u32>(), end in 0u8..3,
                                            payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let (last, interrupted) = (end > 0, end > 1);
            let frame = SpeechFrame { speech: SpeechId(uuid::Uuid::from_u128(id)), index, last, interrupted, payload };
            prop_assert_eq!(SpeechFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = SpeechFrame::decode(&bytes);
        }
    }
}
