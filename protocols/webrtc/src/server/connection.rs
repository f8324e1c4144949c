//! One connection: its task, from the offer to the end.

use super::{
    Accepted, Shared, WhipResourceId,
    ice::{IceSession, new_etag},
    listen::Listening,
    negotiate,
    presence::Presence,
    publish::Publishing,
    registry::{Connection, Role},
    watch::Watching,
};
use crate::{
    error::WhipError,
    peer::{MediaFormat, Peer, PeerOptions},
    sdp::Offer,
};
use futures_util::FutureExt;
use healthsync_events::SessionId;
use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::CancellationToken;
use webrtc::{media_stream::track_local::static_rtp::TrackLocalStaticRTP, peer_connection::RTCPeerConnectionState};

/// To make an answer, candidates included. It needs no network.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection is for.
pub(super) enum Work {
    Publish(Publishing),
    Watch(Watching),
    Listen(Listening),
}

/// Everything that a connection's task begins with.
pub(super) struct Opening {
    pub resource: WhipResourceId,
    pub session: SessionId,
    pub role: Role,
    pub work: Work,
    pub offer: Offer,
    pub addresses: Vec<SocketAddr>,
    pub shared: Arc<Shared>,
    pub stop: CancellationToken,
    /// Given back last.
    pub permit: OwnedSemaphorePermit,
    /// Takes the answer.
    pub answered: oneshot::Sender<Result<Accepted, WhipError>>,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// DELETE, the end of the session, a newer connection of the participant, or shutdown.
    Asked,
    /// The peer closed it.
    PeerClosed,
    /// ICE or DTLS failed, or consent was lost.
    Failed,
    /// No first packet in time, or no connection.
    NeverStarted,
    /// No further packet in time.
    Idle,
    /// The sink takes no more.
    SinkRefused,
    /// There is no more to come.
    Over,
    /// The media stack stopped taking packets.
    Stuck,
}

impl Ended {
    /// What a connection in this state has come to, if it has ended; `is_over` where the stack says nothing more.
    pub fn of(state: RTCPeerConnectionState, is_over: bool) -> Option<Self> {
        match state {
            RTCPeerConnectionState::Failed => Some(Self::Failed),
            RTCPeerConnectionState::Closed => Some(Self::PeerClosed),
            _ => is_over.then_some(Self::Failed),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::PeerClosed => "peer_closed",
            Self::Failed => "failed",
            Self::NeverStarted => "never_started",
            Self::Idle => "idle",
            Self::SinkRefused => "sink_refused",
            Self::Over => "over",
            Self::Stuck => "stuck",
        }
    }
}

impl Opening {
    /// Lives as long as the connection. Whatever happens in between, a panic of the media stack included, the
    /// peer connection is closed, the sink dropped, and the session told.
    pub async fn run(self) {
        let Self { resource, session, role, work, offer, addresses, shared, stop, permit, answered } = self;
        let options = PeerOptions { video: !offer.video.is_empty(), ..PeerOptions::default() };
        let Ok(peer) = Peer::bind(addresses, options).await else {
            // The caller may have gone meanwhile; then nobody is to be told.
            let _ = answered.send(Err(WhipError::Failed("no UDP socket could be bound")));
            return;
        };
        let ice = IceSession { remote: offer.ice.clone(), etag: new_etag(), offer: offer.sdp.clone() };
        let connection = Arc::new(Connection {
            resource,
            session,
            role,
            peer: Arc::clone(&peer.connection),
            status: peer.status.clone(),
            ice: tokio::sync::Mutex::new(ice),
            stop,
            gone: CancellationToken::new(),
            candidates: AtomicUsize::new(offer.candidates),
            stats: Mutex::default(),
        });
        let presence = presence(&work, &connection, &shared);
        let life = live(peer, &offer, work, answered, &shared, &connection, presence.as_ref());
        let ended = AssertUnwindSafe(life).catch_unwind().await;
        shared.registry.remove(resource);
        if connection.peer.close().await.is_err() {
            tracing::debug!(%resource, "the peer connection did not close cleanly");
        }
        drop(permit);
        if let Some(presence) = presence {
            presence.gone().await;
        }
        connection.gone.cancel();
        tell(resource, ended);
    }
}

