//! Which engine recognises speech, from which form of the weights.

use super::load::missing;
use super::pools::Source;
use crate::config::{self, Config, TranscribeEngine};
use anyhow::Context as _;
use healthsync_actors::pool::ModelFactory;
#[cfg(feature = "candle")]
use healthsync_actors::pool::SlotModel;
use healthsync_models::{ModelError, registry::Registry, tasks::Transcriber};
use healthsync_transcribe::{CtranslateToGgml, CtranslateToSafetensors, Precision, WhisperConfig, WhisperTranscriber};
use std::{path::PathBuf, sync::Arc};

/// The registry's entry.
const WHISPER: &str = "whisper-base";

/// The registry with every form that the weights can be made into, and the one chosen among those to make.
pub(super) fn register(registry: Registry, models: &config::Models) -> Registry {
    let of = |registry: Registry, precision: Precision| {
        registry.with_deriver(precision.step(), Arc::new(CtranslateToGgml(precision)))
    };
    let registry = Precision::ALL.into_iter().fold(registry, of);
    let registry = registry.with_deriver("ct2-to-safetensors", Arc::new(CtranslateToSafetensors));
    registry.with_variant(WHISPER, weights(models))
}

fn weights(models: &config::Models) -> &'static str {
    match (models.transcribe_engine, models.transcribe_precision) {
        (TranscribeEngine::Candle | TranscribeEngine::CandleContinuous, _) => "model.safetensors",
        (TranscribeEngine::WhisperCpp, Precision::F16) => "ggml-base.bin",
        (TranscribeEngine::WhisperCpp, Precision::Q8_0) => "ggml-base-q8_0.bin",
        (TranscribeEngine::WhisperCpp, Precision::Q5_1) => "ggml-base-q5_1.bin",
    }
}

/// Utterances, of whichever sessions, that are recognised together.
pub(super) fn max_batch(models: &config::Models) -> usize {
    match models.transcribe_engine {
        // It takes one after the other: whoever is first need not wait for the others.
        TranscribeEngine::WhisperCpp => 1,
        TranscribeEngine::Candle | TranscribeEngine::CandleContinuous => candle_batch(models),
    }
}

/// How the pool recognises.
pub(super) fn source(registry: &Arc<Registry>, models: &config::Models) -> Source<Transcriber> {
    match models.transcribe_engine {
        #[cfg(feature = "candle")]
        TranscribeEngine::CandleContinuous => continuous(registry, models),
        _ => Source::Batch(transcriber(registry, models)),
    }
}

pub(super) fn transcriber(registry: &Arc<Registry>, models: &config::Models) -> ModelFactory<Transcriber> {
    let (registry, models) = (Arc::clone(registry), models.clone());
    Arc::new(move || match models.transcribe_engine {
        TranscribeEngine::WhisperCpp => whisper_cpp(&registry, &models),
        TranscribeEngine::Candle | TranscribeEngine::CandleContinuous => batches(&registry, &models),
    })
}

/// The same on so many threads.
pub(super) fn transcriber_on(
    threads: usize,
    registry: &Arc<Registry>,
    models: &config::Models,
) -> ModelFactory<Transcriber> {
    transcriber(registry, &config::Models { transcribe_threads: threads, ..models.clone() })
}

/// A recogniser of its own, for who measures it without a server.
pub fn load_transcriber(config: &Config, threads: usize) -> anyhow::Result<Transcriber> {
    let factory = transcriber_on(threads, &Arc::new(super::registry(config)?), &config.models);
    factory().context("the recogniser cannot be loaded")
}

/// The file of weights that the configuration chooses; an error where it is not there.
pub fn recognition_weights(config: &Config) -> anyhow::Result<PathBuf> {
    let name = weights(&config.models);
    let files = super::registry(config)?.open_files(WHISPER, &[name]);
    let files = files.with_context(|| format!("{name} is missing: run `healthsync models pull --variants`"))?;
    Ok(files.file(name)?.to_owned())
}

fn whisper_cpp(registry: &Registry, models: &config::Models) -> Result<Transcriber, ModelError> {
    let name = weights(models);
    let files = registry.open_files(WHISPER, &[name]).map_err(missing(WHISPER))?;
    let ggml = files.file(name).map_err(missing(WHISPER))?;
    let threads = Config::threads(models.transcribe_threads);
    Ok(Box::new(WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads })?))
}

#[cfg(feature = "candle")]
fn device(models: &config::Models) -> healthsync_transcribe::CandleDevice {
    use healthsync_transcribe::CandleDevice;
    models.transcribe_gpu.map_or(CandleDevice::Cpu, CandleDevice::Cuda)
}

#[cfg(feature = "candle")]
fn candle_batch(models: &config::Models) -> usize {
    device(models).batch()
}

#[cfg(feature = "candle")]
fn continuous(registry: &Arc<Registry>, models: &config::Models) -> Source<Transcriber> {
    use healthsync_transcribe::CandleSequences;
    let (registry, models) = (Arc::clone(registry), models.clone());
    Source::Slots(Arc::new(move || {
        let model = CandleSequences::new(candle(&registry, &models)?);
        Ok::<_, ModelError>(Box::new(model) as SlotModel<_, _>)
    }))
}

#[cfg(feature = "candle")]
fn candle(
    registry: &Registry,
    models: &config::Models,
) -> Result<healthsync_transcribe::CandleTranscriber, ModelError> {
    use healthsync_transcribe::{CandleConfig, CandleFiles, CandleTranscriber};
    let names = [weights(models), "tokenizer.json", "config.json"];
    let files = registry.open_files(WHISPER, &names).map_err(missing(WHISPER))?;
    let path = |name: &str| files.file(name).map(Into::into).map_err(missing(WHISPER));
    let [weights, tokenizer, config] = names;
    let paths = CandleFiles { weights: path(weights)?, tokenizer: path(tokenizer)?, config: path(config)? };
    let config = CandleConfig { threads: Config::threads(models.transcribe_threads), device: device(models) };
    CandleTranscriber::load(&paths, files.info.clone(), config)
}

#[cfg(feature = "candle")]
fn batches(registry: &Registry, models: &config::Models) -> Result<Transcriber, ModelError> {
    Ok(Box::new(candle(registry, models)?))
}

/// The configuration is refused before it comes to this.
#[cfg(not(feature = "candle"))]
fn batches(_: &Registry, _: &config::Models) -> Result<Transcriber, ModelError> {
    let reason = "this binary was built without the feature candle".to_owned();
    Err(ModelError::Load { model: WHISPER.to_owned(), reason })
}

#[cfg(not(feature = "candle"))]
fn candle_batch(_: &config::Models) -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_weights_is_a_derived_file_of_the_registry_made_by_its_own_step() {
        let manifest = healthsync_models::registry::Manifest::embedded().unwrap();
        let derived = &manifest.model(WHISPER).unwrap().derived;
        for precision in Precision::ALL {
            let models = config::Models { transcribe_precision: precision, ..config::Models::default() };
            let entry = derived.iter().find(|entry| entry.path == weights(&models)).unwrap();
            assert_eq!((entry.step.as_str(), entry.optional), (precision.step(), precision != Precision::F16));
        }
        let models = config::Models { transcribe_engine: TranscribeEngine::Candle, ..config::Models::default() };
        let entry = derived.iter().find(|entry| entry.path == weights(&models)).unwrap();
        assert_eq!((entry.step.as_str(), entry.optional), ("ct2-to-safetensors", true));
    }
}
