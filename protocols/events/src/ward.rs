//! Many patients at a glance: what a ward view shows of each open session, and what changes of it.

use crate::{
    alarm::{AlarmKind, AlarmPriority},
    clinical::Consciousness,
    ids::{AlarmId, PatientId, Seq, SessionId, Timestamp},
    patient::Location,
    risk::RiskBand,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A value and when it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WardValue<T> {
    pub value: T,
    pub at: Timestamp,
}

/// The newest value of each vital sign; absent means never measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct WardVitals {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub heart_rate: Option<WardValue<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub respiratory_rate: Option<WardValue<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub spo2: Option<WardValue<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub systolic_bp: Option<WardValue<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub diastolic_bp: Option<WardValue<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub temperature: Option<WardValue<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub consciousness: Option<WardValue<Consciousness>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub supplemental_oxygen: Option<WardValue<bool>>,
}

impl WardVitals {
    /// When the newest of them was measured.
    pub fn newest(&self) -> Option<Timestamp> {
        let numbers =
            [self.heart_rate, self.respiratory_rate, self.spo2, self.systolic_bp, self.diastolic_bp, self.temperature];
        let numbers = numbers.into_iter().flatten().map(|value| value.at);
        let others = [self.consciousness.map(|value| value.at), self.supplemental_oxygen.map(|value| value.at)];
        numbers.chain(others.into_iter().flatten()).max()
    }
}

/// The newest NEWS2 of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WardScore {
    pub total: u8,
    pub band: RiskBand,
    /// Parameters never measured: the total is a lower bound while there are any.
    pub missing: u8,
    pub at: Timestamp,
    /// The event that explains it.
    pub seq: Seq,
}

/// An alarm that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WardAlarm {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    pub priority: AlarmPriority,
    pub message: String,
    pub since: Timestamp,
}

/// A point of a trend: when it was measured, in milliseconds since the Unix epoch, and its value.
pub type TrendPoint = (i64, f32);

/// One patient. It is the fold of the session's log up to `head`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WardRow {
    pub session: SessionId,
    pub patient: PatientId,
    pub started_at: Timestamp,
    pub head: Seq,
    /// Where the patient is, as the hospital said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub location: Option<Location>,
    pub vitals: WardVitals,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub news2: Option<WardScore>,
    /// Highest priority first, then newest first; at most [`crate::limits::MAX_WARD_ALARMS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<_>", optional)]
    pub alarms: Vec<WardAlarm>,
    /// Heart rate over the last half hour, thinned. Only in a snapshot: a change carries the newest value already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<(i32, f32)>>", optional)]
    pub heart_rate_trend: Vec<TrendPoint>,
    /// NEWS2 as it changed. Only in a snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<(i32, f32)>>", optional)]
    pub news2_trend: Vec<TrendPoint>,
}

/// What a ward view is sent: first everything, then what changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "ward", rename_all = "snake_case")]
pub enum WardMessage {
    Snapshot(WardSnapshot),
    Changes(WardChanges),
}

/// Every patient with an open session, at most [`crate::limits::MAX_WARD`], the newest sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WardSnapshot {
    /// Rises with every change.
    #[ts(type = "number")]
    pub version: u64,
    pub at: Timestamp,
    /// `false` while logs are still being read after a start: patients may be missing or behind.
    pub complete: bool,
    /// In no particular order.
    pub rows: Vec<WardRow>,
}

/// What changed since the message before: a row replaces the one of the same session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WardChanges {
    #[ts(type = "number")]
    pub version: u64,
    pub at: Timestamp,
    pub complete: bool,
    pub rows: Vec<WardRow>,
    /// Sessions that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<_>", optional)]
    pub removed: Vec<SessionId>,
}
