//! The whole pool but its threads, in simulated time, with a thousand seeds: arrivals of all kinds, models that are
//! quick, slow or fail, settings that change, requests that are cancelled.

use super::*;
use crate::pool::{
    PoolConfig, Tuning,
    gather::Gather,
    service::{Crowd, ServiceModel, retry_after},
};
use std::{cell::Cell, collections::HashMap, rc::Rc};

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
    deadline: Option<u64>,
    cancelled: Rc<Cell<bool>>,
    fate: Fate,
    started: Option<(usize, bool)>,
}

struct Running {
    until: u64,
    service: u64,
    batch: Vec<Entry<Item>>,
}

struct World {
    random: Random,
    start: Instant,
    now: u64,
    scheduler: Scheduler<Item>,
    gather: Gather,
    service: ServiceModel,
    settings: Settings,
    instances: Vec<Option<Running>>,
    free: u64,
    sent: Vec<Sent>,
    starts: usize,
    base_us: u64,
    each_us: u64,
    /// One of so many batches fails; 0: none does.
    fails: u64,
}

impl World {
    fn new(seed: u64, settings: Settings, instances: usize) -> Self {
        let mut random = Random(seed);
        let (base_us, each_us) = (200 + random.below(20_000), random.below(2_000));
        Self {
            random,
            start: Instant::now(),
            now: 0,
            scheduler: Scheduler::new(),
            gather: Gather::default(),
            service: ServiceModel::default(),
            settings,
            instances: (0..instances).map(|_| None).collect(),
            free: 0,
            sent: Vec::new(),
            starts: 0,
            base_us,
            each_us,
            fails: 0,
        }
    }

    fn at(&self, us: u64) -> Instant {
        self.start + Duration::from_micros(us)
    }

    fn drop_all(&mut self, dropped: Vec<(Cause, Entry<Item>)>) {
        for (cause, entry) in dropped {
            let sent = &mut self.sent[entry.work.id];
            assert_eq!(sent.fate, Fate::Waiting, "decided twice");
            if sent.deadline.is_none() {
                assert!(!matches!(cause, Cause::Late | Cause::Shed), "a final was dropped as {cause:?}");
            }
            sent.fate = Fate::Dropped(cause);
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
        self.sent.push(Sent { session, class, deadline, cancelled, fate: Fate::Waiting, started: None });
        self.gather.arrived(now, &self.service);
        let admission = self.scheduler.admit(entry, now, &self.settings);
        self.drop_all(admission.dropped);
        if let Some((refused, excess)) = admission.refused {
            assert!(excess > 0);
            self.sent[refused.work.id].fate = Fate::Refused;
        }
        let tried_again = self.instances.len() * self.settings.max_batch.max(8);
        assert!(self.scheduler.len() <= self.settings.capacity.max(64) + tried_again, "the queue has a bound");
        id
    }

    /// When something happens next by itself, and lets free instances take what they may.
    fn dispatch(&mut self) -> Option<u64> {
        let mut next: Option<u64> = self.instances.iter().flatten().map(|running| running.until).min();
        while let Some(index) = self.instances.iter().position(Option::is_none) {
            let (now, free) = (self.at(self.now), self.at(self.free));
            match self.scheduler.step(&self.settings) {
                Step::Idle => break,
                Step::Take => {}
                Step::Hold => {
                    let Some(waiting) = self.scheduler.waiting() else { break };
                    self.gather.consider(waiting, free, &self.service);
                    let until = self.gather.hold_until(waiting, free, &self.settings, &self.service);
                    if until > now {
                        let until = until.duration_since(self.start).as_nanos().div_ceil(1_000) as u64;
                        next = Some(next.map_or(until, |n| n.min(until)));
                        break;
                    }
                }
            }
            let target = self.settings.tuning.latency_target;
            let most = target.map_or(usize::MAX, |target| self.service.size_within(target));
            let taken = self.scheduler.take(now, &self.settings, most);
            self.drop_all(taken.dropped);
            if taken.batch.is_empty() {
                continue;
            }
            self.check(&taken.batch);
            let service = self.base_us + self.each_us * taken.batch.len() as u64;
            let until = self.now + service;
            next = Some(next.map_or(until, |n| n.min(until)));
            self.instances[index] = Some(Running { until, service, batch: taken.batch });
        }
        next
    }

    fn check(&mut self, batch: &[Entry<Item>]) {
        assert!(batch.len() <= self.settings.max_batch);
        let bucket = |entry: &Entry<Item>| self.settings.bucket(entry.meta.length.unwrap());
        assert!(batch.iter().all(|entry| bucket(entry) == bucket(&batch[0])), "one bucket a batch");
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
            self.free = self.now;
            let (now, failed) = (self.at(self.now), self.fails > 0 && self.random.chance(self.fails));
            self.service.observe(running.batch.len(), Duration::from_micros(running.service));
            self.gather.answered(now);
            for mut entry in running.batch {
                let total = (now - entry.meta.queued_at).as_micros() as u64;
                let id = entry.work.id;
                if !failed {
                    assert_eq!(self.sent[id].fate, Fate::Waiting, "answered twice");
                    self.sent[id].fate = Fate::Answered { waited_us: total - running.service, total_us: total };
                } else if entry.work.attempts == 0 {
                    entry.work.attempts = 1;
                    let superseded = self.scheduler.retry(entry);
                    self.drop_all(superseded.map(|entry| (Cause::Superseded, entry)).into_iter().collect());
                } else {
                    self.sent[id].fate = Fate::Failed;
                }
            }
        }
    }

