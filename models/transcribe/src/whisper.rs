//! Whisper on whisper.cpp.

use crate::{
    guard::doubt,
    window::{MAX_PROMPT_CHARS, MAX_SAMPLES, MIN_SAMPLES, SAMPLE_RATE, audio_context},
    words::Words,
};
use healthsync_events::{Language, ModelInfo};
use healthsync_models::{
    Model, ModelError, Preempt,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest, Transcription},
};
use std::{cell::RefCell, collections::HashMap, path::Path, rc::Rc};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

/// Hypotheses kept at a time. Measured on clinical Portuguese, five make a seventh fewer word errors than one for
/// a third more time.
const BEAMS: i32 = 5;

/// Mean probability of the tokens of a draft, and least of its words, from which no search follows.
const SURE: f32 = 0.85;
const SURE_OF_EACH: f32 = 0.4;

/// Longer audio is searched only where its draft is not to be believed: a search takes a tenth of the time that was
/// spoken, somebody waits for it, and what came before tells the draft more. On 65 recordings in English and Portuguese:
/// 14.2 % word errors; 12.8 % when every unsure draft was followed by a search, for a quarter more processor time; 20.7 %
/// when there was nothing but searches, a third of that one loop.
const MAX_SEARCHED: usize = 6 * SAMPLE_RATE;

const UNKNOWN_LANGUAGE: &str = "a language Whisper does not know";

#[derive(Debug, Clone)]
pub struct WhisperConfig {
    pub threads: usize,
}

/// A loaded recogniser.
pub struct WhisperTranscriber {
    info: ModelInfo,
    context: WhisperContext,
    state: WhisperState,
    config: WhisperConfig,
    /// By language and effort. whisper-rs never frees what it hands to whisper.cpp: made once each, it does not add up.
    templates: HashMap<(String, Effort), FullParams<'static, 'static>>,
    stop: Rc<RefCell<Stop>>,
}

/// Why the answer being made may have to be given up.
#[derive(Default)]
struct Stop {
    /// Nobody waits for it any more.
    cancel: Cancel,
    /// Something more urgent waits.
    preempt: Preempt,
}

impl Stop {
    fn is_due(&self) -> bool {
        self.cancel.is_cancelled() || self.preempt.is_asked()
    }
}

impl WhisperTranscriber {
    /// Loads weights in whisper.cpp's own format.
    pub fn load(ggml: &Path, info: ModelInfo, config: WhisperConfig) -> Result<Self, ModelError> {
        // Its own log goes to our log, not to standard error.
        whisper_rs::install_logging_hooks();
        let failed = |reason: String| ModelError::Load { model: info.name.clone(), reason };
        let context = WhisperContext::new_with_params(ggml, WhisperContextParameters::default())
            .map_err(|e| failed(e.to_string()))?;
        let state = context.create_state().map_err(|e| failed(e.to_string()))?;
        Ok(Self { info, context, state, config, templates: HashMap::new(), stop: Rc::default() })
    }

    fn transcribe(&mut self, request: &TranscribeRequest) -> Result<Transcription, ModelError> {
        if request.samples.len() > MAX_SAMPLES {
            return Err(self.input("more than 30 s of audio"));
        }
        if request.samples.is_empty() {
            return Err(self.input("no audio"));
        }
        self.stop.borrow_mut().cancel = request.cancel.clone();
        self.go_on()?;
        let mut samples = request.samples.to_vec();
        samples.resize(samples.len().max(MIN_SAMPLES), 0.0);
        let (language, language_probability) = self.language(&request.language, &samples)?;
        let prompt = self.prompt(request)?;
        let mut decode = |effort| {
            self.decode(&samples, &language, effort, &prompt)?;
            Ok(self.read(language.clone(), language_probability))
        };
        let draft = decode(Effort::Draft)?;
        if request.effort == Effort::Draft || is_enough(&draft, &samples) {
            return Ok(draft);
        }
        let search = decode(Effort::Full)?;
        Ok(if is_better(&search, &draft, &samples) { search } else { draft })
    }

    fn decode(
        &mut self,
        samples: &[f32],
        language: &Language,
        effort: Effort,
        prompt: &[i32],
    ) -> Result<(), ModelError> {
        let mut params: FullParams<'_, '_> = self.template(language, effort)?.clone();
        params.set_n_threads(self.config.threads as i32);
        params.set_audio_ctx(audio_context(samples.len()) as i32);
        params.set_tokens(prompt);
        self.go_on()?;
        let done = self.state.full(params, samples);
        // What was done in spite of being asked to make way is done.
        if done.is_err() || self.stop.borrow().cancel.is_cancelled() {
            self.go_on()?;
        }
        done.map(drop).map_err(|e| self.failed(&e.to_string()))
    }

