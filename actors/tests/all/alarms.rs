//! Alarms of a session whose time the test decides on, across restarts.

use crate::common::{Time, models, next, wait_for};
use healthsync_actors::{
    ActorThreads, Directory, DirectoryConfig, Models, MonitoringSettings, SessionLog, SqliteStore,
};
use healthsync_events::{
    AlarmId, Event, EventBody, EventStream, MonitorProtocol, MonitorSource, NewSession, Refusal, Seq, SessionId,
    Sessions, Timestamp, VitalSign, VitalSigns,
    alarm::{AlarmAcknowledged, AlarmKind, AlarmSilenced},
    clinical::VitalsObserved,
    limits::MAX_SILENCE_SECONDS,
    monitoring::{AlarmLimits, MonitoringChanged},
};
use std::{path::Path, sync::Arc, time::Duration};

struct Process {
    directory: Directory,
    threads: ActorThreads,
}

impl Process {
    fn start(log: &Path, time: &Time) -> Self {
        let monitoring = MonitoringSettings { pace: time.pace(), ..MonitoringSettings::default() };
        let models = Models { monitoring, ..models() };
        let threads = ActorThreads::start(1).unwrap();
        let store = Arc::new(SqliteStore::open(log).unwrap());
        let directory = Directory::new(store, time.clock(), models, threads.clone(), DirectoryConfig::default());
        Self { directory, threads }
    }

    async fn session(&self) -> SessionId {
        let new = NewSession {
            patient: "p1".parse().unwrap(),
            languages: vec!["en".parse().unwrap()],
            spo2_scale: healthsync_events::risk::Spo2Scale::default(),
            terms: Vec::new(),
        };
        self.directory.create(new).await.unwrap().session
    }

    async fn observe(&self, session: SessionId, id: &str, vitals: VitalSigns) {
        let source = MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: "monitor".into(),
            facility: "ward".into(),
            message_id: id.into(),
        };
        let taken_at = Timestamp::from_millis(0);
        let observed = EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] });
        self.directory.record(session, observed).await.unwrap();
    }

    async fn acknowledge(&self, session: SessionId, alarm: AlarmId) -> Result<Seq, Refusal> {
        let by = "clinician".parse().unwrap();
        let acknowledged = EventBody::AlarmAcknowledged(AlarmAcknowledged { alarm, by });
        self.directory.record(session, acknowledged).await.map(|receipt| receipt.seq)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.threads.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_recorded_whole_and_scored_together_and_its_alarm_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let time = Time::new();
    let process = Process::start(&folder.path().join("log.db"), &time);
    let session = process.session().await;
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    for n in 0..60 {
        process
            .observe(session, &format!("m{n}"), VitalSigns { heart_rate: Some(f64::from(100 + n)), ..emergency() })
            .await;
    }
    let last = process.directory.summary(session).await.unwrap().head;
    let mut seen = Seen::default();
    // All of them, without a moment having passed for the scores that wait.
    while seen.observed.len() < 60 || !seen.alarmed {
        let event = next(&mut events).await;
        seen.see(&event);
    }
    assert!(seen.observed.iter().max() <= Some(&last));
    time.pass(1);
    while seen.newest < seen.observed[59] {
        let event = next(&mut events).await;
        seen.see(&event);
    }
    assert!((2..=12).contains(&seen.scores), "{} for 60 observations", seen.scores);
}

#[derive(Default)]
struct Seen {
    observed: Vec<Seq>,
    scores: usize,
    /// The newest observation that a score is of.
    newest: Seq,
    alarmed: bool,
}

impl Seen {
    fn see(&mut self, event: &Event) {
        match &event.body {
            EventBody::VitalsObserved(_) => self.observed.push(event.seq),
            EventBody::RiskScored(scored) => {
                self.scores += 1;
                self.newest = scored.provenance.inputs.iter().copied().max().unwrap();
            }
            EventBody::ScoresComputed(_) => self.scores += 1,
            EventBody::AlarmRaised(_) => self.alarmed = true,
            _ => {}
        }
    }
}

