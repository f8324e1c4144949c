//! WHIP connections: accepting, trickling, ending.

mod config;
mod connection;
mod ports;
mod registry;

pub use config::WhipConfig;

use crate::{
    error::WhipError,
    sdp::{Fragment, MAX_CANDIDATES, Offer, TRICKLE},
};
use connection::Opening;
use healthsync_events::{AudioSink, AudioTrackSpec, SessionId};
use ports::Ports;
use registry::{Connection, Registry};
use rtc::peer_connection::transport::RTCIceCandidateInit;
use std::{fmt, str::FromStr, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// What a client refused for want of room is told to wait: a connection that nobody answers for is given up
/// within seconds.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How long ending connections is waited for. Saying goodbye to a peer takes 100 ms at most.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Names a WHIP session in its URL. Random, because knowing it is what allows to end it (RFC 9725, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WhipResourceId(pub Uuid);

impl fmt::Display for WhipResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for WhipResourceId {
    type Err = WhipError;

    fn from_str(text: &str) -> Result<Self, WhipError> {
        Uuid::parse_str(text).map(Self).map_err(|_| WhipError::UnknownResource)
    }
}

/// What a 201 Created carries: the resource is the end of `Location`, the etag is ready for `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub resource: WhipResourceId,
    pub answer_sdp: String,
    /// In quotation marks.
    pub etag: String,
}

/// Receives audio by WHIP. Cloning gives another handle to the same server; connections live on without any
/// until they end or [`Self::close_all`] is called.
#[derive(Clone)]
pub struct WhipServer {
    inner: Arc<Inner>,
}

struct Inner {
    config: WhipConfig,
    ports: Ports,
    /// A permit for each connection, given back when everything of it is gone.
    room: Arc<Semaphore>,
    registry: Arc<Registry>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl WhipServer {
    pub fn new(config: WhipConfig) -> Self {
        let inner = Inner {
            ports: Ports::new(config.ports.clone()),
            room: Arc::new(Semaphore::new(config.max_connections)),
            registry: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Answers an offer, and from then on pushes the track's audio to `sink` until the connection ends; then
    /// the sink is dropped. A connection of the same participant in the same session is closed.
    ///
    /// When the caller stops waiting, the connection is closed.
    pub async fn accept(
        &self,
        session: SessionId,
        spec: AudioTrackSpec,
        sink: Box<dyn AudioSink>,
        offer: &str,
    ) -> Result<Accepted, WhipError> {
        let offer = Offer::parse(offer)?;
        let permit = self.admit()?;
        let addresses = self
            .inner
            .ports
            .next(&self.inner.config.bind)
            .ok_or(WhipError::Full { what: "UDP ports", retry_after: RETRY_AFTER })?;
        let resource = WhipResourceId(Uuid::new_v4());
        let etag = format!("\"{}\"", Uuid::new_v4().simple());
        let (answered, answer) = oneshot::channel();
        let opening = Opening {
            resource,
            session,
            participant: spec.participant,
            etag: etag.clone(),
            offer,
            sink,
            addresses,
            config: self.inner.config.clone(),
            registry: Arc::clone(&self.inner.registry),
            stop: self.inner.stop.child_token(),
            permit,
            answered,
        };
        self.inner.tasks.spawn(opening.run());
        let answer_sdp = answer.await.map_err(|_| WhipError::Failed("the media stack stopped"))??;
        Ok(Accepted { resource, answer_sdp, etag })
    }

    /// Adds remote candidates (RFC 9725, section 4.3.2). `content_type` and `if_match` are the headers of the
    /// request, as sent. Success is answered by 204 No Content.
    pub async fn patch(
        &self,
        resource: WhipResourceId,
        content_type: &str,
        if_match: Option<&str>,
        body: &str,
    ) -> Result<(), WhipError> {
        let connection = self.inner.registry.get(resource).ok_or(WhipError::UnknownResource)?;
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(TRICKLE) {
            return Err(WhipError::UnsupportedMediaType { expected: TRICKLE });
        }
        let wanted = if_match.ok_or(WhipError::PreconditionRequired)?;
        if !matches(wanted, &connection.etag) {
            return Err(WhipError::PreconditionFailed);
        }
        let fragment = Fragment::parse(body)?;
        let named = !fragment.ice.ufrag.is_empty() || !fragment.ice.pwd.is_empty();
        if named && fragment.ice != connection.ice {
            return Err(WhipError::IceRestartUnsupported);
        }
        add_candidates(&connection, fragment).await
    }

    /// Ends a connection (RFC 9725, section 4.2) and waits until it is gone.
    pub async fn delete(&self, resource: WhipResourceId) -> Result<(), WhipError> {
        let connection = self.inner.registry.get(resource).ok_or(WhipError::UnknownResource)?;
        close(&[connection]).await;
        Ok(())
    }

    /// Ends the connections of a session, waits until they are gone, and says how many there were.
    pub async fn close_session(&self, session: SessionId) -> usize {
        let connections = self.inner.registry.of_session(session);
        close(&connections).await;
        connections.len()
    }

    /// Ends every connection, waits until they are gone, and refuses further ones.
    pub async fn close_all(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(CLOSE_TIMEOUT, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.connections(), "connections were still closing when time was up");
        }
    }

    /// Connections of which anything is left: a task, a socket, a sink.
    pub fn connections(&self) -> usize {
        self.inner.config.max_connections.saturating_sub(self.inner.room.available_permits())
    }

    fn admit(&self) -> Result<OwnedSemaphorePermit, WhipError> {
        if self.inner.stop.is_cancelled() {
            return Err(WhipError::ShuttingDown);
        }
        Arc::clone(&self.inner.room)
            .try_acquire_owned()
            .map_err(|_| WhipError::Full { what: "connections", retry_after: RETRY_AFTER })
    }
}

async fn close(connections: &[Arc<Connection>]) {
    for connection in connections {
        connection.stop.cancel();
    }
    let gone = async {
        for connection in connections {
            connection.gone.cancelled().await;
        }
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, gone).await.is_err() {
        tracing::warn!("a connection was still closing when time was up");
    }
}

async fn add_candidates(connection: &Connection, fragment: Fragment) -> Result<(), WhipError> {
    if !connection.reserve_candidates(fragment.candidates.len()) {
        return Err(WhipError::TooManyCandidates { limit: MAX_CANDIDATES });
    }
    for candidate in fragment.candidates {
        let init = RTCIceCandidateInit { candidate, sdp_mid: fragment.mid.clone(), ..RTCIceCandidateInit::default() };
        // One that the stack cannot use is passed over, as the RFC wants.
        if connection.peer.add_ice_candidate(init).await.is_err() {
            tracing::debug!(resource = %connection.resource, "a remote candidate was passed over");
        }
    }
    Ok(())
}

/// Whether an If-Match value names `etag` (RFC 9110, section 13.1.1): `*`, or a list with it in it.
fn matches(if_match: &str, etag: &str) -> bool {
    // RFC 9725 shows the asterisk in quotation marks.
    let value = if_match.trim();
    value == "*" || value == "\"*\"" || value.split(',').any(|tag| tag.trim() == etag)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn if_match_is_a_list_or_an_asterisk() {
        assert!(matches("\"a\"", "\"a\"") && matches("*", "\"a\"") && matches("\"b\", \"a\"", "\"a\""));
        assert!(!matches("\"b\"", "\"a\"") && !matches("W/\"a\"", "\"a\"") && !matches("", "\"a\""));
    }
}