    /// Why the answer being made is given up, if it is.
    fn go_on(&self) -> Result<(), ModelError> {
        let (stop, model) = (self.stop.borrow(), self.info.name.clone());
        match () {
            () if stop.cancel.is_cancelled() => Err(ModelError::Cancelled { model }),
            () if stop.preempt.is_asked() => Err(ModelError::Preempted { model }),
            () => Ok(()),
        }
    }

    /// The newest tokens of the prompt, as many as Whisper reads.
    fn prompt(&self, request: &TranscribeRequest) -> Result<Vec<i32>, ModelError> {
        let Some(prompt) = &request.prompt else { return Ok(Vec::new()) };
        let prompt: String = prompt.chars().filter(|c| *c != '\0').take(MAX_PROMPT_CHARS).collect();
        // A token is at least one byte.
        let tokens = self.context.tokenize(&format!(" {prompt}"), prompt.len() + 1);
        tokens.map_err(|e| self.failed(&e.to_string()))
    }

    fn template(&mut self, language: &Language, effort: Effort) -> Result<&FullParams<'static, 'static>, ModelError> {
        let key = (language.primary(), effort);
        if !self.templates.contains_key(&key) {
            let name = known(language).ok_or_else(|| self.input(UNKNOWN_LANGUAGE))?;
            let params = params(name, effort, Rc::clone(&self.stop));
            self.templates.insert(key.clone(), params);
        }
        self.templates.get(&key).ok_or_else(|| self.input(UNKNOWN_LANGUAGE))
    }

    fn read(&self, language: Language, language_probability: f32) -> Transcription {
        let mut words = Words::default();
        let mut no_speech: f32 = 0.0;
        for segment in self.state.as_iter() {
            no_speech = no_speech.max(segment.no_speech_probability());
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                let Ok(bytes) = token.to_bytes() else { continue };
                if bytes.starts_with(b"[_") || bytes.starts_with(b"<|") {
                    continue;
                }
                let data = token.token_data();
                words.push(bytes, (data.t0.max(0) * 10) as u32, (data.t1.max(0) * 10) as u32, data.p);
            }
        }
        words.conclude(no_speech, language, language_probability)
    }

    /// The language to take the samples for, and its probability among those it may be.
    fn language(&mut self, spoken: &SpokenLanguage, samples: &[f32]) -> Result<(Language, f32), ModelError> {
        let candidates = match spoken {
            SpokenLanguage::Known(language) => return Ok((language.clone(), 1.0)),
            SpokenLanguage::OneOf(candidates) => candidates,
        };
        let threads = self.config.threads;
        let probabilities = self.state.pcm_to_mel(samples, threads).and_then(|()| self.state.lang_detect(0, threads));
        let (_, probabilities) = probabilities.map_err(|e| self.failed(&e.to_string()))?;
        let of = |language: &Language| {
            let id = whisper_rs::get_lang_id(&language.primary())?;
            probabilities.get(usize::try_from(id).ok()?).copied()
        };
        let heard: Vec<_> = candidates.iter().filter_map(|language| Some((language, of(language)?))).collect();
        let all: f32 = heard.iter().map(|(_, probability)| probability).sum();
        let likeliest = heard.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (language, probability) = likeliest.ok_or_else(|| self.input(UNKNOWN_LANGUAGE))?;
        Ok((language.clone(), if all > 0.0 { probability / all } else { 0.0 }))
    }

    fn failed(&self, reason: &str) -> ModelError {
        ModelError::Engine { model: self.info.name.clone(), reason: reason.into() }
    }

    fn input(&self, reason: &str) -> ModelError {
        ModelError::Input { model: self.info.name.clone(), reason: reason.into() }
    }
}

/// Whether the likeliest token each time gave a text that a search would hardly change, or not soon enough.
fn is_enough(draft: &Transcription, samples: &[f32]) -> bool {
    let least = draft.words.iter().map(|word| word.probability).fold(1.0, f32::min);
    let is_sure = draft.confidence >= SURE && least >= SURE_OF_EACH;
    (is_sure || samples.len() > MAX_SEARCHED) && doubt(draft, samples).is_none()
}

