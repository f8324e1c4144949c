//! The translator: finds the direction, cuts texts into sentences, and translates those of a batch together.

use crate::{Direction, router::Engine as Directed, sentences};
use fxtranslate::{
    engine::Engine,
    segment::{Span, reassemble},
    shortlist::Shortlist,
};
use healthsync_events::{
    Language, ModelInfo,
    limits::MAX_CHAT_CHARS,
    speech::{Preservation, ReviewStatus},
};
use healthsync_models::{
    Model, ModelError, Preempt,
    tasks::{TranslateRequest, Translation},
};

/// Name and version of the engine, as captions carry it.
pub const ENGINE: &str = "fxtranslate 0.5";

/// Longest text of one request, in characters: a chat message. An utterance of 25 s has about 500.
pub const MAX_CHARS: usize = MAX_CHAT_CHARS;

/// Sentences the engine decodes at once: more gain nothing on a CPU, and between two lots it may be asked to make way.
const MAX_SENTENCES: usize = 4;

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
    preempt: Preempt,
}

/// A request on its way: which direction, which sentences, and what has become of them.
struct Job<'a> {
    text: &'a str,
    direction: usize,
    spans: Vec<Span>,
    outputs: Vec<String>,
}

impl FirefoxTranslator {
    /// Reads every direction's files.
    ///
    /// # Errors
    /// `Load` when a file cannot be used, or there is no direction at all.
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
        Ok(Self { info, directions: loaded, preempt: Preempt::default() })
    }

    fn prepare<'a>(&self, request: &'a TranslateRequest) -> Result<Job<'a>, ModelError> {
        let refuse = |reason: String| ModelError::Input { model: self.info.name.clone(), reason };
        if request.text.chars().count() > MAX_CHARS {
            return Err(refuse(format!("the text is longer than {MAX_CHARS} characters")));
        }
        if request.source.same_language(&request.target) {
            return Err(refuse("source and target are the same language".into()));
        }
        let direction = self.directions.iter().position(|direction| {
            direction.source.same_language(&request.source) && direction.target.same_language(&request.target)
        });
        let direction = direction.ok_or_else(|| refuse("there is no model for this pair of languages".into()))?;
        let text = request.text.trim();
        let engine = &self.directions[direction].engine;
        // The engine counts a mark for the end of the sentence.
        let spans = sentences::spans(text, |piece| engine.src_ids(piece).len().saturating_sub(1));
        let outputs = spans.iter().map(|span| span.of(text).to_owned()).collect();
        Ok(Job { text, direction, spans, outputs })
    }

    /// Replaces the sentences of `jobs` in this direction by their translations, until asked to make way: jobs that are
    /// not done are then given up.
    fn translate(&self, direction: usize, jobs: &mut [Result<Job<'_>, ModelError>]) {
        let in_direction = |(number, job)| Some((number, Result::as_mut(job).ok()?));
        let mut sentences: Vec<(usize, &mut String)> = jobs
            .iter_mut()
            .enumerate()
            .filter_map(in_direction)
            .filter(|(_, job): &(usize, &mut Job<'_>)| job.direction == direction)
            .flat_map(|(number, job)| job.outputs.iter_mut().map(move |sentence| (number, sentence)))
            // What is nothing but numbers and signs is the same in both languages; the model might add words.
            .filter(|(_, sentence)| sentence.chars().any(char::is_alphabetic))
            .collect();
        let mut given_up = Vec::new();
        for some in sentences.chunks_mut(MAX_SENTENCES) {
            if self.preempt.is_asked() {
                given_up.extend(some.iter().map(|(number, _)| *number));
                continue;
            }
            let texts: Vec<&str> = some.iter().map(|(_, sentence)| sentence.as_str()).collect();
            let translated = self.directions[direction].engine.translate_batch(&texts);
            for ((_, sentence), translated) in some.iter_mut().zip(translated) {
                **sentence = translated;
            }
        }
        for number in given_up {
            jobs[number] = Err(ModelError::Preempted { model: self.info.name.clone() });
        }
    }
}

fn load(direction: Direction) -> Result<Loaded, ModelError> {
    let name = direction.info.name.clone();
    let failed = |reason: String| ModelError::Load { model: name.clone(), reason };
    let engine = Engine::load_mmapped(&direction.model, &direction.source_vocabulary, &direction.target_vocabulary);
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
        let mut jobs: Vec<_> = batch.iter().map(|request| self.prepare(request)).collect();
        for direction in 0..self.directions.len() {
            self.translate(direction, &mut jobs);
        }
        let answer = |job: Job<'_>| Translation {
            text: reassemble(job.text, &job.spans, &job.outputs),
            engine: ENGINE.into(),
            review: ReviewStatus::Unreviewed,
            preservation: Preservation::default(),
            model: self.directions[job.direction].info.clone(),
        };
        jobs.into_iter().map(|job| job.map(answer)).collect()
    }

    /// Translates a word in every direction: the weights are mapped, and not in memory until they are used.
    fn warm_up(&mut self) -> Result<(), ModelError> {
        for direction in &self.directions {
            direction.engine.translate_batch(&["OK."]);
        }
        Ok(())
    }

    fn heed(&mut self, preempt: Preempt) {
        self.preempt = preempt;
    }
}

impl Directed for FirefoxTranslator {
    fn serves(&self, source: &Language, target: &Language) -> bool {
        self.directions.iter().any(|it| it.source.same_language(source) && it.target.same_language(target))
    }
}

#[cfg(test)]
mod tests;
