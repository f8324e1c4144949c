//! Charts and the ward in a real browser, while monitors send.

use crate::common::{Server, browse, start_session};
use healthsync_events::{MdcCode, SessionId, Timestamp, VitalSigns};
use healthsync_hl7::client::{MllpClient, oru_r01};
use healthsync_loadtests::{
    ApiClient,
    replay::{Recording, replay},
};
use healthsync_waveform::{cut::Channel, wfdb::Record};
use serde_json::Value;
use std::{ffi::OsStr, net::SocketAddr, path::Path, time::Duration};
use tokio::task::JoinSet;

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// One patient's vital signs at a second: each patient of the ward is as ill as its number, and never the same twice.
fn vitals(patient: u32, second: u32) -> VitalSigns {
    let wave = f64::from(second % 7);
    let ill = f64::from(patient % 10);
    VitalSigns {
        heart_rate: Some(60.0 + 9.0 * ill + wave),
        respiratory_rate: Some(14.0 + ill * 1.4),
        spo2: Some(99.0 - ill),
        systolic_bp: Some(126.0 - ill * 4.5 - wave),
        diastolic_bp: Some(76.0 - ill * 2.0),
        temperature: Some(36.6 + ill * 0.22),
        ..VitalSigns::default()
    }
}

/// Sends each patient's values once a second over one connection, until it is dropped.
async fn monitor(mllp: SocketAddr, patients: Vec<u32>) {
    let mut client = MllpClient::connect(mllp).await.unwrap();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for n in 0.. {
        second.tick().await;
        for patient in &patients {
            let name = format!("BED-{patient:03}").parse().unwrap();
            client.send(&oru_r01(&name, &format!("{patient}-{n}"), now(), &vitals(*patient, n))).await.unwrap();
        }
    }
}

async fn admit(api: &ApiClient, patients: std::ops::Range<u32>) -> Vec<SessionId> {
    let mut sessions = Vec::new();
    for patient in patients {
        sessions.push(start_session(api, &format!("BED-{patient:03}")).await.session);
    }
    sessions
}

/// A real electrocardiogram, over and over.
async fn heart(api: ApiClient, session: SessionId) {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/wfdb/source/tmp_dl_dir/0201");
    assert!(record.with_extension("hea").is_file(), "wfdb's records are missing: run `make setup-test`");
    let record = Record::open(&record).unwrap();
    let mut channels = Channel::all_of(&record).unwrap();
    channels[0].code = MdcCode::ECG_II;
    let origin_micros = jiff::Timestamp::now().as_microsecond();
    let recording = Recording { channels, block_ms: 200, speed: 1.0, length: None, origin_micros };
    replay(&api, session, &recording).await.unwrap();
}

fn assert_in_order(totals: &[u64]) {
    assert!(totals.is_sorted_by(|a, b| a >= b), "the highest score comes first: {totals:?}");
    assert!(totals.first() > totals.last(), "patients differ: {totals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_draw_what_the_monitor_sends_a_waveform_moves_and_the_ward_is_sorted() {
    let server = Server::start().await;
    let sessions = admit(&server.api(), 0..10).await;
    let mut sending = JoinSet::new();
    sending.spawn(monitor(server.mllp, (0..10).collect()));
    sending.spawn(heart(server.api(), sessions[7]));
    let (url, session) = (server.http.clone(), sessions[7].to_string());
    let shots = server.folder.path().join("shots");
    let seen = tokio::task::spawn_blocking(move || {
        browse("charts.mjs", &[url.as_ref(), session.as_ref(), shots.as_ref() as &OsStr])
    })
    .await
    .unwrap();
    let number = |pointer: &str| seen.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let text = |name: &str| seen[name].as_str().unwrap_or_default();
    assert!(number("/chart/line") > 10.0, "the trend is drawn in the heart rate's colour: {seen}");
    assert!(seen["heartRates"].as_array().unwrap().len() >= 3, "{seen}");
    assert_eq!(seen["waves"][0], "ECG II");
    // Half a second is 12.5 mm of 25 mm/s: 47 pixels, and as many that were erased.
    let changed = number("/sweep/changed");
    assert!((20.0..250.0).contains(&changed) && changed < number("/sweep/width") / 2.0, "the pen moves: {seen}");
    assert!(number("/frozen/changed") < 1.0, "and stands still when it is told to");
    assert!(text("moment").contains("Heart rate 12"), "{seen}");
    // Patient 7: respiration 23.8 and SpO2 92 give 2 each, pulse 123 2, systolic 94 2, temperature 38.1 1.
    assert!(text("score").contains("NEWS2") && text("score").contains("gives 2"), "{seen}");
    assert!(text("card").contains("Pulse"), "{seen}");
    assert!(number("/table") >= 2.0, "the trend is a table, too: {seen}");
    let totals: Vec<u64> = seen["ward"].as_array().unwrap().iter().map(|row| row["total"].as_u64().unwrap()).collect();
    assert_in_order(&totals);
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "the page logs no errors: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ward_keeps_its_order_and_few_elements_with_two_hundred_patients_measured_every_second() {
    let server = Server::start().await;
    admit(&server.api(), 0..200).await;
    let mut sending = JoinSet::new();
    for connection in 0..10 {
        sending.spawn(monitor(server.mllp, (connection * 20..(connection + 1) * 20).collect()));
    }
    let url = server.http.clone();
    let shot = server.folder.path().join("ward.png");
    let arguments = ["200".to_owned(), "10".to_owned()];
    let seen = tokio::task::spawn_blocking(move || {
        browse("ward.mjs", &[url.as_ref(), arguments[0].as_ref(), arguments[1].as_ref(), shot.as_ref() as &OsStr])
    })
    .await
    .unwrap();
    // How long frames took is told, not held: that is this machine's.
    println!("{seen:#}");
    let totals: Vec<u64> = seen["totals"].as_array().unwrap().iter().map(|t| t.as_u64().unwrap()).collect();
    assert_in_order(&totals);
    assert!(seen["elements"].as_u64().unwrap() < 1_500, "rows out of sight are no elements: {seen}");
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "the page logs no errors: {seen}");
}
