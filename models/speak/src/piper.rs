//! Piper voices: phonemes to sound, many times faster than Kokoro and less natural.

use crate::onnx::{self, Products, Weights};
use healthsync_models::ModelError;
use ort::{environment::Environment, session::Session, value::Tensor};
use serde::Deserialize;
use std::{collections::HashMap, path::Path};

/// Phonemes taken at once: beyond what 200 characters give.
const MAX_PHONEMES: usize = 1_000;

#[derive(Deserialize)]
struct Config {
    audio: Audio,
    inference: Inference,
    phoneme_id_map: HashMap<String, Vec<i64>>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

pub(crate) struct Piper {
    session: Session,
    config: Config,
}

impl Piper {
    pub(crate) fn load(
        environment: &Environment,
        model: &Path,
        config: &Path,
        threads: usize,
    ) -> Result<Self, ModelError> {
        let failed = |reason: String| ModelError::Load { model: "piper".into(), reason };
        let text = std::fs::read_to_string(config).map_err(|e| failed(e.to_string()))?;
        let config: Config = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
        Ok(Self {
            session: onnx::session(environment, Weights::File(model), Products::here(), threads, "piper")?,
            config,
        })
    }

    pub(crate) fn sample_rate(&self) -> u32 {
        self.config.audio.sample_rate
    }

    pub(crate) fn speak(&mut self, ipa: &str, speed: f32) -> Result<Vec<f32>, ModelError> {
        let failed = |e: ort::Error| ModelError::Engine { model: "piper".into(), reason: e.to_string() };
        let ids = self.ids(ipa);
        let inference = &self.config.inference;
        let scales = vec![inference.noise_scale, inference.length_scale / speed, inference.noise_w];
        let inputs = ort::inputs! {
            "input_lengths" => Tensor::from_array(([1], vec![ids.len() as i64])).map_err(failed)?,
            "input" => Tensor::from_array(([1, ids.len()], ids)).map_err(failed)?,
            "scales" => Tensor::from_array(([3], scales)).map_err(failed)?,
        };
        let outputs = self.session.run(inputs).map_err(failed)?;
        let (_, samples) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        Ok(samples.to_vec())
    }

    /// Beginning, each phoneme followed by a pad, end: as the voice was trained.
    fn ids(&self, ipa: &str) -> Vec<i64> {
        let map = &self.config.phoneme_id_map;
        let of = |symbol: &str| map.get(symbol).map(Vec::as_slice).unwrap_or_default();
        let mut ids = of("^").to_vec();
        ids.extend(of("_"));
        for symbol in ipa.chars().filter(|c| *c != '^').take(MAX_PHONEMES) {
            let known = of(symbol.encode_utf8(&mut [0; 4]));
            if !known.is_empty() {
                ids.extend(known);
                ids.extend(of("_"));
            }
        }
        ids.extend(of("$"));
        ids
    }
}
