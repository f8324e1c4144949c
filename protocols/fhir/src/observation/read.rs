//! An Observation as sent, to what a session records. Pure.

use super::{
    subject::{self, Companions},
    value::{Measurement, clip},
};
use crate::{
    issue::{Code, Failure, Issue, Severity},
    json::Node,
    limits::MAX_IDENTIFIER,
    time,
};
use healthsync_events::{
    EventBody, MonitorProtocol, MonitorSource, PatientId, Timestamp, VitalSigns,
    clinical::{Amendment, RejectionReason, VitalsAmended, VitalsObserved},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Characters kept of what measured it.
const MAX_DEVICE: usize = 64;

/// What `status` says of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A monitor's values are preliminary until somebody has looked at them: that is what is wanted here.
    Result,
    Corrected,
    Withdrawn,
    NoResult,
}

/// A business identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identifier {
    /// Empty where there is none.
    pub system: String,
    pub value: String,
}

/// What an Observation says.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    pub patient: PatientId,
    pub identifiers: Vec<Identifier>,
    /// To be recorded in the patient's session.
    pub body: EventBody,
    /// What could not be used of it; the rest is taken all the same.
    pub warnings: Vec<Issue>,
    /// Nothing could be used of it.
    pub useless: bool,
}

/// Reads an Observation. With `condition`, that identifier is the one it is recorded under.
pub fn observation(
    resource: &Value,
    companions: Companions<'_>,
    condition: Option<&Identifier>,
) -> Result<Incoming, Failure> {
    let root = Node::root(resource);
    let mut issues = Vec::new();
    for name in ["implicitRules", "modifierExtension"] {
        if root.has(name) {
            issues.push(
                Issue::error(Code::Extension, "changes the meaning in a way not known here").at(root.below(name)),
            );
        }
    }
    let standing = standing(&root, &mut issues);
    let patient = subject::patient(&root, companions, &mut issues);
    let taken_at = effective(&root, &mut issues);
    let identifiers = identifiers(&root, &mut issues);
    let measurements = measurements(&root, &mut issues);
    let device = root.object("device", &mut issues).and_then(|device| device_name(&device, &mut issues));
    let (Some(standing), Some(patient), Some(taken_at), true) = (standing, patient, taken_at, issues.is_empty()) else {
        return Err(Failure::all(422, issues));
    };
    let own = identifiers.iter().find(|own| condition.is_none_or(|condition| *own == condition));
    if condition.is_some() && own.is_none() {
        let never = "is not among the identifiers of the resource: the condition would never find it again";
        return Err(Failure::new(400, Issue::error(Code::Value, never).at(root.below("identifier"))));
    }
    let source = source(own, device, resource);
    let mut warnings = Vec::new();
    let body = match standing {
        Standing::Withdrawn => withdrawn(source, taken_at, &measurements, &mut warnings),
        _ => observed(standing, source, taken_at, &measurements, &mut warnings),
    };
    let useless = match &body {
        EventBody::VitalsObserved(observed) => observed.vitals.is_empty() && !observed.rejected.is_empty(),
        EventBody::VitalsAmended(amended) => amended.amendments.is_empty(),
        _ => false,
    };
    let body = if useless { under_digest(body, resource) } else { body };
    Ok(Incoming { patient, identifiers, body, warnings, useless })
}

fn standing(root: &Node<'_>, issues: &mut Vec<Issue>) -> Option<Standing> {
    let status = root.text("status", issues);
    let known = match status {
        Some("final" | "preliminary") => Some(Standing::Result),
        Some("amended" | "corrected") => Some(Standing::Corrected),
        Some("entered-in-error") => Some(Standing::Withdrawn),
        Some("registered" | "cancelled" | "unknown") => Some(Standing::NoResult),
        _ => None,
    };
    if known.is_none() {
        let (code, what) =
            if root.has("status") { (Code::CodeInvalid, "is no status") } else { (Code::Required, "is missing") };
        issues.push(Issue::error(code, what).at(root.below("status")));
    }
    known
}

/// When it was measured. The profile asks for it, and an order of values needs it to the second.
fn effective(root: &Node<'_>, issues: &mut Vec<Issue>) -> Option<Timestamp> {
    let (place, text) = if root.has("effectivePeriod") {
        let period = root.object("effectivePeriod", issues)?;
        // A mean over a period is known when the period is over.
        let end = if period.has("end") { "end" } else { "start" };
        (period.below(end), period.text(end, issues))
    } else if let Some(name) = ["effectiveDateTime", "effectiveInstant"].into_iter().find(|name| root.has(name)) {
        (root.below(name), root.text(name, issues))
    } else if root.has("effectiveTiming") {
        let timing = root.below("effectiveTiming");
        issues.push(Issue::error(Code::NotSupported, "is no time of a measurement").at(timing));
        return None;
    } else {
        issues.push(Issue::error(Code::Required, "is missing").at(root.below("effective")));
        return None;
    };
    let at = text.and_then(time::instant);
    if at.is_none() {
        issues.push(Issue::error(Code::Value, "is no time with its zone, to the second").at(place));
    }
    at
}

