//! One translator of several engines: the first that has the direction, or two of them over English.
//!
//! Whatever translates, the outcome is compared with its source. Where a term or a drug was lost it is tried again with
//! the word protected, and the better outcome is kept.

use crate::{Terms, apertium::hex, preserve, protect};
use healthsync_events::{
    Language, ModelInfo,
    speech::{PreservedKind, ReviewStatus},
};
use healthsync_models::{
    Model, ModelError, Preempt,
    tasks::{TranslateRequest, Translation},
};
use sha2::{Digest as _, Sha256};

/// A translator that knows which directions it has.
pub trait Engine: Model<Input = TranslateRequest, Output = Translation> {
    fn serves(&self, source: &Language, target: &Language) -> bool;
}

/// Chooses an engine for each request.
pub struct Router {
    info: ModelInfo,
    /// The better ones first.
    engines: Vec<Box<dyn Engine>>,
    /// The language between two engines; `None`: one engine or none.
    pivot: Option<Language>,
    terms: Terms,
}

/// How a request is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Direct(usize),
    /// Into the language between, then out of it.
    Pivot(usize, usize),
}

type Outcome = Result<Translation, ModelError>;

impl Router {
    /// A router over `engines`, the better ones first, of which there must be one.
    ///
    /// # Errors
    /// `Load` when there is no engine.
    pub fn new(engines: Vec<Box<dyn Engine>>, terms: Terms) -> Result<Self, ModelError> {
        let Some(first) = engines.first() else {
            return Err(ModelError::Load { model: "translation".into(), reason: "there is no engine".into() });
        };
        Ok(Self { info: first.info().clone(), engines, pivot: None, terms })
    }

    /// Lets directions that no engine has go over `language`.
    #[must_use]
    pub fn with_pivot(self, language: Language) -> Self {
        Self { pivot: Some(language), ..self }
    }

    fn route(&self, request: &TranslateRequest) -> Result<Route, ModelError> {
        let refuse = |reason: &str| ModelError::Input { model: self.info.name.clone(), reason: reason.into() };
        let (source, target) = (&request.source, &request.target);
        if source.same_language(target) {
            return Err(refuse("source and target are the same language"));
        }
        let serving = |from, to| self.engines.iter().position(|engine| engine.serves(from, to));
        if let Some(engine) = serving(source, target) {
            return Ok(Route::Direct(engine));
        }
        let over = |pivot| Some(Route::Pivot(serving(source, pivot)?, serving(pivot, target)?));
        self.pivot.as_ref().and_then(over).ok_or_else(|| refuse("there is no model for this pair of languages"))
    }

    /// Translates requests that have routes, those of an engine together.
    fn translate(&mut self, routed: &[(Route, TranslateRequest)]) -> Vec<Outcome> {
        let first = |(route, request): &(Route, TranslateRequest)| match (route, &self.pivot) {
            (Route::Pivot(engine, _), Some(pivot)) => {
                (*engine, TranslateRequest { target: pivot.clone(), ..request.clone() })
            }
            (Route::Direct(engine) | Route::Pivot(engine, _), _) => (*engine, request.clone()),
        };
        let legs: Vec<_> = routed.iter().map(first).collect();
        let mut outcomes = self.by_engine(legs);
        let mut second = Vec::new();
        let mut places = Vec::new();
        for (index, (route, request)) in routed.iter().enumerate() {
            let (Route::Pivot(_, engine), Ok(half), Some(pivot)) = (route, &outcomes[index], &self.pivot) else {
                continue;
            };
            let leg =
                TranslateRequest { text: half.text.clone(), source: pivot.clone(), target: request.target.clone() };
            second.push((*engine, leg));
            places.push(index);
        }
        for (index, there) in places.into_iter().zip(self.by_engine(second)) {
            let half = std::mem::replace(&mut outcomes[index], there);
            if let (Ok(half), Ok(whole)) = (half, &mut outcomes[index]) {
                join(&half, whole);
            }
        }
        outcomes
    }

