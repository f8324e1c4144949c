//! What the actors of one session share, and what outlives any of them.

use super::{
    actor::{Record, Session, Snapshot},
    deterioration::Deterioration,
    imaging::Imaging,
    interpreter::Interpreter,
    scribe::Scribe,
    speech_hub::SpeechHub,
    tail::{Place, Tail},
    track::Tracks,
    vitals::Vitals,
    wave_hub::WaveHub,
};
use crate::{
    clock::Clock,
    directory::Models,
    log::Store,
    supervise::{Lease, Notice, RestartPolicy, Supervised, supervise},
};
use actix::{Actor, ArbiterHandle, Context};
use futures_util::{StreamExt as _, future::join_all};
use healthsync_events::{
    Event, EventBody, Receipt, Refusal, Seq, SessionId, SessionState, WaveformStream,
    consultation::{ActorRestarted, Component, ErrorRaised},
    limits::MAX_SUBSCRIBERS,
};
use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::broadcast;

/// Events a live reader may fall behind before it reads them from the log again.
const HUB_CAPACITY: usize = 1_024;

/// Tries to record a result that must not be lost, doubling the wait from 20 ms: about 10 s in all.
const RECORD_TRIES: u32 = 9;

pub(crate) struct SessionCell {
    pub id: SessionId,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub models: Arc<Models>,
    pub speech: SpeechHub,
    pub waves: Arc<WaveHub>,
    pub subscribers: Arc<AtomicUsize>,
    pub tracks: Tracks,
    pub home: ArbiterHandle,
    hub: broadcast::Sender<Arc<Event>>,
    /// Everything every session publishes, for who follows them all.
    feed: broadcast::Sender<Arc<Event>>,
    over: AtomicBool,
    session: OnceLock<Supervised<Session>>,
}

impl SessionCell {
    /// Starts the session's actors; each folds the log to where it stands.
    pub(crate) fn open(
        id: SessionId,
        store: Arc<dyn Store>,
        clock: Clock,
        models: Arc<Models>,
        home: ArbiterHandle,
        feed: broadcast::Sender<Arc<Event>>,
    ) -> Arc<Self> {
        let cell = Arc::new(Self {
            id,
            store,
            clock,
            models,
            speech: SpeechHub::default(),
            waves: Arc::default(),
            subscribers: Arc::default(),
            tracks: Tracks::default(),
            home,
            hub: broadcast::channel(HUB_CAPACITY).0,
            feed,
            over: AtomicBool::new(false),
            session: OnceLock::new(),
        });
        let session = cell.supervise(Component::Session, Session::new);
        let _ = cell.session.set(session);
        cell.supervise(Component::Vitals, Vitals::new);
        if cell.models.deterioration.is_some() {
            cell.supervise(Component::Deterioration, Deterioration::new);
        }
        cell.supervise(Component::Imaging, Imaging::new);
        cell.supervise(Component::Scribe, Scribe::new);
        cell.supervise(Component::Interpreter, Interpreter::new);
        cell
    }

    /// Starts an actor of this session under supervision.
    pub(super) fn supervise<A: Actor<Context = Context<A>> + Send>(
        self: &Arc<Self>,
        component: Component,
        create: impl Fn(Arc<Self>, Lease) -> A + Send + Clone + 'static,
    ) -> Supervised<A> {
        let cell = Arc::clone(self);
        let observer = Arc::downgrade(self);
        supervise(
            &self.home,
            RestartPolicy::default(),
            move |lease| create(Arc::clone(&cell), lease),
            move |notice| observe(&observer, component, &notice),
        )
    }

    /// Appends an event; returns when it is durable.
    pub(crate) async fn record(&self, body: EventBody) -> Result<Receipt, Refusal> {
        let session = self.session.get().ok_or_else(|| Refusal::unavailable("session"))?;
        if self.is_over() {
            return Err(Refusal::SessionEnded);
        }
        let answer = session.addr().await?.send(Record(body)).await;
        answer.unwrap_or_else(|_| Err(if self.is_over() { Refusal::SessionEnded } else { gone() }))
    }

