//! Events of a session as resources. Pure.
//!
//! An event is one resource, `{session}-{seq}`, or several: then the others are `{session}-{seq}.1`, `.2`, …. Of several
//! vital signs the first stands for all.

use crate::{alarm, names::URI, observation::write, prediction, risk, time};
use healthsync_events::{Event, EventBody, PatientId, Seq, SessionId, Timestamp, risk::ScoreName};
use serde_json::{Value, json};
use std::{fmt, str::FromStr};

/// Kinds of resource that events are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Observation,
    RiskAssessment,
    DetectedIssue,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Observation, Self::RiskAssessment, Self::DetectedIssue];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Observation => "Observation",
            Self::RiskAssessment => "RiskAssessment",
            Self::DetectedIssue => "DetectedIssue",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the event is read as, if it is.
    pub const fn of(body: &EventBody) -> Option<Self> {
        match body {
            EventBody::VitalsObserved(_) | EventBody::VitalsAmended(_) => Some(Self::Observation),
            EventBody::RiskScored(_) | EventBody::ScoresComputed(_) | EventBody::RiskPredicted(_) => {
                Some(Self::RiskAssessment)
            }
            EventBody::AlarmRaised(_) | EventBody::DeviceAlarm(_) => Some(Self::DetectedIssue),
            _ => None,
        }
    }
}

/// The logical id of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    pub session: SessionId,
    pub seq: Seq,
    /// 0 for the first.
    pub part: u16,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.session, self.seq)?;
        if self.part > 0 { write!(f, ".{}", self.part) } else { Ok(()) }
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (session, rest) = text.split_at_checked(36).ok_or(())?;
        let rest = rest.strip_prefix('-').ok_or(())?;
        let (seq, part) = rest.split_once('.').map_or((rest, None), |(seq, part)| (seq, Some(part)));
        let number = |text: &str| -> Result<u64, ()> {
            let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
            if plain { text.parse().map_err(|_| ()) } else { Err(()) }
        };
        let part = part.map(number).transpose()?.unwrap_or(0);
        let id = Self {
            session: session.parse().map_err(|_| ())?,
            seq: Seq(number(seq)?),
            part: u16::try_from(part).map_err(|_| ())?,
        };
        // One spelling for each: no braces, no capitals.
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// What happened to a resource later: an alarm is over, an observation was withdrawn or corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub seq: Seq,
    pub at: Timestamp,
}

/// What resources of one session have in common.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub session: SessionId,
    pub patient: &'a PatientId,
    /// What happened to the parts of the event.
    pub ended: &'a dyn Fn(u16) -> Option<Ended>,
    /// Which part of an earlier event is a resource of this kind, and of this score if one is named. What an event
    /// rests on may be something else, such as changed limits: nobody is referred to what is no resource.
    pub part: &'a dyn Fn(Seq, Kind, Option<ScoreName>) -> Option<u16>,
}

impl Context<'_> {
    pub fn id(&self, seq: Seq, part: u16) -> Id {
        Id { session: self.session, seq, part }
    }

    /// `id`, `meta` and whom it is about, under the name that this kind of resource has for that.
    pub fn head(&self, kind: Kind, event: &Event, part: u16, subject: &str) -> Value {
        let ended = (self.ended)(part);
        let version = if ended.is_some() { "2" } else { "1" };
        let changed = ended.map_or(event.at, |ended| ended.at);
        let mut head = json!({
            "resourceType": kind.name(),
            "id": self.id(event.seq, part).to_string(),
            "meta": { "versionId": version, "lastUpdated": changed.to_string() },
        });
        head[subject] = json!({ "type": "Patient", "identifier": { "value": self.patient.as_str() } });
        head
    }

    /// A reference to an earlier event as a resource of this kind, if it is one.
    pub fn reference(&self, seq: Seq, kind: Kind, score: Option<ScoreName>) -> Option<Value> {
        let part = (self.part)(seq, kind, score)?;
        Some(json!({ "reference": format!("{}/{}", kind.name(), self.id(seq, part)) }))
    }

    /// The consultation: there is no Encounter resource, only its identifier.
    pub fn encounter(&self) -> Value {
        json!({ "type": "Encounter", "identifier": { "system": URI, "value": format!("urn:uuid:{}", self.session) } })
    }
}

/// The resources of an event: the one that stands for all first. Empty where it is none.
pub fn of_event(event: &Event, context: &Context<'_>) -> Vec<Value> {
    match &event.body {
        EventBody::VitalsObserved(observed) => write::observed(event, observed, context),
        EventBody::VitalsAmended(amended) => write::amended(event, amended, context),
        EventBody::RiskScored(scored) => vec![risk::assessment(event, scored, context)],
        EventBody::ScoresComputed(computed) => risk::assessments(event, computed, context),
        EventBody::RiskPredicted(predicted) => vec![prediction::assessment(event, predicted, context)],
        EventBody::AlarmRaised(raised) => vec![alarm::raised(event, raised, context)],
        EventBody::DeviceAlarm(alarm) => vec![alarm::device(event, alarm, context)],
        _ => Vec::new(),
    }
}

/// `meta.versionId` and `meta.lastUpdated` as HTTP has them.
pub fn version(resource: &Value) -> (String, Option<Timestamp>) {
    let version = resource.pointer("/meta/versionId").and_then(Value::as_str).unwrap_or("1");
    let changed = resource.pointer("/meta/lastUpdated").and_then(Value::as_str).and_then(time::instant);
    (format!("W/\"{version}\""), changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "01985b1e-7c00-7000-8000-000000000001";

    #[test]
    fn an_id_is_read_as_it_is_written_and_in_no_other_way() {
        for rest in ["-1", "-42", "-42.3"] {
            let text = format!("{SESSION}{rest}");
            assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
        }
        for rest in
            ["", "-", "-0", "-01", "-1.", "-1.0", "-1.70000", "-x", "1", "-1.2.3", "-+1", "-99999999999999999999"]
        {
            assert!(format!("{SESSION}{rest}").parse::<Id>().is_err(), "{rest}");
        }
        assert!(format!("{}-1", SESSION.to_uppercase()).parse::<Id>().is_err());
        assert!("é".repeat(20).parse::<Id>().is_err());
    }
}
