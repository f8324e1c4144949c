//! One pool.

use super::*;

pub(super) fn p95(of: Vec<u64>) -> u64 {
    quantile(of, 95)
}

fn quantile(mut of: Vec<u64>, percent: usize) -> u64 {
    of.sort_unstable();
    of.get(of.len() * percent / 100).copied().unwrap_or(0)
}

pub(super) fn random_settings(random: &mut Random) -> Settings {
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
    world.heeds_us = random.chance(2).then(|| random.below(5_000));
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
            (world.settings, world.looks) = (random_settings(&mut random), true);
        }
    }
    // Nothing more comes: all that waits is decided.
    world.run(world.now + 3_600_000_000);
    is_sound(seed, &world);
}

pub(super) fn is_sound(seed: u64, world: &World) {
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

pub(super) fn fixed(max_batch: usize, capacity: usize, latency_target: Option<Duration>) -> Settings {
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
    closed_loop_after(clients, target, |random| lag_us + random.below(lag_us))
}

/// The same after a lag each time.
fn closed_loop_after(clients: usize, target: Option<Duration>, lag_us: impl Fn(&mut Random) -> u64) -> (f64, World) {
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
                due.push((world.now + lag_us(&mut random), client));
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

fn latency(world: &World, percent: usize) -> u64 {
    quantile(world.answered(Class::Live).iter().map(|l| l.1).collect(), percent)
}

#[test]
fn clients_that_ask_again_at_once_end_up_in_one_batch_within_the_latency_target() {
    let target = 25_000;
    for (clients, least_share) in [(1, 0.95), (8, 0.9), (32, 0.9), (64, 0.9)] {
        let (rate, world) = closed_loop(clients, Some(Duration::from_micros(target)), 100);
        let ideal = clients as f64 / ((5_000.0 + 100.0 * clients as f64 + 150.0) / 1e6);
        assert!(rate >= least_share * ideal, "{clients} clients: {rate:.0} of {ideal:.0} a second");
        let [p50, p95, p99] = [50, 95, 99].map(|percent| latency(&world, percent));
        assert!(p95 <= target, "{clients} clients: {p95} µs");
        assert!(p99 <= p50 + p50 / 5, "{clients} clients: {p50} and {p99} µs");
    }
}

#[test]
fn clients_that_come_back_in_bursts_end_up_in_one_batch() {
    let (rate, _) = closed_loop_after(64, Some(Duration::from_millis(50)), |random| {
        // A pause longer than one more request would be waited for.
        200 + 1_400 * random.below(2) + random.below(100)
    });
    let ideal = 64.0 / ((5_000.0 + 100.0 * 64.0 + 1_700.0) / 1e6);
    assert!(rate >= 0.93 * ideal, "{rate:.0} of {ideal:.0} a second");
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