    /// Records a result that must not be lost: tries again while the refusal says that it may help. Results
    /// have an identity, so a try that had succeeded unseen is not recorded twice.
    pub(crate) async fn record_surely(&self, component: Component, body: EventBody) -> Option<Receipt> {
        let mut wait = Duration::from_millis(20);
        for tries in 1.. {
            match self.record(body.clone()).await {
                Ok(receipt) => return Some(receipt),
                Err(refusal) if refusal.retryable() && tries < RECORD_TRIES => tokio::time::sleep(wait).await,
                Err(Refusal::SessionEnded) => return None,
                Err(refusal) => {
                    tracing::error!(session = %self.id, ?component, kind = body.kind(), %refusal, "a result was lost");
                    metrics::counter!("healthsync_results_lost_total").increment(1);
                    return None;
                }
            }
            wait *= 2;
        }
        None
    }

    /// Records several results in order, in one commit unless something is in the way, each as surely as
    /// [`Self::record_surely`].
    pub(crate) async fn record_all_surely(
        &self,
        component: Component,
        bodies: Vec<EventBody>,
    ) -> Vec<(EventBody, Option<Receipt>)> {
        let tried = join_all(bodies.iter().map(|body| self.record(body.clone()))).await;
        let mut recorded = Vec::with_capacity(bodies.len());
        for (body, tried) in bodies.into_iter().zip(tried) {
            let receipt = match tried {
                Ok(receipt) => Some(receipt),
                Err(_) => self.record_surely(component, body.clone()).await,
            };
            recorded.push((body, receipt));
        }
        recorded
    }

    /// Tells the people in the session that something failed.
    pub(crate) async fn raise(&self, component: Component, error: Refusal, of: Option<Seq>) {
        let raised = EventBody::ErrorRaised(ErrorRaised { component, error, of });
        if let Err(refusal) = self.record(raised).await {
            tracing::warn!(session = %self.id, ?component, %refusal, "an error could not be told");
        }
    }

    pub(crate) async fn state(&self) -> Result<Arc<SessionState>, Refusal> {
        let session = self.session.get().ok_or_else(gone)?;
        session.addr().await?.send(Snapshot).await.map_err(|_| gone())
    }

    pub(crate) fn tail(&self, from: Seq, place: Option<Place>) -> Tail {
        let live = (!self.is_over()).then(|| self.hub.subscribe());
        Tail::new(Arc::clone(&self.store), self.id, from, live, place)
    }

    /// Waveforms from 10 s ago on; takes a subscriber's place.
    pub(crate) fn watch_waveforms(&self) -> Result<WaveformStream, Refusal> {
        let place = Place::take(&self.subscribers, MAX_SUBSCRIBERS)
            .ok_or_else(|| Refusal::Overloaded { queue: "subscribers".into(), retry_after_ms: 5_000 })?;
        let blocks = self.waves.watch()?.map(move |block| {
            // Held for as long as somebody watches.
            let _ = &place;
            block
        });
        Ok(Box::pin(blocks))
    }

    pub(super) fn publish(self: &Arc<Self>, event: Arc<Event>) {
        metrics::counter!("healthsync_events_total", "type" => event.body.kind()).increment(1);
        if matches!(event.body, EventBody::SessionEnded(_)) {
            self.over.store(true, Ordering::Release);
            self.close_tracks();
            self.waves.close();
        }
        // No reader is no failure.
        let _ = self.feed.send(Arc::clone(&event));
        let _ = self.hub.send(event);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Whether the session actor died too often to be started again.
    pub(crate) fn is_lost(&self) -> bool {
        self.session.get().is_some_and(Supervised::is_over)
    }
}

fn gone() -> Refusal {
    Refusal::unavailable("session")
}

fn observe(cell: &Weak<SessionCell>, component: Component, notice: &Notice) {
    let Some(cell) = cell.upgrade() else { return };
    let body = match notice {
        Notice::Restarted(restarts) => {
            metrics::counter!("healthsync_actor_restarts_total", "actor" => format!("{component:?}")).increment(1);
            tracing::warn!(session = %cell.id, ?component, restarts, "an actor died and was started again");
            EventBody::ActorRestarted(ActorRestarted { component, restarts: *restarts })
        }
        Notice::GaveUp => {
            tracing::error!(session = %cell.id, ?component, "an actor died too often");
            let error = Refusal::Unavailable { component: format!("{component:?}") };
            EventBody::ErrorRaised(ErrorRaised { component, error, of: None })
        }
    };
    let home = cell.home.clone();
    home.spawn(async move {
        if let Err(refusal) = cell.record(body).await {
            tracing::warn!(session = %cell.id, ?component, %refusal, "a restart could not be told");
        }
    });
}
