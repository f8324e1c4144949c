//! The thread that owns a model. A model that panics is made again; its batch fails with a typed error.

use super::{Answer, Dropped, ModelFactory, Readiness, Shared, Work, queue::Taken};
use healthsync_models::{Model, ModelError};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Times in a row a model may panic before its pool stops trying: a model that never works only burns a core.
const MAX_CONSECUTIVE_PANICS: u32 = 5;

pub(super) fn spawn<M: Model>(
    index: usize,
    shared: Arc<Shared<M>>,
    factory: ModelFactory<M>,
) -> std::io::Result<watch::Receiver<Readiness>> {
    let (publish, readiness) = watch::channel(Readiness::Loading);
    let name = format!("{}-{index}", shared.config.name);
    std::thread::Builder::new().name(name).spawn(move || run(&shared, &factory, &publish))?;
    Ok(readiness)
}

fn run<M: Model>(shared: &Shared<M>, factory: &ModelFactory<M>, readiness: &watch::Sender<Readiness>) {
    let mut panics = 0;
    while panics < MAX_CONSECUTIVE_PANICS {
        let mut model = match factory() {
            Ok(model) => model,
            Err(error) => {
                tracing::error!(pool = shared.config.name, %error, "a model cannot be loaded");
                readiness.send_replace(Readiness::Failed(error));
                return refuse_all(shared, readiness);
            }
        };
        readiness.send_replace(Readiness::Ready(model.info().clone()));
        loop {
            let Some(work) = next_batch(shared) else { return };
            let served = work.is_empty() || serve(shared, &mut model, work);
            shared.lock().running -= 1;
            if !served {
                panics += 1;
                break;
            }
            panics = 0;
        }
    }
    let error = ModelError::Engine { model: shared.config.name.into(), reason: "it keeps panicking".into() };
    readiness.send_replace(Readiness::Failed(error));
    refuse_all(shared, readiness);
}

/// The next batch, counted as running until its worker says otherwise; empty if all that waited was late or cancelled, `None` when the pool closes.
fn next_batch<M: Model>(shared: &Shared<M>) -> Option<Vec<Work<M>>> {
    let config = &shared.config;
    let mut state = shared.lock();
    loop {
        if state.closed {
            return None;
        }
        let Some(oldest) = state.queue.oldest() else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let held = oldest.elapsed();
        let full = state.queue.len() >= config.max_batch || state.queue.has_alarm();
        if full || held >= config.max_queue_delay {
            break;
        }
        let wait: Duration = config.max_queue_delay.saturating_sub(held);
        state = shared.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
    state.queue.remove_where(|work: &Work<M>| work.reply.is_closed());
    let Taken { batch, late } = state.queue.take(Instant::now(), config.max_batch);
    metrics::gauge!("healthsync_pool_queue_depth", "pool" => config.name).set(state.queue.len() as f64);
    state.running += 1;
    drop(state);
    for work in late {
        metrics::counter!("healthsync_pool_dropped_total", "pool" => config.name, "reason" => "late").increment(1);
        let _ = work.reply.send(Err(Dropped::Late));
    }
    Some(batch)
}

/// Runs one batch and answers it. `false` when the model panicked.
fn serve<M: Model>(shared: &Shared<M>, model: &mut M, batch: Vec<Work<M>>) -> bool {
    let name = shared.config.name;
    let started = Instant::now();
    let size = batch.len();
    let mut inputs = Vec::with_capacity(size);
    let mut replies = Vec::with_capacity(size);
    for work in batch {
        inputs.push(work.input);
        replies.push((work.reply, started.duration_since(work.queued_at)));
    }
    // The model is dropped after a panic, so nothing broken in it is ever seen.
    let outcome = catch_unwind(AssertUnwindSafe(|| model.run(&inputs)));
    let service = started.elapsed();
    metrics::histogram!("healthsync_pool_batch_size", "pool" => name).record(size as f64);
    metrics::histogram!("healthsync_pool_service_seconds", "pool" => name).record(service.as_secs_f64());
    let failure = |reason: &str| ModelError::Engine { model: name.into(), reason: reason.into() };
    let panicked = outcome.is_err();
    let mut results = match outcome {
        Ok(results) if results.len() == size => results,
        Ok(_) => (0..size).map(|_| Err(failure("it answered another number of inputs than asked"))).collect(),
        Err(_) => (0..size).map(|_| Err(failure("it panicked"))).collect(),
    };
    for (reply, waited) in replies.into_iter().rev() {
        metrics::histogram!("healthsync_pool_wait_seconds", "pool" => name).record(waited.as_secs_f64());
        let result = results.pop().unwrap_or_else(|| Err(failure("it gave no answer")));
        let answer = result.map(|output| Answer { output, model: model.info().clone(), waited, service, batch: size });
        let _ = reply.send(answer.map_err(Dropped::Failed));
    }
    !panicked
}

/// Answers every request with why there is no model, until the pool closes.
fn refuse_all<M: Model>(shared: &Shared<M>, readiness: &watch::Sender<Readiness>) {
    let Readiness::Failed(error) = readiness.borrow().clone() else { return };
    while let Some(batch) = next_batch(shared) {
        for work in batch {
            let _ = work.reply.send(Err(Dropped::Failed(error.clone())));
        }
        shared.lock().running -= 1;
    }
}
