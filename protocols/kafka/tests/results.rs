//! Results to a topic, against librdkafka's mock cluster.

mod common;

use common::{
    cluster,
    feed::{Log, other, selected},
    in_time,
};
use healthsync_events::{Event, Seq, SessionId};
use healthsync_kafka::{
    Connection, Door, Key, Link, ResultsSettings,
    client::{Reader, Record},
    results,
};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::{collections::BTreeMap, sync::Arc};
use tokio_util::sync::CancellationToken;

const TOPIC: &str = "results";

fn start(connection: &Connection, key: Key, log: &Arc<Log>) -> (Door, CancellationToken) {
    let stop = CancellationToken::new();
    let settings = ResultsSettings { topic: TOPIC.into(), kinds: ["report.requested".to_owned()].into(), key };
    (results::start(connection, settings, log.clone(), stop.clone()).unwrap(), stop)
}

async fn close((door, stop): (Door, CancellationToken)) {
    stop.cancel();
    in_time("the publisher ended", door.task).await.unwrap();
}

/// So many records of the topic.
async fn read(reader: &Reader, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    in_time("the records came", async {
        while records.len() < count {
            // What a client says of a broker that is away is no record.
            if let Ok(record) = reader.next().await {
                records.push(record);
            }
        }
    })
    .await;
    records
}

/// The sequence numbers of each session, in the order their records came.
fn sequences(records: &[Record]) -> BTreeMap<SessionId, Vec<u64>> {
    let mut sequences = BTreeMap::<_, Vec<u64>>::new();
    for record in records {
        let event: Event = serde_json::from_slice(&record.payload).unwrap();
        assert_eq!(record.headers["ce_id"], format!("{}/{}", event.session, event.seq));
        assert_eq!(record.headers["ce_type"], "report.requested");
        sequences.entry(event.session).or_default().push(event.seq.0);
    }
    sequences
}

#[tokio::test(flavor = "multi_thread")]
async fn selected_events_come_in_order_per_session_under_their_ids() {
    let (_cluster, connection) = cluster(TOPIC, 3);
    let log = Log::new();
    // Before the start, with a backlog longer than a turn, and after it.
    for n in 1..=5 {
        for _ in 0..100 {
            log.append(Log::session(n), selected());
        }
    }
    let door = start(&connection, Key::Session, &log);
    for n in 4..=6 {
        log.append(Log::session(n), other("not sent"));
        for _ in 0..10 {
            log.append(Log::session(n), selected());
        }
    }
    let reader = Reader::new(&connection, TOPIC, "hospital").unwrap();
    let records = read(&reader, 530).await;
    let sequences = sequences(&records);
    assert_eq!(sequences[&Log::session(1)], (1..=100).collect::<Vec<_>>());
    assert_eq!(sequences[&Log::session(5)], (1..=100).chain(102..=111).collect::<Vec<_>>());
    assert_eq!(sequences[&Log::session(6)], (2..=11).collect::<Vec<_>>());
    assert!(records.iter().all(|record| record.headers["ce_session"] == record.key));
    log.until_durable(Log::session(6), Seq(11)).await;
    close(door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_it_goes_on_where_it_was() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let log = Log::new();
    let door = start(&connection, Key::Patient, &log);
    let reader = Reader::new(&connection, TOPIC, "hospital").unwrap();
    log.append(Log::session(1), selected());
    let first = read(&reader, 1).await;
    assert_eq!(first[0].key, "P1");
    close(door).await;
    log.append(Log::session(1), selected());
    log.append(Log::session(2), selected());
    let door = start(&connection, Key::Patient, &log);
    let records = read(&reader, 2).await;
    assert_eq!(sequences(&records), [(Log::session(1), vec![2]), (Log::session(2), vec![1])].into());
    close(door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_the_broker_is_away_is_sent_when_it_is_back() {
    let (cluster, connection) = cluster(TOPIC, 2);
    let log = Log::new();
    let (mut door, stop) = start(&connection, Key::Session, &log);
    let reader = Reader::new(&connection, TOPIC, "hospital").unwrap();
    log.append(Log::session(1), selected());
    read(&reader, 1).await;
    cluster.broker_down(-1).unwrap();
    for n in 1..=50 {
        for _ in 0..20 {
            log.append(Log::session(n), selected());
        }
    }
    in_time("the link is down", door.link.wait_for(|link| *link == Link::Down)).await.unwrap();
    cluster.broker_up(-1).unwrap();
    let sequences = sequences(&read(&reader, 1_000).await);
    assert_eq!(sequences[&Log::session(1)], (2..=21).collect::<Vec<_>>());
    assert!((2..=50).all(|n| sequences[&Log::session(n)] == (1..=20).collect::<Vec<_>>()));
    assert_eq!(*door.link.borrow_and_update(), Link::Up);
    close((door, stop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_is_found_in_the_log() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let log = Log::new();
    let door = start(&connection, Key::Session, &log);
    let reader = Reader::new(&connection, TOPIC, "hospital").unwrap();
    log.append(Log::session(1), selected());
    read(&reader, 1).await;
    log.append_untold(Log::session(1), selected());
    log.append_untold(Log::session(2), selected());
    log.tell_missed();
    let records = read(&reader, 2).await;
    assert_eq!(sequences(&records), [(Log::session(1), vec![2]), (Log::session(2), vec![1])].into());
    close(door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_broker_refuses_does_not_stop_those_after_it() {
    let (cluster, connection) = cluster(TOPIC, 1);
    let log = Log::new();
    // The batch is refused, then the first event alone.
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; 2];
    cluster.request_errors(RDKafkaApiKey::Produce, &refused);
    for _ in 0..5 {
        log.append(Log::session(1), selected());
    }
    let door = start(&connection, Key::Session, &log);
    log.until_durable(Log::session(1), Seq(5)).await;
    let reader = Reader::new(&connection, TOPIC, "hospital").unwrap();
    let records = read(&reader, 4).await;
    assert_eq!(sequences(&records)[&Log::session(1)], [2, 3, 4, 5], "in order, and the first is passed over");
    close(door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_fails_for_a_while_costs_nothing_but_time() {
    let (cluster, connection) = cluster(TOPIC, 1);
    let log = Log::new();
    let failing = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 3];
    cluster.request_errors(RDKafkaApiKey::Produce, &failing);
    for _ in 0..5 {
        log.append(Log::session(1), selected());
    }
    let door = start(&connection, Key::Session, &log);
    let reader = Reader::new(&connection, TOPIC, "hospital").unwrap();
    let records = read(&reader, 5).await;
    assert_eq!(sequences(&records)[&Log::session(1)], [1, 2, 3, 4, 5]);
    close(door).await;
}
