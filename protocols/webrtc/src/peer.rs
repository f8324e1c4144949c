//! A peer connection for one Opus track, set up the same way at both ends.

use rtc::{
    peer_connection::transport::RTCDtlsTransportState,
    rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind},
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

/// Payload type that we offer Opus under; browsers use the same.
pub(crate) const OPUS_PAYLOAD_TYPE: u8 = 111;

/// Without a sign of life for this long, a path is called disconnected…
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);

/// …and after this much longer, failed: 15 s in all, half of what consent freshness allows at most
/// (RFC 7675, section 5.1), because a consultation that hears nothing for so long has to be told.
const FAILED_AFTER: Duration = Duration::from_secs(10);

const KEEPALIVE: Duration = Duration::from_secs(2);

/// What has become known of a connection so far. The newest is all that matters.
#[derive(Clone, Default)]
pub(crate) struct PeerStatus {
    /// All local candidates are in the local description.
    pub gathered: bool,
    pub state: RTCPeerConnectionState,
    /// The remote track, once its first packet has come.
    pub track: Option<Arc<dyn TrackRemote>>,
}

/// Whoever holds it must call `connection.close()` in the end: the stack's own task runs until then.
pub(crate) struct Peer {
    pub connection: Arc<dyn PeerConnection>,
    pub status: watch::Receiver<PeerStatus>,
}

impl Peer {
    /// Binds a UDP socket at each of `addresses`; port 0 takes any, and an unspecified address stands for
    /// every interface but loopback. Addresses that cannot be bound are skipped as long as one can.
    pub async fn bind(addresses: Vec<SocketAddr>) -> Result<Self> {
        let mut media = MediaEngine::default();
        media.register_codec(
            RTCRtpCodecParameters { rtp_codec: opus_codec(), payload_type: OPUS_PAYLOAD_TYPE },
            RtpCodecKind::Audio,
        )?;
        // Receiver reports tell the sender how much is lost, from which it decides on redundancy. NACK and
        // bandwidth estimation are for video.
        let interceptors = configure_rtcp_reports(Registry::new());
        let settings = SettingEngineBuilder::new()
            .with_ice_timeouts(Some(DISCONNECTED_AFTER), Some(FAILED_AFTER), Some(KEEPALIVE))
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
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

    /// The local description with every candidate in it.
    pub async fn gathered_description(&mut self) -> Option<String> {
        self.status.wait_for(|status| status.gathered).await.ok()?;
        Some(self.connection.local_description().await?.sdp)
    }
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

/// Opus as WebRTC has it (RFC 7874, section 3). `useinbandfec` asks the sender for redundancy.
pub(crate) fn opus_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS.to_owned(),
        clock_rate: crate::media::RTP_CLOCK_RATE,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// Runs on the stack's own task, so nothing in it may wait.
struct Handler {
    changes: watch::Sender<PeerStatus>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.changes.send_modify(|status| status.gathered = true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.changes.send_modify(|status| status.state = state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.changes.send_modify(|status| {
            status.track.get_or_insert(track);
        });
    }
}
