//! The vocabulary of HealthSync: identifiers, clinical types, events, limits, refusals, and the handle
//! through which every transport reaches a session.
//!
//! Everything that happens in a session is an [`Event`] in that session's log, and every view of a session
//! is a fold over it ([`SessionState`]). This crate is pure: no runtime, no clock, no I/O.

pub mod alarm;
pub mod audio;
pub mod body;
pub mod clinical;
pub mod consultation;
pub mod documents;
pub mod envelope;
pub mod feed;
pub mod handle;
pub mod ids;
pub mod imaging;
pub mod limits;
pub mod monitoring;
pub mod observation;
pub mod patient;
pub mod prediction;
pub mod provenance;
pub mod readings;
pub mod refusal;
pub mod risk;
pub mod schema;
pub mod scribe;
pub mod speech;
pub mod state;
pub mod transcript;
pub mod ward;
pub mod waveform;

pub use audio::{AudioFrame, AudioSink, AudioTrackSpec};
pub use body::EventBody;
pub use clinical::{Consciousness, MonitorProtocol, MonitorSource, VitalSign, VitalSigns};
pub use documents::Documents;
pub use envelope::{Event, NewEvent, VERSION};
pub use feed::{AppendStream, Appended, Backlog, EventFeed, Standing};
pub use handle::{
    BoxFuture, EventStream, ImageUpload, KeptBecause, NewSession, Receipt, SessionSummary, Sessions, SpeechStream,
    UnmappedCode, UnmatchedMessage, WaveformStream,
};
pub use ids::{
    AlarmId, IdError, ImageId, InvitationId, Language, ParticipantId, PatientId, Seq, SessionId, SpeechId, Timestamp,
    UtteranceId,
};
pub use patient::{PatientChange, PatientChanged};
pub use provenance::{ModelInfo, Provenance};
pub use refusal::Refusal;
pub use state::SessionState;
pub use waveform::{MdcCode, WaveformBlock, WaveformSink};
