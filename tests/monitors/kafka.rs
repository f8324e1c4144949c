//! Kafka in and out, with a real broker: `tansu`.
#![cfg(feature = "kafka")]

#[path = "../common/broker.rs"]
mod broker;
use crate::common::{PATIENCE, Server, all_events, assert_numbered_without_gaps, start_session};
use broker::{Broker, RESULTS, VITALS, free_port, settings};
use healthsync_events::{Event, EventBody, Timestamp, UnmatchedMessage, VitalSigns};
use healthsync_hl7::client::{MllpClient, oru_r01};
use healthsync_kafka::{
    client::{Reader, Record, Writer},
    reading::HL7_V2,
};
use std::{collections::BTreeMap, future::Future};

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} in time"))
}

fn vitals(id: &str, heart_rate: u32) -> Vec<u8> {
    format!(
        r#"{{"version":1,"message_id":"{id}","taken_at":"2026-11-23T12:00:00Z",
            "source":{{"application":"GATEWAY","facility":"ICU"}},
            "vitals":{{"heart_rate":{heart_rate},"respiratory_rate":25,"spo2":90}}}}"#
    )
    .into_bytes()
}

async fn send(writer: &Writer, patient: &str, id: &str, heart_rate: u32) {
    writer.send(VITALS, Some(patient), None, &vitals(id, heart_rate)).await.unwrap();
}

/// The next result of this type.
async fn result(reader: &Reader, kind: &str) -> (Record, Event) {
    in_time("a result", result_of(reader, kind)).await
}

async fn result_of(reader: &Reader, kind: &str) -> (Record, Event) {
    loop {
        // What a client says of a broker that is away is no record.
        let Ok(record) = reader.next().await else { continue };
        if record.headers["ce_type"] == kind {
            let event = serde_json::from_slice(&record.payload).unwrap();
            return (record, event);
        }
    }
}

async fn until_ready_says(server: &Server, wanted: &str) {
    in_time("the server said how it is", async {
        loop {
            let answer = reqwest::get(format!("{}/readyz", server.http)).await.unwrap();
            assert!(answer.status().is_success(), "degraded is ready");
            if answer.text().await.unwrap().contains(wanted) {
                return;
            }
        }
    })
    .await;
}

async fn unmatched(server: &Server) -> Vec<UnmatchedMessage> {
    reqwest::get(format!("{}/api/v1/unmatched", server.http)).await.unwrap().json().await.unwrap()
}

