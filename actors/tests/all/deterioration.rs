//! The learned risk in a session, with the weights that ship.

use crate::common::{Rig, Time, models, next, wait_for};
use healthsync_actors::{Models, MonitoringSettings, Pool, PoolConfig};
use healthsync_deteriorate::{Weights, stream::Deterioration};
use healthsync_events::{
    EventBody, EventStream, MonitorProtocol, MonitorSource, PatientChanged, Seq, SessionId, Sessions, Timestamp,
    VitalSigns,
    clinical::VitalsObserved,
    consultation::Component,
    patient::{PatientChange, Sex},
    prediction::RiskPredicted,
};
use healthsync_models::{
    ModelError,
    registry::{Manifest, Registry},
};
use std::{path::Path, sync::Arc};

fn pool() -> Pool<Deterioration> {
    let load = || {
        let registry = Registry::new(Manifest::embedded().unwrap(), Path::new("/nonexistent")).unwrap();
        let (bytes, info) = registry.bundled("deteriorate", "deteriorate.safetensors").unwrap();
        let refuse = |reason: String| ModelError::Load { model: "deteriorate".into(), reason };
        let weights = Weights::read(bytes).map_err(|e| refuse(e.to_string()))?;
        Deterioration::new(weights, info).map_err(|e| refuse(e.to_string()))
    };
    let config = PoolConfig { name: "deterioration", max_batch: 8, ..PoolConfig::default() };
    Pool::start(config, Arc::new(load)).unwrap()
}

/// At the end of the hours that are observed: none of them lies in the future.
fn rig(path: &Path) -> Rig {
    Rig::since(path, Models { deterioration: Some(pool()), ..models() }, 10 * 3_600_000)
}

/// An observation `hour` hours after the first.
async fn observe(rig: &Rig, session: SessionId, hour: i64, vitals: VitalSigns) -> Seq {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "monitor".into(),
        facility: "ward".into(),
        message_id: format!("m{hour}"),
    };
    let taken_at = Timestamp::from_millis(hour * 3_600_000);
    let observed = EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] });
    rig.directory.record(session, observed).await.unwrap().seq
}

async fn predicted(events: &mut EventStream) -> RiskPredicted {
    let event = wait_for(events, |body| matches!(body, EventBody::RiskPredicted(_))).await;
    let EventBody::RiskPredicted(predicted) = event.body.clone() else { unreachable!() };
    predicted
}

fn well() -> VitalSigns {
    VitalSigns {
        heart_rate: Some(72.0),
        respiratory_rate: Some(14.0),
        spo2: Some(98.0),
        systolic_bp: Some(125.0),
        diastolic_bp: Some(75.0),
        temperature: Some(36.8),
        ..VitalSigns::default()
    }
}

