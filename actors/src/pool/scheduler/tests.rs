use super::*;
use crate::pool::PoolConfig;
use proptest::prelude::*;

impl Queued for u32 {
    fn is_cancelled(&self) -> bool {
        *self == CANCELLED
    }
}

const CANCELLED: u32 = 999;

const MS: Duration = Duration::from_millis(1);

fn id(session: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(session))
}

fn settings(capacity: usize, max_batch: usize) -> Settings {
    Settings::of(&PoolConfig { capacity, max_batch, ..PoolConfig::default() })
}

fn entry(session: u128, class: Class, work: u32, at: Instant) -> Entry<u32> {
    Entry { meta: Meta::new(id(session), class, at), work }
}

fn until(mut entry: Entry<u32>, deadline: Instant) -> Entry<u32> {
    entry.meta.deadline = Some(deadline);
    entry
}

/// A partial of a speaker, as tracks ask for them.
fn partial(speaker: u32, at: Instant) -> Entry<u32> {
    let mut entry = until(entry(speaker.into(), Class::Live, speaker, at), at + 1_000 * MS);
    entry.meta.supersedes = Some((entry.meta.session, "patient".parse().unwrap()));
    entry
}

fn works(entries: &[Entry<u32>]) -> Vec<u32> {
    entries.iter().map(|entry| entry.work).collect()
}

/// Lets everything in, and returns what was dropped for it.
fn fill(
    scheduler: &mut Scheduler<u32>,
    entries: impl IntoIterator<Item = Entry<u32>>,
    now: Instant,
) -> Vec<(Cause, u32)> {
    let mut dropped = Vec::new();
    for entry in entries {
        let admission = scheduler.admit(entry, now, &settings(64, 8));
        assert!(admission.refused.is_none());
        dropped.extend(admission.dropped.into_iter().map(|(cause, entry)| (cause, entry.work)));
    }
    dropped
}

fn batch(scheduler: &mut Scheduler<u32>, now: Instant, most: usize) -> Vec<u32> {
    works(&scheduler.take(now, &settings(64, 8), most, Open::All).batch)
}

#[test]
fn an_alarm_goes_before_live_speech_and_live_speech_before_the_rest() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    let entries = [(Class::Background, 3), (Class::Live, 2), (Class::Alarm, 1)];
    fill(&mut queue, entries.map(|(class, work)| entry(1, class, work, now)), now);
    assert_eq!(batch(&mut queue, now, 8), [1, 2, 3]);
}

#[test]
fn within_a_class_the_earliest_deadline_goes_first() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    let of = |session, ms| until(entry(session, Class::Live, session as u32, now), now + ms * MS);
    fill(&mut queue, [of(1, 2_000), of(2, 1_000)], now);
    assert_eq!(batch(&mut queue, now, 1), [2]);
}

#[test]
fn a_busy_session_does_not_crowd_another_out_of_a_batch() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, (0..4).map(|work| entry(1, Class::Live, work, now)), now);
    fill(&mut queue, [entry(2, Class::Live, 9, now + MS)], now);
    assert_eq!(batch(&mut queue, now, 2), [0, 9]);
}

#[test]
fn a_session_that_asks_for_more_gets_no_more_over_batches_of_one() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, (0..20).map(|work| entry(1, Class::Live, work, now)), now);
    fill(&mut queue, (100..105).map(|work| entry(2, Class::Live, work, now + 400 * MS)), now);
    let order: Vec<u32> = (0..12).flat_map(|_| batch(&mut queue, now, 1)).collect();
    let others = order.iter().filter(|work| **work >= 100).count();
    assert!(others >= 5, "{order:?}");
}

#[test]
fn a_session_of_twice_the_weight_gets_twice_as_much() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    assert!(queue.weigh(id(2), NonZeroU32::new(2).unwrap()));
    fill(&mut queue, (0..30).map(|work| entry(1, Class::Live, work, now)), now);
    fill(&mut queue, (100..130).map(|work| entry(2, Class::Live, work, now)), now);
    let order: Vec<u32> = (0..10).flat_map(|_| batch(&mut queue, now, 3)).collect();
    assert_eq!(order.iter().filter(|work| **work >= 100).count(), 20, "{order:?}");
}

