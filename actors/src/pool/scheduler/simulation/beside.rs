//! Pools whose background gives way to what is urgent in all of them.

use super::{
    worlds::{fixed, is_sound, p95, random_settings},
    *,
};

/// Pools of one process; `true`: on idle threads.
fn worlds(seed: u64, settings: impl IntoIterator<Item = (Settings, bool)>) -> Vec<World> {
    let shared = Rc::clone(&World::new(seed, fixed(1, 1, None), 0).shared);
    let of = |(pool, (settings, idle))| World::beside(&shared, seed ^ (pool as u64) << 32, settings, 1, idle);
    settings.into_iter().enumerate().map(of).collect()
}

/// Everything at once in two or three pools, with models that make way soon, late or not at all.
fn everything(seed: u64) {
    let mut random = Random(seed ^ 0x5A5A);
    let settings: Vec<_> = (0..2 + random.below(2)).map(|_| (random_settings(&mut random), random.chance(3))).collect();
    let mut worlds = worlds(seed, settings);
    for world in &mut worlds {
        world.fails = if random.chance(3) { 7 } else { 0 };
        world.heeds_us = (!random.chance(3)).then(|| random.below(4_000));
        world.background_us = random.below(20_000);
    }
    // Every second time it goes on for long enough for the background to become overdue.
    let gap = if random.chance(2) { 200_000 + random.below(400_000) } else { 50 + random.below(10_000) };
    for _ in 0..200 {
        let until = worlds[0].now + random.below(2 * gap);
        run(&mut worlds, until);
        let world = random.below(worlds.len() as u64) as usize;
        let world = &mut worlds[world];
        let class = Class::ALL[random.below(3) as usize];
        let deadline = random.chance(3).then(|| world.now + 1 + random.below(40_000));
        let key = if deadline.is_some() && random.chance(2) { Some("patient") } else { None };
        let id = world.send(u128::from(random.below(5)), class, deadline, key, random.below(80) as usize);
        if random.chance(10) {
            world.sent[random.below(id as u64 + 1) as usize].cancelled.set(true);
        }
    }
    let end = worlds[0].now + 3_600_000_000;
    run(&mut worlds, end);
    for world in &worlds {
        is_sound(seed, world);
    }
    assert_eq!(worlds[0].shared.urgent.get(), 0);
}

#[test]
fn in_a_thousand_processes_no_background_begins_beside_what_is_urgent_and_nothing_is_lost_or_waits_for_ever() {
    (0..1_000).for_each(everything);
}

/// Two speakers who ask a recogniser of 400 ms again half a second after each answer, for so many seconds, while of the
/// background so many recognitions of 1.4 s and translations of 15 ms always wait.
fn consultation(seed: u64, seconds: u64, recognitions: usize, translations: usize) -> Vec<World> {
    let mut worlds = worlds(seed, [(fixed(1, 64, None), false), (fixed(8, 64, None), false)]);
    (worlds[0].base_us, worlds[0].each_us, worlds[0].background_us) = (400_000, 0, 1_000_000);
    (worlds[1].base_us, worlds[1].each_us) = (0, 15_000);
    (worlds[0].heeds_us, worlds[1].heeds_us) = (Some(100_000), Some(30_000));
    let mut random = Random(seed);
    let mut asks: [Result<u64, usize>; 2] = [Ok(0), Ok(300_000)];
    while worlds[0].now < seconds * 1_000_000 {
        for (world, wanted) in worlds.iter_mut().zip([recognitions, translations]) {
            for turn in world.scheduler.depths()[Class::Background.index()]..wanted {
                world.send(100 + turn as u128, Class::Background, None, None, 0);
            }
        }
        let now = worlds[0].now;
        for (speaker, ask) in asks.iter_mut().enumerate() {
            *ask = match *ask {
                Ok(at) if at <= now => Err(worlds[0].send(speaker as u128, Class::Live, None, None, 0)),
                Err(id) if worlds[0].sent[id].fate != Fate::Waiting => Ok(now + 450_000 + random.below(100_000)),
                other => other,
            };
        }
        run(&mut worlds, now + 5_000);
    }
    worlds
}

fn live_p95(worlds: &[World]) -> u64 {
    p95(worlds[0].answered(Class::Live).iter().map(|live| live.1).collect())
}

#[test]
fn live_speech_is_answered_as_soon_beside_the_background_as_alone_and_the_background_gets_on() {
    for seed in 0..10 {
        let alone = live_p95(&consultation(seed, 600, 0, 0));
        for (recognitions, translations) in [(0, 8), (8, 0), (8, 8)] {
            let worlds = consultation(seed, 600, recognitions, translations);
            let beside = live_p95(&worlds);
            let done = [0, 1].map(|pool| worlds[pool].answered(Class::Background).len());
            assert!(
                beside * 10 <= alone * 11,
                "seed {seed}, {recognitions} and {translations}: {beside} after {alone}"
            );
            assert!(done[0] >= 5 * recognitions.min(1), "seed {seed}: {done:?}");
        }
    }
}