    /// Lets time pass until `until`.
    fn run(&mut self, until: u64) {
        loop {
            self.finish();
            match self.dispatch() {
                Some(next) if next <= until => self.now = next.max(self.now),
                _ => break,
            }
        }
        self.now = until;
    }

    fn answered(&self, class: Class) -> Vec<(u64, u64)> {
        let of = |sent: &Sent| match sent.fate {
            Fate::Answered { waited_us, total_us } if sent.class == class => Some((waited_us, total_us)),
            _ => None,
        };
        self.sent.iter().filter_map(of).collect()
    }
}

fn p95(mut of: Vec<u64>) -> u64 {
    of.sort_unstable();
    of.get(of.len() * 95 / 100).copied().unwrap_or(0)
}

fn random_settings(random: &mut Random) -> Settings {
    let max_batch = 1 + random.below(16) as usize;
    let tuning = Tuning {
        latency_target: random.chance(2).then(|| Duration::from_millis(1 + random.below(50))),
        preferred: if random.chance(3) { vec![max_batch.div_ceil(2)] } else { Vec::new() },
        buckets: if random.chance(3) { vec![10, 50] } else { Vec::new() },
        ..Tuning::default()
    };
    let capacity = 1 + random.below(64) as usize;
    let max_queue_delay = Duration::from_micros(random.below(3_000));
    Settings::of(&PoolConfig { capacity, max_batch, max_queue_delay, tuning, ..PoolConfig::default() })
}

