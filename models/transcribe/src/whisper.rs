//! Whisper on whisper.cpp.

use crate::{
    window::{MAX_SAMPLES, MIN_SAMPLES, audio_context},
    words::Words,
};
use healthsync_events::{Language, ModelInfo};
use healthsync_models::{
    Model, ModelError,
    tasks::{Effort, SpokenLanguage, TranscribeRequest, Transcription},
};
use std::path::Path;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

/// Hypotheses kept at a time. Measured on clinical Portuguese, five make a seventh fewer word errors than one for
/// a third more time.
const BEAMS: i32 = 5;

const UNKNOWN_LANGUAGE: &str = "a language Whisper does not know";

/// Tokens of earlier text or terms given along.
const MAX_PROMPT_CHARS: usize = 400;

#[derive(Debug, Clone)]
pub struct WhisperConfig {
    pub threads: usize,
}

/// A loaded recogniser.
pub struct WhisperTranscriber {
    info: ModelInfo,
    state: WhisperState,
    config: WhisperConfig,
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
        Ok(Self { info, state, config })
    }

    fn transcribe(&mut self, request: &TranscribeRequest) -> Result<Transcription, ModelError> {
        if request.samples.len() > MAX_SAMPLES {
            return Err(self.input("more than 30 s of audio"));
        }
        if request.samples.is_empty() {
            return Err(self.input("no audio"));
        }
        let mut samples = request.samples.to_vec();
        samples.resize(samples.len().max(MIN_SAMPLES), 0.0);
        let (language, language_probability) = self.language(&request.language, &samples)?;
        let strategy = match request.effort {
            Effort::Draft => SamplingStrategy::Greedy { best_of: 1 },
            Effort::Full => SamplingStrategy::BeamSearch { beam_size: BEAMS, patience: -1.0 },
        };
        let mut params = FullParams::new(strategy);
        params.set_n_threads(self.config.threads as i32);
        params.set_language(Some(known(&language).ok_or_else(|| self.input(UNKNOWN_LANGUAGE))?));
        params.set_audio_ctx(audio_context(samples.len()) as i32);
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
        if let Some(prompt) = &request.prompt {
            let prompt: String = prompt.chars().filter(|c| *c != '\0').take(MAX_PROMPT_CHARS).collect();
            params.set_initial_prompt(&prompt);
        }
        self.state.full(params, &samples).map_err(|e| self.failed(&e.to_string()))?;
        Ok(self.read(language, language_probability))
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
}
