//! When background requests may be served beside what is urgent, in whichever pool that is. Pure: `now` is told.
//!
//! Urgent is every class but the background. In the way is a pool's own background, and that of a pool it shares cores
//! with where there are fewer of these than all pools want. Beside urgent requests that wait or run there,
//!
//! 1. no batch of background requests begins, nor until it has been quiet for as long as one is expected to take: what has
//!    been quiet for so long will be as long again, every second time at least (the chance that something goes on for as long
//!    again as it has is one half, where nothing else is known of it: Gott, Nature 363, 1993);
//! 2. one that runs is asked to make way. A request makes way [`MOST_GIVEN_UP`] times at most, after which it runs to
//!    the end: of those that began after a quiet, fewer than one in 20 come to that, and a 95th percentile of the urgent
//!    does not see them;
//! 3. but one batch of all pools may begin with a background request that is overdue, and runs to the end. After it comes
//!    a rest [`REST`] times as long, so that such batches have 1/32 of the time: again too few for that percentile, and
//!    still nothing waits for ever.
//!
//! Background on idle threads gets a core only while nothing else wants it, and costs the urgent the little that moving
//! threads on and off a core does. So it begins as soon as nothing urgent is there, and need not give up what it has done:
//! asked to make way, it waits until nothing urgent is there any more.

use crate::pool::scheduler::Open;
use healthsync_models::Preempt;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Times a request may have to make way.
pub(in crate::pool) const MOST_GIVEN_UP: u32 = 5;

/// How long nothing that is overdue begins against what is urgent, in times of what the last one took.
pub(in crate::pool) const REST: u32 = 31;

#[derive(Debug)]
pub(in crate::pool) struct Gate {
    cores: usize,
    pools: BTreeMap<u64, Place>,
    next: u64,
    /// Batches that may be asked to make way.
    yielding: Vec<(Batch, Preempt)>,
    /// The batch that began because something in it was overdue, and when.
    overdue: Option<(Batch, Instant)>,
    /// Until when no other one does.
    rests_until: Option<Instant>,
}

/// A pool and its worker.
type Batch = (u64, u64);

#[derive(Debug)]
struct Place {
    /// Cores its threads are kept on; none: any.
    cores: Vec<usize>,
    /// Threads its instances would use in all; 0: it is not known.
    threads: usize,
    /// It has threads that yield to everything.
    idle: bool,
    urgent: usize,
    /// Since when there is nothing urgent; `None`: there never was.
    quiet_since: Option<Instant>,
    /// Something waits for what only others can bring about.
    waits: bool,
}

/// What may be taken, and when that may be more by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) struct Permit {
    pub open: Open,
    pub again: Option<Instant>,
}

impl Gate {
    pub(in crate::pool) fn new(cores: usize) -> Self {
        Self { cores, pools: BTreeMap::new(), next: 0, yielding: Vec::new(), overdue: None, rests_until: None }
    }

    pub(in crate::pool) fn enter(&mut self, cores: Vec<usize>, threads: usize, idle: bool) -> u64 {
        self.next += 1;
        self.pools.insert(self.next, Place { cores, threads, idle, urgent: 0, quiet_since: None, waits: false });
        self.next
    }

    pub(in crate::pool) fn leave(&mut self, pool: u64) {
        self.pools.remove(&pool);
        self.yielding.retain(|((of, _), _)| *of != pool);
        self.overdue.take_if(|((of, _), _)| *of == pool);
        self.resume();
    }

    fn is_idle(&self, pool: u64) -> bool {
        self.pools.get(&pool).is_some_and(|place| place.idle)
    }

    /// Whether urgent requests of one pool and background ones of another are in each other's way.
    fn conflict(&self, one: u64, other: u64) -> bool {
        if one == other {
            return true;
        }
        let (Some(a), Some(b)) = (self.pools.get(&one), self.pools.get(&other)) else { return false };
        let apart = !a.cores.is_empty() && !b.cores.is_empty() && !a.cores.iter().any(|core| b.cores.contains(core));
        let wanted = |place: &Place| if place.threads == 0 { self.cores } else { place.threads };
        !apart && self.pools.values().map(wanted).sum::<usize>() > self.cores
    }

    /// An urgent request has come. Those in its way are asked to make way.
    pub(in crate::pool) fn came(&mut self, pool: u64) {
        if let Some(place) = self.pools.get_mut(&pool) {
            place.urgent += 1;
        }
        let in_the_way = self.yielding.iter().filter(|((of, _), _)| self.conflict(pool, *of));
        in_the_way.for_each(|(_, preempt)| preempt.ask());
    }

