//! The thread that owns a model. One that panics or answers nonsense is loaded anew.

use super::{
    Loader,
    idle::{Aside, MOST_PAUSED},
    meters::Restart,
    precedence::Running,
    request::{Answer, Served},
    scheduler::Class,
    slots,
    state::Shared,
    turn::Ready,
};
use healthsync_models::{Model, ModelError, Preempt};
use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// Times in a row a model may fail before its worker stops trying: one that never works only burns a core.
const MAX_CONSECUTIVE_FAILURES: u32 = 5;

/// A model as a worker has it: on its own thread, or aside on one that yields to everything.
type Working<M> = dyn Model<Input = <M as Model>::Input, Output = <M as Model>::Output>;

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
            Loader::Batch(factory) => {
                let make = || -> Result<Box<Working<M>>, ModelError> {
                    if placement.idle {
                        Ok(Box::new(Aside::load(shared.name, factory)?))
                    } else {
                        Ok(Box::new(factory()?))
                    }
                };
                load(shared, make, Model::warm_up).map(|mut model| {
                    let is_wanted = shared.loaded(id, model.info().clone());
                    if is_wanted { serve(shared, id, &mut *model, &mut failures) } else { Ended::Stopped }
                })
            }
            Loader::Slots(_) if placement.idle => {
                Err(shared.engine_error("piece by piece it cannot run on idle threads"))
            }
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
fn serve<M: Model>(shared: &Shared<M>, id: u64, model: &mut Working<M>, failures: &mut u32) -> Ended {
    // Beyond the reach of unwinding: what a model panicked on is tried again.
    let mut inputs = Vec::new();
    let preempt = if shared.placement.idle { Preempt::pausing(MOST_PAUSED) } else { Preempt::default() };
    let served = catch_unwind(AssertUnwindSafe(|| {
        model.heed(preempt.clone());
        loop {
            let (class, running) = match next_batch(shared, id, model, &preempt, &mut inputs) {
                Next::Run(class, running) => (class, running),
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
            let asked = running.is_some_and(Running::end);
            match finish(shared, id, model, std::mem::take(&mut inputs), results, started, asked) {
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
    /// The inputs are there; this is how urgent they are, and what stands for them while they run.
    Run(Class, Option<Running>),
    /// All that waited was not worth it.
    Nothing,
    /// The worker is not wanted any more.
    Stop,
}

/// Waits for the next batch and puts its inputs into `inputs`.
fn next_batch<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &Working<M>,
    preempt: &Preempt,
    inputs: &mut Vec<M::Input>,
) -> Next {
    let mut state = shared.lock();
    state.rest(id);
    loop {
        if state.dismissed(id) {
            return Next::Stop;
        }
        let Some(version) = state.workers.get(&id).map(|worker| worker.version) else { return Next::Stop };
        match state.ready(&shared.member, version) {
            Ready::Now => break,
            Ready::Held(until) => state = shared.hold(state, until),
            Ready::Asleep(until) => state = shared.sleep(state, until),
        }
    }
    if !state.settings.tuning.buckets.is_empty() {
        state.scheduler.measure(|work| model.length(&work.input));
    }
    let now = Instant::now();
    let (taken, running) = state.take_batch(&shared.member, id, Some(preempt), now, usize::MAX);
    let class = taken.batch.iter().map(|entry| entry.meta.class).min();
    state.begin(id, now, taken.batch, |input| {
        inputs.push(input);
        inputs.len() as u64
    });
    let depths = state.scheduler.depths();
    shared.wake(state);
    shared.meters.depths(depths);
    shared.drop_all(taken.dropped);
    class.map_or(Next::Nothing, |class| Next::Run(class, running))
}

/// Answers a batch that has been run. Nobody is answered twice: what was given up meanwhile is no longer this worker's.
/// `asked`: to make way for something more urgent.
fn finish<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &Working<M>,
    inputs: Vec<M::Input>,
    results: Vec<Result<M::Output, ModelError>>,
    started: Instant,
    asked: bool,
) -> ControlFlow<Ended> {
    let (size, service) = (inputs.len(), started.elapsed());
    let makes_way =
        |result: &Result<M::Output, ModelError>| asked && matches!(result, Err(ModelError::Preempted { .. }));
    let is_whole = !results.iter().any(makes_way);
    let mut state = shared.lock();
    let Some(served) = state.recall(id) else { return ControlFlow::Break(Ended::Abandoned(size)) };
    if is_whole {
        state.service.observe(size, service);
        if served.iter().all(|(_, served)| served.meta.class == Class::Background) {
            state.background.observe(size, service);
        }
        let state_now = &mut *state;
        state_now.gather.answered(size, Instant::now(), &state_now.service);
    }
    drop(state);
    let (mut waits, mut answered) = (Vec::with_capacity(size), [0; 3]);
    let (mut good, mut broken, mut made_way) = (Vec::with_capacity(size), Vec::new(), Vec::new());
    let nonsense = |reason: &str| ModelError::Nonsense { model: shared.name.into(), reason: reason.into() };
    let mut error = nonsense("it answered another number of inputs than asked");
    let is_complete = results.len() == size;
    let mut results = results.into_iter();
    for ((_, Served { meta, pending }), input) in served.into_iter().zip(inputs) {
        let result = results.next().filter(|_| is_complete);
        if result.as_ref().is_some_and(makes_way) {
            made_way.push((Served { meta, pending }, input));
            continue;
        }
        waits.push((meta.class, started - meta.queued_at));
        match result {
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
            Some(Err(nonsense @ ModelError::Nonsense { .. })) => {
                error = nonsense;
                broken.push((Served { meta, pending }, input));
            }
            Some(Err(error)) => shared.fail(meta.class, pending, error),
            None => broken.push((Served { meta, pending }, input)),
        }
    }
    if !waits.is_empty() {
        shared.meters.served(&waits, service);
    }
    shared.meters.answered(answered);
    // Counted before it is told: whoever has an answer finds it in the figures.
    for (pending, answer) in good {
        pending.settle("answered", Ok(answer));
    }
    shared.put_back(made_way);
    if broken.is_empty() {
        return ControlFlow::Continue(());
    }
    shared.retry(broken, &error);
    ControlFlow::Break(Ended::Broken(Restart::Nonsense))
}

impl super::settings::Placement {
    fn lease(&self, class: Class) -> Option<super::budget::CoreLease> {
        let budget = self.thread_budget.as_ref().filter(|_| self.threads > 0)?;
        Some(budget.lease(class, self.threads))
    }
}
