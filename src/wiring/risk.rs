//! The learned risk from the weights that are part of the program.

use super::load;
use crate::config::{self, Config};
use anyhow::Context as _;
use healthsync_actors::{Pool, PoolConfig, pool::ModelFactory};
use healthsync_deteriorate::{
    Weights,
    learning::{Ledger, Rules},
    stream::{Calibrated, Calibration, Deterioration},
};
use healthsync_events::ModelInfo;
use healthsync_models::{ModelError, registry::Registry};
use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

/// The registry's entry.
const MODEL: &str = "deteriorate";

/// Its weights for a bedside, which does not know the ICU hour, and for those who do.
const BEDSIDE: &str = "deteriorate.safetensors";
const ICU: &str = "deteriorate-icu.safetensors";

/// How often the file of calibrations is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Patients scored together: more than monitors send for within the time that one batch takes.
const MAX_BATCH: usize = 32;

/// Sessions whose score may wait: every session has at most one.
const MAX_WAITING: usize = 256;

fn open(registry: &Registry, file: &str) -> anyhow::Result<(Weights, ModelInfo)> {
    let (bytes, info) = registry.bundled(MODEL, file)?;
    let weights = Weights::read(bytes).with_context(|| format!("{file} cannot be used"))?;
    Ok((weights, info))
}

/// Both weights of the program, by their names.
pub fn deteriorate_weights() -> anyhow::Result<Vec<(String, Weights, ModelInfo)>> {
    let registry = load::registry(&Config::default())?;
    let named = |file: &str| -> anyhow::Result<(String, Weights, ModelInfo)> {
        let (weights, info) = open(&registry, file)?;
        Ok((file.trim_end_matches(".safetensors").to_owned(), weights, info))
    };
    [BEDSIDE, ICU].into_iter().map(named).collect()
}

/// The calibrations kept in `file`; only that of the weights where there is no such file yet.
pub fn calibration_ledger(file: &Path) -> anyhow::Result<Ledger> {
    read_ledger(&load::registry(&Config::default())?, file)
}

fn read_ledger(registry: &Registry, file: &Path) -> anyhow::Result<Ledger> {
    let (weights, info) = open(registry, BEDSIDE)?;
    if !file.exists() {
        return Ok(Ledger::new(weights.calibration, &info.weights_sha256, Rules::default()));
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ledger::read(&text, &info.weights_sha256).with_context(|| format!("{} cannot be used", file.display()))
}

fn calibrated(ledger: &Ledger) -> Calibrated {
    Calibrated { platt: ledger.active(), version: ledger.name() }
}

/// The calibration of `file`, which is looked at again now and then. Call within a tokio runtime.
fn calibration(registry: &Arc<Registry>, file: Option<&Path>) -> anyhow::Result<Option<Calibration>> {
    let Some(file) = file.map(Path::to_owned) else { return Ok(None) };
    let shared: Calibration = Arc::new(RwLock::new(calibrated(&read_ledger(registry, &file)?)));
    let (registry, weak) = (Arc::clone(registry), Arc::downgrade(&shared));
    tokio::spawn(async move {
        let mut seen = changed_at(&file);
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let Some(shared) = weak.upgrade() else { return };
            let now = changed_at(&file);
            if now == seen {
                continue;
            }
            seen = now;
            match read_ledger(&registry, &file) {
                Ok(ledger) => *shared.write().unwrap_or_else(PoisonError::into_inner) = calibrated(&ledger),
                Err(error) => tracing::warn!(%error, "the calibration stays as it was"),
            }
        }
    });
    Ok(Some(shared))
}

fn changed_at(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|found| found.modified()).ok()
}

/// The pool, unless the configuration or a manifest of the deployment's own leaves the model out.
pub(super) fn start(registry: &Arc<Registry>, models: &config::Models) -> anyhow::Result<Option<Pool<Deterioration>>> {
    if !models.deterioration || registry.manifest().model(MODEL).is_err() {
        return Ok(None);
    }
    let calibration = calibration(registry, models.calibration_file.as_deref())?;
    // It has a precedence of its own: for its milliseconds nobody need start over.
    let pool = PoolConfig { name: MODEL, capacity: MAX_WAITING, max_batch: MAX_BATCH, ..PoolConfig::default() };
    let pool = Pool::start(pool, deterioration(registry, calibration));
    pool.map(Some).context("the pool of the learned risk cannot be started")
}

/// The learned risk as configured and the requests one run of it takes at most, for who measures it in pools of its own.
pub fn scorer(config: &Config) -> anyhow::Result<(ModelFactory<Deterioration>, usize)> {
    Ok((deterioration(&Arc::new(load::registry(config)?), None), MAX_BATCH))
}

fn deterioration(registry: &Arc<Registry>, calibration: Option<Calibration>) -> ModelFactory<Deterioration> {
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
