//! Weights from the registry into engines. Loading happens on the threads that run the models.

use super::recognition;
use crate::config::{self, ApertiumChoice, Config};
use anyhow::Context as _;
use healthsync_actors::pool::ModelFactory;
use healthsync_models::{
    ModelError,
    registry::{Registry, RegistryError, Task, default_root},
    tasks::{Speaker, Translator, VoiceActivityFactory},
};
use healthsync_speak::{KokoroFiles, NeuralSpeaker, PIPER_VOICE, PiperFiles, SpeakerFiles};
use healthsync_transcribe::EarshotActivity;
use healthsync_translate::{Apertium, ApertiumMode, Direction, Engine, FirefoxTranslator, Router, Terms, installed};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// The registry's entry with Kokoro's voices.
const KOKORO_VOICES: &str = "kokoro-voices";

/// The image the demo consultation uploads: a chest radiograph with a full header.
const DEMO_IMAGE: &str = "RG1_UNCR.dcm";

/// The model registry as configured, with everything that can be derived.
pub fn registry(config: &Config) -> anyhow::Result<Registry> {
    let registry = Registry::from_env()?;
    let registry = match &config.models.folder {
        Some(folder) => Registry::new(registry.manifest().clone(), folder)?,
        None => Registry::new(registry.manifest().clone(), &default_root()?)?,
    };
    Ok(recognition::register(registry, &config.models))
}

/// Every translation model of the registry, one a direction, so that a further pair of languages is an entry there;
/// then Apertium.
pub(super) fn translator(
    registry: &Arc<Registry>,
    config: &config::Translation,
) -> anyhow::Result<ModelFactory<Translator>> {
    let registry = Arc::clone(registry);
    let terms = match &config.terms_file {
        Some(path) => Terms::load(path).with_context(|| format!("translation.terms_file: {}", path.display()))?,
        None => Terms::default(),
    };
    let modes = apertium_modes(config)?;
    let required = matches!(config.apertium, config::Apertium::Directions(_));
    let pivot = config.pivot;
    Ok(Arc::new(move || {
        let neural = registry.manifest().models.iter().filter(|model| model.task == Task::Translate);
        let open = |name: &str| Direction::from_files(&registry.open(name).map_err(missing(name))?);
        let directions = neural.map(|model| open(&model.name)).collect::<Result<Vec<_>, ModelError>>()?;
        let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(FirefoxTranslator::load(directions)?)];
        for mode in &modes {
            match Apertium::load(mode.clone()) {
                Ok(apertium) => engines.push(Box::new(apertium)),
                Err(error) if required => return Err(error),
                Err(error) => tracing::warn!(%error, "a direction that is installed cannot be used"),
            }
        }
        let router = Router::new(engines, terms.clone())?;
        let english = "en".parse().ok().filter(|_| pivot);
        let router = english.into_iter().fold(router, Router::with_pivot);
        Ok(Box::new(router) as Translator)
    }))
}

/// The directions of Apertium that are to be used.
fn apertium_modes(config: &config::Translation) -> anyhow::Result<Vec<ApertiumMode>> {
    let listed = match &config.apertium {
        config::Apertium::Choice(ApertiumChoice::Off) => return Ok(Vec::new()),
        config::Apertium::Choice(ApertiumChoice::Auto) => return Ok(installed(&config.apertium_modes)),
        config::Apertium::Directions(listed) => listed,
    };
    let installed = installed(&config.apertium_modes);
    let find = |direction: &String| {
        let is_it = |mode: &&ApertiumMode| {
            direction.as_str() == format!("{}-{}", mode.source.primary(), mode.target.primary())
                || direction.as_str() == mode.name()
        };
        installed.iter().find(is_it).cloned().with_context(|| {
            format!(
                "translation.apertium: {direction} is not in {}: install the package of that pair",
                config.apertium_modes.display()
            )
        })
    };
    listed.iter().map(find).collect()
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

/// Names of the voices that the registry has, whether or not their files are there yet.
pub(super) fn voices(registry: &Registry) -> BTreeSet<String> {
    let kokoro = registry.manifest().models.iter().filter(|model| model.name == KOKORO_VOICES);
    let files = kokoro.flat_map(|model| &model.files).filter_map(|file| file.path.strip_suffix(".bin"));
    files.map(str::to_owned).chain([PIPER_VOICE.to_owned()]).collect()
}

fn open_speaker(registry: &Registry, threads: usize) -> Result<NeuralSpeaker, ModelError> {
    let open = |name: &str| registry.open(name).map_err(missing(name));
    let (runtime, kokoro, voices, piper) =
        (open("onnxruntime")?, open("kokoro-82m-int8")?, open(KOKORO_VOICES)?, open("piper-joe-en")?);
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

pub(super) fn missing(model: &str) -> impl FnOnce(RegistryError) -> ModelError + use<> {
    let model = model.to_owned();
    move |error| ModelError::Load { model, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translation(apertium: config::Apertium) -> (tempfile::TempDir, config::Translation) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("eng-spa.mode"), "lt-proc /x").unwrap();
        let config =
            config::Translation { apertium, apertium_modes: folder.path().into(), ..config::Translation::default() };
        (folder, config)
    }

    #[test]
    fn a_listed_direction_that_is_not_installed_is_an_error_by_name() {
        let names = |listed: &[&str]| {
            let listed = listed.iter().map(|&name| name.to_owned()).collect();
            let (_folder, config) = translation(config::Apertium::Directions(listed));
            apertium_modes(&config).map(|modes| modes.len())
        };
        assert_eq!(names(&["en-es"]).unwrap(), 1);
        assert_eq!(names(&["eng-spa"]).unwrap(), 1);
        assert!(names(&["en-es", "es-en"]).unwrap_err().to_string().contains("es-en is not in"));
    }

    #[test]
    fn what_is_installed_is_used_unless_apertium_is_off() {
        let modes = |choice| {
            let (_folder, config) = translation(config::Apertium::Choice(choice));
            apertium_modes(&config).unwrap().len()
        };
        assert_eq!((modes(ApertiumChoice::Auto), modes(ApertiumChoice::Off)), (1, 0));
    }
}
