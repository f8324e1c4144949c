use super::*;
use healthsync_events::consultation::{ChatMessage, SessionEndReason, SessionEnded, SessionStarted};

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
    for id in ["a", "b", "a"] {
        let message = UnmatchedMessage {
            received_at: Timestamp::from_millis(5),
            patient: Some("p9".parse().unwrap()),
            message_id: id.into(),
            raw: "MSH|".into(),
        };
        store.keep_unmatched(message).await.unwrap();
    }
    let ids: Vec<_> = store.unmatched(10).await.unwrap().into_iter().map(|m| m.message_id).collect();
    assert_eq!(ids, ["b", "a"]);
}
