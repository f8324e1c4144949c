//! WHIP and WHEP connections: accepting, trickling, restarting, ending.

mod config;
mod connection;
mod counting;
mod feed;
mod ice;
mod listen;
mod negotiate;
mod outlet;
mod ports;
mod presence;
mod publish;
mod registry;
mod watch;

pub use config::WhipConfig;
pub use counting::ConnectionStats;
pub use ice::Patched;
pub(crate) use publish::media_packet;

use crate::{error::WhipError, sdp::Offer};
use connection::{Opening, Work};
use feed::Feeds;
use healthsync_events::{AudioSink, AudioTrackSpec, ParticipantId, SessionId, Sessions, SpeechStream};
use listen::Listening;
use ports::Ports;
use publish::Publishing;
use registry::{Connection, Registry, Role};
use std::{
    fmt,
    str::FromStr,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;
use watch::Watching;

/// How long ending connections is waited for. Saying goodbye to a peer takes 100 ms at most.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Names a WHIP or WHEP session in its URL. Random, because knowing it is what allows to end it (RFC 9725,
/// section 5).
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

/// Receives media by WHIP and sends it on by WHEP. Cloning gives another handle to the same server; connections live
/// on without any until they end or [`Self::close_all`] is called.
#[derive(Clone)]
pub struct WhipServer {
    inner: Arc<Inner>,
}

struct Inner {
    ports: Ports,
    /// A permit for each connection, given back when everything of it is gone.
    room: Arc<Semaphore>,
    viewer_room: Arc<Semaphore>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What connections share.
struct Shared {
    config: WhipConfig,
    registry: Arc<Registry>,
    feeds: Feeds,
    /// Told what participants send.
    sessions: Option<Arc<dyn Sessions>>,
}

impl WhipServer {
    /// A server that tells nobody what it carries.
    pub fn new(config: WhipConfig) -> Self {
        Self::build(config, None)
    }

    /// A server that records `media.changed` events in its sessions.
    pub fn recording(config: WhipConfig, sessions: Arc<dyn Sessions>) -> Self {
        Self::build(config, Some(sessions))
    }

    fn build(config: WhipConfig, sessions: Option<Arc<dyn Sessions>>) -> Self {
        let inner = Inner {
            ports: Ports::new(config.ports.clone()),
            room: Arc::new(Semaphore::new(config.max_connections)),
            viewer_room: Arc::new(Semaphore::new(config.max_viewers)),
            shared: Arc::new(Shared { config, registry: Arc::default(), feeds: Feeds::default(), sessions }),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether there is a place for one more connection of a participant who sends: to be asked before anything is made
    /// for it. [`Self::accept`] may still be refused, where somebody else was quicker.
    pub fn has_room(&self, session: SessionId, participant: &ParticipantId) -> Result<(), WhipError> {
        let role = Role::Publisher(participant.clone());
        self.admit(session, &role)?;
        if self.room(&role).0.available_permits() == 0 {
            return Err(WhipError::full("connections"));
        }
        Ok(())
    }

    /// Answers the offer of a participant who sends (WHIP), and from then on pushes their sound to `sink` and hands
    /// everything to those who watch, until the connection ends; then the sink is dropped. A connection of the same
    /// participant in the same session is closed.
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
        let feed = self.inner.shared.feeds.of(session, &spec.participant);
        let work = Publishing { sink, opus: offer.opus.clone(), video: offer.video.clone(), feed };
        self.open(session, Role::Publisher(spec.participant), Work::Publish(work), offer).await
    }

    /// Answers the offer of somebody who watches a participant (WHEP), who may come later, or come again.
    pub async fn watch(
        &self,
        session: SessionId,
        participant: &ParticipantId,
        offer: &str,
    ) -> Result<Accepted, WhipError> {
        let offer = Offer::parse_watch(offer)?;
        let feed = self.inner.shared.feeds.of(session, participant);
        let work = Watching::new(feed, &offer);
        self.open(session, Role::Viewer, Work::Watch(work), offer).await
    }

    /// Answers the offer of somebody who listens to a voice (WHEP), until the speech ends.
    pub async fn listen(&self, session: SessionId, speech: SpeechStream, offer: &str) -> Result<Accepted, WhipError> {
        let offer = Offer::parse_listen(offer)?;
        let work = Listening::new(speech, &offer);
        self.open(session, Role::Viewer, Work::Listen(work), offer).await
    }

    fn room(&self, role: &Role) -> (&Arc<Semaphore>, &'static str) {
        match role {
            Role::Publisher(_) => (&self.inner.room, "connections"),
            Role::Viewer => (&self.inner.viewer_room, "viewers"),
        }
    }

    fn admit(&self, session: SessionId, role: &Role) -> Result<(), WhipError> {
        if self.inner.stop.is_cancelled() {
            return Err(WhipError::ShuttingDown);
        }
        let shared = &self.inner.shared;
        shared.registry.check(session, role, shared.config.max_session_viewers)
    }

    async fn open(&self, session: SessionId, role: Role, work: Work, offer: Offer) -> Result<Accepted, WhipError> {
        self.admit(session, &role)?;
        let (room, what) = self.room(&role);
        let permit = Arc::clone(room).try_acquire_owned().map_err(|_| WhipError::full(what))?;
        let addresses = self.inner.ports.next(&self.inner.shared.config.bind).ok_or(WhipError::full("UDP ports"))?;
        let (answered, answer) = oneshot::channel();
        let opening = Opening {
            resource: WhipResourceId(Uuid::new_v4()),
            session,
            role,
            work,
            offer,
            addresses,
            shared: Arc::clone(&self.inner.shared),
            stop: self.inner.stop.child_token(),
            permit,
            answered,
        };
        self.inner.tasks.spawn(opening.run());
        answer.await.map_err(|_| WhipError::Failed("the media stack stopped"))?
    }

    /// Adds remote candidates or restarts ICE (RFC 9725, section 4.3). `content_type` and `if_match` are the headers
    /// of the request, as sent.
    pub async fn patch(
        &self,
        resource: WhipResourceId,
        content_type: &str,
        if_match: Option<&str>,
        body: &str,
    ) -> Result<Patched, WhipError> {
        let connection = self.connection(resource)?;
        ice::patch(&connection, content_type, if_match, body, &self.inner.shared.config.advertise).await
    }

    /// What a connection has carried so far.
    pub fn stats(&self, resource: WhipResourceId) -> Result<ConnectionStats, WhipError> {
        Ok(*self.connection(resource)?.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends a connection (RFC 9725, section 4.2) and waits until it is gone. One that has just ended by itself is
    /// what the caller wants: a client's goodbye over DTLS may overtake its DELETE.
    pub async fn delete(&self, resource: WhipResourceId) -> Result<(), WhipError> {
        match self.connection(resource) {
            Ok(connection) => close(&[connection]).await,
            Err(_) if self.inner.shared.registry.has_ended(resource) => {}
            Err(unknown) => return Err(unknown),
        }
        Ok(())
    }

    /// Ends the connections of a session, waits until they are gone, and says how many there were.
    pub async fn close_session(&self, session: SessionId) -> usize {
        let connections = self.inner.shared.registry.of_session(session);
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

    /// Connections that send, of which anything is left: a task, a socket, a sink.
    pub fn connections(&self) -> usize {
        self.inner.shared.config.max_connections.saturating_sub(self.inner.room.available_permits())
    }

    /// Connections that watch or listen, of which anything is left.
    pub fn viewers(&self) -> usize {
        self.inner.shared.config.max_viewers.saturating_sub(self.inner.viewer_room.available_permits())
    }

    fn connection(&self, resource: WhipResourceId) -> Result<Arc<Connection>, WhipError> {
        self.inner.shared.registry.get(resource).ok_or(WhipError::UnknownResource)
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
