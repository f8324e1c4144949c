//! `Observation`, in and out.

pub mod read;
pub mod subject;
pub mod value;
pub mod write;

use crate::names::DATA_ABSENT;
use serde_json::{Value, json};

/// Why there is no value: a code of `data-absent-reason`.
pub fn absent(code: &str) -> Value {
    json!({ "coding": [{ "system": DATA_ABSENT, "code": code }] })
}
