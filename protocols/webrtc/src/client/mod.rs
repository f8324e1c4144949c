//! Publishes audio to a WHIP endpoint in real time: for the demonstration, load tests and integration tests.

mod encoder;
mod resample;
mod sender;
mod whip;

pub use resample::resample;
pub use sender::{AudioSender, Played};
pub use whip::WhipClient;

use crate::{
    peer::{OPUS_PAYLOAD_TYPE, Peer, opus_codec},
    sdp::has_candidate,
};
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;
use webrtc::{
    media_stream::{
        MediaStreamTrack,
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    },
    peer_connection::{RTCPeerConnectionState, RTCSessionDescription},
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};

/// To make an offer, candidates included. It needs no network.
const OFFER_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// Addresses to send from; an unspecified one stands for every interface but loopback.
    pub bind: Vec<IpAddr>,
    /// Bits per second. Wideband speech wants 16 to 20 kbit/s (RFC 6716, section 2.1.1); redundancy takes the
    /// rest.
    pub bitrate: i32,
    /// From the answer to the connection.
    pub connect_timeout: Duration,
    /// Sent as `Authorization: Bearer` (RFC 9725, section 4.7.1).
    pub bearer: Option<String>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            bitrate: 32_000,
            connect_timeout: Duration::from_secs(10),
            bearer: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the media stack failed: {0}")]
    Media(#[from] webrtc::error::Error),
    #[error("Opus: {0}")]
    Opus(#[from] opus::Error),
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// The endpoint answered with something else than 201 Created.
    #[error("refused with status {status}: {detail}")]
    Refused {
        status: u16,
        /// The beginning of the response's body.
        detail: String,
    },
    #[error("the endpoint's response lacks {0}")]
    Response(&'static str),
    #[error("{0} took too long")]
    Timeout(&'static str),
    #[error("a sample rate of {0} Hz is not between 8,000 and 48,000")]
    SampleRate(u32),
    #[error("a clip is longer than {} s", sender::MAX_CLIP.as_secs())]
    ClipTooLong,
    /// The connection has ended.
    #[error("not connected")]
    Disconnected,
}

/// A peer that has made an offer and waits for the answer: what the HTTP client is made of, and what a test
/// uses that needs no HTTP.
pub struct OfferedPeer {
    peer: Peer,
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    config: ClientConfig,
}

impl OfferedPeer {
    /// Makes an offer of one Opus track, with all candidates in it.
    pub async fn offer(config: ClientConfig) -> Result<(Self, String), ClientError> {
        let addresses = config.bind.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        let mut peer = Peer::bind(addresses).await?;
        let ssrc = Uuid::new_v4().as_fields().0;
        let track = Arc::new(TrackLocalStaticRTP::new(local_track(ssrc)));
        let offered = tokio::time::timeout(OFFER_TIMEOUT, describe(&mut peer, Arc::clone(&track))).await;
        match offered.unwrap_or(Err(ClientError::Timeout("gathering candidates"))) {
            Ok(sdp) => Ok((Self { peer, track, ssrc, config }, sdp)),
            Err(error) => {
                peer.connection.close().await?;
                Err(error)
            }
        }
    }

    /// Takes the answer and waits for the connection. Silence goes out from then on.
    pub async fn answer(mut self, sdp: String) -> Result<AudioSender, ClientError> {
        match self.connect(sdp).await {
            Ok(()) => AudioSender::start(self.peer, self.track, self.ssrc, self.config.bitrate).await,
            Err(error) => {
                self.close().await;
                Err(error)
            }
        }
    }

    /// Gives up.
    pub async fn close(self) {
        if self.peer.connection.close().await.is_err() {
            tracing::debug!("the peer connection did not close cleanly");
        }
    }

    async fn connect(&mut self, sdp: String) -> Result<(), ClientError> {
        if !has_candidate(&sdp) {
            return Err(ClientError::Response("an address to send to"));
        }
        self.peer.connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await?;
        let settled = self.peer.status.wait_for(|status| {
            matches!(
                status.state,
                RTCPeerConnectionState::Connected | RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
            )
        });
        let settled = tokio::time::timeout(self.config.connect_timeout, settled).await;
        let status = settled.map_err(|_| ClientError::Timeout("connecting"))?.map_err(|_| ClientError::Disconnected)?;
        if status.state == RTCPeerConnectionState::Connected { Ok(()) } else { Err(ClientError::Disconnected) }
    }
}

async fn describe(peer: &mut Peer, track: Arc<TrackLocalStaticRTP>) -> Result<String, ClientError> {
    let send_only = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        streams: vec![],
        send_encodings: vec![],
    };
    peer.connection.add_transceiver_from_track(track as Arc<dyn TrackLocal>, Some(send_only)).await?;
    let offer = peer.connection.create_offer(None).await?;
    peer.connection.set_local_description(offer).await?;
    peer.gathered_description().await.ok_or(ClientError::Disconnected)
}

fn local_track(ssrc: u32) -> MediaStreamTrack {
    let coding = RTCRtpCodingParameters { ssrc: Some(ssrc), ..RTCRtpCodingParameters::default() };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: coding,
        active: true,
        codec: opus_codec(),
        ..RTCRtpEncodingParameters::default()
    };
    MediaStreamTrack::new(
        "healthsync".to_owned(),
        Uuid::new_v4().to_string(),
        "audio".to_owned(),
        RtpCodecKind::Audio,
        vec![encoding],
    )
}

fn rtp_packet(ssrc: u32, sequence: u16, timestamp: u32, marker: bool, payload: bytes::Bytes) -> rtc::rtp::Packet {
    let header = rtc::rtp::Header {
        version: 2,
        marker,
        payload_type: OPUS_PAYLOAD_TYPE,
        sequence_number: sequence,
        timestamp,
        ssrc,
        ..rtc::rtp::Header::default()
    };
    rtc::rtp::Packet { header, payload }
}