fn identifiers(root: &Node<'_>, issues: &mut Vec<Issue>) -> Vec<Identifier> {
    let mut found = Vec::new();
    for identifier in root.list("identifier", issues) {
        let system = identifier.text("system", issues).unwrap_or_default();
        let Some(value) = identifier.text("value", issues) else { continue };
        if system.len() > MAX_IDENTIFIER || value.len() > MAX_IDENTIFIER {
            issues.push(Issue::error(Code::TooLong, "is longer than 128 bytes").at(&identifier.path));
            continue;
        }
        found.push(Identifier { system: system.into(), value: value.into() });
    }
    found
}

/// The Observation's own value and its components.
fn measurements<'a>(root: &Node<'a>, issues: &mut Vec<Issue>) -> Vec<Measurement<'a>> {
    let components = root.list("component", issues);
    let Some(main) = Measurement::read(root, issues) else { return Vec::new() };
    let mut all = Vec::with_capacity(components.len() + 1);
    for component in &components {
        if component.has("modifierExtension") {
            let changes = Issue::error(Code::Extension, "changes the meaning in a way not known here");
            issues.push(changes.at(component.below("modifierExtension")));
        }
        let Some(part) = Measurement::read(component, issues) else { continue };
        if part.value.is_none() && !part.absent {
            let nothing = "vs-3: there is neither a value nor a reason for its absence";
            issues.push(Issue::error(Code::Invariant, nothing).at(&component.path));
        }
        if main.value.is_some() && part.field().is_some() && part.field() == main.field() && same_code(root, component)
        {
            let twice = "obs-7: the value stands beside a component with the same code";
            issues.push(Issue::error(Code::Invariant, twice).at(&component.path));
        }
        all.push(part);
    }
    let anything = main.value.is_some() || main.absent || !components.is_empty() || root.has("hasMember");
    if !anything {
        let nothing = "vs-2: there is neither a value, a component, a member nor a reason for the absence of one";
        issues.push(Issue::error(Code::Invariant, nothing).at(&root.path));
    }
    // The code of a panel stands for its components.
    if main.value.is_some() || components.is_empty() {
        all.insert(0, main);
    }
    all
}

fn same_code(one: &Node<'_>, other: &Node<'_>) -> bool {
    one.value.get("code") == other.value.get("code")
}

fn device_name(device: &Node<'_>, issues: &mut Vec<Issue>) -> Option<String> {
    let identifier = device.object("identifier", issues).and_then(|identifier| identifier.text("value", issues));
    let name = identifier.or(device.text("display", issues)).or(device.text("reference", issues));
    name.map(|name| clip(name, MAX_DEVICE))
}

/// Without an identifier, the resource's own digest tells a repeat from something new.
fn source(own: Option<&Identifier>, device: Option<String>, resource: &Value) -> MonitorSource {
    let (facility, message_id) = match own {
        Some(Identifier { system, value }) => (system.clone(), value.clone()),
        None => (String::new(), digest(resource)),
    };
    MonitorSource { protocol: MonitorProtocol::Fhir, application: device.unwrap_or_default(), facility, message_id }
}

/// What could not be used does not take the place of what is sent right under the same identifier later.
fn under_digest(mut body: EventBody, resource: &Value) -> EventBody {
    if let EventBody::VitalsObserved(observed) = &mut body {
        observed.source.facility = String::new();
        observed.source.message_id = digest(resource);
    }
    body
}

/// How the digests of resources without identifier begin.
pub const DIGEST: &str = "sha256:";

fn digest(resource: &Value) -> String {
    // Members are in the order of their names, so that the same content has the same digest.
    let digest = Sha256::digest(resource.to_string());
    digest[..16].iter().fold(String::from(DIGEST), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn withdrawn(
    source: MonitorSource,
    taken_at: Timestamp,
    measurements: &[Measurement<'_>],
    warnings: &mut Vec<Issue>,
) -> EventBody {
    let mut parameters: Vec<String> = Vec::new();
    for measurement in measurements {
        match measurement.field() {
            Some(field) if parameters.iter().any(|known| known == field) => {}
            Some(field) => parameters.push(field.to_owned()),
            None => warnings.push(Issue::rejected(RejectionReason::UnknownCode, &measurement.path).warning()),
        }
    }
    let amendments =
        if parameters.is_empty() { Vec::new() } else { vec![Amendment::Withdrawn { taken_at, parameters }] };
    EventBody::VitalsAmended(VitalsAmended { source, amendments })
}

fn observed(
    standing: Standing,
    source: MonitorSource,
    taken_at: Timestamp,
    measurements: &[Measurement<'_>],
    warnings: &mut Vec<Issue>,
) -> EventBody {
    let (mut vitals, mut rejected) = (VitalSigns::default(), Vec::new());
    for measurement in measurements.iter().filter(|measurement| measurement.value.is_some()) {
        let taken = match standing {
            Standing::NoResult => Err(RejectionReason::NotFinal),
            _ => measurement.apply(&mut vitals),
        };
        if let Err(reason) = taken {
            rejected.push(measurement.rejected(reason));
            warnings.push(Issue { severity: Severity::Warning, ..Issue::rejected(reason, &measurement.path) });
        }
    }
    if standing == Standing::Corrected && !vitals.is_empty() {
        // What could not be used of a correction is told, and corrects nothing.
        let amendments = vec![Amendment::Corrected { taken_at, vitals }];
        return EventBody::VitalsAmended(VitalsAmended { source, amendments });
    }
    EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected })
}

#[cfg(test)]
mod tests;
