//! `healthsync learn risk`: what outcomes make of the calibration, and that a server then scores with it.

use crate::common::{Server, start_session, wait_for};
use healthsync_actors::{SessionLog, SqliteStore};
use healthsync_events::{
    EventBody, ModelInfo, NewEvent, Seq, SessionId, Timestamp, consultation::SessionStarted, prediction::RiskPredicted,
    risk::Spo2Scale,
};
use serde_json::json;
use std::{fmt::Write as _, path::Path, process::Command};

const PATIENTS: i64 = 50;
const HOURS: i64 = 24;
const HOUR: i64 = 3_600_000;

/// 2026-01-01T00:00:00Z, and a day for each patient.
fn at(patient: i64, hour: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + (patient * HOURS + hour) * HOUR)
}

/// Every second patient has the outcome at the end of the record.
fn happens(patient: i64) -> bool {
    patient % 2 == 0
}

/// Scores that tell the hours before an outcome from others, and expect far too little where it comes in 31 %.
fn log_odds(patient: i64, hour: i64) -> f64 {
    let mixed = patient * 7 + hour * 3;
    let high = if happens(patient) && hour >= HOURS - 7 { mixed % 10 < 7 } else { mixed % 11 < 3 };
    if high { -1.5 } else { -3.5 }
}

fn predicted(patient: i64, hour: i64) -> EventBody {
    let model = ModelInfo { name: "deteriorate".into(), version: "1".into(), weights_sha256: "0".repeat(64) };
    EventBody::RiskPredicted(RiskPredicted {
        outcome: "sepsis".into(),
        within_hours: 6,
        probability: 0.1,
        log_odds: log_odds(patient, hour),
        record_hours: hour as u32 + 1,
        contributions: vec![],
        missing: vec![],
        provenance: model.with_inputs(vec![Seq(1)]),
    })
}

/// The log of a server that has scored for some weeks, and the table of what became of the patients.
async fn scored_patients(log: &Path) -> String {
    let store = SqliteStore::open(log).unwrap();
    let mut outcomes = "patient,time,outcome\n".to_owned();
    for patient in 0..PATIENTS {
        let started = EventBody::SessionStarted(SessionStarted {
            patient: format!("P{patient}").parse().unwrap(),
            languages: vec!["en".parse().unwrap()],
            spo2_scale: Spo2Scale::default(),
            terms: vec![],
        });
        let mut events = vec![NewEvent { at: at(patient, 0), body: started }];
        events.extend((0..HOURS).map(|hour| NewEvent { at: at(patient, hour), body: predicted(patient, hour) }));
        let session = SessionId(uuid::Uuid::from_u128(patient as u128 + 1));
        store.append(session, Seq::FIRST, events).await.unwrap();
        writeln!(outcomes, "P{patient},{},{}", at(patient, HOURS - 1), i32::from(happens(patient))).unwrap();
    }
    outcomes
}

fn learn(folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_healthsync"))
        .args(["learn", "risk", "--outcomes", "outcomes.csv", "--ledger", "ledger.json"])
        .env("HEALTHSYNC__STORAGE__PATH", folder.join("log.db"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_change_the_calibration_once_and_the_server_names_the_one_it_scored_with() {
    let folder = tempfile::tempdir().unwrap();
    let outcomes = scored_patients(&folder.path().join("log.db")).await;
    std::fs::write(folder.path().join("outcomes.csv"), outcomes).unwrap();

    let told = learn(folder.path());
    assert!(told.contains("50 new outcomes judge 1200 of 1200 scores"), "{told}");
    let promoted = "calibration 1 takes the place of 0";
    let (fitted, promotion) = (told.find("calibration 1 runs in the shadow"), told.find(promoted));
    assert!(fitted.is_some() && fitted < promotion, "{told}");

    let again = learn(folder.path());
    assert!(again.contains("0 new outcomes judge 0 of 1200 scores") && !again.contains(promoted), "{again}");

    let ledger = folder.path().join("ledger.json");
    let server = Server::start_with(folder, &[("HEALTHSYNC__MODELS__CALIBRATION_FILE", ledger)]).await;
    let session = start_session(&server.api(), "LEARN-1").await.session;
    let mut stream = server.api().follow(session, 1, None).await.unwrap();
    let line = json!({ "observations": [{ "code": "8867-4", "value": 130, "unit": "/min" }] });
    let url = format!("{}/api/v1/sessions/{session}/observations", server.http);
    let sent = reqwest::Client::new().post(url).body(line.to_string()).send().await.unwrap();
    assert!(sent.status().is_success(), "{:?}", sent.text().await);
    let event = wait_for(&mut stream, |event| matches!(event.body, EventBody::RiskPredicted(_))).await;
    let EventBody::RiskPredicted(predicted) = event.body else { unreachable!() };
    let version = &predicted.provenance.model.version;
    assert!(version.ends_with("+calibration.1"), "{version}");
    let uncalibrated = 1.0 / (1.0 + (-predicted.log_odds).exp());
    assert!((predicted.probability - uncalibrated).abs() > 1e-3, "{predicted:?}");
}
