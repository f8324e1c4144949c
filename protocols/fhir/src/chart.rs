//! What a session's log holds as resources: a small row for each, kept in step with the log, so that a search reads only
//! the events it shows. A fold over the log like everything else.

use crate::{
    limits::{MAX_CHARTS, MAX_ROWS},
    observation::{
        read::{DIGEST, Identifier},
        write::{Part, parts_amended, parts_observed},
    },
    resource::{Context, Ended, Id, Kind, of_event},
    sign::Sign,
};
use futures_util::StreamExt;
use healthsync_events::{
    AlarmId, Event, EventBody, MonitorProtocol, MonitorSource, PatientId, Refusal, Seq, SessionId, Sessions, Timestamp,
    clinical::Amendment, risk::ScoreName,
};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex as StdMutex, PoisonError},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// One resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub seq: Seq,
    pub part: u16,
    pub kind: Kind,
    /// Of an Observation; none for the one that stands for several.
    pub sign: Option<Sign>,
    /// Of a `RiskAssessment`; none for what a model expects.
    pub score: Option<ScoreName>,
    /// When it was measured, scored or raised.
    pub when: Timestamp,
    /// What happened to it later.
    pub ended: Option<Ended>,
}

impl Row {
    const fn new(seq: Seq, part: u16, kind: Kind, when: Timestamp) -> Self {
        Self { seq, part, kind, sign: None, score: None, when, ended: None }
    }
}

/// A session's resources.
#[derive(Debug)]
pub struct Chart {
    pub session: SessionId,
    pub patient: PatientId,
    /// The newest event taken in.
    head: Seq,
    /// In the order of the log.
    rows: Vec<Row>,
    /// The oldest rows have given way.
    pub incomplete: bool,
    /// Events by the identifier they were sent with.
    identifiers: HashMap<Identifier, Vec<Seq>>,
    alarms: HashMap<AlarmId, Seq>,
}

