//! Whole pools but their threads, in simulated time, with a thousand seeds: arrivals of all kinds, models that are
//! quick, slow, fail or make way, settings that change, requests that are cancelled.

mod beside;
mod worlds;

use super::*;
use crate::pool::{
    PoolConfig, Tuning,
    gather::{Gather, is_too_late},
    precedence::{Gate, MOST_GIVEN_UP},
    service::{Crowd, ServiceModel, retry_after},
};
use healthsync_models::Preempt;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

const US: Duration = Duration::from_micros(1);

/// `SplitMix64` (Steele, Lea and Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

struct Item {
    id: usize,
    attempts: u32,
    cancelled: Rc<Cell<bool>>,
}

impl Queued for Item {
    fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Waiting,
    Answered { waited_us: u64, total_us: u64 },
    Dropped(Cause),
    Refused,
    Failed,
}

struct Sent {
    session: u128,
    class: Class,
    at: u64,
    deadline: Option<u64>,
    cancelled: Rc<Cell<bool>>,
    fate: Fate,
    started: Option<(usize, bool)>,
}

struct Running {
    until: u64,
    service: u64,
    batch: Vec<Entry<Item>>,
    /// Where it may be asked to make way.
    preempt: Option<Preempt>,
    /// It began against what is urgent, because something in it was overdue.
    overdue: bool,
    makes_way: bool,
}

/// What the pools of a process share.
struct Shared {
    start: Instant,
    gate: RefCell<Gate>,
    /// Urgent requests that wait or run, counted apart from the gate.
    urgent: Cell<usize>,
    /// Batches that began because something was overdue.
    overdue: Cell<usize>,
    /// The last urgent request of a pool is over: all look again.
    opened: Cell<bool>,
}

/// One pool.
struct World {
    random: Random,
    shared: Rc<Shared>,
    pool: u64,
    idle: bool,
    now: u64,
    scheduler: Scheduler<Item>,
    gather: Gather,
    service: ServiceModel,
    background: ServiceModel,
    settings: Settings,
    instances: Vec<Option<Running>>,
    free: u64,
    /// A worker is free or was woken, and has not looked yet.
    looks: bool,
    /// Until when a worker holds what waits.
    holds: Option<u64>,
    /// When a worker looks again by itself.
    sleeps: Option<u64>,
    sent: Vec<Sent>,
    starts: usize,
    base_us: u64,
    each_us: u64,
    /// What a request of the background takes more than another.
    background_us: u64,
    /// How long the model takes to make way; `None`: it does not.
    heeds_us: Option<u64>,
    /// One of so many batches fails; 0: none does.
    fails: u64,
    preempted: usize,
}

impl World {
    fn new(seed: u64, settings: Settings, instances: usize) -> Self {
        let shared = Shared {
            start: Instant::now(),
            gate: RefCell::new(Gate::new(2)),
            urgent: Cell::new(0),
            overdue: Cell::new(0),
            opened: Cell::new(false),
        };
        Self::beside(&Rc::new(shared), seed, settings, instances, false)
    }

    /// Another pool of the same process. `idle`: its threads yield to everything.
    fn beside(shared: &Rc<Shared>, seed: u64, settings: Settings, instances: usize, idle: bool) -> Self {
        let mut random = Random(seed);
        let (base_us, each_us) = (200 + random.below(20_000), random.below(2_000));
        let pool = shared.gate.borrow_mut().enter(Vec::new(), 2, idle);
        Self {
            random,
            shared: Rc::clone(shared),
            pool,
            idle,
            now: 0,
            scheduler: Scheduler::new(),
            gather: Gather::default(),
            service: ServiceModel::default(),
            background: ServiceModel::default(),
            settings,
            instances: (0..instances).map(|_| None).collect(),
            free: 0,
            looks: true,
            holds: None,
            sleeps: None,
            sent: Vec::new(),
            starts: 0,
            base_us,
            each_us,
            background_us: 0,
            heeds_us: None,
            fails: 0,
            preempted: 0,
        }
    }

