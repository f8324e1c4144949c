//! Whom an Observation is about.
//!
//! There are no Patient resources here: a patient is the identifier that the hospital issues. A subject's own
//! `identifier` is that; a reference is followed to a Patient that comes along (contained, or in the same Bundle), and
//! its logical id is taken for the identifier otherwise.

use crate::{
    issue::{Code, Issue},
    json::Node,
};
use healthsync_events::PatientId;
use serde_json::Value;

/// Patients of the same Bundle, by `fullUrl`.
pub type Companions<'a> = &'a (dyn Fn(&str) -> Option<&'a Value> + Sync);

/// Nobody comes along.
pub fn alone(_: &str) -> Option<&'static Value> {
    None
}

/// The patient, or what is wrong with the subject.
pub fn patient(resource: &Node<'_>, companions: Companions<'_>, issues: &mut Vec<Issue>) -> Option<PatientId> {
    let missing = || Issue::error(Code::Required, "is missing: an observation of nobody").at(resource.below("subject"));
    let Some(subject) = resource.object("subject", issues) else {
        if !resource.has("subject") {
            issues.push(missing());
        }
        return None;
    };
    let refuse = |code, what: &'static str| Issue::error(code, what).at(&subject.path);
    if subject.text("type", issues).is_some_and(|kind| kind != "Patient") {
        issues.push(refuse(Code::NotSupported, "is not a Patient"));
        return None;
    }
    if let Some(identifier) = subject.object("identifier", issues) {
        let value = identifier.text("value", issues);
        return named(value, &identifier.below("value"), issues);
    }
    let Some(reference) = subject.text("reference", issues) else {
        issues.push(refuse(Code::Required, "has neither identifier nor reference"));
        return None;
    };
    let along = match reference.strip_prefix('#') {
        Some(id) => contained(resource.value, id),
        None => companions(reference),
    };
    let place = subject.below("reference");
    match along {
        Some(patient) => named(identifier_of(patient), &place, issues),
        None => named(logical_id(reference), &place, issues),
    }
}

fn named(text: Option<&str>, place: &str, issues: &mut Vec<Issue>) -> Option<PatientId> {
    let patient = text.and_then(|text| PatientId::new(text).ok());
    if patient.is_none() {
        issues
            .push(Issue::error(Code::Value, "names no patient: 1 to 64 printable characters without spaces").at(place));
    }
    patient
}

fn contained<'a>(resource: &'a Value, id: &str) -> Option<&'a Value> {
    let contained = resource.get("contained")?.as_array()?;
    contained.iter().find(|inner| inner.get("id").and_then(Value::as_str) == Some(id))
}

/// The identifier of type MR, or the first, or else the id of a Patient.
fn identifier_of(patient: &Value) -> Option<&str> {
    if patient.get("resourceType").and_then(Value::as_str) != Some("Patient") {
        return None;
    }
    let identifiers = patient.get("identifier").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let medical_record = |identifier: &&Value| {
        let codings = identifier.pointer("/type/coding").and_then(Value::as_array);
        codings.is_some_and(|codings| codings.iter().any(|c| c.get("code").and_then(Value::as_str) == Some("MR")))
    };
    let value = |identifier: &'_ Value| identifier.get("value").is_some_and(Value::is_string);
    let valued = || identifiers.iter().filter(|identifier| value(identifier));
    let chosen = valued().find(medical_record).or_else(|| valued().next());
    chosen.and_then(|identifier| identifier.get("value")).or_else(|| patient.get("id"))?.as_str()
}

/// `P1` of `Patient/P1`, of `https://server/fhir/Patient/P1/_history/2`, and of `Patient?identifier=system|P1`.
pub fn logical_id(reference: &str) -> Option<&str> {
    if let Some(value) = reference.strip_prefix("Patient?identifier=") {
        return Some(value.rsplit_once('|').map_or(value, |(_, value)| value));
    }
    let versionless = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
    let (before, id) = versionless.rsplit_once('/')?;
    let kind = before.rsplit_once('/').map_or(before, |(_, kind)| kind);
    (kind == "Patient").then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(subject: Value) -> Result<String, Code> {
        let contained = json!([{ "resourceType": "Patient", "id": "p", "identifier": [{ "value": "OTHER" },
            { "value": "MRN-1", "type": { "coding": [{ "code": "MR" }] } }] }]);
        let resource = json!({ "resourceType": "Observation", "subject": subject, "contained": contained });
        let companion = json!({ "resourceType": "Patient", "id": "x", "identifier": [{ "value": "MRN-2" }] });
        let companions = |url: &str| (url == "urn:uuid:1").then_some(&companion);
        let mut issues = Vec::new();
        let patient = patient(&Node::root(&resource), &companions, &mut issues);
        patient.map(|patient| patient.to_string()).ok_or_else(|| issues[0].code)
    }

    #[test]
    fn a_patient_is_found_by_identifier_or_reference() {
        for (subject, patient) in [
            (json!({ "identifier": { "system": "urn:mrn", "value": "P1" }, "reference": "Patient/77" }), "P1"),
            (json!({ "reference": "Patient/P2" }), "P2"),
            (json!({ "reference": "https://ehr.example/fhir/Patient/P3/_history/4" }), "P3"),
            (json!({ "reference": "Patient?identifier=urn:mrn|P4" }), "P4"),
            (json!({ "reference": "#p" }), "MRN-1"),
            (json!({ "reference": "urn:uuid:1" }), "MRN-2"),
        ] {
            assert_eq!(of(subject).as_deref(), Ok(patient));
        }
    }

    #[test]
    fn what_names_no_patient_is_refused() {
        for (subject, code) in [
            (json!({ "reference": "Group/7" }), Code::Value),
            (json!({ "reference": "Patient/a b" }), Code::Value),
            (json!({ "reference": "urn:uuid:2" }), Code::Value),
            (json!({ "reference": "#nobody" }), Code::Value),
            (json!({ "display": "somebody" }), Code::Required),
            (json!({ "type": "Device", "identifier": { "value": "7" } }), Code::NotSupported),
        ] {
            assert_eq!(of(subject), Err(code));
        }
    }
}
