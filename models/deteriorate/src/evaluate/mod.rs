//! How good scores are: discrimination, usefulness, calibration, and how far each figure can be trusted.

mod discrimination;
mod reliability;
mod report;
mod utility;

pub use discrimination::{Ranked, stratified_auroc};
pub use reliability::{Bin, Reliability, brier};
pub use report::{Figures, Interval, Scored, Subgroup, best_warning, figures, subgroups};
pub use utility::{normalised as normalised_utility, stay_utility};
