//! An alarm that stands, and what people did about it: a fold of its events.

use crate::risk::policy::AlarmPolicy;
use healthsync_events::{
    AlarmId, Seq, Timestamp,
    alarm::{AlarmEscalated, AlarmKind, AlarmPriority, AlarmRaised, EscalationReason},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    pub because: Seq,
    priority: AlarmPriority,
    pub latching: bool,
    /// Its condition is over, and that was said.
    pub latched: bool,
    pub acknowledged: Option<Timestamp>,
    /// The score's total when it was acknowledged.
    pub total_then: f64,
    /// Until when its sound is off, and how often it had called since `unanswered` when that was said.
    silenced: Option<(Timestamp, usize)>,
    /// Since when nobody has answered it.
    unanswered: Timestamp,
    /// How often it called again, in all and since `unanswered`.
    steps: u8,
    steps_since: usize,
}

impl Standing {
    pub fn new(raised: &AlarmRaised, at: Timestamp) -> Self {
        Self {
            alarm: raised.alarm,
            kind: raised.kind,
            because: raised.because,
            priority: raised.priority,
            latching: raised.latching,
            latched: false,
            acknowledged: None,
            total_then: 0.0,
            silenced: None,
            unanswered: at,
            steps: 0,
            steps_since: 0,
        }
    }

    pub fn acknowledge(&mut self, at: Timestamp, total: f64) {
        self.acknowledged = Some(at);
        self.total_then = total;
    }

    pub fn silence(&mut self, at: Timestamp, seconds: u16) {
        self.silenced = Some((after(at, u32::from(seconds)), self.steps_since));
    }

    pub fn escalated(&mut self, escalated: &AlarmEscalated, at: Timestamp) {
        self.steps = escalated.step;
        match escalated.reason {
            EscalationReason::Unacknowledged => self.steps_since += 1,
            EscalationReason::Worse => {
                (self.acknowledged, self.silenced) = (None, None);
                (self.unanswered, self.steps_since) = (at, 0);
            }
        }
    }

    /// As an event, of the next step.
    pub fn escalate(&self, reason: EscalationReason, because: Seq) -> AlarmEscalated {
        AlarmEscalated { alarm: self.alarm, step: self.steps.saturating_add(1), reason, because }
    }

    /// When it calls again if nobody answers: not while it is silenced, since whoever did that knows of it.
    pub fn next_call(&self, policy: &AlarmPolicy) -> Option<Timestamp> {
        if self.acknowledged.is_some() {
            return None;
        }
        let ladder = policy.escalation(self.priority);
        let seconds = *ladder.get(self.steps_since)?;
        let due = after(self.unanswered, seconds);
        let Some((until, steps)) = self.silenced else { return Some(due) };
        // After a silence the ladder goes on where it was: what it held back does not all come at its end.
        let first = ladder.get(steps).copied().unwrap_or(seconds);
        Some(due.max(after(until, seconds.saturating_sub(first))))
    }
}

fn after(at: Timestamp, seconds: u32) -> Timestamp {
    Timestamp::from_millis(at.millis() + i64::from(seconds) * 1_000)
}
