//! The MLLP server. A message is answered `AA` only after what it says is durable; messages of a connection are
//! taken and answered one after the other, which is the flow control MLLP has.

use crate::{
    ack::{self, Code},
    frame::Mllp,
    message::{Hl7Error, Message},
    oru::{self, Header, OruMessage},
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use healthsync_events::{EventBody, Refusal, Sessions, Timestamp, UnmatchedMessage};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{codec::Framed, sync::CancellationToken, task::TaskTracker};

/// How long a peer may take to read an answer: one that does not read is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long messages under way may take once the server is shutting down.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct Config {
    /// Connections at a time; a further one is closed at once, and counted.
    pub max_connections: usize,
    /// Without a message. Monitors send at least every few minutes.
    pub idle_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_connections: 512, idle_timeout: Duration::from_mins(10) }
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
        let connection = Connection { sessions: Arc::clone(&sessions), idle: config.idle_timeout, stop: stop.clone() };
        tasks.spawn(async move {
            connection.run(socket).await;
            drop(place);
        });
    }
    stop.cancel();
    tasks.close();
    let _ = timeout(DRAIN, tasks.wait()).await;
}

struct Connection {
    sessions: Arc<dyn Sessions>,
    idle: Duration,
    stop: CancellationToken,
}

impl Connection {
    async fn run(self, socket: TcpStream) {
        let mut stream = Framed::new(socket, Mllp::default());
        loop {
            let next = tokio::select! {
                next = timeout(self.idle, stream.next()) => next,
                () = self.stop.cancelled() => return,
            };
            let frame = match next {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, "an MLLP connection was closed");
                    return;
                }
                Ok(None) | Err(_) => return,
            };
            let begun = Instant::now();
            let answer = self.answer(&frame).await;
            metrics::histogram!("healthsync_mllp_ack_seconds").record(begun.elapsed().as_secs_f64());
            if !matches!(timeout(WRITE_TIMEOUT, stream.send(&answer)).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn answer(&self, frame: &Bytes) -> Vec<u8> {
        let at = now();
        let (header, outcome) = match Message::parse(frame) {
            Ok(message) => {
                let header = oru::header(&message);
                let outcome = match oru::decode(&message, at) {
                    Ok(oru) => self.take(oru, frame, at).await,
                    Err(error) => Err(Failure::Message(error)),
                };
                (header, outcome)
            }
            Err(error) => (Header::default(), Err(Failure::Message(error))),
        };
        let id = control_id();
        let code = match &outcome {
            Ok(()) => Code::Accept,
            Err(Failure::Refused(refusal)) if refusal.retryable() => Code::Error,
            Err(_) => Code::Reject,
        };
        metrics::counter!("healthsync_mllp_messages_total", "ack" => code.as_str()).increment(1);
        let problem = outcome.err().map(|failure| (failure.code(), failure.to_string()));
        ack::write(&header, code, &id, at, problem.as_ref().map(|(code, text)| (*code, text.as_str())))
    }

    /// Returns when the message is durable: in its patient's session, or among those kept.
    async fn take(&self, oru: OruMessage, frame: &Bytes, at: Timestamp) -> Result<(), Failure> {
        if let Some(session) = self.sessions.of_patient(&oru.patient).await? {
            match self.sessions.record(session, EventBody::VitalsObserved(oru.observed.clone())).await {
                Ok(_) => return Ok(()),
                // It ended in between: the message is kept as for any patient without a session.
                Err(Refusal::SessionEnded) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        let message = UnmatchedMessage {
            received_at: at,
            patient: Some(oru.patient),
            message_id: oru.header.control_id,
            raw: String::from_utf8_lossy(frame).into_owned(),
        };
        self.sessions.keep_unmatched(message).await?;
        metrics::counter!("healthsync_mllp_unmatched_total").increment(1);
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Message(#[from] Hl7Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Failure {
    /// HL7 table 0357; 207 is an application error.
    fn code(&self) -> u16 {
        match self {
            Self::Message(error) => error.code(),
            Self::Refused(_) => 207,
        }
    }
}

/// MSH-10 of an answer: unique within this process, and unlikely to repeat across restarts.
fn control_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:X}-{}", now().millis(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}