fn tell(resource: WhipResourceId, ended: std::thread::Result<Option<Ended>>) {
    match ended {
        Ok(Some(ended)) => {
            metrics::counter!("healthsync_webrtc_ended_total", "reason" => ended.label()).increment(1);
            tracing::info!(%resource, reason = ended.label(), "media connection ended");
        }
        Ok(None) => tracing::debug!(%resource, "offer not answered"),
        Err(_) => {
            metrics::counter!("healthsync_webrtc_ended_total", "reason" => "panic").increment(1);
            tracing::error!(%resource, "the media stack panicked; the connection is closed");
        }
    }
}

/// Who tells the session about this connection's media, where it sends any.
fn presence(work: &Work, connection: &Connection, shared: &Shared) -> Option<Presence> {
    match (work, &connection.role) {
        (Work::Publish(publishing), Role::Publisher(participant)) => Some(Presence {
            sessions: shared.sessions.clone(),
            registry: Arc::clone(&shared.registry),
            session: connection.session,
            participant: participant.clone(),
            feed: Arc::clone(&publishing.feed),
        }),
        _ => None,
    }
}

/// Negotiates and then does the work. `None` when there was no answer to give, or nobody to take it.
async fn live(
    mut peer: Peer,
    offer: &Offer,
    work: Work,
    answered: oneshot::Sender<Result<Accepted, WhipError>>,
    shared: &Shared,
    connection: &Arc<Connection>,
    presence: Option<&Presence>,
) -> Option<Ended> {
    let media = work.media(!offer.video.is_empty());
    let answering = async {
        prepare(&peer, media).await?;
        negotiate::answer(&mut peer, offer, &shared.config.advertise).await
    };
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, answering).await;
    let answer = answer.unwrap_or(Err(WhipError::Failed("gathering candidates took too long")));
    // Registered before the answer is out: its receiver may trickle or delete at once.
    let entered = answer.and_then(|answer_sdp| {
        shared.registry.insert(Arc::clone(connection), shared.config.max_session_viewers).map(|()| answer_sdp)
    });
    let etag = connection.ice.lock().await.etag.clone();
    let accepted = entered.map(|answer_sdp| Accepted { resource: connection.resource, answer_sdp, etag });
    let is_ok = accepted.is_ok();
    if answered.send(accepted).is_err() || !is_ok {
        return None;
    }
    Some(match work {
        Work::Publish(publishing) => publishing.run(peer, &shared.config, connection, presence).await,
        Work::Watch(watching) => watching.run(peer, shared, connection).await,
        Work::Listen(listening) => listening.run(peer, &shared.config, connection).await,
    })
}

/// What is to be prepared before the answer.
enum Media {
    Receive(Vec<MediaFormat>),
    Send(Vec<Arc<TrackLocalStaticRTP>>),
}

impl Work {
    fn media(&self, video: bool) -> Media {
        match self {
            Self::Publish(_) if video => Media::Receive(vec![MediaFormat::Audio, MediaFormat::Video]),
            Self::Publish(_) => Media::Receive(vec![MediaFormat::Audio]),
            Self::Watch(watching) => Media::Send(watching.outlets().map(|outlet| Arc::clone(&outlet.track)).collect()),
            Self::Listen(listening) => Media::Send(vec![Arc::clone(&listening.outlet.track)]),
        }
    }
}

async fn prepare(peer: &Peer, media: Media) -> Result<(), WhipError> {
    match media {
        Media::Receive(formats) => {
            for format in formats {
                negotiate::receive(peer, format).await?;
            }
        }
        Media::Send(tracks) => {
            for track in tracks {
                negotiate::send(peer, track).await?;
            }
        }
    }
    Ok(())
}