fn sick() -> VitalSigns {
    VitalSigns {
        heart_rate: Some(132.0),
        respiratory_rate: Some(32.0),
        spo2: Some(91.0),
        systolic_bp: Some(84.0),
        diastolic_bp: Some(45.0),
        temperature: Some(39.4),
        ..VitalSigns::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observation_is_scored_with_what_moved_the_score() {
    let folder = tempfile::tempdir().unwrap();
    let rig = rig(&folder.path().join("log.db"));
    let session = rig.session().await;
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    let first = observe(&rig, session, 0, well()).await;
    let before = predicted(&mut events).await;
    assert_eq!((before.outcome.as_str(), before.within_hours, before.record_hours), ("sepsis", 6, 1));
    assert_eq!(before.provenance.inputs, [first]);
    assert_eq!(before.provenance.model.name, "deteriorate");
    assert!(before.missing.contains(&"lactate".to_owned()), "a bedside sends no laboratory values");
    let second = observe(&rig, session, 2, sick()).await;
    let after = predicted(&mut events).await;
    assert_eq!((after.record_hours, after.provenance.inputs.as_slice()), (3, [second].as_slice()));
    assert!(after.probability > before.probability, "{} {}", before.probability, after.probability);
    let fever = after.contributions.iter().find(|item| item.parameter == "temperature").unwrap();
    assert_eq!((fever.value.as_str(), fever.hours_ago), ("39.4 °C", 0));
    assert!(fever.effect > 0.0, "fever raises it: {}", fever.effect);
    assert_eq!(after.contributions.len(), 7, "six signs and the mean pressure");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_observed_within_a_second_is_scored_together() {
    let folder = tempfile::tempdir().unwrap();
    let time = Time::new();
    let monitoring = MonitoringSettings { pace: time.pace(), ..MonitoringSettings::default() };
    let models = Models { deterioration: Some(pool()), monitoring, ..models() };
    let rig = Rig::since(&folder.path().join("log.db"), models, 10 * 3_600_000);
    let session = rig.session().await;
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    let first = observe(&rig, session, 0, well()).await;
    assert_eq!(predicted(&mut events).await.provenance.inputs, [first]);
    observe(&rig, session, 1, well()).await;
    let third = observe(&rig, session, 2, sick()).await;
    // NEWS2 does not wait for it.
    let scored =
        |body: &EventBody| matches!(body, EventBody::RiskScored(scored) if scored.provenance.inputs.contains(&third));
    loop {
        let event = next(&mut events).await;
        assert_ne!(event.body.kind(), "risk.predicted", "a second has not passed");
        if scored(&event.body) {
            break;
        }
    }
    time.pass(1);
    assert_eq!(predicted(&mut events).await.provenance.inputs, [third]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_after_a_restart_is_the_one_that_would_have_been() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole.db"), folder.path().join("broken.db"));
    let last = async |path: &Path, restart: bool| {
        let mut rig = rig(path);
        let session = rig.session().await;
        for hour in 0..6 {
            let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
            let seq = observe(&rig, session, hour, if hour < 4 { well() } else { sick() }).await;
            let predicted = loop {
                let predicted = predicted(&mut events).await;
                if predicted.provenance.inputs.contains(&seq) {
                    break predicted;
                }
            };
            if hour == 5 {
                return predicted;
            }
            if restart && hour == 3 {
                drop(rig);
                rig = self::rig(path);
            }
        }
        unreachable!()
    };
    let (whole, broken) = (last(&whole, false).await, last(&broken, true).await);
    assert!((whole.log_odds - broken.log_odds).abs() < 1e-4, "{} {}", whole.log_odds, broken.log_odds);
}

/// What the hospital says of the patient.
async fn admit(rig: &Rig, birth_date: &str, sex: Sex) {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "ADT".into(),
        facility: "H".into(),
        message_id: birth_date.into(),
    };
    let changed = PatientChanged {
        source,
        change: PatientChange::Updated,
        patient: "p1".parse().unwrap(),
        merged_from: None,
        location: None,
        class: None,
        birth_date: Some(birth_date.into()),
        sex: Some(sex),
        occurred_at: Timestamp::from_millis(0),
    };
    rig.directory.patient_changed(changed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn age_and_sex_count_and_a_child_is_not_scored() {
    let folder = tempfile::tempdir().unwrap();
    let score = async |name: &str, birth_date: Option<&str>, sex: Sex| {
        let rig = rig(&folder.path().join(name));
        let session = rig.session().await;
        if let Some(birth_date) = birth_date {
            admit(&rig, birth_date, sex).await;
        }
        let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
        observe(&rig, session, 0, sick()).await;
        predicted(&mut events).await.log_odds
    };
    let unknown = score("unknown", None, Sex::Male).await;
    let old = score("old", Some("1870-06-01"), Sex::Female).await;
    let man = score("man", Some("1930-06-01"), Sex::Male).await;
    let woman = score("woman", Some("1930-06-01"), Sex::Female).await;
    let distinct = |a: f64, b: f64| (a - b).abs() > 1e-6;
    assert!(distinct(unknown, man) && distinct(man, woman) && distinct(woman, old), "{unknown} {man} {woman} {old}");

    let rig = rig(&folder.path().join("child"));
    let session = rig.session().await;
    admit(&rig, "1968-06-01", Sex::Female).await;
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    observe(&rig, session, 0, sick()).await;
    wait_for(&mut events, |body| matches!(body, EventBody::ScoresComputed(_))).await;
    // Had the child been scored, that would be in the log before the woman who is scored from now on.
    admit(&rig, "1930-06-01", Sex::Female).await;
    let second = observe(&rig, session, 1, sick()).await;
    let first = predicted(&mut events).await;
    assert_eq!((first.record_hours, first.provenance.inputs.as_slice()), (2, [second].as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_the_model_goes_on_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::open(&folder.path().join("log.db"));
    let session = rig.session().await;
    let mut events = rig.directory.events(session, Seq(1)).await.unwrap();
    observe(&rig, session, 0, sick()).await;
    // NEWS2 comes whatever the learned model does, and nothing of the latter.
    loop {
        match &next(&mut events).await.body {
            EventBody::RiskScored(_) => break,
            EventBody::ActorRestarted(restarted) => assert_ne!(restarted.component, Component::Deterioration),
            body => assert_ne!(body.kind(), "risk.predicted"),
        }
    }
}
