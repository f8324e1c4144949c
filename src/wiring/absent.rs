//! What stands where a task is switched off.

use healthsync_actors::pool::ModelFactory;
use healthsync_events::ModelInfo;
use healthsync_models::{Model, ModelError};
use std::{marker::PhantomData, sync::Arc};

/// Answers every request with the reason why there is no answer.
struct Absent<I, O> {
    info: ModelInfo,
    reason: &'static str,
    task: PhantomData<fn(I) -> O>,
}

impl<I: Send + Sync + 'static, O: Send + 'static> Model for Absent<I, O> {
    type Input = I;
    type Output = O;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[I]) -> Vec<Result<O, ModelError>> {
        let refuse = |_| Err(ModelError::Input { model: self.info.name.clone(), reason: self.reason.into() });
        batch.iter().map(refuse).collect()
    }
}

/// A model of no size that refuses everything.
pub(super) fn absent<I: Send + Sync + 'static, O: Send + 'static>(
    task: &'static str,
    reason: &'static str,
) -> ModelFactory<Box<dyn Model<Input = I, Output = O>>> {
    Arc::new(move || {
        let info = ModelInfo { name: task.into(), version: "none".into(), weights_sha256: String::new() };
        Ok(Box::new(Absent { info, reason, task: PhantomData }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_refused_with_the_reason() {
        let mut model = absent::<u8, u8>("translate", "captions only")().unwrap();
        let answers = model.run(&[1, 2]);
        assert_eq!(answers.len(), 2);
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Err(ModelError::Input { reason, .. }) if reason == "captions only"))
        );
    }
}
