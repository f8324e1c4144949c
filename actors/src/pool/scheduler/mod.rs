//! Who is served next, and who is not served at all. A state machine without clock or lock: `now` is told.
//!
//! Served, in this order:
//! 1. what must run alone because it may be what a model failed on, unless something more urgent waits;
//! 2. the class: alarm before live before background. Whether background requests are served at all at the moment, or
//!    even first because their time is over, is told ([`Open`]): it depends on what is urgent in other pools too
//!    (`super::precedence::gate`);
//! 3. within a class, sessions that have had no more than their share (see [`fair`]), turn by turn within a batch;
//! 4. within those, the earliest deadline; what has none is due some time after it came (`Class::budget`), so that a
//!    session's requests without deadlines start in the order in which they came.
//!
//! What made way for something more urgent is put back to where it was, as if it had not been taken.
//!
//! Not served: what was cancelled, what was superseded, what is past its deadline, and what is shed (see [`admit`]).

mod admit;
mod fair;

pub(super) use admit::Cause;

use super::{gather::Waiting, settings::Settings};
use fair::Shares;
use healthsync_events::{ParticipantId, SessionId};
use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// Deadline classes, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// An alarm waits for it.
    Alarm,
    /// A person is listening or reading along.
    Live,
    /// Everything else.
    Background,
}

impl Class {
    pub const ALL: [Self; 3] = [Self::Alarm, Self::Live, Self::Background];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Live => "live",
            Self::Background => "background",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
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

/// What may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// Nothing of the background.
    Urgent,
    All,
    /// All, and first of it a background request that is overdue.
    Overdue,
}

impl Open {
    fn lets(self, class: Class) -> bool {
        self != Self::Urgent || class != Class::Background
    }
}

/// Identifies requests of which only the newest matters: the partials of one participant.
pub type SupersedeKey = (SessionId, ParticipantId);

/// What of a request decides about its place.
#[derive(Debug, Clone)]
pub(super) struct Meta {
    pub session: SessionId,
    pub class: Class,
    pub queued_at: Instant,
    /// Since when somebody waits: the first of the requests that superseded each other was queued then.
    pub since: Instant,
    pub deadline: Option<Instant>,
    pub supersedes: Option<SupersedeKey>,
    /// In order of arrival; given by the scheduler.
    pub number: u64,
    /// As the model measures it; `None` until it has.
    pub length: Option<usize>,
    /// A model failed on a batch it was part of.
    pub alone: bool,
    /// Times it made way for something more urgent.
    pub given_up: u32,
}

impl Meta {
    pub(super) fn new(session: SessionId, class: Class, now: Instant) -> Self {
        Self {
            session,
            class,
            queued_at: now,
            since: now,
            deadline: None,
            supersedes: None,
            number: 0,
            length: None,
            alone: false,
            given_up: 0,
        }
    }

    fn due(&self) -> Instant {
        self.deadline.unwrap_or(self.queued_at + self.class.budget())
    }

    /// Of the background, never dropped, and its time is over.
    fn is_overdue(&self, now: Instant) -> bool {
        self.class == Class::Background && self.deadline.is_none() && self.due() <= now
    }

    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// What is queued.
pub(super) trait Queued {
    /// Nobody waits for it any more.
    fn is_cancelled(&self) -> bool;
}

#[derive(Debug)]
pub(super) struct Entry<W> {
    pub meta: Meta,
    pub work: W,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing waits.
    Idle,
    /// Enough waits, or something that must not wait for company.
    Take,
    /// Company may come until the delay is over.
    Hold,
}

/// What a worker takes at a time.
pub(super) struct Taken<W> {
    pub batch: Vec<Entry<W>>,
    pub dropped: Vec<(Cause, Entry<W>)>,
}

pub(super) struct Scheduler<W> {
    /// In order of arrival. Bounded by the pool's capacity and what is tried again, some hundreds, where scanning beats a
    /// heap that would have to support removal.
    entries: Vec<Entry<W>>,
    shares: Shares,
    number: u64,
}

/// When background requests that wait come to something by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Background {
    /// When the first of those is due that are never dropped.
    pub due: Option<Instant>,
    /// When the first of the others is to be dropped.
    pub late: Option<Instant>,
}

