//! The ward: every open session at a glance, and what changes.

use super::{
    App,
    error::{Error, Problem},
};
use axum::{
    Json,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use healthsync_actors::WardBoard;
use healthsync_events::{Refusal, Timestamp, ward::WardMessage};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, interval_at, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// Between two messages. What changes in between goes together: an eye needs no more, and 200 patients measured once a
/// second are a fifth of the messages.
const COALESCE: Duration = Duration::from_millis(250);

/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Without a sign of life for this long a client is gone: two pings unanswered.
const DEAD_AFTER: Duration = Duration::from_secs(50);

/// A client that takes nothing for this long is disconnected; until then it holds up nobody but itself.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that may wait for a client: the snapshot of the fullest ward, 1,000 patients of 5 KB.
const WRITE_BUFFER: usize = 8 * 1024 * 1024;

/// Clients say nothing here.
const MAX_MESSAGE: usize = 1_024;

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// Every patient with an open session: newest vital signs, NEWS2, standing alarms, trends.
#[utoipa::path(get, path = "/api/v1/ward", tag = "ward",
    responses((status = 200, description = "The ward as of now", body = ref("#/components/schemas/WardSnapshot"))))]
pub async fn snapshot(State(app): State<App>) -> Response {
    Json(app.ward.snapshot(now())).into_response()
}

/// The ward as it changes. Each text message is a `WardMessage`: first a snapshot, then, at most four times a second,
/// the patients that have changed, each once. A client that was cut off connects again and gets a snapshot.
#[utoipa::path(get, path = "/api/v1/ward/live", tag = "ward",
    responses((status = 101, description = "WebSocket", body = ref("#/components/schemas/WardMessage")),
              (status = 422, description = "Not a WebSocket request", body = Problem),
              (status = 429, description = "Too many watch already", body = Problem)))]
pub async fn live(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let upgrade = upgrade.map_err(|_| Refusal::invalid("upgrade", "a WebSocket is expected here"))?;
    let place = Arc::clone(&app.ward_places)
        .try_acquire_owned()
        .map_err(|_| Refusal::Overloaded { queue: "ward viewers".into(), retry_after_ms: 5_000 })?;
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, app.ward, app.shutdown, place)))
}

async fn serve(socket: WebSocket, ward: Arc<WardBoard>, shutdown: CancellationToken, _place: OwnedSemaphorePermit) {
    metrics::gauge!("healthsync_ward_viewers").increment(1.0);
    let (mut sink, incoming) = socket.split();
    let (changes, snapshot) = (ward.changes(), ward.snapshot(now()));
    let mut viewer = Viewer { sink: &mut sink, ward: &ward, version: snapshot.version };
    let stopped = match viewer.send(&WardMessage::Snapshot(snapshot)).await {
        Ok(()) => viewer.follow(incoming, changes, shutdown).await,
        Err(Gone) => Err(Gone),
    };
    if stopped.is_ok() {
        let reason = Utf8Bytes::from_static("the server is shutting down");
        let close = Message::Close(Some(CloseFrame { code: close_code::AWAY, reason }));
        let _ = timeout(WRITE_TIMEOUT, sink.send(close)).await;
    }
    metrics::gauge!("healthsync_ward_viewers").decrement(1.0);
}

/// Nobody is there to be told.
struct Gone;

struct Viewer<'a> {
    sink: &'a mut SplitSink<WebSocket, Message>,
    ward: &'a WardBoard,
    /// What the client has seen.
    version: u64,
}

impl Viewer<'_> {
    /// Returns when the server shuts down.
    async fn follow(
        &mut self,
        mut incoming: SplitStream<WebSocket>,
        mut changes: watch::Receiver<u64>,
        shutdown: CancellationToken,
    ) -> Result<(), Gone> {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut alive = Instant::now();
        let mut next = Instant::now();
        loop {
            let seen = self.version;
            let due = async {
                // The board outlives its viewers.
                let _ = changes.wait_for(|version| *version > seen).await;
                sleep_until(next).await;
            };
            tokio::select! {
                () = due => {
                    next = Instant::now() + COALESCE;
                    self.send_changes().await?;
                }
                message = incoming.next() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                    Some(Ok(_)) => alive = Instant::now(),
                },
                _ = ping.tick() => {
                    if alive.elapsed() >= DEAD_AFTER {
                        return Err(Gone);
                    }
                    self.deliver(Message::Ping(axum::body::Bytes::new())).await?;
                }
                () = shutdown.cancelled() => return Ok(()),
            }
        }
    }

    async fn send_changes(&mut self) -> Result<(), Gone> {
        let message = self.ward.since(self.version, now());
        self.version = match &message {
            WardMessage::Snapshot(snapshot) => snapshot.version,
            WardMessage::Changes(changes) => changes.version,
        };
        self.send(&message).await
    }

    async fn send(&mut self, message: &WardMessage) -> Result<(), Gone> {
        let text = serde_json::to_string(message).map_err(|_| Gone)?;
        self.deliver(Message::Text(text.into())).await
    }

    async fn deliver(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(WRITE_TIMEOUT, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}