    fn at(&self, us: u64) -> Instant {
        self.shared.start + Duration::from_micros(us)
    }

    fn us(&self, at: Instant) -> u64 {
        at.duration_since(self.shared.start).as_nanos().div_ceil(1_000) as u64
    }

    fn decide(&mut self, id: usize, fate: Fate) {
        let now = self.at(self.now);
        let sent = &mut self.sent[id];
        assert_eq!(sent.fate, Fate::Waiting, "decided twice");
        sent.fate = fate;
        if sent.class != Class::Background {
            self.shared.urgent.set(self.shared.urgent.get() - 1);
            let opened = self.shared.gate.borrow_mut().went(self.pool, now);
            self.shared.opened.set(self.shared.opened.get() || opened);
        }
    }

    fn drop_all(&mut self, dropped: Vec<(Cause, Entry<Item>)>) {
        for (cause, entry) in dropped {
            if self.sent[entry.work.id].deadline.is_none() {
                assert!(!matches!(cause, Cause::Late | Cause::Shed), "a final was dropped as {cause:?}");
            }
            self.decide(entry.work.id, Fate::Dropped(cause));
        }
    }

    fn send(&mut self, session: u128, class: Class, deadline: Option<u64>, key: Option<&str>, length: usize) -> usize {
        let id = self.sent.len();
        let cancelled = Rc::new(Cell::new(false));
        let now = self.at(self.now);
        let session_id = SessionId(uuid::Uuid::from_u128(session));
        let mut meta = Meta::new(session_id, class, now);
        meta.deadline = deadline.map(|us| self.at(us));
        meta.supersedes = key.map(|key| (session_id, key.parse().unwrap()));
        meta.length = Some(length);
        let entry = Entry { meta, work: Item { id, attempts: 0, cancelled: Rc::clone(&cancelled) } };
        let (fate, at) = (Fate::Waiting, self.now);
        self.sent.push(Sent { session, class, at, deadline, cancelled, fate, started: None });
        if class != Class::Background {
            self.shared.urgent.set(self.shared.urgent.get() + 1);
            self.shared.gate.borrow_mut().came(self.pool);
        }
        self.gather.arrived(now, &self.service);
        let admission = self.scheduler.admit(entry, now, &self.settings);
        self.drop_all(admission.dropped);
        if let Some((refused, excess)) = admission.refused {
            assert!(excess > 0);
            self.decide(refused.work.id, Fate::Refused);
        }
        self.wake();
        let tried_again = self.instances.len() * self.settings.max_batch.max(8);
        assert!(self.scheduler.len() <= self.settings.capacity.max(64) + tried_again, "the queue has a bound");
        id
    }

    /// As a pool wakes its workers.
    fn wake(&mut self) {
        if self.instances.iter().all(Option::is_some) {
            return;
        }
        self.looks |= match self.scheduler.step(&self.settings, Open::All) {
            Step::Idle => false,
            Step::Take => true,
            Step::Hold => {
                let until = self.scheduler.waiting(Open::All).map(|waiting| self.hold_until(waiting));
                let too_late = |(held, until)| is_too_late(self.at(held), until, self.at(self.now));
                self.holds.zip(until).is_none_or(too_late)
            }
        };
    }

    fn hold_until(&mut self, waiting: Waiting) -> Instant {
        let free = self.at(self.free);
        self.gather.consider(waiting, free, &self.service);
        self.gather.hold_until(waiting, free, &self.settings, &self.service)
    }

    /// When something happens next by itself, once whoever looks has taken what it may.
    fn dispatch(&mut self) -> Option<u64> {
        self.make_way();
        let due = |at: Option<u64>| at.is_some_and(|at| at <= self.now);
        if self.looks || due(self.holds) || due(self.sleeps) {
            self.look();
        }
        let running = self.instances.iter().flatten().map(|running| running.until);
        running.chain(self.holds).chain(self.sleeps).min()
    }

