//! One measurement: the code and value of an Observation or of one of its components, to a vital sign.

use crate::{
    issue::{Code, Issue},
    json::Node,
    limits::MAX_REPEATS,
    names::{LOINC, MDC, SIGNS, UCUM},
};
use healthsync_events::{
    VitalSigns,
    clinical::{RejectedObservation, RejectionReason},
    limits::MAX_RAW_CHARS,
    observation::{self, Code as SignCode, Observation, codes::System},
};
use serde_json::{Value, json};

/// Characters of a code that are kept.
const MAX_CODE: usize = 64;

/// A code with its value, both as sent.
#[derive(Debug, Clone)]
pub struct Measurement<'a> {
    pub path: String,
    codings: Vec<(&'a str, System)>,
    /// The project's own code: oxygen is given, or not.
    oxygen: bool,
    /// The code as sent, for those that are not known.
    code: String,
    pub value: Option<(&'a str, &'a Value)>,
    /// It says why it has no value.
    pub absent: bool,
}

impl<'a> Measurement<'a> {
    /// Reads `code`, `value[x]` and `dataAbsentReason` of an Observation or component.
    pub fn read(node: &Node<'a>, issues: &mut Vec<Issue>) -> Option<Self> {
        let code = node.object("code", issues);
        if code.is_none() && !node.has("code") {
            issues.push(Issue::error(Code::Required, "is missing").at(node.below("code")));
        }
        let code = code?;
        let mut codings = Vec::new();
        let mut first = None;
        let mut oxygen = false;
        for coding in code.list("coding", issues) {
            let (system, Some(code)) = (coding.text("system", issues), coding.text("code", issues)) else { continue };
            first = first.or(Some(code));
            oxygen |= system == Some(SIGNS) && code == "supplemental_oxygen";
            // A code of a system that is not known here means nothing, even if it is spelt like one that is.
            match system {
                Some(LOINC | MDC) | None => codings.push((code, System::named(system.unwrap_or_default()))),
                Some(_) => {}
            }
        }
        let text = code.text("text", issues);
        if first.is_none() && text.is_none() {
            issues.push(Issue::error(Code::Required, "has neither coding nor text").at(&code.path));
        }
        let code = clip(first.or(text).unwrap_or_default(), MAX_CODE);
        let value = one_value(node, issues);
        let absent = node.has("dataAbsentReason");
        if absent && value.is_some() {
            let both = Issue::error(Code::Invariant, "obs-6: dataAbsentReason stands beside a value");
            issues.push(both.at(node.below("dataAbsentReason")));
        }
        Some(Self { path: node.path.clone(), codings, oxygen, code, value, absent })
    }

    /// The field of `VitalSigns` that it is about.
    pub fn field(&self) -> Option<&'static str> {
        if self.oxygen {
            return Some("supplemental_oxygen");
        }
        let codes = self.codes();
        observation::known(&Observation { codes: &codes, value: "", unit: "" }).map(observation::codes::Meaning::field)
    }

    /// Puts it among the vital signs.
    pub fn apply(&self, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
        let Some((kind, value)) = self.value else { return Ok(()) };
        let field = self.field().ok_or(RejectionReason::UnknownCode)?;
        let mut own = VitalSigns::default();
        match kind {
            "valueQuantity" => self.put(&number_of(value)?, unit_of(value)?, &mut own)?,
            "valueBoolean" if self.oxygen => own.supplemental_oxygen = value.as_bool(),
            "valueString" if field == "consciousness" => self.put(value.as_str().unwrap_or_default(), "", &mut own)?,
            "valueCodeableConcept" if field == "consciousness" => self.put_first(value, &mut own)?,
            _ => return Err(RejectionReason::NotANumber),
        }
        // Oxygen is given if any of its measurements says so: a flow of 0 beside a fraction of 40 % is a mask.
        if let (Some(true), Some(false)) = (vitals.supplemental_oxygen, own.supplemental_oxygen) {
            own.supplemental_oxygen = Some(true);
        }
        vitals.merge(&own);
        Ok(())
    }

    /// It as an observation that was not used.
    pub fn rejected(&self, reason: RejectionReason) -> RejectedObservation {
        let mut raw = json!({ "code": self.code });
        if let Some((kind, value)) = self.value {
            raw[kind] = value.clone();
        }
        RejectedObservation { code: self.code.clone(), reason, raw: Some(clip(&raw.to_string(), MAX_RAW_CHARS)) }
    }

    fn codes(&self) -> Vec<SignCode<'a>> {
        self.codings.iter().map(|&(code, system)| SignCode { code, system }).collect()
    }

    fn put(&self, value: &str, unit: &str, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
        let codes = self.codes();
        observation::apply(&Observation { codes: &codes, value, unit }, vitals)
    }

    /// The first of a concept's codes, displays and text that is a level of consciousness.
    fn put_first(&self, concept: &Value, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
        let codings = concept.get("coding").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let words = codings.iter().take(MAX_REPEATS).flat_map(|coding| [coding.get("code"), coding.get("display")]);
        let words = words.chain([concept.get("text")]).flatten().filter_map(Value::as_str);
        for word in words {
            if self.put(word, "", vitals).is_ok() {
                return Ok(());
            }
        }
        Err(RejectionReason::UnknownCode)
    }
}

/// The number as written, unless a comparator says that it is not the value.
fn number_of(quantity: &Value) -> Result<String, RejectionReason> {
    let value = quantity.get("value").filter(|value| value.is_number());
    match value {
        Some(value) if quantity.get("comparator").is_none() => Ok(value.to_string()),
        _ => Err(RejectionReason::NotANumber),
    }
}

/// The coded unit where it is UCUM's or IEEE's, the unit as written otherwise. A number without any is not taken: the
/// profile has a coded one.
fn unit_of(quantity: &Value) -> Result<&str, RejectionReason> {
    let text = |name: &str| quantity.get(name).and_then(Value::as_str);
    let coded = match text("system") {
        Some(UCUM | MDC) => text("code"),
        _ => None,
    };
    coded.or_else(|| text("unit")).filter(|unit| !unit.trim().is_empty()).ok_or(RejectionReason::UnitMismatch)
}

/// The one `value[x]`.
fn one_value<'a>(node: &Node<'a>, issues: &mut Vec<Issue>) -> Option<(&'a str, &'a Value)> {
    let members = node.value.as_object()?;
    let mut values = members.iter().filter(|(name, _)| name.starts_with("value"));
    let first = values.next();
    if values.next().is_some() {
        issues.push(Issue::error(Code::Structure, "there is more than one value[x]").at(node.below("value")));
    }
    first.map(|(name, value)| (name.as_str(), value))
}

/// At most so many characters.
pub fn clip(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
