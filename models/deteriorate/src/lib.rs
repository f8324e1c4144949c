//! A learned risk of deterioration: that sepsis begins within the next six hours.
//!
//! - [`challenge`] reads records of the PhysioNet/CinC Challenge 2019; [`inputs`] names what the model may be told.
//! - [`features`] is the fold from measurements to numbers, [`network`] what is made of them, [`weights`] the file.
//! - [`forms`] rounds weights, and [`Weights::pruned`] leaves units out.
//! - [`bedside`] makes hours of what monitors send, [`stream`] scores them step by step and says what moved the score.
//! - [`learning`] lets outcomes change the calibration, behind a guard.
//! - [`train`] fits the weights, [`evaluate`] and [`calibrate`] measure them, beside the [`baseline`].

#![cfg_attr(test, allow(clippy::float_cmp, reason = "what is exact is expected exactly"))]

pub mod baseline;
pub mod bedside;
pub mod calibrate;
pub mod challenge;
pub mod evaluate;
pub mod features;
pub mod forms;
mod gru;
pub mod inputs;
pub mod learning;
mod network;
mod prune;
mod rng;
pub mod stream;
pub mod train;
pub mod weights;

/// What the model expects, as events name it.
pub const OUTCOME: &str = "sepsis";

/// Hours that the score looks ahead.
pub const WITHIN_HOURS: u8 = 6;

pub use network::Network;
pub use weights::{Training, Weights, WeightsError};