/// Message ids in the order they were recorded.
fn recorded(events: &[Event]) -> Vec<String> {
    let id = |event: &Event| match &event.body {
        EventBody::VitalsObserved(observed) => Some(observed.source.message_id.clone()),
        _ => None,
    };
    events.iter().filter_map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn vital_signs_come_in_scores_and_alarms_go_out_and_stopping_commits() {
    let broker = Broker::start(free_port()).await;
    let mut server = Server::start_with(tempfile::tempdir().unwrap(), &settings(broker.port)).await;
    let session = start_session(&server.api(), "KAFKA-1").await.session;
    let writer = Writer::new(&broker.connection()).unwrap();
    let reader = Reader::new(&broker.connection(), RESULTS, "hospital").unwrap();

    send(&writer, "KAFKA-1", "m1", 134).await;
    let (record, event) = result(&reader, "risk.scored").await;
    let EventBody::RiskScored(score) = &event.body else { unreachable!() };
    // Respiration 25 is 3, SpO2 90 is 3, pulse 134 is 3.
    assert_eq!((event.session, score.total), (session, 9));
    assert_eq!(
        (record.key.as_str(), record.headers["ce_id"].as_str()),
        (&*session.to_string(), &*format!("{session}/{}", event.seq))
    );
    result(&reader, "alarm.raised").await;

    // HL7 v2 as it would come over MLLP, and once more as a sender repeats it.
    let patient = "KAFKA-1".parse().unwrap();
    let signs = VitalSigns { temperature: Some(39.5), ..VitalSigns::default() };
    let oru = oru_r01(&patient, "m2", Timestamp::from_millis(1_795_000_000_000), &signs);
    for _ in 0..2 {
        writer.send(VITALS, Some("KAFKA-1"), Some(HL7_V2), &oru).await.unwrap();
    }
    let (_, event) = result(&reader, "risk.scored").await;
    let EventBody::RiskScored(score) = &event.body else { unreachable!() };
    assert_eq!(score.total, 11);

    // What nothing can be made of, and whose patient is not here, is kept, and what comes after it is taken.
    writer.send(VITALS, Some("KAFKA-1"), None, b"\xff is not JSON").await.unwrap();
    send(&writer, "KAFKA-NOBODY", "m3", 80).await;
    send(&writer, "KAFKA-1", "m4", 80).await;
    result(&reader, "risk.scored").await;
    in_time("both were kept", async { while unmatched(&server).await.len() < 2 {} }).await;
    let kept: BTreeMap<_, _> = unmatched(&server).await.into_iter().map(|kept| (kept.message_id, kept.raw)).collect();
    assert_eq!(kept["m3"].as_bytes(), vitals("m3", 80));
    assert!(
        kept.iter().any(|(id, raw)| id.starts_with("healthsync.vitals/") && raw == "\u{ff} is not JSON"),
        "{kept:?}"
    );

    until_ready_says(&server, "\"degraded\":false").await;
    let metrics = server.api().metrics().await.unwrap();
    for name in ["healthsync_kafka_vitals_messages_total", "healthsync_kafka_results_lag", "healthsync_kafka_link_up"] {
        assert!(metrics.contains(name), "{name}");
    }
    assert!(!metrics.contains("KAFKA-1"));
    let events = all_events(&server.http, session).await;
    assert_eq!(recorded(&events), ["m1", "m2", "m4"], "the repeat is recorded once");
    assert!(server.terminate().success());
    assert_eq!(broker.committed().await.values().sum::<i64>(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_between_delivery_and_commit_loses_nothing_and_records_nothing_twice() {
    const MESSAGES: usize = 300;
    let broker = Broker::start(free_port()).await;
    let mut settings = settings(broker.port);
    settings.push(("HEALTHSYNC__KAFKA__VITALS__COMMIT_INTERVAL_MS", "3600000".into()));
    let server = Server::start_with(tempfile::tempdir().unwrap(), &settings).await;
    let session = start_session(&server.api(), "KAFKA-2").await.session;
    let mut stream = server.api().follow(session, 1, None).await.unwrap();
    let writer = Writer::new(&broker.connection()).unwrap();
    for n in 0..MESSAGES {
        send(&writer, "KAFKA-2", &format!("{n:03}"), 60 + n as u32 % 60).await;
    }
    send(&writer, "KAFKA-NOBODY", "unmatched", 80).await;
    crate::common::wait_for(&mut stream, |event| event.seq.0 >= 100).await;
    in_time("it was kept", async { while unmatched(&server).await.is_empty() {} }).await;
    let folder = server.kill();
    assert_eq!(broker.committed().await.values().sum::<i64>(), 0, "nothing had been committed");

    let server = Server::start_with(folder, &settings).await;
    send(&writer, "KAFKA-2", "last", 80).await;
    let mut stream = server.api().follow(session, 1, None).await.unwrap();
    let last = |event: &Event| recorded(std::slice::from_ref(event)) == ["last"];
    let last = crate::common::wait_for(&mut stream, last).await.seq;
    let scored = |event: &Event| matches!(&event.body, EventBody::RiskScored(s) if s.provenance.inputs.contains(&last));
    let scored = crate::common::wait_for(&mut stream, scored).await.seq;
    let events = all_events(&server.http, session).await;
    assert_numbered_without_gaps(&events);
    let expected: Vec<String> = (0..MESSAGES).map(|n| format!("{n:03}")).chain(["last".into()]).collect();
    assert_eq!(recorded(&events), expected, "all, once, in order");
    assert_eq!(unmatched(&server).await.len(), 1, "what is kept is kept once");

    // The topic has every score at least once, each under its id, in order.
    let reader = Reader::new(&broker.connection(), RESULTS, "hospital").unwrap();
    let mut sent = vec![];
    while !sent.contains(&scored) {
        sent.push(result(&reader, "risk.scored").await.1.seq);
    }
    let mut firsts = vec![];
    for seq in sent {
        if !firsts.contains(&seq) {
            firsts.push(seq);
        }
    }
    let scored = events.iter().filter(|event| matches!(event.body, EventBody::RiskScored(_))).map(|event| event.seq);
    assert_eq!(firsts, scored.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_hurts_nothing_else_and_is_used_when_it_comes() {
    let port = free_port();
    let server = Server::start_with(tempfile::tempdir().unwrap(), &settings(port)).await;
    until_ready_says(&server, "\"degraded\":true").await;
    let session = start_session(&server.api(), "KAFKA-3").await.session;
    let mut monitor = MllpClient::connect(server.mllp).await.unwrap();
    let patient = "KAFKA-3".parse().unwrap();
    let signs = VitalSigns { respiratory_rate: Some(30.0), ..VitalSigns::default() };
    let oru = oru_r01(&patient, "by MLLP", Timestamp::from_millis(1_795_000_000_000), &signs);
    assert!(monitor.send(&oru).await.unwrap().is_accepted());

    let broker = Broker::start(port).await;
    let reader = Reader::new(&broker.connection(), RESULTS, "hospital").unwrap();
    let (_, event) = result(&reader, "risk.scored").await;
    assert_eq!(event.session, session, "from before the broker came");
    let writer = Writer::new(&broker.connection()).unwrap();
    send(&writer, "KAFKA-3", "by Kafka", 134).await;
    let (_, event) = result(&reader, "risk.scored").await;
    let EventBody::RiskScored(score) = event.body else { unreachable!() };
    assert!(score.items.iter().any(|item| item.parameter == "heart_rate"));
    until_ready_says(&server, "\"degraded\":false").await;

    drop((broker, reader, writer));
    until_ready_says(&server, "\"degraded\":true").await;
}
