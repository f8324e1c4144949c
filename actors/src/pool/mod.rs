//! Inference pools: one bounded queue, batches gathered from it, one dedicated thread per model instance.
//!
//! What is decided is decided without clock or lock, in [`scheduler`] (who is served, who is shed), [`gather`] (whether
//! to wait for company), [`service`] (how long a batch takes) and [`precedence`] (which pools' background waits). Around it: [`worker`] runs batches and [`slots`]
//! sequences, [`watchdog`] gives up models that hang, [`versions`] puts one model in another's place.

mod budget;
mod control;
mod gather;
mod idle;
mod meters;
mod placement;
mod precedence;
mod request;
mod returns;
mod scheduler;
mod service;
mod settings;
mod slots;
mod state;
mod stats;
mod turn;
mod versions;
mod watchdog;
mod worker;

pub use budget::{MemoryBudget, ThreadBudget};
pub use control::PoolControl;
pub use precedence::Precedence;
pub use request::{Answer, Dropped, Request, Ticket};
pub use scheduler::{Class, SupersedeKey};
pub use settings::{MAX_CAPACITY, Placement, PoolConfig, Settings, SettingsPatch, Tuning};
pub use slots::{SlotFactory, SlotModel};
pub use stats::{CanaryStats, ClassStats, Histogram, InstanceState, InstanceStats, PoolStats};
pub use versions::RolloutError;

use healthsync_events::{ModelInfo, Refusal, SessionId};
use healthsync_models::{Model, ModelError};
use meters::Reason;
use request::{Pending, Work};
use scheduler::{Entry, Meta};
use state::Shared;
use std::{
    num::NonZeroU32,
    sync::{Arc, Weak},
    time::Instant,
};
use tokio::sync::oneshot;
use versions::Versions;

/// Makes the model on the thread that will run it.
pub type ModelFactory<M> = Arc<dyn Fn() -> Result<M, ModelError> + Send + Sync>;

/// How a worker gets its model.
enum Loader<M: Model> {
    Batch(ModelFactory<M>),
    Slots(SlotFactory<M::Input, M::Output>),
}

impl<M: Model> Clone for Loader<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Batch(factory) => Self::Batch(Arc::clone(factory)),
            Self::Slots(factory) => Self::Slots(Arc::clone(factory)),
        }
    }
}

/// Whether a pool has a model.
#[derive(Debug, Clone, PartialEq)]
enum Readiness {
    Loading,
    Ready(ModelInfo),
    Failed(ModelError),
}

/// A handle to a pool. The pool closes when its last handle is dropped.
pub struct Pool<M: Model> {
    inner: Arc<Handle<M>>,
}

struct Handle<M: Model> {
    shared: Arc<Shared<M>>,
}

impl<M: Model> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M: Model> Drop for Handle<M> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let waiting = state.scheduler.drain();
        drop(state);
        self.shared.changed.notify_all();
        self.shared.watched.notify_all();
        for entry in waiting {
            entry.work.pending.settle("closed", Err(Dropped::Closed));
        }
    }
}

impl<M: Model> Pool<M> {
    /// Starts the instances; they load their models at once, each on its own thread.
    pub fn start(config: PoolConfig, factory: ModelFactory<M>) -> std::io::Result<Self> {
        Self::start_with(config, Loader::Batch(factory))
    }

    /// The same with models that make their outputs piece by piece: requests join what is under way.
    pub fn start_slots(config: PoolConfig, factory: SlotFactory<M::Input, M::Output>) -> std::io::Result<Self> {
        Self::start_with(config, Loader::Slots(factory))
    }

