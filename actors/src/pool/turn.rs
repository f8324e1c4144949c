//! When a worker's turn comes, and what it takes then.

use super::{
    gather::{Waiting, is_too_late},
    precedence::{MOST_GIVEN_UP, Member, Running},
    request::{Served, Work},
    scheduler::{Class, Entry, Meta, Open, Step, Taken},
    state::{State, WorkOf},
};
use healthsync_models::{Model, Preempt};
use std::time::{Duration, Instant};

/// When a worker may take what waits.
pub(super) enum Ready {
    Now,
    /// Company may come until then.
    Held(Instant),
    /// Not before something changes, or then.
    Asleep(Option<Instant>),
}

impl<M: Model> State<M> {
    /// Until when what waits is held for company. Whether some came in time is remembered.
    fn hold_until(&mut self, waiting: Waiting) -> Instant {
        self.gather.consider(waiting, self.free_since, &self.service);
        self.gather.hold_until(waiting, self.free_since, &self.settings, &self.service)
    }

    /// Whether who sleeps or holds does so for longer than what waits by now should be held.
    pub(super) fn is_held_too_long(&mut self) -> bool {
        if self.settings.tuning.latency_target.is_none() && self.holding == 0 {
            return true;
        }
        let Some(waiting) = self.scheduler.waiting(Open::All) else { return false };
        let until = self.hold_until(waiting);
        self.holding == 0 || is_too_late(self.held_until, until, Instant::now())
    }

    /// How long one request of the background is expected to take.
    pub(super) fn background_takes(&self) -> Duration {
        let known = if self.background.is_known() { &self.background } else { &self.service };
        known.expected(1)
    }

    /// A worker has nothing under way.
    pub(super) fn rest(&mut self, id: u64) {
        if let Some(worker) = self.workers.get_mut(&id)
            && worker.busy.take().is_some()
        {
            self.free_since = Instant::now();
        }
    }

    /// Whether a worker is not wanted any more. It is forgotten then.
    pub(super) fn dismissed(&mut self, id: u64) -> bool {
        let wanted = self.workers.get(&id).is_some_and(|worker| !worker.retiring) && !self.closed;
        if !wanted {
            self.workers.remove(&id);
        }
        !wanted
    }

    pub(super) fn ready(&mut self, member: &Member, version: u64) -> Ready {
        if !self.may_take(version) {
            return Ready::Asleep(None);
        }
        let (now, background) = (Instant::now(), self.scheduler.background());
        let (mut open, mut again) = (Open::All, None);
        if let Some(background) = background {
            let expected = self.background_takes();
            let permit = member.ask(|gate, pool| gate.permit(pool, background.due, expected, now));
            let late = background.late.filter(|late| *late > now);
            (open, again) = (permit.open, permit.again.into_iter().chain(late).min());
        }
        match self.scheduler.step(&self.settings, open) {
            // Who waits for an answer is told that it is late, though nothing is taken.
            Step::Idle if background.and_then(|background| background.late).is_some_and(|late| late <= now) => {
                Ready::Now
            }
            Step::Idle => Ready::Asleep(again),
            Step::Take => Ready::Now,
            Step::Hold => {
                let Some(waiting) = self.scheduler.waiting(open) else { return Ready::Asleep(again) };
                let until = self.hold_until(waiting);
                if until <= now { Ready::Now } else { Ready::Held(again.map_or(until, |again| again.min(until))) }
            }
        }
    }

    /// Takes the next batch for a worker, with what stands for it while it runs if it is of the background. `preempt`:
    /// by which it may be asked to make way.
    pub(super) fn take_batch(
        &mut self,
        member: &Member,
        worker: u64,
        preempt: Option<&Preempt>,
        now: Instant,
        most: usize,
    ) -> (Taken<WorkOf<M>>, Option<Running>) {
        // The worker's last batch is over: nobody asks before this one begins.
        preempt.into_iter().for_each(Preempt::forget);
        let target = self.settings.tuning.latency_target;
        let most = target.map_or(most, |target| most.min(self.service.size_within(target)));
        let Some(background) = self.scheduler.background() else {
            return (self.scheduler.take(now, &self.settings, most, Open::All), None);
        };
        let expected = self.background_takes();
        // Whatever urgent comes, it comes before this or finds the batch under way.
        member.ask(|gate, pool| {
            let open = gate.permit(pool, background.due, expected, now).open;
            let taken = self.scheduler.take(now, &self.settings, most, open);
            let is_background = |meta: &Meta| meta.class == Class::Background;
            let metas = || taken.batch.iter().map(|entry| &entry.meta);
            let may_yield = metas().all(|meta| is_background(meta) && meta.given_up < MOST_GIVEN_UP);
            let running = match preempt {
                _ if !metas().any(is_background) => None,
                _ if open == Open::Overdue => {
                    gate.begins_overdue((pool, worker), now);
                    Some(member.running(worker, None))
                }
                Some(preempt) if may_yield => {
                    gate.begins_yielding((pool, worker), preempt);
                    // Who need only wait has not made way when it is done.
                    Some(member.running(worker, Some(preempt.clone()).filter(|preempt| !preempt.pauses())))
                }
                _ => None,
            };
            (taken, running)
        })
    }

    /// Writes down that a worker has these under way, by the keys that it gives for their inputs.
    pub(super) fn begin(
        &mut self,
        id: u64,
        now: Instant,
        batch: Vec<Entry<WorkOf<M>>>,
        mut key_of: impl FnMut(M::Input) -> u64,
    ) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if batch.is_empty() {
            return;
        }
        worker.busy = Some(now);
        worker.batches += 1;
        let (version, size) = (worker.version, batch.len());
        for Entry { meta, work: Work { input, pending } } in batch {
            worker.served.push((key_of(input), Served { meta, pending }));
        }
        self.versions.took(version, size);
    }
}
