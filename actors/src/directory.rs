//! The sessions of this process: finds, starts and ends them, and is what every transport talks to.

mod patients;
mod resume;

use crate::{
    clock::Clock,
    log::{ImagePart, Store},
    monitoring::MonitoringSettings,
    pool::Pool,
    session::{Place, SessionCell, Tail, load},
    speech::SpeechSettings,
    supervise::{ActorThreads, Supervised},
    ward::{self, Ward, WardBoard},
};
use healthsync_deteriorate::stream::Deterioration;
use healthsync_events::{
    AudioSink, AudioTrackSpec, BoxFuture, Documents, Event, EventBody, EventStream, ImageId, ImageUpload, Language,
    NewSession, PatientChanged, PatientId, Receipt, Refusal, Seq, SessionId, SessionState, SessionSummary, Sessions,
    SpeechStream, UnmappedCode, UnmatchedMessage, WaveformSink, WaveformStream,
    consultation::{ChatMessage, SessionStarted},
    imaging::{ImageDecoder, ImageReceived},
    limits::{MAX_CHAT_CHARS, MAX_IMAGE_BYTES, MAX_SUBSCRIBERS, MAX_TERM_CHARS, MAX_TERMS},
};
use healthsync_models::{
    hex,
    tasks::{Speaker, Transcriber, Translator, VoiceActivityFactory},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, broadcast};

/// The models every session shares.
pub struct Models {
    pub transcribe: Pool<Transcriber>,
    pub translate: Pool<Translator>,
    pub speak: Pool<Speaker>,
    pub speech: SpeechSettings,
    /// Absent where the deployment wants no learned score.
    pub deterioration: Option<Pool<Deterioration>>,
    pub voice_activity: VoiceActivityFactory,
    pub monitoring: MonitoringSettings,
    pub images: Arc<dyn ImageDecoder>,
    /// Images decoded at a time, across sessions.
    pub image_turns: Semaphore,
}

#[derive(Debug, Clone, Copy)]
pub struct DirectoryConfig {
    /// Sessions that have not ended and are in memory.
    pub max_open_sessions: usize,
    /// Sessions listed at most.
    pub max_listed: usize,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self { max_open_sessions: 256, max_listed: 200 }
    }
}

/// Implements [`Sessions`] for one process.
pub struct Directory {
    store: Arc<dyn Store>,
    clock: Clock,
    models: Arc<Models>,
    threads: ActorThreads,
    config: DirectoryConfig,
    open: Mutex<HashMap<SessionId, Arc<SessionCell>>>,
    /// The newest session of patients that monitors have asked for lately. One that is not running any more is looked
    /// up in the store again; a merge of identifiers empties it.
    of_patient: Mutex<HashMap<PatientId, SessionId>>,
    feed: broadcast::Sender<Arc<Event>>,
    ward: Arc<WardBoard>,
    _follower: Supervised<Ward>,
}

