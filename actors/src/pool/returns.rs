//! How many of those just answered ask again, and how soon. Pure.
//!
//! Clients on a busy machine do not come back one by one but in bursts, with pauses between them as long as a thread of
//! theirs waits for a processor. A pause says little then: what counts is how many are still to come.

use super::{gather::LEARNING, service::ServiceModel};
use std::time::{Duration, Instant};

/// So many of a batch's clients are waited for: the last of them may have gone.
const MOST: f64 = 0.95;

/// How much longer than usual they may take.
const SLACK: f64 = 1.25;

/// Those answered last.
#[derive(Debug, Clone, Copy)]
struct Round {
    answered: Instant,
    size: usize,
    came: usize,
    /// When the last of those came that are worth waiting for.
    last: Instant,
    /// Who comes later is no one who came back.
    until: Instant,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Returns {
    round: Option<Round>,
    /// How many came back of each one answered, 0 to 1.
    share: f64,
    /// Within which time nearly all of them did.
    window: Duration,
}

impl Returns {
    /// A batch of this size is answered, which took some time to run.
    pub(super) fn answered(&mut self, size: usize, now: Instant, service: &ServiceModel) {
        if let Some(round) = self.round.take() {
            let share = (round.came as f64 / round.size as f64).min(1.0);
            self.share += (share - self.share) * LEARNING;
            let window = round.last.saturating_duration_since(round.answered);
            self.window = self.window.mul_f64(1.0 - LEARNING) + window.mul_f64(LEARNING);
        }
        // Longer than half a batch nobody waits: by then it is better to run with those who are there.
        let until = now + service.expected(size) / 2;
        self.round = (size > 0).then_some(Round { answered: now, size, came: 0, last: now, until });
    }

    pub(super) fn arrived(&mut self, now: Instant) {
        let Some(round) = self.round.as_mut().filter(|round| now <= round.until) else { return };
        round.came += 1;
        if round.came as f64 <= round.size as f64 * MOST {
            round.last = now;
        }
    }

    /// Until when those who are still to come are worth waiting for, as of `now`, where another request is worth
    /// `patience`. `None`: they are not.
    pub(super) fn worth(&self, now: Instant, patience: Duration) -> Option<Instant> {
        let round = self.round.as_ref()?;
        let missing = round.size as f64 * self.share.min(MOST) - round.came as f64;
        let until = round.answered + self.window.mul_f64(SLACK);
        if missing < 1.0 || until <= now {
            return None;
        }
        (patience.mul_f64(missing) >= until - now).then_some(until.min(round.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn service() -> ServiceModel {
        let mut service = ServiceModel::default();
        (1..=64).for_each(|size: u32| service.observe(size as usize, 5 * MS + size * MS / 10));
        service
    }

    /// Fifty batches of 40, after each of which so many ask again, half of them after one and half after two.
    fn learnt(half: usize, one: Duration, two: Duration) -> (Returns, Instant) {
        let (mut returns, mut now) = (Returns::default(), Instant::now());
        for _ in 0..50 {
            returns.answered(40, now, &service());
            (0..half).for_each(|_| returns.arrived(now + one));
            (0..half).for_each(|_| returns.arrived(now + two));
            now += 20 * MS;
        }
        returns.answered(40, now, &service());
        (returns, now)
    }

    #[test]
    fn a_second_burst_is_waited_for_when_it_usually_comes() {
        let (mut returns, now) = learnt(20, MS / 2, 2 * MS);
        (0..20).for_each(|_| returns.arrived(now + MS / 2));
        let until = returns.worth(now + MS / 2, MS / 4).expect("worth it");
        assert!(until >= now + 2 * MS && until <= now + 5 * MS / 2, "{:?}", until - now);
        (0..19).for_each(|_| returns.arrived(now + 2 * MS));
        assert_eq!(returns.worth(now + 2 * MS, MS / 4), None, "nearly all are there");
    }

    #[test]
    fn those_who_do_not_come_back_are_not_waited_for() {
        let (returns, now) = learnt(0, MS, MS);
        assert_eq!(returns.worth(now, MS), None);
        let (returns, now) = learnt(1, MS, 3 * MS);
        assert_eq!(returns.worth(now, MS / 10), None, "two are not worth 4 ms");
    }

    #[test]
    fn a_burst_that_does_not_come_costs_no_more_than_a_little_over_its_time() {
        let (returns, now) = learnt(20, MS, 2 * MS);
        let until = returns.worth(now, MS / 4).expect("worth it");
        assert!(until <= now + 5 * MS / 2);
        assert_eq!(returns.worth(until, MS / 4), None);
    }

    #[test]
    fn who_comes_after_half_a_batch_has_not_come_back() {
        let (returns, now) = learnt(20, 6 * MS, 7 * MS);
        assert_eq!(returns.worth(now, MS), None);
    }
}
