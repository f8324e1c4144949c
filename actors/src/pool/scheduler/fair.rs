//! Which of those who wait make up a batch: fair between sessions, over batches and within one.
//!
//! Each session has a virtual time per class that advances by what it is served, divided by its weight (weighted fair
//! queueing: Demers, Keshav and Shenker 1989). A session is eligible while it is at most [`SLACK`] requests ahead of the
//! session furthest behind among those that wait; among eligible sessions the earliest deadline decides (as in earliest
//! eligible virtual deadline first: Stoica and Abdel-Wahab 1995). Whoever comes back after a pause begins where the
//! others are: time not used is not saved up.

use super::{Class, Entry, Open, dues};
use crate::pool::settings::Settings;
use healthsync_events::SessionId;
use std::{collections::HashMap, num::NonZeroU32, time::Instant};

/// Virtual time of one request of weight 1.
const UNIT: u64 = 1 << 16;

/// Requests a session may be ahead of another that waits, so that its final need not wait for everybody's partials.
const SLACK: u64 = 2;

/// Sessions whose weight or debt is remembered.
const MAX_REMEMBERED: usize = 4_096;

#[derive(Default)]
pub(super) struct Shares {
    /// Virtual time of sessions that wait or are ahead.
    accounts: HashMap<(Class, SessionId), u64>,
    /// By class, where the session furthest behind was: who comes new begins there.
    floor: [u64; 3],
    weights: HashMap<SessionId, NonZeroU32>,
}

/// What one session waits for in one class, the next one last.
struct Lane {
    class: Class,
    session: SessionId,
    time: u64,
    weight: u64,
    /// Places of this batch it has.
    places: u64,
    /// Indices of entries with when they are due, the latest first.
    entries: Vec<(Instant, usize)>,
}

/// Less is sooner: class, whether its session is ahead of its share, turn of the batch (or how far ahead), due, arrival.
type Rank = (Class, bool, u64, Instant, usize);

impl Shares {
    pub(super) fn weigh(&mut self, session: SessionId, weight: NonZeroU32) -> bool {
        if weight == NonZeroU32::MIN {
            self.weights.remove(&session);
            return true;
        }
        if self.weights.len() >= MAX_REMEMBERED && !self.weights.contains_key(&session) {
            return false;
        }
        self.weights.insert(session, weight);
        true
    }

    /// The entries that make up the next batch of what may be taken, by their indices, the most deserving first.
    pub(super) fn choose<W>(
        &mut self,
        entries: &[Entry<W>],
        settings: &Settings,
        most: usize,
        open: Open,
        now: Instant,
    ) -> Vec<usize> {
        let mut lanes = self.lanes(entries);
        let length = |index: usize| entries[index].meta.length.unwrap_or(0);
        let mut first = (open == Open::Overdue).then(|| overdue(&lanes, entries, now)).flatten();
        let open = if first.is_none() && open == Open::Overdue { Open::Urgent } else { open };
        let mut chosen = Vec::with_capacity(most.min(entries.len()));
        let mut bucket = None;
        while chosen.len() < most {
            let cost = |lane: &Lane| lane.next().map_or(1, |(_, index)| settings.cost(length(index)));
            let fits = |lane: &Lane| {
                let in_bucket = |(_, index)| bucket.is_none_or(|bucket| bucket == settings.bucket(length(index)));
                open.lets(lane.class) && lane.next().is_some_and(in_bucket)
            };
            let Some(lane) = first.take().or_else(|| next(&lanes, &fits, &cost)) else { break };
            let cost = cost(&lanes[lane]);
            let lane = &mut lanes[lane];
            let Some((_, index)) = lane.entries.pop() else { break };
            lane.places += 1;
            lane.time += cost * UNIT / lane.weight;
            bucket = Some(settings.bucket(length(index)));
            chosen.push(index);
        }
        self.settle(&lanes);
        chosen
    }

    /// A request that was taken was not served after all.
    pub(super) fn refund(&mut self, class: Class, session: SessionId, cost: u64) {
        let weight = self.weights.get(&session).map_or(1, |weight| u64::from(weight.get()));
        if let Some(time) = self.accounts.get_mut(&(class, session)) {
            *time = time.saturating_sub(cost * UNIT / weight);
        }
    }

