//! The ward over real logs: what many sessions publish, and what is left of it after a restart.

use crate::common::Rig;
use healthsync_actors::WardBoard;
use healthsync_events::{
    EventBody, MonitorSource, SessionId, Sessions, Timestamp, VitalSigns,
    clinical::{MonitorProtocol, VitalsObserved},
    consultation::{SessionEndReason, SessionEnded},
    ward::{WardMessage, WardRow, WardSnapshot},
};
use std::time::Duration;

fn vitals(id: &str, heart_rate: f64) -> EventBody {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "monitor".into(),
        facility: "ward".into(),
        message_id: id.into(),
    };
    let vitals = VitalSigns { heart_rate: Some(heart_rate), ..VitalSigns::default() };
    EventBody::VitalsObserved(VitalsObserved { source, taken_at: Timestamp::from_millis(0), vitals, rejected: vec![] })
}

fn now() -> Timestamp {
    Timestamp::from_millis(0)
}

/// The ward once it is as wanted.
async fn ward_when(board: &WardBoard, wanted: impl Fn(&WardSnapshot) -> bool) -> WardSnapshot {
    let mut changes = board.changes();
    let search = async {
        loop {
            changes.borrow_and_update();
            let snapshot = board.snapshot(now());
            if wanted(&snapshot) {
                return snapshot;
            }
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), search).await.expect("the ward became as expected")
}

fn row(ward: &WardSnapshot, session: SessionId) -> &WardRow {
    ward.rows.iter().find(|row| row.session == session).unwrap()
}

fn rate(row: &WardRow) -> Option<f64> {
    row.vitals.heart_rate.map(|value| value.value)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ward_shows_every_open_session_with_its_values_score_and_alarms() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let board = rig.directory.ward();
    let (calm, ill) = (rig.session().await, rig.session().await);
    rig.directory.record(calm, vitals("1", 70.0)).await.unwrap();
    rig.directory.record(ill, vitals("1", 140.0)).await.unwrap();
    // A single parameter is confirmed by the next score before it alarms.
    rig.directory.record(ill, vitals("2", 140.0)).await.unwrap();
    let ward = ward_when(&board, |ward| {
        ward.complete && ward.rows.len() == 2 && ward.rows.iter().any(|row| !row.alarms.is_empty())
    })
    .await;
    assert_eq!((rate(row(&ward, calm)), rate(row(&ward, ill))), (Some(70.0), Some(140.0)));
    // A pulse of 131 and more scores 3 by itself.
    assert_eq!(row(&ward, ill).news2.unwrap().total, 3);
    assert!(row(&ward, calm).alarms.is_empty());

    let seen = ward.version;
    rig.directory.record(ill, EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended })).await.unwrap();
    ward_when(&board, |ward| ward.rows.len() == 1).await;
    let WardMessage::Changes(changes) = board.since(seen, now()) else { panic!("changes were expected") };
    assert_eq!(changes.removed, [ill]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ward_is_read_from_the_logs_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.db");
    let (open, over) = {
        let rig = Rig::open(&log);
        let (open, over) = (rig.session().await, rig.session().await);
        // More than is read at a time.
        for n in 0..1_200 {
            rig.directory.record(open, vitals(&n.to_string(), 60.0 + f64::from(n % 20))).await.unwrap();
        }
        rig.directory.record(open, vitals("last", 99.0)).await.unwrap();
        rig.directory
            .record(over, EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended }))
            .await
            .unwrap();
        (open, over)
    };
    let rig = Rig::open(&log);
    let ward = ward_when(&rig.directory.ward(), |ward| ward.complete).await;
    assert_eq!(ward.rows.iter().map(|row| row.session).collect::<Vec<_>>(), [open], "not {over}, which has ended");
    assert_eq!(rate(row(&ward, open)), Some(99.0));
}
