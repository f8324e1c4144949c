//! The order in which requests are served. Pure: no clock, no lock.

use healthsync_events::{ParticipantId, SessionId};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Deadline classes, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An alarm waits for it.
    Alarm,
    /// A person is listening or reading along.
    Live,
    /// Everything else.
    Background,
}

impl Class {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Live => "live",
            Self::Background => "background",
        }
    }

    /// How soon a request without a deadline of its own should be served, which places it among others of
    /// its class.
    const fn budget(self) -> Duration {
        match self {
            Self::Alarm => Duration::from_millis(50),
            Self::Live => Duration::from_millis(500),
            Self::Background => Duration::from_secs(30),
        }
    }
}

/// Identifies requests of which only the newest matters: the partials of one participant.
pub type SupersedeKey = (SessionId, ParticipantId);

pub(super) struct Entry<W> {
    pub session: SessionId,
    pub class: Class,
    pub queued_at: Instant,
    /// Since when somebody waits: the first of the requests that superseded each other was queued then.
    pub since: Instant,
    pub deadline: Option<Instant>,
    pub supersedes: Option<SupersedeKey>,
    pub work: W,
}

impl<W> Entry<W> {
    fn due(&self) -> Instant {
        self.deadline.unwrap_or(self.queued_at + self.class.budget())
    }
}

/// Earliest deadline first within a class, classes strictly in order, and of one batch no session takes a
/// second place while another waits in the same class. Among requests that supersede others, who has waited longest
/// has the earliest of their deadlines: each newer one would otherwise begin to wait anew, and whoever asks just before
/// the model is free would be passed over again and again.
pub(super) struct Queue<W> {
    /// In order of arrival. Bounded by the pool's capacity of some hundreds, where scanning beats a heap that
    /// would have to support removal.
    entries: Vec<Entry<W>>,
}

/// What a worker takes at a time.
pub(super) struct Taken<W> {
    pub batch: Vec<W>,
    pub late: Vec<W>,
}

impl<W> Queue<W> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push(&mut self, entry: Entry<W>) {
        self.entries.push(entry);
    }

    /// Removes the queued request that `newer` makes pointless, and gives `newer` its place.
    pub(super) fn take_superseded(&mut self, newer: &mut Entry<W>) -> Option<W> {
        let key = newer.supersedes.as_ref()?;
        let index = self.entries.iter().position(|e| e.supersedes.as_ref() == Some(key))?;
        let older = self.entries.remove(index);
        newer.since = older.since;
        Some(older.work)
    }

    pub(super) fn remove_where(&mut self, pointless: impl Fn(&W) -> bool) {
        self.entries.retain(|entry| !pointless(&entry.work));
    }

    /// When the oldest request came in.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.entries.iter().map(|e| e.queued_at).min()
    }

    /// Whether anything waits that must not be held back for company.
    pub(super) fn has_alarm(&self) -> bool {
        self.entries.iter().any(|e| e.class == Class::Alarm)
    }

    pub(super) fn take(&mut self, now: Instant, max_batch: usize) -> Taken<W> {
        let (late, live): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.entries).into_iter().partition(|e| e.deadline.is_some_and(|d| d <= now));
        let mut order: Vec<(usize, &Entry<W>)> = live.iter().enumerate().collect();
        let dues = dues(&live);
        order.sort_by_key(|(index, e)| (e.class, dues[*index], *index));
        let mut turns: HashMap<(Class, SessionId), usize> = HashMap::new();
        let mut ranked: Vec<(Class, usize, usize, usize)> = Vec::with_capacity(order.len());
        for (rank, (index, entry)) in order.into_iter().enumerate() {
            let turn = turns.entry((entry.class, entry.session)).or_default();
            ranked.push((entry.class, *turn, rank, index));
            *turn += 1;
        }
        ranked.sort_unstable();
        let mut chosen: Vec<Option<Entry<W>>> = live.into_iter().map(Some).collect();
        let batch = ranked.iter().take(max_batch).filter_map(|r| chosen[r.3].take()).map(|e| e.work).collect();
        self.entries = chosen.into_iter().flatten().collect();
        Taken { batch, late: late.into_iter().map(|e| e.work).collect() }
    }
}

