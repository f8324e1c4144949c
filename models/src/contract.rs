//! What every model is to whoever runs it.

use crate::Preempt;
use healthsync_events::ModelInfo;

/// Why a model gave no answer. Texts hold no patient data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The weights or a program they need cannot be used.
    #[error("{model} cannot be loaded: {reason}")]
    Load { model: String, reason: String },
    /// This input cannot be handled; another may.
    #[error("{model} cannot handle this input: {reason}")]
    Input { model: String, reason: String },
    /// Nobody waited for the answer any more.
    #[error("{model} was told to give up")]
    Cancelled { model: String },
    /// It made way for something more urgent, as it was asked to.
    #[error("{model} made way for something more urgent")]
    Preempted { model: String },
    /// The engine failed on an input it should handle.
    #[error("{model} failed: {reason}")]
    Engine { model: String, reason: String },
    /// Its answer is not one that a working model gives.
    #[error("{model} answered nonsense: {reason}")]
    Nonsense { model: String, reason: String },
    /// It did not come back in time and was given up.
    #[error("{model} did not answer within {limit_ms} ms")]
    Hung { model: String, limit_ms: u64 },
    /// Loading it would take more memory than is set aside for models.
    #[error("{model} needs {needed_mb} MB of memory, and {free_mb} MB are left for models")]
    Memory { model: String, needed_mb: u64, free_mb: u64 },
}

/// A loaded model on one thread. Created, used and dropped on the thread of the pool that runs it.
pub trait Model: 'static {
    type Input: Send + Sync + 'static;
    type Output: Send + 'static;

    fn info(&self) -> &ModelInfo;

    /// Answers a batch: one result for each input, in their order.
    fn run(&mut self, batch: &[Self::Input]) -> Vec<Result<Self::Output, ModelError>>;

    /// How long an input is, in a unit of the model's own, where a batch is padded to its longest input. Must not
    /// block: it is asked while requests are being sorted into batches.
    fn length(&self, _input: &Self::Input) -> usize {
        0
    }

    /// What is wrong with an answer, if anything is: numbers that are not finite, too many or too few of them. Texts
    /// hold no patient data. A model that answers nonsense is loaded anew.
    fn nonsense(&self, _input: &Self::Input, _output: &Self::Output) -> Option<&'static str> {
        None
    }

    /// Runs once on something harmless, so that the first request does not pay for what is made on first use.
    fn warm_up(&mut self) -> Result<(), ModelError> {
        Ok(())
    }

    /// How many threads the next batch may use, at least one: told before each. An engine that cannot change it
    /// need not listen.
    fn set_threads(&mut self, _threads: usize) {}

    /// Told once, before the first batch: while a batch runs, this may be asked. Whatever of the batch is not done soon
    /// is then answered with [`ModelError::Preempted`], and comes again. A model that cannot stop need not listen.
    fn heed(&mut self, _preempt: Preempt) {}
}

impl<M: Model + ?Sized> Model for Box<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn info(&self) -> &ModelInfo {
        (**self).info()
    }

    fn run(&mut self, batch: &[Self::Input]) -> Vec<Result<Self::Output, ModelError>> {
        (**self).run(batch)
    }

    fn length(&self, input: &Self::Input) -> usize {
        (**self).length(input)
    }

    fn nonsense(&self, input: &Self::Input, output: &Self::Output) -> Option<&'static str> {
        (**self).nonsense(input, output)
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        (**self).warm_up()
    }

    fn set_threads(&mut self, threads: usize) {
        (**self).set_threads(threads);
    }

    fn heed(&mut self, preempt: Preempt) {
        (**self).heed(preempt);
    }
}

/// Names a sequence in a slot of a [`SequenceModel`]: the slot is used again and again, its generation never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotKey {
    pub slot: usize,
    pub generation: u64,
}

/// What came of a sequence in one step.
#[derive(Debug)]
pub enum SequenceStep<O> {
    /// It grew and is not done.
    Grown,
    Done(Result<O, ModelError>),
}

/// A model that makes its outputs piece by piece, several at a time: whoever is done leaves, and the next one takes its
/// place without waiting for the others. Created, used and dropped on one thread.
pub trait SequenceModel: 'static {
    type Input: Send + 'static;
    type Output: Send + 'static;

    fn info(&self) -> &ModelInfo;

    /// Sequences it can hold at a time; at least one.
    fn slots(&self) -> usize;

    /// Takes sequences in, each into a slot that is free. One result for each, in their order: those that are
    /// refused have not taken their slot.
    fn join(&mut self, joining: Vec<(SlotKey, Self::Input)>) -> Vec<Result<(), ModelError>>;

    /// One piece further for every sequence it holds. A sequence that is done has left its slot. What it tells of a
    /// key whose sequence has left is ignored.
    fn step(&mut self) -> Vec<(SlotKey, SequenceStep<Self::Output>)>;

    /// Nobody waits for this one any more.
    fn leave(&mut self, key: SlotKey);

    fn nonsense(&self, _output: &Self::Output) -> Option<&'static str> {
        None
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        Ok(())
    }
}
