//! The HTTP client against the routes of RFC 9725, as a composition root mounts them.

use crate::common::{Heard, Recorder, heard_until, server, server_with, session, spec};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{delete, post},
};
use healthsync_webrtc::{ClientConfig, ClientError, WhipClient, WhipError, WhipResourceId, WhipServer};
use std::sync::Arc;
use tokio::sync::watch;

#[derive(Clone)]
struct Doors {
    whip: WhipServer,
    listening: Arc<watch::Sender<Option<watch::Receiver<Heard>>>>,
}

fn refusal(error: WhipError) -> impl IntoResponse {
    (StatusCode::from_u16(error.status()).unwrap(), error.to_string())
}

async fn publish(State(doors): State<Doors>, headers: HeaderMap, offer: String) -> impl IntoResponse {
    assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/sdp");
    let (sink, listening) = Recorder::listen(None);
    doors.listening.send_replace(Some(listening));
    match doors.whip.accept(session(), spec("patient"), sink, &offer).await {
        Ok(accepted) => {
            let location = format!("/whip/{}", accepted.resource);
            let headers = [
                (header::CONTENT_TYPE, "application/sdp".to_owned()),
                (header::LOCATION, location),
                (header::ETAG, accepted.etag),
            ];
            (StatusCode::CREATED, headers, accepted.answer_sdp).into_response()
        }
        Err(error) => refusal(error).into_response(),
    }
}

async fn end(State(doors): State<Doors>, Path(resource): Path<String>) -> impl IntoResponse {
    let Ok(resource) = resource.parse::<WhipResourceId>() else { return StatusCode::NOT_FOUND };
    doors.whip.delete(resource).await.map_or(StatusCode::NOT_FOUND, |()| StatusCode::OK)
}

/// Serves until the test ends; gives the endpoint's URL.
async fn serve(whip: WhipServer) -> (String, watch::Receiver<Option<watch::Receiver<Heard>>>) {
    let (listening, opened) = watch::channel(None);
    let doors = Doors { whip, listening: Arc::new(listening) };
    let routes = Router::new().route("/whip", post(publish)).route("/whip/{id}", delete(end)).with_state(doors);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/whip?participant=patient&language=pt-BR", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, opened)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_publishes_by_http_and_ends_by_delete() {
    let whip = server();
    let (url, opened) = serve(whip.clone()).await;
    let client = WhipClient::connect(&url, ClientConfig::default()).await.unwrap();
    let clip: Vec<f32> = (0..8_000).map(|i| 0.4 * (i as f32 * 0.2).sin()).collect();
    client.say(&clip, 16_000).await.unwrap();
    let mut listening = opened.borrow().clone().unwrap();
    heard_until(&mut listening, |heard| heard.samples().iter().any(|sample| sample.abs() > 0.2)).await;
    assert_eq!(whip.connections(), 1);
    client.close().await.unwrap();
    assert_eq!(whip.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_the_client_with_its_status_and_reason() {
    let (url, _) = serve(server_with(|config| config.max_connections = 0)).await;
    let refused = WhipClient::connect(&url, ClientConfig::default()).await;
    let Err(ClientError::Refused { status, detail }) = refused else { panic!("it was not refused") };
    assert_eq!(status, 503);
    assert!(detail.contains("connections"), "{detail}");
}
