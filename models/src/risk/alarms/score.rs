//! When a score alarms: raised by its band, confirmed where it may be, and cleared only when it has stayed clearly below
//! for long, so that a patient who wavers around a threshold gives one alarm and not ten.

use super::{condition::Level, standing::Standing};
use crate::risk::policy::AlarmPolicy;
use healthsync_events::{Seq, Timestamp, alarm::AlarmClearReason};

/// An acknowledged alarm calls again when the score has risen by so much since: as much as one vital sign going from
/// normal to what calls for somebody by itself.
const WORSE_BY: f64 = 3.0;

/// Scores in a row after which a lesser alarm is confirmed, or one that stands can be over: one reading between others
/// is more often a moved sensor than another patient.
const IN_A_ROW: u32 = 2;

/// Whether a score says that an alarm of a level is over.
fn is_quiet(of: Level, total: f64, level: Option<Level>, policy: &AlarmPolicy) -> bool {
    match of {
        Level::SingleParameter => level.is_none(),
        Level::Urgent => total <= f64::from(policy.urgent_over_at),
        Level::Emergency => total <= f64::from(policy.emergency_over_at),
    }
}

/// Scores in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    since: Timestamp,
    seq: Seq,
    count: u32,
}

fn prolong(run: &mut Option<Run>, goes_on: bool, at: Timestamp, seq: Seq) {
    *run = goes_on.then(|| match *run {
        Some(run) => Run { count: run.count.saturating_add(1), ..run },
        None => Run { since: at, seq, count: 1 },
    });
}

/// One chart's scores, folded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoreTrack {
    pub total: f64,
    level: Option<Level>,
    at: Timestamp,
    /// Milliseconds from the score before, if there was one.
    interval_ms: Option<i64>,
    pub seq: Seq,
    /// Scores in a row of each level or a higher one.
    calls: [Option<Run>; 3],
    /// Scores in a row that say an alarm of each level is over.
    quiet: [Option<Run>; 3],
}

/// What is to be done about a chart's alarms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Raise(Level, Seq),
    Worse(Level, Seq),
    Clear(Level, Seq, AlarmClearReason),
}

/// What stands of a chart.
pub(super) type Standings<'a> = [Option<&'a Standing>; 3];

impl ScoreTrack {
    pub fn new() -> Self {
        Self {
            total: 0.0,
            level: None,
            at: Timestamp::from_millis(0),
            interval_ms: None,
            seq: Seq(0),
            calls: [None; 3],
            quiet: [None; 3],
        }
    }

    pub fn take(&mut self, total: f64, level: Option<Level>, at: Timestamp, seq: Seq, policy: &AlarmPolicy) {
        // The sequence number of a score is never 0: a session's first event is its start.
        self.interval_ms = (self.seq > Seq(0)).then(|| (at.millis() - self.at.millis()).max(0));
        (self.total, self.level, self.at, self.seq) = (total, level, at, seq);
        for of in Level::ALL {
            prolong(&mut self.calls[of as usize], level >= Some(of), at, seq);
            prolong(&mut self.quiet[of as usize], is_quiet(of, total, level, policy), at, seq);
        }
    }

    /// An alarm of this level was cleared: what calls for it from now on is a new one.
    pub fn forget(&mut self, level: Level) {
        self.calls[level as usize] = None;
    }

    /// The level called for, what began it, and until when it waits to be confirmed.
    fn called(&self, policy: &AlarmPolicy) -> Option<(Level, Seq, Option<Timestamp>)> {
        let level = self.level?;
        let run = self.calls[level as usize]?;
        let most = later(run.since, policy.confirm_minutes);
        let until = match level {
            Level::Emergency => None,
            Level::Urgent => self.next_by(run).filter(|next| *next <= most),
            Level::SingleParameter => Some(most),
        };
        Some((level, run.seq, until.filter(|_| run.count < IN_A_ROW)))
    }

    /// When the score after the first of a run should be there, if they go on coming as they did.
    fn next_by(&self, run: Run) -> Option<Timestamp> {
        let interval = self.interval_ms?;
        Some(Timestamp::from_millis(run.since.millis() + interval + interval / 4))
    }

    /// When the next step may be due though no other score comes.
    pub fn next_due(&self, policy: &AlarmPolicy, stand: Standings<'_>) -> Option<Timestamp> {
        let (level, _, waits) = self.called(policy)?;
        waits.filter(|_| highest(stand) < Some(level))
    }

    pub fn steps(&self, now: Timestamp, policy: &AlarmPolicy, stand: Standings<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        let highest = highest(stand);
        if let Some((level, seq, waits)) = self.called(policy)
            && highest < Some(level)
            && waits.is_none_or(|until| now >= until)
        {
            steps.push(Step::Raise(level, seq));
        }
        for level in Level::ALL {
            let Some(standing) = stand[level as usize] else { continue };
            if Some(level) < highest {
                let taken_over_by = highest.and_then(|highest| stand[highest as usize]);
                let because = taken_over_by.map_or(self.seq, |standing| standing.because);
                steps.push(Step::Clear(level, because, AlarmClearReason::Superseded));
            } else if let Some(reason) = self.over(level, policy, standing) {
                steps.push(Step::Clear(level, self.seq, reason));
            } else if standing.acknowledged.is_some() && self.total >= standing.total_then + WORSE_BY {
                steps.push(Step::Worse(level, self.seq));
            }
        }
        steps
    }

    fn over(&self, level: Level, policy: &AlarmPolicy, standing: &Standing) -> Option<AlarmClearReason> {
        let quiet = self.quiet[level as usize].filter(|quiet| quiet.count >= IN_A_ROW)?;
        if self.at >= later(quiet.since, policy.clear_after_minutes) {
            return Some(AlarmClearReason::ConditionOver);
        }
        // Who acknowledges an alarm that is over has seen that it is.
        standing.acknowledged.filter(|at| *at >= quiet.since).map(|_| AlarmClearReason::Acknowledged)
    }
}

fn highest(stand: Standings<'_>) -> Option<Level> {
    Level::ALL.into_iter().rev().find(|level| stand[*level as usize].is_some())
}

fn later(since: Timestamp, minutes: u16) -> Timestamp {
    Timestamp::from_millis(since.millis() + i64::from(minutes) * 60_000)
}
