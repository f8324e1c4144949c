//! Names of code systems, profiles and extensions.

/// What is this project's own is named under this address. It is a name: `.invalid` never resolves (RFC 2606).
macro_rules! own {
    ($rest:literal) => {
        concat!("https://healthsync.invalid/fhir/", $rest)
    };
}

pub const LOINC: &str = "http://loinc.org";
pub const MDC: &str = "urn:iso:std:iso:11073:10101";
pub const UCUM: &str = "http://unitsofmeasure.org";
/// A URI as an identifier.
pub const URI: &str = "urn:ietf:rfc:3986";
/// The profile that those of single vital signs are made from.
pub const VITAL_SIGNS: &str = "http://hl7.org/fhir/StructureDefinition/vitalsigns";
pub const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
pub const DATA_ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
pub const RISK_PROBABILITY: &str = "http://terminology.hl7.org/CodeSystem/risk-probability";

/// Vital signs that LOINC has no code for as they are kept here.
pub const SIGNS: &str = own!("CodeSystem/vital-signs");
pub const SCORES: &str = own!("CodeSystem/scores");
pub const BANDS: &str = own!("CodeSystem/risk-bands");
pub const ALARM_CLASSES: &str = own!("CodeSystem/alarm-classes");
pub const ALARMS: &str = own!("CodeSystem/alarm-kinds");
/// A model by name and version.
pub const MODELS: &str = own!("models");

pub const SCORE: &str = own!("StructureDefinition/score");
pub const SCORE_ITEM: &str = own!("StructureDefinition/score-item");
pub const PROVENANCE: &str = own!("StructureDefinition/model-provenance");

pub const TOPIC_VITAL_SIGNS: &str = own!("SubscriptionTopic/vital-signs");
pub const TOPIC_RISK: &str = own!("SubscriptionTopic/risk");
pub const TOPIC_ALARM: &str = own!("SubscriptionTopic/alarm");

macro_rules! backport {
    ($rest:literal) => {
        concat!("http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/", $rest)
    };
}

pub const BACKPORT_SUBSCRIPTION: &str = backport!("backport-subscription");
pub const BACKPORT_NOTIFICATION: &str = backport!("backport-subscription-notification-r4");
pub const BACKPORT_STATUS: &str = backport!("backport-subscription-status-r4");
pub const BACKPORT_FILTER: &str = backport!("backport-filter-criteria");
pub const BACKPORT_CONTENT: &str = backport!("backport-payload-content");
pub const BACKPORT_HEARTBEAT: &str = backport!("backport-heartbeat-period");
pub const BACKPORT_TIMEOUT: &str = backport!("backport-timeout");
/// R4 has no resource for topics: they are told in the `CapabilityStatement`.
pub const BACKPORT_TOPIC: &str = backport!("capabilitystatement-subscriptiontopic-canonical");
