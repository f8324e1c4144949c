//! Topic-based subscriptions, as the R5 Backport Implementation Guide (1.1.0) has them for R4: `Subscription` with a
//! topic's canonical URL as criteria, notifications as history Bundles.

pub mod allow;
mod deliver;
mod follow;
mod live;
pub mod manager;
mod notice;
mod resource;
mod socket;

pub use allow::Allowed;
pub use deliver::{Authorities, Courier};
pub use manager::{Settings, Subscriptions};
pub use socket::{MAX_COMMAND, serve as serve_socket};

use crate::{
    names::{TOPIC_ALARM, TOPIC_RISK, TOPIC_VITAL_SIGNS},
    observation::write::{Part, parts_amended, parts_observed},
    resource::Kind,
    search::{Token, Whose, of_codes},
};
use healthsync_events::{Event, EventBody, Seq, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What may be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Vital signs were recorded, corrected or withdrawn.
    VitalSigns,
    /// A score was computed, or a model expects something.
    Risk,
    /// An alarm was raised, or is over.
    Alarm,
}

impl Topic {
    pub const ALL: [Self; 3] = [Self::VitalSigns, Self::Risk, Self::Alarm];

    pub const fn url(self) -> &'static str {
        match self {
            Self::VitalSigns => TOPIC_VITAL_SIGNS,
            Self::Risk => TOPIC_RISK,
            Self::Alarm => TOPIC_ALARM,
        }
    }

    /// The resource that its notifications are about.
    pub const fn kind(self) -> Kind {
        match self {
            Self::VitalSigns => Kind::Observation,
            Self::Risk => Kind::RiskAssessment,
            Self::Alarm => Kind::DetectedIssue,
        }
    }
}

/// How much of what happened a notification holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    Empty,
    IdOnly,
    FullResource,
}

impl Content {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "empty" => Some(Self::Empty),
            "id-only" => Some(Self::IdOnly),
            "full-resource" => Some(Self::FullResource),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    RestHook { endpoint: String, headers: Vec<(String, String)> },
    Websocket,
}

/// `Subscription.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Requested,
    Active,
    Error,
    Off,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }
}

/// A consultation that a subscription has followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    pub session: SessionId,
    /// The first event that counts.
    pub from: Seq,
    /// The first that has not been dealt with.
    pub next: Seq,
    /// The first that does not count any more: the patient had a newer consultation. None while it is followed, and
    /// where it was followed to its end.
    #[serde(default)]
    pub until: Option<Seq>,
    /// Notifications before this consultation.
    pub before: u64,
}

/// A subscription as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub topic: Topic,
    pub whose: Whose,
    pub codes: Vec<Token>,
    pub reason: String,
    pub end: Option<Timestamp>,
    pub channel: Channel,
    pub content: Content,
    /// Seconds of silence after which there is a sign of life.
    pub heartbeat: Option<u32>,
    /// Address of this server as the subscriber knows it.
    pub base: String,
    pub created: Timestamp,
    pub status: Status,
    pub error: Option<String>,
    /// Notifications so far: the newest one's number.
    pub sent: u64,
    /// In order; the last is followed now.
    pub follows: Vec<Followed>,
}

impl Subscription {
    /// Whether the event is one to notify of.
    pub fn wants(&self, event: &Event) -> bool {
        let shown = |parts: &[Part]| parts.iter().any(|part| of_codes(&self.codes, Kind::Observation, Some(part.sign)));
        match self.topic {
            Topic::VitalSigns => match &event.body {
                EventBody::VitalsObserved(observed) => shown(&parts_observed(observed)),
                EventBody::VitalsAmended(amended) => shown(&parts_amended(amended)),
                _ => false,
            },
            Topic::Risk => match &event.body {
                EventBody::RiskScored(_) | EventBody::RiskPredicted(_) => true,
                // None of them can be made any more: there is no resource for that.
                EventBody::ScoresComputed(computed) => !computed.scores.is_empty(),
                _ => false,
            },
            Topic::Alarm => {
                matches!(event.body, EventBody::AlarmRaised(_) | EventBody::AlarmCleared(_) | EventBody::DeviceAlarm(_))
            }
        }
    }

    /// Whether the resource is among those asked for, where an event is several.
    pub fn shows(&self, resource: &serde_json::Value) -> bool {
        use serde_json::Value;
        let codings = resource.pointer("/code/coding").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let text = |coding: &Value, name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut all = codings.iter().map(|coding| (text(coding, "system"), text(coding, "code")));
        self.codes.is_empty() || all.any(|(system, code)| self.codes.iter().any(|token| token.is(&system, &code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prediction::tests::predicted;
    use healthsync_events::{VERSION, risk::ScoresComputed};
    use std::sync::Arc;
    use uuid::Uuid;

    fn subscription(topic: Topic) -> Subscription {
        Subscription {
            id: "s1".into(),
            topic,
            whose: Whose::Session(SessionId(Uuid::nil())),
            codes: Vec::new(),
            reason: String::new(),
            end: None,
            channel: Channel::Websocket,
            content: Content::FullResource,
            heartbeat: None,
            base: "http://localhost/fhir".into(),
            created: Timestamp::from_millis(0),
            status: Status::Active,
            error: None,
            sent: 0,
            follows: Vec::new(),
        }
    }

    #[test]
    fn the_topic_of_risk_tells_of_what_a_model_expects() {
        let event = |body| {
            let at = Timestamp::from_millis(0);
            Event { v: VERSION, session: SessionId(Uuid::nil()), seq: Seq(3), at, body }
        };
        let learned = event(EventBody::RiskPredicted(predicted()));
        let wanting = Topic::ALL.map(|topic| subscription(topic).wants(&learned));
        assert_eq!(wanting, [false, true, false]);
        let none = event(EventBody::ScoresComputed(Arc::new(ScoresComputed { scores: Vec::new(), because: Seq(2) })));
        assert!(!subscription(Topic::Risk).wants(&none), "there is no resource for it");
    }

    #[test]
    fn a_consultation_that_was_kept_before_it_could_be_left_goes_on() {
        let kept = r#"{"session":"00000000-0000-0000-0000-000000000000","from":1,"next":4,"before":2}"#;
        let followed: Followed = serde_json::from_str(kept).unwrap();
        assert_eq!((followed.next, followed.until), (Seq(4), None));
    }
}
