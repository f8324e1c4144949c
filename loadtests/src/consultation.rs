//! Plays a script through a server's doors at the pace of a conversation: someone speaks, the other waits for
//! the words and the voice before answering.

use crate::{
    client::{ApiClient, ClientError, Incoming, Stream},
    hearing::Listener,
    outcome::Outcome,
    script::{Speaker, Step},
};
use healthsync_events::{
    EventBody, NewSession, PatientId, SessionSummary, Timestamp, VitalSigns,
    envelope::{StreamCommand, StreamNotice},
};
use healthsync_hl7::client::{MllpClient, oru_r01};
use healthsync_webrtc::{ClientConfig, WhipClient};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// How long a caption, its translation, and its voice from the first sound to the last may take before the
/// conversation goes on without.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How long what was set off may take to come in at the end.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

/// Between hearing the other and speaking; some 200 ms of it is what was sent and not heard yet.
const BREATH: Duration = Duration::from_millis(600);

/// The doors of a server.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// For example `http://127.0.0.1:8080`.
    pub http: String,
    pub mllp: SocketAddr,
}

/// A spoken line, mono.
#[derive(Debug, Clone)]
pub struct Clip {
    pub samples: Vec<f32>,
    pub sample_rate: u32,
}

/// What is needed besides the script.
pub struct Material {
    pub patient: PatientId,
    /// Names that the recogniser is told to expect.
    pub terms: Vec<String>,
    /// By the text they speak.
    pub clips: HashMap<&'static str, Clip>,
    /// A DICOM, PNG or JPEG file.
    pub image: Vec<u8>,
}

/// Told as the consultation goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    Started(&'a SessionSummary),
    Happened(&'a EventBody),
}

/// What is left when the consultation has been played. Its session has not been ended.
pub struct Played {
    pub session: SessionSummary,
    pub outcome: Outcome,
    pub transcript: String,
    pub report: String,
}

type Tell = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// Plays the steps and returns what came back.
pub async fn play(
    endpoints: &Endpoints,
    steps: impl IntoIterator<Item = &Step>,
    material: Material,
    tell: Tell,
) -> Result<Played, ClientError> {
    let api = ApiClient::new(&endpoints.http)?;
    let new = NewSession {
        patient: material.patient.clone(),
        languages: [Speaker::Patient, Speaker::Clinician].iter().filter_map(|s| s.language().parse().ok()).collect(),
        spo2_scale: healthsync_events::risk::Spo2Scale::default(),
        terms: material.terms.clone(),
    };
    let session = api.create_session(&new).await?;
    tell(Progress::Started(&session));
    let watching = Watcher::start(&api, &session, Arc::clone(&tell)).await?;
    let mut stage = Stage::set(&api, endpoints, &session, material).await?;
    let mut images = 0;
    for step in steps {
        stage.perform(step, &watching).await?;
        images += usize::from(*step == Step::Image);
    }
    watching.until(SETTLE_LIMIT, |seen| seen.images_ready >= images).await;
    stage.close().await?;
    let report = api.markdown(session.session, "report").await?;
    let transcript = api.markdown(session.session, "transcript").await?;
    Ok(Played { session, outcome: watching.finish(), transcript, report })
}

/// The clients of the consultation.
struct Stage {
    api: ApiClient,
    session: SessionSummary,
    patient_audio: WhipClient,
    clinician_audio: WhipClient,
    monitor: MllpClient,
    patient_page: Page,
    material: Material,
    messages: u32,
}

impl Stage {
    async fn set(
        api: &ApiClient,
        endpoints: &Endpoints,
        session: &SessionSummary,
        material: Material,
    ) -> Result<Self, ClientError> {
        let join = async |speaker: Speaker| {
            let url = api.whip_url(session.session, speaker.participant(), speaker.language());
            let config = ClientConfig { bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ..ClientConfig::default() };
            let joined = WhipClient::connect(&url, config).await;
            joined.map_err(|e| ClientError::Failed { what: "joining by WHIP", reason: e.to_string() })
        };
        let monitor = MllpClient::connect(endpoints.mllp).await;
        Ok(Self {
            api: api.clone(),
            session: session.clone(),
            patient_audio: join(Speaker::Patient).await?,
            clinician_audio: join(Speaker::Clinician).await?,
            monitor: monitor.map_err(|e| ClientError::Failed { what: "reaching MLLP", reason: e.to_string() })?,
            patient_page: Page::open(api.follow(session.session, 1, Some(Speaker::Patient.language())).await?),
            material,
            messages: 0,
        })
    }

    async fn perform(&mut self, step: &Step, watching: &Watcher) -> Result<(), ClientError> {
        match step {
            Step::Say { speaker, text } => self.say(*speaker, text, watching).await,
            Step::Vitals(vitals) => self.send_vitals(vitals).await,
            Step::Image => self.api.upload_image(self.session.session, self.material.image.clone()).await.map(|_| ()),
            Step::Chat { speaker, text } => {
                let (participant, language) = (speaker.participant().parse(), speaker.language().parse());
                let (Ok(participant), Ok(language)) = (participant, language) else { return Ok(()) };
                let chat = StreamCommand::Chat { id: None, participant, language, text: (*text).to_owned() };
                self.patient_page.send(chat).await
            }
        }
    }