#[test]
fn time_a_session_did_not_use_is_not_saved_up() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, (0..20).map(|work| entry(1, Class::Live, work, now)), now);
    (0..10).for_each(|_| drop(batch(&mut queue, now, 1)));
    fill(&mut queue, (100..120).map(|work| entry(2, Class::Live, work, now)), now);
    let order: Vec<u32> = (0..10).flat_map(|_| batch(&mut queue, now, 1)).collect();
    let newcomer = order.iter().filter(|work| **work >= 100).count();
    assert!((3..=7).contains(&newcomer), "{order:?}");
}

#[test]
fn what_is_past_its_deadline_is_handed_back_as_late_and_what_was_cancelled_as_cancelled() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, [until(entry(1, Class::Live, 1, now), now), entry(1, Class::Live, CANCELLED, now)], now);
    fill(&mut queue, [entry(1, Class::Live, 2, now)], now);
    let taken = queue.take(now, &settings(64, 8), 8, Open::All);
    assert_eq!(works(&taken.batch), [2]);
    let dropped: Vec<_> = taken.dropped.iter().map(|(cause, entry)| (*cause, entry.work)).collect();
    assert_eq!(dropped, [(Cause::Late, 1), (Cause::Cancelled, CANCELLED)]);
}

#[test]
fn a_newer_partial_takes_the_place_of_the_older_one_and_goes_behind_a_final_all_the_same() {
    let start = Instant::now();
    let at = |ms| start + ms * MS;
    let mut queue = Scheduler::new();
    fill(&mut queue, [partial(1, at(0)), partial(2, at(400))], at(400));
    assert_eq!(fill(&mut queue, [partial(1, at(500))], at(500)), [(Cause::Superseded, 1)]);
    fill(&mut queue, [entry(3, Class::Live, 3, at(600))], at(600));
    assert_eq!(batch(&mut queue, at(700), 8), [3, 1, 2]);
}

#[test]
fn a_newer_partial_is_let_in_where_the_older_one_was_however_full_it_is() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    let full = settings(2, 1);
    assert!(queue.admit(partial(1, now), now, &full).refused.is_none());
    assert!(queue.admit(entry(2, Class::Live, 2, now), now, &full).refused.is_none());
    assert!(queue.admit(partial(1, now), now, &full).refused.is_none());
    assert_eq!(queue.len(), 2);
}

#[test]
fn a_batch_holds_lengths_of_one_bucket_and_keeps_a_sessions_order() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    // Session 1 has a long one before a short one.
    fill(
        &mut queue,
        [(1, 30), (2, 5), (1, 4), (3, 25)].map(|(session, work)| entry(session, Class::Live, work, now)),
        now,
    );
    queue.measure(|work| *work as usize);
    let mut settings = settings(64, 8);
    settings.tuning.buckets = vec![10, 100];
    let mut take = || works(&queue.take(now, &settings, 8, Open::All).batch);
    assert_eq!(take(), [30, 25]);
    assert_eq!(take(), [5, 4]);
}

#[test]
fn the_largest_preferred_size_that_is_there_is_taken() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    let mut settings = settings(64, 8);
    settings.tuning.preferred = vec![2, 4];
    assert_eq!(queue.step(&settings, Open::All), Step::Idle);
    fill(&mut queue, [entry(1, Class::Live, 0, now)], now);
    assert_eq!(queue.step(&settings, Open::All), Step::Hold);
    fill(&mut queue, (1..7).map(|work| entry(1, Class::Live, work, now)), now);
    assert_eq!(queue.step(&settings, Open::All), Step::Take);
    let mut take = || queue.take(now, &settings, 8, Open::All).batch.len();
    assert_eq!([take(), take(), take()], [4, 2, 1]);
}

#[test]
fn an_alarm_does_not_wait_for_company() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, [entry(1, Class::Live, 0, now)], now);
    assert_eq!(queue.step(&settings(64, 8), Open::All), Step::Hold);
    fill(&mut queue, [entry(1, Class::Alarm, 1, now)], now);
    assert_eq!(queue.step(&settings(64, 8), Open::All), Step::Take);
}

