//! What is asked of a pool and what it says.

use super::{
    precedence::Urgent,
    scheduler::{Class, Meta, Queued, SupersedeKey},
};
use healthsync_events::{ModelInfo, SessionId};
use healthsync_models::ModelError;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tracing::Span;

/// A request for inference on behalf of a session.
#[derive(Debug)]
pub struct Request<I> {
    pub session: SessionId,
    pub class: Class,
    pub input: I,
    /// Not worth answering after this: partials have one, finals never.
    pub deadline: Option<Instant>,
    /// Takes the place of a queued request with the same key.
    pub supersedes: Option<SupersedeKey>,
}

/// An answer and what it took.
#[derive(Debug)]
pub struct Answer<O> {
    pub output: O,
    /// The version that made it, whatever has been loaded since.
    pub model: ModelInfo,
    pub waited: Duration,
    pub service: Duration,
    /// Requests that were served together.
    pub batch: usize,
}

/// Why a request that was admitted got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    #[error("a newer request took its place")]
    Superseded,
    #[error("its deadline passed in the queue")]
    Late,
    /// Only what has a deadline is ever shed.
    #[error("it made way for something more urgent")]
    Shed,
    #[error(transparent)]
    Failed(#[from] ModelError),
    #[error("the pool closed")]
    Closed,
}

pub(super) type Reply<O> = oneshot::Sender<Result<Answer<O>, Dropped>>;

/// The answer to come. Dropping it cancels the request while it is still queued.
pub struct Ticket<O>(pub(super) oneshot::Receiver<Result<Answer<O>, Dropped>>);

impl<O> Ticket<O> {
    pub async fn answer(self) -> Result<Answer<O>, Dropped> {
        self.0.await.unwrap_or(Err(Dropped::Closed))
    }
}

/// Who waits for an answer.
pub(super) struct Pending<O> {
    pub reply: Reply<O>,
    /// Times a model failed on it.
    pub failures: u32,
    /// Open from submission to answer.
    pub span: Span,
    /// Unless it is of the background: holds that off until this is settled. Dropped under no pool's lock.
    pub urgent: Option<Urgent>,
}

impl<O> Pending<O> {
    pub(super) fn settle(self, outcome: &'static str, result: Result<Answer<O>, Dropped>) {
        self.span.record("outcome", outcome);
        // Who asked may have gone.
        let _ = self.reply.send(result);
        // Whoever asks again at once has not been away.
        drop(self.urgent);
    }
}

/// What is queued: an input and who waits for what is made of it.
pub(super) struct Work<I, O> {
    pub input: I,
    pub pending: Pending<O>,
}

impl<I, O> Queued for Work<I, O> {
    fn is_cancelled(&self) -> bool {
        self.pending.reply.is_closed()
    }
}

/// What a worker answers, without the input.
pub(super) struct Served<O> {
    pub meta: Meta,
    pub pending: Pending<O>,
}
