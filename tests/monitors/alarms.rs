//! Alarms through the doors people use: HTTP and the event stream.

use crate::common::{Server, start_session, wait_for};
use healthsync_events::{EventBody, ParticipantId, VitalSigns, alarm::AlarmKind, envelope::StreamCommand};
use healthsync_hl7::client::{MllpClient, oru_r01};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_patients_own_limit_alarms_and_is_answered_by_name() {
    let server = Server::start().await;
    let session = start_session(&server.api(), "ALARM-1").await;
    let url = format!("{}/api/v1/sessions/{}", server.http, session.session);
    let client = reqwest::Client::new();
    let mut stream = server.api().follow(session.session, 1, None).await.unwrap();

    let limit = json!({ "parameter": "spo2", "low": 95.0, "delay_seconds": 0 });
    let change = json!({ "by": "clinician", "limits": [limit] });
    let answer = client.patch(format!("{url}/monitoring")).json(&change).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let shown: Value = client.get(format!("{url}/monitoring")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&shown["changed_by"], &shown["own_limits"]), (&json!("clinician"), &json!(["spo2"])));
    let limits = shown["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 6);
    assert!(limits.contains(&json!({ "parameter": "heart_rate", "low": 40.0, "high": 140.0, "delay_seconds": 15 })));

    let mut monitor = MllpClient::connect(server.mllp).await.unwrap();
    let vitals = VitalSigns { spo2: Some(94.0), ..VitalSigns::default() };
    let at = healthsync_events::Timestamp::from_millis(0);
    let message = oru_r01(&"ALARM-1".parse().unwrap(), "1", at, &vitals);
    assert!(monitor.send(&message).await.unwrap().is_accepted());
    let event = wait_for(&mut stream, |e| matches!(e.body, EventBody::AlarmRaised(_))).await;
    let EventBody::AlarmRaised(raised) = event.body else { unreachable!() };
    assert_eq!(raised.kind, AlarmKind::LimitLow);

    let standing: Value = client.get(format!("{url}/alarms")).send().await.unwrap().json().await.unwrap();
    assert_eq!(standing.as_array().unwrap().len(), 1);
    assert_eq!(standing[0]["alarm"], json!(raised.alarm));
    let silence = json!({ "participant": "clinician", "seconds": 60 });
    let answer = client.post(format!("{url}/alarms/silence")).json(&silence).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let participant: ParticipantId = "nurse".parse().unwrap();
    let command = StreamCommand::AcknowledgeAlarm { id: Some("a".into()), participant, alarm: raised.alarm };
    stream.send(&command).await.unwrap();
    let event = wait_for(&mut stream, |e| matches!(e.body, EventBody::AlarmAcknowledged(_))).await;
    let EventBody::AlarmAcknowledged(acknowledged) = event.body else { unreachable!() };
    assert_eq!((acknowledged.alarm, acknowledged.by.as_str()), (raised.alarm, "nurse"));
    let standing: Value = client.get(format!("{url}/alarms")).send().await.unwrap().json().await.unwrap();
    assert_eq!(standing[0]["status"]["acknowledged"][0], "nurse");
    assert!(standing[0]["status"]["silenced_until"].is_string());

    // What does not stand cannot be answered, and nobody is silenced for long.
    let other = format!("{url}/alarms/{}/acknowledgement", uuid::Uuid::nil());
    let body = json!({ "participant": "nurse" });
    assert_eq!(client.post(other).json(&body).send().await.unwrap().status(), 404);
    let long = json!({ "participant": "clinician", "seconds": 3_600 });
    assert_eq!(client.post(format!("{url}/alarms/silence")).json(&long).send().await.unwrap().status(), 422);
    let misspelt = json!({ "by": "clinician", "limit": [] });
    assert_eq!(client.patch(format!("{url}/monitoring")).json(&misspelt).send().await.unwrap().status(), 422);
}
