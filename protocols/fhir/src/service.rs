//! What the door does with resources: takes them into sessions, finds them, reads them. No HTTP here.

use crate::{
    chart::{Charts, Row},
    issue::{Code, Failure, Issue, Severity, outcome},
    observation::{
        read::{self, Identifier, Incoming},
        subject::Companions,
    },
    resource::{Context, Id, Kind, of_event},
    search::{Search, Whose},
    subscription::Subscriptions,
};
use futures_util::StreamExt;
use healthsync_events::{
    Event, EventBody, KeptBecause, PatientId, Refusal, Seq, SessionId, Sessions, Timestamp, UnmatchedMessage, VERSION,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::{Mutex, MutexGuard};

/// What handlers share.
pub struct Service {
    pub sessions: Arc<dyn Sessions>,
    pub charts: Arc<Charts>,
    pub subscriptions: Arc<Subscriptions>,
    /// Held from looking whether something is there until it is.
    conditions: Mutex<()>,
}

/// What is to be done for one Observation.
pub enum Plan {
    Record {
        session: SessionId,
        incoming: Box<Incoming>,
    },
    /// The condition found it.
    Exists(Id),
}

/// A resource that is there now.
#[derive(Debug)]
pub struct Created {
    pub id: Id,
    /// It was there before.
    pub repeated: bool,
    pub resource: Value,
    /// What could not be used of it.
    pub warnings: Vec<Issue>,
}

impl Service {
    pub fn new(sessions: Arc<dyn Sessions>, charts: Arc<Charts>, subscriptions: Arc<Subscriptions>) -> Self {
        Self { sessions, charts, subscriptions, conditions: Mutex::new(()) }
    }

    /// Keeps other conditional creations out.
    pub async fn alone(&self) -> MutexGuard<'_, ()> {
        self.conditions.lock().await
    }

    /// Takes an Observation in; what cannot be is kept, and counted.
    pub async fn create(
        &self,
        resource: &Value,
        companions: Companions<'_>,
        condition: Option<&Identifier>,
    ) -> Result<Created, Failure> {
        let _alone = if condition.is_some() { Some(self.alone().await) } else { None };
        let created = match self.plan(resource, companions, condition).await {
            Ok(plan) => self.carry_out(plan).await,
            Err(failure) => Err(failure),
        };
        match created {
            Err(failure) if failure.status == 422 && !failure.recorded => {
                Err(self.keep(failure, resource, companions).await)
            }
            other => other,
        }
    }

    /// What there is to do; nothing has been done when this returns.
    pub async fn plan(
        &self,
        resource: &Value,
        companions: Companions<'_>,
        condition: Option<&Identifier>,
    ) -> Result<Plan, Failure> {
        let incoming = read::observation(resource, companions, condition)?;
        let session = self.sessions.of_patient(&incoming.patient).await?.ok_or_else(no_session)?;
        let Some(condition) = condition else {
            return Ok(Plan::Record { session, incoming: Box::new(incoming) });
        };
        let held = self.charts.get(session).await?;
        match held.chart()?.with_identifier(condition) {
            [] => Ok(Plan::Record { session, incoming: Box::new(incoming) }),
            [only] => Ok(Plan::Exists(Id { session, seq: *only, part: 0 })),
            _ => Err(Failure::new(412, Issue::error(Code::MultipleMatches, "the condition finds more than one"))),
        }
    }

    /// Records what was planned. Returns once it is durable.
    pub async fn carry_out(&self, plan: Plan) -> Result<Created, Failure> {
        let (session, incoming) = match plan {
            Plan::Exists(id) => {
                let resource = self.read(Kind::Observation, id).await?;
                return Ok(Created { id, repeated: true, resource, warnings: Vec::new() });
            }
            Plan::Record { session, incoming } => (session, *incoming),
        };
        let Incoming { patient, body, warnings, useless, .. } = incoming;
        if matches!(&body, EventBody::VitalsAmended(amended) if amended.amendments.is_empty()) {
            return Err(useless_for(warnings));
        }
        let receipt = match self.sessions.record(session, body.clone()).await {
            Err(Refusal::SessionEnded) => return Err(no_session()),
            other => other?,
        };
        metrics::counter!("healthsync_fhir_observations_total", "repeated" => receipt.repeated.to_string())
            .increment(1);
        if useless {
            return Err(Failure { recorded: true, ..useless_for(warnings) });
        }
        let id = Id { session, seq: receipt.seq, part: 0 };
        let event = Event { v: VERSION, session, seq: receipt.seq, at: receipt.at, body };
        let context = Context { session, patient: &patient, ended: &|_| None, part: &|_, _, _| None };
        let resource = of_event(&event, &context).into_iter().next().unwrap_or_default();
        Ok(Created { id, repeated: receipt.repeated, resource, warnings })
    }

    /// Keeps what was not taken, for a person to look at.
    pub async fn keep(&self, failure: Failure, resource: &Value, companions: Companions<'_>) -> Failure {
        let incoming = read::observation(resource, companions, None).ok();
        let because = if is_no_session(&failure) { KeptBecause::NoSession } else { KeptBecause::Content };
        let problem = failure.issues.first().map(|issue| {
            let place = issue.expression.as_deref().unwrap_or("Observation");
            format!("{place}: {}", issue.diagnostics)
        });
        let identifier = incoming.as_ref().and_then(|incoming| incoming.identifiers.first());
        let message = UnmatchedMessage {
            received_at: Timestamp::from(jiff::Timestamp::now()),
            patient: incoming.as_ref().map(|incoming| incoming.patient.clone()),
            message_id: identifier.map(|identifier| identifier.value.clone()).unwrap_or_default(),
            raw: resource.to_string(),
            because,
            problem: if because == KeptBecause::Content { problem } else { None },
        };
        match self.sessions.keep_unmatched(message).await {
            Ok(()) => {
                metrics::counter!("healthsync_fhir_kept_total").increment(1);
                failure
            }
            // Not kept either: it is to be sent again.
            Err(refusal) => refusal.into(),
        }
    }

    /// One resource as it stands now.
    pub async fn read(&self, kind: Kind, id: Id) -> Result<Value, Failure> {
        let nothing = || Failure::not_found("there is no such resource");
        let head = match self.sessions.summary(id.session).await {
            Err(Refusal::UnknownSession) => return Err(nothing()),
            other => other?.head,
        };
        if id.seq > head || id.seq == Seq(0) {
            return Err(nothing());
        }
        let event = self.charts.event(id.session, id.seq).await?.ok_or_else(nothing)?;
        if Kind::of(&event.body) != Some(kind) {
            return Err(nothing());
        }
        let charted = self.charts.get(id.session).await?;
        charted.chart()?.resources(&event).into_iter().nth(usize::from(id.part)).ok_or_else(nothing)
    }

    /// A page of what the search finds.
    pub async fn search(&self, search: &Search, base: &str) -> Result<Value, Failure> {
        let address = |next| format!("{base}/{}?{}", search.kind.name(), search.query(next));
        let link = |relation: &str, url: String| json!({ "relation": relation, "url": url });
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": 0 });
        bundle["link"] = json!([link("self", address(None))]);
        let Some(session) = self.session_of(&search.whose).await? else { return Ok(bundle) };
        let found = search.find(self.charts.get(session).await?.chart()?);
        bundle["total"] = json!(found.total);
        if let Some(next) = found.next
            && let Some(links) = bundle["link"].as_array_mut()
        {
            links.push(link("next", address(Some(next))));
        }
        let events = self.events_of(session, &found.page).await?;
        // As they stand now: what happened to them, and what is referred to, is known by the chart.
        let held = self.charts.get(session).await?;
        let chart = held.chart()?;
        let numbered = |event: &Arc<Event>| {
            let parts = chart.resources(event).into_iter().zip(0_u16..);
            parts.map(|(resource, part)| ((event.seq, part), resource)).collect::<Vec<_>>()
        };
        let mut resources: HashMap<(Seq, u16), Value> = events.iter().flat_map(numbered).collect();
        let shown = found.page.iter().filter_map(|row| resources.remove(&(row.seq, row.part)));
        let mut entries: Vec<Value> = shown.map(|resource| entry(base, search.kind, resource)).collect();
        if chart.incomplete {
            let older =
                Issue::error(Code::Incomplete, "the oldest resources of this consultation are not searched").warning();
            entries.push(json!({ "resource": outcome(&[older]), "search": { "mode": "outcome" } }));
        }
        if !entries.is_empty() {
            bundle["entry"] = entries.into();
        }
        Ok(bundle)
    }

    /// The events that these rows are of.
    async fn events_of(&self, session: SessionId, page: &[Row]) -> Result<Vec<Arc<Event>>, Refusal> {
        let wanted: HashSet<Seq> = page.iter().map(|row| row.seq).collect();
        let (Some(first), Some(last)) = (wanted.iter().min(), wanted.iter().max()) else { return Ok(Vec::new()) };
        let mut events = self.sessions.events(session, *first).await?.take((last.0 - first.0 + 1) as usize);
        let mut found = Vec::with_capacity(wanted.len());
        while let Some(event) = events.next().await {
            let event = event?;
            if wanted.contains(&event.seq) {
                found.push(event);
            }
        }
        Ok(found)
    }

    /// The patient's open session, or the newest that has ended.
    pub async fn session_of(&self, whose: &Whose) -> Result<Option<SessionId>, Refusal> {
        let patient: &PatientId = match whose {
            Whose::Session(session) => {
                return match self.sessions.summary(*session).await {
                    Ok(_) => Ok(Some(*session)),
                    Err(Refusal::UnknownSession) => Ok(None),
                    Err(refusal) => Err(refusal),
                };
            }
            Whose::Patient(patient) => patient,
        };
        if let Some(open) = self.sessions.of_patient(patient).await? {
            return Ok(Some(open));
        }
        let sessions = self.sessions.list().await?;
        Ok(sessions.into_iter().find(|summary| summary.patient == *patient).map(|summary| summary.session))
    }
}

fn entry(base: &str, kind: Kind, resource: Value) -> Value {
    let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
    json!({ "fullUrl": format!("{base}/{}/{id}", kind.name()), "resource": resource, "search": { "mode": "match" } })
}

fn no_session() -> Failure {
    let issue = Issue::error(Code::NotFound, "has no open consultation: kept, not recorded");
    Failure::new(422, issue.at("Observation.subject"))
}

fn is_no_session(failure: &Failure) -> bool {
    failure.issues.first().is_some_and(|issue| issue.code == Code::NotFound)
}

/// Nothing could be used: what were warnings is why.
pub fn useless_for(warnings: Vec<Issue>) -> Failure {
    let errors = warnings.into_iter().map(|issue| Issue { severity: Severity::Error, ..issue });
    Failure::all(422, errors.collect())
}
