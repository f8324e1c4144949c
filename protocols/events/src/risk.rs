//! Risk scores that explain themselves.

use crate::{
    ids::{Seq, Timestamp},
    provenance::Provenance,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which SpO2 scale of NEWS2 applies: scale 2 only for hypercapnic respiratory failure, and only when a
/// clinician has said so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Spo2Scale {
    #[default]
    Scale1,
    Scale2,
}

/// Clinical risk as NEWS2 bands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RiskBand {
    Low,
    /// A single parameter scores 3 while the total is below 5.
    LowMedium,
    Medium,
    High,
}

/// One parameter's contribution to a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RiskItem {
    /// Field of `VitalSigns`, for example `respiratory_rate`.
    pub parameter: String,
    /// The value as charted, with its unit.
    pub value: String,
    /// The row of the chart it fell into, for example `21–24 /min`.
    pub range: String,
    pub points: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RiskScored {
    /// `NEWS2`.
    pub score: String,
    pub total: u8,
    pub band: RiskBand,
    pub spo2_scale: Spo2Scale,
    pub items: Vec<RiskItem>,
    /// Parameters never measured in this session, or too long ago: the total is a lower bound while any is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Parameters that the newest observation did not bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<CarriedItem>,
    pub provenance: Provenance,
}

/// A parameter whose newest value is older than the observation that was scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CarriedItem {
    pub parameter: String,
    /// Since when its value is carried forward.
    pub measured_at: Timestamp,
    /// How old it may become: beyond this it counts as missing.
    pub max_age_seconds: u32,
    /// Too old: it was not scored and is among the missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// The newest observation brought a value that was not believed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
}

/// The published scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScoreName {
    /// National Early Warning Score 2, from 16 years: comes as `risk.scored`.
    News2,
    /// Modified Early Warning Score.
    Mews,
    /// Quick sequential organ failure assessment.
    Qsofa,
    /// Systemic inflammatory response syndrome.
    Sirs,
    /// Pulse by systolic pressure.
    ShockIndex,
    /// Bedside paediatric early warning score, below 16 years.
    Pews,
}

/// One score with everything that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ClinicalScore {
    pub score: ScoreName,
    /// The sum of the items' points; a quotient for the shock index.
    pub value: f64,
    /// The highest value the whole score can take; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub max: Option<f64>,
    pub band: RiskBand,
    pub items: Vec<RiskItem>,
    /// Items that could not be scored: the value is a lower bound while any is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<CarriedItem>,
    pub provenance: Provenance,
}

/// The scores beside NEWS2, whenever one of them is no longer what it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ScoresComputed {
    pub scores: Vec<ClinicalScore>,
    /// The observation that was scored.
    pub because: Seq,
}
