//! A peer connection for Opus and perhaps video, set up the same way at both ends.

mod codecs;
mod feedback;

pub(crate) use codecs::{MediaFormat, PayloadTypes, direction};
pub(crate) use feedback::is_keyframe_request;

use rtc::{
    interceptor::Slot,
    peer_connection::{
        configuration::interceptor_registry::{configure_nack, configure_twcc_receiver_only},
        transport::RTCDtlsTransportState,
    },
    rtp_transceiver::rtp_sender::RtpCodecKind,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::watch;
use webrtc::{
    error::Result,
    media_stream::track_remote::TrackRemote,
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
        RTCPeerConnectionState, Registry, SettingEngineBuilder, configure_rtcp_reports,
    },
};

/// Without a sign of life for this long, a path is called disconnected…
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);

/// …and after this much longer, failed: 15 s in all, half of what consent freshness allows at most
/// (RFC 7675, section 5.1), because a consultation that hears nothing for so long has to be told.
const FAILED_AFTER: Duration = Duration::from_secs(10);

const KEEPALIVE: Duration = Duration::from_secs(2);

/// What has become known of a connection so far. The newest is all that matters.
#[derive(Clone, Default)]
pub(crate) struct PeerStatus {
    /// How often all local candidates have come to be in the local description: once, and once more after each
    /// ICE restart.
    pub gathered: u32,
    pub state: RTCPeerConnectionState,
    /// The remote tracks, each once its first packet has come.
    pub audio: Option<Arc<dyn TrackRemote>>,
    pub video: Option<Arc<dyn TrackRemote>>,
}

/// What a peer is to be able to do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeerOptions {
    pub video: bool,
    pub numbers: PayloadTypes,
    /// An ICE restart of our own begins with new sockets: what a device does that has changed networks.
    pub rebinds: bool,
}

/// Whoever holds it must call `connection.close()` in the end: the stack's own task runs until then.
pub(crate) struct Peer {
    pub connection: Arc<dyn PeerConnection>,
    pub status: watch::Receiver<PeerStatus>,
}

impl Peer {
    /// Binds a UDP socket at each of `addresses`; port 0 takes any, and an unspecified address stands for
    /// every interface but loopback. Addresses that cannot be bound are skipped as long as one can.
    pub async fn bind(addresses: Vec<SocketAddr>, options: PeerOptions) -> Result<Self> {
        let mut media = MediaEngine::default();
        codecs::register(&mut media, options.video, options.numbers)?;
        // Receiver reports tell the sender how much is lost, from which it decides on redundancy.
        let mut interceptors = configure_rtcp_reports(Registry::new());
        if options.video {
            // Lost video is sent again; feedback on arrival times lets a browser find out how much fits.
            interceptors = configure_nack(interceptors, &mut media);
            interceptors = configure_twcc_receiver_only(interceptors, &mut media)?;
            let requests = feedback::KeyframeRequests::default();
            interceptors = interceptors.with(Slot::from(feedback::SLOT), requests);
        }
        let settings = SettingEngineBuilder::new()
            .with_ice_timeouts(Some(DISCONNECTED_AFTER), Some(FAILED_AFTER), Some(KEEPALIVE))
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_discard_local_candidates_during_ice_restart(options.rebinds)
            .build();
        let (changes, status) = watch::channel(PeerStatus::default());
        let building = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(interceptors)
            .with_setting_engine(settings)
            .with_handler(Arc::new(Handler { changes }))
            .with_udp_addrs(addresses)
            .build();
        // On the heap: 20 KB of future would be carried in every future that awaits this.
        let connection = Box::pin(building).await?;
        Ok(Self { connection: Arc::new(connection), status })
    }

    /// The local description with every candidate in it, first or after a restart.
    pub async fn gathered_description(&mut self, before: u32) -> Option<String> {
        gathered_description(&*self.connection, &mut self.status, before).await
    }
}

/// The local description, once candidates have been gathered more often than `before`.
pub(crate) async fn gathered_description(
    peer: &dyn PeerConnection,
    status: &mut watch::Receiver<PeerStatus>,
    before: u32,
) -> Option<String> {
    status.wait_for(|status| status.gathered > before).await.ok()?;
    Some(peer.local_description().await?.sdp)
}

/// How often to ask [`said_goodbye`].
pub(crate) const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Whether the other side closed DTLS. The stack still calls itself connected then, and tells only who asks.
pub(crate) async fn said_goodbye(peer: &dyn PeerConnection) -> bool {
    let mut transports = Vec::new();
    for receiver in peer.get_receivers().await {
        transports.push(receiver.transport().await);
    }
    for sender in peer.get_senders().await {
        transports.push(sender.transport().await);
    }
    for transport in transports {
        if let Ok(Some(transport)) = transport
            && matches!(transport.state().await, Ok(RTCDtlsTransportState::Closed | RTCDtlsTransportState::Failed))
        {
            return true;
        }
    }
    false
}

/// Runs on the stack's own task, so nothing in it may wait.
struct Handler {
    changes: watch::Sender<PeerStatus>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.changes.send_modify(|status| status.gathered += 1);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.changes.send_modify(|status| status.state = state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let is_video = track.kind().await == RtpCodecKind::Video;
        self.changes.send_modify(|status| {
            let place = if is_video { &mut status.video } else { &mut status.audio };
            place.get_or_insert(track);
        });
    }
}
