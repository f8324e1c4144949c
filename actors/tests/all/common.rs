//! Sessions on a real log, with models that answer at once.
#![allow(dead_code, reason = "each test file uses a part of it")]

use futures_util::StreamExt;
use healthsync_actors::{
    ActorThreads, Clock, Directory, DirectoryConfig, Models, MonitoringSettings, Pace, Pool, PoolConfig,
    SpeechSettings, SqliteStore, pool::ModelFactory,
};
use healthsync_events::{
    BoxFuture, Event, EventBody, EventStream, ModelInfo, NewSession, SessionId, Sessions, Timestamp,
    imaging::{DecodedImage, ImageDecoder, ImageFormat},
    speech::{Preservation, ReviewStatus},
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
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

pub fn info() -> ModelInfo {
    ModelInfo { name: "fake".into(), version: "1".into(), weights_sha256: "0".repeat(64) }
}

pub struct Fake<I, O>(ModelInfo, Box<dyn Fn(&I) -> O>);

impl<I: Send + Sync + 'static, O: Send + 'static> Model for Fake<I, O> {
    type Input = I;
    type Output = O;
    fn info(&self) -> &ModelInfo {
        &self.0
    }
    fn run(&mut self, batch: &[I]) -> Vec<Result<O, ModelError>> {
        batch.iter().map(|input| Ok((self.1)(input))).collect()
    }
}

pub fn pool<I: Send + Sync + 'static, O: Send + 'static>(
    name: &'static str,
    answer: impl Fn(&I) -> O + Clone + Send + Sync + 'static,
) -> Pool<Box<dyn Model<Input = I, Output = O>>> {
    let config = PoolConfig { name, max_batch: 8, ..PoolConfig::default() };
    let factory: ModelFactory<Box<dyn Model<Input = I, Output = O>>> =
        Arc::new(move || Ok(Box::new(Fake(info(), Box::new(answer.clone()))) as Box<dyn Model<Input = I, Output = O>>));
    Pool::start(config, factory).unwrap()
}

pub fn transcriber() -> Pool<Transcriber> {
    pool("transcribe", |_: &TranscribeRequest| Transcription {
        text: "olá".into(),
        words: vec![],
        language: "pt".parse().unwrap(),
        language_probability: 1.0,
        confidence: 1.0,
        no_speech: 0.0,
    })
}

pub fn translator() -> Pool<Translator> {
    pool("translate", |request: &TranslateRequest| Translation {
        text: format!("[{}] {}", request.target, request.text),
        engine: "fake".into(),
        review: ReviewStatus::Unreviewed,
        preservation: Preservation::default(),
        model: info(),
    })
}

pub fn speaker() -> Pool<Speaker> {
    pool("speak", |_: &SpeakRequest| SpokenAudio {
        samples: vec![0.5; 6_000],
        sample_rate: 24_000,
        voice: "fake".into(),
        model: info(),
    })
}

/// Knows one image: `png`.
pub struct Images;

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

/// Models that answer at once, and no ears.
pub fn models() -> Models {
    let silent: VoiceActivityFactory =
        Arc::new(|| Err(ModelError::Load { model: "voice activity".into(), reason: "not part of this test".into() }));
    Models {
        transcribe: transcriber(),
        translate: translator(),
        speak: speaker(),
        speech: SpeechSettings::default(),
        deterioration: None,
        voice_activity: silent,
        monitoring: MonitoringSettings::default(),
        images: Arc::new(Images),
        image_turns: Semaphore::new(1),
    }
}

/// Seconds that pass when the test says so.
#[derive(Clone)]
pub struct Time {
    ms: Arc<watch::Sender<i64>>,
    start: Instant,
}

impl Time {
    pub fn new() -> Self {
        Self { ms: Arc::new(watch::Sender::new(0)), start: Instant::now() }
    }

    pub fn pass(&self, seconds: i64) {
        self.ms.send_modify(|ms| *ms += seconds * 1_000);
    }

    pub fn clock(&self) -> Clock {
        let ms = Arc::clone(&self.ms);
        Clock::from_fn(move || Timestamp::from_millis(*ms.borrow()))
    }

    pub fn pace(&self) -> Pace {
        let (start, ms) = (self.start, Arc::clone(&self.ms));
        let instant = move |ms: i64| start + Duration::from_millis(ms.unsigned_abs());
        let waits = Arc::clone(&self.ms);
        let sleep_until = move |at: Instant| -> BoxFuture<'static, ()> {
            let mut passed = waits.subscribe();
            Box::pin(async move { drop(passed.wait_for(|ms| instant(*ms) >= at).await) })
        };
        Pace::from_fns(move || instant(*ms.borrow()), sleep_until)
    }
}

pub struct Rig {
    pub directory: Directory,
    threads: ActorThreads,
    /// When set, the next event recorded kills the session actor.
    pub panic_next: Arc<AtomicBool>,
}

impl Rig {
    pub fn open(path: &Path) -> Self {
        Self::with(path, models())
    }

    /// With ears of the test's own.
    pub fn hearing(path: &Path, voice_activity: VoiceActivityFactory, transcribe: Pool<Transcriber>) -> Self {
        Self::with(path, Models { voice_activity, transcribe, ..models() })
    }

    pub fn with(path: &Path, models: Models) -> Self {
        Self::since(path, models, 1_000)
    }

    /// With a clock that shows so many milliseconds.
    pub fn since(path: &Path, models: Models, millis: i64) -> Self {
        let panic_next = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&panic_next);
        let time = AtomicI64::new(millis);
        let clock = Clock::from_fn(move || {
            assert!(!trigger.swap(false, Ordering::SeqCst), "an injected fault");
            Timestamp::from_millis(time.fetch_add(1, Ordering::SeqCst))
        });
        let threads = ActorThreads::start(2).unwrap();
        let store = Arc::new(SqliteStore::open(path).unwrap());
        let directory = Directory::new(store, clock, models, threads.clone(), DirectoryConfig::default());
        Self { directory, threads, panic_next }
    }

    pub async fn session(&self) -> SessionId {
        let languages = vec!["pt".parse().unwrap(), "en".parse().unwrap()];
        let new = NewSession {
            patient: "p1".parse().unwrap(),
            languages,
            spo2_scale: healthsync_events::risk::Spo2Scale::default(),
            terms: Vec::new(),
        };
        self.directory.create(new).await.unwrap().session
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.threads.stop();
    }
}

pub async fn next(stream: &mut EventStream) -> Arc<Event> {
    tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap().unwrap()
}

pub async fn wait_for(stream: &mut EventStream, wanted: impl Fn(&EventBody) -> bool) -> Arc<Event> {
    loop {
        let event = next(stream).await;
        if wanted(&event.body) {
            return event;
        }
    }
}
