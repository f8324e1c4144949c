//! Supervision that also survives panics.
//!
//! `actix::Supervisor` never learns of a panic: the address just goes dead. Here the actor holds a [`Lease`];
//! when it is dropped for whatever reason, unwinding included, its supervisor learns of it and starts the
//! actor again, unless the actor had finished its lease.

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context, System};
use healthsync_events::Refusal;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout},
};

/// How long a caller waits for an actor that is being started again.
const RESTART_WAIT: Duration = Duration::from_secs(2);

/// Threads that actors live on.
#[derive(Clone)]
pub struct ActorThreads {
    inner: Arc<Threads>,
}

struct Threads {
    system: System,
    handles: Vec<ArbiterHandle>,
    arbiters: Mutex<Vec<Arbiter>>,
    next: AtomicUsize,
}

impl ActorThreads {
    /// Starts the actor system on threads of its own.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new().name("actor-system".into()).spawn(move || {
            let runner = System::new();
            let arbiters: Vec<Arbiter> = (0..count.max(1)).map(|_| Arbiter::new()).collect();
            let _ = send.send((System::current(), arbiters));
            if let Err(error) = runner.run() {
                tracing::error!(%error, "the actor system ended");
            }
        })?;
        let (system, arbiters) = receive.recv().map_err(std::io::Error::other)?;
        let handles = arbiters.iter().map(Arbiter::handle).collect();
        let arbiters = Mutex::new(arbiters);
        Ok(Self { inner: Arc::new(Threads { system, handles, arbiters, next: AtomicUsize::new(0) }) })
    }

    /// The thread the next session's actors go to.
    pub fn next(&self) -> ArbiterHandle {
        let index = self.inner.next.fetch_add(1, Ordering::Relaxed) % self.inner.handles.len();
        self.inner.handles[index].clone()
    }

    /// Stops, and waits until no actor is left that could still write. Not to be called by an actor.
    pub fn stop(&self) {
        self.inner.system.stop();
        let arbiters = std::mem::take(&mut *self.inner.arbiters.lock().unwrap_or_else(PoisonError::into_inner));
        for arbiter in arbiters {
            // A thread that panicked is one that has ended.
            let _ = arbiter.join();
        }
    }
}

/// How often an actor may be started again before its supervisor gives up.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    pub max_restarts: usize,
    pub within: Duration,
    /// Wait before the second restart within the window, doubling from there; the first is immediate.
    pub backoff: Duration,
    pub max_backoff: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            max_restarts: 5,
            within: Duration::from_secs(10),
            backoff: Duration::from_millis(10),
            max_backoff: Duration::from_secs(1),
        }
    }
}

/// Restarts within the window, and what that means for the next one. Pure.
#[derive(Debug, Default)]
struct Intensity {
    recent: VecDeque<Instant>,
}

impl Intensity {
    /// The wait before the restart to be made now; `None` when there have been too many.
    fn admit(&mut self, now: Instant, policy: &RestartPolicy) -> Option<Duration> {
        while self.recent.front().is_some_and(|first| now.duration_since(*first) >= policy.within) {
            self.recent.pop_front();
        }
        if self.recent.len() >= policy.max_restarts {
            return None;
        }
        let earlier = self.recent.len() as u32;
        self.recent.push_back(now);
        if earlier == 0 {
            return Some(Duration::ZERO);
        }
        Some(policy.backoff.saturating_mul(1 << (earlier - 1).min(16)).min(policy.max_backoff))
    }
}

/// Held by a supervised actor for as long as it lives.
pub struct Lease {
    done: Option<oneshot::Sender<()>>,
    restarts: u32,
}

impl Lease {
    /// How often the actor has been started again before this life.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Says that the actor stops because it is done: it is not started again.
    pub fn finish(&mut self) {
        if let Some(done) = self.done.take() {
            let _ = done.send(());
        }
    }
}

/// Where a supervised actor currently lives.
pub struct Supervised<A: Actor> {
    current: watch::Receiver<Option<Addr<A>>>,
}

impl<A: Actor> Clone for Supervised<A> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone() }
    }
}

impl<A: Actor<Context = Context<A>>> Supervised<A> {
    /// The live address; waits, within a bound, while the actor is being started again.
    pub async fn addr(&self) -> Result<Addr<A>, Refusal> {
        let mut current = self.current.clone();
        let live = current.wait_for(|addr| addr.as_ref().is_some_and(Addr::connected));
        match timeout(RESTART_WAIT, live).await {
            Ok(Ok(addr)) => addr.clone().ok_or_else(|| Refusal::unavailable("session")),
            _ => Err(Refusal::unavailable("session")),
        }
    }

    /// The address of now, which may be dead or not there: for callers that must not wait.
    pub fn addr_now(&self) -> Option<Addr<A>> {
        self.current.borrow().clone()
    }

    /// Whether both are the same actor, whatever its current life.
    pub fn is_same(&self, other: &Self) -> bool {
        self.current.same_channel(&other.current)
    }

    /// Whether the actor is gone for good.
    pub fn is_over(&self) -> bool {
        self.current.has_changed().is_err()
    }
}

/// What a supervisor tells of its child.
pub enum Notice {
    /// Started again after a death, for the how-manieth time.
    Restarted(u32),
    /// Died too often; it will not be started again.
    GaveUp,
}

/// Starts an actor and keeps it alive until it finishes its lease or dies too often.
pub fn supervise<A, F, N>(arbiter: &ArbiterHandle, policy: RestartPolicy, create: F, notify: N) -> Supervised<A>
where
    A: Actor<Context = Context<A>> + Send,
    F: Fn(Lease) -> A + Send + Clone + 'static,
    N: Fn(Notice) + Send + 'static,
{
    let (publish, current) = watch::channel(None);
    let home = arbiter.clone();
    arbiter.spawn(async move {
        let mut intensity = Intensity::default();
        let mut restarts = 0;
        loop {
            let (held, released) = oneshot::channel();
            let create = create.clone();
            let addr = A::start_in_arbiter(&home, move |_| create(Lease { done: Some(held), restarts }));
            let _ = publish.send(Some(addr));
            if restarts > 0 {
                notify(Notice::Restarted(restarts));
            }
            if released.await.is_ok() {
                return;
            }
            let Some(wait) = intensity.admit(Instant::now(), &policy) else {
                notify(Notice::GaveUp);
                return;
            };
            restarts += 1;
            if !wait.is_zero() {
                let _ = publish.send(None);
                tokio::time::sleep(wait).await;
            }
        }
    });
    Supervised { current }
}

#[cfg(test)]
mod tests;
