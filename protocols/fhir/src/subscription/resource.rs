//! `Subscription`, in and out. Pure.

use super::{
    Channel, Content, Status, Subscription, Topic,
    allow::{Allowed, Endpoint},
};
use crate::{
    issue::{Code, Failure, Issue},
    json::Node,
    names::{BACKPORT_CONTENT, BACKPORT_FILTER, BACKPORT_HEARTBEAT, BACKPORT_SUBSCRIPTION, BACKPORT_TIMEOUT},
    observation::value::clip,
    query,
    search::{Search, Token, Whose, escape},
    time,
};
use axum::http::{HeaderName, HeaderValue};
use healthsync_events::Timestamp;
use serde_json::{Value, json};

/// Headers of one subscription, and characters of one.
const MAX_HEADERS: usize = 8;
const MAX_HEADER: usize = 1_024;

/// Characters kept of the reason.
const MAX_REASON: usize = 256;

/// Seconds between signs of life.
const HEARTBEAT: std::ops::RangeInclusive<u64> = 1..=86_400;

/// Headers that belong to the connection, or would make the request another one.
const RESERVED: [&str; 8] =
    ["host", "connection", "content-length", "content-type", "transfer-encoding", "te", "upgrade", "expect"];

/// What a client asks for.
pub struct Asked<'a> {
    pub id: String,
    pub base: &'a str,
    pub now: Timestamp,
    pub allowed: &'a Allowed,
}

/// Reads a Subscription.
pub fn read(resource: &Value, asked: Asked<'_>) -> Result<Subscription, Failure> {
    let root = Node::root(resource);
    let mut issues = Vec::new();
    let status = root.text("status", &mut issues);
    if status != Some("requested") {
        issues.push(Issue::error(Code::Value, "must be requested").at(root.below("status")));
    }
    let topic = topic(&root, &mut issues);
    let end = root.text("end", &mut issues).map(time::instant);
    match end {
        Some(None) => issues.push(Issue::error(Code::Value, "is no instant").at(root.below("end"))),
        Some(Some(end)) if end <= asked.now => issues.push(Issue::error(Code::Value, "is over").at(root.below("end"))),
        _ => {}
    }
    let reason = root.text("reason", &mut issues).map(|reason| clip(reason, MAX_REASON)).unwrap_or_default();
    let filter = topic.and_then(|topic| filter(&root, topic, &mut issues));
    let channel = root.object("channel", &mut issues);
    if channel.is_none() && !root.has("channel") {
        issues.push(Issue::error(Code::Required, "is missing").at(root.below("channel")));
    }
    let told = channel.map(|node| {
        (channel_of(&node, asked.allowed, &mut issues), content(&node, &mut issues), heartbeat(&node, &mut issues))
    });
    match (topic, filter, told) {
        (Some(topic), Some((whose, codes)), Some((Some(channel), content, heartbeat))) if issues.is_empty() => {
            Ok(Subscription {
                id: asked.id,
                topic,
                whose,
                codes,
                reason,
                end: end.flatten(),
                channel,
                content,
                heartbeat,
                base: asked.base.to_owned(),
                created: asked.now,
                status: Status::Requested,
                error: None,
                sent: 0,
                follows: Vec::new(),
            })
        }
        _ => Err(Failure::all(422, issues)),
    }
}

fn topic(root: &Node<'_>, issues: &mut Vec<Issue>) -> Option<Topic> {
    let criteria = root.text("criteria", issues);
    let topic = Topic::ALL.into_iter().find(|topic| criteria == Some(topic.url()));
    if topic.is_none() {
        issues.push(Issue::error(Code::NotSupported, "is no topic of this server").at(root.below("criteria")));
    }
    topic
}

/// The filter that stands beside the topic: whose, and for vital signs which.
fn filter(root: &Node<'_>, topic: Topic, issues: &mut Vec<Issue>) -> Option<(Whose, Vec<Token>)> {
    let place = format!("{}.extension", root.below("criteria"));
    let beside = root.object("_criteria", issues)?;
    let filters = extensions(&beside, BACKPORT_FILTER, issues);
    let text = match &filters[..] {
        [only] => only.text("valueString", issues),
        [] => None,
        _ => {
            issues.push(Issue::error(Code::NotSupported, "there is more than one filter").at(place));
            return None;
        }
    };
    let wanted = text.and_then(|text| text.split_once('?')).filter(|(kind, _)| *kind == topic.kind().name());
    let Some((_, parameters)) = wanted else {
        let what = format!("must filter by patient or encounter: {}?patient=…", topic.kind().name());
        issues.push(Issue::error(Code::Required, what).at(place));
        return None;
    };
    match Search::read(topic.kind(), &query::pairs(parameters), false) {
        Ok(search) if search.is_plain() => Some((search.whose.clone(), search.codes().to_vec())),
        Ok(_) => {
            issues.push(Issue::error(Code::NotSupported, "filters by patient, encounter and code only").at(place));
            None
        }
        Err(failure) => {
            issues.extend(failure.issues.into_iter().map(|issue| issue.at(place.clone())));
            None
        }
    }
}

