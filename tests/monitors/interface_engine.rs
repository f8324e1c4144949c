//! The MLLP door as an interface engine uses it: acknowledgement modes, repeats, corrections, patients that move and
//! merge, what cannot be used, TLS, many connections, and everything that can be wrong with a stream.

use crate::common::{PATIENCE, Server, all_events, shared_server, start_session, wait_for};
use healthsync_events::{
    Event, EventBody, KeptBecause, PatientChange, SessionId, Timestamp, UnmappedCode, UnmatchedMessage,
    clinical::{ClockJump, RejectionReason, VitalsObserved},
};
use healthsync_hl7::{ack::Ack, client::MllpClient, time};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
fn now() -> String {
    time::write(Timestamp::from(jiff::Timestamp::now()))
}

/// A message with this sender, MSH-10 and MSH-9, and what follows MSH-12.
fn message(sender: &str, id: &str, kind: &str, rest: &str, segments: &[&str]) -> String {
    let header = format!("MSH|^~\\&|{sender}|WARD|HEALTHSYNC|H|{}||{kind}|{id}|P|2.6{rest}\r", now());
    let mut text = header;
    for segment in segments {
        text.push_str(segment);
        text.push('\r');
    }
    text
}

/// An ORU^R01 with these OBX segments, measured at `at`.
fn oru(sender: &str, id: &str, patient: &str, at: &str, observations: &[&str]) -> String {
    let (pid, obr) = (format!("PID|||{patient}^^^H^MR"), format!("OBR|1|||V|||{at}"));
    let mut segments = vec![pid.as_str(), obr.as_str()];
    segments.extend(observations);
    message(sender, id, "ORU^R01^ORU_R01", "", &segments)
}

async fn send(server: &Server, text: &str) -> Ack {
    MllpClient::connect(server.mllp).await.unwrap().send(text.as_bytes()).await.unwrap()
}

async fn observed(server: &Server, session: SessionId) -> Vec<VitalsObserved> {
    let events = all_events(&server.http, session).await;
    let observed = events.into_iter().filter_map(|event| match event.body {
        EventBody::VitalsObserved(observed) => Some(observed),
        _ => None,
    });
    observed.collect()
}

