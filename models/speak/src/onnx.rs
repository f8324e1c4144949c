//! ONNX Runtime, loaded from the registry's library.

use healthsync_models::ModelError;
use ort::{
    environment::Environment,
    session::{Session, builder::GraphOptimizationLevel},
};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Has ONNX Runtime widen bytes before it multiplies them
/// (`kOrtSessionOptionsAvx2PrecisionMode` of `onnxruntime_session_options_config_keys.h`).
const WIDENED: &str = "session.x64quantprecision";

/// How bytes are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Products {
    /// By the processor's int8 dot product, which sums in 32 bits.
    Native,
    /// Widened first, which is slower. x86 without that instruction sums products of bytes pairwise in 16 bits, which
    /// overflow: int8 voices get blurred. Elsewhere it changes nothing.
    Widened,
}

impl Products {
    /// What this processor does best.
    pub(crate) fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni") {
            return Self::Native;
        }
        Self::Widened
    }
}

/// ONNX Runtime allows one environment a process.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads the library, unless it has been loaded; every session of the process shares it.
pub(crate) fn environment(library: &Path) -> Result<Environment, ModelError> {
    let failed = |reason: String| ModelError::Load { model: "onnxruntime".into(), reason };
    let mut shared = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*shared {
        return Ok(environment.clone());
    }
    let builder = ort::init_from(library).map_err(|e| failed(e.to_string()))?;
    let environment = builder.with_name("healthsync").build().map_err(|e| failed(e.to_string()))?;
    Ok(shared.insert(environment).clone())
}

/// Where a model's graph and weights are.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'a> {
    File(&'a Path),
    Bytes(&'a [u8]),
}

pub(crate) fn session(
    environment: &Environment,
    weights: Weights<'_>,
    products: Products,
    threads: usize,
    name: &str,
) -> Result<Session, ModelError> {
    let failed = |reason: String| ModelError::Load { model: name.into(), reason };
    let builder = Session::builder(environment).map_err(|e| failed(e.to_string()))?;
    let builder = builder.with_optimization_level(GraphOptimizationLevel::Level3);
    let builder = builder.map_err(|e| failed(e.to_string()))?.with_intra_threads(threads);
    let widened = if products == Products::Widened { "1" } else { "0" };
    let builder = builder.map_err(|e| failed(e.to_string()))?.with_config_entry(WIDENED, widened);
    // Threads that spin while they wait would take cores from speech recognition: with two of them Kokoro took a
    // third more processor time for the same sound.
    let builder = builder.map_err(|e| failed(e.to_string()))?.with_intra_op_spinning(false);
    let mut builder = builder.map_err(|e| failed(e.to_string()))?;
    let session = match weights {
        Weights::File(path) => builder.commit_from_file(path),
        Weights::Bytes(bytes) => builder.commit_from_memory(bytes),
    };
    session.map_err(|e| failed(e.to_string()))
}
