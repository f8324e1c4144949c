//! The ward through the real binary.

use crate::common::{PATIENCE, Server, shared_server, start_session};
use futures_util::StreamExt;
use healthsync_events::{SessionId, Timestamp, VitalSigns, ward::WardMessage};
use healthsync_hl7::client::{MllpClient, oru_r01};
use healthsync_loadtests::ApiClient;
use std::{collections::HashMap, time::Duration};
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn live(api: &ApiClient) -> Socket {
    api.socket("watching the ward", "/api/v1/ward/live").await.unwrap()
}

async fn next(socket: &mut Socket) -> WardMessage {
    let search = async {
        loop {
            if let Message::Text(text) = socket.next().await.expect("the socket stays open").unwrap() {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("a message came in time")
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn vitals(heart_rate: f64) -> VitalSigns {
    VitalSigns { heart_rate: Some(heart_rate), ..VitalSigns::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ward_is_sent_as_it_changes_and_is_there_again_after_a_crash() {
    let server = Server::start().await;
    let api = server.api();
    let mut socket = live(&api).await;
    let WardMessage::Snapshot(first) = next(&mut socket).await else { panic!("a snapshot comes first") };
    assert!(first.rows.is_empty());

    let (calm, ill) = (start_session(&api, "WARD-1").await.session, start_session(&api, "WARD-2").await.session);
    let mut monitor = MllpClient::connect(server.mllp).await.unwrap();
    for (patient, rate) in [("WARD-1", 71.0), ("WARD-2", 143.0)] {
        monitor.send(&oru_r01(&patient.parse().unwrap(), "1", now(), &vitals(rate))).await.unwrap();
    }
    let mut known: HashMap<SessionId, healthsync_events::ward::WardRow> = HashMap::new();
    while known.len() < 2 || known.values().any(|row| row.news2.is_none()) || known[&ill].alarms.is_empty() {
        let WardMessage::Changes(changes) = next(&mut socket).await else { panic!("changes follow") };
        known.extend(changes.rows.into_iter().map(|row| (row.session, row)));
    }
    assert!((known[&calm].vitals.heart_rate.unwrap().value - 71.0).abs() < 1e-9);
    assert_eq!((known[&ill].news2.unwrap().total, known[&ill].patient.as_str()), (3, "WARD-2"));
    assert!(known[&calm].alarms.is_empty());

    let server = Server::start_in(server.kill()).await;
    let api = server.api();
    let again = async {
        loop {
            let ward = api.ward().await.unwrap();
            if ward.complete {
                return ward;
            }
            tokio::task::yield_now().await;
        }
    };
    let ward = tokio::time::timeout(PATIENCE, again).await.unwrap();
    assert_eq!(ward.rows.len(), 2);
    for row in &ward.rows {
        let before = &known[&row.session];
        assert_eq!((&row.vitals, row.news2, &row.alarms), (&before.vitals, before.news2, &before.alarms));
        assert!(!row.heart_rate_trend.is_empty());
    }
    api.end_session(ill).await.unwrap();
    let ended = async { while api.ward().await.unwrap().rows.len() > 1 {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("a session that has ended leaves the ward");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_changes_in_a_second_are_a_few_messages() {
    let server = Server::start().await;
    let api = server.api();
    let session = start_session(&api, "WARD-3").await.session;
    let mut socket = live(&api).await;
    next(&mut socket).await;
    let lines: String = (0..1_000)
        .map(|n| serde_json::json!({ "id": n.to_string(), "heart_rate": if n == 999 { 140 } else { 60 + n % 20 } }))
        .flat_map(|line| [line.to_string(), "\n".into()])
        .collect();
    let begun = Instant::now();
    let url = format!("{}/api/v1/sessions/{session}/observations", server.http);
    let answer = reqwest::Client::new().post(url).body(lines).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap().lines().count(), 1_000);
    let mut messages = 0;
    loop {
        let WardMessage::Changes(changes) = next(&mut socket).await else { panic!("changes follow") };
        messages += 1;
        if changes
            .rows
            .iter()
            .any(|row| row.session == session && row.vitals.heart_rate.is_some_and(|rate| rate.value > 100.0))
        {
            break;
        }
    }
    let bound = begun.elapsed().as_millis() / Duration::from_millis(250).as_millis() + 2;
    assert!(messages <= bound, "{messages} messages in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_ward_is_served() {
    let server = shared_server().await;
    let page = reqwest::get(format!("{}/ward", server.http)).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("<div id=\"app\">"));
}