/// Everything at once, at an arrival rate from idle to several times what the model can do.
fn everything(seed: u64) {
    let mut random = Random(seed ^ 0xABCD);
    let instances = 1 + random.below(3) as usize;
    let mut world = World::new(seed, random_settings(&mut random), instances);
    world.fails = if random.chance(2) { 5 } else { 0 };
    let gap = 50 + random.below(10_000);
    for _ in 0..200 {
        let until = world.now + random.below(2 * gap);
        world.run(until);
        let session = u128::from(random.below(5));
        let class = Class::ALL[random.below(3) as usize];
        let deadline = random.chance(2).then(|| world.now + 1 + random.below(40_000));
        let key = if deadline.is_some() && random.chance(2) { Some("patient") } else { None };
        let id = world.send(session, class, deadline, key, random.below(80) as usize);
        if random.chance(10) {
            let victim = random.below(id as u64 + 1) as usize;
            world.sent[victim].cancelled.set(true);
        }
        if random.chance(50) {
            world.settings = random_settings(&mut random);
        }
    }
    // Nothing more comes: all that waits is decided.
    world.run(world.now + 3_600_000_000);
    assert!(world.scheduler.len() == 0, "seed {seed}: something waits for ever");
    assert!(world.sent.iter().all(|sent| sent.fate != Fate::Waiting), "seed {seed}: a request was lost");
    let mut last: HashMap<(u128, Class), usize> = HashMap::new();
    for sent in world.sent.iter().filter(|sent| sent.deadline.is_none()) {
        // Requests without deadlines of a session and class start in the order in which they came.
        let Some((started, false)) = sent.started else { continue };
        let before = last.insert((sent.session, sent.class), started);
        assert!(before.is_none_or(|before| before < started), "seed {seed}: out of order");
    }
}

#[test]
fn in_a_thousand_worlds_nothing_is_lost_nothing_answered_twice_and_every_bound_holds() {
    (0..1_000).for_each(everything);
}

fn fixed(max_batch: usize, capacity: usize, latency_target: Option<Duration>) -> Settings {
    let tuning = Tuning { latency_target, ..Tuning::default() };
    Settings::of(&PoolConfig { capacity, max_batch, tuning, ..PoolConfig::default() })
}

/// Live requests at random moments, alone or while background work always fills its part of the queue.
fn live_alongside(seed: u64, background: bool) -> World {
    let mut world = World::new(seed, fixed(8, 64, None), 1);
    (world.base_us, world.each_us) = (5_000, 500);
    let mut random = Random(seed);
    for _ in 0..150 {
        let pause = 10_000 + random.below(30_000);
        for _ in 0..10 {
            let until = world.now + pause / 10;
            world.run(until);
            for turn in 0..if background { 8 } else { 0 } {
                world.send(100 + turn, Class::Background, None, None, 0);
            }
        }
        world.send(u128::from(random.below(4)), Class::Live, None, None, 0);
    }
    world.run(world.now + 3_600_000_000);
    world
}

#[test]
fn live_requests_wait_for_one_batch_at_most_however_much_background_work_there_is() {
    for seed in 0..100 {
        let world = live_alongside(seed, true);
        let live = world.answered(Class::Live);
        assert_eq!(live.len(), 150, "none was refused or dropped");
        // The batch that runs when it comes, and its own in which background fills the other places.
        let batch = world.base_us + 8 * world.each_us;
        let worst = live.iter().map(|(_, total)| *total).max().unwrap();
        assert!(worst <= 2 * batch, "{worst} µs");
        let alone = live_alongside(seed, false).answered(Class::Live);
        assert!(p95(live.iter().map(|l| l.1).collect()) <= p95(alone.iter().map(|l| l.1).collect()) + 2 * batch);
    }
}

/// Clients that ask again as soon as they are answered, of a model of 5 ms and a tenth for each.
fn closed_loop(clients: usize, target: Option<Duration>, lag_us: u64) -> (f64, World) {
    let mut world = World::new(7, fixed(64, 256, target), 1);
    (world.base_us, world.each_us) = (5_000, 100);
    let mut random = Random(1);
    let mut due: Vec<(u64, usize)> = (0..clients).map(|client| (random.below(20_000), client)).collect();
    let mut asked: Vec<Option<usize>> = vec![None; clients];
    let end = 6_000_000;
    while world.now < end {
        let arrives = due.iter().map(|(at, _)| *at).min();
        let happens = world.dispatch();
        let next = arrives.into_iter().chain(happens).min().unwrap();
        world.now = next.max(world.now);
        world.finish();
        for (client, id) in asked.iter_mut().enumerate() {
            if id.is_some_and(|id| world.sent[id].fate != Fate::Waiting) {
                *id = None;
                due.push((world.now + lag_us + random.below(lag_us), client));
            }
        }
        let now = world.now;
        for (_, client) in due.extract_if(.., |(at, _)| *at <= now) {
            asked[client] = Some(world.send(client as u128, Class::Live, None, None, 0));
        }
    }
    let rate = world.answered(Class::Live).len() as f64 / (end as f64 / 1e6);
    (rate, world)
}

