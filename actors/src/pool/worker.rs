//! The thread that owns a model. One that panics or answers nonsense is loaded anew.

use super::{
    Loader,
    meters::Restart,
    request::{Answer, Served, Work},
    scheduler::{Class, Entry, Step},
    slots,
    state::{Shared, WorkOf},
};
use healthsync_models::{Model, ModelError};
use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// Times in a row a model may fail before its worker stops trying: one that never works only burns a core.
const MAX_CONSECUTIVE_FAILURES: u32 = 5;

/// How serving ended.
pub(super) enum Ended {
    /// It is not wanted any more.
    Stopped,
    /// It was given up while it ran so many.
    Abandoned(usize),
    Broken(Restart),
}

/// Starts a worker that has been added to the pool's state.
pub(super) fn spawn<M: Model>(id: u64, shared: Arc<Shared<M>>, loader: Loader<M>) {
    let name = format!("{}-{id}", shared.name);
    let run = {
        let shared = Arc::clone(&shared);
        // A model may panic even while it is dropped.
        move || {
            if catch_unwind(AssertUnwindSafe(|| run(&shared, id, &loader))).is_err() {
                shared.lost(id, &shared.engine_error("its thread panicked"));
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name(name).spawn(run) {
        shared.lost(id, &shared.engine_error(&format!("its thread cannot be started: {error}")));
    }
}

fn run<M: Model>(shared: &Arc<Shared<M>>, id: u64, loader: &Loader<M>) {
    let placement = &shared.placement;
    placement.apply(shared.name);
    let reserved = placement.memory_budget.as_ref().map(|budget| budget.lease(shared.name, placement.memory_mb));
    let memory = match reserved.transpose() {
        Ok(memory) => memory,
        Err(error) => return shared.lost(id, &error),
    };
    let mut failures = 0;
    while failures < MAX_CONSECUTIVE_FAILURES {
        let ended = match loader {
            Loader::Batch(factory) => load(shared, || factory(), M::warm_up).map(|mut model| {
                let is_wanted = shared.loaded(id, model.info().clone());
                if is_wanted { serve(shared, id, &mut model, &mut failures) } else { Ended::Stopped }
            }),
            Loader::Slots(factory) => load(shared, || factory(), |model| model.warm_up()).map(|mut model| {
                let is_wanted = shared.loaded(id, model.info().clone());
                if is_wanted { slots::serve(shared, id, &mut *model, &mut failures) } else { Ended::Stopped }
            }),
        };
        match ended {
            Err(error) => {
                tracing::error!(pool = shared.name, %error, "a model cannot be loaded");
                return shared.lost(id, &error);
            }
            Ok(Ended::Stopped) => return,
            Ok(Ended::Abandoned(late)) => {
                drop(memory);
                return shared.came_back(late);
            }
            Ok(Ended::Broken(restart)) => {
                failures += 1;
                shared.meters.restarted(restart);
                tracing::error!(pool = shared.name, reason = restart.name(), "a model failed and is loaded anew");
                if !shared.broke(id) {
                    return;
                }
            }
        }
    }
    shared.lost(id, &shared.engine_error("it keeps failing"));
}

/// Makes a model and has it warm up. One that panics meanwhile has failed to load.
fn load<M: Model, T>(
    shared: &Shared<M>,
    make: impl FnOnce() -> Result<T, ModelError>,
    warm_up: impl FnOnce(&mut T) -> Result<(), ModelError>,
) -> Result<T, ModelError> {
    let panicked = || ModelError::Load { model: shared.name.into(), reason: "it panicked".into() };
    let ready = || {
        let mut model = make()?;
        warm_up(&mut model)?;
        Ok(model)
    };
    catch_unwind(AssertUnwindSafe(ready)).unwrap_or_else(|_| Err(panicked()))
}

/// Serves batches until the model breaks or is not wanted any more.
fn serve<M: Model>(shared: &Shared<M>, id: u64, model: &mut M, failures: &mut u32) -> Ended {
    // Beyond the reach of unwinding: what a model panicked on is tried again.
    let mut inputs = Vec::new();
    let served = catch_unwind(AssertUnwindSafe(|| {
        loop {
            let class = match next_batch(shared, id, model, &mut inputs) {
                Next::Run(class) => class,
                Next::Nothing => continue,
                Next::Stop => return Ended::Stopped,
            };
            let cores = shared.placement.lease(class);
            if let Some(cores) = &cores {
                model.set_threads(cores.threads());
            }
            let started = Instant::now();
            let results = model.run(&inputs);
            drop(cores);
            match finish(shared, id, model, std::mem::take(&mut inputs), results, started) {
                ControlFlow::Continue(()) => *failures = 0,
                ControlFlow::Break(ended) => return ended,
            }
        }
    }));
    served.unwrap_or_else(|_| {
        let Some(served) = shared.lock().recall(id) else { return Ended::Abandoned(inputs.len()) };
        let broken = served.into_iter().map(|(_, served)| served).zip(inputs).collect();
        shared.retry(broken, &shared.engine_error("it panicked"));
        Ended::Broken(Restart::Panic)
    })
}

/// What there is to do.
enum Next {
    /// The inputs are there; this is how urgent they are.
    Run(Class),
    /// All that waited was not worth it.
    Nothing,
    /// The worker is not wanted any more.
    Stop,
}

/// Waits for the next batch and puts its inputs into `inputs`.
fn next_batch<M: Model>(shared: &Shared<M>, id: u64, model: &M, inputs: &mut Vec<M::Input>) -> Next {
    let mut state = shared.lock();
    state.rest(id);
    loop {
        if state.dismissed(id) {
            return Next::Stop;
        }
        let Some(version) = state.workers.get(&id).map(|worker| worker.version) else { return Next::Stop };
        match state.ready(version) {
            Ready::Now => break,
            Ready::At(moment) => state = shared.wait(state, Some(moment)),
            Ready::Asleep => state = shared.wait(state, None),
        }
    }
    if !state.settings.tuning.buckets.is_empty() {
        state.scheduler.measure(|work| model.length(&work.input));
    }
    let now = Instant::now();
    let taken = state.take_batch(now, usize::MAX);
    let class = taken.batch.iter().map(|entry| entry.meta.class).min();
    state.begin(id, now, taken.batch, |input| {
        inputs.push(input);
        inputs.len() as u64
    });
    let depths = state.scheduler.depths();
    shared.wake(state);
    shared.meters.depths(depths);
    shared.drop_all(taken.dropped);
    class.map_or(Next::Nothing, Next::Run)
}

/// Answers a batch that has been run. Nobody is answered twice: what was given up meanwhile is no longer this worker's.
fn finish<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &M,
    inputs: Vec<M::Input>,
    results: Vec<Result<M::Output, ModelError>>,
    started: Instant,
) -> ControlFlow<Ended> {
    let (size, service) = (inputs.len(), started.elapsed());
    let mut state = shared.lock();
    let Some(served) = state.recall(id) else { return ControlFlow::Break(Ended::Abandoned(size)) };
    state.service.observe(size, service);
    state.gather.answered(Instant::now());
    drop(state);
    let waits: Vec<_> = served.iter().map(|(_, s)| (s.meta.class, started - s.meta.queued_at)).collect();
    let mut answered = [0; 3];
    let (mut good, mut broken) = (Vec::with_capacity(size), Vec::new());
    let nonsense = |reason: &str| ModelError::Nonsense { model: shared.name.into(), reason: reason.into() };
    let mut error = nonsense("it answered another number of inputs than asked");
    let is_complete = results.len() == size;
    let mut results = results.into_iter();
    for ((_, Served { meta, pending }), input) in served.into_iter().zip(inputs) {
        match results.next().filter(|_| is_complete) {
            Some(Ok(output)) => {
                if let Some(reason) = model.nonsense(&input, &output) {
                    error = nonsense(reason);
                    broken.push((Served { meta, pending }, input));
                    continue;
                }
                let waited = started - meta.queued_at;
                let answer = Answer { output, model: model.info().clone(), waited, service, batch: size };
                answered[meta.class.index()] += 1;
                pending.span.record("waited_us", waited.as_micros() as u64);
                pending.span.record("batch", size);
                good.push((pending, answer));
            }
            Some(Err(error)) => shared.fail(meta.class, pending, error),
            None => broken.push((Served { meta, pending }, input)),
        }
    }
    shared.meters.served(&waits, service);
    shared.meters.answered(answered);
    // Counted before it is told: whoever has an answer finds it in the figures.
    for (pending, answer) in good {
        pending.settle("answered", Ok(answer));
    }
    if broken.is_empty() {
        return ControlFlow::Continue(());
    }
    shared.retry(broken, &error);
    ControlFlow::Break(Ended::Broken(Restart::Nonsense))
}

/// When a worker may take what waits.
pub(super) enum Ready {
    Now,
    /// Company may come until then.
    At(Instant),
    /// Not before something changes.
    Asleep,
}

impl<M: Model> super::state::State<M> {
    /// A worker has nothing under way.
    pub(super) fn rest(&mut self, id: u64) {
        if let Some(worker) = self.workers.get_mut(&id)
            && worker.busy.take().is_some()
        {
            self.free_since = Instant::now();
        }
    }

    /// Whether a worker is not wanted any more. It is forgotten then.
    pub(super) fn dismissed(&mut self, id: u64) -> bool {
        let wanted = self.workers.get(&id).is_some_and(|worker| !worker.retiring) && !self.closed;
        if !wanted {
            self.workers.remove(&id);
        }
        !wanted
    }

    pub(super) fn ready(&mut self, version: u64) -> Ready {
        if !self.may_take(version) {
            return Ready::Asleep;
        }
        match self.scheduler.step(&self.settings) {
            Step::Idle => Ready::Asleep,
            Step::Take => Ready::Now,
            Step::Hold => {
                let Some(waiting) = self.scheduler.waiting() else { return Ready::Asleep };
                self.gather.consider(waiting, self.free_since, &self.service);
                let until = self.gather.hold_until(waiting, self.free_since, &self.settings, &self.service);
                if until <= Instant::now() { Ready::Now } else { Ready::At(until) }
            }
        }
    }

    pub(super) fn take_batch(&mut self, now: Instant, most: usize) -> super::scheduler::Taken<WorkOf<M>> {
        let target = self.settings.tuning.latency_target;
        let most = target.map_or(most, |target| most.min(self.service.size_within(target)));
        self.scheduler.take(now, &self.settings, most)
    }

    /// Writes down that a worker has these under way, by the keys that it gives for their inputs.
    pub(super) fn begin(
        &mut self,
        id: u64,
        now: Instant,
        batch: Vec<Entry<WorkOf<M>>>,
        mut key_of: impl FnMut(M::Input) -> u64,
    ) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if batch.is_empty() {
            return;
        }
        worker.busy = Some(now);
        worker.batches += 1;
        let (version, size) = (worker.version, batch.len());
        for Entry { meta, work: Work { input, pending } } in batch {
            worker.served.push((key_of(input), Served { meta, pending }));
        }
        self.versions.took(version, size);
    }
}

impl super::settings::Placement {
    fn lease(&self, class: Class) -> Option<super::budget::CoreLease> {
        let budget = self.thread_budget.as_ref().filter(|_| self.threads > 0)?;
        Some(budget.lease(class, self.threads))
    }
}
