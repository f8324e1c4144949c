//! The log of every session, as one who passes events on reads it: from a durable position of its own per session,
//! so that it can be away, slow or started again without a gap and without holding anything in memory.

use crate::{
    envelope::Event,
    handle::BoxFuture,
    ids::{PatientId, Seq, SessionId},
    refusal::Refusal,
};
use futures_core::Stream;
use std::pin::Pin;

/// Where a reader stands in one session's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub session: SessionId,
    pub patient: PatientId,
    /// The last event the reader is done with; 0 before the first.
    pub position: Seq,
    /// The newest event.
    pub head: Seq,
}

/// What a reader has not passed on yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Sessions with something left, the newest first; as many as were asked for.
    pub sessions: Vec<Standing>,
    /// Events left over all sessions, those not listed included.
    pub events: u64,
}

/// What has become of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The session's newest event; it is durable.
    To(SessionId, Seq),
    /// The listener was too slow to be told of each: the backlog says what there is.
    Missed,
}

/// Ends when the log closes.
pub type AppendStream = Pin<Box<dyn Stream<Item = Appended> + Send>>;

/// `reader` names who reads; each has positions of its own.
pub trait EventFeed: Send + Sync + 'static {
    /// At most `limit` sessions whose log goes beyond the reader's position.
    fn backlog(&self, reader: &str, limit: usize) -> BoxFuture<'_, Result<Backlog, Refusal>>;

    /// Where the reader stands in one session.
    fn standing(&self, reader: &str, session: SessionId) -> BoxFuture<'_, Result<Standing, Refusal>>;

    /// At most `limit` events from `from` on, in order; fewer only at the head.
    fn read(&self, session: SessionId, from: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, Refusal>>;

    /// Moves the reader's positions forward, never back. Returns once they are durable.
    fn advance(&self, reader: &str, positions: Vec<(SessionId, Seq)>) -> BoxFuture<'_, Result<(), Refusal>>;

    /// What is appended from now on.
    fn appended(&self) -> AppendStream;
}