impl Directory {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        models: Models,
        threads: ActorThreads,
        config: DirectoryConfig,
    ) -> Self {
        let feed = broadcast::channel(ward::FEED_CAPACITY).0;
        let board = Arc::<WardBoard>::default();
        let follower = ward::start(&threads, Arc::clone(&store), feed.clone(), Arc::clone(&board));
        Self {
            store,
            clock,
            models: Arc::new(models),
            threads,
            config,
            open: Mutex::default(),
            of_patient: Mutex::default(),
            feed,
            ward: board,
            _follower: follower,
        }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// All open sessions at a glance.
    pub fn ward(&self) -> Arc<WardBoard> {
        Arc::clone(&self.ward)
    }

    /// Waits until no inference is under way, or until `limit` has passed: what was heard gets its caption.
    pub async fn settle(&self, limit: Duration) {
        let models = &self.models;
        let idle = || models.transcribe.is_idle() && models.translate.is_idle() && models.speak.is_idle();
        let poll = async {
            while !idle() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(limit, poll).await.is_err() {
            tracing::warn!("inference was still under way when the server stopped");
        }
    }

    /// The running session, started from its log if need be.
    async fn cell(&self, session: SessionId) -> Result<Arc<SessionCell>, Refusal> {
        if let Some(cell) = self.running(session) {
            return Ok(cell);
        }
        let first = self.store.read(session, Seq::FIRST, 1).await?;
        if first.is_empty() {
            return Err(Refusal::UnknownSession);
        }
        let head = self.store.head(session).await?;
        let newest = self.store.read(session, head, 1).await?;
        if newest.iter().any(|event| matches!(event.body, EventBody::SessionEnded(_))) {
            return Err(Refusal::SessionEnded);
        }
        self.start(session)
    }

    fn running(&self, session: SessionId) -> Option<Arc<SessionCell>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = open.get(&session)?;
        if cell.is_over() || cell.is_lost() {
            open.remove(&session);
            return None;
        }
        Some(Arc::clone(cell))
    }

    fn start(&self, session: SessionId) -> Result<Arc<SessionCell>, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = open.get(&session) {
            return Ok(Arc::clone(cell));
        }
        if open.len() >= self.config.max_open_sessions {
            open.retain(|_, cell| !cell.is_over() && !cell.is_lost());
        }
        if open.len() >= self.config.max_open_sessions {
            return Err(Refusal::Overloaded { queue: "sessions".into(), retry_after_ms: 10_000 });
        }
        let (store, clock, models) = (Arc::clone(&self.store), self.clock.clone(), Arc::clone(&self.models));
        let cell = SessionCell::open(session, store, clock, models, self.threads.next(), self.feed.clone());
        open.insert(session, Arc::clone(&cell));
        metrics::gauge!("healthsync_sessions_open").set(open.len() as f64);
        Ok(cell)
    }

    async fn create_session(&self, new: NewSession) -> Result<SessionSummary, Refusal> {
        check_languages(&new.languages)?;
        check_terms(&new.terms)?;
        let session = SessionId(uuid::Uuid::now_v7());
        let cell = self.start(session)?;
        let started = SessionStarted {
            patient: new.patient.clone(),
            languages: new.languages.clone(),
            spo2_scale: new.spo2_scale,
            terms: new.terms,
        };
        let mut receipt = cell.record(EventBody::SessionStarted(started)).await?;
        let started_at = receipt.at;
        self.remember_patient(new.patient.clone(), session, true);
        if let Some(known) = self.store.patient(new.patient.clone()).await? {
            receipt = cell.record(EventBody::PatientChanged(known)).await?;
        }
        Ok(SessionSummary {
            session,
            patient: new.patient,
            languages: new.languages,
            started_at,
            ended: false,
            head: receipt.seq,
        })
    }

    async fn summary_of(&self, session: SessionId) -> Result<SessionSummary, Refusal> {
        let first = self.store.read(session, Seq::FIRST, 1).await?;
        let Some(first) = first.into_iter().next() else { return Err(Refusal::UnknownSession) };
        let EventBody::SessionStarted(started) = first.body else { return Err(Refusal::UnknownSession) };
        let head = self.store.head(session).await?;
        let newest = self.store.read(session, head, 1).await?;
        Ok(SessionSummary {
            session,
            patient: started.patient,
            languages: started.languages,
            started_at: first.at,
            ended: newest.iter().any(|event| matches!(event.body, EventBody::SessionEnded(_))),
            head,
        })
    }

    async fn tail(&self, session: SessionId, from: Seq) -> Result<EventStream, Refusal> {
        match self.cell(session).await {
            Ok(cell) => {
                let place = Place::take(&cell.subscribers, MAX_SUBSCRIBERS)
                    .ok_or_else(|| Refusal::Overloaded { queue: "subscribers".into(), retry_after_ms: 5_000 })?;
                Ok(cell.tail(from, Some(place)).stream())
            }
            Err(Refusal::SessionEnded) => Ok(Tail::new(Arc::clone(&self.store), session, from, None, None).stream()),
            Err(refusal) => Err(refusal),
        }
    }

    async fn fold(&self, session: SessionId) -> Result<Arc<SessionState>, Refusal> {
        match self.cell(session).await {
            Ok(cell) => cell.state().await,
            Err(Refusal::SessionEnded) => Ok(Arc::new(load(&*self.store, session).await?)),
            Err(refusal) => Err(refusal),
        }
    }

    async fn store_upload(&self, session: SessionId, upload: ImageUpload) -> Result<(ImageId, Receipt), Refusal> {
        if upload.bytes.len() > MAX_IMAGE_BYTES {
            return Err(Refusal::TooLarge { what: "the image".into(), limit: MAX_IMAGE_BYTES as u64 });
        }
        if upload.bytes.is_empty() {
            return Err(Refusal::invalid("file", "is empty"));
        }
        let cell = self.cell(session).await?;
        let image = ImageId(uuid::Uuid::now_v7());
        let received =
            ImageReceived { image, bytes: upload.bytes.len() as u64, sha256: hex(&Sha256::digest(&upload.bytes)) };
        self.store.put_image(session, image, ImagePart::Upload, upload.bytes).await?;
        let receipt = cell.record(EventBody::ImageReceived(received)).await?;
        Ok((image, receipt))
    }
}

fn check_languages(languages: &[Language]) -> Result<(), Refusal> {
    if languages.is_empty() || languages.len() > 4 {
        return Err(Refusal::invalid("languages", "must name one to four languages"));
    }
    let repeated = (1..languages.len()).any(|i| languages[..i].iter().any(|l| l.same_language(&languages[i])));
    if repeated {
        return Err(Refusal::invalid("languages", "names a language twice"));
    }
    Ok(())
}

fn check_terms(terms: &[String]) -> Result<(), Refusal> {
    if terms.len() > MAX_TERMS {
        return Err(Refusal::TooLarge { what: "terms".into(), limit: MAX_TERMS as u64 });
    }
    let fits = |term: &String| !term.trim().is_empty() && term.chars().count() <= MAX_TERM_CHARS;
    if !terms.iter().all(fits) || terms.iter().any(|term| term.chars().any(char::is_control)) {
        return Err(Refusal::invalid("terms", format!("must each be 1 to {MAX_TERM_CHARS} printable characters")));
    }
    Ok(())
}