#[test]
fn what_a_model_failed_on_runs_alone_and_not_before_something_more_urgent() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, (0..3).map(|work| entry(1, Class::Live, work, now)), now);
    for failed in queue.take(now, &settings(64, 8), 2, Open::All).batch {
        assert!(queue.retry(failed).is_none());
    }
    fill(&mut queue, [entry(1, Class::Alarm, 9, now)], now);
    let order: Vec<_> = (0..3).map(|_| batch(&mut queue, now, 8)).collect();
    assert_eq!(order, [vec![9, 2], vec![0], vec![1]]);
}

#[test]
fn what_a_model_failed_on_is_not_tried_again_once_a_newer_one_waits() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, [partial(1, now)], now);
    let failed = queue.take(now, &settings(64, 8), 1, Open::All).batch.remove(0);
    fill(&mut queue, [partial(1, now)], now);
    assert!(queue.retry(failed).is_some());
}

#[test]
fn of_the_background_nothing_is_taken_until_it_is_let_and_first_what_is_overdue_where_that_is() {
    let start = Instant::now();
    let now = start + Duration::from_mins(1);
    let mut queue = Scheduler::new();
    let late_soon = until(entry(1, Class::Background, 501, start), now + MS);
    fill(
        &mut queue,
        [entry(3, Class::Background, 502, now), entry(1, Class::Background, 500, start), late_soon],
        start,
    );
    let settings = settings(64, 2);
    assert_eq!(queue.step(&settings, Open::Urgent), Step::Idle);
    assert!(queue.waiting(Open::Urgent).is_none() && queue.take(now, &settings, 2, Open::Urgent).batch.is_empty());
    fill(&mut queue, [entry(2, Class::Live, 1, now)], now);
    assert_eq!(queue.waiting(Open::Urgent).unwrap().count, 1);
    assert_eq!(queue.background(), Some(Background { due: Some(start + 30_000 * MS), late: Some(now + MS) }));
    assert_eq!(works(&queue.take(now, &settings, 2, Open::Overdue).batch), [500, 1]);
    // Nothing else is overdue.
    assert!(queue.take(now, &settings, 2, Open::Overdue).batch.is_empty());
    assert_eq!(works(&queue.take(now, &settings, 2, Open::All).batch), [501, 502]);
}

#[test]
fn what_made_way_has_its_old_place_and_its_session_no_less_than_before() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    fill(&mut queue, (0..4).map(|work| entry(1, Class::Background, work, now + MS * work)), now);
    fill(&mut queue, [entry(2, Class::Background, 9, now + 9 * MS)], now);
    for times in 1..9 {
        let made_way = queue.take(now, &settings(64, 8), 1, Open::All).batch.remove(0);
        assert_eq!((made_way.work, made_way.meta.given_up), (0, times - 1));
        assert!(queue.put_back(made_way, &settings(64, 8)).is_none());
    }
    assert_eq!(batch(&mut queue, now, 5), [0, 9, 1, 2, 3]);
}

#[test]
fn room_is_made_by_what_is_late_then_by_partials_of_less_urgent_classes_then_of_the_same_and_never_by_finals() {
    let start = Instant::now();
    let (now, later) = (start + 10 * MS, start + 500 * MS);
    let full = settings(5, 1);
    let mut queue = Scheduler::new();
    let entries = [
        until(entry(1, Class::Background, 1, start), start + 5 * MS),
        until(entry(2, Class::Background, 2, start), later),
        until(entry(3, Class::Live, 3, start), later),
        entry(4, Class::Live, 4, start),
        entry(5, Class::Live, 5, start),
    ];
    fill(&mut queue, entries, start);
    let mut final_of = |class, work| {
        let admission = queue.admit(entry(9, class, work, now), now, &full);
        let dropped: Vec<_> = admission.dropped.iter().map(|(cause, entry)| (*cause, entry.work)).collect();
        (dropped, admission.refused.map(|(entry, excess)| (entry.work, excess)))
    };
    assert_eq!(final_of(Class::Live, 10), (vec![(Cause::Late, 1)], None));
    assert_eq!(final_of(Class::Live, 11), (vec![(Cause::Shed, 2)], None));
    assert_eq!(final_of(Class::Live, 12), (vec![(Cause::Shed, 3)], None));
    assert_eq!(final_of(Class::Live, 13), (vec![], Some((13, 1))));
    assert_eq!(final_of(Class::Background, 14), (vec![], Some((14, 2))));
    assert_eq!(final_of(Class::Alarm, 15), (vec![], Some((15, 1))), "finals are kept, even from alarms");
}

