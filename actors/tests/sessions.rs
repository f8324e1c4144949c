//! Sessions through the handle that transports use, on a real log, with models that answer at once.

use futures_util::StreamExt;
use healthsync_actors::{
    ActorThreads, Clock, Directory, DirectoryConfig, Models, Pool, PoolConfig, SqliteStore, pool::ModelFactory,
};
use healthsync_events::{
    Event, EventBody, EventStream, ImageUpload, ModelInfo, MonitorSource, NewSession, Refusal, Seq, SessionId,
    Sessions, Timestamp, UtteranceId, VitalSigns,
    clinical::{MonitorProtocol, VitalsObserved},
    consultation::{ChatMessage, Component, SessionEndReason, SessionEnded},
    imaging::{DecodedImage, ImageDecoder, ImageFormat},
    speech::{CaptionFinal, MediaSpan, ReviewStatus},
};
use healthsync_models::{
    Model, ModelError,
    tasks::{
        SpeakRequest, Speaker, SpokenAudio, TranscribeRequest, Transcriber, Transcription, TranslateRequest,
        Translation, Translator, VoiceActivityFactory,
    },
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

fn info() -> ModelInfo {
    ModelInfo { name: "fake".into(), version: "1".into(), weights_sha256: "0".repeat(64) }
}

struct Fake<I, O>(ModelInfo, fn(&I) -> O);

impl<I: Send + 'static, O: Send + 'static> Model for Fake<I, O> {
    type Input = I;
    type Output = O;
    fn info(&self) -> &ModelInfo {
        &self.0
    }
    fn run(&mut self, batch: &[I]) -> Vec<Result<O, ModelError>> {
        batch.iter().map(|input| Ok((self.1)(input))).collect()
    }
}

fn pool<I: Send + 'static, O: Send + 'static>(
    name: &'static str,
    answer: fn(&I) -> O,
) -> Pool<Box<dyn Model<Input = I, Output = O>>> {
    let config = PoolConfig { name, capacity: 64, max_batch: 8, max_queue_delay: Duration::ZERO, instances: 1 };
    let factory: ModelFactory<Box<dyn Model<Input = I, Output = O>>> =
        Arc::new(move || Ok(Box::new(Fake(info(), answer)) as Box<dyn Model<Input = I, Output = O>>));
    Pool::start(config, factory).unwrap()
}

fn transcriber() -> Pool<Transcriber> {
    pool("transcribe", |_: &TranscribeRequest| Transcription {
        text: "olá".into(),
        words: vec![],
        confidence: 1.0,
        no_speech: 0.0,
    })
}

fn translator() -> Pool<Translator> {
    pool("translate", |request: &TranslateRequest| Translation {
        text: format!("[{}] {}", request.target, request.text),
        engine: "fake".into(),
        review: ReviewStatus::Unreviewed,
        model: info(),
    })
}

fn speaker() -> Pool<Speaker> {
    pool("speak", |_: &SpeakRequest| SpokenAudio {
        samples: vec![0.5; 6_000],
        sample_rate: 24_000,
        voice: "fake".into(),
        model: info(),
    })
}

/// Knows one image: `png`.
struct Images;

impl ImageDecoder for Images {
    fn decode(&self, bytes: &[u8]) -> Result<DecodedImage, String> {
        assert_ne!(bytes, b"panic", "a decoder that panics");
        if bytes != b"png" {
            return Err("not an image".into());
        }
        Ok(DecodedImage {
            format: ImageFormat::Png,
            width: 1,
            height: 1,
            frames: 1,
            modality: None,
            body_part: None,
            elements_deidentified: 2,
            burned_in_text_possible: true,
            deidentified: b"clean".to_vec(),
            preview_png: b"preview".to_vec(),
        })
    }
}

struct Rig {
    directory: Directory,
    threads: ActorThreads,
    /// When set, the next event recorded kills the session actor.
    panic_next: Arc<AtomicBool>,
}

impl Rig {
    fn open(path: &Path) -> Self {
        let panic_next = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&panic_next);
        let time = AtomicI64::new(1_000);
        let clock = Clock::from_fn(move || {
            assert!(!trigger.swap(false, Ordering::SeqCst), "an injected fault");
            Timestamp::from_millis(time.fetch_add(1, Ordering::SeqCst))
        });
        let silent: VoiceActivityFactory = Arc::new(|| {
            Err(ModelError::Load { model: "voice activity".into(), reason: "not part of this test".into() })
        });
        let models = Models {
            transcribe: transcriber(),
            translate: translator(),
            speak: speaker(),
            voice_activity: silent,
            images: Arc::new(Images),
            image_turns: Semaphore::new(1),
        };
        let threads = ActorThreads::start(2).unwrap();
        let store = Arc::new(SqliteStore::open(path).unwrap());
        let directory = Directory::new(store, clock, models, threads.clone(), DirectoryConfig::default());
        Self { directory, threads, panic_next }
    }

    async fn session(&self) -> SessionId {
        let languages = vec!["pt".parse().unwrap(), "en".parse().unwrap()];
        let new = NewSession {
            patient: "p1".parse().unwrap(),
            languages,
            spo2_scale: healthsync_events::risk::Spo2Scale::default(),
        };
        self.directory.create(new).await.unwrap().session
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.threads.stop();
    }
}

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
        provenance: info().with_inputs(vec![]),
    })
}

async fn next(stream: &mut EventStream) -> Arc<Event> {
    tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap().unwrap()
}

async fn wait_for(stream: &mut EventStream, wanted: impl Fn(&EventBody) -> bool) -> Arc<Event> {
    loop {
        let event = next(stream).await;
        if wanted(&event.body) {
            return event;
        }
    }
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
        samples += frame.payload.len() / 2;
        if frame.last {
            break;
        }
    }
    assert_eq!(samples, 6_000);
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
