//! Weights from the registry into engines. Loading happens on the threads that run the models.

use crate::config::Config;
use anyhow::Context as _;
use healthsync_actors::pool::ModelFactory;
use healthsync_models::{
    ModelError,
    registry::{Registry, RegistryError, default_root},
    tasks::{Speaker, Transcriber, Translator, VoiceActivityFactory},
};
use healthsync_speak::{KokoroFiles, NeuralSpeaker, PiperFiles, SpeakerFiles};
use healthsync_transcribe::{CtranslateToGgml, EarshotActivity, Precision, WhisperConfig, WhisperTranscriber};
use healthsync_translate::{Direction, FirefoxTranslator};
use std::{path::PathBuf, sync::Arc};

/// Registry entries of translation models, one a direction. A further direction is a further name here and an
/// entry in the registry.
const DIRECTIONS: [&str; 2] = ["firefox-pten", "firefox-enpt"];

/// The image the demo consultation uploads: a chest radiograph with a full header.
const DEMO_IMAGE: &str = "RG1_UNCR.dcm";

/// The model registry as configured, with everything that can be derived.
pub fn registry(config: &Config) -> anyhow::Result<Registry> {
    let registry = Registry::from_env()?;
    let registry = match &config.models.folder {
        Some(folder) => Registry::new(registry.manifest().clone(), folder)?,
        None => Registry::new(registry.manifest().clone(), &default_root()?)?,
    };
    Ok(registry.with_deriver(Precision::F16.step(), Arc::new(CtranslateToGgml(Precision::F16))))
}

pub(super) fn transcriber(registry: &Arc<Registry>, threads: usize) -> ModelFactory<Transcriber> {
    let registry = Arc::clone(registry);
    Arc::new(move || {
        let files = registry.open_files("whisper-base", &["ggml-base.bin"]).map_err(missing("whisper-base"))?;
        let ggml = files.file("ggml-base.bin").map_err(missing("whisper-base"))?;
        let model = WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads })?;
        Ok(Box::new(model) as Transcriber)
    })
}

pub(super) fn translator(registry: &Arc<Registry>) -> ModelFactory<Translator> {
    let registry = Arc::clone(registry);
    Arc::new(move || {
        let open = |name| Direction::from_files(&registry.open(name).map_err(missing(name))?);
        let directions = DIRECTIONS.into_iter().map(open).collect::<Result<Vec<_>, ModelError>>()?;
        Ok(Box::new(FirefoxTranslator::load(directions)?) as Translator)
    })
}

pub(super) fn speaker(registry: &Arc<Registry>, threads: usize) -> ModelFactory<Speaker> {
    let registry = Arc::clone(registry);
    Arc::new(move || Ok(Box::new(open_speaker(&registry, threads)?) as Speaker))
}

/// A speaker of its own, for who needs voices without a server.
pub fn load_speaker(config: &Config) -> anyhow::Result<NeuralSpeaker> {
    let threads = Config::threads(config.models.speak_threads);
    open_speaker(&registry(config)?, threads).context("the voices cannot be loaded")
}

fn open_speaker(registry: &Registry, threads: usize) -> Result<NeuralSpeaker, ModelError> {
    let open = |name: &str| registry.open(name).map_err(missing(name));
    let (runtime, kokoro, voices, piper) =
        (open("onnxruntime")?, open("kokoro-82m-int8")?, open("kokoro-voices")?, open("piper-joe-en")?);
    let path = |files: &healthsync_models::registry::LoadedFiles, file: &str| {
        files.file(file).map(PathBuf::from).map_err(missing(file))
    };
    let styles = voices.files.iter().map(|(file, path)| (file.trim_end_matches(".bin").to_owned(), path.clone()));
    NeuralSpeaker::load(SpeakerFiles {
        onnxruntime: path(&runtime, "libonnxruntime.so")?,
        kokoro: KokoroFiles {
            model: path(&kokoro, "kokoro-v1.0.int8.onnx")?,
            voices: styles.collect(),
            info: kokoro.info.clone(),
        },
        piper: Some(PiperFiles {
            model: path(&piper, "en_US-joe-medium.onnx")?,
            config: path(&piper, "en_US-joe-medium.onnx.json")?,
            info: piper.info.clone(),
        }),
        threads,
    })
}

pub(super) fn voice_activity() -> VoiceActivityFactory {
    Arc::new(|| Ok(Box::new(EarshotActivity::default())))
}

/// The DICOM file the demo consultation uploads.
pub fn demo_image(config: &Config) -> anyhow::Result<Vec<u8>> {
    let files = registry(config)?.open("demo-dicom")?;
    let path = files.file(DEMO_IMAGE)?;
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn missing(model: &str) -> impl FnOnce(RegistryError) -> ModelError + use<> {
    let model = model.to_owned();
    move |error| ModelError::Load { model, reason: format!("{error}: run `healthsync models pull`") }
}
