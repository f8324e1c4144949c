//! Follows every open session.

use super::{board::WardBoard, fold::WardFold};
use crate::{
    log::{LogError, Store},
    supervise::{ActorThreads, Lease, Notice, RestartPolicy, Supervised, supervise},
};
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{Event, Seq, SessionId, limits::MAX_WARD};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};

/// Events of all sessions that the ward may be behind before it reads logs again: ten seconds of 200 patients with two
/// events a second each.
pub(crate) const FEED_CAPACITY: usize = 4_096;

/// Events read from a log at a time.
const READ_CHUNK: usize = 1_000;

/// Before a log that could not be read is tried again.
const RETRY: Duration = Duration::from_secs(1);

type Published = Result<Arc<Event>, BroadcastStreamRecvError>;

/// Starts the ward under supervision; it ends with the threads.
pub(crate) fn start(
    threads: &ActorThreads,
    store: Arc<dyn Store>,
    feed: broadcast::Sender<Arc<Event>>,
    board: Arc<WardBoard>,
) -> Supervised<Ward> {
    let create = move |lease| Ward {
        store: Arc::clone(&store),
        feed: feed.clone(),
        board: Arc::clone(&board),
        _lease: lease,
        folds: HashMap::new(),
        behind: BTreeSet::new(),
        reading: None,
        again: false,
        complete: false,
    };
    supervise(&threads.next(), RestartPolicy::default(), create, |notice| match notice {
        Notice::Restarted(restarts) => {
            metrics::counter!("healthsync_actor_restarts_total", "actor" => "Ward").increment(1);
            tracing::warn!(restarts, "the ward's actor died and was started again");
        }
        Notice::GaveUp => tracing::error!("the ward's actor died too often: the ward view stands still"),
    })
}

pub(crate) struct Ward {
    store: Arc<dyn Store>,
    feed: broadcast::Sender<Arc<Event>>,
    board: Arc<WardBoard>,
    _lease: Lease,
    folds: HashMap<SessionId, WardFold>,
    /// Sessions whose log has more than the fold.
    behind: BTreeSet<SessionId>,
    /// One log is read at a time.
    reading: Option<SessionId>,
    /// It was found to be behind once more since it began to be read: what was missed then may not be in what is read.
    again: bool,
    complete: bool,
}

impl Ward {
    /// Finds the open sessions and reads their logs.
    fn survey(&mut self, context: &mut Context<Self>) {
        self.complete = false;
        self.board.incomplete();
        let store = Arc::clone(&self.store);
        let open = async move { store.open_sessions(MAX_WARD).await };
        context.spawn(open.into_actor(self).map(|open, ward, context| match open {
            Ok(open) => {
                for session in open {
                    ward.is_behind(session);
                }
                ward.read_next(context);
            }
            Err(error) => {
                tracing::warn!(%error, "the open sessions cannot be listed");
                context.run_later(RETRY, Self::survey);
            }
        }));
    }

    /// Reads on in one of the logs that are behind.
    fn read_next(&mut self, context: &mut Context<Self>) {
        if self.reading.is_some() {
            return;
        }
        let Some(session) = self.behind.first().copied() else {
            if !self.complete {
                self.complete = true;
                self.board.complete(|session| self.folds.contains_key(&session));
            }
            return;
        };
        (self.reading, self.again) = (Some(session), false);
        let from = self.folds.get(&session).map_or(Seq::FIRST, |fold| fold.head().next());
        let store = Arc::clone(&self.store);
        let read = async move { store.read(session, from, READ_CHUNK).await };
        context.spawn(read.into_actor(self).map(move |events, ward, context| {
            ward.reading = None;
            ward.have_read(session, events, context);
        }));
    }

    fn have_read(&mut self, session: SessionId, events: Result<Vec<Event>, LogError>, context: &mut Context<Self>) {
        let events = match events {
            Ok(events) => events,
            Err(LogError::Corrupt(what)) => {
                // It will be no better: the other patients are worth more than a stuck ward.
                tracing::error!(%session, what, "a session's log cannot be read: it is left out of the ward");
                self.behind.remove(&session);
                return self.read_next(context);
            }
            Err(error) => {
                tracing::warn!(%session, %error, "a session's log cannot be read");
                context.run_later(RETRY, Self::read_next);
                return;
            }
        };
        let fold = self.folds.entry(session).or_default();
        for event in &events {
            fold.apply(event);
        }
        if events.len() < READ_CHUNK && !self.again {
            self.behind.remove(&session);
        }
        self.show(session);
        self.read_next(context);
    }

    fn follow(&mut self, event: &Event, context: &mut Context<Self>) {
        let session = event.session;
        let Some(fold) = self.folds.get_mut(&session) else {
            return self.meet(session, context);
        };
        if event.seq <= fold.head() {
            return;
        }
        if event.seq != fold.head().next() {
            self.is_behind(session);
            return self.read_next(context);
        }
        if fold.apply(event) {
            self.show(session);
        }
    }

    /// A session that is not on the ward yet: its log is read from the start.
    fn meet(&mut self, session: SessionId, context: &mut Context<Self>) {
        if self.folds.len() + self.behind.len() >= MAX_WARD && !self.behind.contains(&session) {
            return;
        }
        self.is_behind(session);
        self.read_next(context);
    }

    fn is_behind(&mut self, session: SessionId) {
        self.behind.insert(session);
        self.again |= self.reading == Some(session);
    }

    fn show(&mut self, session: SessionId) {
        let Some(fold) = self.folds.get(&session) else { return };
        if fold.is_over() {
            self.folds.remove(&session);
            self.behind.remove(&session);
            self.board.remove(session);
        } else if let Some(row) = fold.row() {
            self.board.put(row);
        }
    }
}

impl Actor for Ward {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        // First, so that nothing is missed between the logs and the feed.
        context.add_stream(BroadcastStream::new(self.feed.subscribe()));
        self.survey(context);
    }
}

impl StreamHandler<Published> for Ward {
    fn handle(&mut self, published: Published, context: &mut Context<Self>) {
        match published {
            Ok(event) => self.follow(&event, context),
            Err(BroadcastStreamRecvError::Lagged(missed)) => {
                metrics::counter!("healthsync_ward_events_missed_total").increment(missed);
                let known: Vec<SessionId> = self.folds.keys().copied().collect();
                for session in known {
                    self.is_behind(session);
                }
                self.survey(context);
            }
        }
    }

    fn finished(&mut self, context: &mut Context<Self>) {
        context.stop();
    }
}
