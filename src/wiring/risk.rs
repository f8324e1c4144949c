//! The learned risk from the weights that are part of the program.

use super::load;
use crate::config::Config;
use anyhow::Context as _;
use healthsync_actors::pool::ModelFactory;
use healthsync_deteriorate::{
    Weights,
    stream::{Calibration, Deterioration},
};
use healthsync_events::ModelInfo;
use healthsync_models::{ModelError, registry::Registry};
use std::sync::Arc;

/// The registry's entry.
const MODEL: &str = "deteriorate";

/// Its weights for a bedside, which does not know the ICU hour, and for those who do.
const BEDSIDE: &str = "deteriorate.safetensors";
const ICU: &str = "deteriorate-icu.safetensors";

/// Patients scored together: more than monitors send for within the time that one batch takes.
pub(super) const MAX_BATCH: usize = 32;

fn open(registry: &Registry, file: &str) -> anyhow::Result<(Weights, ModelInfo)> {
    let (bytes, info) = registry.bundled(MODEL, file)?;
    let weights = Weights::read(bytes).with_context(|| format!("{file} cannot be used"))?;
    Ok((weights, info))
}

/// Both weights of the program, by their names.
pub fn deteriorate_weights() -> anyhow::Result<Vec<(String, Weights, ModelInfo)>> {
    let registry = load::registry(&Config::default())?;
    let named = |file: &str| {
        let (weights, info) = open(&registry, file)?;
        Ok((file.trim_end_matches(".safetensors").to_owned(), weights, info))
    };
    [BEDSIDE, ICU].into_iter().map(named).collect()
}

pub(super) fn deterioration(registry: &Arc<Registry>, calibration: Option<Calibration>) -> ModelFactory<Deterioration> {
    let registry = Arc::clone(registry);
    Arc::new(move || {
        let refuse = |reason: String| ModelError::Load { model: MODEL.to_owned(), reason };
        let (weights, info) = open(&registry, BEDSIDE).map_err(|error| refuse(format!("{error:#}")))?;
        let model = Deterioration::new(weights, info).map_err(|error| refuse(error.to_string()))?;
        Ok(match &calibration {
            Some(calibration) => model.calibrated(Arc::clone(calibration)),
            None => model,
        })
    })
}
