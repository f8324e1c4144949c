//! When a vital sign alarms by itself: beyond its limit for its delay, over when it has been clearly within for as long.

use super::{condition::Side, standing::Standing};
use crate::risk::limits::Limits;
use healthsync_events::{Seq, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq)]
struct Beyond {
    since: Timestamp,
    seq: Seq,
    /// The value farthest beyond.
    worst: f64,
    /// The newest reading beyond.
    last: Timestamp,
}

/// One side of one vital sign, folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LimitTrack {
    beyond: Option<Beyond>,
    /// Since when it has been within the limit by more than the hysteresis.
    within: Option<Timestamp>,
    limit: Option<f64>,
    delay_ms: i64,
    /// The newest reading.
    pub seq: Seq,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Because of what, with the value and the limit it broke.
    Raise(Seq, (f64, f64)),
    /// Its condition is over.
    Over(Seq),
    /// Its condition was over, which nobody has seen, and is there again: another takes its place.
    Again(Seq),
    /// There is no such limit any more.
    Unlimited(Seq),
}

impl LimitTrack {
    pub fn take(&mut self, side: Side, value: f64, limits: &Limits, at: Timestamp, seq: Seq) {
        self.limit = if side == Side::Low { limits.low } else { limits.high };
        self.delay_ms = limits.delay_ms;
        self.seq = seq;
        let Some(limit) = self.limit else {
            (self.beyond, self.within) = (None, None);
            return;
        };
        // How far it is beyond; negative within.
        let excess = |value: f64| if side == Side::Low { limit - value } else { value - limit };
        if excess(value) > 0.0 {
            self.within = None;
            let beyond = self.beyond.get_or_insert(Beyond { since: at, seq, worst: value, last: at });
            beyond.last = at;
            if excess(value) > excess(beyond.worst) {
                beyond.worst = value;
            }
            return;
        }
        self.beyond = None;
        self.within = (excess(value) <= -limits.hysteresis).then(|| self.within.unwrap_or(at));
    }

    /// What it rests on was withdrawn.
    pub fn withdraw(&mut self) {
        (self.beyond, self.within) = (None, None);
    }

    /// `emergency` is the score's alarm of highest urgency that stands and still calls: while nobody has answered it,
    /// another for the same readings would only be more noise. Once it is acknowledged, the next reading beyond the
    /// limit alarms.
    fn waits(&self, emergency: Option<&Standing>) -> Option<Beyond> {
        let beyond = self.beyond?;
        let covered = emergency.is_some_and(|standing| standing.acknowledged.is_none_or(|at| beyond.last <= at));
        (!covered).then_some(beyond)
    }

    pub fn next_due(&self, standing: Option<&Standing>, emergency: Option<&Standing>) -> Option<Timestamp> {
        let since = match standing {
            Some(standing) if !standing.latched => self.within,
            _ => self.waits(emergency).map(|beyond| beyond.since),
        };
        since.map(|since| Timestamp::from_millis(since.millis() + self.delay_ms))
    }

    pub fn step(&self, now: Timestamp, standing: Option<&Standing>, emergency: Option<&Standing>) -> Option<Step> {
        let Some(limit) = self.limit else { return standing.map(|_| Step::Unlimited(self.seq)) };
        let long_enough = |since: Timestamp| now.millis() - since.millis() >= self.delay_ms;
        if standing.is_some()
            && let Some(since) = self.within
        {
            return long_enough(since).then_some(Step::Over(self.seq));
        }
        let beyond = self.waits(emergency).filter(|beyond| long_enough(beyond.since))?;
        match standing {
            None => Some(Step::Raise(beyond.seq, (beyond.worst, limit))),
            Some(standing) => standing.latched.then_some(Step::Again(beyond.seq)),
        }
    }
}
