//! The speaker: chooses a voice, reads the text, and brings the sound to its level.

use crate::{
    kokoro::{self, Kokoro, Voice},
    level, onnx,
    phonemes::{self, Reader},
    piper::Piper,
    text::{MAX_CHARS, clauses, speakable},
};
use healthsync_events::{Language, ModelInfo};
use healthsync_models::{
    Model, ModelError,
    tasks::{SpeakRequest, SpokenAudio},
};
use std::{collections::BTreeMap, path::PathBuf};

/// Name of the Piper voice among the voices.
const PIPER_VOICE: &str = "joe";

/// Silence kept before and after a clause, so that clauses do not run into each other.
const MARGIN_SECONDS: f32 = 0.08;

#[derive(Debug, Clone)]
pub struct KokoroFiles {
    pub model: PathBuf,
    /// Voice files by name, for example `pf_dora`.
    pub voices: BTreeMap<String, PathBuf>,
    pub info: ModelInfo,
}

#[derive(Debug, Clone)]
pub struct PiperFiles {
    pub model: PathBuf,
    pub config: PathBuf,
    pub info: ModelInfo,
}

#[derive(Debug, Clone)]
pub struct SpeakerFiles {
    /// ONNX Runtime's shared library, 1.22 or newer.
    pub onnxruntime: PathBuf,
    pub kokoro: KokoroFiles,
    pub piper: Option<PiperFiles>,
    pub threads: usize,
}

/// A speaker of Portuguese and English.
pub struct NeuralSpeaker {
    kokoro: Kokoro,
    voices: BTreeMap<String, Voice>,
    kokoro_info: ModelInfo,
    piper: Option<(Piper, ModelInfo)>,
}

impl NeuralSpeaker {
    /// Loads every voice, and says a word so that the first request is not the slow one.
    pub fn load(files: SpeakerFiles) -> Result<Self, ModelError> {
        let environment = onnx::environment(&files.onnxruntime)?;
        let kokoro = Kokoro::load(&environment, &files.kokoro.model, files.threads)?;
        let voices = files.kokoro.voices.iter().map(|(name, path)| Ok((name.clone(), Voice::read(path, name)?)));
        let voices = voices.collect::<Result<_, ModelError>>()?;
        let piper = match files.piper {
            Some(piper) => {
                let loaded = Piper::load(&environment, &piper.model, &piper.config, files.threads)?;
                Some((loaded, piper.info))
            }
            None => None,
        };
        let mut speaker = Self { kokoro, voices, kokoro_info: files.kokoro.info, piper };
        for (text, language) in [("Sim.", "pt"), ("Yes.", "en")] {
            let Ok(language) = language.parse() else { continue };
            speaker.speak(&SpeakRequest { text: text.into(), language, voice: None, speed: 1.0 })?;
        }
        Ok(speaker)
    }

    /// Portuguese is Kokoro's; English is Piper's where there is one, for its speed.
    fn voice_for(&self, language: &Language) -> Option<&'static str> {
        match language.primary().as_str() {
            "pt" => Some("pf_dora"),
            "en" if self.piper.is_some() => Some(PIPER_VOICE),
            "en" => Some("am_michael"),
            _ => None,
        }
    }

    fn speak(&mut self, request: &SpeakRequest) -> Result<SpokenAudio, ModelError> {
        let refuse = |reason: &str| ModelError::Input { model: "speech synthesis".into(), reason: reason.into() };
        if request.text.chars().count() > MAX_CHARS {
            return Err(refuse("the text is longer than 1,000 characters"));
        }
        if !(0.5..=2.0).contains(&request.speed) {
            return Err(refuse("the speed is not between 0.5 and 2"));
        }
        let reader = match request.language.primary().as_str() {
            "pt" => Reader::BrazilianPortuguese,
            "en" => Reader::AmericanEnglish,
            _ => return Err(refuse("there is no voice for this language")),
        };
        let voice = match &request.voice {
            Some(voice) => voice.clone(),
            None => self.voice_for(&request.language).ok_or_else(|| refuse("there is no such voice"))?.to_owned(),
        };
        let text = speakable(&request.text, reader == Reader::BrazilianPortuguese);
        let mut samples = Vec::new();
        let (mut sample_rate, mut model) = (kokoro::SAMPLE_RATE, self.kokoro_info.clone());
        for clause in clauses(&text) {
            let ipa = phonemes::phonemes(clause, reader)?;
            let spoken = match &mut self.piper {
                Some((piper, info)) if voice == PIPER_VOICE && reader == Reader::AmericanEnglish => {
                    (sample_rate, model) = (piper.sample_rate(), info.clone());
                    piper.speak(&ipa, request.speed)?
                }
                _ => {
                    let voice = self.voices.get(&voice).ok_or_else(|| refuse("there is no such voice"))?;
                    self.kokoro.speak(&ipa, reader, voice, request.speed)?
                }
            };
            if spoken.iter().any(|sample| !sample.is_finite()) {
                return Err(ModelError::Engine {
                    model: model.name,
                    reason: "it gave samples that are no numbers".into(),
                });
            }
            samples.extend(level::finish(&spoken, (MARGIN_SECONDS * sample_rate as f32) as usize));
        }
        Ok(SpokenAudio { samples, sample_rate, voice, model })
    }
}

impl Model for NeuralSpeaker {
    type Input = SpeakRequest;
    type Output = SpokenAudio;

    fn info(&self) -> &ModelInfo {
        &self.kokoro_info
    }

    fn run(&mut self, batch: &[SpeakRequest]) -> Vec<Result<SpokenAudio, ModelError>> {
        batch.iter().map(|request| self.speak(request)).collect()
    }
}

#[cfg(test)]
mod tests;