#[test]
fn among_equals_the_session_that_has_most_waiting_gives_way() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    let of = |session, work| until(entry(session, Class::Background, work, now), now + 100 * MS);
    fill(&mut queue, [of(1, 1), of(2, 2), of(2, 3)], now);
    let admission = queue.admit(entry(3, Class::Live, 4, now), now, &settings(3, 1));
    assert_eq!(admission.dropped[0].1.work, 3);
}

#[test]
fn background_cannot_fill_the_queue_against_live_speech_nor_that_against_alarms() {
    let now = Instant::now();
    let mut queue = Scheduler::new();
    let settings = settings(64, 8);
    let mut let_in =
        |class| (0..64).filter(|_| queue.admit(entry(1, class, 0, now), now, &settings).refused.is_none()).count();
    assert_eq!([let_in(Class::Background), let_in(Class::Live), let_in(Class::Alarm)], [48, 13, 3]);
}

/// How often each of so many speakers is served in a minute by a model that takes `service_ms` for each, when each
/// asks every half second, some milliseconds after the one before.
fn served(phases_ms: &[u64], service_ms: u64) -> Vec<u32> {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let asks = phases_ms.iter().enumerate();
    let mut asks: Vec<(u64, u32)> =
        asks.flat_map(|(speaker, phase)| (0..120).map(move |turn| (phase + turn * 500, speaker as u32))).collect();
    asks.sort_unstable();
    let mut asks = asks.into_iter().peekable();
    let (mut queue, mut served, mut now) = (Scheduler::new(), vec![0; phases_ms.len()], 0);
    while asks.peek().is_some() {
        while let Some((ms, speaker)) = asks.next_if(|(ms, _)| *ms <= now) {
            fill(&mut queue, [partial(speaker, at(ms))], at(ms));
        }
        match batch(&mut queue, at(now), 1)[..] {
            [speaker] => {
                served[speaker as usize] += 1;
                now += service_ms;
            }
            _ => now = asks.peek().map_or(now, |(ms, _)| *ms),
        }
    }
    served
}

proptest! {
    #[test]
    fn speakers_share_a_model_that_is_too_slow_for_all_of_them(
        phases in proptest::collection::vec(0u64..500, 2..9),
        service_ms in 100u64..400,
    ) {
        let served = served(&phases, service_ms);
        let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
        // One may be served each time it asks while the others are every second time, but hardly more than that.
        prop_assert!(least * 5 >= most * 2, "{:?}", served);
    }

    #[test]
    fn sessions_that_always_wait_are_served_by_their_weights(
        weights in proptest::collection::vec(1u32..5, 2..6),
        max_batch in 1usize..9,
    ) {
        let now = Instant::now();
        let mut queue = Scheduler::new();
        let each = 200;
        for (session, weight) in weights.iter().enumerate() {
            queue.weigh(id(session as u128), NonZeroU32::new(*weight).unwrap());
            for _ in 0..each {
                let entry = entry(session as u128, Class::Live, session as u32, now);
                prop_assert!(queue.admit(entry, now, &settings(4_096, 8)).refused.is_none());
            }
        }
        let mut served = vec![0.0; weights.len()];
        let mut taken = 0;
        // As long as everybody waits: the heaviest gets at most four fifths.
        while taken < each {
            for session in batch(&mut queue, now, max_batch) {
                served[session as usize] += 1.0 / f64::from(weights[session as usize]);
                taken += 1;
            }
            let (least, most) = served.iter().fold((f64::MAX, 0.0_f64), |(l, m), s| (l.min(*s), m.max(*s)));
            prop_assert!(most - least <= 3.0, "{:?} of {:?}", served, weights);
        }
    }
}
