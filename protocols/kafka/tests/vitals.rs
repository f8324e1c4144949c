//! Vital signs from a topic, against librdkafka's mock cluster. That holds assignments back for a while, and each test has
//! one of its own: they wait for timers, not for cores, and so all of them at the same time.

mod common;

use common::{cluster, committed, in_time, sum, ward::Ward};
use healthsync_events::{PatientId, Refusal};
use healthsync_kafka::{
    Connection, Decoder, Door, Link, Reading, VitalsSettings, client::Writer, reading::HL7_V2, vitals,
};
use libtest_mimic::{Arguments, Trial};
use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

macro_rules! trials {
    ($($test:ident),+ $(,)?) => { vec![$(Trial::test(stringify!($test), || run($test()))),+] };
}

fn main() -> ExitCode {
    let trials = trials![
        messages_are_recorded_in_order_per_patient_and_then_committed,
        an_offset_waits_for_the_message_that_is_not_durable,
        a_message_that_cannot_be_mapped_is_kept_and_blocks_nothing,
        a_patient_without_a_session_is_kept_under_the_messages_own_id,
        a_session_that_refuses_for_good_does_not_stop_its_partition,
        no_more_is_in_work_than_allowed_however_much_there_is,
        stopping_commits_what_is_durable,
        partitions_change_hands_without_loss_and_without_repeats_in_the_log,
        a_broker_that_is_away_at_the_start_is_waited_for,
    ];
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(trials.len());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What is not as it should be panics.
fn run(test: impl Future<Output = ()>) -> Result<(), libtest_mimic::Failed> {
    tokio::runtime::Runtime::new()?.block_on(test);
    Ok(())
}

const TOPIC: &str = "vitals";
const GROUP: &str = "ward";

fn settings() -> VitalsSettings {
    VitalsSettings {
        topic: TOPIC.into(),
        group: GROUP.into(),
        commit_interval: Duration::from_millis(50),
        ..VitalsSettings::default()
    }
}

/// Stands in for another package's: `boom` panics, everything else is refused.
fn hl7() -> Decoder {
    Arc::new(|bytes, _| -> Result<Reading, String> {
        assert!(bytes != b"boom", "a decoder that panics");
        Err("no HL7".into())
    })
}

fn start(connection: &Connection, settings: VitalsSettings, ward: &Arc<Ward>) -> (Door, CancellationToken) {
    let stop = CancellationToken::new();
    (vitals::start(connection, settings, ward.clone(), hl7(), stop.clone()).unwrap(), stop)
}

async fn close((door, stop): (Door, CancellationToken)) {
    stop.cancel();
    in_time("the reader ended", door.task).await.unwrap();
}

fn message(id: &str) -> Vec<u8> {
    format!(r#"{{"version":1,"message_id":"{id}","taken_at":"2026-01-02T03:04:05Z","vitals":{{"heart_rate":80}}}}"#)
        .into_bytes()
}

async fn send(writer: &Writer, patient: &str, id: &str) {
    writer.send(TOPIC, Some(patient), None, &message(id)).await.unwrap();
}

async fn messages_are_recorded_in_order_per_patient_and_then_committed() {
    let (_cluster, connection) = cluster(TOPIC, 3);
    let ward = Ward::new(&["P1", "P2", "P3", "P4"]);
    let door = start(&connection, settings(), &ward);
    let writer = Writer::new(&connection).unwrap();
    for n in 0..50 {
        for patient in ["P1", "P2", "P3", "P4"] {
            send(&writer, patient, &format!("{n:02}")).await;
        }
    }
    ward.until("everything was recorded", |told| told.recorded() == 200).await;
    committed(&connection, GROUP, TOPIC, 3, |offsets| sum(offsets) == 200).await;
    for ids in ward.told().recorded.values() {
        assert!(ids.len() == 50 && ids.is_sorted(), "{ids:?}");
    }
    close(door).await;
}

async fn an_offset_waits_for_the_message_that_is_not_durable() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let ward = Ward::new(&["P1", "P2"]);
    let overloaded = Refusal::Overloaded { queue: "session".into(), retry_after_ms: 1 };
    ward.told().refusing.insert("P1".into(), overloaded);
    let writer = Writer::new(&connection).unwrap();
    send(&writer, "P2", "a").await;
    send(&writer, "P1", "b").await;
    send(&writer, "P2", "c").await;
    let door = start(&connection, settings(), &ward);
    ward.until("it was tried more than once", |told| told.recorded() >= 1 && told.refused >= 2).await;
    let offsets = committed(&connection, GROUP, TOPIC, 1, |offsets| !offsets.is_empty()).await;
    assert_eq!(sum(&offsets), 1, "up to the one that is refused");
    // Until the session takes it, the partition is paused; then it goes on.
    send(&writer, "P2", "d").await;
    ward.told().refusing.clear();
    ward.until("it was tried again", |told| told.recorded() == 4).await;
    committed(&connection, GROUP, TOPIC, 1, |offsets| sum(offsets) == 4).await;
    assert!(ward.told().kept.is_empty());
    close(door).await;
}

async fn a_message_that_cannot_be_mapped_is_kept_and_blocks_nothing() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let ward = Ward::new(&["P1", "P9"]);
    ward.told().panicking.insert("P9".into());
    let writer = Writer::new(&connection).unwrap();
    let large = vec![b' '; healthsync_kafka::reading::MAX_BYTES + 1];
    let poison: [(Option<&str>, Option<&str>, &[u8]); 7] = [
        (Some("P1"), None, b"certainly not JSON"),
        (Some("P1"), Some("application/avro"), b"\x00\xff"),
        (Some("P1"), Some(HL7_V2), b"MSH|"),
        (Some("P1"), Some(HL7_V2), b"boom"),
        (Some("a b"), None, b"{}"),
        (Some("P1"), None, b""),
        (Some("P1"), None, &large),
    ];
    for (key, content_type, payload) in poison {
        writer.send(TOPIC, key, content_type, payload).await.unwrap();
    }
    send(&writer, "P9", "a session that panics").await;
    send(&writer, "P1", "good").await;
    let door = start(&connection, settings(), &ward);
    ward.until("the good one was recorded", |told| told.recorded() == 1 && told.kept.len() == 8).await;
    committed(&connection, GROUP, TOPIC, 1, |offsets| sum(offsets) == 9).await;
    let all = ward.told().kept.clone();
    let kept = |id: &str| all.iter().find(|message| message.message_id == id).unwrap();
    assert_eq!(kept("vitals/0@0").raw, "certainly not JSON");
    assert_eq!(kept("vitals/0@0").patient, Some("P1".parse::<PatientId>().unwrap()));
    assert!(kept("vitals/0@2").problem.as_deref().unwrap().contains("no HL7"));
    assert_eq!(kept("vitals/0@1").raw, "\u{0}\u{ff}", "bytes survive");
    assert_eq!((kept("vitals/0@4").patient.as_ref(), kept("vitals/0@5").raw.as_str()), (None, ""));
    assert!(kept("vitals/0@6").raw.len() < large.len(), "what is too large is kept in part");
    close(door).await;
}

