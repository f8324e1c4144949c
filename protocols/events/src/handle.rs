//! The handle through which transports reach sessions. `actors` implements it; transports know only this.

use crate::{
    audio::{AudioSink, AudioTrackSpec},
    body::EventBody,
    clinical::RejectionReason,
    envelope::Event,
    ids::{ImageId, Language, PatientId, Seq, SessionId, Timestamp},
    patient::PatientChanged,
    refusal::Refusal,
    risk::Spo2Scale,
    speech::SpeechFrame,
    state::SessionState,
    waveform::{WaveformBlock, WaveformSink},
};
use futures_core::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{future::Future, pin::Pin, sync::Arc};
use ts_rs::TS;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A session's events in order, without gap or repeat, first from the log and then as they happen. It ends
/// after `session.ended`; it yields a refusal, last, when the log cannot be read.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<Arc<Event>, Refusal>> + Send>>;

/// Frames of synthesised speech as they are made. A listener that falls behind misses frames, never delays
/// others.
pub type SpeechStream = Pin<Box<dyn Stream<Item = Arc<SpeechFrame>> + Send>>;

/// Blocks of a session's waveforms: those of the last 10 s, then as they come. A watcher that falls behind misses
/// blocks, which their numbers tell. It ends with the session.
pub type WaveformStream = Pin<Box<dyn Stream<Item = Arc<WaveformBlock>> + Send>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    pub patient: PatientId,
    /// One to four languages, none twice.
    pub languages: Vec<Language>,
    #[serde(default)]
    pub spo2_scale: Spo2Scale,
    /// Names of drugs, anatomy and people that the recogniser should expect: at most
    /// [`crate::limits::MAX_TERMS`] of at most [`crate::limits::MAX_TERM_CHARS`] characters.
    #[serde(default)]
    pub terms: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionSummary {
    pub session: SessionId,
    pub patient: PatientId,
    pub languages: Vec<Language>,
    pub started_at: Timestamp,
    pub ended: bool,
    /// Sequence number of the newest event.
    pub head: Seq,
}

/// Proof that an input is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Receipt {
    pub seq: Seq,
    pub at: Timestamp,
    /// The same monitor message had been recorded before, under this sequence number.
    pub repeated: bool,
}

/// Why a message is kept outside every session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeptBecause {
    /// The patient has no session.
    #[default]
    NoSession,
    /// The message, or a part that says whom it is about, could not be read.
    Content,
}

/// A monitor's message that belongs to no session. The same message is kept once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct UnmatchedMessage {
    pub received_at: Timestamp,
    /// PID-3.1, if the message had one.
    pub patient: Option<PatientId>,
    /// MSH-10.
    pub message_id: String,
    /// The message as received; bytes that are not UTF-8 as ISO 8859-1.
    pub raw: String,
    #[serde(default)]
    pub because: KeptBecause,
    /// What could not be read, without patient data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<String>,
}

/// A kind of observation that could not be used, over all sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct UnmappedCode {
    /// The code as sent.
    pub code: String,
    pub reason: RejectionReason,
    /// Observations of this kind so far.
    #[ts(type = "number")]
    pub count: u64,
    pub last_at: Timestamp,
    /// The session of the newest one.
    pub session: SessionId,
    /// The newest one as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub raw: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ImageUpload {
    pub bytes: Vec<u8>,
}

/// Sessions, as a transport sees them.
pub trait Sessions: Send + Sync + 'static {
    fn create(&self, new: NewSession) -> BoxFuture<'_, Result<SessionSummary, Refusal>>;

    fn list(&self) -> BoxFuture<'_, Result<Vec<SessionSummary>, Refusal>>;

    fn summary(&self, session: SessionId) -> BoxFuture<'_, Result<SessionSummary, Refusal>>;

    /// The session of this patient that has not ended; the newest, if there are several.
    fn of_patient<'a>(&'a self, patient: &'a PatientId) -> BoxFuture<'a, Result<Option<SessionId>, Refusal>>;

    /// Appends an input to the session's log. Returns once it is durable.
    fn record(&self, session: SessionId, input: EventBody) -> BoxFuture<'_, Result<Receipt, Refusal>>;

    /// Keeps a monitor's message that has no session; the same message once. Returns once it is durable.
    fn keep_unmatched(&self, message: UnmatchedMessage) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Messages kept for patients without a session, newest first.
    fn unmatched(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmatchedMessage>, Refusal>>;

    /// Kinds of observation that could not be used, the newest first, with how often.
    fn unmapped(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmappedCode>, Refusal>>;

    /// Takes in what the hospital says of a patient: remembers it for sessions to come, and tells the patient's open
    /// session if there is one. Returns once it is durable.
    fn patient_changed(&self, changed: PatientChanged) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Opens a participant's audio track; `participant.joined` is durable when this returns. A participant
    /// who already has a track gets a new one and the old one closes.
    fn open_audio(
        &self,
        session: SessionId,
        spec: AudioTrackSpec,
    ) -> BoxFuture<'_, Result<Box<dyn AudioSink>, Refusal>>;

    /// The session's events from `from` on. `Seq(0)` and `Seq(1)` both mean from the first.
    fn events(&self, session: SessionId, from: Seq) -> BoxFuture<'_, Result<EventStream, Refusal>>;

    /// Synthesised speech in a language, from now on.
    fn speech(&self, session: SessionId, language: Language) -> BoxFuture<'_, Result<SpeechStream, Refusal>>;

    /// The session's waveforms, from 10 s ago on.
    fn waveforms(&self, session: SessionId) -> BoxFuture<'_, Result<WaveformStream, Refusal>>;

    /// Where a source puts the session's waveforms.
    fn open_waveforms(&self, session: SessionId) -> BoxFuture<'_, Result<Box<dyn WaveformSink>, Refusal>>;

    /// The session folded up to its newest event.
    fn state(&self, session: SessionId) -> BoxFuture<'_, Result<Arc<SessionState>, Refusal>>;

    /// Stores an upload and records `image.received`. Returns once both are durable.
    fn store_image(
        &self,
        session: SessionId,
        upload: ImageUpload,
    ) -> BoxFuture<'_, Result<(ImageId, Receipt), Refusal>>;

    /// The PNG preview of an image that is ready.
    fn image_preview(&self, session: SessionId, image: ImageId) -> BoxFuture<'_, Result<Vec<u8>, Refusal>>;
}
