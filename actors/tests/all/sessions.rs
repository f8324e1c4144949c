//! Sessions through the handle that transports use, on a real log, with models that answer at once.

use crate::common::{Rig, info, next, wait_for};
use futures_util::StreamExt;
use healthsync_actors::SqliteStore;
use healthsync_events::{
    EventBody, ImageUpload, MonitorSource, Refusal, Seq, SessionId, Sessions, Timestamp, UtteranceId, VitalSigns,
    clinical::{MonitorProtocol, VitalsObserved},
    consultation::{ChatMessage, Component, SessionEndReason, SessionEnded},
    speech::{CaptionFinal, MediaSpan},
};
use std::{sync::atomic::Ordering, time::Duration};

fn chat(text: &str) -> EventBody {
    let participant = "patient".parse().unwrap();
    EventBody::ChatMessage(ChatMessage { participant, language: "pt".parse().unwrap(), text: text.into() })
}

fn vitals(id: &str, vitals: VitalSigns) -> EventBody {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "monitor".into(),
        facility: "ward".into(),
        message_id: id.into(),
    };
    EventBody::VitalsObserved(VitalsObserved { source, taken_at: Timestamp::from_millis(0), vitals, rejected: vec![] })
}

fn caption(n: u128) -> EventBody {
    EventBody::CaptionFinal(CaptionFinal {
        utterance: UtteranceId(uuid::Uuid::from_u128(n)),
        participant: "patient".parse().unwrap(),
        language: "pt-BR".parse().unwrap(),
        text: format!("frase {n}"),
        span: MediaSpan { start_ms: 0, end_ms: 1 },
        latency_ms: 1,
        confidence: 1.0,
        words: vec![],
        provenance: info().with_inputs(vec![]),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_every_event_once_and_in_order_wherever_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    let mut early = rig.directory.events(session, Seq(1)).await.unwrap();
    for n in 0..2_000 {
        rig.directory.record(session, chat(&n.to_string())).await.unwrap();
    }
    let mut late = rig.directory.events(session, Seq(1_500)).await.unwrap();
    // The early reader has fallen behind by more than is held in memory.
    for seq in 1..=2_001 {
        assert_eq!(next(&mut early).await.seq, Seq(seq));
    }
    for seq in 1_500..=2_001 {
        assert_eq!(next(&mut late).await.seq, Seq(seq));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_actor_that_died_comes_back_with_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    let first = rig.directory.record(session, vitals("m1", VitalSigns::default())).await.unwrap();

    rig.panic_next.store(true, Ordering::SeqCst);
    let lost = rig.directory.record(session, chat("never acknowledged")).await;
    assert_eq!(lost.unwrap_err(), Refusal::unavailable("session"));
    let restarted =
        |body: &EventBody| matches!(body, EventBody::ActorRestarted(r) if r.component == Component::Session);
    wait_for(&mut events, restarted).await;

    // It remembers the monitor's message, and numbers go on where they were.
    let again = rig.directory.record(session, vitals("m1", VitalSigns::default())).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.seq, first.seq);
    let state = rig.directory.state(session).await.unwrap();
    let next = rig.directory.record(session, chat("acknowledged")).await.unwrap();
    assert!(next.seq > state.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitors_message_sent_twice_at_once_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    let sends = (0..8).map(|_| rig.directory.record(session, vitals("m1", VitalSigns::default())));
    let receipts: Vec<_> = futures_util::future::join_all(sends).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(receipts.iter().filter(|r| !r.repeated).count(), 1);
    assert!(receipts.iter().all(|r| r.seq == receipts[0].seq));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_final_caption_is_translated_once_and_spoken_to_those_who_listen() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    let mut english = rig.directory.speech(session, "en".parse().unwrap()).await.unwrap();
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    let said = rig.directory.record(session, caption(1)).await.unwrap();
    let translated = wait_for(&mut events, |body| matches!(body, EventBody::TranslationFinal(_))).await;
    let EventBody::TranslationFinal(translation) = &translated.body else { unreachable!() };
    assert_eq!((translation.of, translation.text.as_str()), (said.seq, "[en] frase 1"));
    let announced = wait_for(&mut events, |body| matches!(body, EventBody::SpeechAnnounced(_))).await;
    let EventBody::SpeechAnnounced(speech) = &announced.body else { unreachable!() };
    assert_eq!(speech.of, translated.seq);
    let mut samples = 0;
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(10), english.next()).await.unwrap().unwrap();
        assert_eq!(frame.speech, speech.speech);
        samples += opus::packet::get_nb_samples(&frame.payload, 24_000).unwrap();
        if frame.last {
            break;
        }
    }
    // 250 ms and what the encoder holds back, in packets of 20 ms.
    assert_eq!(samples, 13 * 480);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_left_undone_by_a_crash_is_made_when_the_session_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let session = SessionId(uuid::Uuid::from_u128(9));
    {
        // A log that ends right after a caption.
        use healthsync_actors::SessionLog;
        use healthsync_events::{NewEvent, consultation::SessionStarted};
        let store = SqliteStore::open(&path).unwrap();
        let languages = vec!["pt".parse().unwrap(), "en".parse().unwrap()];
        let started = SessionStarted {
            patient: "p1".parse().unwrap(),
            languages,
            spo2_scale: healthsync_events::risk::Spo2Scale::default(),
            terms: Vec::new(),
        };
        let at = Timestamp::from_millis(1);
        let events = [EventBody::SessionStarted(started), caption(1)].map(|body| NewEvent { at, body }).to_vec();
        store.append(session, Seq(1), events).await.unwrap();
    }
    let rig = Rig::open(&path);
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    let translated = wait_for(&mut events, |body| matches!(body, EventBody::TranslationFinal(_))).await;
    assert_eq!(translated.seq, Seq(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_a_preview_or_a_reason_and_the_original_goes() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    let upload =
        async |bytes: &[u8]| rig.directory.store_image(session, ImageUpload { bytes: bytes.to_vec() }).await.unwrap().0;
    let image = upload(b"png").await;
    wait_for(&mut events, |body| matches!(body, EventBody::ImageReady(ready) if ready.image == image)).await;
    assert_eq!(rig.directory.image_preview(session, image).await.unwrap(), b"preview");
    for bad in [b"garbage".as_slice(), b"panic"] {
        let image = upload(bad).await;
        wait_for(&mut events, |body| matches!(body, EventBody::ImageRejected(r) if r.image == image)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_refuses_inputs_and_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    rig.directory.record(session, chat("adeus")).await.unwrap();
    let end = EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended });
    rig.directory.record(session, end).await.unwrap();
    assert_eq!(rig.directory.record(session, chat("?")).await.unwrap_err(), Refusal::SessionEnded);
    let events: Vec<_> = rig.directory.events(session, Seq(1)).await.unwrap().collect().await;
    assert_eq!(events.len(), 3);
    assert!(rig.directory.state(session).await.unwrap().ended.is_some());
    assert_eq!(rig.directory.of_patient(&"p1".parse().unwrap()).await.unwrap(), None);
}
