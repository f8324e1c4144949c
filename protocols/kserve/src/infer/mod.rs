//! Requests for inference and their answers, and how both are written.

mod json;
mod read;
mod values;
mod write;

pub use read::{request, response};
pub use write::{encode_request, encode_response};

use crate::Tensor;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What a client asks of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InferRequest {
    /// The client's own name for it, repeated in the answer.
    pub id: Option<String>,
    pub inputs: Vec<Tensor>,
    pub outputs: Requested,
}

/// Which outputs are wanted, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requested {
    /// Whether outputs come as binary where it is not said for each.
    pub binary: bool,
    /// All of them where none is named.
    pub named: Vec<RequestedOutput>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedOutput {
    pub name: String,
    /// As [`Requested::binary`] says where absent.
    pub binary: Option<bool>,
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InferResponse {
    pub id: Option<String>,
    pub model_name: String,
    pub model_version: String,
    /// What else there is to say of the answer: its provenance.
    pub parameters: BTreeMap<String, String>,
    pub outputs: Vec<Tensor>,
}

/// A body as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub body: Bytes,
    /// Bytes of the JSON in front; `None` where all of it is JSON.
    pub header_length: Option<usize>,
}

impl InferRequest {
    pub fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|tensor| tensor.name() == name)
    }
}

impl InferResponse {
    pub fn output(&self, name: &str) -> Option<&Tensor> {
        self.outputs.iter().find(|tensor| tensor.name() == name)
    }
}

#[cfg(test)]
mod tests;