/// NEWS2 of 8.
fn emergency() -> VitalSigns {
    VitalSigns { heart_rate: Some(112.0), respiratory_rate: Some(25.0), spo2: Some(91.0), ..VitalSigns::default() }
}

async fn raised(events: &mut EventStream) -> AlarmId {
    let event = wait_for(events, |body| matches!(body, EventBody::AlarmRaised(_))).await;
    let EventBody::AlarmRaised(raised) = &event.body else { unreachable!() };
    assert_eq!(raised.kind, AlarmKind::News2Emergency);
    raised.alarm
}

async fn escalated(events: &mut EventStream) -> u8 {
    let event = wait_for(events, |body| matches!(body, EventBody::AlarmEscalated(_))).await;
    let EventBody::AlarmEscalated(escalated) = &event.body else { unreachable!() };
    escalated.step
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_calls_again_until_somebody_acknowledges_it() {
    let folder = tempfile::tempdir().unwrap();
    let time = Time::new();
    let process = Process::start(&folder.path().join("log.db"), &time);
    let session = process.session().await;
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    process.observe(session, "1", emergency()).await;
    let alarm = raised(&mut events).await;
    time.pass(60);
    assert_eq!(escalated(&mut events).await, 1);
    process.acknowledge(session, alarm).await.unwrap();
    // Who scores this has read the acknowledgement before.
    process.observe(session, "2", emergency()).await;
    wait_for(&mut events, |body| matches!(body, EventBody::AlarmAcknowledged(_))).await;
    wait_for(&mut events, |body| matches!(body, EventBody::RiskScored(_))).await;
    time.pass(600);
    // Were it to call again, it would before this is scored.
    process.observe(session, "3", emergency()).await;
    loop {
        let event = next(&mut events).await;
        match &event.body {
            EventBody::AlarmEscalated(_) | EventBody::AlarmRaised(_) => panic!("{event:?}"),
            EventBody::RiskScored(_) => break,
            _ => {}
        }
    }
    let state = process.directory.state(session).await.unwrap();
    let (by, at) = state.alarm_status[&alarm].acknowledged.clone().unwrap();
    assert_eq!((by.as_str(), at.millis()), ("clinician", 60_000));
    assert!(state.alarms.contains_key(&alarm));
}

/// Everything recorded, once nothing more is to come: a chat message is recorded last.
async fn all(process: &Process, session: SessionId) -> Vec<Arc<Event>> {
    let end = EventBody::ReportRequested(healthsync_events::scribe::ReportRequested { languages: vec![] });
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    process.directory.record(session, end).await.unwrap();
    let mut all = Vec::new();
    loop {
        let event = next(&mut events).await;
        let last = matches!(event.body, EventBody::ReportReady(_));
        all.push(event);
        if last {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_process_goes_on_where_the_alarms_were() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.db");
    let time = Time::new();
    let process = Process::start(&log, &time);
    let session = process.session().await;
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    process.observe(session, "1", emergency()).await;
    let alarm = raised(&mut events).await;
    drop((events, process));

    // Nobody was there when it should have called.
    time.pass(70);
    let process = Process::start(&log, &time);
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    assert_eq!(escalated(&mut events).await, 1);
    drop((events, process));

    // It calls the second time at the time it would have, not that long after the restart.
    time.pass(100);
    let process = Process::start(&log, &time);
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    assert_eq!(escalated(&mut events).await, 1, "of the process before");
    time.pass(10);
    assert_eq!(escalated(&mut events).await, 2);
    process.acknowledge(session, alarm).await.unwrap();
    drop((events, process));

    time.pass(3_600);
    let process = Process::start(&log, &time);
    process.observe(session, "2", emergency()).await;
    let events = all(&process, session).await;
    let count = |wanted: fn(&EventBody) -> bool| events.iter().filter(|event| wanted(&event.body)).count();
    assert_eq!(count(|body| matches!(body, EventBody::AlarmRaised(_))), 1);
    assert_eq!(count(|body| matches!(body, EventBody::AlarmEscalated(_))), 2);
    assert_eq!(count(|body| matches!(body, EventBody::AlarmCleared(_))), 0);
    let at: Vec<_> = events.iter().filter(|e| matches!(e.body, EventBody::AlarmEscalated(_))).map(|e| e.at).collect();
    assert_eq!(at.iter().map(|at| at.millis() / 1_000).collect::<Vec<_>>(), [70, 180]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_alarms_call_again_before_anybody_looks() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.db");
    let time = Time::new();
    let process = Process::start(&log, &time);
    let session = process.session().await;
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    process.observe(session, "1", emergency()).await;
    raised(&mut events).await;
    drop((events, process));

    // Time of its own: whatever is left of the process before must not be the one that calls.
    let time = Time::new();
    time.pass(70);
    let process = Process::start(&log, &time);
    let ward = process.directory.ward();
    let snapshot = || ward.snapshot(Timestamp::from_millis(0));
    ward.changes().wait_for(|_| snapshot().complete).await.unwrap();
    let before = snapshot().rows[0].head;
    process.directory.resume().await;
    let store = SqliteStore::open(&log).unwrap();
    let recorded = async {
        loop {
            let new = store.read(session, before.next(), 1).await.unwrap();
            if !new.is_empty() {
                break new;
            }
            tokio::task::yield_now().await;
        }
    };
    let new = tokio::time::timeout(Duration::from_secs(10), recorded).await.unwrap();
    assert!(matches!(new[0].body, EventBody::AlarmEscalated(_)), "{new:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_waits_for_its_delay_and_a_silence_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let time = Time::new();
    let process = Process::start(&folder.path().join("log.db"), &time);
    let session = process.session().await;
    let mut events = process.directory.events(session, Seq(1)).await.unwrap();
    let limits = AlarmLimits { parameter: VitalSign::HeartRate, low: None, high: Some(80.0), delay_seconds: Some(30) };
    let by = || "clinician".parse().unwrap();
    let change =
        MonitoringChanged { by: by(), age_months: None, scores: None, limits: vec![limits], default_limits: vec![] };
    process.directory.record(session, EventBody::MonitoringChanged(change)).await.unwrap();
    process.observe(session, "1", VitalSigns { heart_rate: Some(85.0), ..VitalSigns::default() }).await;
    wait_for(&mut events, |body| matches!(body, EventBody::RiskScored(_))).await;
    time.pass(30);
    let event = wait_for(&mut events, |body| matches!(body, EventBody::AlarmRaised(_))).await;
    let EventBody::AlarmRaised(raised) = &event.body else { unreachable!() };
    assert_eq!((raised.kind, raised.value, raised.limit), (AlarmKind::LimitHigh, Some(85.0), Some(80.0)));
    assert_eq!(event.at.millis(), 30_000);
    let silenced = AlarmSilenced { alarm: None, by: by(), seconds: 120 };
    process.directory.record(session, EventBody::AlarmSilenced(silenced)).await.unwrap();
    time.pass(120);
    let event = wait_for(&mut events, |body| matches!(body, EventBody::AlarmEscalated(_))).await;
    assert_eq!(event.at.millis(), 150_000, "not at 90 s, as it would have without");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let time = Time::new();
    let process = Process::start(&folder.path().join("log.db"), &time);
    let session = process.session().await;
    let unknown = AlarmId(uuid::Uuid::from_u128(7));
    assert!(matches!(process.acknowledge(session, unknown).await, Err(Refusal::NotFound { .. })));
    let by = || "clinician".parse().unwrap();
    let long = AlarmSilenced { alarm: None, by: by(), seconds: MAX_SILENCE_SECONDS + 1 };
    let refused = process.directory.record(session, EventBody::AlarmSilenced(long)).await;
    assert!(matches!(refused, Err(Refusal::Invalid { .. })));
    let limits = AlarmLimits { parameter: VitalSign::Spo2, low: Some(99.0), high: Some(90.0), delay_seconds: None };
    let change =
        MonitoringChanged { by: by(), age_months: None, scores: None, limits: vec![limits], default_limits: vec![] };
    let refused = process.directory.record(session, EventBody::MonitoringChanged(change)).await;
    assert!(matches!(refused, Err(Refusal::Invalid { .. })));
    assert_eq!(process.directory.summary(session).await.unwrap().head, Seq(1));
}