    /// An urgent request is over, however it ended. `true`: it was the last one there.
    pub(in crate::pool) fn went(&mut self, pool: u64, now: Instant) -> bool {
        let Some(place) = self.pools.get_mut(&pool).filter(|place| place.urgent > 0) else { return false };
        place.urgent -= 1;
        if place.urgent > 0 {
            return false;
        }
        place.quiet_since = Some(now);
        self.resume();
        true
    }

    /// Those that wait for what is urgent may go on where there is nothing any more.
    fn resume(&self) {
        let is_urgent = |of: u64| self.pools.iter().any(|(pool, place)| place.urgent > 0 && self.conflict(*pool, of));
        let waiting = self.yielding.iter().filter(|((of, _), _)| !is_urgent(*of));
        waiting.for_each(|(_, preempt)| preempt.resume());
    }

    /// Pools in which something waits for what others bring about; they are to look again.
    pub(in crate::pool) fn waiting(&mut self) -> Vec<u64> {
        let waiting = |(pool, place): (&u64, &mut Place)| std::mem::take(&mut place.waits).then_some(*pool);
        self.pools.iter_mut().filter_map(waiting).collect()
    }

    /// What a pool may take in which background requests wait. `due`: when the first of those is that are never dropped;
    /// `expected`: how long one takes.
    pub(in crate::pool) fn permit(
        &mut self,
        pool: u64,
        due: Option<Instant>,
        expected: Duration,
        now: Instant,
    ) -> Permit {
        // While one is under way, the next one's time is not known.
        let turn =
            due.filter(|_| self.overdue.is_none()).map(|due| self.rests_until.map_or(due, |until| due.max(until)));
        if turn.is_some_and(|turn| turn <= now) {
            return Permit { open: Open::Overdue, again: None };
        }
        let beside = || self.pools.iter().filter(|(of, _)| self.conflict(**of, pool)).map(|(_, place)| place);
        let is_quiet = beside().all(|place| place.urgent == 0);
        let quiet_for = if self.is_idle(pool) { Duration::ZERO } else { expected };
        let quiet_from = beside().filter_map(|place| place.quiet_since).max().map(|since| since + quiet_for);
        if is_quiet && quiet_from.is_none_or(|from| from <= now) {
            return Permit { open: Open::All, again: None };
        }
        let again = quiet_from.filter(|_| is_quiet).into_iter().chain(turn).min();
        if let Some(place) = self.pools.get_mut(&pool) {
            place.waits = true;
        }
        Permit { open: Open::Urgent, again }
    }

    /// A batch begins that may be asked to make way.
    pub(in crate::pool) fn begins_yielding(&mut self, batch: Batch, preempt: &Preempt) {
        self.yielding.push((batch, preempt.clone()));
    }

    /// A batch begins because something in it is overdue.
    pub(in crate::pool) fn begins_overdue(&mut self, batch: Batch, now: Instant) {
        self.overdue = Some((batch, now));
    }

