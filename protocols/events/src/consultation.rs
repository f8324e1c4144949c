//! The consultation itself: who takes part, what they type, how it ends, what went wrong.

use crate::{
    ids::{Language, ParticipantId, PatientId, Seq},
    refusal::Refusal,
    risk::Spo2Scale,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionStarted {
    pub patient: PatientId,
    /// Languages of the consultation: every caption is translated into each of the others.
    pub languages: Vec<Language>,
    #[serde(default)]
    pub spo2_scale: Spo2Scale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SessionEndReason {
    /// A participant ended it.
    Ended,
    /// Nothing happened for longer than the configured idle time.
    Idle,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionEnded {
    pub reason: SessionEndReason,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ParticipantJoined {
    pub participant: ParticipantId,
    pub language: Language,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ParticipantLeft {
    pub participant: ParticipantId,
}

/// A voice activity boundary; `at_ms` is media time of the track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SpeechBoundary {
    pub participant: ParticipantId,
    pub utterance: crate::ids::UtteranceId,
    #[ts(type = "number")]
    pub at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ChatMessage {
    pub participant: ParticipantId,
    pub language: Language,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    Session,
    AudioTrack,
    Interpreter,
    Vitals,
    Imaging,
    Scribe,
    Transcribe,
    Translate,
    Speak,
}

/// Something failed that a person should know of. The session lives on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ErrorRaised {
    pub component: Component,
    pub error: Refusal,
    /// The event that could not be dealt with, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub of: Option<Seq>,
}

/// A supervised actor died and was started again from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ActorRestarted {
    pub component: Component,
    pub restarts: u32,
}