    /// Speaks, then listens until the other has the words, and has heard the translation.
    async fn say(&mut self, speaker: Speaker, text: &str, watching: &Watcher) -> Result<(), ClientError> {
        let Some(clip) = self.material.clips.get(text) else {
            return Err(ClientError::Failed { what: "speaking", reason: "a line has no recording".into() });
        };
        let audio = if speaker == Speaker::Patient { &self.patient_audio } else { &self.clinician_audio };
        let before = watching.with(Outcome::by_participant(speaker.participant()));
        audio
            .say(&clip.samples, clip.sample_rate)
            .await
            .map_err(|e| ClientError::Failed { what: "speaking", reason: e.to_string() })?;
        let understood = Outcome::by_participant(speaker.participant());
        watching.until(ANSWER_LIMIT, |seen| understood(seen) > before).await;
        // Speech is sent at the pace it is heard at, so what has been sent has nearly been heard.
        watching.until(ANSWER_LIMIT, Outcome::all_spoken).await;
        tokio::time::sleep(BREATH).await;
        Ok(())
    }

    async fn send_vitals(&mut self, vitals: &VitalSigns) -> Result<(), ClientError> {
        self.messages += 1;
        let id = format!("{}-{}", self.session.session.0.simple(), self.messages);
        let message = oru_r01(&self.material.patient, &id, now(), vitals);
        let failed = |reason: String| ClientError::Failed { what: "sending vitals", reason };
        let ack = self.monitor.send(&message).await.map_err(|e| failed(e.to_string()))?;
        if ack.is_accepted() { Ok(()) } else { Err(failed(format!("the monitor was answered {ack:?}"))) }
    }

    async fn close(self) -> Result<(), ClientError> {
        for audio in [self.patient_audio, self.clinician_audio] {
            audio.close().await.map_err(|e| ClientError::Failed { what: "leaving", reason: e.to_string() })?;
        }
        Ok(())
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// The patient's page: takes in everything, hears Portuguese, sends chat.
struct Page {
    commands: mpsc::Sender<StreamCommand>,
    task: JoinHandle<()>,
}

impl Page {
    fn open(mut stream: Stream) -> Self {
        let (commands, mut typed) = mpsc::channel(8);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    incoming = stream.next() => if !matches!(incoming, Ok(Some(_))) { return },
                    Some(command) = typed.recv() => if stream.send(&command).await.is_err() { return },
                }
            }
        });
        Self { commands, task }
    }

    async fn send(&self, command: StreamCommand) -> Result<(), ClientError> {
        let failed = |_| ClientError::Failed { what: "sending a command", reason: "the stream has closed".into() };
        self.commands.send(command).await.map_err(failed)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows the session as the clinician's page does, and keeps what it sees.
struct Watcher {
    seen: Arc<Mutex<Outcome>>,
    changed: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Watcher {
    async fn start(api: &ApiClient, session: &SessionSummary, tell: Tell) -> Result<Self, ClientError> {
        let mut stream = api.follow(session.session, 1, Some(Speaker::Clinician.language())).await?;
        let seen = Arc::new(Mutex::new(Outcome::default()));
        let (notify, changed) = watch::channel(0);
        let keep = Arc::clone(&seen);
        let mut listener = Listener::default();
        let task = tokio::spawn(async move {
            while let Ok(Some(incoming)) = stream.next().await {
                let mut seen = keep.lock().unwrap_or_else(PoisonError::into_inner);
                match incoming {
                    Incoming::Event(event) => {
                        tell(Progress::Happened(&event.body));
                        seen.take_in(*event);
                    }
                    Incoming::Speech(frame) => match listener.hear(&frame) {
                        Ok(samples) => seen.hear(&samples),
                        Err(error) => seen.errors.push(format!("speech: {error}")),
                    },
                    Incoming::Notice(StreamNotice::Coalesced { from, to }) => seen.coalesced(from, to),
                    Incoming::Notice(notice) => seen.errors.push(format!("{notice:?}")),
                }
                drop(seen);
                notify.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { seen, changed, task })
    }

    fn with<T>(&self, read: impl FnOnce(&Outcome) -> T) -> T {
        read(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until what was seen satisfies `enough`, or `limit` has passed: then the play goes on, and the
    /// outcome shows what is missing.
    async fn until(&self, limit: Duration, enough: impl Fn(&Outcome) -> bool) {
        let mut changed = self.changed.clone();
        let wait = async {
            while !self.with(&enough) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(limit, wait).await;
    }

    fn finish(self) -> Outcome {
        self.task.abort();
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
