//! Learning from outcomes that arrive after the scores: the weights stay, the calibration follows, behind a guard.
//!
//! A better calibration is fitted once enough outcomes have come ([`Ledger`]), then runs in the shadow of the active
//! one on outcomes that it was not fitted to, and takes its place only if it was clearly better. The one it replaced
//! stays in its shadow and comes back by itself if it turns out to have been better after all. Every version is kept,
//! and the scores it made name it.

mod drift;
mod ledger;
mod outcomes;

pub use drift::{Drift, Reference, expected_to_observed, population_stability};
pub use ledger::{Change, Ledger, LedgerError, Rules, Standing, Version};
pub use outcomes::{Labelled, Outcome, OutcomeError, ScoredHour, label, parse as parse_outcomes};
