//! `GET [base]/metadata`: exactly what is there.

use crate::{
    names::{BACKPORT_SUBSCRIPTION, BACKPORT_TOPIC, VITAL_SIGNS},
    resource::Kind,
    search::{dated, searchable},
    sign::Sign,
    subscription::Topic,
};
use serde_json::{Value, json};

/// The statement of a server at `base`. `date` is when it was started.
pub fn statement(base: &str, date: &str, rest_hook: bool) -> Value {
    let resources = [observation(), events(Kind::RiskAssessment), events(Kind::DetectedIssue), subscription(rest_hook)];
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": { "name": "HealthSync", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Vital signs in, scores and alarms out. Decision support, not diagnosis.", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "implementationGuide": ["http://hl7.org/fhir/uv/subscriptions-backport/ImplementationGuide/hl7.fhir.uv.subscriptions-backport"],
        "rest": [{
            "mode": "server",
            "documentation": "Patients and encounters are no resources here: they are named by identifier.",
            "resource": resources,
            "interaction": [
                { "code": "transaction", "documentation": "Of POST Observation and GET; Patients are let by and not stored. \
                   Checked as a whole before anything is recorded; if the log fails while it is recorded, the same \
                   transaction sent again completes it." },
                { "code": "batch" },
            ],
        }],
    })
}

fn parameter(name: &str, kind: &str, documentation: &str) -> Value {
    json!({ "name": name, "type": kind, "documentation": documentation })
}

fn observation() -> Value {
    let mut resource = events(Kind::Observation);
    if let Some(interactions) = resource["interaction"].as_array_mut() {
        interactions.push(json!({ "code": "create" }));
    }
    if let Some(parameters) = resource["searchParam"].as_array_mut() {
        parameters.push(parameter("code", "token", &searchable()));
        parameters.push(parameter("category", "token", "vital-signs is all there is"));
    }
    let profiles = Sign::ALL.into_iter().filter_map(Sign::profile);
    resource["supportedProfile"] = [VITAL_SIGNS].into_iter().chain(profiles).collect();
    resource["conditionalCreate"] = json!(true);
    resource["documentation"] = json!(
        "Taken: what R4's vital-signs profiles describe, into the open consultation of the subject. If-None-Exist by \
         identifier. An Observation that comes again is answered 200 with the first one's address."
    );
    resource
}

fn events(kind: Kind) -> Value {
    json!({
        "type": kind.name(),
        "interaction": [{ "code": "read" }, { "code": "search-type" }],
        "versioning": "versioned",
        "readHistory": false,
        "searchParam": [
            parameter("patient", "reference", "The patient's identifier; the open consultation, or the last. This or encounter is needed"),
            parameter("encounter", "reference", "The consultation's UUID"),
            parameter(dated(kind), "date", "eq, ne, gt, ge, lt, le, sa, eb"),
        ],
    })
}

fn subscription(rest_hook: bool) -> Value {
    let topics: Vec<&str> = Topic::ALL.into_iter().map(Topic::url).collect();
    let channels = if rest_hook { "websocket and rest-hook, to endpoints the operator allows" } else { "websocket" };
    let operation = |name: &str| {
        let definition =
            format!("http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-{name}");
        json!({ "name": name, "definition": definition })
    };
    let advertised: Vec<Value> =
        topics.iter().map(|topic| json!({ "url": BACKPORT_TOPIC, "valueCanonical": topic })).collect();
    json!({
        "extension": advertised,
        "type": "Subscription",
        "supportedProfile": [BACKPORT_SUBSCRIPTION],
        "documentation": format!("Topics: {}. Channels: {channels}", topics.join(", ")),
        "interaction": [{ "code": "create" }, { "code": "read" }, { "code": "delete" }, { "code": "search-type" }],
        "operation": [operation("status"), operation("events"), operation("get-ws-binding-token")],
    })
}
