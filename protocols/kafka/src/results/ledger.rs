//! Which session's events are to be sent next. Pure.

use healthsync_events::{Backlog, PatientId, Seq, SessionId};
use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

/// Sessions remembered with where they stand. Who is caught up gives way first; what does not fit is found again in the
/// log.
pub(super) const MAX_KNOWN: usize = 4_096;

/// Events of a session sent before the next session has its turn.
pub(super) const WINDOW: usize = 64;

const FIRST_WAIT: Duration = Duration::from_millis(500);

const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    CaughtUp,
    Queued,
    Working,
    /// After a failure.
    Waiting(Instant),
}

#[derive(Debug)]
struct Entry {
    /// `None` where the log has not been asked.
    position: Option<Seq>,
    patient: Option<PatientId>,
    head: Seq,
    state: State,
    failures: u32,
    window: usize,
}

impl Entry {
    fn queued(position: Option<Seq>, patient: Option<PatientId>, head: Seq) -> Self {
        Self { position, patient, head, state: State::Queued, failures: 0, window: WINDOW }
    }

    fn left(&self) -> u64 {
        // Where the position is not known, at least the event that made the session known is left.
        self.position.map_or(1, |position| self.head.0.saturating_sub(position.0))
    }
}

/// A session to send from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub session: SessionId,
    pub position: Option<Seq>,
    pub patient: Option<PatientId>,
    /// Events to send at a time. One after a failure, so that it is known which event it is that fails, and from there
    /// twice as many each time: it may be that together they are too large.
    pub window: usize,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worked {
    pub session: SessionId,
    pub position: Option<Seq>,
    pub patient: Option<PatientId>,
    /// Whether everything up to `position` is sent; otherwise what is beyond it has to be sent again.
    pub sent: bool,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: HashMap<SessionId, Entry>,
    queue: VecDeque<SessionId>,
    /// Events left in sessions that are not known here.
    beyond: u64,
    scan: bool,
}

impl Ledger {
    /// The session's newest event is this.
    pub(super) fn appended(&mut self, session: SessionId, head: Seq) {
        if let Some(entry) = self.known.get_mut(&session) {
            entry.head = entry.head.max(head);
            if entry.state == State::CaughtUp {
                entry.state = State::Queued;
                self.queue.push_back(session);
            }
            return;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.retain(|_, entry| entry.state != State::CaughtUp);
        }
        if self.known.len() >= MAX_KNOWN {
            self.beyond += 1;
            self.scan = true;
            return;
        }
        self.learn(session, Entry::queued(None, None, head));
    }

    /// Something was appended that was not told.
    pub(super) fn missed(&mut self) {
        self.scan = true;
    }

    /// What the log says is left.
    pub(super) fn found(&mut self, backlog: Backlog) {
        self.scan = false;
        let mut listed = 0;
        for standing in backlog.sessions {
            listed += standing.head.0.saturating_sub(standing.position.0);
            if let Some(entry) = self.known.get_mut(&standing.session) {
                entry.head = entry.head.max(standing.head);
                if entry.state == State::CaughtUp && entry.left() > 0 {
                    entry.state = State::Queued;
                    self.queue.push_back(standing.session);
                }
            } else if self.known.len() < MAX_KNOWN {
                let entry = Entry::queued(Some(standing.position), Some(standing.patient), standing.head);
                self.learn(standing.session, entry);
            }
        }
        self.beyond = backlog.events.saturating_sub(listed);
    }

    /// Whether the log has to be asked what is left.
    pub(super) fn wants_scan(&self) -> bool {
        self.scan || (self.beyond > 0 && self.queue.is_empty())
    }

    /// Sessions that have waited long enough after a failure are due again.
    pub(super) fn wake(&mut self, now: Instant) {
        for (session, entry) in &mut self.known {
            if matches!(entry.state, State::Waiting(until) if until <= now) {
                entry.state = State::Queued;
                self.queue.push_back(*session);
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<Job> {
        let session = self.queue.pop_front()?;
        let entry = self.known.get_mut(&session)?;
        entry.state = State::Working;
        Some(Job { session, position: entry.position, patient: entry.patient.clone(), window: entry.window })
    }

    pub(super) fn worked(&mut self, worked: Worked, now: Instant) {
        let Some(entry) = self.known.get_mut(&worked.session) else { return };
        let moved = worked.position > entry.position && entry.position.is_some();
        entry.position = worked.position.or(entry.position);
        entry.patient = worked.patient.or(entry.patient.take());
        if moved {
            entry.failures = 0;
        }
        if !worked.sent {
            let wait = FIRST_WAIT.saturating_mul(1 << entry.failures.min(10)).min(LONGEST_WAIT);
            entry.failures += 1;
            entry.window = 1;
            entry.state = State::Waiting(now + wait);
            return;
        }
        entry.failures = 0;
        entry.window = (entry.window * 2).min(WINDOW);
        entry.state = State::CaughtUp;
        if entry.left() > 0 {
            entry.state = State::Queued;
            self.queue.push_back(worked.session);
        }
    }

    /// Events left to send.
    pub(super) fn left(&self) -> u64 {
        self.beyond + self.known.values().map(Entry::left).sum::<u64>()
    }

    fn learn(&mut self, session: SessionId, entry: Entry) {
        self.known.insert(session, entry);
        self.queue.push_back(session);
    }
}

#[cfg(test)]
mod tests;
