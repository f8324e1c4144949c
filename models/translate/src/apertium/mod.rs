//! Apertium, for directions without a neural model.
//!
//! It is rule-based and under the GPL: never linked, but run as programs of its own, which stay running between
//! captions. Its translations are rough, and words that it does not know stay as they were.

mod format;
mod installed;
mod mode;
mod pipeline;

pub(crate) use installed::hex;
pub use installed::{ApertiumMode, DEFAULT_MODES, installed};

use crate::{MAX_CHARS, router::Engine};
use healthsync_events::{
    Language, ModelInfo,
    speech::{Preservation, ReviewStatus},
};
use healthsync_models::{
    Model, ModelError,
    tasks::{TranslateRequest, Translation},
};
use pipeline::{Pipeline, PipelineError};
use std::time::Duration;

/// How long an answer may take. A caption takes a few milliseconds, and the first about two hundred, while the programs
/// read their data; what takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One direction. Its programs are started with the first request, and again when one of them has ended.
pub struct Apertium {
    mode: ApertiumMode,
    stages: Vec<mode::Stage>,
    info: ModelInfo,
    engine: String,
    timeout: Duration,
    pipeline: Option<Pipeline>,
    unknown_words: u64,
    /// Asked so far: each has its number.
    requests: u64,
}

impl Apertium {
    /// Reads a mode and its data.
    ///
    /// # Errors
    /// `Load` when the mode or its data cannot be used, or Apertium's programs are not there.
    pub fn load(mode: ApertiumMode) -> Result<Self, ModelError> {
        let (stages, info) = installed::open(&mode)?;
        let engine = format!("apertium {} ({})", mode.name(), info.version);
        Ok(Self { mode, stages, info, engine, timeout: TIMEOUT, pipeline: None, unknown_words: 0, requests: 0 })
    }

    /// Words it did not know since it was loaded.
    pub fn unknown_words(&self) -> u64 {
        self.unknown_words
    }

    fn translate(&mut self, request: &TranslateRequest) -> Result<Translation, ModelError> {
        let refuse = |reason: String| ModelError::Input { model: self.info.name.clone(), reason };
        if !self.serves(&request.source, &request.target) {
            return Err(refuse("there is no model for this pair of languages".into()));
        }
        if request.text.chars().count() > MAX_CHARS {
            return Err(refuse(format!("the text is longer than {MAX_CHARS} characters")));
        }
        let text = request.text.trim();
        // What is nothing but numbers and signs is the same in both languages.
        let (text, unknown) = if text.chars().any(char::is_alphabetic) {
            self.ask(text).map_err(|e| self.failed(e.to_string()))?
        } else {
            (text.to_owned(), 0)
        };
        self.unknown_words += unknown;
        metrics::counter!("healthsync_translation_unknown_words_total", "mode" => self.info.name.clone())
            .increment(unknown);
        Ok(Translation {
            text,
            engine: self.engine.clone(),
            review: ReviewStatus::Unreviewed,
            preservation: Preservation::default(),
            model: self.info.clone(),
        })
    }

    fn failed(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.info.name.clone(), reason }
    }

    /// Asks the running programs. When one had ended they are started again and asked once more; when they hang they
    /// are ended, and this request has waited long enough.
    fn ask(&mut self, text: &str) -> Result<(String, u64), PipelineError> {
        let reused = self.pipeline.is_some();
        match self.ask_once(text) {
            Err(PipelineError::Ended) if reused => self.ask_once(text),
            answer => answer,
        }
    }

    fn ask_once(&mut self, text: &str) -> Result<(String, u64), PipelineError> {
        let pipeline = match self.pipeline.take() {
            Some(pipeline) => pipeline,
            None => Pipeline::start(&self.stages)?,
        };
        self.requests += 1;
        let answer = pipeline.ask(&format::escape(text, self.requests), self.timeout)?;
        let answer = String::from_utf8(answer).map_err(|_| PipelineError::NoText)?;
        // A stage whose input ends says what it has, and the end of an answer with it.
        let answer = format::unescape(&answer, self.requests).ok_or(PipelineError::Ended)?;
        self.pipeline = Some(pipeline);
        Ok(answer)
    }
}

impl Model for Apertium {
    type Input = TranslateRequest;
    type Output = Translation;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[TranslateRequest]) -> Vec<Result<Translation, ModelError>> {
        batch.iter().map(|request| self.translate(request)).collect()
    }
}

impl Engine for Apertium {
    fn serves(&self, source: &Language, target: &Language) -> bool {
        self.mode.source.same_language(source) && self.mode.target.same_language(target)
    }
}

#[cfg(test)]
mod tests;
