//! What a learned model expects, and what made it expect that.

use crate::provenance::Provenance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A chance that something begins within the next hours. Decision support, not diagnosis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RiskPredicted {
    /// What may begin: `sepsis`.
    pub outcome: String,
    /// Hours that the chance is about.
    pub within_hours: u8,
    /// 0 to 1, as calibrated on the patients that the model was made from.
    pub probability: f64,
    /// Log-odds before calibration: what later calibrations start from.
    pub log_odds: f64,
    /// Hours of this patient's record, the present one included: after one the model knows little.
    pub record_hours: u32,
    /// What moved the probability, strongest first.
    pub contributions: Vec<Contribution>,
    /// What the model may be told and was not: laboratory values, at a bedside that sends none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    pub provenance: Provenance,
}

/// What one measurement did to a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Contribution {
    /// Field of `VitalSigns` where there is one, for example `respiratory_rate`; `creatinine` and the like otherwise.
    pub parameter: String,
    /// The newest value, with its unit.
    pub value: String,
    /// Whole hours since it was measured.
    pub hours_ago: u32,
    /// By how much the log-odds would be lower had it never been measured in this record: positive raises the risk.
    pub effect: f64,
}