/// What a door may bring in is checked once, here, whichever door it is.
fn check_input(input: &EventBody) -> Result<(), Refusal> {
    match input {
        EventBody::ChatMessage(ChatMessage { text, .. }) => {
            if text.trim().is_empty() {
                return Err(Refusal::invalid("text", "is empty"));
            }
            if text.chars().count() > MAX_CHAT_CHARS {
                return Err(Refusal::TooLarge { what: "text".into(), limit: MAX_CHAT_CHARS as u64 });
            }
            Ok(())
        }
        EventBody::AlarmSilenced(silenced) => silenced.check(),
        EventBody::MonitoringChanged(change) => change.check(),
        _ => Ok(()),
    }
}

impl Documents for Directory {
    fn put(&self, place: &'static str, name: String, body: String) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move { self.store.put_document(place, name, body).await.map_err(Refusal::from) })
    }

    fn remove(&self, place: &'static str, name: String) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move { self.store.remove_document(place, name).await.map_err(Refusal::from) })
    }

    fn on_shelf(&self, place: &'static str, limit: usize) -> BoxFuture<'_, Result<Vec<(String, String)>, Refusal>> {
        Box::pin(async move { self.store.documents(place, limit).await.map_err(Refusal::from) })
    }
}

impl Sessions for Directory {
    fn create(&self, new: NewSession) -> BoxFuture<'_, Result<SessionSummary, Refusal>> {
        Box::pin(self.create_session(new))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<SessionSummary>, Refusal>> {
        Box::pin(async move {
            let rows = self.store.sessions(self.config.max_listed).await?;
            let mut summaries = Vec::with_capacity(rows.len());
            for row in rows {
                summaries.push(self.summary_of(row.session).await?);
            }
            Ok(summaries)
        })
    }

    fn summary(&self, session: SessionId) -> BoxFuture<'_, Result<SessionSummary, Refusal>> {
        Box::pin(self.summary_of(session))
    }

    fn of_patient<'a>(&'a self, patient: &'a PatientId) -> BoxFuture<'a, Result<Option<SessionId>, Refusal>> {
        Box::pin(self.session_of(patient))
    }

    fn record(&self, session: SessionId, input: EventBody) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            check_input(&input)?;
            self.cell(session).await?.record(input).await
        })
    }

    fn keep_unmatched(&self, message: UnmatchedMessage) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move { self.store.keep_unmatched(message).await.map_err(Refusal::from) })
    }

    fn unmatched(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmatchedMessage>, Refusal>> {
        Box::pin(async move { self.store.unmatched(limit.min(1_000)).await.map_err(Refusal::from) })
    }

    fn unmapped(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmappedCode>, Refusal>> {
        Box::pin(async move { self.store.unmapped(limit.min(1_000)).await.map_err(Refusal::from) })
    }

    fn patient_changed(&self, changed: PatientChanged) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(self.change_patient(changed))
    }

    fn open_audio(
        &self,
        session: SessionId,
        spec: AudioTrackSpec,
    ) -> BoxFuture<'_, Result<Box<dyn AudioSink>, Refusal>> {
        Box::pin(async move { self.cell(session).await?.open_track(spec).await })
    }

    fn events(&self, session: SessionId, from: Seq) -> BoxFuture<'_, Result<EventStream, Refusal>> {
        Box::pin(self.tail(session, from))
    }

    fn speech(&self, session: SessionId, language: Language) -> BoxFuture<'_, Result<SpeechStream, Refusal>> {
        Box::pin(async move { Ok(self.cell(session).await?.speech.listen(&language)) })
    }

    fn waveforms(&self, session: SessionId) -> BoxFuture<'_, Result<WaveformStream, Refusal>> {
        Box::pin(async move { self.cell(session).await?.watch_waveforms() })
    }

    fn open_waveforms(&self, session: SessionId) -> BoxFuture<'_, Result<Box<dyn WaveformSink>, Refusal>> {
        Box::pin(async move { self.cell(session).await?.waves.source() })
    }

    fn state(&self, session: SessionId) -> BoxFuture<'_, Result<Arc<SessionState>, Refusal>> {
        Box::pin(self.fold(session))
    }

    fn store_image(
        &self,
        session: SessionId,
        upload: ImageUpload,
    ) -> BoxFuture<'_, Result<(ImageId, Receipt), Refusal>> {
        Box::pin(self.store_upload(session, upload))
    }

    fn image_preview(&self, session: SessionId, image: ImageId) -> BoxFuture<'_, Result<Vec<u8>, Refusal>> {
        Box::pin(async move {
            let preview = self.store.image(session, image, ImagePart::Preview).await;
            preview.map_err(Refusal::from)?.ok_or_else(|| Refusal::NotFound { what: "image preview".into() })
        })
    }
}