impl Chart {
    pub fn new(session: SessionId, patient: PatientId) -> Self {
        Self {
            session,
            patient,
            head: Seq(0),
            rows: Vec::new(),
            incomplete: false,
            identifiers: HashMap::new(),
            alarms: HashMap::new(),
        }
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Resources sent with this identifier.
    pub fn with_identifier(&self, identifier: &Identifier) -> &[Seq] {
        self.identifiers.get(identifier).map_or(&[], Vec::as_slice)
    }

    /// Where the alarm was raised.
    pub fn alarm(&self, alarm: AlarmId) -> Option<Seq> {
        self.alarms.get(&alarm).copied()
    }

    /// What has happened to a resource since.
    pub fn ended(&self, seq: Seq, part: u16) -> Option<Ended> {
        let first = self.rows.partition_point(|row| row.seq < seq);
        self.rows[first..].iter().take_while(|row| row.seq == seq).find(|row| row.part == part)?.ended
    }

    /// Which part of an event is a resource of this kind, and of this score if one is named.
    pub fn part(&self, seq: Seq, kind: Kind, score: Option<ScoreName>) -> Option<u16> {
        if self.incomplete && self.rows.first().is_none_or(|oldest| seq < oldest.seq) {
            // Its row has given way: what it was is not known here any more, and it can still be read.
            return score.is_none().then_some(0);
        }
        let first = self.rows.partition_point(|row| row.seq < seq);
        let mut of_event = self.rows[first..].iter().take_while(|row| row.seq == seq);
        of_event.find(|row| row.kind == kind && (score.is_none() || row.score == score)).map(|row| row.part)
    }

    /// The event's resources as they stand now.
    pub fn resources(&self, event: &Event) -> Vec<Value> {
        let ended = |part| self.ended(event.seq, part);
        let part = |seq, kind, score| self.part(seq, kind, score);
        of_event(event, &Context { session: self.session, patient: &self.patient, ended: &ended, part: &part })
    }

    pub fn id(&self, row: &Row) -> Id {
        Id { session: self.session, seq: row.seq, part: row.part }
    }

    /// Takes the next event in; one taken in already changes nothing.
    pub fn apply(&mut self, event: &Event) {
        if event.seq <= self.head {
            return;
        }
        self.head = event.seq;
        match &event.body {
            EventBody::VitalsObserved(observed) => {
                self.remember(event.seq, &observed.source);
                self.observed(event.seq, observed.taken_at, &parts_observed(observed));
            }
            EventBody::VitalsAmended(amended) => {
                self.remember(event.seq, &amended.source);
                amended.amendments.iter().for_each(|amendment| self.overtake(event, amendment));
                let parts = parts_amended(amended);
                let when = parts.first().map_or(event.at, |part| part.taken_at);
                self.observed(event.seq, when, &parts);
            }
            EventBody::RiskScored(_) => self.assessed(event, 0, Some(ScoreName::News2)),
            EventBody::ScoresComputed(computed) => {
                for (score, part) in computed.scores.iter().zip(0..) {
                    self.assessed(event, part, Some(score.score));
                }
            }
            EventBody::RiskPredicted(_) => self.assessed(event, 0, None),
            EventBody::AlarmRaised(raised) => {
                self.alarms.insert(raised.alarm, event.seq);
                self.push(Row::new(event.seq, 0, Kind::DetectedIssue, event.at));
            }
            EventBody::DeviceAlarm(alarm) => self.push(Row::new(event.seq, 0, Kind::DetectedIssue, alarm.at)),
            EventBody::AlarmCleared(cleared) => {
                if let Some(seq) = self.alarm(cleared.alarm) {
                    self.end(|row| row.seq == seq && row.kind == Kind::DetectedIssue, event);
                }
            }
            _ => {}
        }
    }

    fn assessed(&mut self, event: &Event, part: u16, score: Option<ScoreName>) {
        self.push(Row { score, ..Row::new(event.seq, part, Kind::RiskAssessment, event.at) });
    }

    fn observed(&mut self, seq: Seq, when: Timestamp, parts: &[Part]) {
        let row = |number, when| Row::new(seq, number, Kind::Observation, when);
        if let [only] = parts {
            return self.push(Row { sign: Some(only.sign), ..row(0, only.taken_at) });
        }
        self.push(row(0, when));
        for (part, number) in parts.iter().zip(1..) {
            self.push(Row { sign: Some(part.sign), ..row(number, part.taken_at) });
        }
    }

    /// What is corrected or withdrawn was measured at the same time, and is the same sign.
    fn overtake(&mut self, event: &Event, amendment: &Amendment) {
        let (at, fields): (Timestamp, Vec<&str>) = match amendment {
            Amendment::Earlier { .. } => return,
            Amendment::Corrected { taken_at, vitals } => (*taken_at, vitals.measured()),
            Amendment::Withdrawn { taken_at, parameters } => {
                (*taken_at, parameters.iter().map(String::as_str).collect())
            }
        };
        let about = |sign: Sign| fields.iter().any(|field| sign.holds(field));
        self.end(|row| row.when == at && row.ended.is_none() && row.sign.is_some_and(about), event);
    }

    fn end(&mut self, which: impl Fn(&Row) -> bool, event: &Event) {
        let ended = Some(Ended { seq: event.seq, at: event.at });
        self.rows.iter_mut().filter(|row| which(row)).for_each(|row| row.ended = ended);
    }

    fn push(&mut self, row: Row) {
        if self.rows.len() >= MAX_ROWS {
            self.forget_half();
        }
        self.rows.push(row);
    }

    fn forget_half(&mut self) {
        self.rows.drain(..MAX_ROWS / 2);
        let oldest = self.rows.first().map_or(self.head, |row| row.seq);
        self.identifiers.retain(|_, seqs| seqs.iter().any(|seq| *seq >= oldest));
        self.alarms.retain(|_, seq| *seq >= oldest);
        self.incomplete = true;
    }

    fn remember(&mut self, seq: Seq, source: &MonitorSource) {
        let digest = source.facility.is_empty() && source.message_id.starts_with(DIGEST);
        if source.protocol == MonitorProtocol::Fhir && !digest {
            let identifier = Identifier { system: source.facility.clone(), value: source.message_id.clone() };
            self.identifiers.entry(identifier).or_default().push(seq);
        }
    }
}

/// The charts of sessions asked for lately.
pub struct Charts {
    sessions: Arc<dyn Sessions>,
    held: StdMutex<Shelf>,
}

/// Charts by session, each with when it was asked for last; and how many questions there were.
type Shelf = (u64, HashMap<SessionId, (u64, Slot)>);

/// Empty until it is first asked for.
type Slot = Arc<Mutex<Option<Chart>>>;

impl Charts {
    pub fn new(sessions: Arc<dyn Sessions>) -> Self {
        Self { sessions, held: StdMutex::default() }
    }

    /// The chart up to the session's newest event. Who holds it keeps others from it: hold it briefly.
    pub async fn get(&self, session: SessionId) -> Result<Held, Refusal> {
        let summary = self.sessions.summary(session).await?;
        let mut slot = self.slot(session).lock_owned().await;
        let chart = slot.get_or_insert_with(|| Chart::new(session, summary.patient.clone()));
        if chart.head < summary.head {
            let behind = (summary.head.0 - chart.head.0) as usize;
            let mut events = self.sessions.events(session, chart.head.next()).await?.take(behind);
            while let Some(event) = events.next().await {
                let event = event?;
                chart.apply(&event);
            }
        }
        Ok(Held(slot))
    }

    /// One event that is there.
    pub async fn event(&self, session: SessionId, seq: Seq) -> Result<Option<Arc<Event>>, Refusal> {
        self.sessions.events(session, seq).await?.next().await.transpose()
    }

    fn slot(&self, session: SessionId) -> Slot {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (questions, charts) = &mut *held;
        *questions += 1;
        if charts.len() >= MAX_CHARTS
            && !charts.contains_key(&session)
            && let Some(oldest) = charts.iter().min_by_key(|(_, (asked, _))| *asked).map(|(session, _)| *session)
        {
            charts.remove(&oldest);
        }
        let (asked, slot) = charts.entry(session).or_default();
        *asked = *questions;
        Arc::clone(slot)
    }
}

/// A chart that is up to date, as long as it is held.
pub struct Held(OwnedMutexGuard<Option<Chart>>);

impl Held {
    /// There is one: it was put there before it was handed out.
    pub fn chart(&self) -> Result<&Chart, Refusal> {
        self.0.as_ref().ok_or_else(|| Refusal::unavailable("chart"))
    }
}

#[cfg(test)]
mod tests;
