//! What the hospital's administration says of a patient: where they are, and under which identifier.

use crate::{
    clinical::MonitorSource,
    ids::{PatientId, Timestamp},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What happened to the patient (HL7 v2 trigger events in brackets).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum PatientChange {
    /// Admitted (A01) or registered (A04).
    Admitted,
    /// Moved to another place (A02).
    Transferred,
    /// Discharged (A03).
    Discharged,
    /// Details changed (A08).
    Updated,
    /// Two identifiers turned out to be one patient's (A40).
    Merged,
}

/// Where a patient is; each part at most 64 characters, as the hospital writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Location {
    /// PV1-3.1: ward or unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// PV1-3.2.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// PV1-3.3.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bed: String,
    /// PV1-3.4.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub facility: String,
}

impl Location {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Administrative sex (HL7 table 0001), as far as a model knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    Female,
    Male,
}

/// A change as the hospital told it. Names and addresses are not kept: nothing here needs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct PatientChanged {
    pub source: MonitorSource,
    pub change: PatientChange,
    /// The identifier that is valid from now on.
    pub patient: PatientId,
    /// The identifier that is not used any more, after a merge (MRG-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub merged_from: Option<PatientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub location: Option<Location>,
    /// PV1-2, HL7 table 0004: `I` inpatient, `E` emergency, `O` outpatient, …; at most 16 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub class: Option<String>,
    /// PID-7 as `YYYY-MM-DD`: scores for children need the age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub birth_date: Option<String>,
    /// PID-8, where it says female or male: the learned risk was told it of those it learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sex: Option<Sex>,
    /// When it happened (EVN-6, EVN-2), by the sender's clock.
    pub occurred_at: Timestamp,
}

impl PatientChanged {
    /// Fills in from what was known before what this change leaves out.
    pub fn completed_by(&mut self, earlier: &Self) {
        if self.location.is_none() && self.change != PatientChange::Discharged {
            self.location.clone_from(&earlier.location);
        }
        if self.class.is_none() {
            self.class.clone_from(&earlier.class);
        }
        if self.birth_date.is_none() {
            self.birth_date.clone_from(&earlier.birth_date);
        }
        self.sex = self.sex.or(earlier.sex);
    }
}
