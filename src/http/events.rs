//! The event stream: WebSocket when upgraded, NDJSON otherwise.

use super::{
    App,
    error::{Error, Problem},
    extract::{Params, Segment},
};
use axum::{
    body::Body,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::{Language, Seq, SessionId};
use healthsync_websocket::{StreamParams, limits, ndjson, serve_socket};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct StreamQuery {
    #[serde(default)]
    from: u64,
    speech: Option<Language>,
    follow: Option<bool>,
}

/// A session's events from a sequence number on, in order, without gap or repeat.
///
/// Upgraded to a WebSocket, each text message is an `Event` or a `StreamNotice`, and the client may send
/// `StreamCommand`s; with `speech`, binary messages carry synthesised speech in that language. Otherwise one
/// event a line (NDJSON).
#[utoipa::path(get, path = "/api/v1/sessions/{id}/events", tag = "events",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("from" = Option<u64>, Query, description = "First sequence number wanted: the last seen plus one"),
           ("speech" = Option<String>, Query, description = "WebSocket only: also speech in this language"),
           ("follow" = Option<bool>, Query, description = "NDJSON only: `false` ends at the newest event")),
    responses((status = 101, description = "WebSocket"),
              (status = 200, description = "NDJSON", body = ref("#/components/schemas/Event"),
               content_type = "application/x-ndjson"),
              (status = 404, description = "No such session", body = Problem)))]
pub async fn stream(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Params(query): Params<StreamQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    // Told as HTTP, where a client can read it, rather than as a close code.
    let summary = app.sessions.summary(id).await?;
    let from = Seq(query.from);
    let shutdown = app.shutdown.clone();
    let Ok(upgrade) = upgrade else {
        let until = (query.follow == Some(false)).then_some(summary.head);
        let lines = ndjson(app.sessions, id, from, until, shutdown).await?;
        let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
        return Ok((StatusCode::OK, headers, Body::from_stream(lines)).into_response());
    };
    let params = StreamParams { from, speech: query.speech };
    Ok(limits(upgrade).on_upgrade(move |socket| serve_socket(socket, app.sessions, id, params, shutdown)))
}