/// When each entry is due, in their order.
fn dues<W>(entries: &[Entry<W>]) -> Vec<Instant> {
    let mut dues: Vec<Instant> = entries.iter().map(Entry::due).collect();
    let mut waiting: Vec<usize> = (0..entries.len()).filter(|index| entries[*index].supersedes.is_some()).collect();
    let mut turns: Vec<Instant> = waiting.iter().map(|index| dues[*index]).collect();
    turns.sort_unstable();
    waiting.sort_by_key(|index| entries[*index].since);
    for (index, turn) in waiting.into_iter().zip(turns) {
        dues[index] = turn;
    }
    dues
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(session: u128, class: Class, work: u32, deadline: Option<Instant>, at: Instant) -> Entry<u32> {
        let session = SessionId(uuid::Uuid::from_u128(session));
        Entry { session, class, queued_at: at, since: at, deadline, supersedes: None, work }
    }

    /// A partial of a speaker, as tracks ask for them.
    fn partial(speaker: u32, at: Instant) -> Entry<u32> {
        let mut entry = entry(speaker.into(), Class::Live, speaker, Some(at + Duration::from_secs(1)), at);
        entry.supersedes = Some((entry.session, "patient".parse().unwrap()));
        entry
    }

    /// How often each of so many speakers is served in a minute by a model that takes `service_ms` for each, when each
    /// asks every half second, some milliseconds after the one before.
    fn served(phases_ms: &[u64], service_ms: u64) -> Vec<u32> {
        let start = Instant::now();
        let mut asks: Vec<(u64, u32)> = phases_ms
            .iter()
            .enumerate()
            .flat_map(|(speaker, phase)| (0..120).map(move |turn| (phase + turn * 500, speaker as u32)))
            .collect();
        asks.sort_unstable();
        let mut asks = asks.into_iter().peekable();
        let mut queue = Queue::new();
        let mut served = vec![0; phases_ms.len()];
        let mut now = 0;
        while asks.peek().is_some() {
            while let Some((at, speaker)) = asks.next_if(|(at, _)| *at <= now) {
                let mut newer = partial(speaker, start + Duration::from_millis(at));
                queue.take_superseded(&mut newer);
                queue.push(newer);
            }
            match queue.take(start + Duration::from_millis(now), 1).batch[..] {
                [speaker] => {
                    served[speaker as usize] += 1;
                    now += service_ms;
                }
                _ => now = asks.peek().map_or(now, |(at, _)| *at),
            }
        }
        served
    }

    #[test]
    fn an_alarm_goes_before_live_speech_and_live_speech_before_the_rest() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(entry(1, Class::Background, 3, None, now));
        queue.push(entry(1, Class::Live, 2, None, now));
        queue.push(entry(1, Class::Alarm, 1, None, now));
        assert_eq!(queue.take(now, 8).batch, [1, 2, 3]);
    }

    #[test]
    fn within_a_class_the_earliest_deadline_goes_first() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(entry(1, Class::Live, 1, Some(now + Duration::from_secs(2)), now));
        queue.push(entry(2, Class::Live, 2, Some(now + Duration::from_secs(1)), now));
        assert_eq!(queue.take(now, 1).batch, [2]);
    }

    #[test]
    fn a_busy_session_does_not_crowd_another_out_of_a_batch() {
        let now = Instant::now();
        let mut queue = Queue::new();
        for work in 0..4 {
            queue.push(entry(1, Class::Live, work, None, now));
        }
        queue.push(entry(2, Class::Live, 9, None, now + Duration::from_millis(1)));
        assert_eq!(queue.take(now, 2).batch, [0, 9]);
    }

    #[test]
    fn what_is_past_its_deadline_is_handed_back_as_late() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(entry(1, Class::Live, 1, Some(now), now));
        queue.push(entry(1, Class::Live, 2, None, now));
        let taken = queue.take(now, 8);
        assert_eq!((taken.batch, taken.late), (vec![2], vec![1]));
    }

    #[test]
    fn a_newer_partial_takes_the_place_of_the_older_one_and_goes_behind_a_final_all_the_same() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut queue = Queue::new();
        queue.push(partial(1, at(0)));
        queue.push(partial(2, at(400)));
        let mut newer = partial(1, at(500));
        assert_eq!(queue.take_superseded(&mut newer), Some(1));
        queue.push(newer);
        queue.push(entry(3, Class::Live, 3, None, at(600)));
        assert_eq!(queue.take(at(700), 8).batch, [3, 1, 2]);
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
        fn nothing_is_lost_or_served_twice(
            requests in proptest::collection::vec((0u128..4, 0usize..3, proptest::option::of(0u64..50)), 0..60),
            max_batch in 1usize..9,
        ) {
            let start = Instant::now();
            let classes = [Class::Alarm, Class::Live, Class::Background];
            let mut queue = Queue::new();
            for (work, (session, class, deadline)) in requests.iter().enumerate() {
                let deadline = deadline.map(|ms| start + Duration::from_millis(ms));
                queue.push(entry(*session, classes[*class], work as u32, deadline, start));
            }
            let mut seen = Vec::new();
            let mut step = 0;
            while queue.len() > 0 {
                let taken = queue.take(start + Duration::from_millis(step), max_batch);
                prop_assert!(taken.batch.len() <= max_batch);
                seen.extend(taken.batch);
                seen.extend(taken.late);
                step += 7;
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..requests.len() as u32).collect::<Vec<_>>());
        }
    }
}
