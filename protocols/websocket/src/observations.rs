//! Vital signs as lines of JSON, from programs that speak HTTP and nothing more. Pure.

use healthsync_events::{
    Consciousness, EventBody, MonitorProtocol, MonitorSource, PatientId, Receipt, Refusal, Seq, Timestamp, VitalSigns,
    clinical::{RejectedObservation, RejectionReason, VitalsObserved},
    limits::MAX_RAW_CHARS,
    observation::{self, Code, Observation, codes::System},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Bytes of a line; one with every vital sign takes under 400.
const MAX_LINE: usize = 16 * 1024;

/// Observations by code in a line.
const MAX_CODED: usize = 64;

/// Characters of an identifier that the sender chose.
const MAX_TEXT: usize = 64;

/// One set of vital signs. Only what was measured is given: `{"heart_rate": 80, "spo2": 97}` is enough.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObservationLine {
    /// The sender's own name for it, at most 64 characters: the same again is not recorded again.
    pub id: Option<String>,
    /// When it was measured; when it is received, if absent.
    pub taken_at: Option<Timestamp>,
    /// If given, it must be the patient of the session.
    pub patient: Option<PatientId>,
    /// What measured it, at most 64 characters.
    pub device: Option<String>,
    /// Beats per minute.
    pub heart_rate: Option<f64>,
    /// Breaths per minute.
    pub respiratory_rate: Option<f64>,
    /// Percent.
    pub spo2: Option<f64>,
    /// mmHg.
    pub systolic_bp: Option<f64>,
    /// mmHg.
    pub diastolic_bp: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    pub consciousness: Option<Consciousness>,
    pub supplemental_oxygen: Option<bool>,
    /// Further ones by code, at most 64.
    pub observations: Vec<Coded>,
}

/// An observation by its code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coded {
    /// LOINC, or IEEE 11073 by number or name.
    pub code: String,
    /// A number, or a word where the code has words.
    pub value: serde_json::Value,
    /// UCUM; the unit that the vital sign is kept in, if absent.
    #[serde(default)]
    pub unit: String,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineResult {
    /// From 1.
    pub line: usize,
    /// Under which number it is recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<Seq>,
    /// It had been recorded before.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub repeated: bool,
    /// What could not be used of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rejected: Vec<RejectedObservation>,
    /// Why it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Refusal>,
}

impl LineResult {
    pub fn of(line: usize, recorded: Result<(Receipt, EventBody), Refusal>) -> Self {
        let nothing = Self { line, seq: None, repeated: false, rejected: Vec::new(), error: None };
        match recorded {
            Ok((receipt, EventBody::VitalsObserved(observed))) => {
                let (seq, repeated) = (Some(receipt.seq), receipt.repeated);
                Self { seq, repeated, rejected: observed.rejected, ..nothing }
            }
            Ok((receipt, _)) => Self { seq: Some(receipt.seq), repeated: receipt.repeated, ..nothing },
            Err(refusal) => Self { error: Some(refusal), ..nothing },
        }
    }
}

/// Lines that are not empty, with their numbers from 1.
pub fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = body.split(|byte| *byte == b'\n').enumerate();
    lines.map(|(index, line)| (index + 1, line.trim_ascii())).filter(|(_, line)| !line.is_empty())
}

/// Reads a line received at `received`; also whom it says it is about.
pub fn decode(line: &[u8], received: Timestamp) -> Result<(VitalsObserved, Option<PatientId>), Refusal> {
    if line.len() > MAX_LINE {
        return Err(Refusal::TooLarge { what: "the line".into(), limit: MAX_LINE as u64 });
    }
    // serde_json's message would quote what it could not read.
    let read: ObservationLine = serde_json::from_slice(line).map_err(|e| {
        Refusal::invalid("line", format!("cannot be read as a set of vital signs at column {}", e.column()))
    })?;
    if read.observations.len() > MAX_CODED {
        return Err(Refusal::TooLarge { what: "observations".into(), limit: MAX_CODED as u64 });
    }
    let (mut vitals, mut rejected) = (VitalSigns::default(), Vec::new());
    let numbers = [
        ("heart_rate", "8867-4", read.heart_rate),
        ("respiratory_rate", "9279-1", read.respiratory_rate),
        ("spo2", "59408-5", read.spo2),
        ("systolic_bp", "8480-6", read.systolic_bp),
        ("diastolic_bp", "8462-4", read.diastolic_bp),
        ("temperature", "8310-5", read.temperature),
    ];
    for (name, code, value) in numbers {
        let Some(value) = value.map(|value| value.to_string()) else { continue };
        if let Err(reason) = take(code, &value, "", &mut vitals) {
            rejected.push(reject(name, &value, "", reason));
        }
    }
    vitals.consciousness = read.consciousness;
    vitals.supplemental_oxygen = read.supplemental_oxygen;
    for Coded { code, value, unit } in &read.observations {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Err(reason) = take(code, &value, unit, &mut vitals) {
            rejected.push(reject(code, &value, unit, reason));
        }
    }
    if vitals.is_empty() && rejected.is_empty() {
        return Err(Refusal::invalid("line", "holds no vital sign"));
    }
    // Without a name and a time, the same values again are measured again.
    let unnamed = || match read.taken_at {
        Some(_) => name(line),
        None => format!("{}-{}", name(line), received.millis()),
    };
    let source = MonitorSource {
        protocol: MonitorProtocol::Http,
        application: text("device", read.device)?.unwrap_or_default(),
        facility: String::new(),
        message_id: text("id", read.id)?.unwrap_or_else(unnamed),
    };
    let taken_at = read.taken_at.unwrap_or(received);
    Ok((VitalsObserved { source, taken_at, vitals, rejected }, read.patient))
}

