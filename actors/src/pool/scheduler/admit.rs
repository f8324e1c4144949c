//! Who is let in, and whom they displace.
//!
//! Each class has less of the capacity than the more urgent one, so that background work cannot fill the queue against
//! live speech, nor live speech against alarms. Where there is no room, this is shed for a newcomer, in this order:
//! 1. what was cancelled, and what is past its deadline, of any class;
//! 2. partials (requests with a deadline) of less urgent classes, the least urgent first;
//! 3. if the newcomer is a final (a request without a deadline), partials of its own class.
//!
//! Among several, of the session that has most of them waiting, the one due last. Finals, once let in, are never shed.
//! Whoever still finds no room is refused at the door. A request that supersedes a queued one takes its place and needs
//! no room.

use super::{Class, Entry, Meta, Queued, Scheduler};
use crate::pool::settings::Settings;
use healthsync_events::SessionId;
use std::{cmp::Reverse, collections::HashMap, time::Instant};

/// Why something that was let in is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::pool) enum Cause {
    Cancelled,
    Superseded,
    Late,
    Shed,
}

impl Cause {
    pub(in crate::pool) const ALL: [Self; 4] = [Self::Cancelled, Self::Superseded, Self::Late, Self::Shed];

    pub(in crate::pool) const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Late => "late",
            Self::Shed => "shed",
        }
    }
}

pub(in crate::pool) struct Admission<W> {
    pub dropped: Vec<(Cause, Entry<W>)>,
    /// Handed back with how many must leave the queue before it can be let in.
    pub refused: Option<(Entry<W>, usize)>,
}

impl<W: Queued> Scheduler<W> {
    pub(in crate::pool) fn admit(&mut self, mut entry: Entry<W>, now: Instant, settings: &Settings) -> Admission<W> {
        let mut dropped = Vec::new();
        let superseded = self.take_superseded(&mut entry.meta);
        let replaces = superseded.is_some();
        dropped.extend(superseded.map(|older| (Cause::Superseded, older)));
        let limit = settings.limit(entry.meta.class);
        if !replaces && self.entries.len() >= limit {
            dropped.extend(self.purge(now));
            while self.entries.len() >= limit {
                let Some(index) = self.least_worth(&entry.meta) else {
                    let excess = self.entries.len() + 1 - limit;
                    return Admission { dropped, refused: Some((entry, excess)) };
                };
                dropped.push((Cause::Shed, self.entries.remove(index)));
            }
        }
        self.number += 1;
        entry.meta.number = self.number;
        self.entries.push(entry);
        Admission { dropped, refused: None }
    }

    /// Removes the queued request that `newer` makes pointless, and gives `newer` its place.
    fn take_superseded(&mut self, newer: &mut Meta) -> Option<Entry<W>> {
        let key = newer.supersedes.as_ref()?;
        let index = self.entries.iter().position(|e| e.meta.supersedes.as_ref() == Some(key))?;
        let older = self.entries.remove(index);
        newer.since = older.meta.since;
        Some(older)
    }

    /// What makes room for `newcomer` first, if anything does.
    fn least_worth(&self, newcomer: &Meta) -> Option<usize> {
        let gives_way = |meta: &Meta| {
            let same = meta.class == newcomer.class && newcomer.deadline.is_none();
            meta.deadline.is_some() && (meta.class > newcomer.class || same)
        };
        let mut waiting: HashMap<(Class, SessionId), usize> = HashMap::new();
        self.entries.iter().for_each(|e| *waiting.entry((e.meta.class, e.meta.session)).or_default() += 1);
        let worth = |(index, meta): &(usize, &Meta)| {
            (Reverse(meta.class), Reverse(waiting[&(meta.class, meta.session)]), Reverse(meta.due()), Reverse(*index))
        };
        let candidates = self.entries.iter().map(|entry| &entry.meta).enumerate().filter(|(_, meta)| gives_way(meta));
        candidates.min_by_key(worth).map(|(index, _)| index)
    }
}