#[test]
fn clients_that_ask_again_at_once_end_up_in_one_batch_within_the_latency_target() {
    let target = 25_000;
    for (clients, least_share) in [(1, 0.95), (8, 0.9), (32, 0.9), (64, 0.9)] {
        let (rate, world) = closed_loop(clients, Some(Duration::from_micros(target)), 100);
        let ideal = clients as f64 / ((5_000.0 + 100.0 * clients as f64 + 150.0) / 1e6);
        assert!(rate >= least_share * ideal, "{clients} clients: {rate:.0} of {ideal:.0} a second");
        let p95 = p95(world.answered(Class::Live).iter().map(|l| l.1).collect());
        assert!(p95 <= target, "{clients} clients: {p95} µs");
    }
}

#[test]
fn without_holding_for_company_the_same_clients_get_less() {
    let (held, _) = closed_loop(64, Some(Duration::from_millis(25)), 100);
    let (greedy, _) = closed_loop(64, None, 100);
    assert!(held > 1.2 * greedy, "{held:.0} against {greedy:.0} a second");
}

#[test]
fn random_arrivals_are_answered_within_the_latency_target_while_the_model_can_keep_up() {
    for seed in 0..50 {
        let target = Duration::from_millis(30);
        let mut world = World::new(seed, fixed(32, 256, Some(target)), 1);
        (world.base_us, world.each_us) = (5_000, 200);
        let mut random = Random(seed);
        let gap = 600 + random.below(20_000);
        for n in 0..500 {
            let until = world.now + random.below(2 * gap);
            world.run(until);
            world.send(n % 7, Class::Live, None, None, 0);
        }
        world.run(world.now + 1_000_000);
        let p95 = p95(world.answered(Class::Live).iter().map(|l| l.1).collect());
        assert!(p95 <= 30_000, "seed {seed}, one each {gap} µs: {p95} µs");
    }
}

#[test]
fn who_comes_back_when_told_to_is_let_in() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let (capacity, max_batch) = (4 + random.below(60) as usize, 1 + random.below(8) as usize);
        let instances = 1 + random.below(2) as usize;
        let mut world = World::new(seed, fixed(max_batch, capacity, None), instances);
        for size in (1..=max_batch).cycle().take(40) {
            let service = world.base_us + world.each_us * size as u64;
            world.service.observe(size, Duration::from_micros(service));
        }
        let class = Class::ALL[random.below(3) as usize];
        for n in 0..capacity + instances * max_batch {
            world.send(n as u128, Class::Alarm, None, None, 0);
            world.dispatch();
        }
        let excess = world.scheduler.len() + 1 - world.settings.limit(class).min(world.scheduler.len());
        let until_free = world.instances.iter().flatten().map(|running| running.until - world.now).min().unwrap();
        let crowd = Crowd { excess, max_batch, instances, until_free: Duration::from_micros(until_free) };
        let hint = retry_after(&world.service, crowd);
        let until = world.now + (hint / 1_000).as_nanos() as u64 + 2;
        world.run(until);
        let again = world.send(1, class, None, None, 0);
        assert_ne!(world.sent[again].fate, Fate::Refused, "seed {seed}: told {hint:?}");
        // And it is not put off for nothing: no more than a few batches longer than needed.
        let batches = (excess.div_ceil(max_batch) + 1) as u64;
        let longest = batches * (world.base_us + world.each_us * max_batch as u64);
        assert!(hint <= US * longest as u32 + 10 * 1_000 * US, "seed {seed}: {hint:?}");
    }
}