fn channel_of(channel: &Node<'_>, allowed: &Allowed, issues: &mut Vec<Issue>) -> Option<Channel> {
    match channel.text("type", issues) {
        Some("websocket") => Some(Channel::Websocket),
        Some("rest-hook") => {
            let place = channel.below("endpoint");
            let Some(endpoint) = channel.text("endpoint", issues) else {
                issues.push(Issue::error(Code::Required, "is missing").at(place));
                return None;
            };
            let Ok(address) = endpoint.parse::<Endpoint>() else {
                issues.push(Issue::error(Code::Value, super::allow::NoEndpoint.to_string()).at(place));
                return None;
            };
            if !allowed.allows(&address) {
                issues.push(Issue::error(Code::BusinessRule, "is not among the endpoints allowed here").at(place));
                return None;
            }
            Some(Channel::RestHook { endpoint: endpoint.to_owned(), headers: headers(channel, issues)? })
        }
        _ => {
            issues
                .push(Issue::error(Code::NotSupported, "is neither rest-hook nor websocket").at(channel.below("type")));
            None
        }
    }
}

fn headers(channel: &Node<'_>, issues: &mut Vec<Issue>) -> Option<Vec<(String, String)>> {
    let Some(lines) = channel.value.get("header") else { return Some(Vec::new()) };
    let lines = lines.as_array().map_or(&[][..], Vec::as_slice);
    let read = |line: &Value| {
        let (name, value) = line.as_str().filter(|line| line.len() <= MAX_HEADER)?.split_once(':')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let proper = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
        (proper && !RESERVED.contains(&name.as_str())).then(|| (name, value.to_owned()))
    };
    let headers: Option<Vec<_>> = lines.iter().map(read).collect();
    let headers = headers.filter(|headers| headers.len() <= MAX_HEADERS);
    if headers.is_none() {
        issues.push(Issue::error(Code::Value, "holds a header that cannot be sent").at(channel.below("header")));
    }
    headers
}

fn content(channel: &Node<'_>, issues: &mut Vec<Issue>) -> Content {
    let payload = channel.text("payload", issues);
    if payload.is_some_and(|payload| !matches!(payload, "application/fhir+json" | "application/json")) {
        issues.push(Issue::error(Code::NotSupported, "is not application/fhir+json").at(channel.below("payload")));
    }
    let beside = channel.object("_payload", issues);
    let extensions = beside.map_or_else(Vec::new, |beside| extensions(&beside, BACKPORT_CONTENT, issues));
    let named = extensions.first().and_then(|extension| extension.text("valueCode", issues));
    let content = named.map_or(Some(Content::IdOnly), Content::named);
    if content.is_none() {
        issues.push(Issue::error(Code::CodeInvalid, "is no payload content").at(channel.below("payload")));
    }
    content.unwrap_or(Content::IdOnly)
}

fn heartbeat(channel: &Node<'_>, issues: &mut Vec<Issue>) -> Option<u32> {
    // What this server does not do is refused rather than ignored. A greatest number of events needs no care: each
    // notification tells of one.
    if !extensions(channel, BACKPORT_TIMEOUT, issues).is_empty() {
        issues.push(Issue::error(Code::NotSupported, "a timeout of its own is not supported").at(&channel.path));
    }
    let beats = extensions(channel, BACKPORT_HEARTBEAT, issues);
    let seconds = beats.first()?.value.get("valueUnsignedInt").and_then(Value::as_u64);
    if seconds.is_none_or(|seconds| !HEARTBEAT.contains(&seconds)) {
        issues.push(Issue::error(Code::Value, "a heartbeat is every 1 to 86,400 seconds").at(&channel.path));
        return None;
    }
    seconds.map(|seconds| seconds as u32)
}

fn extensions<'a>(node: &Node<'a>, url: &str, issues: &mut Vec<Issue>) -> Vec<Node<'a>> {
    let all = node.list("extension", issues);
    all.into_iter().filter(|extension| extension.value.get("url").and_then(Value::as_str) == Some(url)).collect()
}

