//! What the handles, the workers and the watchdog of a pool share.

use super::{
    Readiness,
    gather::Gather,
    meters::{Meters, Reason},
    precedence::{Member, Wake},
    request::{Dropped, Pending, Served, Work},
    scheduler::{Cause, Class, Entry, Open, Scheduler, Step},
    service::{Crowd, ServiceModel, retry_after},
    settings::{Placement, Settings},
    versions::Versions,
};
use healthsync_events::ModelInfo;
use healthsync_models::{Model, ModelError};
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

pub(super) type WorkOf<M> = Work<<M as Model>::Input, <M as Model>::Output>;

pub(super) struct Shared<M: Model> {
    pub name: &'static str,
    pub instances: usize,
    pub placement: Placement,
    pub member: Member,
    pub meters: Meters,
    pub health: watch::Sender<Readiness>,
    state: Mutex<State<M>>,
    /// There is work, or something else for a worker to look at.
    pub changed: Condvar,
    /// Something for the watchdog to look at.
    pub watched: Condvar,
}

pub(super) struct State<M: Model> {
    pub settings: Settings,
    pub scheduler: Scheduler<WorkOf<M>>,
    pub gather: Gather,
    pub service: ServiceModel,
    /// The same of batches of the background only, which may be asked for more.
    pub background: ServiceModel,
    pub workers: BTreeMap<u64, Worker<M::Output>>,
    pub versions: Versions<M>,
    /// Since when a worker could take what comes.
    pub free_since: Instant,
    /// Workers that sleep until they are told that there is work.
    pub sleeping: usize,
    /// Workers that hold what waits for company, and until when the last of them that began to.
    pub holding: usize,
    pub held_until: Instant,
    /// Threads that were given up and have not come back.
    pub abandoned: usize,
    /// Why nothing is answered any more.
    pub failure: Option<ModelError>,
    pub closed: bool,
    next_worker: u64,
}

/// A thread with a model, by the number that its results must carry: whoever was given up is no longer among them.
pub(super) struct Worker<O> {
    pub version: u64,
    /// Of the model, once it is loaded.
    pub info: Option<ModelInfo>,
    /// It ends when it has nothing under way.
    pub retiring: bool,
    /// What is under way, by keys of the worker's own.
    pub served: Vec<(u64, Served<O>)>,
    /// Since when the model runs.
    pub busy: Option<Instant>,
    pub batches: u64,
}

impl<M: Model> Shared<M> {
    pub(super) fn new(
        name: &'static str,
        instances: usize,
        settings: Settings,
        placement: Placement,
        versions: Versions<M>,
    ) -> Self {
        let state = State {
            settings,
            scheduler: Scheduler::new(),
            gather: Gather::default(),
            service: ServiceModel::default(),
            background: ServiceModel::default(),
            workers: BTreeMap::new(),
            versions,
            free_since: Instant::now(),
            sleeping: 0,
            holding: 0,
            held_until: Instant::now(),
            abandoned: 0,
            failure: None,
            closed: false,
            next_worker: 0,
        };
        let instances = instances.max(1);
        let member = Member::of(&placement, instances);
        Self {
            name,
            instances,
            placement,
            member,
            meters: Meters::new(name),
            health: watch::Sender::new(Readiness::Loading),
            state: Mutex::new(state),
            changed: Condvar::new(),
            watched: Condvar::new(),
        }
    }

