//! The MLLP server. A message is answered `AA` only after what it says is durable; messages of a connection are
//! taken and answered one after the other, which is the flow control MLLP has.

use crate::{
    frame::{Frame, FrameError, Mllp},
    intake::Intake,
    time::Zone,
};
use futures_util::{SinkExt, StreamExt};
use healthsync_events::{Sessions, Timestamp};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{codec::Framed, sync::CancellationToken, task::TaskTracker};

/// How long a peer may take to read an answer: one that does not read is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long messages under way may take once the server is shutting down.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Config {
    /// Connections at a time; a further one is closed at once, and counted.
    pub max_connections: usize,
    /// Without a message. Monitors send at least every few minutes.
    pub idle_timeout: Duration,
    /// Of times without a zone, in messages that name none.
    pub zone: Zone,
    /// Connections speak TLS, all of them; see [`crate::tls::acceptor`].
    pub tls: Option<TlsAcceptor>,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_connections: 512, idle_timeout: Duration::from_mins(10), zone: Zone::UTC, tls: None }
    }
}

/// Serves until `shutdown`, then lets the message each connection is at finish.
pub async fn serve(
    listener: TcpListener,
    sessions: Arc<dyn Sessions>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(config.max_connections));
    let intake = Arc::new(Intake::new(sessions, config.zone, now()));
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let Ok((socket, _)) = accepted else {
            // Out of file descriptors, most likely: accepting again at once would only spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            metrics::counter!("healthsync_mllp_refused_connections_total").increment(1);
            continue;
        };
        let _ = socket.set_nodelay(true);
        let connection = Connection { intake: Arc::clone(&intake), idle: config.idle_timeout, stop: stop.clone() };
        let tls = config.tls.clone();
        tasks.spawn(async move {
            metrics::gauge!("healthsync_mllp_connections").increment(1.0);
            connection.open(socket, tls).await;
            metrics::gauge!("healthsync_mllp_connections").decrement(1.0);
            drop(place);
        });
    }
    stop.cancel();
    tasks.close();
    let _ = timeout(DRAIN, tasks.wait()).await;
}

struct Connection {
    intake: Arc<Intake>,
    idle: Duration,
    stop: CancellationToken,
}

impl Connection {
    async fn open(self, socket: TcpStream, tls: Option<TlsAcceptor>) {
        let Some(tls) = tls else { return self.run(socket).await };
        match timeout(HANDSHAKE_TIMEOUT, tls.accept(socket)).await {
            Ok(Ok(stream)) => self.run(stream).await,
            Ok(Err(error)) => {
                metrics::counter!("healthsync_mllp_tls_failures_total").increment(1);
                tracing::warn!(%error, "an MLLP connection did not agree on TLS");
            }
            Err(_) => metrics::counter!("healthsync_mllp_tls_failures_total").increment(1),
        }
    }

    async fn run(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stream = Framed::new(stream, Mllp::default());
        loop {
            let next = tokio::select! {
                next = timeout(self.idle, stream.next()) => next,
                () = self.stop.cancelled() => break,
            };
            let frame = match next {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    lost(&error);
                    break;
                }
                Ok(None) | Err(_) => break,
            };
            let begun = Instant::now();
            let answers = match frame {
                Frame::Message(message) => self.intake.take(&message, now()).await,
                Frame::TooLong(head) => self.intake.refuse_length(&head, now()),
                Frame::Half(bytes) => {
                    tracing::warn!(bytes, "an MLLP message was begun and not finished");
                    metrics::counter!("healthsync_mllp_half_messages_total").increment(1);
                    continue;
                }
            };
            metrics::histogram!("healthsync_mllp_ack_seconds").record(begun.elapsed().as_secs_f64());
            let send = async {
                for answer in &answers {
                    stream.feed(&answer[..]).await?;
                }
                SinkExt::<&[u8]>::flush(&mut stream).await
            };
            if !matches!(timeout(WRITE_TIMEOUT, send).await, Ok(Ok(()))) {
                break;
            }
        }
        let stray = stream.codec().stray();
        if stray > 0 {
            tracing::warn!(bytes = stray, "an MLLP connection sent bytes outside frames");
            metrics::counter!("healthsync_mllp_stray_bytes_total").increment(stray as u64);
        }
    }
}

fn lost(error: &FrameError) {
    tracing::warn!(%error, "an MLLP connection was closed");
    if matches!(error, FrameError::Half) {
        metrics::counter!("healthsync_mllp_half_messages_total").increment(1);
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}