    fn start_with(config: PoolConfig, loader: Loader<M>) -> std::io::Result<Self> {
        let settings = Settings::of(&config);
        let versions = Versions::new(loader.clone());
        let shared = Arc::new(Shared::new(config.name, config.instances, settings, config.placement, versions));
        let sleepers: Weak<Shared<M>> = Arc::downgrade(&shared);
        shared.member.tell(sleepers);
        watchdog::spawn(Arc::clone(&shared))?;
        let pool = Self { inner: Arc::new(Handle { shared }) };
        // Nothing else is loading yet; how it ends is told by `ready`.
        let _ = pool.inner.shared.roll_out(loader, 1.0);
        Ok(pool)
    }

    /// Waits until every instance has loaded its model; the first failure otherwise.
    pub async fn ready(&self) -> Result<ModelInfo, ModelError> {
        let mut health = self.inner.shared.health.subscribe();
        let settled = health.wait_for(|health| *health != Readiness::Loading).await;
        match settled.as_deref() {
            Ok(Readiness::Ready(model)) => Ok(model.clone()),
            Ok(Readiness::Failed(error)) => Err(error.clone()),
            _ => Err(self.inner.shared.engine_error("its threads ended")),
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(*self.inner.shared.health.borrow(), Readiness::Ready(_))
    }

    /// Whether nothing waits and nothing runs.
    pub fn is_idle(&self) -> bool {
        let state = self.inner.shared.lock();
        state.scheduler.len() == 0 && state.workers.values().all(|worker| worker.busy.is_none())
    }

    pub fn name(&self) -> &'static str {
        self.inner.shared.name
    }

    /// A session's share of the model relative to others of its class: 1 unless set. Refused where too many sessions
    /// have a share of their own; one that is set back to 1 is forgotten.
    pub fn weigh(&self, session: SessionId, weight: NonZeroU32) -> Result<(), Refusal> {
        if self.inner.shared.lock().scheduler.weigh(session, weight) {
            return Ok(());
        }
        Err(Refusal::TooLarge { what: "sessions with a weight".into(), limit: MAX_CAPACITY as u64 })
    }

    /// Takes a request in, or refuses it at the door with when to come again. Never waits.
    pub fn submit(&self, request: Request<M::Input>) -> Result<Ticket<M::Output>, Refusal> {
        let shared = &*self.inner.shared;
        let (reply, ticket) = oneshot::channel();
        let now = Instant::now();
        let class = request.class;
        let mut meta = Meta::new(request.session, class, now);
        (meta.deadline, meta.supersedes) = (request.deadline, request.supersedes);
        let urgent = (class != Class::Background).then(|| shared.member.urgent());
        let pending = Pending { reply, failures: 0, span: span(shared.name, class), urgent };
        let mut state = shared.lock();
        if let Some(error) = state.failure.clone() {
            drop(state);
            shared.fail(class, pending, error);
            return Ok(Ticket(ticket));
        }
        let found = state.scheduler.len();
        let state_now = &mut *state;
        state_now.gather.arrived(now, &state_now.service);
        let entry = Entry { meta, work: Work { input: request.input, pending } };
        let admission = state_now.scheduler.admit(entry, now, &state_now.settings);
        let refused = admission.refused.map(|(entry, excess)| (entry, state_now.retry_hint(excess, now)));
        let depths = state_now.scheduler.depths();
        shared.wake(state);
        shared.meters.found(found);
        shared.meters.depths(depths);
        shared.drop_all(admission.dropped);
        let Some((entry, hint)) = refused else { return Ok(Ticket(ticket)) };
        shared.meters.dropped(class, Reason::Overloaded);
        entry.work.pending.span.record("outcome", Reason::Overloaded.name());
        let retry_after_ms = hint.as_millis().max(1) as u64;
        Err(Refusal::Overloaded { queue: self.name().into(), retry_after_ms })
    }
}

/// Open from a request's submission to its answer. It names no session: what is traced may be sent elsewhere.
fn span(pool: &'static str, class: Class) -> tracing::Span {
    use tracing::field::Empty;
    let class = class.name();
    tracing::debug_span!("inference", pool, class, waited_us = Empty, batch = Empty, outcome = Empty)
}

#[cfg(test)]
mod tests;
