//! The vital signs as FHIR's profiles have them: one Observation each, blood pressure with two components.

use crate::names::{LOINC, SIGNS, UCUM};
use healthsync_events::{Consciousness, VitalSigns};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    HeartRate,
    RespiratoryRate,
    Spo2,
    BloodPressure,
    Temperature,
    Consciousness,
    SupplementalOxygen,
}

/// `Observation.code` of several signs measured together.
pub const PANEL: (&str, &str) =
    ("85353-1", "Vital signs, weight, height, head circumference, oxygen saturation and BMI panel");

const SYSTOLIC: (&str, &str) = ("8480-6", "Systolic blood pressure");
const DIASTOLIC: (&str, &str) = ("8462-4", "Diastolic blood pressure");

impl Sign {
    pub const ALL: [Self; 7] = [
        Self::HeartRate,
        Self::RespiratoryRate,
        Self::Spo2,
        Self::BloodPressure,
        Self::Temperature,
        Self::Consciousness,
        Self::SupplementalOxygen,
    ];

    /// System, code and display, the profile's own first.
    pub const fn codings(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Self::HeartRate => &[(LOINC, "8867-4", "Heart rate")],
            Self::RespiratoryRate => &[(LOINC, "9279-1", "Respiratory rate")],
            Self::Spo2 => &[
                (LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
                (LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
            ],
            Self::BloodPressure => &[(LOINC, "85354-9", "Blood pressure panel with all children optional")],
            Self::Temperature => &[(LOINC, "8310-5", "Body temperature")],
            Self::Consciousness => &[(LOINC, "80288-4", "Level of consciousness")],
            Self::SupplementalOxygen => &[(SIGNS, "supplemental_oxygen", "Breathes supplemental oxygen")],
        }
    }

    /// The profile of R4's vital signs, where there is one.
    pub const fn profile(self) -> Option<&'static str> {
        match self {
            Self::HeartRate => Some("http://hl7.org/fhir/StructureDefinition/heartrate"),
            Self::RespiratoryRate => Some("http://hl7.org/fhir/StructureDefinition/resprate"),
            Self::Spo2 => Some("http://hl7.org/fhir/StructureDefinition/oxygensat"),
            Self::BloodPressure => Some("http://hl7.org/fhir/StructureDefinition/bp"),
            Self::Temperature => Some("http://hl7.org/fhir/StructureDefinition/bodytemp"),
            Self::Consciousness | Self::SupplementalOxygen => None,
        }
    }

    /// Whether the field of `VitalSigns` belongs to it.
    pub fn holds(self, field: &str) -> bool {
        match self {
            Self::HeartRate => field == "heart_rate",
            Self::RespiratoryRate => field == "respiratory_rate",
            Self::Spo2 => field == "spo2",
            Self::BloodPressure => matches!(field, "systolic_bp" | "diastolic_bp"),
            Self::Temperature => field == "temperature",
            Self::Consciousness => field == "consciousness",
            Self::SupplementalOxygen => field == "supplemental_oxygen",
        }
    }

    /// The signs measured.
    pub fn measured(vitals: &VitalSigns) -> Vec<Self> {
        let fields = vitals.measured();
        Self::ALL.into_iter().filter(|sign| fields.iter().any(|field| sign.holds(field))).collect()
    }

    /// The element that carries the value, and what is in it. Empty where it was not measured.
    pub fn value(self, vitals: &VitalSigns) -> Vec<(&'static str, Value)> {
        let quantity = |value: Option<f64>, unit, code| {
            value.map(|value| ("valueQuantity", quantity(value, unit, code))).into_iter().collect()
        };
        match self {
            Self::HeartRate => quantity(vitals.heart_rate, "beats/minute", "/min"),
            Self::RespiratoryRate => quantity(vitals.respiratory_rate, "breaths/minute", "/min"),
            Self::Spo2 => quantity(vitals.spo2, "%", "%"),
            Self::Temperature => quantity(vitals.temperature, "degrees C", "Cel"),
            Self::BloodPressure => {
                let parts = [(SYSTOLIC, vitals.systolic_bp), (DIASTOLIC, vitals.diastolic_bp)];
                vec![(
                    "component",
                    parts.map(|((code, display), value)| pressure(code, display, value)).to_vec().into(),
                )]
            }
            Self::Consciousness => {
                let level = vitals.consciousness.map(|level| ("valueCodeableConcept", consciousness(level)));
                level.into_iter().collect()
            }
            Self::SupplementalOxygen => {
                vitals.supplemental_oxygen.map(|given| ("valueBoolean", given.into())).into_iter().collect()
            }
        }
    }
}

fn quantity(value: f64, unit: &str, code: &str) -> Value {
    json!({ "value": value, "unit": unit, "system": UCUM, "code": code })
}

/// The profile asks for both components; the one that was not measured says so.
fn pressure(code: &str, display: &str, value: Option<f64>) -> Value {
    let code = json!({ "coding": [{ "system": LOINC, "code": code, "display": display }] });
    match value {
        Some(value) => json!({ "code": code, "valueQuantity": quantity(value, "mmHg", "mm[Hg]") }),
        None => json!({ "code": code, "dataAbsentReason": crate::observation::absent("unknown") }),
    }
}

/// LOINC's answers to 80288-4, as far as it has the levels of ACVPU.
fn consciousness(level: Consciousness) -> Value {
    let (code, text) = match level {
        Consciousness::Alert => ("LA9340-6", "Alert"),
        Consciousness::Confusion => ("LA6560-2", "Confusion"),
        Consciousness::Voice => ("LA17108-4", "Voice"),
        Consciousness::Pain => ("LA17107-6", "Pain"),
        Consciousness::Unresponsive => ("LA9343-0", "Unresponsive"),
    };
    json!({ "coding": [{ "system": LOINC, "code": code }], "text": text })
}
