//! Waveforms of a session: in from a source, out to those who watch.

use super::{
    App,
    error::{Error, Problem},
    extract::{Params, Segment},
};
use axum::{
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::Response,
};
use healthsync_events::{Refusal, SessionId};
use healthsync_waveform::server::{limits, serve_source, serve_viewer};
use serde::Deserialize;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    /// To the client: the last 10 s, then what comes.
    #[default]
    Receive,
    /// From the client.
    Send,
}

#[derive(Debug, Deserialize)]
pub struct WaveformQuery {
    #[serde(default)]
    direction: Direction,
}

/// ECG, pleth and other waveforms in binary blocks, which `protocols/waveform/src/block.rs` describes.
///
/// Whoever receives gets each channel's last 10 s, then what comes; numbers of blocks tell what was missed. A source
/// is told in text (`WaveformNotice`), about once a second, how far each channel has come, and which blocks were
/// refused. A channel has one source at a time.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/waveforms", tag = "waveforms",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("direction" = Option<String>, Query, description = "`receive`, the default, or `send`")),
    responses((status = 101, description = "WebSocket"),
              (status = 404, description = "No such session", body = Problem),
              (status = 410, description = "The session has ended", body = Problem),
              (status = 422, description = "Not a WebSocket request", body = Problem)))]
pub async fn connect(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Params(query): Params<WaveformQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    // Told as HTTP, where a client can read it, rather than as a close code.
    if app.sessions.summary(id).await?.ended {
        return Err(Refusal::SessionEnded.into());
    }
    let upgrade = upgrade.map_err(|_| Refusal::invalid("upgrade", "a WebSocket is expected here"))?;
    let (sessions, shutdown) = (app.sessions, app.shutdown);
    Ok(limits(upgrade).on_upgrade(move |socket| async move {
        match query.direction {
            Direction::Receive => serve_viewer(socket, sessions, id, shutdown).await,
            Direction::Send => serve_source(socket, sessions, id, shutdown).await,
        }
    }))
}
