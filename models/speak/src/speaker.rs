//! The speaker: chooses a voice, reads the text, and brings the sound to its level.

use crate::{
    clauses::sentences,
    kokoro::{self, Kokoro, Voice},
    level, onnx,
    phonemes::{self, Reader},
    piper::Piper,
    resample::Resampler,
    text::{MAX_CHARS, speakable},
    voices::{PIPER_VOICE, default_voice},
};
use healthsync_events::ModelInfo;
use healthsync_models::{
    Model, ModelError,
    tasks::{SpeakRequest, SpokenAudio},
};
use std::{collections::BTreeMap, path::PathBuf};

/// Sample rate of everything spoken, in hertz: Kokoro's own, and one that Opus takes.
pub const SAMPLE_RATE: u32 = kokoro::SAMPLE_RATE;

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

/// A speaker of Portuguese, English and Spanish.
pub struct NeuralSpeaker {
    kokoro: Kokoro,
    voices: BTreeMap<String, Voice>,
    kokoro_info: ModelInfo,
    piper: Option<PiperSpeaker>,
}

struct PiperSpeaker {
    voice: Piper,
    /// To [`SAMPLE_RATE`], where the voice has another.
    resampler: Option<Resampler>,
    info: ModelInfo,
}

impl NeuralSpeaker {
    /// Loads every voice.
    pub fn load(files: SpeakerFiles) -> Result<Self, ModelError> {
        let environment = onnx::environment(&files.onnxruntime)?;
        let kokoro = Kokoro::load(&environment, &files.kokoro.model, files.threads)?;
        let voices = files.kokoro.voices.iter().map(|(name, path)| Ok((name.clone(), Voice::read(path, name)?)));
        let voices = voices.collect::<Result<_, ModelError>>()?;
        let piper = match files.piper {
            Some(piper) => {
                let loaded = Piper::load(&environment, &piper.model, &piper.config, files.threads)?;
                let resampler = Resampler::new(loaded.sample_rate(), SAMPLE_RATE);
                Some(PiperSpeaker { voice: loaded, resampler, info: piper.info })
            }
            None => None,
        };
        Ok(Self { kokoro, voices, kokoro_info: files.kokoro.info, piper })
    }

    fn speak(&mut self, request: &SpeakRequest) -> Result<SpokenAudio, ModelError> {
        let refuse = |reason: &str| ModelError::Input { model: "speech synthesis".into(), reason: reason.into() };
        if request.text.chars().count() > MAX_CHARS {
            return Err(refuse("the text is longer than 1,000 characters"));
        }
        if !(0.5..=2.0).contains(&request.speed) {
            return Err(refuse("the speed is not between 0.5 and 2"));
        }
        let reader = Reader::of(&request.language).ok_or_else(|| refuse("there is no voice for this language"))?;
        let voice = match &request.voice {
            Some(voice) => voice.clone(),
            None => default_voice(&request.language, self.piper.is_some())
                .ok_or_else(|| refuse("there is no such voice"))?
                .to_owned(),
        };
        let text = speakable(&request.text, reader);
        let mut samples = Vec::new();
        let mut model = self.kokoro_info.clone();
        for sentence in sentences(&text) {
            let ipa = phonemes::phonemes(sentence, reader)?;
            let spoken = match &mut self.piper {
                Some(piper) if voice == PIPER_VOICE && reader == Reader::AmericanEnglish => {
                    model = piper.info.clone();
                    let spoken = piper.voice.speak(&ipa, request.speed)?;
                    piper.resampler.as_ref().map(|resampler| resampler.convert(&spoken)).unwrap_or(spoken)
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
            samples.extend(level::finish(&spoken, SAMPLE_RATE, (MARGIN_SECONDS * SAMPLE_RATE as f32) as usize));
        }
        Ok(SpokenAudio { samples, sample_rate: SAMPLE_RATE, voice, model })
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

    /// Says a word with each of the two engines.
    fn warm_up(&mut self) -> Result<(), ModelError> {
        for (text, language) in [("Sim.", "pt"), ("Yes.", "en")] {
            let Ok(language) = language.parse() else { continue };
            self.speak(&SpeakRequest { text: text.into(), language, voice: None, speed: 1.0 })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
