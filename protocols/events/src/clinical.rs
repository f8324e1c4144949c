//! Vital signs and where they come from.

use crate::ids::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Level of consciousness on the ACVPU scale of NEWS2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Consciousness {
    Alert,
    /// New confusion.
    Confusion,
    Voice,
    Pain,
    Unresponsive,
}

/// One set of vital signs. Absent means not measured, never zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct VitalSigns {
    /// Beats per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub heart_rate: Option<f64>,
    /// Breaths per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub respiratory_rate: Option<f64>,
    /// Peripheral oxygen saturation, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub spo2: Option<f64>,
    /// mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub systolic_bp: Option<f64>,
    /// mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub diastolic_bp: Option<f64>,
    /// Degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub consciousness: Option<Consciousness>,
    /// Whether the patient breathes supplemental oxygen rather than air.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub supplemental_oxygen: Option<bool>,
}

impl VitalSigns {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Names of the fields that were measured.
    pub fn measured(&self) -> Vec<&'static str> {
        [
            ("heart_rate", self.heart_rate.is_some()),
            ("respiratory_rate", self.respiratory_rate.is_some()),
            ("spo2", self.spo2.is_some()),
            ("systolic_bp", self.systolic_bp.is_some()),
            ("diastolic_bp", self.diastolic_bp.is_some()),
            ("temperature", self.temperature.is_some()),
            ("consciousness", self.consciousness.is_some()),
            ("supplemental_oxygen", self.supplemental_oxygen.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, measured)| measured.then_some(name))
        .collect()
    }

    /// Takes out the values that no living person has, by name. Bounds are what can be measured, with a margin:
    /// outliers of record pass, what sensors send for an error (0, 255, 999) does not.
    pub fn take_implausible(&mut self) -> Vec<&'static str> {
        let mut taken = Vec::new();
        for (name, value, low, high) in [
            ("heart_rate", &mut self.heart_rate, 10.0, 350.0),
            ("respiratory_rate", &mut self.respiratory_rate, 1.0, 120.0),
            ("spo2", &mut self.spo2, 20.0, 100.0),
            ("systolic_bp", &mut self.systolic_bp, 20.0, 350.0),
            ("diastolic_bp", &mut self.diastolic_bp, 5.0, 250.0),
            ("temperature", &mut self.temperature, 12.0, 46.0),
        ] {
            if value.is_some_and(|value| !(low..=high).contains(&value)) {
                *value = None;
                taken.push(name);
            }
        }
        taken
    }

    /// Takes from `newer` what it has and keeps the rest: monitors often send part of a set.
    pub fn merge(&mut self, newer: &Self) {
        fn take<T: Copy>(slot: &mut Option<T>, newer: Option<T>) {
            if newer.is_some() {
                *slot = newer;
            }
        }
        take(&mut self.heart_rate, newer.heart_rate);
        take(&mut self.respiratory_rate, newer.respiratory_rate);
        take(&mut self.spo2, newer.spo2);
        take(&mut self.systolic_bp, newer.systolic_bp);
        take(&mut self.diastolic_bp, newer.diastolic_bp);
        take(&mut self.temperature, newer.temperature);
        take(&mut self.consciousness, newer.consciousness);
        take(&mut self.supplemental_oxygen, newer.supplemental_oxygen);
    }
}

/// A set of vital signs as an app sends it: one line of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct VitalsLine {
    /// What makes a line sent again a repeat, 1 to 64 characters, unique for its application.
    pub id: String,
    /// Who sends it, 1 to 64 characters.
    pub application: String,
    pub taken_at: Timestamp,
    pub vitals: VitalSigns,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum VitalsLineResult {
    /// Durable under this sequence number.
    Recorded {
        seq: crate::ids::Seq,
        repeated: bool,
    },
    Refused {
        error: crate::refusal::Refusal,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum MonitorProtocol {
    Hl7V2,
    Fhir,
    Kafka,
    Websocket,
    /// Lines of JSON over HTTP.
    Http,
}

/// Who sent an observation, and under which message identifier. A repeated message from the same source is
/// acknowledged again and not recorded twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
pub struct MonitorSource {
    pub protocol: MonitorProtocol,
    /// MSH-3 for HL7 v2.
    pub application: String,
    /// MSH-4 for HL7 v2.
    pub facility: String,
    /// MSH-10 for HL7 v2.
    pub message_id: String,
}

/// Vital signs as a monitor sent them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct VitalsObserved {
    pub source: MonitorSource,
    /// When the monitor measured, by the monitor's clock.
    pub taken_at: Timestamp,
    pub vitals: VitalSigns,
    /// Observations of the same message that could not be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedObservation>,
}

/// An observation that was not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RejectedObservation {
    /// The code as sent (OBX-3.1 for HL7 v2), at most 64 characters.
    pub code: String,
    pub reason: RejectionReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    UnknownCode,
    NotANumber,
    UnitMismatch,
    OutsidePhysiology,
    NotFinal,
}
