//! Risk scores that explain themselves, and alarms.

use crate::{
    ids::{AlarmId, Seq},
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
    /// Parameters never measured in this session: the total is a lower bound while any is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    pub provenance: Provenance,
}

/// What an alarm is about. Priorities follow IEC 60601-1-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// One NEWS2 parameter scores 3.
    News2SingleParameter,
    /// NEWS2 of 5 or 6: urgent response.
    News2Urgent,
    /// NEWS2 of 7 or more: emergency response.
    News2Emergency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmPriority {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmRaised {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    pub priority: AlarmPriority,
    pub message: String,
    /// Sequence number of the score that raised it.
    pub because: Seq,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmCleared {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    pub because: Seq,
}
