//! How often something may be done for one session, so that a sender that floods it takes nothing from the others.

use std::time::Duration;
use tokio::time::Instant;

/// So many times at once, and from then on once every so often: the generic cell rate algorithm.
pub(super) struct Ration {
    every: Duration,
    burst: u32,
    /// When everything that was taken will have been paid back.
    paid_at: Option<Instant>,
}

impl Ration {
    pub(super) const fn new(every: Duration, burst: u32) -> Self {
        Self { every, burst, paid_at: None }
    }

    /// How many may be taken at once.
    pub(super) fn left(&self, now: Instant) -> u32 {
        let owed = self.paid_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let free = (self.every * self.burst).saturating_sub(owed);
        (free.as_nanos() / self.every.as_nanos().max(1)) as u32
    }

    /// When there is one to be taken; `None` where there is one already.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let ahead = self.every * self.burst.saturating_sub(1);
        self.paid_at?.checked_sub(ahead).filter(|at| *at > now)
    }

    pub(super) fn take(&mut self, count: u32, now: Instant) {
        self.paid_at = Some(self.paid_at.map_or(now, |at| at.max(now)) + self.every * count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a flood are let through from `start` on, each as soon as it may be.
    fn let_through(ration: &mut Ration, start: Instant, within: Duration) -> usize {
        let (mut now, mut count) = (start, 0);
        loop {
            now = ration.next(now).unwrap_or(now);
            if now - start >= within {
                return count;
            }
            assert!(ration.left(now) > 0);
            ration.take(1, now);
            count += 1;
        }
    }

    #[test]
    fn a_flood_gets_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut ration = Ration::new(Duration::from_millis(200), 5);
        assert_eq!(let_through(&mut ration, start, Duration::from_millis(1)), 5);
        assert_eq!(let_through(&mut ration, start + Duration::from_millis(1), Duration::from_secs(10)), 50);
    }

    #[test]
    fn who_keeps_to_the_rate_never_waits() {
        let start = Instant::now();
        let mut ration = Ration::new(Duration::from_secs(1), 1);
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            assert_eq!((ration.next(now), ration.left(now)), (None, 1));
            ration.take(1, now);
            assert_eq!((ration.next(now), ration.left(now)), (Some(now + Duration::from_secs(1)), 0));
        }
    }
}
