//! Whether to wait for company. Pure.
//!
//! Gathering is foraging: whoever stays in a place as long as more comes in there than on average overall, brings home
//! the most (the marginal value theorem: Charnov, Theoretical Population Biology 9, 1976). Here a batch of `n` yields `n`
//! answers for the time the model takes; another request is worth waiting for while it is expected sooner than an
//! answer is made on average, and the wait is over when that much time has passed without one. So clients that ask again
//! as soon as they are answered end up in one batch, after some batches of any sizes, and nobody tells it how many they
//! are.
//!
//! Where those just answered come back in bursts, the same is weighed for all who are still to come together (see
//! [`Returns`]).
//!
//! Whoever asks alone would wait for nobody, and eight clients for a ninth. So it is remembered, for each number waiting,
//! whether one more came in that time, waited for or not, and requests are held only where it mostly did.
//!
//! All of that is weighed anew with every request that comes. Yet who holds them is woken only where it should let go by
//! now, or would hold them for twice as long as it should from now on: the second of many comes sooner than a thread
//! wakes.

use super::{returns::Returns, service::ServiceModel, settings::Settings};
use std::time::{Duration, Instant};

/// How much the newest experience counts among those before.
pub(super) const LEARNING: f64 = 0.125;

/// What the queue looks like to whoever decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub count: usize,
    pub oldest: Instant,
    pub newest: Instant,
    /// The earliest moment from which one of them would not be worth answering.
    pub deadline: Option<Instant>,
}

/// Numbers waiting that are told apart; more count as this many.
const COUNTS: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Gather {
    /// How often one more came when it would have been waited for, 0 to 1, by how many waited.
    company: [f64; COUNTS],
    /// How many wait, and until when the next arrival counts as company.
    watch: Option<(usize, Instant)>,
    /// When a batch was last answered, until the next request comes.
    answered: Option<Instant>,
    /// How long after an answer the next request comes, if it comes sooner than a batch takes.
    returning: Duration,
    returns: Returns,
}

impl Default for Gather {
    fn default() -> Self {
        Self {
            company: [0.5; COUNTS],
            watch: None,
            answered: None,
            returning: Duration::ZERO,
            returns: Returns::default(),
        }
    }
}

impl Gather {
    pub(super) fn arrived(&mut self, now: Instant, service: &ServiceModel) {
        self.returns.arrived(now);
        if let Some(answered) = self.answered.take() {
            let gap = now.saturating_duration_since(answered);
            if gap < service.expected(1) {
                self.returning = self.returning.mul_f64(1.0 - LEARNING) + gap.mul_f64(LEARNING);
            }
        }
        let Some((count, until)) = self.watch.take() else { return };
        let came = if now <= until { 1.0 } else { 0.0 };
        let company = &mut self.company[place(count)];
        *company += (came - *company) * LEARNING;
    }

    /// So many were answered at once.
    pub(super) fn answered(&mut self, size: usize, now: Instant, service: &ServiceModel) {
        self.answered = Some(now);
        self.returns.answered(size, now, service);
    }

    /// An instance is free, and it is weighed whether to wait for one more, whether or not it is then done.
    pub(super) fn consider(&mut self, waiting: Waiting, free: Instant, service: &ServiceModel) {
        if self.watch.is_none_or(|(count, _)| count != waiting.count) {
            self.watch = Some((waiting.count, self.enough(waiting, free, service)));
        }
    }

    /// Until when those who wait should be held; a moment that has passed: not at all. `free`: since when an instance
    /// could have taken them.
    pub(super) fn hold_until(
        &self,
        waiting: Waiting,
        free: Instant,
        settings: &Settings,
        service: &ServiceModel,
    ) -> Instant {
        let until = match settings.tuning.latency_target {
            None => waiting.oldest + settings.max_queue_delay,
            Some(target) => self.adaptive(waiting, free, target, service),
        };
        // Company must not cost the answer.
        let latest = waiting.deadline.map(|deadline| before(deadline, service.at_most(waiting.count + 1)));
        latest.map_or(until, |latest| until.min(latest))
    }

    fn adaptive(&self, waiting: Waiting, free: Instant, target: Duration, service: &ServiceModel) -> Instant {
        if self.company[place(waiting.count)] < 0.5 || !service.is_known() {
            return waiting.oldest;
        }
        let enough = self.enough(waiting, free, service);
        enough.min(before(waiting.oldest + target, service.at_most(waiting.count + 1)))
    }

