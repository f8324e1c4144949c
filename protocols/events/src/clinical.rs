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

/// A vital sign that is a number, named as its field of [`VitalSigns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum VitalSign {
    HeartRate,
    RespiratoryRate,
    Spo2,
    SystolicBp,
    DiastolicBp,
    Temperature,
}

impl VitalSign {
    pub const ALL: [Self; 6] =
        [Self::HeartRate, Self::RespiratoryRate, Self::Spo2, Self::SystolicBp, Self::DiastolicBp, Self::Temperature];

    /// The field's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeartRate => "heart_rate",
            Self::RespiratoryRate => "respiratory_rate",
            Self::Spo2 => "spo2",
            Self::SystolicBp => "systolic_bp",
            Self::DiastolicBp => "diastolic_bp",
            Self::Temperature => "temperature",
        }
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Self::HeartRate | Self::RespiratoryRate => "/min",
            Self::Spo2 => "%",
            Self::SystolicBp | Self::DiastolicBp => "mmHg",
            Self::Temperature => "°C",
        }
    }

    /// Decimals it is charted with.
    pub const fn decimals(self) -> usize {
        if matches!(self, Self::Temperature) { 1 } else { 0 }
    }

    /// What can be measured on a living person, with a margin: extremes of the literature pass, sensor errors
    /// (0, 255, 999) do not.
    pub const fn physiological(self) -> (f64, f64) {
        match self {
            Self::HeartRate => (10.0, 350.0),
            Self::RespiratoryRate => (1.0, 120.0),
            Self::Spo2 => (20.0, 100.0),
            Self::SystolicBp => (20.0, 350.0),
            Self::DiastolicBp => (5.0, 250.0),
            Self::Temperature => (12.0, 46.0),
        }
    }

    pub const fn of(self, vitals: &VitalSigns) -> Option<f64> {
        match self {
            Self::HeartRate => vitals.heart_rate,
            Self::RespiratoryRate => vitals.respiratory_rate,
            Self::Spo2 => vitals.spo2,
            Self::SystolicBp => vitals.systolic_bp,
            Self::DiastolicBp => vitals.diastolic_bp,
            Self::Temperature => vitals.temperature,
        }
    }

    pub const fn set(self, vitals: &mut VitalSigns, value: Option<f64>) {
        match self {
            Self::HeartRate => vitals.heart_rate = value,
            Self::RespiratoryRate => vitals.respiratory_rate = value,
            Self::Spo2 => vitals.spo2 = value,
            Self::SystolicBp => vitals.systolic_bp = value,
            Self::DiastolicBp => vitals.diastolic_bp = value,
            Self::Temperature => vitals.temperature = value,
        }
    }
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

    /// The values as bits, equal exactly where the values are the same.
    pub(crate) fn bits(&self) -> [Option<u64>; 8] {
        let number = |value: Option<f64>| value.map(f64::to_bits);
        [
            number(self.heart_rate),
            number(self.respiratory_rate),
            number(self.spo2),
            number(self.systolic_bp),
            number(self.diastolic_bp),
            number(self.temperature),
            self.consciousness.map(|level| level as u64),
            self.supplemental_oxygen.map(u64::from),
        ]
    }

    /// Forgets a field by its name; an unknown name changes nothing.
    pub fn clear(&mut self, parameter: &str) {
        match parameter {
            "heart_rate" => self.heart_rate = None,
            "respiratory_rate" => self.respiratory_rate = None,
            "spo2" => self.spo2 = None,
            "systolic_bp" => self.systolic_bp = None,
            "diastolic_bp" => self.diastolic_bp = None,
            "temperature" => self.temperature = None,
            "consciousness" => self.consciousness = None,
            "supplemental_oxygen" => self.supplemental_oxygen = None,
            _ => {}
        }
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum MonitorProtocol {
    Hl7V2,
    Fhir,
    Kafka,
    Websocket,
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
    /// The observation as sent (the OBX segment for HL7 v2), at most [`crate::limits::MAX_RAW_CHARS`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub raw: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    UnknownCode,
    NotANumber,
    UnitMismatch,
    OutsidePhysiology,
    NotFinal,
}

impl RejectionReason {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCode => "unknown_code",
            Self::NotANumber => "not_a_number",
            Self::UnitMismatch => "unit_mismatch",
            Self::OutsidePhysiology => "outside_physiology",
            Self::NotFinal => "not_final",
        }
    }
}

/// What a monitor says of measurements other than a message's newest: values that come late, corrections,
/// withdrawals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct VitalsAmended {
    pub source: MonitorSource,
    pub amendments: Vec<Amendment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Amendment {
    /// Measured before what the message is about, and sent with it.
    Earlier { taken_at: Timestamp, vitals: VitalSigns },
    /// Takes the place of what was measured then.
    Corrected { taken_at: Timestamp, vitals: VitalSigns },
    /// What was measured then was wrong, or another patient's. Fields of `VitalSigns`.
    Withdrawn { taken_at: Timestamp, parameters: Vec<String> },
}

impl Amendment {
    /// Equal exactly where the amendments are the same.
    pub(crate) fn bits(&self) -> (u8, i64, [Option<u64>; 8], Option<&[String]>) {
        match self {
            Self::Earlier { taken_at, vitals } => (0, taken_at.millis(), vitals.bits(), None),
            Self::Corrected { taken_at, vitals } => (1, taken_at.millis(), vitals.bits(), None),
            Self::Withdrawn { taken_at, parameters } => (2, taken_at.millis(), [None; 8], Some(parameters)),
        }
    }
}

/// A monitor's clock is not what it was: since then its times cannot be compared with those before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MonitorClockJumped {
    pub source: MonitorSource,
    /// What the monitor's clock showed when it sent the message.
    pub sent_at: Timestamp,
    /// When the message came, by the server's clock.
    pub received_at: Timestamp,
    pub jump: ClockJump,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ClockJump {
    /// It has been set back, and goes on from there.
    Back,
    /// It is ahead of the server's.
    Ahead,
}

/// An alarm that a device raised by its own rules. Shown as the device's word, not as a finding of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct DeviceAlarm {
    pub source: MonitorSource,
    pub at: Timestamp,
    /// What kind of event, as sent, for example `MDC_EVT_LO_VAL_LT_LIM`; at most 64 characters.
    pub event: String,
    /// What it is about, as sent, for example `MDC_PULS_OXIM_SAT_O2`; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub about: Option<String>,
    /// `start`, `continue`, `update`, `escalate`, `end`, … as sent; at most 32 characters.
    pub phase: String,
    /// `active`, `latched`, `inactive`, … as sent; at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub state: Option<String>,
    /// `PH`, `PM`, `PL`, … as sent; at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub priority: Option<String>,
}