/// Whether a search gave the better text. It looks for the likeliest whole, which may be a loop.
fn is_better(search: &Transcription, draft: &Transcription, samples: &[f32]) -> bool {
    match (doubt(search, samples), doubt(draft, samples)) {
        (Some(_), None) => false,
        (None, Some(_)) => true,
        _ => search.confidence >= draft.confidence,
    }
}

/// How whisper.cpp is asked, but for the threads, the length of the audio and the prompt.
fn params(language: &'static str, effort: Effort, stop: Rc<RefCell<Stop>>) -> FullParams<'static, 'static> {
    let mut params = FullParams::new(match effort {
        Effort::Draft => SamplingStrategy::Greedy { best_of: 1 },
        Effort::Full => SamplingStrategy::BeamSearch { beam_size: BEAMS, patience: -1.0 },
    });
    params.set_language(Some(language));
    params.set_no_context(true);
    params.set_single_segment(true);
    params.set_token_timestamps(true);
    params.set_suppress_blank(true);
    params.set_suppress_nst(true);
    // Another try at a higher temperature would double the wait: what is implausible is dropped instead.
    params.set_temperature_inc(0.0);
    params.set_print_special(false);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    // whisper-rs calls what it is given as the type it is given: only a box of this type is what it then points to.
    let abort: Box<dyn FnMut() -> bool> = Box::new(move || stop.borrow().is_due());
    params.set_abort_callback_safe(abort);
    params
}

/// What whisper.cpp calls a language it knows.
fn known(language: &Language) -> Option<&'static str> {
    whisper_rs::get_lang_id(&language.primary()).and_then(whisper_rs::get_lang_str)
}

impl Model for WhisperTranscriber {
    type Input = TranscribeRequest;
    type Output = Transcription;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[TranscribeRequest]) -> Vec<Result<Transcription, ModelError>> {
        batch.iter().map(|request| self.transcribe(request)).collect()
    }

    fn nonsense(&self, _: &TranscribeRequest, output: &Transcription) -> Option<&'static str> {
        output.nonsense()
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        TranscribeRequest::silence().map_or(Ok(()), |request| self.transcribe(&request).map(drop))
    }

    fn set_threads(&mut self, threads: usize) {
        self.config.threads = threads.max(1);
    }

    fn heed(&mut self, preempt: Preempt) {
        self.stop.borrow_mut().preempt = preempt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_models::tasks::Word;

    fn text(words: &str, probability: f32) -> Transcription {
        let word = |text: &str| Word { text: text.into(), start_ms: 0, end_ms: 300, probability };
        Transcription {
            text: words.into(),
            words: words.split(' ').map(word).collect(),
            confidence: probability,
            no_speech: 0.0,
            language: "pt".parse().unwrap(),
            language_probability: 1.0,
        }
    }

    #[test]
    fn a_draft_is_enough_when_it_is_sure_or_the_audio_long_but_never_when_it_is_not_believed() {
        let noise =
            |seconds: usize| -> Vec<f32> { (0..seconds * SAMPLE_RATE).map(|i| (i * i % 17) as f32 / 100.0).collect() };
        assert!(is_enough(&text("Estou com dor", 0.9), &noise(2)));
        assert!(!is_enough(&text("Estou com dor", 0.6), &noise(2)));
        let long = "dor no peito desde ontem e falta de ar";
        assert!(is_enough(&text(long, 0.8), &noise(7)));
        assert!(!is_enough(&text("dor dor dor dor dor dor dor", 0.9), &noise(7)));
        let mut one_guess = text("Estou com dor", 0.95);
        one_guess.words[1].probability = 0.2;
        assert!(!is_enough(&one_guess, &noise(2)));
    }

    #[test]
    fn a_search_that_loops_or_is_less_likely_gives_way_to_the_draft() {
        let samples = [0.1; 1_600];
        assert!(is_better(&text("Sou alérgico", 0.8), &text("Sou lérgica", 0.6), &samples));
        assert!(!is_better(&text("Sou alérgico", 0.5), &text("Sou lérgica", 0.6), &samples));
        assert!(!is_better(&text("dor dor dor dor dor dor dor", 0.9), &text("dor", 0.6), &samples));
        assert!(is_better(&text("dor", 0.5), &text("dor dor dor dor dor dor dor", 0.9), &samples));
    }
}