    /// A batch is over. `true`: another one that is overdue may begin, some time later.
    pub(in crate::pool) fn ended(&mut self, batch: Batch, now: Instant) -> bool {
        self.yielding.retain(|(of, _)| *of != batch);
        let Some((_, began)) = self.overdue.take_if(|(of, _)| *of == batch) else { return false };
        self.rests_until = Some(now + now.saturating_duration_since(began) * REST);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn open(gate: &mut Gate, pool: u64, now: Instant) -> Open {
        gate.permit(pool, None, 10 * MS, now).open
    }

    #[test]
    fn background_waits_for_what_is_urgent_anywhere_and_then_for_as_long_as_it_takes() {
        let now = Instant::now();
        let mut gate = Gate::new(2);
        let (speech, texts) = (gate.enter(Vec::new(), 2, false), gate.enter(Vec::new(), 1, false));
        assert_eq!(open(&mut gate, texts, now), Open::All, "there was never anything urgent");
        gate.came(speech);
        assert_eq!([speech, texts].map(|pool| open(&mut gate, pool, now)), [Open::Urgent; 2]);
        gate.came(speech);
        assert!(!gate.went(speech, now), "another one is still there");
        assert!(gate.went(speech, now + MS));
        assert_eq!(gate.waiting(), [speech, texts]);
        assert_eq!(gate.waiting(), [0; 0], "they were told");
        let permit = gate.permit(texts, None, 10 * MS, now + 2 * MS);
        assert_eq!(permit, Permit { open: Open::Urgent, again: Some(now + 11 * MS) });
        assert_eq!(open(&mut gate, texts, now + 11 * MS), Open::All);
    }

    #[test]
    fn pools_that_have_cores_of_their_own_or_enough_for_all_are_not_in_each_others_way() {
        let now = Instant::now();
        let beside = |cores, places: [(Vec<usize>, usize); 2]| {
            let mut gate = Gate::new(cores);
            let [urgent, other] = places.map(|(cores, threads)| gate.enter(cores, threads, false));
            gate.came(urgent);
            open(&mut gate, other, now)
        };
        assert_eq!(beside(4, [(vec![0, 1], 4), (vec![2, 3], 4)]), Open::All);
        assert_eq!(beside(4, [(vec![0, 1], 4), (vec![1, 2], 4)]), Open::Urgent);
        assert_eq!(beside(8, [(Vec::new(), 4), (Vec::new(), 4)]), Open::All);
        assert_eq!(beside(8, [(Vec::new(), 4), (Vec::new(), 0)]), Open::Urgent, "it may want them all");
    }

    #[test]
    fn what_runs_is_asked_to_make_way_if_it_is_in_the_way_and_its_successor_is_not() {
        let mut gate = Gate::new(2);
        let [speech, texts, apart] = [vec![0], vec![0], vec![1]].map(|cores| gate.enter(cores, 2, false));
        let [first, second] = [texts, apart].map(|pool| {
            let preempt = Preempt::default();
            gate.begins_yielding((pool, 1), &preempt);
            preempt
        });
        gate.came(speech);
        assert_eq!((first.is_asked(), second.is_asked()), (true, false));
        assert!(!gate.ended((texts, 1), Instant::now()));
        first.forget();
        gate.came(speech);
        assert!(!first.is_asked(), "it is over");
    }

    #[test]
    fn on_idle_threads_it_begins_as_soon_as_nothing_urgent_is_there() {
        let now = Instant::now();
        let mut gate = Gate::new(2);
        let (speech, texts) = (gate.enter(Vec::new(), 2, false), gate.enter(Vec::new(), 1, true));
        gate.came(speech);
        assert_eq!(open(&mut gate, texts, now), Open::Urgent);
        assert!(gate.went(speech, now));
        assert_eq!(open(&mut gate, texts, now), Open::All);
    }

    #[test]
    fn who_need_only_wait_goes_on_when_nothing_urgent_is_there_any_more_and_who_gives_up_is_not_untold() {
        let asked = |gone: &dyn Fn(&mut Gate, u64)| {
            let mut gate = Gate::new(2);
            let [speech, alarms, texts] = [2, 2, 1].map(|threads| gate.enter(Vec::new(), threads, false));
            let (pausing, stopping) = (Preempt::pausing(MS), Preempt::default());
            gate.begins_yielding((texts, 1), &pausing);
            gate.begins_yielding((texts, 2), &stopping);
            gate.came(speech);
            gate.came(alarms);
            gate.went(alarms, Instant::now());
            assert!(pausing.is_pending() && stopping.is_asked());
            gone(&mut gate, speech);
            [pausing.is_pending(), stopping.is_asked()]
        };
        assert_eq!(asked(&|gate, speech| _ = gate.went(speech, Instant::now())), [false, true]);
        assert_eq!(asked(&|gate, speech| gate.leave(speech)), [false, true], "with its pool");
    }

    #[test]
    fn one_that_is_overdue_goes_at_a_time_and_the_next_after_a_rest() {
        let start = Instant::now();
        let at = |ms| start + ms * MS;
        let mut gate = Gate::new(2);
        let pools = [gate.enter(Vec::new(), 2, false), gate.enter(Vec::new(), 1, false)];
        gate.came(pools[0]);
        let permit = |gate: &mut Gate, pool, ms| gate.permit(pool, Some(at(50)), MS, at(ms));
        assert_eq!(permit(&mut gate, pools[1], 0), Permit { open: Open::Urgent, again: Some(at(50)) });
        assert_eq!(permit(&mut gate, pools[1], 50).open, Open::Overdue);
        gate.begins_overdue((pools[1], 7), at(50));
        assert_eq!(permit(&mut gate, pools[0], 51), Permit { open: Open::Urgent, again: None });
        assert!(!gate.ended((pools[0], 7), at(52)), "another one's");
        assert!(gate.ended((pools[1], 7), at(60)));
        let rested = 60 + 10 * REST;
        assert_eq!(permit(&mut gate, pools[0], 61), Permit { open: Open::Urgent, again: Some(at(rested)) });
        assert_eq!(permit(&mut gate, pools[0], rested).open, Open::Overdue);
    }
}
