//! Recorded vital signs as Observations. Pure.

use super::{absent, read::DIGEST};
use crate::{
    names::{CATEGORY, LOINC, URI},
    resource::{Context, Kind},
    sign::{PANEL, Sign},
};
use healthsync_events::{
    Event, MonitorProtocol, MonitorSource, Timestamp, VitalSigns,
    clinical::{Amendment, VitalsAmended, VitalsObserved},
};
use serde_json::{Value, json};

/// One sign, as one event has it.
pub struct Part {
    pub sign: Sign,
    pub taken_at: Timestamp,
    status: &'static str,
    /// Empty where it was withdrawn.
    vitals: VitalSigns,
}

/// The signs of an observation.
pub fn parts_observed(observed: &VitalsObserved) -> Vec<Part> {
    of_set(&observed.vitals, observed.taken_at, "final")
}

/// The signs of late values, corrections and withdrawals.
pub fn parts_amended(amended: &VitalsAmended) -> Vec<Part> {
    amended.amendments.iter().flat_map(of_amendment).collect()
}

fn of_amendment(amendment: &Amendment) -> Vec<Part> {
    match amendment {
        Amendment::Earlier { taken_at, vitals } => of_set(vitals, *taken_at, "final"),
        Amendment::Corrected { taken_at, vitals } => of_set(vitals, *taken_at, "corrected"),
        Amendment::Withdrawn { taken_at, parameters } => {
            let withdrawn = |sign: &Sign| parameters.iter().any(|parameter| sign.holds(parameter));
            let signs = Sign::ALL.into_iter().filter(withdrawn);
            let vitals = VitalSigns::default();
            let part = |sign| Part { sign, taken_at: *taken_at, status: "entered-in-error", vitals: vitals.clone() };
            signs.map(part).collect()
        }
    }
}

fn of_set(vitals: &VitalSigns, taken_at: Timestamp, status: &'static str) -> Vec<Part> {
    let part = |sign| Part { sign, taken_at, status, vitals: vitals.clone() };
    Sign::measured(vitals).into_iter().map(part).collect()
}

pub fn observed(event: &Event, observed: &VitalsObserved, context: &Context<'_>) -> Vec<Value> {
    let all = parts_observed(observed);
    let reason = if observed.rejected.is_empty() { "unknown" } else { "error" };
    let panel = Panel { status: "final", taken_at: observed.taken_at, reason };
    resources(event, &observed.source, &all, &panel, context)
}

pub fn amended(event: &Event, amended: &VitalsAmended, context: &Context<'_>) -> Vec<Value> {
    let all = parts_amended(amended);
    let taken_at = all.first().map_or(event.at, |part| part.taken_at);
    let panel = Panel { status: "amended", taken_at, reason: "unknown" };
    resources(event, &amended.source, &all, &panel, context)
}

/// The Observation that stands for an event of several signs, or of none.
struct Panel {
    status: &'static str,
    taken_at: Timestamp,
    /// Why there is no value, where there is none.
    reason: &'static str,
}

fn resources(
    event: &Event,
    source: &MonitorSource,
    parts: &[Part],
    panel: &Panel,
    context: &Context<'_>,
) -> Vec<Value> {
    if let [only] = parts {
        return vec![one(event, source, only, 0, context)];
    }
    let numbered = || parts.iter().zip(1_u16..);
    let members: Vec<Value> = numbered().map(|(part, number)| one(event, source, part, number, context)).collect();
    let mut whole = base(event, source, panel.status, panel.taken_at, 0, context);
    whole["code"] = json!({ "coding": [{ "system": LOINC, "code": PANEL.0, "display": PANEL.1 }] });
    if members.is_empty() {
        whole["dataAbsentReason"] = absent(panel.reason);
    } else {
        let reference = |number| format!("Observation/{}", context.id(event.seq, number));
        let references = numbered().map(|(_, number)| json!({ "reference": reference(number) }));
        whole["hasMember"] = references.collect();
    }
    let mut all = vec![whole];
    all.extend(members);
    all
}

fn one(event: &Event, source: &MonitorSource, part: &Part, number: u16, context: &Context<'_>) -> Value {
    // What was corrected or withdrawn since must not be taken for a result any more.
    let status = if (context.ended)(number).is_some() { "entered-in-error" } else { part.status };
    let mut resource = base(event, source, status, part.taken_at, number, context);
    if let Some(profile) = part.sign.profile() {
        resource["meta"]["profile"] = json!([profile]);
    }
    let coding =
        |(system, code, display): &(&str, &str, &str)| json!({ "system": system, "code": code, "display": display });
    resource["code"] = json!({ "coding": part.sign.codings().iter().map(coding).collect::<Vec<_>>() });
    for (element, value) in part.sign.value(&part.vitals) {
        resource[element] = value;
    }
    if part.vitals.is_empty() && part.sign != Sign::BloodPressure {
        resource["dataAbsentReason"] = absent("error");
    }
    resource
}

fn base(
    event: &Event,
    source: &MonitorSource,
    status: &str,
    taken_at: Timestamp,
    number: u16,
    context: &Context<'_>,
) -> Value {
    let mut resource = context.head(Kind::Observation, event, number, "subject");
    resource["status"] = json!(status);
    resource["category"] =
        json!([{ "coding": [{ "system": CATEGORY, "code": "vital-signs", "display": "Vital Signs" }] }]);
    resource["encounter"] = context.encounter();
    resource["effectiveDateTime"] = json!(taken_at.to_string());
    resource["issued"] = json!(event.at.to_string());
    if !source.application.is_empty() {
        resource["device"] = json!({ "display": source.application });
    }
    if let Some(identifier) = identifier(source) {
        resource["identifier"] = json!([identifier]);
    }
    resource
}

/// As the sender gave it; a resource without one has none.
fn identifier(source: &MonitorSource) -> Option<Value> {
    if source.protocol != MonitorProtocol::Fhir || (source.facility.is_empty() && source.message_id.starts_with(DIGEST))
    {
        return None;
    }
    // An identifier without a system is understood within the sender's own.
    let system = if source.facility.is_empty() { None } else { Some(source.facility.as_str()) };
    Some(match system {
        Some(system) => json!({ "system": system, "value": source.message_id }),
        None => json!({ "value": source.message_id }),
    })
}

/// The identifier of a consultation, as `encounter.identifier` has it.
pub fn session_of(identifier: &str) -> Option<&str> {
    let (system, value) = identifier.split_once('|').unwrap_or((URI, identifier));
    if system == URI { value.strip_prefix("urn:uuid:") } else { None }
}

#[cfg(test)]
mod tests;