impl<W: Queued> Scheduler<W> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), shares: Shares::default(), number: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Requests waiting, by class.
    pub(super) fn depths(&self) -> [usize; 3] {
        let mut depths = [0; 3];
        self.entries.iter().for_each(|entry| depths[entry.meta.class.index()] += 1);
        depths
    }

    /// The share of a session relative to others: 1 unless set. `false`: too many have one.
    pub(super) fn weigh(&mut self, session: SessionId, weight: NonZeroU32) -> bool {
        self.shares.weigh(session, weight)
    }

    /// Measures what has not been.
    pub(super) fn measure(&mut self, length: impl Fn(&W) -> usize) {
        for entry in self.entries.iter_mut().filter(|entry| entry.meta.length.is_none()) {
            entry.meta.length = Some(length(&entry.work));
        }
    }

    /// Puts back what a model failed on, to be run alone. Handed back when a newer one has taken its place meanwhile.
    pub(super) fn retry(&mut self, mut entry: Entry<W>) -> Option<Entry<W>> {
        entry.meta.alone = true;
        self.restore(entry)
    }

    /// Puts back what made way. Handed back when a newer one has taken its place meanwhile.
    pub(super) fn put_back(&mut self, mut entry: Entry<W>, settings: &Settings) -> Option<Entry<W>> {
        entry.meta.given_up += 1;
        let cost = settings.cost(entry.meta.length.unwrap_or(0));
        self.shares.refund(entry.meta.class, entry.meta.session, cost);
        self.restore(entry)
    }

    /// It keeps its place, and it is let in however many wait: it was before.
    fn restore(&mut self, entry: Entry<W>) -> Option<Entry<W>> {
        let key = entry.meta.supersedes.as_ref();
        if key.is_some_and(|key| self.entries.iter().any(|e| e.meta.supersedes.as_ref() == Some(key))) {
            return Some(entry);
        }
        let at = self.entries.partition_point(|e| e.meta.number < entry.meta.number);
        self.entries.insert(at, entry);
        None
    }

    pub(super) fn drain(&mut self) -> Vec<Entry<W>> {
        std::mem::take(&mut self.entries)
    }

    /// What waits of the background, if anything does.
    pub(super) fn background(&self) -> Option<Background> {
        let waiting = || self.entries.iter().map(|entry| &entry.meta).filter(|meta| meta.class == Class::Background);
        waiting().next()?;
        Some(Background {
            due: waiting().filter(|meta| meta.deadline.is_none()).map(Meta::due).min(),
            late: waiting().filter_map(|meta| meta.deadline).min(),
        })
    }

    /// What waits and may be taken, as whoever decides about holding it needs to know.
    pub(super) fn waiting(&self, open: Open) -> Option<Waiting> {
        let waiting = || self.entries.iter().map(|entry| &entry.meta).filter(|meta| open.lets(meta.class));
        Some(Waiting {
            count: waiting().count(),
            oldest: waiting().map(|meta| meta.queued_at).min()?,
            newest: waiting().map(|meta| meta.queued_at).max()?,
            deadline: waiting().filter_map(|meta| meta.deadline).min(),
        })
    }

    pub(super) fn step(&self, settings: &Settings, open: Open) -> Step {
        let waiting = || self.entries.iter().map(|entry| &entry.meta).filter(|meta| open.lets(meta.class));
        let count = waiting().count();
        if count == 0 {
            return Step::Idle;
        }
        let enough = settings.tuning.preferred.first().copied().unwrap_or(settings.max_batch);
        let urgent = |meta: &Meta| meta.alone || meta.class == Class::Alarm;
        if open == Open::Overdue || count >= settings.max_batch || count >= enough || waiting().any(urgent) {
            return Step::Take;
        }
        Step::Hold
    }

    /// Takes the next batch of what may be: at most `most`, and nothing that needs another bucket than the first of it.
    pub(super) fn take(&mut self, now: Instant, settings: &Settings, most: usize, open: Open) -> Taken<W> {
        let dropped = self.purge(now);
        if self.entries.is_empty() || most == 0 {
            return Taken { batch: Vec::new(), dropped };
        }
        if let Some(index) = self.alone(open, now) {
            return Taken { batch: vec![self.entries.remove(index)], dropped };
        }
        let together = |entry: &&Entry<W>| !entry.meta.alone && open.lets(entry.meta.class);
        let count = self.entries.iter().filter(together).count();
        let most = most.min(settings.max_batch);
        let preferred = settings.tuning.preferred.iter().rev().find(|size| **size <= count.min(most));
        let chosen = self.shares.choose(&self.entries, settings, preferred.copied().unwrap_or(most), open, now);
        let mut entries: Vec<Option<Entry<W>>> = std::mem::take(&mut self.entries).into_iter().map(Some).collect();
        let batch = chosen.into_iter().filter_map(|index| entries[index].take()).collect();
        self.entries = entries.into_iter().flatten().collect();
        Taken { batch, dropped }
    }

    /// What runs alone now, if nothing more urgent waits or its time is over.
    fn alone(&self, open: Open, now: Instant) -> Option<usize> {
        let may = |entry: &&Entry<W>| open.lets(entry.meta.class);
        let most_urgent = self.entries.iter().filter(may).map(|entry| entry.meta.class).min()?;
        let is_next = |meta: &Meta| meta.class == most_urgent || (open == Open::Overdue && meta.is_overdue(now));
        self.entries.iter().position(|entry| entry.meta.alone && is_next(&entry.meta))
    }

    /// Removes what is not worth serving any more.
    fn purge(&mut self, now: Instant) -> Vec<(Cause, Entry<W>)> {
        let cause = |entry: &Entry<W>| match () {
            () if entry.work.is_cancelled() => Some(Cause::Cancelled),
            () if entry.meta.is_late(now) => Some(Cause::Late),
            () => None,
        };
        if self.entries.iter().all(|entry| cause(entry).is_none()) {
            return Vec::new();
        }
        let (mut kept, mut dropped) = (Vec::with_capacity(self.entries.len()), Vec::new());
        for entry in std::mem::take(&mut self.entries) {
            match cause(&entry) {
                Some(cause) => dropped.push((cause, entry)),
                None => kept.push(entry),
            }
        }
        self.entries = kept;
        dropped
    }
}

/// When each entry is due, in their order. Among requests of a class that supersede others, who has waited longest has
/// the earliest of their deadlines: each newer one would otherwise begin to wait anew, and whoever asks just before the
/// model is free would be passed over again and again.
fn dues<W>(entries: &[Entry<W>]) -> Vec<Instant> {
    let mut dues: Vec<Instant> = entries.iter().map(|entry| entry.meta.due()).collect();
    for class in Class::ALL {
        let supersedes = |meta: &Meta| meta.class == class && meta.supersedes.is_some();
        let mut waiting: Vec<usize> = (0..entries.len()).filter(|index| supersedes(&entries[*index].meta)).collect();
        let mut turns: Vec<Instant> = waiting.iter().map(|index| dues[*index]).collect();
        turns.sort_unstable();
        waiting.sort_by_key(|index| entries[*index].meta.since);
        for (index, turn) in waiting.into_iter().zip(turns) {
            dues[index] = turn;
        }
    }
    dues
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
