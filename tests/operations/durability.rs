//! Durable, then acknowledged: what was acknowledged survives `kill -9`.

use crate::common::{Server, all_events, assert_numbered_without_gaps, start_session};
use healthsync_events::{EventBody, VitalSigns};
use healthsync_hl7::client::{MllpClient, oru_r01};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed_and_the_client_resumes() {
    let server = Server::start().await;
    let session = start_session(&server.api(), "KILL-1").await;
    let patient = "KILL-1".parse().unwrap();

    // A monitor sends as fast as it is acknowledged until the server is killed under it.
    let addr = server.mllp;
    let sender = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        let mut monitor = MllpClient::connect(addr).await.unwrap();
        for n in 0u32.. {
            let vitals = VitalSigns { heart_rate: Some(f64::from(60 + n % 60)), ..VitalSigns::default() };
            let at = healthsync_events::Timestamp::from_millis(i64::from(n));
            let id = format!("K{n}");
            match monitor.send(&oru_r01(&patient, &id, at, &vitals)).await {
                Ok(ack) if ack.is_accepted() => acknowledged.push(id),
                _ => break,
            }
        }
        acknowledged
    });
    let mut stream = server.api().follow(session.session, 1, None).await.unwrap();
    let last_seen = crate::common::wait_for(&mut stream, |e| e.seq.0 >= 60).await.seq;
    let folder = server.kill();
    let acknowledged = sender.await.unwrap();
    assert!(acknowledged.len() >= 20, "the monitor had been acknowledged: {}", acknowledged.len());

    let server = Server::start_in(folder).await;
    let events = all_events(&server.http, session.session).await;
    assert_numbered_without_gaps(&events);
    let recorded: Vec<&str> = events
        .iter()
        .filter_map(|e| match &e.body {
            EventBody::VitalsObserved(observed) => Some(observed.source.message_id.as_str()),
            _ => None,
        })
        .collect();
    for id in &acknowledged {
        assert_eq!(recorded.iter().filter(|r| *r == id).count(), 1, "{id} was acknowledged");
    }

    // The client resumes after the last event it saw, and the session goes on.
    let mut resumed = server.api().follow(session.session, last_seen.0 + 1, None).await.unwrap();
    let first = crate::common::wait_for(&mut resumed, |_| true).await;
    assert_eq!(first.seq, last_seen.next());
    let mut monitor = MllpClient::connect(server.mllp).await.unwrap();
    let vitals = VitalSigns { respiratory_rate: Some(30.0), ..VitalSigns::default() };
    let at = healthsync_events::Timestamp::from_millis(0);
    let message = oru_r01(&"KILL-1".parse().unwrap(), "after", at, &vitals);
    assert!(monitor.send(&message).await.unwrap().is_accepted());
    let scored = crate::common::wait_for(&mut resumed, |e| match &e.body {
        EventBody::RiskScored(score) => score.items.iter().any(|item| item.parameter == "respiratory_rate"),
        _ => false,
    })
    .await;
    let EventBody::RiskScored(score) = scored.body else { unreachable!() };
    assert!(score.items.iter().any(|item| item.parameter == "heart_rate"), "the state from before came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_stops_by_itself() {
    let mut server = Server::start().await;
    start_session(&server.api(), "TERM-1").await;
    assert!(server.terminate().success());
}
