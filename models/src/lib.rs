//! The model contract, the tasks models are asked to do, the registry that provides their weights, and the
//! models that are rules rather than weights: NEWS2 and the patient report.

pub mod contract;
mod preempt;
pub mod registry;
pub mod report;
pub mod risk;
pub mod tasks;

pub use contract::{Model, ModelError, SequenceModel, SequenceStep, SlotKey};
pub use preempt::Preempt;

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pair = |b: &u8| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]];
    bytes.iter().flat_map(pair).map(char::from).collect()
}
