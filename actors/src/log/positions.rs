//! Who reads the log as a whole, how far each has come, and how a reader learns that there is more.

use super::LogError;
use healthsync_events::{Backlog, BoxFuture, Seq, SessionId, Standing};
use tokio::sync::broadcast;

/// Appends that somebody who listens may be behind before being told only that there were some: half a minute of a
/// hundred busy sessions.
pub(super) const APPENDS: usize = 4_096;

/// Durable positions of readers, by a name of their own.
pub trait Positions: Send + Sync + 'static {
    /// At most `limit` sessions whose log goes beyond the reader's position, the newest first.
    fn backlog(&self, reader: String, limit: usize) -> BoxFuture<'_, Result<Backlog, LogError>>;

    /// Where the reader stands in a session; `None` for a session without events.
    fn standing(&self, reader: String, session: SessionId) -> BoxFuture<'_, Result<Option<Standing>, LogError>>;

    /// Moves positions forward, never back; returns only when they survive a crash.
    fn advance(&self, reader: String, positions: Vec<(SessionId, Seq)>) -> BoxFuture<'_, Result<(), LogError>>;

    /// The head of each session's log as it grows, from now on; ends when the log closes.
    fn appended(&self) -> broadcast::Receiver<(SessionId, Seq)>;
}