async fn a_patient_without_a_session_is_kept_under_the_messages_own_id() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let ward = Ward::new(&[]);
    send(&Writer::new(&connection).unwrap(), "NOBODY", "m-1").await;
    let door = start(&connection, settings(), &ward);
    ward.until("it was kept", |told| told.kept.len() == 1).await;
    committed(&connection, GROUP, TOPIC, 1, |offsets| sum(offsets) == 1).await;
    let kept = ward.told().kept[0].clone();
    assert_eq!((kept.message_id.as_str(), kept.patient.unwrap().as_str()), ("m-1", "NOBODY"));
    assert_eq!(kept.raw.as_bytes(), message("m-1"));
    close(door).await;
}

async fn a_session_that_refuses_for_good_does_not_stop_its_partition() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let ward = Ward::new(&["P1", "P2"]);
    ward.told().refusing.insert("P1".into(), Refusal::unavailable("session"));
    let writer = Writer::new(&connection).unwrap();
    for n in 0..20 {
        send(&writer, "P1", &format!("lost cause {n}")).await;
    }
    send(&writer, "P2", "fine").await;
    // Not so long for each of them.
    let door = start(&connection, VitalsSettings { give_up: Duration::from_secs(4), ..settings() }, &ward);
    ward.until("they were kept", |told| told.kept.len() == 20 && told.recorded() == 1).await;
    assert_eq!(ward.told().kept[19].message_id, "lost cause 19");
    committed(&connection, GROUP, TOPIC, 1, |offsets| sum(offsets) == 21).await;
    close(door).await;
}

