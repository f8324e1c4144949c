//! Messages in work: one after the other for a patient, side by side for different ones, so that a session that takes
//! nothing holds up its own patient's messages and nobody else's.

use super::{
    assignment::{Assignment, Ticket},
    take::{Incoming, Taker},
};
use std::{collections::HashMap, sync::Arc};
use tokio::{
    runtime::Handle,
    sync::oneshot::{self, error::TryRecvError},
};

/// Chains remembered before those that have ended are forgotten.
const FORGET_AT: usize = 1_024;

/// Partition and key. Messages without a key are one chain a partition: nobody knows whose they are before they are read.
type Chain = (i32, Vec<u8>);

pub(super) struct Chains {
    runtime: Handle,
    taker: Arc<Taker>,
    assignment: Arc<Assignment>,
    /// Ends when the newest message of a chain is no longer in work.
    last: HashMap<Chain, oneshot::Receiver<()>>,
    forget_at: usize,
}

impl Chains {
    pub(super) fn new(runtime: Handle, taker: Arc<Taker>, assignment: Arc<Assignment>) -> Self {
        Self { runtime, taker, assignment, last: HashMap::new(), forget_at: FORGET_AT }
    }

    /// Takes the message after those of its chain before it.
    pub(super) fn add(&mut self, incoming: Incoming, ticket: Ticket) {
        self.forget();
        let chain = (incoming.partition, incoming.key.clone().unwrap_or_default());
        let (done, after) = oneshot::channel();
        let before = self.last.insert(chain, after);
        let (taker, assignment) = (Arc::clone(&self.taker), Arc::clone(&self.assignment));
        self.runtime.spawn(async move {
            if let Some(before) = before {
                // It ends by being dropped, whatever became of the message.
                let _ = before.await;
            }
            let durable = take(taker, &assignment, incoming, ticket).await;
            assignment.end(ticket, durable);
            drop(done);
        });
    }

    /// What is in work is bounded, so that this stays within twice that.
    fn forget(&mut self) {
        if self.last.len() < self.forget_at {
            return;
        }
        self.last.retain(|_, after| matches!(after.try_recv(), Err(TryRecvError::Empty)));
        self.forget_at = FORGET_AT.max(self.last.len() * 2);
    }
}

/// Whether the message is durable now. In a task of its own: a panic there is this message's and no other's.
async fn take(taker: Arc<Taker>, assignment: &Arc<Assignment>, incoming: Incoming, ticket: Ticket) -> bool {
    let incoming = Arc::new(incoming);
    let work = {
        let (taker, assignment, incoming) = (Arc::clone(&taker), Arc::clone(assignment), Arc::clone(&incoming));
        tokio::spawn(async move { taker.take(&incoming, || assignment.stall(ticket)).await })
    };
    if let Ok(outcome) = work.await {
        return outcome.is_some();
    }
    tracing::error!(partition = ticket.partition, offset = ticket.offset, "taking a message panicked");
    taker.keep_panicked(&incoming).await.is_some()
}
