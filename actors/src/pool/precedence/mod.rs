//! Who goes first, over all pools of a process. What is decided is in [`gate`].
//!
//! Locks: whoever has a pool's may take the gate's, and nobody who has either may end an urgent request or a batch, for
//! that wakes pools.

mod gate;

pub(super) use gate::{Gate, MOST_GIVEN_UP};

use super::settings::Placement;
use healthsync_models::Preempt;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};

/// What pools share that give way to each other: background requests of one to urgent ones of all. A pool whose requests
/// take milliseconds has no need of it, and would have others start over for next to nothing.
#[derive(Debug, Clone)]
pub struct Precedence(Arc<Mutex<Places>>);

#[derive(Debug)]
struct Places {
    gate: Gate,
    pools: BTreeMap<u64, Weak<dyn Wake>>,
}

/// Has those who sleep in a pool look again.
pub(super) trait Wake: Send + Sync {
    fn wake_all(&self);
}

impl Precedence {
    /// For a machine of so many cores.
    pub fn new(cores: usize) -> Self {
        Self(Arc::new(Mutex::new(Places { gate: Gate::new(cores), pools: BTreeMap::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has pools look again in which something waits for what others bring about.
fn wake(mut places: MutexGuard<'_, Places>) {
    let waiting = places.gate.waiting();
    let pools: Vec<_> = waiting.iter().filter_map(|pool| places.pools.get(pool)?.upgrade()).collect();
    drop(places);
    for pool in pools {
        pool.wake_all();
    }
}

impl Default for Precedence {
    fn default() -> Self {
        static CORES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
        Self::new(*CORES)
    }
}

/// A pool's place among those that give way to each other.
#[derive(Debug)]
pub(super) struct Member {
    precedence: Precedence,
    pool: u64,
}

impl Member {
    pub(super) fn of(placement: &Placement, instances: usize) -> Self {
        let Placement { precedence, cores, threads, idle, .. } = placement;
        let pool = precedence.lock().gate.enter(cores.clone(), threads * instances, *idle);
        Self { precedence: precedence.clone(), pool }
    }

    /// Whom to tell that something has changed.
    pub(super) fn tell(&self, who: Weak<dyn Wake>) {
        self.precedence.lock().pools.insert(self.pool, who);
    }

    /// An urgent request comes.
    pub(super) fn urgent(&self) -> Urgent {
        self.precedence.lock().gate.came(self.pool);
        Urgent { precedence: self.precedence.clone(), pool: self.pool }
    }

    /// Asks the gate on behalf of this pool. What it says stands for as long as `ask` runs.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&mut Gate, u64) -> T) -> T {
        ask(&mut self.precedence.lock().gate, self.pool)
    }

    /// The batch of a worker, which has begun, until it ends.
    pub(super) fn running(&self, worker: u64, preempt: Option<Preempt>) -> Running {
        Running { precedence: self.precedence.clone(), batch: (self.pool, worker), preempt }
    }

    /// The batch of a worker that was given up is over, if it has one.
    pub(super) fn gave_up(&self, worker: u64) {
        drop(self.running(worker, None));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut places = self.precedence.lock();
        places.pools.remove(&self.pool);
        places.gate.leave(self.pool);
        wake(places);
    }
}

/// An urgent request, until it is dropped.
#[derive(Debug)]
pub(super) struct Urgent {
    precedence: Precedence,
    pool: u64,
}

impl Drop for Urgent {
    fn drop(&mut self) {
        let mut places = self.precedence.lock();
        if places.gate.went(self.pool, Instant::now()) {
            wake(places);
        }
    }
}

/// A batch of background requests, until it is dropped.
pub(super) struct Running {
    precedence: Precedence,
    batch: (u64, u64),
    /// Where it may be asked to make way.
    preempt: Option<Preempt>,
}

impl Running {
    /// It is over. Whether it was asked to make way.
    pub(super) fn end(self) -> bool {
        self.preempt.as_ref().is_some_and(Preempt::is_asked)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut places = self.precedence.lock();
        if places.gate.ended(self.batch, Instant::now()) {
            wake(places);
        }
    }
}
