//! From a message of the vitals topic to what it says. Pure.

use healthsync_events::{
    Consciousness, EventBody, MonitorProtocol, MonitorSource, PatientChanged, PatientId, Timestamp, VitalSigns,
    clinical::{RejectedObservation, RejectionReason, VitalsObserved},
    limits::{MAX_HL7_MESSAGE_BYTES, MAX_RAW_CHARS},
    observation::{self, Code, Observation, codes::System},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// `content-type` of HL7 v2 (registered with IANA as `application/hl7-v2`).
pub const HL7_V2: &str = "application/hl7-v2";

/// Bytes of one message: as much as by any other door.
pub const MAX_BYTES: usize = MAX_HL7_MESSAGE_BYTES;

/// Members of `vitals`. There are eight; what is more than this is no set of vital signs.
const MAX_MEMBERS: usize = 64;

/// Characters of a text that the sender chose.
const MAX_TEXT: usize = 64;

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub message_id: String,
    pub said: Vec<Said>,
    /// What the administration says of patients.
    pub changes: Vec<PatientChanged>,
}

/// What is said of one patient, as events for their session, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub patient: PatientId,
    pub events: Vec<EventBody>,
}

impl Reading {
    pub fn patients(&self) -> impl Iterator<Item = &PatientId> {
        self.said.iter().map(|said| &said.patient).chain(self.changes.iter().map(|changed| &changed.patient))
    }

    /// The patient that all of it is about, if it is about one.
    pub fn patient(&self) -> Option<&PatientId> {
        let first = self.patients().next()?;
        self.patients().all(|patient| patient == first).then_some(first)
    }
}

/// Reads a payload that another package knows the format of; the timestamp stands in where the payload names none. The
/// error's text has no patient data.
pub type Decoder = Arc<dyn Fn(&[u8], Timestamp) -> Result<Reading, String> + Send + Sync>;

/// Why a message cannot be recorded as it is. Texts name places, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    #[error("the message is empty")]
    Empty,
    #[error("the message exceeds {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the content type is not taken here, only application/json and application/hl7-v2")]
    ContentType,
    #[error("no JSON of this schema at line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error("{0}")]
    Schema(&'static str),
    #[error("neither the key nor the message names a patient")]
    NoPatient,
    #[error("the key is not a patient identifier")]
    Key,
    #[error("the key and the message name different patients")]
    OtherPatient,
    #[error("HL7 v2: {0}")]
    Hl7(String),
    #[error("reading the message failed")]
    Panicked,
    #[error("its session refused the message: {0}")]
    Refused(String),
}

impl Unmapped {
    /// As a metric label.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::ContentType => "content_type",
            Self::Json { .. } => "json",
            Self::Schema(_) => "schema",
            Self::NoPatient => "no_patient",
            Self::Key => "key",
            Self::OtherPatient => "other_patient",
            Self::Hl7(_) => "hl7",
            Self::Panicked => "panicked",
            Self::Refused(_) => "refused",
        }
    }
}

/// The vital signs of one patient at one moment: version 1 of the schema.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "HealthSync vital signs, version 1")]
pub struct VitalsMessage {
    /// Of this schema: 1.
    #[schemars(extend("const" = 1))]
    pub version: u8,
    /// 1 to 64 characters, unique for its source: the same message sent again is recorded once.
    #[schemars(length(min = 1, max = 64))]
    pub message_id: String,
    /// When the signs were measured, by the source's clock (RFC 3339).
    pub taken_at: Timestamp,
    /// Where there is a key, the same as the key.
    #[serde(default)]
    pub patient: Option<PatientId>,
    #[serde(default)]
    pub source: Source,
    /// What was measured. Absent means not measured, never zero.
    #[schemars(with = "VitalSigns")]
    pub vitals: Map<String, Value>,
}

/// Who sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// The sending application, at most 64 characters.
    #[schemars(length(max = 64))]
    pub application: String,
    /// Where it stands: a ward, a hospital; at most 64 characters.
    #[schemars(length(max = 64))]
    pub facility: String,
}

/// A message as it stands in the topic.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub key: Option<&'a [u8]>,
    pub content_type: Option<&'a str>,
    pub payload: &'a [u8],
}

