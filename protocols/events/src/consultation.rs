//! The consultation itself: who takes part, what they type, how it ends, what went wrong.

use crate::{
    ids::{InvitationId, Language, ParticipantId, PatientId, Seq, Timestamp},
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
    /// Names of drugs, anatomy and people that the recogniser should expect.
    #[serde(default)]
    pub terms: Vec<String>,
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

/// Somebody may join as this participant with a link. The link's token is not kept, only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ParticipantInvited {
    pub invitation: InvitationId,
    pub participant: ParticipantId,
    pub language: Language,
    /// SHA-256 of the token, in hex.
    pub token_sha256: String,
    pub expires_at: Timestamp,
}

/// Whether a participant sends sound or pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    /// No such track.
    Off,
    On,
    /// There is a track, and nothing on it until it is on again.
    Muted,
}

/// What a participant sends to the others from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MediaChanged {
    pub participant: ParticipantId,
    pub audio: Sending,
    pub video: Sending,
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
    Deterioration,
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