async fn get<T: serde::de::DeserializeOwned>(server: &Server, path: &str) -> T {
    let text = reqwest::get(format!("{}{path}", server.http)).await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

fn changes(events: &[Event]) -> Vec<(PatientChange, Option<String>)> {
    let changed = events.iter().filter_map(|event| match &event.body {
        EventBody::PatientChanged(changed) => {
            Some((changed.change, changed.location.as_ref().map(|location| location.unit.clone())))
        }
        _ => None,
    });
    changed.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_enhanced_mode_the_sender_hears_that_it_is_safe_and_then_what_became_of_it() {
    let server = shared_server().await;
    start_session(&server.api(), "ENH-1").await;
    let pid = "PID|||ENH-1";
    let mut client = MllpClient::connect(server.mllp).await.unwrap();
    let both = message("ENH", "1", "ORU^R01", "|||AL|AL", &[pid, "OBX|1|NM|8867-4||80|/min|||||F"]);
    assert_eq!(client.send(both.as_bytes()).await.unwrap().code, "CA");
    assert_eq!(client.receive().await.unwrap().code, "AA");
    let refused = message("ENH", "2", "ORM^O01", "|||AL|AL", &[pid]);
    assert_eq!(client.send(refused.as_bytes()).await.unwrap().code, "CR");
    // Nothing is wanted of the next: the answer after it is the one to the message that follows.
    let silent = message("ENH", "3", "ORU^R01", "|||NE|ER", &[pid, "OBX|1|NM|8867-4||81|/min|||||F"]);
    let wrong = message("ENH", "4", "ORU^R01", "|||NE|ER", &["OBX|1|NM|8867-4||82|/min|||||F"]);
    let frames = format!("\x0b{silent}\x1c\r\x0b{wrong}\x1c\r");
    let mut socket = TcpStream::connect(server.mllp).await.unwrap();
    socket.write_all(frames.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(PATIENCE, socket.read(&mut answer)).await.unwrap().unwrap();
    let ack = Ack::read(&answer[1..read]).unwrap();
    assert_eq!((ack.code.as_str(), ack.message_id.as_str()), ("AE", "4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_same_answer_across_connections_and_restarts_and_is_recorded_once() {
    let server = Server::start().await;
    let session = start_session(&server.api(), "REP-1").await.session;
    let (at, obx) = (now(), "OBX|1|NM|8867-4||80|/min|||||F");
    let known = oru("REP", "1", "REP-1", &at, &[obx]);
    let unknown = oru("REP", "2", "NOBODY", &at, &[obx]);
    let unreadable = message("REP", "3", "ORU^R01", "", &[obx]);
    let mut answers = Vec::new();
    for _ in 0..2 {
        for text in [&known, &unknown, &unreadable] {
            answers.push(send(&server, text).await);
        }
    }
    let server = Server::start_in(server.kill()).await;
    for text in [&known, &unknown, &unreadable] {
        answers.push(send(&server, text).await);
    }
    let codes: Vec<&str> = answers.iter().map(|ack| ack.code.as_str()).collect();
    assert_eq!(codes, ["AA", "AA", "AE"].repeat(3));
    assert_eq!((&answers[0..3], &answers[0..3]), (&answers[3..6], &answers[6..9]), "word for word");
    assert_eq!(observed(&server, session).await.len(), 1);
    let kept: Vec<UnmatchedMessage> = get(&server, "/api/v1/unmatched").await;
    let kept: Vec<_> = kept.iter().map(|message| (message.message_id.as_str(), message.because)).collect();
    assert_eq!(kept, [("3", KeptBecause::Content), ("2", KeptBecause::NoSession)]);

    // A monitor that counts from 1 again after a restart says something new under an old number.
    assert!(send(&server, &oru("REP", "1", "REP-1", &now(), &["OBX|1|NM|8867-4||95|/min|||||F"])).await.is_accepted());
    let rates: Vec<_> = observed(&server, session).await.iter().map(|o| o.vitals.heart_rate).collect();
    assert_eq!(rates, [Some(80.0), Some(95.0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_result_replaces_and_a_withdrawn_one_goes_and_the_score_follows() {
    let server = shared_server().await;
    let session = start_session(&server.api(), "COR-1").await.session;
    let mut stream = server.api().follow(session, 1, None).await.unwrap();
    let at = now();
    let scored = |total: u8| move |event: &Event| matches!(&event.body, EventBody::RiskScored(s) if s.total == total);
    let obx = |value: &str, status: &str| format!("OBX|1|NM|9279-1||{value}|/min|||||{status}");
    assert!(send(&server, &oru("COR", "1", "COR-1", &at, &[&obx("30", "P")])).await.is_accepted());
    wait_for(&mut stream, scored(3)).await;
    assert!(send(&server, &oru("COR", "2", "COR-1", &at, &[&obx("16", "C")])).await.is_accepted());
    wait_for(&mut stream, scored(0)).await;
    // Late: it was measured an hour before, and changes nothing that is shown.
    let hour_ago = time::write(Timestamp::from_millis(jiff::Timestamp::now().as_millisecond() - 3_600_000));
    assert!(send(&server, &oru("COR", "3", "COR-1", &hour_ago, &[&obx("28", "F")])).await.is_accepted());
    assert!(send(&server, &oru("COR", "4", "COR-1", &at, &[&obx("\"\"", "W")])).await.is_accepted());
    // What was measured before it is the newest now.
    wait_for(&mut stream, scored(3)).await;
    let events = all_events(&server.http, session).await;
    assert_eq!(events.iter().filter(|e| matches!(e.body, EventBody::VitalsAmended(_))).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn patients_are_admitted_move_and_merge_and_their_monitors_find_them() {
    let server = shared_server().await;
    let adt = |id: &str, event: &str, segments: &[&str]| {
        let segments = [&["EVN||20260102030000"][..], segments].concat();
        message("ADT", id, &format!("ADT^{event}"), "", &segments)
    };
    let pv1 = |unit: &str| format!("PV1|1|I|{unit}^3^B");
    let admitted = adt("1", "A01", &["PID|1||ADT-1^^^H^MR||Doe^Jane||19800102|F", &pv1("ER")]);
    assert!(send(&server, &admitted).await.is_accepted());
    // The session begins after the admission, and knows of it.
    let session = start_session(&server.api(), "ADT-1").await.session;
    assert!(send(&server, &adt("2", "A02", &["PID|1||ADT-1", &pv1("ICU")])).await.is_accepted());
    assert!(send(&server, &adt("3", "A40", &["PID|1||ADT-NEW", "MRG|ADT-1"])).await.is_accepted());
    for (id, patient) in [("4", "ADT-1"), ("5", "ADT-NEW")] {
        let text = oru("MON", id, patient, &now(), &["OBX|1|NM|8867-4||80|/min|||||F"]);
        let ack = send(&server, &text).await;
        assert_eq!((ack.code.as_str(), ack.problem), ("AA", None), "{patient} has a session");
    }
    assert!(send(&server, &adt("6", "A03", &["PID|1||ADT-NEW"])).await.is_accepted());
    let events = all_events(&server.http, session).await;
    let place = |unit: &str| Some(unit.to_owned());
    assert_eq!(
        changes(&events),
        [
            (PatientChange::Admitted, place("ER")),
            (PatientChange::Transferred, place("ICU")),
            (PatientChange::Merged, None),
            (PatientChange::Discharged, None),
        ]
    );
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("Doe") && text.contains("1980-01-02"), "the name is not kept");
    let vitals = events.iter().filter(|e| matches!(e.body, EventBody::VitalsObserved(_))).count();
    assert_eq!(vitals, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_told_counted_and_kept() {
    let server = Server::start().await;
    let session = start_session(&server.api(), "RAW-1").await.session;
    let obx = ["OBX|1|NM|99999^X^L||7|mL|||||F", "OBX|2|NM|8867-4||80|mm[Hg]|||||F", "OBX|3|NM|59408-5||97|%|||||F"];
    for id in ["1", "2"] {
        let ack = send(&server, &oru("RAW", id, "RAW-1", &now(), &obx)).await;
        assert_eq!(ack.code, "AA");
        assert!(ack.problem.unwrap().contains("code is not known"), "told as a warning");
    }
    let wrong = [
        message("RAW", "3", "ORU^R01", "", &["PID|||", obx[2]]),
        message("RAW", "4", "ORU^R01", "", &["PID|||a b", obx[2]]),
        "MSH|^~\\&|RAW|W|H|H|20260102||ORU^R01|5|P|2.6||||||UTF-7\rPID|||RAW-1\r".to_owned(),
        "this is not HL7".to_owned(),
    ];
    for text in &wrong {
        assert_eq!(send(&server, text).await.code, "AE", "{text}");
    }
    for kind in ["ORM^O01", "ORU^W01", "ADT^A99"] {
        assert_eq!(send(&server, &message("RAW", kind, kind, "", &["PID|||RAW-1"])).await.code, "AR");
    }
    let server = Server::start_in(server.kill()).await;
    let unmapped: Vec<UnmappedCode> = get(&server, "/api/v1/unmapped").await;
    let mut kinds: Vec<_> = unmapped.iter().map(|kind| (kind.code.as_str(), kind.reason, kind.count)).collect();
    kinds.sort_by_key(|(code, ..)| *code);
    let expected = [("8867-4", RejectionReason::UnitMismatch, 2), ("99999", RejectionReason::UnknownCode, 2)];
    assert_eq!(kinds, expected);
    assert!(unmapped.iter().any(|kind| kind.raw.as_deref() == Some(obx[0]) && kind.session == session));
    assert_eq!(get::<Vec<UnmappedCode>>(&server, "/api/v1/unmapped?limit=1").await.len(), 1);
    let kept: Vec<UnmatchedMessage> = get(&server, "/api/v1/unmatched").await;
    let kept: Vec<&str> = kept.iter().rev().map(|message| message.raw.as_str()).collect();
    assert_eq!(kept, wrong, "as sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_goes_wrong_costs_its_message_and_nothing_else() {
    let server = shared_server().await;
    let session = start_session(&server.api(), "BAD-1").await.session;
    let good = |id: &str| oru("BAD", id, "BAD-1", &now(), &["OBX|1|NM|8867-4||80|/min|||||F"]);
    let mut socket = TcpStream::connect(server.mllp).await.unwrap();
    // Half a message, then a whole one; stray bytes; a message without its carriage return.
    let half = good("half");
    let stream = format!("noise\x0b{}\x0b{}\x1c\r\n\x0b{}\x1c", &half[..60], good("1"), good("2"));
    socket.write_all(stream.as_bytes()).await.unwrap();
    let mut answers = String::new();
    while answers.matches("MSA|AA").count() < 2 {
        let mut part = [0; 4_096];
        let read = tokio::time::timeout(PATIENCE, socket.read(&mut part)).await.unwrap().unwrap();
        assert!(read > 0, "{answers}");
        answers.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    // A hundred megabytes in one segment: refused by its header, and the next message is taken.
    socket.write_all(b"\x0bMSH|^~\\&|BAD|W|H|H|20260102||ORU^R01|huge|P|2.6\rOBX|1|ED|").await.unwrap();
    let part = vec![b'x'; 1024 * 1024];
    for _ in 0..100 {
        socket.write_all(&part).await.unwrap();
    }
    socket.write_all(format!("\x1c\r\x0b{}\x1c\r", good("3")).as_bytes()).await.unwrap();
    let mut answers = String::new();
    while !answers.contains("MSA|AA|3") {
        let mut part = [0; 4_096];
        let read = tokio::time::timeout(PATIENCE, socket.read(&mut part)).await.unwrap().unwrap();
        assert!(read > 0, "{answers}");
        answers.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    assert!(answers.contains("MSA|AR|huge\rERR||MSH^1|104^"), "{answers}");
    let rates = observed(&server, session).await;
    assert_eq!(rates.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_whose_clock_is_wrong_is_flagged_and_hides_nothing() {
    let server = shared_server().await;
    let session = start_session(&server.api(), "CLK-1").await.session;
    let mut stream = server.api().follow(session, 1, None).await.unwrap();
    let ahead = oru("CLK", "1", "CLK-1", "20991231235959+0000", &["OBX|1|NM|8867-4||100|/min|||||F"]);
    let sent_at = ahead.split('|').nth(6).unwrap();
    let ahead = ahead.replace(sent_at, "20991231235959+0000");
    assert!(send(&server, &ahead).await.is_accepted());
    let jumped = wait_for(&mut stream, |e| matches!(e.body, EventBody::MonitorClockJumped(_))).await;
    assert!(matches!(jumped.body, EventBody::MonitorClockJumped(j) if j.jump == ClockJump::Ahead));
    // HL7 times have seconds: this one is no earlier than what was recorded just now.
    let later = time::write(Timestamp::from_millis(jiff::Timestamp::now().as_millisecond() + 1_000));
    let right = oru("OTHER", "2", "CLK-1", &later, &["OBX|1|NM|8867-4||135|/min|||||F"]);
    assert!(send(&server, &right).await.is_accepted());
    let fast = |event: &Event| matches!(&event.body, EventBody::RiskScored(s) if s.items.iter().any(|i| i.points == 3));
    wait_for(&mut stream, fast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_monitors_are_served_and_one_too_many_is_turned_away() {
    const MONITORS: usize = 300;
    let config = [("HEALTHSYNC__MLLP__MAX_CONNECTIONS", "300")];
    let server = Arc::new(Server::start_with(tempfile::tempdir().unwrap(), &config).await);
    let session = start_session(&server.api(), "MANY-1").await.session;
    let mut clients = Vec::new();
    for _ in 0..MONITORS {
        clients.push(MllpClient::connect(server.mllp).await.unwrap());
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (n, mut client) in clients.into_iter().enumerate() {
        tasks.spawn(async move {
            for m in 0..3 {
                let obx = format!("OBX|1|NM|8867-4||{}|/min|||||F", 60 + (n + m) % 60);
                let text = oru(&format!("M{n}"), &m.to_string(), "MANY-1", &now(), &[&obx]);
                let ack = client.send(text.as_bytes()).await.unwrap();
                assert!(ack.is_accepted(), "{ack:?}");
            }
            client
        });
    }
    // Everybody's place is taken until everybody is done.
    let held: Vec<MllpClient> = tasks.join_all().await;
    let mut late = TcpStream::connect(server.mllp).await.unwrap();
    let turned_away = tokio::time::timeout(PATIENCE, late.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(turned_away, Ok(0) | Err(_)));
    drop(held);
    assert_eq!(observed(&server, session).await.len(), MONITORS * 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_posts_lines_and_each_is_answered() {
    let server = shared_server().await;
    let session = start_session(&server.api(), "APP-1").await.session;
    let url = format!("{}/api/v1/sessions/{session}/observations", server.http);
    let body = concat!(
        "{\"id\":\"a\",\"heart_rate\":118,\"spo2\":93}\n",
        "{\"spo2\":255,\"temperature\":38.2,\"patient\":\"APP-1\"}\n",
        "{\"heart_rate\":80,\"patient\":\"SOMEBODY-ELSE\"}\n",
        "not json\n",
        "{\"observations\":[{\"code\":\"8310-5\",\"value\":101.3,\"unit\":\"[degF]\"}]}\n",
    );
    let post = async || {
        let answer = reqwest::Client::new().post(&url).body(body).send().await.unwrap();
        assert!(answer.status().is_success());
        let text = answer.text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<healthsync_websocket::LineResult>>()
    };
    let first = post().await;
    assert_eq!(first.iter().map(|answer| answer.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(first[0].seq.is_some() && !first[0].repeated);
    assert_eq!(first[1].rejected[0].reason, RejectionReason::OutsidePhysiology);
    assert!(first[2].error.as_ref().unwrap().to_string().contains("patient"));
    assert!(first[3].error.is_some() && first[4].seq.is_some());
    let again = post().await;
    assert_eq!((again[0].seq, again[0].repeated), (first[0].seq, true));
    let gone = reqwest::Client::new().post(url.replace(&session.to_string(), "nothing")).body(body).send();
    assert_eq!(gone.await.unwrap().status(), 404);
}
