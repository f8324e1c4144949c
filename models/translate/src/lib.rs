//! Machine translation of captions, by the Firefox Translations engine.
//!
//! A direction is a set of files and what the registry knows of them, so that another pair of languages is an
//! entry of the registry and nothing here.

use fxtranslate::{engine::Engine, shortlist::Shortlist};
use healthsync_events::{Language, ModelInfo, speech::ReviewStatus};
use healthsync_models::{
    Model, ModelError,
    tasks::{TranslateRequest, Translation},
};
use std::path::PathBuf;

/// Name and version of the engine, as captions carry it.
pub const ENGINE: &str = "fxtranslate 0.5";

/// Longest text of one request: an utterance of 25 s has about 500 characters.
pub const MAX_CHARS: usize = 4_000;

/// One direction's files.
#[derive(Debug, Clone)]
pub struct Direction {
    pub source: Language,
    pub target: Language,
    pub model: PathBuf,
    pub source_vocabulary: PathBuf,
    pub target_vocabulary: PathBuf,
    /// Restricts the output words to likely ones: three times as fast.
    pub shortlist: Option<PathBuf>,
    pub info: ModelInfo,
}

struct Loaded {
    source: Language,
    target: Language,
    engine: Engine,
    info: ModelInfo,
}

/// A translator for one or more directions.
pub struct FirefoxTranslator {
    info: ModelInfo,
    directions: Vec<Loaded>,
}

impl FirefoxTranslator {
    pub fn load(directions: Vec<Direction>) -> Result<Self, ModelError> {
        let loaded = directions.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
        let info = match loaded.as_slice() {
            [] => return Err(ModelError::Load { model: ENGINE.into(), reason: "no direction is given".into() }),
            [only] => only.info.clone(),
            [first, ..] => ModelInfo {
                name: "firefox-translations".into(),
                version: first.info.version.clone(),
                weights_sha256: first.info.weights_sha256.clone(),
            },
        };
        Ok(Self { info, directions: loaded })
    }

    fn translate(&self, request: &TranslateRequest) -> Result<Translation, ModelError> {
        let refuse = |reason: &str| ModelError::Input { model: self.info.name.clone(), reason: reason.into() };
        if request.text.chars().count() > MAX_CHARS {
            return Err(refuse("the text is longer than 4,000 characters"));
        }
        let direction = self.directions.iter().find(|direction| {
            direction.source.same_language(&request.source) && direction.target.same_language(&request.target)
        });
        let direction = direction.ok_or_else(|| refuse("there is no model for this pair of languages"))?;
        // What is nothing but numbers and signs is the same in both languages; the model might add words.
        let text = if request.text.chars().any(char::is_alphabetic) {
            direction.engine.translate_long(request.text.trim())
        } else {
            request.text.trim().to_owned()
        };
        Ok(Translation {
            text,
            engine: ENGINE.into(),
            review: ReviewStatus::Unreviewed,
            model: direction.info.clone(),
        })
    }
}

fn load(direction: Direction) -> Result<Loaded, ModelError> {
    let name = direction.info.name.clone();
    let failed = |reason: String| ModelError::Load { model: name.clone(), reason };
    let engine =
        Engine::load_mmapped(&direction.model, &direction.source_vocabulary, &direction.target_vocabulary);
    let mut engine = engine.map_err(failed)?;
    if let Some(shortlist) = &direction.shortlist {
        engine = engine.with_shortlist(Shortlist::load(shortlist).map_err(|e| failed(e.to_string()))?);
    }
    Ok(Loaded { source: direction.source, target: direction.target, engine, info: direction.info })
}

impl Model for FirefoxTranslator {
    type Input = TranslateRequest;
    type Output = Translation;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[TranslateRequest]) -> Vec<Result<Translation, ModelError>> {
        batch.iter().map(|request| self.translate(request)).collect()
    }
}

#[cfg(test)]
mod tests;
