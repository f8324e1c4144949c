//! Risk of deterioration: published scores of what was measured, and the alarms that follow.
//!
//! Each score states its source, its range and its items in its module. All share one policy on missing data: an item
//! that was never measured, or longer ago than [`policy::MaxAge`] allows, scores nothing and is named missing; one that
//! is carried forward is named with the time it was measured at and how old it may become.

mod alarms;
pub mod bedside;
pub mod limits;
pub mod mews;
pub mod news2;
pub mod pews;
mod plausible;
pub mod policy;
pub mod readings;
mod rows;
pub mod scores;
pub mod sepsis;
pub mod shock;

pub use bedside::Bedside;
pub use policy::Policy;
pub use rows::Scored;

#[cfg(test)]
mod tests;