    /// Runs each engine once, on its requests.
    fn by_engine(&mut self, requests: Vec<(usize, TranslateRequest)>) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = requests.iter().map(|_| None).collect();
        let (engines, requests): (Vec<usize>, Vec<TranslateRequest>) = requests.into_iter().unzip();
        for (number, engine) in self.engines.iter_mut().enumerate() {
            let mine: Vec<usize> = (0..requests.len()).filter(|index| engines[*index] == number).collect();
            if mine.is_empty() {
                continue;
            }
            let batch: Vec<TranslateRequest> = mine.iter().map(|index| requests[*index].clone()).collect();
            for (index, outcome) in mine.into_iter().zip(engine.run(&batch)) {
                outcomes[index] = Some(outcome);
            }
        }
        let lost = || ModelError::Engine { model: self.info.name.clone(), reason: "an answer is missing".into() };
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(lost()))).collect()
    }

    /// Compares each translation with its source.
    fn compare(&self, source: &TranslateRequest, outcome: &mut Outcome) {
        if let Ok(translation) = outcome {
            translation.preservation =
                preserve::check(&source.text, &source.source, &translation.text, &source.target, &self.terms);
        }
    }

    /// Tries again what lost a term or a drug, with these words protected in one way, and keeps what is better.
    fn try_again(&mut self, way: protect::Way, routed: &[(Route, TranslateRequest)], outcomes: &mut [Outcome]) {
        let mut again = Vec::new();
        let mut protected = Vec::new();
        for (index, (route, request)) in routed.iter().enumerate() {
            let Ok(before) = &outcomes[index] else { continue };
            let word_lost = before
                .preservation
                .findings
                .iter()
                .any(|finding| matches!(finding.kind, PreservedKind::Term | PreservedKind::Drug));
            let Some(text) = word_lost.then(|| protect::protect(request, &self.terms, way)).flatten() else { continue };
            again.push((*route, TranslateRequest { text: text.text.clone(), ..request.clone() }));
            protected.push((index, text));
        }
        for ((index, text), mut outcome) in protected.into_iter().zip(self.translate(&again)) {
            if let Ok(translation) = &mut outcome {
                translation.text = text.restore(&translation.text);
            }
            self.compare(&routed[index].1, &mut outcome);
            if let Err(ModelError::Preempted { .. }) = outcome {
                // The better of the two is not known.
                outcomes[index] = outcome;
                continue;
            }
            let (Ok(before), Ok(after)) = (&outcomes[index], &outcome) else { continue };
            if after.preservation.findings.len() < before.preservation.findings.len() {
                outcomes[index] = outcome;
            }
        }
    }
}

/// Both engines of a translation over another language stand in it.
fn join(first: &Translation, second: &mut Translation) {
    let (a, b) = (&first.model, &second.model);
    let hash = Sha256::new().chain_update(&a.weights_sha256).chain_update(&b.weights_sha256).finalize();
    second.model = ModelInfo {
        name: format!("{}+{}", a.name, b.name),
        version: format!("{}+{}", a.version, b.version),
        weights_sha256: hex(&hash),
    };
    second.engine = format!("{}, then {}", first.engine, second.engine);
    if first.review == ReviewStatus::Unreviewed {
        second.review = ReviewStatus::Unreviewed;
    }
}

impl Model for Router {
    type Input = TranslateRequest;
    type Output = Translation;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[TranslateRequest]) -> Vec<Outcome> {
        let mut answers: Vec<Option<Outcome>> = Vec::with_capacity(batch.len());
        let mut routed = Vec::new();
        for request in batch {
            answers.push(match self.route(request) {
                Ok(route) => {
                    routed.push((route, request.clone()));
                    None
                }
                Err(refusal) => Some(Err(refusal)),
            });
        }
        let mut outcomes = self.translate(&routed);
        for ((_, request), outcome) in routed.iter().zip(&mut outcomes) {
            self.compare(request, outcome);
        }
        for way in [protect::Way::Words, protect::Way::Marks] {
            self.try_again(way, &routed, &mut outcomes);
        }
        let mut outcomes = outcomes.into_iter();
        let lost = || ModelError::Engine { model: self.info.name.clone(), reason: "an answer is missing".into() };
        let answer = |answer: Option<Outcome>| answer.or_else(|| outcomes.next()).unwrap_or_else(|| Err(lost()));
        answers.into_iter().map(answer).collect()
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        self.engines.iter_mut().try_for_each(Model::warm_up)
    }

    fn heed(&mut self, preempt: Preempt) {
        self.engines.iter_mut().for_each(|engine| engine.heed(preempt.clone()));
    }
}

#[cfg(test)]
mod tests;
