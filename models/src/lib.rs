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

/// What an engine's error says. With `RUST_BACKTRACE` set, candle's goes on with a backtrace, which is not for clients.
pub fn first_line(error: &impl std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pair = |b: &u8| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]];
    bytes.iter().flat_map(pair).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_error_with_a_backtrace_the_error_is_said() {
        assert_eq!(first_line(&"out of memory\n   0: candle_core::error\n   1: main"), "out of memory");
        assert_eq!(first_line(&""), "");
    }
}
