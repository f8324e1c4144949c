//! What every model is to whoever runs it.

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
    /// The engine failed on an input it should handle.
    #[error("{model} failed: {reason}")]
    Engine { model: String, reason: String },
}

/// A loaded model on one thread. Created, used and dropped on the thread of the pool that runs it.
pub trait Model: 'static {
    type Input: Send + 'static;
    type Output: Send + 'static;

    fn info(&self) -> &ModelInfo;

    /// Answers a batch: one result for each input, in their order.
    fn run(&mut self, batch: &[Self::Input]) -> Vec<Result<Self::Output, ModelError>>;
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
}
