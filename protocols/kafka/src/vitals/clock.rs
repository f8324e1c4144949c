//! When offsets are committed. Pure.

use std::time::{Duration, Instant};

/// When a commit is due.
pub(super) struct CommitClock {
    interval: Duration,
    last: Instant,
    /// Since when an answer is awaited.
    asked: Option<Instant>,
}

/// How long an answer to a commit may take before it is asked for again.
const ANSWER: Duration = Duration::from_secs(30);

impl CommitClock {
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, last: now, asked: None }
    }

    pub(super) fn is_due(&self, now: Instant, urgent: bool) -> bool {
        self.asked.is_none() && (urgent || now.duration_since(self.last) >= self.interval)
    }

    pub(super) fn asked(&mut self, now: Instant) {
        (self.last, self.asked) = (now, Some(now));
    }

    pub(super) fn answered(&mut self) {
        self.asked = None;
    }

    /// Whether an answer is overdue.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now.duration_since(asked) > ANSWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_due_by_the_clock_or_when_something_waits_for_it() {
        let start = Instant::now();
        let mut clock = CommitClock::new(Duration::from_secs(5), start);
        assert!(!clock.is_due(start, false) && clock.is_due(start, true));
        let later = start + Duration::from_secs(5);
        assert!(clock.is_due(later, false));
        clock.asked(later);
        assert!(!clock.is_due(later + Duration::from_secs(9), true), "one at a time");
        assert!(clock.is_overdue(later + ANSWER + Duration::from_secs(1)));
        clock.answered();
        assert!(clock.is_due(later + Duration::from_secs(5), false));
    }
}
