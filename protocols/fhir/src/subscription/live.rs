//! A subscription while the server runs.

use super::{
    Status, Subscription,
    notice::{self, Happened, Type},
};
use healthsync_events::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Notifications that a WebSocket may be behind: what is more is asked for with `$events`.
const BEHIND: usize = 256;

pub(super) struct Live {
    kept: Mutex<Subscription>,
    /// To the sockets that are bound.
    out: broadcast::Sender<Arc<str>>,
    pub stop: CancellationToken,
    /// Cancelled once nobody works for it any more: from then on nothing of it is kept.
    pub over: CancellationToken,
}

impl Live {
    pub fn new(subscription: Subscription, stop: CancellationToken) -> Self {
        let out = broadcast::Sender::new(BEHIND);
        Self { kept: Mutex::new(subscription), out, stop, over: CancellationToken::new() }
    }

    pub fn subscription(&self) -> Subscription {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut Subscription)) -> Subscription {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept);
        kept.clone()
    }

    pub fn status(&self) -> Status {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).status
    }

    /// A notification as text.
    pub fn notice(&self, kind: Type, happened: &[Happened]) -> String {
        notice::bundle(&self.subscription(), kind, happened, now()).to_string()
    }

    /// To the sockets that are bound; whether there is one or not.
    pub fn publish(&self, text: String) {
        let _ = self.out.send(text.into());
    }

    pub fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        self.out.subscribe()
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from(jiff::Timestamp::now())
}
