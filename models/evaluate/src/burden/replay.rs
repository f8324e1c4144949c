//! Plays a recording to the bedside that sessions run, as fast as it goes: the same code, the recording's time.

use super::recording::Recording;
use healthsync_events::{
    AlarmId, Event, EventBody, MonitorProtocol, MonitorSource, ParticipantId, Seq, SessionId, Timestamp, VERSION,
    alarm::{AlarmAcknowledged, AlarmKind, AlarmRaised, EscalationReason},
    clinical::VitalsObserved,
};
use healthsync_models::risk::{Bedside, Policy};
use std::{collections::VecDeque, sync::Arc};

/// Rounds in which what is owed at one time is recorded; each is caused by the one before, and two are usual.
const MAX_ROUNDS: usize = 16;

/// Why an alarm sounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sounded {
    pub at: Timestamp,
    pub raised: AlarmRaised,
    /// It was acknowledged, and called again because the patient got worse.
    pub again: bool,
}

/// A stretch during which an emergency alarm of a score stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stood {
    pub from: Timestamp,
    /// `None` until the end of the recording.
    pub until: Option<Timestamp>,
}

/// What became of a recording.
#[derive(Debug, Default)]
pub struct Played {
    pub sounded: Vec<Sounded>,
    /// Calls of alarms that nobody had answered in time.
    pub unanswered: usize,
    pub emergencies: Vec<Stood>,
}

struct Replay {
    bedside: Bedside,
    seq: Seq,
    now: Timestamp,
    session: SessionId,
    nurse: ParticipantId,
    answers_after_ms: i64,
    /// Alarms to be acknowledged, and when.
    to_answer: VecDeque<(Timestamp, AlarmId)>,
    standing: Vec<AlarmRaised>,
    played: Played,
}

/// Plays `recording`, where every alarm is acknowledged `answers_after_ms` after it sounds, if it still stands then.
pub fn play(recording: &Recording, policy: &Arc<Policy>, answers_after_ms: i64, nurse: &ParticipantId) -> Played {
    let session = SessionId(uuid::Uuid::nil());
    let mut replay = Replay {
        bedside: Bedside::new(session, Arc::clone(policy)),
        seq: Seq(0),
        now: Timestamp::from_millis(0),
        session,
        nurse: nurse.clone(),
        answers_after_ms,
        to_answer: VecDeque::new(),
        standing: Vec::new(),
        played: Played::default(),
    };
    for sample in &recording.samples {
        replay.wait_until(sample.at);
        let source = MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: String::new(),
            facility: String::new(),
            message_id: replay.seq.to_string(),
        };
        let (taken_at, vitals) = (sample.at, sample.vitals.clone());
        replay.record(EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] }));
        replay.settle();
    }
    replay.played
}

impl Replay {
    fn wait_until(&mut self, until: Timestamp) {
        loop {
            let answer = self.to_answer.front().map(|(at, _)| *at);
            let due = self.bedside.next_due(self.now);
            let Some(next) = answer.into_iter().chain(due).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if answer == Some(next)
                && let Some((_, alarm)) = self.to_answer.pop_front()
                && self.standing.iter().any(|standing| standing.alarm == alarm)
            {
                let by = self.nurse.clone();
                self.record(EventBody::AlarmAcknowledged(AlarmAcknowledged { alarm, by }));
            }
            self.settle();
        }
        self.now = self.now.max(until);
    }

    fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let due = self.bedside.due(self.now);
            if due.is_empty() {
                return;
            }
            for body in due {
                self.record(body);
            }
        }
    }

    fn record(&mut self, body: EventBody) {
        self.seq = self.seq.next();
        let event = Event { v: VERSION, session: self.session, seq: self.seq, at: self.now, body };
        self.bedside.apply(&event);
        match event.body {
            EventBody::AlarmRaised(raised) => {
                if is_emergency(raised.kind) {
                    self.played.emergencies.push(Stood { from: self.now, until: None });
                }
                self.standing.push(raised.clone());
                self.sounds(raised, false);
            }
            EventBody::AlarmCleared(cleared) => {
                self.standing.retain(|standing| standing.alarm != cleared.alarm);
                if is_emergency(cleared.kind)
                    && let Some(stood) = self.played.emergencies.last_mut()
                {
                    stood.until = Some(self.now);
                }
            }
            EventBody::AlarmEscalated(escalated) => {
                let raised = self.standing.iter().find(|standing| standing.alarm == escalated.alarm).cloned();
                match (escalated.reason, raised) {
                    (EscalationReason::Worse, Some(raised)) => self.sounds(raised, true),
                    _ => self.played.unanswered += 1,
                }
            }
            _ => {}
        }
    }

    fn sounds(&mut self, raised: AlarmRaised, again: bool) {
        let answered = Timestamp::from_millis(self.now.millis() + self.answers_after_ms);
        self.to_answer.push_back((answered, raised.alarm));
        self.played.sounded.push(Sounded { at: self.now, raised, again });
    }
}

fn is_emergency(kind: AlarmKind) -> bool {
    matches!(kind, AlarmKind::News2Emergency | AlarmKind::PewsEmergency)
}