    /// Until when the next request may come. Those just answered need some time to ask again.
    fn enough(&self, waiting: Waiting, free: Instant, service: &ServiceModel) -> Instant {
        let patience = patience(waiting.count, service);
        let since = waiting.newest.max(free);
        let next = if waiting.newest > free {
            patience
        } else {
            patience.max((self.returning * 2).min(service.expected(0) / 2))
        };
        let all = self.returns.worth(since, patience);
        all.map_or(since + next, |all| all.max(since + next))
    }
}

/// Whether who holds until `held` is to be told that `until` is enough.
pub(super) fn is_too_late(held: Instant, until: Instant, now: Instant) -> bool {
    let left = |moment: Instant| moment.saturating_duration_since(now);
    until < held && left(until) * 2 <= left(held)
}

fn place(count: usize) -> usize {
    count.clamp(1, COUNTS) - 1
}

/// How long the next request may take to come: as long as the model would spend on each with one more.
fn patience(count: usize, service: &ServiceModel) -> Duration {
    let count = count.max(1);
    service.expected(count) / (count as u32 + 1)
}

fn before(moment: Instant, by: Duration) -> Instant {
    moment.checked_sub(by).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{PoolConfig, Tuning};

    const MS: Duration = Duration::from_millis(1);

    fn settings(target: Option<Duration>) -> Settings {
        let tuning = Tuning { latency_target: target, ..Tuning::default() };
        Settings::of(&PoolConfig { max_batch: 64, max_queue_delay: 2 * MS, tuning, ..PoolConfig::default() })
    }

    /// 5 ms and a tenth for each.
    fn service() -> ServiceModel {
        let mut service = ServiceModel::default();
        (1..=64).for_each(|size: u32| service.observe(size as usize, 5 * MS + size * MS / 10));
        service
    }

    fn waiting(count: usize, oldest: Instant) -> Waiting {
        Waiting { count, oldest, newest: oldest, deadline: None }
    }

    #[test]
    fn a_fixed_delay_counts_from_the_oldest_arrival() {
        let start = Instant::now();
        let until = Gather::default().hold_until(waiting(1, start), start, &settings(None), &service());
        assert_eq!(until, start + 2 * MS);
    }

    #[test]
    fn nobody_is_held_until_their_answer_is_worth_nothing() {
        let start = Instant::now();
        let waiting = Waiting { deadline: Some(start + 6 * MS), ..waiting(1, start) };
        let until = Gather::default().hold_until(waiting, start, &settings(None), &service());
        assert!(until < start + MS, "{:?}", until.duration_since(start));
    }

    #[test]
    fn the_more_wait_the_sooner_they_go_after_the_last_arrival() {
        let start = Instant::now();
        let held = |count| {
            let until =
                Gather::default().hold_until(waiting(count, start), start, &settings(Some(50 * MS)), &service());
            until.duration_since(start)
        };
        assert!(held(1) > 2 * MS && held(1) < 3 * MS, "{:?}", held(1));
        assert!(held(32) > MS / 5 && held(32) < MS / 3, "{:?}", held(32));
    }

    #[test]
    fn nobody_is_held_beyond_the_latency_target() {
        let start = Instant::now();
        let target = 8 * MS;
        let late = Waiting { oldest: start, newest: start + 2 * MS, ..waiting(2, start) };
        let until = Gather::default().hold_until(late, start, &settings(Some(target)), &service());
        assert!(until + service().expected(3) <= start + target);
    }

    #[test]
    fn who_asks_alone_is_not_held_after_a_while_and_is_again_when_others_come() {
        let mut gather = Gather::default();
        let (service, mut now) = (service(), Instant::now());
        let holds =
            |gather: &Gather, now| gather.hold_until(waiting(1, now), now, &settings(Some(50 * MS)), &service) > now;
        assert!(holds(&gather, now));
        for _ in 0..8 {
            gather.consider(waiting(1, now), now, &service);
            now += 6 * MS;
            gather.arrived(now, &service);
        }
        assert!(!holds(&gather, now));
        for _ in 0..8 {
            gather.consider(waiting(1, now), now, &service);
            gather.arrived(now + MS, &service);
            now += 6 * MS;
        }
        assert!(holds(&gather, now));
    }

    #[test]
    fn those_just_answered_are_given_the_time_they_need_to_ask_again() {
        let (mut gather, service, mut now) = (Gather::default(), service(), Instant::now());
        for _ in 0..30 {
            gather.answered(1, now, &service);
            gather.arrived(now + MS, &service);
            now += 10 * MS;
        }
        let until = gather.hold_until(waiting(32, now), now, &settings(Some(50 * MS)), &service);
        assert!(until > now + MS && until <= now + 5 * MS / 2 + MS / 10, "{:?}", until.duration_since(now));
    }
}
