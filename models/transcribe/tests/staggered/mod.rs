//! The recogniser of recordings that come and go, as one of batches: each recording joins some tokens after the one
//! before it.

use healthsync_events::ModelInfo;
use healthsync_models::{
    Model, ModelError, SequenceModel, SequenceStep, SlotKey,
    tasks::{TranscribeRequest, Transcription},
};
use healthsync_transcribe::CandleSequences;
use std::collections::HashMap;

/// Tokens between two that join.
const APART: usize = 3;

/// Tokens after which a text must be there.
const MAX_STEPS: usize = 1_000;

pub struct Staggered {
    pub model: CandleSequences,
    pub generation: u64,
}

impl Model for Staggered {
    type Input = TranscribeRequest;
    type Output = Transcription;

    fn info(&self) -> &ModelInfo {
        self.model.info()
    }

    fn run(&mut self, batch: &[TranscribeRequest]) -> Vec<Result<Transcription, ModelError>> {
        let mut answers: HashMap<u64, Result<Transcription, ModelError>> = HashMap::new();
        let first = self.generation;
        for step in 0..MAX_STEPS {
            if step % APART == 0 && step / APART < batch.len() {
                let slot = step / APART;
                let key = SlotKey { slot, generation: first + slot as u64 };
                if let Err(error) = self.model.join(vec![(key, batch[slot].clone())]).remove(0) {
                    assert!(answers.insert(key.generation, Err(error)).is_none(), "answered twice");
                }
            }
            for (key, told) in self.model.step() {
                let SequenceStep::Done(answer) = told else { continue };
                assert!(answers.insert(key.generation, answer).is_none(), "answered twice");
            }
            if answers.len() == batch.len() {
                break;
            }
        }
        self.generation += batch.len() as u64;
        (first..self.generation).map(|key| answers.remove(&key).expect("answered")).collect()
    }
}
