//! Where a model's output comes from. No model output travels without it.

use crate::ids::Seq;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A model as loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ModelInfo {
    /// Name in the model registry, or of the published chart for a rule.
    pub name: String,
    pub version: String,
    /// SHA-256, in hex, of the weights as loaded; of the canonical text of the rules for a rule-based model.
    pub weights_sha256: String,
}

impl ModelInfo {
    pub fn with_inputs(&self, inputs: Vec<Seq>) -> Provenance {
        Provenance { model: self.clone(), inputs }
    }
}

/// A model and the events its output was computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Provenance {
    #[serde(flatten)]
    pub model: ModelInfo,
    /// Sequence numbers of the events the output rests on.
    pub inputs: Vec<Seq>,
}