/// Reads a message. `received` stands in where an HL7 message names no time.
pub fn read(envelope: Envelope<'_>, hl7: &Decoder, received: Timestamp) -> Result<Reading, Unmapped> {
    if envelope.payload.is_empty() {
        return Err(Unmapped::Empty);
    }
    if envelope.payload.len() > MAX_BYTES {
        return Err(Unmapped::TooLarge);
    }
    let key = patient_of(envelope.key)?;
    let media_type = envelope.content_type.unwrap_or("application/json");
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let reading = if media_type.eq_ignore_ascii_case("application/json") {
        json(envelope.payload, key.as_ref())?
    } else if media_type.eq_ignore_ascii_case(HL7_V2) {
        hl7(envelope.payload, received).map_err(Unmapped::Hl7)?
    } else {
        return Err(Unmapped::ContentType);
    };
    match key {
        Some(key) if reading.patients().any(|patient| *patient != key) => Err(Unmapped::OtherPatient),
        _ => Ok(reading),
    }
}

/// The patient a key names, if there is a key.
pub fn patient_of(key: Option<&[u8]>) -> Result<Option<PatientId>, Unmapped> {
    let Some(key) = key.filter(|key| !key.is_empty()) else { return Ok(None) };
    let text = std::str::from_utf8(key).map_err(|_| Unmapped::Key)?;
    PatientId::new(text).map(Some).map_err(|_| Unmapped::Key)
}

fn json(payload: &[u8], key: Option<&PatientId>) -> Result<Reading, Unmapped> {
    // serde_json's message would quote what it found.
    let message: VitalsMessage = serde_json::from_slice(payload)
        .map_err(|error| Unmapped::Json { line: error.line(), column: error.column() })?;
    if message.version != 1 {
        return Err(Unmapped::Schema("version is not 1"));
    }
    let fits = |text: &str| text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control);
    if message.message_id.trim().is_empty() || !fits(&message.message_id) {
        return Err(Unmapped::Schema("message_id is not 1 to 64 printable characters"));
    }
    if !fits(&message.source.application) || !fits(&message.source.facility) {
        return Err(Unmapped::Schema("source has a text of more than 64 printable characters"));
    }
    if message.vitals.len() > MAX_MEMBERS {
        return Err(Unmapped::Schema("vitals has more than 64 members"));
    }
    let patient = message.patient.or_else(|| key.cloned()).ok_or(Unmapped::NoPatient)?;
    let (vitals, rejected) = signs(&message.vitals);
    let source = MonitorSource {
        protocol: MonitorProtocol::Kafka,
        application: message.source.application,
        facility: message.source.facility,
        message_id: message.message_id.clone(),
    };
    let observed = VitalsObserved { source, taken_at: message.taken_at, vitals, rejected };
    let said = vec![Said { patient, events: vec![EventBody::VitalsObserved(observed)] }];
    Ok(Reading { message_id: message.message_id, said, changes: Vec::new() })
}

/// What can be used, and what cannot with the reason: one bad value does not cost the others.
fn signs(members: &Map<String, Value>) -> (VitalSigns, Vec<RejectedObservation>) {
    let (mut vitals, mut rejected) = (VitalSigns::default(), Vec::new());
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        if let Err(reason) = set(&mut vitals, name, value) {
            let code = name.chars().take(MAX_TEXT).collect();
            let raw = value.to_string().chars().take(MAX_RAW_CHARS).collect();
            rejected.push(RejectedObservation { code, reason, raw: Some(raw) });
        }
    }
    (vitals, rejected)
}

fn set(vitals: &mut VitalSigns, name: &str, value: &Value) -> Result<(), RejectionReason> {
    let code = match name {
        "heart_rate" => "8867-4",
        "respiratory_rate" => "9279-1",
        "spo2" => "59408-5",
        "systolic_bp" => "8480-6",
        "diastolic_bp" => "8462-4",
        "temperature" => "8310-5",
        "consciousness" => {
            let level = Consciousness::deserialize(value).map_err(|_| RejectionReason::UnknownCode)?;
            vitals.consciousness = Some(level);
            return Ok(());
        }
        "supplemental_oxygen" => {
            vitals.supplemental_oxygen = Some(value.as_bool().ok_or(RejectionReason::UnknownCode)?);
            return Ok(());
        }
        _ => return Err(RejectionReason::UnknownCode),
    };
    let number = value.as_f64().ok_or(RejectionReason::NotANumber)?.to_string();
    let codes = [Code { code, system: System::Loinc }];
    observation::apply(&Observation { codes: &codes, value: &number, unit: "" }, vitals)
}

/// Bytes as text without loss: what is not UTF-8 as ISO 8859-1, in which every byte is a character.
pub fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests;