fn take(code: &str, value: &str, unit: &str, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
    let codes = [Code { code, system: System::Any }];
    observation::apply(&Observation { codes: &codes, value, unit }, vitals)
}

fn reject(code: &str, value: &str, unit: &str, reason: RejectionReason) -> RejectedObservation {
    let raw = serde_json::json!({ "code": code, "value": value, "unit": unit }).to_string();
    let raw = raw.chars().take(MAX_RAW_CHARS).collect();
    RejectedObservation { code: code.chars().take(MAX_TEXT).collect(), reason, raw: Some(raw) }
}

fn text(field: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.is_empty() || text.chars().count() > MAX_TEXT => {
            Err(Refusal::invalid(field, format!("must have 1 to {MAX_TEXT} characters")))
        }
        text => Ok(text),
    }
}

/// A line without a name is named by what it says.
fn name(line: &[u8]) -> String {
    let mut name = String::with_capacity(32);
    for byte in &Sha256::digest(line)[..16] {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Result<(VitalsObserved, Option<PatientId>), Refusal> {
        decode(line.as_bytes(), Timestamp::from_millis(7))
    }

    #[test]
    fn two_numbers_are_enough() {
        let (observed, patient) = read(r#"{"heart_rate": 80, "spo2": 97}"#).unwrap();
        assert_eq!((observed.vitals.heart_rate, observed.vitals.spo2), (Some(80.0), Some(97.0)));
        assert_eq!((observed.taken_at, patient), (Timestamp::from_millis(7), None));
    }

    #[test]
    fn a_line_without_a_name_is_named_by_what_it_says_and_when() {
        let name =
            |line: &str, at: i64| decode(line.as_bytes(), Timestamp::from_millis(at)).unwrap().0.source.message_id;
        let (timed, untimed) = (r#"{"spo2": 97, "taken_at": "2026-01-02T03:04:05Z"}"#, r#"{"spo2": 97}"#);
        assert_eq!(name(timed, 1), name(timed, 2));
        assert_ne!(name(untimed, 1), name(untimed, 2), "measured again");
        assert_ne!(name(untimed, 1), name(r#"{"spo2": 96}"#, 1));
    }

    #[test]
    fn codes_and_units_are_read_as_from_a_monitor() {
        let line = r#"{"id":"a","taken_at":"2026-01-02T03:04:05Z","patient":"P1","device":"watch","observations":
            [{"code":"8310-5","value":101.3,"unit":"[degF]"},{"code":"80288-4","value":"V"},{"code":"x","value":1}]}"#;
        let (observed, patient) = read(&line.replace('\n', " ")).unwrap();
        assert_eq!(observed.vitals.temperature, Some(38.5));
        assert_eq!(observed.vitals.consciousness, Some(Consciousness::Voice));
        assert_eq!((observed.source.message_id.as_str(), patient.unwrap().as_str()), ("a", "P1"));
        assert_eq!(observed.rejected[0].reason, RejectionReason::UnknownCode);
    }

    #[test]
    fn what_is_no_vital_sign_is_told_without_being_quoted() {
        for line in ["", "{}", "[]", r#"{"hart_rate": 80}"#, r#"{"heart_rate": "Maria"}"#, r#"{"id": "Maria"}"#] {
            let refusal = read(line).unwrap_err().to_string();
            assert!(!refusal.contains("Maria"), "{refusal}");
        }
        let (observed, _) = read(r#"{"spo2": 255, "heart_rate": 80}"#).unwrap();
        assert_eq!(observed.rejected[0].reason, RejectionReason::OutsidePhysiology);
        assert_eq!(observed.vitals.heart_rate, Some(80.0), "the rest is used");
    }

    #[test]
    fn lines_keep_their_numbers() {
        let numbers: Vec<usize> = lines(b"{}\r\n\n  \n{}\n").map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 4]);
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..60, byte: u8) {
            let _ = decode(&line, Timestamp::from_millis(0));
            let mut mutated = br#"{"id":"a","heart_rate":80,"observations":[{"code":"8310-5","value":37}]}"#.to_vec();
            mutated[at] = byte;
            let _ = decode(&mutated, Timestamp::from_millis(0));
        }
    }
}
