//! The model contract, the tasks models are asked to do, the registry that provides their weights, and the
//! models that are rules rather than weights: NEWS2 and the patient report.

pub mod contract;
pub mod registry;
pub mod tasks;

pub use contract::{Model, ModelError};