    fn lanes<W>(&mut self, entries: &[Entry<W>]) -> Vec<Lane> {
        let dues = dues(entries);
        let mut at: HashMap<(Class, SessionId), usize> = HashMap::new();
        let mut lanes: Vec<Lane> = Vec::new();
        for (index, Entry { meta, .. }) in entries.iter().enumerate().filter(|(_, entry)| !entry.meta.alone) {
            let lane = *at.entry((meta.class, meta.session)).or_insert_with(|| {
                let floor = self.floor[meta.class.index()];
                let time = self.accounts.get(&(meta.class, meta.session)).map_or(floor, |time| floor.max(*time));
                let weight = self.weights.get(&meta.session).map_or(1, |weight| u64::from(weight.get()));
                let (class, session) = (meta.class, meta.session);
                lanes.push(Lane { class, session, time, weight, places: 0, entries: Vec::new() });
                lanes.len() - 1
            });
            lanes[lane].entries.push((dues[index], index));
        }
        // By arrival where equally due: a session's own order is kept.
        for lane in &mut lanes {
            lane.entries.sort_by(|a, b| b.cmp(a));
        }
        lanes
    }

    /// Remembers where everybody is.
    fn settle(&mut self, lanes: &[Lane]) {
        for class in Class::ALL {
            let waiting = lanes.iter().filter(|lane| lane.class == class && !lane.entries.is_empty());
            let floor = &mut self.floor[class.index()];
            match waiting.map(|lane| lane.time).min() {
                Some(time) => *floor = time.max(*floor),
                // Nobody waits in this class any more, so nobody is ahead of anybody.
                None if lanes.iter().any(|lane| lane.class == class) => {
                    self.accounts.retain(|(of, _), _| *of != class);
                    *floor = lanes.iter().filter(|lane| lane.class == class).map(|l| l.time).max().unwrap_or(*floor);
                }
                None => {}
            }
        }
        for lane in lanes {
            self.accounts.insert((lane.class, lane.session), lane.time);
        }
        let floor = self.floor;
        self.accounts.retain(|(class, _), time| *time > floor[class.index()]);
        if self.accounts.len() > MAX_REMEMBERED {
            self.accounts.clear();
        }
    }
}

impl Lane {
    fn next(&self) -> Option<(Instant, usize)> {
        self.entries.last().copied()
    }

    fn rank(&self, floor: u64, cost: u64) -> Option<Rank> {
        let (due, index) = self.next()?;
        let ahead = self.time - floor;
        let eligible = ahead.saturating_mul(self.weight) <= SLACK * cost * UNIT;
        let turn = if eligible { self.places / self.weight } else { ahead };
        Some((self.class, !eligible, turn, due, index))
    }
}

/// The lane whose next entry comes next.
fn next(lanes: &[Lane], fits: &impl Fn(&Lane) -> bool, cost: &impl Fn(&Lane) -> u64) -> Option<usize> {
    let mut floor = [u64::MAX; 3];
    for lane in lanes.iter().filter(|lane| !lane.entries.is_empty()) {
        let floor = &mut floor[lane.class.index()];
        *floor = lane.time.min(*floor);
    }
    let rank = |(index, lane): (usize, &Lane)| Some((lane.rank(floor[lane.class.index()], cost(lane))?, index));
    let ranked = lanes.iter().enumerate().filter(|(_, lane)| fits(lane)).filter_map(rank).min();
    ranked.map(|(_, index)| index)
}

/// The lane that has something overdue, the longest of them.
fn overdue<W>(lanes: &[Lane], entries: &[Entry<W>], now: Instant) -> Option<usize> {
    let is_overdue = |(_, index): &&(Instant, usize)| entries[*index].meta.is_overdue(now);
    let due = |lane: &Lane| lane.entries.iter().filter(is_overdue).map(|(due, _)| *due).min();
    let overdue = lanes.iter().enumerate().filter_map(|(index, lane)| Some((due(lane)?, index))).min();
    overdue.map(|(_, index)| index)
}