/// As it is shown. Headers hold secrets and are not.
pub fn write(subscription: &Subscription) -> Value {
    let mut channel = json!({ "payload": "application/fhir+json" });
    let content = serde_json::to_value(subscription.content).unwrap_or_default();
    channel["_payload"] = json!({ "extension": [{ "url": BACKPORT_CONTENT, "valueCode": content }] });
    match &subscription.channel {
        Channel::RestHook { endpoint, .. } => {
            channel["type"] = json!("rest-hook");
            channel["endpoint"] = json!(endpoint);
        }
        Channel::Websocket => channel["type"] = json!("websocket"),
    }
    if let Some(seconds) = subscription.heartbeat {
        channel["extension"] = json!([{ "url": BACKPORT_HEARTBEAT, "valueUnsignedInt": seconds }]);
    }
    let filter = json!({ "url": BACKPORT_FILTER, "valueString": criteria(subscription) });
    let reason = if subscription.reason.is_empty() { "Notifications of this topic" } else { &subscription.reason };
    let mut resource = json!({
        "resourceType": "Subscription",
        "id": subscription.id,
        "meta": { "profile": [BACKPORT_SUBSCRIPTION], "lastUpdated": subscription.created.to_string() },
        "status": subscription.status.as_str(),
        "reason": reason,
        "criteria": subscription.topic.url(),
        "_criteria": { "extension": [filter] },
        "channel": channel,
    });
    if let Some(end) = subscription.end {
        resource["end"] = json!(end.to_string());
    }
    if let Some(error) = &subscription.error {
        resource["error"] = json!(error);
    }
    resource
}

fn criteria(subscription: &Subscription) -> String {
    let whose = match &subscription.whose {
        Whose::Patient(patient) => format!("patient={}", escape(patient.as_str())),
        Whose::Session(session) => format!("encounter={session}"),
    };
    let codes: Vec<String> = subscription.codes.iter().map(|token| escape(&token.to_string())).collect();
    let codes = if codes.is_empty() { String::new() } else { format!("&code={}", codes.join(",")) };
    format!("{}?{whose}{codes}", subscription.topic.kind().name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(channel: &Value, criteria: &str, filter: &str) -> Result<Subscription, Failure> {
        let resource = json!({ "resourceType": "Subscription", "status": "requested", "reason": "Ward display",
            "criteria": criteria, "_criteria": { "extension": [{ "url": BACKPORT_FILTER, "valueString": filter }] },
            "channel": channel });
        let allowed = Allowed::read(&["http://127.0.0.1:9000/hook".to_owned()]).unwrap();
        let now = Timestamp::from_millis(0);
        read(&resource, Asked { id: "s1".into(), base: "http://localhost/fhir", now, allowed: &allowed })
    }

    fn hook() -> Value {
        json!({ "type": "rest-hook", "endpoint": "http://127.0.0.1:9000/hook/7", "payload": "application/fhir+json",
            "_payload": { "extension": [{ "url": BACKPORT_CONTENT, "valueCode": "full-resource" }] },
            "extension": [{ "url": BACKPORT_HEARTBEAT, "valueUnsignedInt": 60 }],
            "header": ["Authorization: Bearer secret"] })
    }

    #[test]
    fn what_is_asked_is_shown_again_but_for_its_secrets() {
        let subscription = asked(&hook(), Topic::Risk.url(), "RiskAssessment?patient=P1").unwrap();
        assert_eq!((subscription.content, subscription.heartbeat), (Content::FullResource, Some(60)));
        let shown = write(&subscription);
        assert_eq!(shown["_criteria"]["extension"][0]["valueString"], "RiskAssessment?patient=P1");
        assert!(!shown.to_string().contains("secret"));
        let kept: Subscription = serde_json::from_str(&serde_json::to_string(&subscription).unwrap()).unwrap();
        assert_eq!(kept, subscription);
    }

    #[test]
    fn an_endpoint_that_is_not_allowed_is_refused() {
        for endpoint in ["http://169.254.169.254/hook", "http://127.0.0.1:9000/other", "http://localhost:9000/hook"] {
            let mut channel = hook();
            channel["endpoint"] = json!(endpoint);
            let failure = asked(&channel, Topic::Risk.url(), "RiskAssessment?patient=P1").unwrap_err();
            assert_eq!(failure.issues[0].code, Code::BusinessRule, "{endpoint}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_its_place() {
        let mut smuggled = hook();
        smuggled["header"] = json!(["Host: elsewhere"]);
        let mut split = hook();
        split["header"] = json!(["X: a\r\nY: b"]);
        let mut silent = hook();
        silent["extension"][0]["valueUnsignedInt"] = json!(0);
        for (channel, criteria, filter, place) in [
            (hook(), "http://elsewhere/topic", "RiskAssessment?patient=P1", "Subscription.criteria"),
            (hook(), Topic::Risk.url(), "Observation?patient=P1", "Subscription.criteria.extension"),
            (hook(), Topic::Risk.url(), "RiskAssessment?date=2026", "Subscription.criteria.extension"),
            (json!({ "type": "sms" }), Topic::Risk.url(), "RiskAssessment?patient=P1", "Subscription.channel.type"),
            (smuggled, Topic::Risk.url(), "RiskAssessment?patient=P1", "Subscription.channel.header"),
            (split, Topic::Risk.url(), "RiskAssessment?patient=P1", "Subscription.channel.header"),
            (silent, Topic::Risk.url(), "RiskAssessment?patient=P1", "Subscription.channel"),
        ] {
            let failure = asked(&channel, criteria, filter).unwrap_err();
            assert_eq!(failure.issues[0].expression.as_deref(), Some(place));
        }
    }
}
