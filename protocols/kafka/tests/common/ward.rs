//! Sessions of a ward: they recognise what comes again, and can be told to refuse, to wait, and to panic.

use healthsync_events::{
    AudioSink, AudioTrackSpec, BoxFuture, EventBody, EventStream, ImageId, ImageUpload, Language, NewSession,
    PatientChanged, PatientId, Receipt, Refusal, Seq, SessionId, SessionState, SessionSummary, Sessions, SpeechStream,
    Timestamp, UnmappedCode, UnmatchedMessage, WaveformSink, WaveformStream, body::Identity,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{Semaphore, watch};

#[derive(Default)]
pub struct Told {
    pub patients: BTreeMap<PatientId, SessionId>,
    /// What each patient's session recorded: message ids in order.
    pub recorded: BTreeMap<String, Vec<String>>,
    pub repeats: usize,
    pub kept: Vec<UnmatchedMessage>,
    seen: HashMap<(SessionId, Identity), Seq>,
    /// Patients whose sessions refuse, and with what.
    pub refusing: BTreeMap<String, Refusal>,
    pub refused: usize,
    /// Patients whose sessions panic.
    pub panicking: BTreeSet<String>,
    pub working: usize,
    pub most_working: usize,
}

impl Told {
    pub fn recorded(&self) -> usize {
        self.recorded.values().map(Vec::len).sum()
    }
}

pub struct Ward {
    told: Mutex<Told>,
    changes: watch::Sender<u64>,
    /// Places to record at; without one, recording waits.
    pub places: Semaphore,
}

impl Ward {
    pub fn new(patients: &[&str]) -> Arc<Self> {
        let patients = patients.iter().map(|name| (name.parse().unwrap(), SessionId(uuid::Uuid::new_v4()))).collect();
        let told = Mutex::new(Told { patients, ..Told::default() });
        Arc::new(Self { told, changes: watch::Sender::new(0), places: Semaphore::new(1_000_000) })
    }

    /// Looks at the ward, or changes it.
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    pub async fn until(&self, what: &str, wanted: impl Fn(&Told) -> bool) {
        let mut changes = self.changes.subscribe();
        super::in_time(what, async {
            while !wanted(&self.told()) {
                changes.changed().await.unwrap();
            }
        })
        .await;
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    async fn take(&self, session: SessionId, input: EventBody) -> Result<Receipt, Refusal> {
        {
            let mut told = self.told();
            told.working += 1;
            told.most_working = told.most_working.max(told.working);
        }
        self.changed();
        let place = self.places.acquire().await.unwrap();
        let result = self.record_now(session, &input);
        drop(place);
        self.told().working -= 1;
        self.changed();
        result
    }

    fn record_now(&self, session: SessionId, input: &EventBody) -> Result<Receipt, Refusal> {
        let mut told = self.told();
        let found = told.patients.iter().find(|(_, of)| **of == session).map(|(patient, _)| patient.to_string());
        let patient = found.ok_or(Refusal::UnknownSession)?;
        if let Some(refusal) = told.refusing.get(&patient).cloned() {
            told.refused += 1;
            return Err(refusal);
        }
        if told.panicking.contains(&patient) {
            told.working -= 1;
            drop(told);
            panic!("a session that panics");
        }
        let EventBody::VitalsObserved(observed) = input else { return Err(Refusal::invalid("type", "no vitals")) };
        let next = Seq(told.seen.len() as u64 + 1);
        let seq = *told.seen.entry((session, input.identity().unwrap())).or_insert(next);
        let repeated = seq != next;
        if repeated {
            told.repeats += 1;
        } else {
            told.recorded.entry(patient).or_default().push(observed.source.message_id.clone());
        }
        Ok(Receipt { seq, at: Timestamp::from_millis(0), repeated })
    }
}

fn unused<T>() -> BoxFuture<'static, Result<T, Refusal>>
where
    T: Send + 'static,
{
    Box::pin(std::future::ready(Err(Refusal::unavailable("a part that is not tested here"))))
}

impl Sessions for Ward {
    fn create(&self, _: NewSession) -> BoxFuture<'_, Result<SessionSummary, Refusal>> {
        unused()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<SessionSummary>, Refusal>> {
        unused()
    }

    fn summary(&self, _: SessionId) -> BoxFuture<'_, Result<SessionSummary, Refusal>> {
        unused()
    }

    fn of_patient<'a>(&'a self, patient: &'a PatientId) -> BoxFuture<'a, Result<Option<SessionId>, Refusal>> {
        Box::pin(std::future::ready(Ok(self.told().patients.get(patient).copied())))
    }

    fn record(&self, session: SessionId, input: EventBody) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(self.take(session, input))
    }

    fn keep_unmatched(&self, message: UnmatchedMessage) -> BoxFuture<'_, Result<(), Refusal>> {
        self.told().kept.push(message);
        self.changed();
        Box::pin(std::future::ready(Ok(())))
    }

    fn unmatched(&self, _: usize) -> BoxFuture<'_, Result<Vec<UnmatchedMessage>, Refusal>> {
        unused()
    }

    fn unmapped(&self, _: usize) -> BoxFuture<'_, Result<Vec<UnmappedCode>, Refusal>> {
        unused()
    }

    fn patient_changed(&self, _: PatientChanged) -> BoxFuture<'_, Result<(), Refusal>> {
        unused()
    }

    fn open_audio(&self, _: SessionId, _: AudioTrackSpec) -> BoxFuture<'_, Result<Box<dyn AudioSink>, Refusal>> {
        unused()
    }

    fn events(&self, _: SessionId, _: Seq) -> BoxFuture<'_, Result<EventStream, Refusal>> {
        unused()
    }

    fn speech(&self, _: SessionId, _: Language) -> BoxFuture<'_, Result<SpeechStream, Refusal>> {
        unused()
    }

    fn waveforms(&self, _: SessionId) -> BoxFuture<'_, Result<WaveformStream, Refusal>> {
        unused()
    }

    fn open_waveforms(&self, _: SessionId) -> BoxFuture<'_, Result<Box<dyn WaveformSink>, Refusal>> {
        unused()
    }

    fn state(&self, _: SessionId) -> BoxFuture<'_, Result<Arc<SessionState>, Refusal>> {
        unused()
    }

    fn store_image(&self, _: SessionId, _: ImageUpload) -> BoxFuture<'_, Result<(ImageId, Receipt), Refusal>> {
        unused()
    }

    fn image_preview(&self, _: SessionId, _: ImageId) -> BoxFuture<'_, Result<Vec<u8>, Refusal>> {
        unused()
    }
}
