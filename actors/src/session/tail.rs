//! Reading a session: from the log up to its head, then as events are published, then from the log again
//! whenever the reader has fallen behind. Without gap or repeat by construction, and without memory that
//! grows with a slow reader.

use crate::log::Store;
use futures_util::stream;
use healthsync_events::{Event, EventBody, EventStream, Refusal, Seq, SessionId};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::broadcast::{self, error::RecvError};

/// Events read from the log at a time.
const READ_CHUNK: usize = 256;

/// Counts a subscriber for as long as it is held.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    /// Takes a place if there are fewer than `max` taken.
    pub(crate) fn take(places: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let taken = places.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < max).then_some(n + 1));
        taken.is_ok().then(|| Self(Arc::clone(places)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) struct Tail {
    store: Arc<dyn Store>,
    session: SessionId,
    next: Seq,
    /// `None` for a session that is over: the log is all there is.
    live: Option<broadcast::Receiver<Arc<Event>>>,
    ready: VecDeque<Arc<Event>>,
    behind: bool,
    over: bool,
    _place: Option<Place>,
}

impl Tail {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        session: SessionId,
        from: Seq,
        live: Option<broadcast::Receiver<Arc<Event>>>,
        place: Option<Place>,
    ) -> Self {
        let next = from.max(Seq::FIRST);
        Self { store, session, next, live, ready: VecDeque::new(), behind: true, over: false, _place: place }
    }

    pub(crate) fn stream(self) -> EventStream {
        Box::pin(stream::unfold(self, |mut tail| async move {
            let item = tail.step().await?;
            Some((item, tail))
        }))
    }

    async fn step(&mut self) -> Option<Result<Arc<Event>, Refusal>> {
        loop {
            if self.over {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(self.pass(event)));
            }
            if self.behind {
                match self.store.read(self.session, self.next, READ_CHUNK).await {
                    Ok(events) => {
                        self.behind = events.len() == READ_CHUNK;
                        self.ready = events.into_iter().map(Arc::new).collect();
                    }
                    Err(error) => {
                        self.over = true;
                        return Some(Err(error.into()));
                    }
                }
                continue;
            }
            let received = self.live.as_mut()?.recv().await;
            match received {
                Ok(event) if event.seq < self.next => {}
                Ok(event) if event.seq == self.next => return Some(Ok(self.pass(event))),
                // Published events are durable, so what is missing is in the log.
                Ok(_) | Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => {
                    self.live = None;
                    self.behind = true;
                }
            }
        }
    }

    fn pass(&mut self, event: Arc<Event>) -> Arc<Event> {
        self.next = event.seq.next();
        self.over = matches!(event.body, EventBody::SessionEnded(_));
        event
    }
}
