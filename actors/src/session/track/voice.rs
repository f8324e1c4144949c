//! What a track knows of the person speaking: the language, the terms to expect, what was said before. Shared between
//! the actor and the finals that outlive it.

use healthsync_events::{AudioTrackSpec, Language, ParticipantId, UtteranceId, speech::LanguageDetected};
use healthsync_models::tasks::{SpokenLanguage, Transcription};
use healthsync_transcribe::Context;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Audio, in milliseconds, from which a partial may settle the language: Whisper is unsure of less.
const PARTIAL_TELLS_MS: u64 = 2_000;

/// Probability among the session's languages from which a partial settles it; a final, which is followed by more of
/// the same person anyway, needs less.
const PARTIAL_SURE: f32 = 0.9;
const FINAL_SURE: f32 = 0.6;

/// Confidence of a final below which a language that was found out, not set, is doubted again.
const DOUBTFUL: f32 = 0.45;

pub(super) struct Voice {
    pub participant: ParticipantId,
    state: Mutex<State>,
}

struct State {
    language: Spoken,
    /// The session's languages: what somebody may be speaking.
    candidates: Vec<Language>,
    context: Context,
}

#[derive(Clone)]
enum Spoken {
    Unknown,
    Found(Language),
    Set(Language),
}

impl Voice {
    pub(super) fn new(spec: &AudioTrackSpec) -> Self {
        let state = State { language: spoken(&spec.language), candidates: Vec::new(), context: Context::default() };
        Self { participant: spec.participant.clone(), state: Mutex::new(state) }
    }

    /// What the session says: its languages and terms, and the participant's language as last set or found.
    pub(super) fn tell(&self, candidates: &[Language], terms: &[String], language: Option<&Language>) {
        let mut state = self.lock();
        state.candidates = candidates.to_vec();
        state.context = Context::new(terms);
        if let Some(language) = language {
            state.language = spoken(language);
        }
    }

    /// Somebody set the language.
    pub(super) fn set(&self, language: &Language) {
        self.lock().language = spoken(language);
    }

    pub(super) fn language(&self) -> SpokenLanguage {
        let state = self.lock();
        match &state.language {
            Spoken::Found(language) | Spoken::Set(language) => SpokenLanguage::Known(language.clone()),
            Spoken::Unknown => SpokenLanguage::OneOf(state.candidates.clone()),
        }
    }

    /// Settles the language if a partial of `heard_ms` tells it well enough.
    pub(super) fn partial_tells(&self, heard: &Transcription, heard_ms: u64) -> bool {
        heard_ms >= PARTIAL_TELLS_MS && self.settle(heard, PARTIAL_SURE)
    }

    /// Settles the language if a final tells it, or doubts what was found before.
    pub(super) fn final_tells(&self, heard: &Transcription) -> bool {
        let mut state = self.lock();
        if matches!(state.language, Spoken::Found(_)) && heard.confidence < DOUBTFUL {
            state.language = Spoken::Unknown;
            return false;
        }
        drop(state);
        self.settle(heard, FINAL_SURE)
    }

    fn settle(&self, heard: &Transcription, sure: f32) -> bool {
        let mut state = self.lock();
        let settles = matches!(state.language, Spoken::Unknown) && heard.language_probability >= sure;
        if settles {
            state.language = Spoken::Found(heard.language.clone());
        }
        settles
    }

    pub(super) fn prompt(&self, start_ms: u64, before: &str) -> Option<String> {
        self.lock().context.prompt(start_ms, before)
    }

    /// What to tell the recogniser of a text that replaces itself soon: no earlier utterance, which a short beginning
    /// would repeat.
    pub(super) fn draft_prompt(&self, before: &str) -> Option<String> {
        self.lock().context.terms_and(before)
    }

    pub(super) fn remember(&self, text: &str, confidence: f32, end_ms: u64) {
        self.lock().context.remember(text, confidence, end_ms);
    }

    pub(super) fn forget(&self) {
        self.lock().context.forget();
    }

    pub(super) fn detected(
        &self,
        utterance: UtteranceId,
        heard: &Transcription,
        provenance: healthsync_events::Provenance,
    ) -> LanguageDetected {
        LanguageDetected {
            participant: self.participant.clone(),
            utterance,
            language: heard.language.clone(),
            probability: heard.language_probability,
            provenance,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing done under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spoken(language: &Language) -> Spoken {
    if language.is_undetermined() { Spoken::Unknown } else { Spoken::Set(language.clone()) }
}
