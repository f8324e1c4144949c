//! Alarms as `DetectedIssue`. Pure.

use crate::{
    names::{ALARMS, URI},
    resource::{Context, Kind},
};
use healthsync_events::{
    Event,
    clinical::DeviceAlarm,
    risk::{AlarmPriority, AlarmRaised},
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
    resource["code"] = json!({ "coding": [{ "system": ALARMS, "code": kind }], "text": raised.message });
    resource["severity"] = json!(severity);
    resource["identifiedDateTime"] = json!(event.at.to_string());
    resource["author"] = json!({ "type": "Device", "display": AUTHOR });
    let because = format!("RiskAssessment/{}", context.id(raised.because, 0));
    resource["implicated"] = json!([{ "reference": because }]);
    resource["detail"] = json!(raised.message);
    if let Some(ended) = (context.ended)(0) {
        let over = json!({ "action": { "text": "No longer called for" }, "date": ended.at.to_string() });
        resource["mitigation"] = json!([over]);
    }
    resource
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
