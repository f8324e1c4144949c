//! Finds models that do not come back. A thread cannot be ended from outside, so it is given up: its requests fail, its
//! place is taken by a new one, and whatever it says later is not listened to. What it has in memory stays reserved until
//! it ends.

use super::{meters::Restart, state::Shared};
use healthsync_models::{Model, ModelError};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// Threads that may be given up at a time before a pool stops replacing them: each keeps its model in memory, and most
/// likely a core.
const MAX_ABANDONED: usize = 2;

/// How often is looked: a fourth of the limit, but not so often that looking costs anything.
const MOST_OFTEN: Duration = Duration::from_millis(5);
const LEAST_OFTEN: Duration = Duration::from_secs(1);

/// Watches until the pool closes.
pub(super) fn spawn<M: Model>(shared: Arc<Shared<M>>) -> std::io::Result<()> {
    let name = format!("{}-watch", shared.name);
    std::thread::Builder::new().name(name).spawn(move || watch(&shared)).map(drop)
}

fn watch<M: Model>(shared: &Arc<Shared<M>>) {
    let mut state = shared.lock();
    while !state.closed {
        let limit = state.settings.tuning.hang_limit;
        let now = Instant::now();
        let hung = |since: Instant| now.saturating_duration_since(since) > limit;
        let found = state.workers.iter().find(|(_, worker)| worker.busy.is_some_and(hung));
        if let Some(id) = found.map(|(id, _)| *id) {
            drop(state);
            shared.abandon(id, limit);
            state = shared.lock();
            continue;
        }
        let pause = (limit / 4).clamp(MOST_OFTEN, LEAST_OFTEN);
        state = shared.watched.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
    }
}

impl<M: Model> Shared<M> {
    /// Gives a worker up.
    fn abandon(self: &Arc<Self>, id: u64, limit: Duration) {
        let mut state = self.lock();
        let Some(worker) = state.workers.remove(&id) else { return };
        state.abandoned += 1;
        let is_canary = state.versions.canary.as_ref().is_some_and(|canary| canary.version == worker.version);
        let is_replaced = !worker.retiring && !is_canary && state.abandoned <= MAX_ABANDONED;
        let replacement = if is_replaced { state.versions.loader(worker.version) } else { None };
        let replacement = replacement.map(|loader| (state.add_worker(worker.version), loader));
        let is_last = worker.version == state.versions.stable
            && !state.workers.values().any(|other| other.version == worker.version);
        drop(state);
        self.member.gave_up(id);
        self.meters.restarted(Restart::Hang);
        tracing::error!(pool = self.name, limit_ms = limit.as_millis() as u64, "a model hangs and was given up");
        let error = ModelError::Hung { model: self.name.into(), limit_ms: limit.as_millis() as u64 };
        for (_, served) in worker.served {
            self.fail(served.meta.class, served.pending, error.clone());
        }
        if is_canary {
            let _ = self.roll_back();
        }
        match replacement {
            Some((id, loader)) => super::worker::spawn(id, Arc::clone(self), loader),
            None if is_last => self.give_up(&error),
            None => {}
        }
    }

    /// A thread that was given up has come back, with results that nobody waits for any more. Where a pool had stopped
    /// for want of threads or memory, it takes its place again with a new one.
    pub(super) fn came_back(self: &Arc<Self>, late: usize) {
        let mut state = self.lock();
        state.abandoned = state.abandoned.saturating_sub(1);
        // Under the lock: whoever sees the result counted sees the thread back.
        self.meters.late_results(late as u64);
        let none_left = state.failure.is_some() && state.workers.is_empty() && !state.closed;
        tracing::warn!(pool = self.name, late, "a model that had been given up came back");
        if none_left && state.versions.stable != 0 {
            let (version, loader) = (state.versions.stable, state.versions.loader.clone());
            let id = state.add_worker(version);
            drop(state);
            super::worker::spawn(id, Arc::clone(self), loader);
        }
    }
}
