//! Alarms as `DetectedIssue`. Pure.

use crate::{
    names::{ALARM_CLASSES, ALARMS, URI},
    resource::{Context, Kind},
};
use healthsync_events::{
    Event,
    alarm::{AlarmClass, AlarmKind, AlarmPriority, AlarmRaised},
    clinical::DeviceAlarm,
    risk::ScoreName,
};
use serde_json::{Value, json};

/// Who raised it: the rules of this server.
const AUTHOR: &str = "HealthSync";

pub fn raised(event: &Event, raised: &AlarmRaised, context: &Context<'_>) -> Value {
    let mut resource = context.head(Kind::DetectedIssue, event, 0, "patient");
    let kind = serde_json::to_value(raised.kind).unwrap_or_default();
    let severity = match raised.priority {
        AlarmPriority::Low => "low",
        AlarmPriority::Medium => "moderate",
        AlarmPriority::High => "high",
    };
    resource["identifier"] = json!([{ "system": URI, "value": format!("urn:uuid:{}", raised.alarm) }]);
    resource["status"] = json!("final");
    let class = match raised.class {
        AlarmClass::Clinical => "clinical",
        AlarmClass::Technical => "technical",
    };
    let codings = [json!({ "system": ALARMS, "code": kind }), json!({ "system": ALARM_CLASSES, "code": class })];
    resource["code"] = json!({ "coding": codings, "text": raised.message });
    resource["severity"] = json!(severity);
    resource["identifiedDateTime"] = json!(event.at.to_string());
    resource["author"] = json!({ "type": "Device", "display": AUTHOR });
    if let Some((kind, score)) = because(raised.kind)
        && let Some(reference) = context.reference(raised.because, kind, score)
    {
        resource["implicated"] = json!([reference]);
    }
    resource["detail"] = json!(raised.message);
    if let Some(ended) = (context.ended)(0) {
        let over = json!({ "action": { "text": "No longer called for" }, "date": ended.at.to_string() });
        resource["mitigation"] = json!([over]);
    }
    resource
}

/// What kind of resource the event is that raised it, and which of several scores; none where silence did.
const fn because(kind: AlarmKind) -> Option<(Kind, Option<ScoreName>)> {
    match kind {
        AlarmKind::News2SingleParameter | AlarmKind::News2Urgent | AlarmKind::News2Emergency => {
            Some((Kind::RiskAssessment, Some(ScoreName::News2)))
        }
        AlarmKind::PewsUrgent | AlarmKind::PewsEmergency => Some((Kind::RiskAssessment, Some(ScoreName::Pews))),
        AlarmKind::LimitLow | AlarmKind::LimitHigh | AlarmKind::Artefact => Some((Kind::Observation, None)),
        AlarmKind::SensorOff | AlarmKind::NoData => None,
    }
}

/// An alarm that a device raised by its own rules.
pub fn device(event: &Event, alarm: &DeviceAlarm, context: &Context<'_>) -> Value {
    let mut resource = context.head(Kind::DetectedIssue, event, 0, "patient");
    // IHE's priorities PH, PM and PL.
    let severity = match alarm.priority.as_deref() {
        Some("PH") => Some("high"),
        Some("PM") => Some("moderate"),
        Some("PL") => Some("low"),
        _ => None,
    };
    resource["status"] = json!("final");
    resource["code"] = json!({ "text": alarm.event });
    if let Some(severity) = severity {
        resource["severity"] = json!(severity);
    }
    resource["identifiedDateTime"] = json!(alarm.at.to_string());
    let device = if alarm.source.application.is_empty() { "Device" } else { alarm.source.application.as_str() };
    resource["author"] = json!({ "type": "Device", "display": device });
    let about = alarm.about.as_deref().map_or_else(String::new, |about| format!(" about {about}"));
    resource["detail"] = json!(format!("{}{about}: {}", alarm.event, alarm.phase));
    resource
}