    /// A panic while the lock was held cannot leave requests half moved: they are only moved in and out.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until there is something to look at, or until a moment.
    pub(super) fn sleep<'a>(
        &self,
        mut state: MutexGuard<'a, State<M>>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State<M>> {
        state.sleeping += 1;
        let mut state = self.wait(state, until);
        state.sleeping -= 1;
        state
    }

    /// Holds what waits until a moment, or until there is something to look at.
    pub(super) fn hold<'a>(&self, mut state: MutexGuard<'a, State<M>>, until: Instant) -> MutexGuard<'a, State<M>> {
        state.holding += 1;
        state.held_until = until;
        let mut state = self.wait(state, Some(until));
        state.holding -= 1;
        state
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<M>>, until: Option<Instant>) -> MutexGuard<'a, State<M>> {
        let Some(until) = until else { return self.changed.wait(state).unwrap_or_else(PoisonError::into_inner) };
        let left = until.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes who should look at the queue, and nobody else: waking costs more than a small model.
    pub(super) fn wake(&self, mut state: MutexGuard<'_, State<M>>) {
        let (waiting, tried) = (state.sleeping + state.holding, state.versions.canary.is_some());
        let needed = waiting > 0
            && match state.scheduler.step(&state.settings, Open::All) {
                Step::Idle => false,
                Step::Take => true,
                Step::Hold => state.is_held_too_long(),
            };
        drop(state);
        match needed {
            true if tried => self.changed.notify_all(),
            true => self.changed.notify_one(),
            false => {}
        }
    }

    pub(super) fn drop_all(&self, dropped: Vec<(Cause, Entry<WorkOf<M>>)>) {
        for (cause, entry) in dropped {
            self.meters.dropped(entry.meta.class, Reason::Cause(cause));
            let result = match cause {
                Cause::Cancelled => Dropped::Closed,
                Cause::Superseded => Dropped::Superseded,
                Cause::Late => Dropped::Late,
                Cause::Shed => Dropped::Shed,
            };
            entry.work.pending.settle(cause.name(), Err(result));
        }
    }

    pub(super) fn fail(&self, class: Class, pending: Pending<M::Output>, error: ModelError) {
        let cancelled = matches!(error, ModelError::Cancelled { .. });
        let reason = if cancelled { Reason::Cause(Cause::Cancelled) } else { Reason::Failed };
        self.meters.dropped(class, reason);
        pending.settle(reason.name(), Err(Dropped::Failed(error)));
    }

    /// What made way for something more urgent waits again.
    pub(super) fn put_back(&self, made_way: Vec<(Served<M::Output>, M::Input)>) {
        if made_way.is_empty() {
            return;
        }
        self.meters.preempted(made_way.len() as u64);
        let (mut dropped, mut gone) = (Vec::new(), Vec::new());
        let mut state = self.lock();
        let failure = state.failure.clone();
        let State { scheduler, settings, closed, .. } = &mut *state;
        for (Served { meta, pending }, input) in made_way {
            if *closed || failure.is_some() {
                gone.push((meta.class, pending));
                continue;
            }
            let superseded = scheduler.put_back(Entry { meta, work: Work { input, pending } }, settings);
            dropped.extend(superseded.map(|entry| (Cause::Superseded, entry)));
        }
        self.wake(state);
        self.drop_all(dropped);
        for (class, pending) in gone {
            match &failure {
                Some(error) => self.fail(class, pending, error.clone()),
                None => pending.settle("closed", Err(Dropped::Closed)),
            }
        }
    }

    /// What a model failed on: tried once more, alone, or failed with `error`.
    pub(super) fn retry(&self, broken: Vec<(Served<M::Output>, M::Input)>, error: &ModelError) {
        let mut dropped = Vec::new();
        let mut failed = Vec::new();
        let mut state = self.lock();
        for (Served { meta, mut pending }, input) in broken {
            let gone = state.closed || state.failure.is_some();
            if pending.failures > 0 || gone {
                failed.push((meta.class, pending));
                continue;
            }
            pending.failures += 1;
            self.meters.retried();
            let superseded = state.scheduler.retry(Entry { meta, work: Work { input, pending } });
            dropped.extend(superseded.map(|entry| (Cause::Superseded, entry)));
        }
        self.wake(state);
        self.drop_all(dropped);
        for (class, pending) in failed {
            self.fail(class, pending, error.clone());
        }
    }

    /// Nothing is answered any more until another version is loaded.
    pub(super) fn give_up(&self, error: &ModelError) {
        let mut state = self.lock();
        state.failure = Some(error.clone());
        let waiting = state.scheduler.drain();
        drop(state);
        self.health.send_replace(Readiness::Failed(error.clone()));
        tracing::error!(pool = self.name, %error, "a pool has no model that works");
        for entry in waiting {
            self.fail(entry.meta.class, entry.work.pending, error.clone());
        }
    }

    pub(super) fn engine_error(&self, reason: &str) -> ModelError {
        ModelError::Engine { model: self.name.into(), reason: reason.into() }
    }
}

impl<M: Model> Wake for Shared<M> {
    fn wake_all(&self) {
        // Whoever has looked and does not sleep yet has the lock until it does.
        drop(self.lock());
        self.changed.notify_all();
    }
}

impl<M: Model> State<M> {
    pub(super) fn add_worker(&mut self, version: u64) -> u64 {
        self.next_worker += 1;
        let worker = Worker { version, info: None, retiring: false, served: Vec::new(), busy: None, batches: 0 };
        self.workers.insert(self.next_worker, worker);
        self.next_worker
    }

    /// Whether a worker of this version is due the next batch.
    pub(super) fn may_take(&self, version: u64) -> bool {
        let free = |of: u64| self.workers.values().any(|w| w.version == of && w.info.is_some() && w.busy.is_none());
        match &self.versions.canary {
            Some(canary) if canary.version == version => canary.is_due(),
            Some(canary) => version == self.versions.stable && !(canary.is_due() && free(canary.version)),
            None => version == self.versions.stable,
        }
    }

    /// How long one who finds `excess` too many should stay away.
    pub(super) fn retry_hint(&self, excess: usize, now: Instant) -> Duration {
        let stable = self.versions.stable;
        let serving: Vec<_> = self.workers.values().filter(|worker| worker.version == stable).collect();
        let left = |worker: &&Worker<M::Output>| {
            let ends = worker.busy.map(|since| since + self.service.expected(worker.served.len()));
            ends.map_or(Duration::ZERO, |ends| ends.saturating_duration_since(now))
        };
        let until_free = serving.iter().map(left).min().unwrap_or_default();
        let crowd = Crowd { excess, max_batch: self.settings.max_batch, instances: serving.len(), until_free };
        retry_after(&self.service, crowd)
    }

    /// Takes back what a worker has under way; `None`: it was given up.
    pub(super) fn recall(&mut self, worker: u64) -> Option<Vec<(u64, Served<M::Output>)>> {
        Some(std::mem::take(&mut self.workers.get_mut(&worker)?.served))
    }
}
