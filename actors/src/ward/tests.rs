//! What the ward does about what it was never told.

use super::{WardBoard, start};
use crate::{
    log::{SessionLog, SqliteStore, Store},
    supervise::ActorThreads,
};
use healthsync_events::{
    Event, EventBody, MonitorProtocol, MonitorSource, NewEvent, Seq, SessionId, Timestamp, VERSION, VitalSigns,
    clinical::VitalsObserved, consultation::SessionStarted, risk::Spo2Scale, ward::WardSnapshot,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast;

fn started() -> EventBody {
    EventBody::SessionStarted(SessionStarted {
        patient: "P1".parse().unwrap(),
        languages: vec!["en".parse().unwrap()],
        spo2_scale: Spo2Scale::default(),
        terms: vec![],
    })
}

fn observed(vitals: VitalSigns) -> EventBody {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "m".into(),
        facility: "f".into(),
        message_id: "1".into(),
    };
    let taken_at = Timestamp::from_millis(1);
    EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] })
}

fn heart_rate(rate: f64) -> EventBody {
    observed(VitalSigns { heart_rate: Some(rate), ..VitalSigns::default() })
}

fn published(session: SessionId, seq: u64, body: EventBody) -> Arc<Event> {
    Arc::new(Event { v: VERSION, session, seq: Seq(seq), at: Timestamp::from_millis(1), body })
}

struct Rig {
    store: Arc<SqliteStore>,
    feed: broadcast::Sender<Arc<Event>>,
    board: Arc<WardBoard>,
    threads: ActorThreads,
    _folder: tempfile::TempDir,
}

impl Rig {
    /// With a feed that holds two events.
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("log.db")).unwrap());
        let threads = ActorThreads::start(1).unwrap();
        Self { store, feed: broadcast::channel(2).0, board: Arc::default(), threads, _folder: folder }
    }

    fn start(&self) {
        let store: Arc<dyn Store> = self.store.clone();
        start(&self.threads, store, self.feed.clone(), Arc::clone(&self.board));
    }

    async fn log(&self, session: SessionId, first: u64, bodies: Vec<EventBody>) {
        let at = Timestamp::from_millis(1);
        let events = bodies.into_iter().map(|body| NewEvent { at, body }).collect();
        self.store.append(session, Seq(first), events).await.unwrap();
    }

    async fn when(&self, wanted: impl Fn(&WardSnapshot) -> bool) {
        let mut changes = self.board.changes();
        let search = async {
            loop {
                changes.borrow_and_update();
                if wanted(&self.board.snapshot(Timestamp::from_millis(1))) {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), search).await.expect("the ward became as expected");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.threads.stop();
    }
}

fn session(n: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(n))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_never_heard_of_is_read_from_the_log() {
    let rig = Rig::open();
    rig.log(session(1), 1, vec![started()]).await;
    rig.start();
    rig.when(|ward| ward.complete && ward.rows.len() == 1).await;
    let spo2 = observed(VitalSigns { spo2: Some(91.0), ..VitalSigns::default() });
    rig.log(session(1), 2, vec![spo2, heart_rate(88.0)]).await;
    rig.feed.send(published(session(1), 3, heart_rate(88.0))).unwrap();
    rig.when(|ward| {
        let vitals = &ward.rows[0].vitals;
        vitals.spo2.is_some_and(|v| v.value < 92.0) && vitals.heart_rate.is_some_and(|v| v.value > 87.0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ward_that_has_fallen_behind_reads_every_log_again() {
    let rig = Rig::open();
    for n in 1..=3 {
        rig.log(session(n), 1, vec![started()]).await;
    }
    rig.start();
    rig.when(|ward| ward.complete && ward.rows.len() == 3).await;
    // A session that nobody spoke of, and values of others; the feed holds the last two of many.
    rig.log(session(4), 1, vec![started(), heart_rate(44.0)]).await;
    for n in 1..=3 {
        rig.log(session(n), 2, vec![heart_rate(40.0 + n as f64)]).await;
    }
    for _ in 0..50 {
        rig.feed.send(published(session(1), 2, heart_rate(41.0))).unwrap();
    }
    // Known by its log or by a later event, whichever comes first.
    rig.log(session(4), 3, vec![heart_rate(45.0)]).await;
    rig.feed.send(published(session(4), 3, heart_rate(45.0))).unwrap();
    rig.log(session(2), 3, vec![heart_rate(52.0)]).await;
    rig.feed.send(published(session(2), 3, heart_rate(52.0))).unwrap();
    rig.log(session(3), 3, vec![heart_rate(53.0)]).await;
    rig.feed.send(published(session(3), 3, heart_rate(53.0))).unwrap();
    rig.when(|ward| {
        let rates: Vec<_> = ward.rows.iter().map(|row| row.vitals.heart_rate.map(|v| v.value as u32)).collect();
        ward.complete && rates == [Some(41), Some(52), Some(53), Some(45)]
    })
    .await;
}
