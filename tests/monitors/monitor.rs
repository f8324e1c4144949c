//! The MLLP door, with a sender that is not ours: python's `hl7` and its `mllp_send`.

use crate::common::{Server, all_events, start_session, wait_for};
use healthsync_events::{EventBody, risk::RiskBand};
use std::{path::PathBuf, process::Command};

fn oru(patient: &str, id: &str, heart_rate: &str, spo2: &str) -> String {
    [
        format!("MSH|^~\\&|MONITOR|WARD1|HEALTHSYNC|HOSPITAL|20261123120000+0000||ORU^R01^ORU_R01|{id}|P|2.6"),
        format!("PID|||{patient}^^^HOSPITAL^MR"),
        "OBR|1|||VITALS^Vital signs^L|||20261123120000+0000".into(),
        format!("OBX|1|NM|8867-4^Heart rate^LN||{heart_rate}|/min^/min^UCUM|||||F"),
        "OBX|2|NM|9279-1^Respiratory rate^LN||25|/min^/min^UCUM|||||F".into(),
        format!("OBX|3|NM|59408-5^SpO2^LN||{spo2}|%^%^UCUM|||||F"),
        "OBX|4|NM|8480-6^Systolic BP^LN||88|mm[Hg]^mmHg^UCUM|||||F".into(),
        "OBX|5|NM|8310-5^Temperature^LN||38.2|Cel^C^UCUM|||||F".into(),
    ]
    .join("\r")
}

/// Sends with `mllp_send` from `PyPI` `hl7`; returns what it printed: the answers.
fn mllp_send(server: &Server, messages: &str) -> String {
    let tool = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin/mllp_send");
    assert!(tool.is_file(), "mllp_send is missing: run `make setup-test`");
    let file = server.folder.path().join("messages.hl7");
    std::fs::write(&file, messages).unwrap();
    let port = server.mllp.port().to_string();
    let output =
        Command::new(tool).args(["--loose", "--port", &port, "--file"]).arg(file).arg("127.0.0.1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitors_message_is_acknowledged_scored_and_raises_the_alarm() {
    let server = Server::start().await;
    let session = start_session(&server.api(), "MLLP-1").await;
    let mut stream = server.api().follow(session.session, 1, None).await.unwrap();

    let answer = mllp_send(&server, &oru("MLLP-1", "A1", "134", "90"));
    assert!(answer.contains("MSA|AA|A1"), "{answer}");

    let scored = wait_for(&mut stream, |e| matches!(e.body, EventBody::RiskScored(_))).await;
    let EventBody::RiskScored(score) = scored.body else { unreachable!() };
    // Respiration 25 is 3, SpO2 90 is 3, systolic 88 is 3, pulse 134 is 3, temperature 38.2 is 1.
    assert_eq!(score.total, 13);
    assert_eq!(score.band, RiskBand::High);
    assert_eq!(score.items.iter().map(|item| item.points).sum::<u8>(), 13);
    wait_for(&mut stream, |e| matches!(e.body, EventBody::AlarmRaised(_))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_again_is_acknowledged_again_and_recorded_once() {
    let server = Server::start().await;
    let session = start_session(&server.api(), "MLLP-2").await;
    for _ in 0..2 {
        assert!(mllp_send(&server, &oru("MLLP-2", "B1", "80", "97")).contains("MSA|AA|B1"));
    }
    let events = all_events(&server.http, session.session).await;
    assert_eq!(events.iter().filter(|e| matches!(e.body, EventBody::VitalsObserved(_))).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_a_patient_without_a_session_is_kept_and_listed() {
    let server = Server::start().await;
    assert!(mllp_send(&server, &oru("NOBODY-7", "C1", "80", "97")).contains("MSA|AA|C1"));
    let kept = reqwest::get(format!("{}/api/v1/unmatched", server.http)).await.unwrap().text().await.unwrap();
    let kept: Vec<healthsync_events::UnmatchedMessage> = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].message_id.as_str(), kept[0].patient.as_ref().unwrap().as_str()), ("C1", "NOBODY-7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_hl7_is_refused_and_the_door_stays_open() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::start().await;
    let mut socket = tokio::net::TcpStream::connect(server.mllp).await.unwrap();
    socket.write_all(b"\x0bthis is not HL7\x1c\r").await.unwrap();
    let mut answer = vec![0; 1024];
    let read = tokio::time::timeout(crate::common::PATIENCE, socket.read(&mut answer)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).contains("MSA|A"), "an acknowledgement that refuses");
    start_session(&server.api(), "MLLP-3").await;
    assert!(mllp_send(&server, &oru("MLLP-3", "D1", "80", "97")).contains("MSA|AA|D1"));
}
