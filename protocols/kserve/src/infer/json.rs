//! The JSON of both directions as serde sees it.

use super::values::Values;
use crate::Datatype;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub parameters: Option<RequestParameters>,
    pub inputs: Vec<Tensor>,
    #[serde(default)]
    pub outputs: Option<Vec<Output>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RequestParameters {
    #[serde(default)]
    pub binary_data_output: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tensor {
    pub name: String,
    pub shape: Vec<u64>,
    pub datatype: Datatype,
    #[serde(default)]
    pub parameters: Option<TensorParameters>,
    #[serde(default)]
    pub data: Option<Values>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TensorParameters {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_data_size: Option<usize>,
    /// Only to refuse it.
    #[serde(default, skip_serializing)]
    pub shared_memory_region: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Output {
    pub name: String,
    #[serde(default)]
    pub parameters: Option<OutputParameters>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OutputParameters {
    #[serde(default)]
    pub binary_data: Option<bool>,
    /// Only to refuse it.
    #[serde(default)]
    pub classification: Option<u64>,
    /// Only to refuse it.
    #[serde(default)]
    pub shared_memory_region: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    pub id: Option<String>,
    pub model_name: String,
    #[serde(default)]
    pub model_version: String,
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    pub outputs: Vec<Tensor>,
}
