//! Models on threads that get a core only while nothing else wants it. The kernel takes them off it when something else
//! does, in the middle of whatever they compute, and nothing of that is lost: who is urgent need not wait for a model to
//! make way.
//!
//! Only the model is there. What a pool does for its requests takes locks that others wait for, and a thread that is kept
//! off the cores while it holds one would keep these off as well.

use super::ModelFactory;
use healthsync_events::ModelInfo;
use healthsync_models::{Model, ModelError, Preempt};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{any::Any, cell::RefCell, marker::PhantomData, time::Duration};

/// How long a batch may be kept waiting for what is urgent, in all: after as long, a request that waits is overdue.
pub(super) const MOST_PAUSED: Duration = Duration::from_secs(30);

thread_local! {
    /// The model that lives on this thread.
    static MODEL: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// A model on a thread of its own that yields to everything, and so do the threads that an engine starts from it. Whoever
/// uses it waits for it. Inputs have no length: the model cannot be asked while somebody waits for a lock.
pub(super) struct Aside<M: Model> {
    thread: ThreadPool,
    info: ModelInfo,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Aside<M> {
    /// Makes the model on its thread, which has the cores of the one that calls.
    pub(super) fn load(pool: &'static str, factory: &ModelFactory<M>) -> Result<Self, ModelError> {
        let failed = |reason: String| ModelError::Load { model: pool.into(), reason };
        let thread = ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(move |_| format!("{pool}-idle"))
            .start_handler(move |_| yield_to_everything(pool))
            .build()
            .map_err(|error| failed(format!("its thread cannot be started: {error}")))?;
        let info = thread.install(|| {
            let model = factory()?;
            let info = model.info().clone();
            MODEL.with_borrow_mut(|place| *place = Some(Box::new(model)));
            Ok(info)
        })?;
        Ok(Self { thread, info, model: PhantomData })
    }

    /// Runs on the model's thread. What panics there, panics here.
    fn with<T: Send>(&self, work: impl FnOnce(&mut M) -> T + Send) -> Option<T> {
        let on_model = |place: &mut Option<Box<dyn Any>>| place.as_mut()?.downcast_mut().map(work);
        self.thread.install(|| MODEL.with_borrow_mut(on_model))
    }

    fn is_gone(&self) -> ModelError {
        ModelError::Engine { model: self.info.name.clone(), reason: "its thread has lost it".into() }
    }
}

impl<M: Model> Drop for Aside<M> {
    /// When this is over, so is the model.
    fn drop(&mut self) {
        self.thread.install(|| drop(MODEL.take()));
    }
}

impl<M: Model> Model for Aside<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Answers that are nonsense are told from others here: for that the model has to be asked as well.
    fn run(&mut self, batch: &[M::Input]) -> Vec<Result<M::Output, ModelError>> {
        let run = |model: &mut M| {
            let answers = model.run(batch);
            if answers.len() != batch.len() {
                return answers;
            }
            let judge = |(input, answer): (&M::Input, Result<M::Output, ModelError>)| {
                let output = answer?;
                match model.nonsense(input, &output) {
                    Some(reason) => Err(ModelError::Nonsense { model: self.info.name.clone(), reason: reason.into() }),
                    None => Ok(output),
                }
            };
            batch.iter().zip(answers).map(judge).collect()
        };
        self.with(run).unwrap_or_else(|| batch.iter().map(|_| Err(self.is_gone())).collect())
    }

    fn heed(&mut self, preempt: Preempt) {
        self.with(|model| model.heed(preempt));
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        self.with(M::warm_up).unwrap_or_else(|| Err(self.is_gone()))
    }
}

#[cfg(target_os = "linux")]
fn yield_to_everything(pool: &str) {
    use thread_priority::{
        NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };
    // The niceness that is set along with it may be refused, and does not matter.
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, Normal(Idle));
    if thread_schedule_policy() != Ok(Normal(Idle)) {
        tracing::warn!(pool, ?set, "a thread cannot be made to yield to everything");
    }
}

#[cfg(not(target_os = "linux"))]
fn yield_to_everything(pool: &str) {
    tracing::warn!(pool, "threads can be made to yield to everything on Linux only");
}