    /// Those that run and were asked to will be done sooner.
    fn make_way(&mut self) {
        // Who need only wait is as one who does not listen: it takes no core from anybody.
        let Some(takes) = self.heeds_us.filter(|_| !self.idle) else { return };
        for running in self.instances.iter_mut().flatten() {
            let is_asked = running.preempt.as_ref().is_some_and(Preempt::is_asked);
            if is_asked && !running.makes_way && self.now + takes < running.until {
                (running.makes_way, running.until) = (true, self.now + takes);
            }
        }
    }

    fn look(&mut self) {
        (self.looks, self.holds, self.sleeps) = (false, None, None);
        while let Some(index) = self.instances.iter().position(Option::is_none) {
            let now = self.at(self.now);
            let background = self.scheduler.background();
            let (mut open, mut again) = (Open::All, None);
            if let Some(background) = background {
                let known = if self.background.is_known() { &self.background } else { &self.service };
                let mut gate = self.shared.gate.borrow_mut();
                let permit = gate.permit(self.pool, background.due, known.expected(1), now);
                let late = background.late.filter(|late| *late > now);
                (open, again) = (permit.open, permit.again.into_iter().chain(late).min());
            }
            match self.scheduler.step(&self.settings, open) {
                Step::Idle if background.and_then(|waits| waits.late).is_some_and(|late| late <= now) => {}
                Step::Idle => {
                    self.sleeps = again.map(|again| self.us(again));
                    break;
                }
                Step::Take => {}
                Step::Hold => {
                    let Some(waiting) = self.scheduler.waiting(open) else { break };
                    let until = self.hold_until(waiting);
                    if until > now {
                        self.holds = Some(self.us(again.map_or(until, |again| again.min(until))));
                        break;
                    }
                }
            }
            self.begin(index, open);
        }
    }

    fn begin(&mut self, index: usize, open: Open) {
        let target = self.settings.tuning.latency_target;
        let most = target.map_or(usize::MAX, |target| self.service.size_within(target));
        let taken = self.scheduler.take(self.at(self.now), &self.settings, most, open);
        self.drop_all(taken.dropped);
        if taken.batch.is_empty() {
            return;
        }
        self.check(&taken.batch, open);
        let of_background = taken.batch.iter().filter(|entry| entry.meta.class == Class::Background).count() as u64;
        let service = self.base_us + self.each_us * taken.batch.len() as u64 + self.background_us * of_background;
        let until = self.now + service;
        let (mut preempt, key, now) = (None, (self.pool, index as u64), self.at(self.now));
        let overdue = of_background > 0 && open == Open::Overdue;
        if overdue {
            self.shared.gate.borrow_mut().begins_overdue(key, now);
            self.shared.overdue.set(self.shared.overdue.get() + 1);
        } else if taken.batch.iter().all(|e| e.meta.class == Class::Background && e.meta.given_up < MOST_GIVEN_UP) {
            let told = preempt.insert(Preempt::default());
            self.shared.gate.borrow_mut().begins_yielding(key, told);
        }
        self.instances[index] =
            Some(Running { until, service, batch: taken.batch, preempt, overdue, makes_way: false });
    }

    fn check(&mut self, batch: &[Entry<Item>], open: Open) {
        assert!(batch.len() <= self.settings.max_batch);
        let bucket = |entry: &Entry<Item>| self.settings.bucket(entry.meta.length.unwrap());
        assert!(batch.iter().all(|entry| bucket(entry) == bucket(&batch[0])), "one bucket a batch");
        let of_background = |entry: &Entry<Item>| entry.meta.class == Class::Background;
        if batch.iter().any(of_background) && self.shared.urgent.get() > 0 {
            let is_overdue = |entry: &Entry<Item>| entry.meta.is_overdue(self.at(self.now));
            assert!(open == Open::Overdue && batch.iter().any(is_overdue), "background began beside what is urgent");
            assert_eq!(self.shared.overdue.get(), 0, "two that were overdue at a time");
        }
        for entry in batch {
            let sent = &mut self.sent[entry.work.id];
            assert_eq!(sent.fate, Fate::Waiting);
            assert!(!sent.cancelled.get(), "what nobody waits for is not run");
            assert!(sent.deadline.is_none_or(|deadline| deadline > self.now), "what is late is not run");
            self.starts += 1;
            sent.started.get_or_insert((self.starts, entry.meta.alone));
        }
    }

