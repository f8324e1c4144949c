//! Malformed and excessive input at each door: a clear answer, and the server goes on.

use crate::common::{Server, shared_server as server, start_session, wait_for};
use healthsync_events::{EventBody, SessionId, limits};
use reqwest::{Client, StatusCode};

async fn post(server: &Server, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
    let url = format!("{}{path}", server.http);
    let response = Client::new().post(url).header("content-type", content_type).body(body).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

async fn invited(server: &Server, patient: &str) -> SessionId {
    start_session(&server.api(), patient).await.session
}

async fn upload(server: &Server, session: SessionId, bytes: Vec<u8>) -> reqwest::Response {
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(bytes));
    let url = format!("{}/api/v1/sessions/{session}/images", server.http);
    Client::new().post(url).multipart(form).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_request_that_is_not_acceptable_says_which_field() {
    let server = server().await;
    let (status, body) = post(&server, "/api/v1/sessions", "application/json", "{").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let (status, body) =
        post(&server, "/api/v1/sessions", "application/json", r#"{"patient":"P1","languages":[]}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("languages"), "{body}");
    let surplus = r#"{"patient":"P1","languages":["pt"],"surprise":1}"#;
    let (status, body) = post(&server, "/api/v1/sessions", "application/json", surplus).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("surprise"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_repeat_the_patient() {
    let server = server().await;
    let named = r#"{"patient":"Maria da Silva","languages":["pt"]}"#;
    let (status, body) = post(&server, "/api/v1/sessions", "application/json", named).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!body.contains("Maria"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_session_is_404_at_every_door() {
    let session = "00000000-0000-7000-8000-000000000000";
    let server = server().await;
    for path in ["", "/transcript", "/report", "/events"] {
        let response = reqwest::get(format!("{}/api/v1/sessions/{session}{path}", server.http)).await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(upload(&server, session.parse().unwrap(), vec![1]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_not_sdp_or_has_no_opus_is_refused() {
    let server = server().await;
    let session = start_session(&server.api(), "DOOR-1").await.session;
    let path = format!("/api/v1/sessions/{session}/whip?participant=patient&language=pt");
    assert_eq!(post(&server, &path, "application/sdp", "hello").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(post(&server, &path, "text/plain", "v=0").await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let huge = "v".repeat(limits::MAX_SDP_BYTES + 1);
    assert_eq!(post(&server, &path, "application/sdp", huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let unnamed = format!("/api/v1/sessions/{session}/whip?language=pt");
    assert_eq!(post(&server, &unnamed, "application/sdp", "v=0").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_no_image_is_rejected_in_the_session() {
    let server = server().await;
    let session = start_session(&server.api(), "DOOR-2").await.session;
    let mut stream = server.api().follow(session, 1, None).await.unwrap();
    let garbage = upload(&server, session, b"certainly not an image".to_vec()).await;
    assert_eq!(garbage.status(), StatusCode::CREATED, "it is durable before it is looked into");
    wait_for(&mut stream, |e| matches!(e.body, EventBody::ImageRejected(_))).await;
    assert_eq!(upload(&server, session, Vec::new()).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let oversized = upload(&server, session, vec![0; limits::MAX_IMAGE_BYTES + 1]).await;
    assert_eq!(oversized.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_understood_is_refused_and_the_stream_goes_on() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let server = server().await;
    let session = start_session(&server.api(), "DOOR-3").await.session;
    let base = server.http.replacen("http", "ws", 1);
    let url = format!("{base}/api/v1/sessions/{session}/events?from=1");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for text in ["not json", r#"{"command":"no.such"}"#] {
        socket.send(Message::text(text)).await.unwrap();
    }
    let chat = r#"{"command":"chat.send","participant":"patient","language":"pt","text":"olá"}"#;
    socket.send(Message::text(chat)).await.unwrap();
    let mut refused = 0;
    let search = async {
        while let Some(Ok(message)) = socket.next().await {
            let text = message.into_text().unwrap_or_default();
            refused += usize::from(text.contains("stream.refused"));
            if text.contains("chat.message") {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(crate::common::PATIENCE, search).await.unwrap();
    assert_eq!(refused, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_find_what_they_ask_for() {
    let server = server().await;
    for (path, holds) in [
        ("/livez", "alive"),
        ("/readyz", "\"ready\":true"),
        ("/metrics", "healthsync_"),
        ("/openapi.json", "caption.final"),
        ("/docs/", "swagger"),
        ("/", "<html"),
    ] {
        let response = reqwest::get(format!("{}{path}", server.http)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let body = response.text().await.unwrap();
        assert!(body.contains(holds), "{path} holds {holds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_errors_hold_no_patient_identifier() {
    let server = server().await;
    start_session(&server.api(), "SECRET-PATIENT-77").await;
    let metrics = reqwest::get(format!("{}/metrics", server.http)).await.unwrap().text().await.unwrap();
    assert!(!metrics.contains("SECRET-PATIENT-77"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_finishes_its_request_head_is_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = server().await;
    let addr = server.http.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(addr).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(crate::common::PATIENCE, socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the server closed the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_says_whom_it_invites_to_what_and_the_log_does_not_keep_its_token() {
    let server = server().await;
    let session = invited(&server, "INVITED-1").await;
    let path = format!("/api/v1/sessions/{session}/invitations");
    let (status, body) = post(&server, &path, "application/json", r#"{"participant":"patient","language":"pt"}"#).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let invitation: serde_json::Value = serde_json::from_str(&body).unwrap();
    let token = invitation["token"].as_str().unwrap();
    assert_eq!(invitation["link"], format!("/?invitation={token}"));

    let shown = Client::new().get(format!("{}/api/v1/invitations/{token}", server.http)).send().await.unwrap();
    let shown: serde_json::Value = shown.json().await.unwrap();
    assert_eq!(shown["session"], session.to_string());
    assert_eq!((shown["participant"].as_str(), shown["language"].as_str()), (Some("patient"), Some("pt")));

    let log = Client::new().get(format!("{}/api/v1/sessions/{session}/events?follow=false", server.http));
    let log = log.send().await.unwrap().text().await.unwrap();
    assert!(log.contains("participant.invited") && !log.contains(token), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_nobody_made_is_unknown_and_one_without_an_end_is_refused() {
    let server = server().await;
    let session = invited(&server, "INVITED-2").await;
    for token in ["x".to_owned(), "0".repeat(64), format!("{}{}", session.0.simple(), "0".repeat(32))] {
        let url = format!("{}/api/v1/invitations/{token}", server.http);
        assert_eq!(Client::new().get(url).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{token}");
    }
    let path = format!("/api/v1/sessions/{session}/invitations");
    let forever = r#"{"participant":"patient","language":"pt","expires_in_seconds":99999999}"#;
    let (status, body) = post(&server, &path, "application/json", forever).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("expires_in_seconds"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_to_a_session_that_is_over_is_gone() {
    let server = server().await;
    let session = invited(&server, "INVITED-3").await;
    let path = format!("/api/v1/sessions/{session}/invitations");
    let new = r#"{"participant":"patient","language":"und","expires_in_seconds":60}"#;
    let (_, body) = post(&server, &path, "application/json", new).await;
    let token = serde_json::from_str::<serde_json::Value>(&body).unwrap()["token"].as_str().unwrap().to_owned();
    post(&server, &format!("/api/v1/sessions/{session}/end"), "application/json", "").await;
    let url = format!("{}/api/v1/invitations/{token}", server.http);
    assert_eq!(Client::new().get(url).send().await.unwrap().status(), StatusCode::GONE);
    let (status, _) = post(&server, &path, "application/json", new).await;
    assert_eq!(status, StatusCode::GONE);
}
