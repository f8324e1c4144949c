//! Inference pools: one bounded queue, batches gathered from it, one dedicated thread per model instance.

mod queue;
mod worker;

pub use queue::{Class, SupersedeKey};

use healthsync_events::{ModelInfo, Refusal, SessionId};
use healthsync_models::{Model, ModelError};
use queue::{Entry, Queue};
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

/// Makes the model on the thread that will run it.
pub type ModelFactory<M> = Arc<dyn Fn() -> Result<M, ModelError> + Send + Sync>;

#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Names the pool in metrics and refusals.
    pub name: &'static str,
    /// Requests waiting; the next one is refused.
    pub capacity: usize,
    pub max_batch: usize,
    /// How long the first request of a batch may wait for company.
    pub max_queue_delay: Duration,
    pub instances: usize,
}

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
    pub model: ModelInfo,
    pub waited: Duration,
    pub service: Duration,
    pub batch: usize,
}

/// Why a request that was admitted got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    #[error("a newer request took its place")]
    Superseded,
    #[error("its deadline passed in the queue")]
    Late,
    #[error(transparent)]
    Failed(#[from] ModelError),
    #[error("the pool closed")]
    Closed,
}

type Reply<O> = oneshot::Sender<Result<Answer<O>, Dropped>>;

/// The answer to come. Dropping it cancels the request while it is still queued.
pub struct Ticket<O>(oneshot::Receiver<Result<Answer<O>, Dropped>>);

impl<O> Ticket<O> {
    pub async fn answer(self) -> Result<Answer<O>, Dropped> {
        self.0.await.unwrap_or(Err(Dropped::Closed))
    }
}

/// What a worker has made of its model so far.
#[derive(Debug, Clone, PartialEq)]
enum Readiness {
    Loading,
    Ready(ModelInfo),
    Failed(ModelError),
}

struct Shared<M: Model> {
    config: PoolConfig,
    state: Mutex<State<M>>,
    changed: Condvar,
}

struct State<M: Model> {
    queue: Queue<Work<M>>,
    /// Batches being run.
    running: usize,
    closed: bool,
}

struct Work<M: Model> {
    input: M::Input,
    reply: Reply<M::Output>,
    queued_at: Instant,
}

/// A handle to a pool. The pool closes when its last handle is dropped.
pub struct Pool<M: Model> {
    inner: Arc<Handle<M>>,
}

struct Handle<M: Model> {
    shared: Arc<Shared<M>>,
    readiness: Vec<watch::Receiver<Readiness>>,
}

impl<M: Model> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M: Model> Drop for Handle<M> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl<M: Model> Shared<M> {
    /// A panic while the lock was held cannot leave the queue half changed: it is only moved in and out of.
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Model> Pool<M> {
    /// Starts the instances; they load their models at once, each on its own thread.
    pub fn start(config: PoolConfig, factory: ModelFactory<M>) -> std::io::Result<Self> {
        let instances = config.instances.max(1);
        let state = State { queue: Queue::new(), running: 0, closed: false };
        let shared = Arc::new(Shared { config, state: Mutex::new(state), changed: Condvar::new() });
        let mut readiness = Vec::with_capacity(instances);
        for index in 0..instances {
            readiness.push(worker::spawn(index, Arc::clone(&shared), Arc::clone(&factory))?);
        }
        Ok(Self { inner: Arc::new(Handle { shared, readiness }) })
    }

    /// Waits until every instance has loaded its model; the first failure otherwise.
    pub async fn ready(&self) -> Result<ModelInfo, ModelError> {
        let mut info = None;
        for readiness in &self.inner.readiness {
            let mut readiness = readiness.clone();
            let settled = readiness.wait_for(|r| *r != Readiness::Loading).await;
            match settled.as_deref() {
                Ok(Readiness::Ready(model)) => info = Some(model.clone()),
                Ok(Readiness::Failed(error)) => return Err(error.clone()),
                _ => break,
            }
        }
        info.ok_or_else(|| ModelError::Engine { model: self.name().into(), reason: "its thread ended".into() })
    }

    pub fn is_ready(&self) -> bool {
        self.inner.readiness.iter().all(|r| matches!(*r.borrow(), Readiness::Ready(_)))
    }

    /// Whether nothing waits and nothing runs.
    pub fn is_idle(&self) -> bool {
        let state = self.inner.shared.lock();
        state.queue.len() == 0 && state.running == 0
    }

    pub fn name(&self) -> &'static str {
        self.inner.shared.config.name
    }

    /// Takes a request in, or refuses it at the door. Never waits.
    pub fn submit(&self, request: Request<M::Input>) -> Result<Ticket<M::Output>, Refusal> {
        let shared = &self.inner.shared;
        let (reply, ticket) = oneshot::channel();
        let now = Instant::now();
        let mut entry = Entry {
            session: request.session,
            class: request.class,
            queued_at: now,
            since: now,
            deadline: request.deadline,
            supersedes: request.supersedes,
            work: Work { input: request.input, reply, queued_at: now },
        };
        let mut state = shared.lock();
        if let Some(older) = state.queue.take_superseded(&mut entry) {
            self.count_drop("superseded");
            let _ = older.reply.send(Err(Dropped::Superseded));
        }
        state.queue.remove_where(|work: &Work<M>| work.reply.is_closed());
        if state.queue.len() >= shared.config.capacity {
            drop(state);
            self.count_drop("overloaded");
            return Err(Refusal::Overloaded { queue: self.name().into(), retry_after_ms: 1_000 });
        }
        state.queue.push(entry);
        metrics::gauge!("healthsync_pool_queue_depth", "pool" => self.name()).set(state.queue.len() as f64);
        drop(state);
        shared.changed.notify_one();
        Ok(Ticket(ticket))
    }

    fn count_drop(&self, reason: &'static str) {
        metrics::counter!("healthsync_pool_dropped_total", "pool" => self.name(), "reason" => reason).increment(1);
    }
}

#[cfg(test)]
mod tests;
