use super::*;
use healthsync_events::{
    KeptBecause, MonitorProtocol, MonitorSource, PatientChange, VitalSigns,
    clinical::{RejectedObservation, RejectionReason, VitalsObserved},
    consultation::{ChatMessage, SessionEndReason, SessionEnded, SessionStarted},
    patient::Location,
};

fn started(patient: &str) -> NewEvent {
    let patient = patient.parse().unwrap();
    let languages = vec!["pt".parse().unwrap(), "en".parse().unwrap()];
    new(
        1,
        EventBody::SessionStarted(SessionStarted {
            patient,
            languages,
            spo2_scale: healthsync_events::risk::Spo2Scale::default(),
            terms: Vec::new(),
        }),
    )
}

fn chat(at: i64, text: &str) -> NewEvent {
    let participant = "patient".parse().unwrap();
    new(at, EventBody::ChatMessage(ChatMessage { participant, language: "pt".parse().unwrap(), text: text.into() }))
}

fn new(at: i64, body: EventBody) -> NewEvent {
    NewEvent { at: Timestamp::from_millis(at), body }
}

fn session(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
    (folder, store)
}

#[tokio::test]
async fn what_was_appended_is_read_back_in_order_and_after_reopening() {
    let (folder, store) = store();
    store.append(session(1), Seq(1), vec![started("p1"), chat(2, "olá")]).await.unwrap();
    store.append(session(1), Seq(3), vec![chat(3, "tudo bem?")]).await.unwrap();
    drop(store);

    let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
    let events = store.read(session(1), Seq(2), 10).await.unwrap();
    assert_eq!(events.iter().map(|e| e.seq.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(events[1].body, chat(3, "tudo bem?").body);
    assert_eq!(store.head(session(1)).await.unwrap(), Seq(3));
}

#[tokio::test]
async fn an_append_with_a_gap_or_a_repeat_is_refused_and_changes_nothing() {
    let (_folder, store) = store();
    store.append(session(1), Seq(1), vec![started("p1")]).await.unwrap();
    for wrong in [1, 3] {
        let refused = store.append(session(1), Seq(wrong), vec![chat(2, "x")]).await;
        assert_eq!(refused, Err(LogError::Conflict { expected: Seq(wrong), found: Seq(2) }));
    }
    assert_eq!(store.read(session(1), Seq(1), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_write_that_fails_is_undone_alone() {
    let (folder, store) = store();
    store.append(session(1), Seq(1), vec![started("p1")]).await.unwrap();
    // The second event of this append breaks the table of sessions.
    let broken = store.append(session(2), Seq(1), vec![started("p2"), started("p2")]);
    let (broken, good) = futures_util::join!(broken, store.append(session(1), Seq(2), vec![chat(2, "x")]));
    assert!(matches!(broken, Err(LogError::Storage(_))), "{broken:?}");
    good.unwrap();
    store.append(session(1), Seq(3), vec![chat(3, "y")]).await.unwrap();
    store.append(session(2), Seq(1), vec![started("p2")]).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
    assert_eq!(store.head(session(1)).await.unwrap(), Seq(3));
    assert_eq!(store.head(session(2)).await.unwrap(), Seq(1));
}

#[tokio::test]
async fn of_concurrent_writers_for_one_number_exactly_one_wins() {
    let (_folder, store) = store();
    store.append(session(1), Seq(1), vec![started("p1")]).await.unwrap();
    let writers = (0..16).map(|n| store.append(session(1), Seq(2), vec![chat(n, "race")]));
    let results = futures_util::future::join_all(writers).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    assert_eq!(store.head(session(1)).await.unwrap(), Seq(2));
}

#[tokio::test]
async fn a_patient_is_found_by_the_newest_session_that_has_not_ended() {
    let (_folder, store) = store();
    let patient: PatientId = "p1".parse().unwrap();
    store.append(session(1), Seq(1), vec![started("p1")]).await.unwrap();
    store.append(session(2), Seq(1), vec![started("p1")]).await.unwrap();
    assert_eq!(store.open_session_of(patient.clone()).await.unwrap(), Some(session(2)));

    let end = EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended });
    store.append(session(2), Seq(2), vec![new(9, end)]).await.unwrap();
    assert_eq!(store.open_session_of(patient.clone()).await.unwrap(), Some(session(1)));
    let rows = store.sessions(10).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row.session == session(2) && row.ended && row.head == Seq(2)));
}

#[tokio::test]
async fn image_parts_are_kept_apart_and_deleted_alone() {
    let (_folder, store) = store();
    let image = ImageId(Uuid::from_u128(7));
    store.put_image(session(1), image, ImagePart::Upload, vec![1, 2]).await.unwrap();
    store.put_image(session(1), image, ImagePart::Preview, vec![3]).await.unwrap();
    store.delete_image(session(1), image, ImagePart::Upload).await.unwrap();
    assert_eq!(store.image(session(1), image, ImagePart::Upload).await.unwrap(), None);
    assert_eq!(store.image(session(1), image, ImagePart::Preview).await.unwrap(), Some(vec![3]));
}

#[tokio::test]
async fn unmatched_messages_are_kept_once_and_come_back_newest_first() {
    let (_folder, store) = store();
    for id in ["a", "b"] {
        let message = UnmatchedMessage {
            received_at: Timestamp::from_millis(5),
            patient: Some("p9".parse().unwrap()),
            message_id: id.into(),
            raw: format!("MSH|{id}"),
            because: KeptBecause::NoSession,
            problem: None,
        };
        store.keep_unmatched(message.clone()).await.unwrap();
        store.keep_unmatched(message.clone()).await.unwrap();
        // Whose it is may be said outside of it, as by the key of a topic.
        store.keep_unmatched(UnmatchedMessage { patient: None, ..message }).await.unwrap();
    }
    let ids: Vec<_> = store.unmatched(10).await.unwrap().into_iter().map(|m| m.message_id).collect();
    assert_eq!(ids, ["b", "b", "a", "a"]);
}

fn source() -> MonitorSource {
    let (application, facility) = ("adt".into(), "h".into());
    MonitorSource { protocol: MonitorProtocol::Hl7V2, application, facility, message_id: "1".into() }
}

fn changed(patient: &str, change: PatientChange, at: i64, unit: &str) -> PatientChanged {
    PatientChanged {
        source: source(),
        change,
        patient: patient.parse().unwrap(),
        merged_from: None,
        location: Some(Location { unit: unit.into(), ..Location::default() }).filter(|place| !place.is_empty()),
        class: None,
        birth_date: None,
        sex: None,
        occurred_at: Timestamp::from_millis(at),
    }
}

#[tokio::test]
async fn a_patient_is_found_by_the_identifiers_they_had_before_merges() {
    let (_folder, store) = store();
    store.append(session(1), Seq(1), vec![started("old")]).await.unwrap();
    store.patient_changed(changed("old", PatientChange::Admitted, 1, "ICU")).await.unwrap();
    for (from, to) in [("old", "mid"), ("mid", "new")] {
        let merged =
            PatientChanged { merged_from: Some(from.parse().unwrap()), ..changed(to, PatientChange::Merged, 2, "") };
        store.patient_changed(merged.clone()).await.unwrap();
        store.patient_changed(merged).await.unwrap();
    }
    for id in ["old", "mid", "new"] {
        let patient: PatientId = id.parse().unwrap();
        assert_eq!(store.open_session_of(patient.clone()).await.unwrap(), Some(session(1)), "{id}");
        let known = store.patient(patient).await.unwrap().unwrap();
        assert_eq!((known.patient.as_str(), known.location.unwrap().unit.as_str()), ("new", "ICU"));
    }
    store.append(session(2), Seq(1), vec![started("old")]).await.unwrap();
    assert_eq!(
        store.open_session_of("new".parse().unwrap()).await.unwrap(),
        Some(session(2)),
        "started by the old one"
    );
}

#[tokio::test]
async fn old_news_of_a_patient_change_nothing() {
    let (_folder, store) = store();
    store.patient_changed(changed("p1", PatientChange::Transferred, 5, "ICU")).await.unwrap();
    store.patient_changed(changed("p1", PatientChange::Admitted, 1, "ER")).await.unwrap();
    let known = store.patient("p1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(known.location.unwrap().unit, "ICU");
    store.patient_changed(changed("p1", PatientChange::Discharged, 9, "")).await.unwrap();
    assert_eq!(store.patient("p1".parse().unwrap()).await.unwrap().unwrap().location, None);
}

#[tokio::test]
async fn what_could_not_be_used_is_counted_by_code_and_reason() {
    let (folder, store) = store();
    let rejected = |code: &str, raw: &str| RejectedObservation {
        code: code.into(),
        reason: RejectionReason::UnknownCode,
        raw: Some(raw.into()),
    };
    let observed = |at: i64, rejected| {
        let (taken_at, vitals) = (Timestamp::from_millis(at), VitalSigns::default());
        new(at, EventBody::VitalsObserved(VitalsObserved { source: source(), taken_at, vitals, rejected }))
    };
    store.append(session(1), Seq(1), vec![started("p1")]).await.unwrap();
    let events = vec![
        observed(2, vec![rejected("A", "OBX|1"), rejected("B", "OBX|2")]),
        observed(3, vec![rejected("A", "OBX|3")]),
    ];
    store.append(session(1), Seq(2), events).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
    let kinds: Vec<_> =
        store.unmapped(10).await.unwrap().into_iter().map(|kind| (kind.code, kind.count, kind.raw.unwrap())).collect();
    assert_eq!(kinds, [("A".into(), 2, "OBX|3".into()), ("B".into(), 1, "OBX|2".into())]);
    assert_eq!(store.unmapped(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn messages_that_an_earlier_version_kept_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let old =
        "CREATE TABLE unmatched (id INTEGER PRIMARY KEY AUTOINCREMENT, received_at INTEGER NOT NULL, patient TEXT,
                   message_id TEXT NOT NULL, raw TEXT NOT NULL);
               INSERT INTO unmatched (received_at, patient, message_id, raw) VALUES (1, 'p1', '7', 'MSH|');";
    Connection::open(&path).unwrap().execute_batch(old).unwrap();
    for _ in 0..2 {
        let kept = SqliteStore::open(&path).unwrap().unmatched(10).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].message_id.as_str(), kept[0].because), ("7", KeptBecause::NoSession));
    }
}

#[tokio::test]
async fn a_document_replaces_the_one_of_its_name_and_survives_reopening() {
    let (folder, store) = store();
    for (name, body) in [("b", "1"), ("a", "2"), ("b", "3"), ("c", "4")] {
        store.put_document("place", name.into(), body.into()).await.unwrap();
    }
    store.put_document("other", "a".into(), "5".into()).await.unwrap();
    store.remove_document("place", "c".into()).await.unwrap();
    store.remove_document("place", "nothing".into()).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
    let documents = store.documents("place", 10).await.unwrap();
    assert_eq!(documents, [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "3".to_owned())]);
    assert_eq!(store.documents("place", 1).await.unwrap().len(), 1);
}
