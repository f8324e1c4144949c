//! The session log: what everything else is a fold over. Only this module knows where it is kept.

mod checkpoint;
mod positions;
mod sqlite;
mod writer;

pub use positions::Positions;
pub use sqlite::SqliteStore;

use healthsync_events::{
    BoxFuture, Event, ImageId, NewEvent, PatientChanged, PatientId, Refusal, Seq, SessionId, UnmappedCode,
    UnmatchedMessage,
};

/// Why the log did not do what it was asked. Texts hold no event content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Someone else has appended: the writer that gets this no longer speaks for the session.
    #[error("the log's next sequence number is {found}, not {expected}")]
    Conflict { expected: Seq, found: Seq },
    #[error("the log's write queue is full")]
    Overloaded,
    #[error("the log failed: {0}")]
    Storage(String),
    #[error("the log holds an entry of the session that cannot be read: {0}")]
    Corrupt(String),
    #[error("the log is closed")]
    Closed,
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Overloaded => Self::Overloaded { queue: "session log".into(), retry_after_ms: 250 },
            _ => Self::unavailable("session log"),
        }
    }
}

/// What the log knows of a session without folding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub session: SessionId,
    pub patient: PatientId,
    pub ended: bool,
    pub head: Seq,
}

/// An append-only log per session. An implementation over Kafka maps a session to a partition key and
/// `expected` to a fenced producer epoch.
pub trait SessionLog: Send + Sync + 'static {
    /// Appends events under `expected`, `expected + 1`, …; returns only when they survive a crash.
    /// Refuses with [`LogError::Conflict`], and appends none, unless `expected` is the next number.
    fn append(&self, session: SessionId, expected: Seq, events: Vec<NewEvent>) -> BoxFuture<'_, Result<(), LogError>>;

    /// At most `limit` events from `from` on, in order; fewer only at the head.
    fn read(&self, session: SessionId, from: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, LogError>>;

    /// The newest sequence number; 0 for a session without events.
    fn head(&self, session: SessionId) -> BoxFuture<'_, Result<Seq, LogError>>;

    /// Sessions, newest first.
    fn sessions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<SessionRow>, LogError>>;

    /// Sessions that have not ended, newest first.
    fn open_sessions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<SessionId>, LogError>>;

    /// The newest session of this patient, by whichever of their identifiers, that has not ended.
    fn open_session_of(&self, patient: PatientId) -> BoxFuture<'_, Result<Option<SessionId>, LogError>>;
}

/// What an image's bytes are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePart {
    /// As uploaded; deleted once the image is ready or rejected.
    Upload,
    /// De-identified, in its own format.
    Deidentified,
    /// PNG.
    Preview,
}

/// The log with who reads it, and what is too large or too early for it: image bytes, and monitor messages without a
/// session.
pub trait Store: SessionLog + Positions {
    fn put_image(
        &self,
        session: SessionId,
        image: ImageId,
        part: ImagePart,
        bytes: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), LogError>>;

    fn image(
        &self,
        session: SessionId,
        image: ImageId,
        part: ImagePart,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, LogError>>;

    fn delete_image(&self, session: SessionId, image: ImageId, part: ImagePart) -> BoxFuture<'_, Result<(), LogError>>;

    /// Keeps a message; one that is kept already is not kept again.
    fn keep_unmatched(&self, message: UnmatchedMessage) -> BoxFuture<'_, Result<(), LogError>>;

    fn unmatched(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmatchedMessage>, LogError>>;

    /// Kinds of rejected observation in all sessions' logs, those seen last first.
    fn unmapped(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmappedCode>, LogError>>;

    /// Remembers a change of a patient, unless a newer one is known; after a merge, both identifiers find the patient.
    fn patient_changed(&self, changed: PatientChanged) -> BoxFuture<'_, Result<(), LogError>>;

    /// What is known of a patient, by whichever identifier.
    fn patient(&self, patient: PatientId) -> BoxFuture<'_, Result<Option<PatientChanged>, LogError>>;

    /// Puts a document in the place of what has its name on that place.
    fn put_document(&self, place: &'static str, name: String, body: String) -> BoxFuture<'_, Result<(), LogError>>;

    fn remove_document(&self, place: &'static str, name: String) -> BoxFuture<'_, Result<(), LogError>>;

    /// At most `limit` documents of a place with their names, in the order of names.
    fn documents(&self, place: &'static str, limit: usize) -> BoxFuture<'_, Result<Vec<(String, String)>, LogError>>;
}
