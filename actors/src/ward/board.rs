//! What is known of the ward now, and since which version.

use healthsync_events::{
    SessionId, Timestamp,
    ward::{WardChanges, WardMessage, WardRow, WardSnapshot},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;

/// Ended sessions remembered for views that have not been told. One that is further behind is sent everything anew.
const REMOVALS_KEPT: usize = 1_024;

/// Read by views, written by the ward's actor alone.
pub struct WardBoard {
    inner: Mutex<Inner>,
    version: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    version: u64,
    rows: BTreeMap<SessionId, (u64, WardRow)>,
    removed: VecDeque<(u64, SessionId)>,
    /// The version below which removals are forgotten.
    removals_since: u64,
    complete: bool,
}

impl Default for WardBoard {
    fn default() -> Self {
        Self { inner: Mutex::default(), version: watch::channel(0).0 }
    }
}

impl WardBoard {
    /// Says when there is a version that has not been seen.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub fn snapshot(&self, now: Timestamp) -> WardSnapshot {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        WardSnapshot {
            version: inner.version,
            at: now,
            complete: inner.complete,
            rows: inner.rows.values().map(|(_, row)| row.clone()).collect(),
        }
    }

    /// What has changed since a version, or everything where that is no longer known.
    pub fn since(&self, version: u64, now: Timestamp) -> WardMessage {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if version < inner.removals_since {
            drop(inner);
            return WardMessage::Snapshot(self.snapshot(now));
        }
        let changed = inner.rows.values().filter(|(changed, _)| *changed > version);
        let removed = inner.removed.iter().filter(|(removed, _)| *removed > version);
        WardMessage::Changes(WardChanges {
            version: inner.version,
            at: now,
            complete: inner.complete,
            rows: changed.map(|(_, row)| without_trends(row)).collect(),
            removed: removed.map(|(_, session)| *session).collect(),
        })
    }

    pub(super) fn put(&self, row: &WardRow) {
        self.change(|inner| {
            inner.rows.insert(row.session, (inner.version, row.clone()));
        });
    }

    pub(super) fn remove(&self, session: SessionId) {
        self.change(|inner| {
            if inner.rows.remove(&session).is_none() {
                return;
            }
            inner.removed.push_back((inner.version, session));
            if inner.removed.len() > REMOVALS_KEPT
                && let Some((forgotten, _)) = inner.removed.pop_front()
            {
                inner.removals_since = forgotten;
            }
        });
    }

    /// Every log has been read: only `known` sessions are open.
    pub(super) fn complete(&self, known: impl Fn(SessionId) -> bool) {
        let gone: Vec<SessionId> = {
            let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.rows.keys().copied().filter(|session| !known(*session)).collect()
        };
        for session in gone {
            self.remove(session);
        }
        self.change(|inner| inner.complete = true);
    }

    pub(super) fn incomplete(&self) {
        self.change(|inner| inner.complete = false);
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.version += 1;
        change(&mut inner);
        let version = inner.version;
        drop(inner);
        self.version.send_replace(version);
    }
}

fn without_trends(row: &WardRow) -> WardRow {
    let WardRow { session, patient, started_at, head, location, vitals, news2, alarms, .. } = row;
    WardRow {
        session: *session,
        patient: patient.clone(),
        started_at: *started_at,
        head: *head,
        location: location.clone(),
        vitals: vitals.clone(),
        news2: *news2,
        alarms: alarms.clone(),
        heart_rate_trend: Vec::new(),
        news2_trend: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{Seq, ward::WardVitals};

    fn row(n: u128, head: u64) -> WardRow {
        WardRow {
            session: session(n),
            patient: format!("P{n}").parse().unwrap(),
            started_at: Timestamp::from_millis(0),
            head: Seq(head),
            location: None,
            vitals: WardVitals::default(),
            news2: None,
            alarms: vec![],
            heart_rate_trend: vec![(1, 2.0)],
            news2_trend: vec![],
        }
    }

    fn session(n: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(n))
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn changes(board: &WardBoard, since: u64) -> WardChanges {
        match board.since(since, now()) {
            WardMessage::Changes(changes) => changes,
            WardMessage::Snapshot(_) => panic!("changes were expected"),
        }
    }

    #[test]
    fn a_view_is_told_of_each_row_once_however_often_it_changed_in_between() {
        let board = WardBoard::default();
        board.put(&row(1, 1));
        board.put(&row(2, 1));
        let seen = board.snapshot(now());
        assert_eq!((seen.rows.len(), seen.rows[0].heart_rate_trend.len()), (2, 1));
        (2..100).for_each(|head| board.put(&row(2, head)));
        let changed = changes(&board, seen.version);
        assert_eq!(changed.rows.iter().map(|r| (r.session, r.head)).collect::<Vec<_>>(), [(session(2), Seq(99))]);
        assert!(changed.rows[0].heart_rate_trend.is_empty(), "the view has drawn it already");
        assert!(changes(&board, changed.version).rows.is_empty());
    }

    #[test]
    fn sessions_that_end_are_told_and_a_view_far_behind_starts_over() {
        let board = WardBoard::default();
        board.put(&row(1, 1));
        let seen = board.snapshot(now()).version;
        board.remove(session(1));
        board.remove(session(7));
        assert_eq!(changes(&board, seen).removed, [session(1)]);
        for n in 0..=REMOVALS_KEPT as u128 {
            board.put(&row(n, 1));
            board.remove(session(n));
        }
        assert!(matches!(board.since(seen, now()), WardMessage::Snapshot(_)));
    }

    #[test]
    fn what_is_not_open_any_more_goes_once_every_log_was_read() {
        let board = WardBoard::default();
        board.put(&row(1, 1));
        board.put(&row(2, 1));
        board.complete(|known| known == session(2));
        let seen = board.snapshot(now());
        assert!(seen.complete);
        assert_eq!(seen.rows.iter().map(|r| r.session).collect::<Vec<_>>(), [session(2)]);
    }
}
