//! Sockets bound to subscriptions: the client sends `bind-with-token TOKEN`, the server a handshake and then
//! notifications, one a message.

use super::{Subscriptions, live::Live, notice::Type};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{SinkExt, StreamExt};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    task::JoinSet,
    time::{Instant, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

/// Subscriptions that one socket may be bound to.
const MAX_BOUND: usize = 16;

/// How often a silent client is asked whether it is there, and when it is taken for gone. The first time is also how long
/// a client has to bind.
const PING_EVERY: Duration = Duration::from_secs(20);
const DEAD_AFTER: Duration = Duration::from_secs(50);

/// A client that takes nothing for this long is disconnected: it can bind again, and ask for what it missed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Notifications on their way to the socket; more wait where they are published.
const QUEUE: usize = 64;

/// Bytes of a message from a client.
pub const MAX_COMMAND: usize = 1_024;

/// Why a bound subscription sends nothing any more.
struct Behind;

/// Serves until the client leaves, falls behind, or `shutdown`.
pub async fn serve(socket: WebSocket, subscriptions: Arc<Subscriptions>, shutdown: CancellationToken) {
    let (mut sink, mut incoming) = socket.split();
    let (outgoing, mut queue) = mpsc::channel::<Result<Arc<str>, Behind>>(QUEUE);
    let mut bound = JoinSet::new();
    let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut alive = Instant::now();
    let end = loop {
        let message = tokio::select! {
            () = shutdown.cancelled() => break Some((close_code::AWAY, "the server is shutting down")),
            queued = queue.recv() => match queued {
                Some(Ok(text)) => Message::Text(Utf8Bytes::from(&*text)),
                Some(Err(Behind)) => break Some((close_code::POLICY, "too slow: bind again and ask for $events")),
                None => break None,
            },
            // A subscription is over: its place is free, and without any other there is nothing to wait for.
            Some(_) = bound.join_next() => {
                if bound.is_empty() {
                    break Some((close_code::NORMAL, "the subscription is over"));
                }
                continue;
            }
            _ = ping.tick() => {
                if alive.elapsed() > DEAD_AFTER {
                    break None;
                }
                if bound.is_empty() {
                    break Some((close_code::POLICY, "nothing was bound in time"));
                }
                Message::Ping(axum::body::Bytes::new())
            }
            received = incoming.next() => {
                let Some(Ok(received)) = received else { break None };
                alive = Instant::now();
                let Message::Text(text) = received else { continue };
                let live = text.strip_prefix("bind-with-token ").and_then(|token| subscriptions.bound(token.trim()));
                let Some(live) = live else { break Some((close_code::POLICY, "bind-with-token TOKEN with a token that is valid")) };
                if bound.len() >= MAX_BOUND {
                    break Some((close_code::POLICY, "too many subscriptions on one connection"));
                }
                bound.spawn(pass_on(live, outgoing.clone()));
                continue;
            }
        };
        if !matches!(timeout(WRITE_TIMEOUT, sink.send(message)).await, Ok(Ok(()))) {
            break None;
        }
    };
    if let Some((code, reason)) = end {
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
        let _ = timeout(WRITE_TIMEOUT, sink.send(close)).await;
    }
}

/// Handshake, then what is published.
async fn pass_on(live: Arc<Live>, outgoing: mpsc::Sender<Result<Arc<str>, Behind>>) {
    let mut notices = live.listen();
    let handshake: Arc<str> = live.notice(Type::Handshake, &[]).into();
    if outgoing.send(Ok(handshake)).await.is_err() {
        return;
    }
    loop {
        let notice = tokio::select! {
            // What was published before its end is passed on.
            biased;
            notice = notices.recv() => notice,
            () = live.over.cancelled() => return,
        };
        let passed = match notice {
            Ok(text) => outgoing.send(Ok(text)).await,
            Err(RecvError::Lagged(_)) => outgoing.send(Err(Behind)).await,
            Err(RecvError::Closed) => return,
        };
        if passed.is_err() {
            return;
        }
    }
}