    fn finish(&mut self) {
        for index in 0..self.instances.len() {
            let Some(running) = self.instances[index].take_if(|running| running.until <= self.now) else { continue };
            (self.free, self.looks) = (self.now, true);
            let now = self.at(self.now);
            if self.shared.gate.borrow_mut().ended((self.pool, index as u64), now) {
                self.shared.opened.set(true);
            }
            self.shared.overdue.set(self.shared.overdue.get() - usize::from(running.overdue));
            if running.makes_way {
                self.put_back(running.batch);
            } else {
                self.answer(running);
            }
        }
    }

    /// What made way waits again; the first of it was done.
    fn put_back(&mut self, batch: Vec<Entry<Item>>) {
        let done = self.random.below(batch.len() as u64) as usize;
        for (index, entry) in batch.into_iter().enumerate() {
            if index < done {
                let total_us = self.now - self.sent[entry.work.id].at;
                self.decide(entry.work.id, Fate::Answered { waited_us: total_us, total_us });
                continue;
            }
            self.preempted += 1;
            assert!(entry.meta.given_up < MOST_GIVEN_UP, "it made way too often");
            let superseded = self.scheduler.put_back(entry, &self.settings);
            self.drop_all(superseded.map(|entry| (Cause::Superseded, entry)).into_iter().collect());
        }
    }

    fn answer(&mut self, running: Running) {
        let (now, failed) = (self.at(self.now), self.fails > 0 && self.random.chance(self.fails));
        let (size, service) = (running.batch.len(), Duration::from_micros(running.service));
        self.service.observe(size, service);
        if running.batch.iter().all(|entry| entry.meta.class == Class::Background) {
            self.background.observe(size, service);
        }
        self.gather.answered(size, now, &self.service);
        for mut entry in running.batch {
            let total = (now - entry.meta.queued_at).as_micros() as u64;
            let id = entry.work.id;
            if !failed {
                self.decide(id, Fate::Answered { waited_us: total - running.service, total_us: total });
            } else if entry.work.attempts == 0 {
                entry.work.attempts = 1;
                let superseded = self.scheduler.retry(entry);
                self.drop_all(superseded.map(|entry| (Cause::Superseded, entry)).into_iter().collect());
            } else {
                self.decide(id, Fate::Failed);
            }
        }
    }

    /// Lets time pass until `until`.
    fn run(&mut self, until: u64) {
        run(std::slice::from_mut(self), until);
    }

    fn answered(&self, class: Class) -> Vec<(u64, u64)> {
        let of = |sent: &Sent| match sent.fate {
            Fate::Answered { waited_us, total_us } if sent.class == class => Some((waited_us, total_us)),
            _ => None,
        };
        self.sent.iter().filter_map(of).collect()
    }
}

/// Lets time pass until `until` in pools of one process.
fn run(worlds: &mut [World], until: u64) {
    loop {
        worlds.iter_mut().for_each(World::finish);
        let next = worlds.iter_mut().filter_map(World::dispatch).min();
        let opened = worlds.iter().any(|world| world.shared.opened.replace(false));
        if opened {
            for world in worlds.iter_mut() {
                world.looks = true;
            }
            continue;
        }
        let Some(next) = next.filter(|next| *next <= until) else { break };
        set_clocks(worlds, next);
    }
    set_clocks(worlds, until);
}

fn set_clocks(worlds: &mut [World], now: u64) {
    for world in worlds {
        world.now = now.max(world.now);
    }
}
