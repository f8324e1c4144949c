//! Notifications: history Bundles whose first entry is the subscription's status. Pure.

use super::{Content, Status, Subscription};
use crate::{
    names::{BACKPORT_NOTIFICATION, BACKPORT_STATUS},
    resource::version,
};
use healthsync_events::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Handshake,
    Heartbeat,
    EventNotification,
    QueryStatus,
    QueryEvent,
}

impl Type {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Heartbeat => "heartbeat",
            Self::EventNotification => "event-notification",
            Self::QueryStatus => "query-status",
            Self::QueryEvent => "query-event",
        }
    }
}

/// One thing to notify of.
#[derive(Debug, Clone)]
pub struct Happened {
    /// 1 for the first since the subscription began, then without gap.
    pub number: u64,
    pub at: Timestamp,
    /// The resource that it is about, and those that belong to it.
    pub resources: Vec<Value>,
}

/// A Bundle of this type about what happened.
pub fn bundle(subscription: &Subscription, kind: Type, happened: &[Happened], now: Timestamp) -> Value {
    let base = &subscription.base;
    let mut entries = vec![json!({
        "fullUrl": format!("urn:uuid:{}", Uuid::new_v4()),
        "resource": status(subscription, kind, happened),
        "request": { "method": "GET", "url": format!("{base}/Subscription/{}/$status", subscription.id) },
        "response": { "status": "200" },
    })];
    if subscription.content != Content::Empty {
        let resources = happened.iter().flat_map(|happened| &happened.resources);
        entries.extend(resources.map(|resource| entry(subscription, resource)));
    }
    json!({
        "resourceType": "Bundle",
        "id": Uuid::new_v4().to_string(),
        "meta": { "profile": [BACKPORT_NOTIFICATION], "lastUpdated": now.to_string() },
        "type": "history",
        "timestamp": now.to_string(),
        "entry": entries,
    })
}

/// The answer to `$status`: a Bundle as searches have it.
pub fn status_bundle(subscription: &Subscription) -> Value {
    let entry = json!({
        "fullUrl": format!("urn:uuid:{}", Uuid::new_v4()),
        "resource": status(subscription, Type::QueryStatus, &[]),
        "search": { "mode": "match" },
    });
    json!({ "resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry] })
}

fn status(subscription: &Subscription, kind: Type, happened: &[Happened]) -> Value {
    let base = &subscription.base;
    // A handshake is what makes a subscription active.
    let status = if kind == Type::Handshake { Status::Requested } else { subscription.status };
    let mut parameters = vec![
        json!({ "name": "subscription", "valueReference": { "reference": format!("{base}/Subscription/{}", subscription.id) } }),
        json!({ "name": "topic", "valueCanonical": subscription.topic.url() }),
        json!({ "name": "status", "valueCode": status.as_str() }),
        json!({ "name": "type", "valueCode": kind.as_str() }),
    ];
    let newest = happened.last().map_or(subscription.sent, |happened| happened.number.max(subscription.sent));
    parameters.push(json!({ "name": "events-since-subscription-start", "valueString": newest.to_string() }));
    parameters.extend(happened.iter().map(|happened| event(subscription, happened)));
    if let Some(error) = &subscription.error {
        parameters.push(json!({ "name": "error", "valueCodeableConcept": { "text": error } }));
    }
    json!({
        "resourceType": "Parameters",
        "id": Uuid::new_v4().to_string(),
        "meta": { "profile": [BACKPORT_STATUS] },
        "parameter": parameters,
    })
}

fn event(subscription: &Subscription, happened: &Happened) -> Value {
    let mut parts = vec![
        json!({ "name": "event-number", "valueString": happened.number.to_string() }),
        json!({ "name": "timestamp", "valueInstant": happened.at.to_string() }),
    ];
    if subscription.content != Content::Empty {
        let references = happened.resources.iter().map(|resource| address(subscription, resource));
        for (index, reference) in references.enumerate() {
            let name = if index == 0 { "focus" } else { "additional-context" };
            parts.push(json!({ "name": name, "valueReference": { "reference": reference } }));
        }
    }
    json!({ "name": "notification-event", "part": parts })
}

/// History Bundles say how each entry came about.
fn entry(subscription: &Subscription, resource: &Value) -> Value {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
    let place = format!("{}/{}", text("resourceType"), text("id"));
    let first = version(resource).0 == "W/\"1\"";
    let (method, url, status) =
        if first { ("POST", text("resourceType").to_owned(), "201") } else { ("PUT", place, "200") };
    let mut entry = json!({
        "fullUrl": address(subscription, resource),
        "request": { "method": method, "url": url },
        "response": { "status": status },
    });
    if subscription.content == Content::FullResource {
        entry["resource"] = resource.clone();
    }
    entry
}

fn address(subscription: &Subscription, resource: &Value) -> String {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}/{}", subscription.base, text("resourceType"), text("id"))
}