async fn no_more_is_in_work_than_allowed_however_much_there_is() {
    let (_cluster, connection) = cluster(TOPIC, 2);
    let patients: Vec<String> = (0..40).map(|n| format!("P{n}")).collect();
    let ward = Ward::new(&patients.iter().map(String::as_str).collect::<Vec<_>>());
    let taken = ward.places.acquire_many(1_000_000).await.unwrap();
    let writer = Writer::new(&connection).unwrap();
    for n in 0..200 {
        send(&writer, &patients[n % 40], &format!("{n:03}")).await;
    }
    let door = start(&connection, VitalsSettings { max_in_flight: 8, ..settings() }, &ward);
    ward.until("as many as allowed are in work", |told| told.working >= 8).await;
    drop(taken);
    ward.until("everything was recorded", |told| told.recorded() == 200).await;
    let most = ward.told().most_working;
    assert!((8..=16).contains(&most), "{most}");
    close(door).await;
}

async fn stopping_commits_what_is_durable() {
    let (_cluster, connection) = cluster(TOPIC, 1);
    let ward = Ward::new(&["P1"]);
    let rarely = VitalsSettings { commit_interval: Duration::from_hours(1), ..settings() };
    let door = start(&connection, rarely, &ward);
    let writer = Writer::new(&connection).unwrap();
    for id in ["1", "2", "3"] {
        send(&writer, "P1", id).await;
    }
    ward.until("everything was recorded", |told| told.recorded() == 3).await;
    close(door).await;
    committed(&connection, GROUP, TOPIC, 1, |offsets| sum(offsets) == 3).await;
}

async fn partitions_change_hands_without_loss_and_without_repeats_in_the_log() {
    let (_cluster, connection) = cluster(TOPIC, 4);
    let patients = ["P1", "P2", "P3", "P4", "P5", "P6"];
    let ward = Ward::new(&patients);
    let first = start(&connection, settings(), &ward);
    let writer = Writer::new(&connection).unwrap();
    let mut second = None;
    for n in 0..60 {
        for patient in patients {
            send(&writer, patient, &format!("{n:02}")).await;
        }
        if n == 20 {
            ward.until("the first reads", |told| told.recorded() > 0).await;
            second = Some(start(&connection, settings(), &ward));
        }
    }
    ward.until("everything was recorded", |told| told.recorded() == 360).await;
    close(first).await;
    for patient in patients {
        send(&writer, patient, "60").await;
    }
    ward.until("the second has all partitions", |told| told.recorded() == 366).await;
    for ids in ward.told().recorded.values() {
        assert!(ids.is_sorted(), "{ids:?}");
    }
    close(second.unwrap()).await;
}

async fn a_broker_that_is_away_at_the_start_is_waited_for() {
    let (cluster, connection) = cluster(TOPIC, 1);
    let ward = Ward::new(&["P1"]);
    send(&Writer::new(&connection).unwrap(), "P1", "early").await;
    cluster.broker_down(-1).unwrap();
    let (mut door, stop) = start(&connection, settings(), &ward);
    in_time("the link is down", door.link.wait_for(|link| *link == Link::Down)).await.unwrap();
    cluster.broker_up(-1).unwrap();
    ward.until("it was read", |told| told.recorded() == 1).await;
    assert_eq!(*door.link.borrow(), Link::Up);
    cluster.broker_down(-1).unwrap();
    in_time("the link is down", door.link.wait_for(|link| *link == Link::Down)).await.unwrap();
    close((door, stop)).await;
}
