//! Offers, and the connections they become.

use super::{AudioSender, ClientConfig, ClientError, Link, VideoSender, Viewer};
use crate::{
    forward::Codec,
    peer::{MediaFormat, PayloadTypes, Peer, PeerOptions, direction},
    sdp::{has_candidate, rejects_video},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use uuid::Uuid;
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{RTCPeerConnectionState, RTCSessionDescription},
    rtp_transceiver::RTCRtpTransceiverDirection,
};

/// To make an offer, candidates included. It needs no network.
const OFFER_TIMEOUT: Duration = Duration::from_secs(5);

/// A track to send on, and its synchronisation source.
struct Outgoing {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
}

impl Outgoing {
    async fn add(peer: &Peer, format: MediaFormat, codec: Codec) -> Result<Self, ClientError> {
        let ssrc = Uuid::new_v4().as_fields().0;
        let track = Arc::new(TrackLocalStaticRTP::new(format.track(ssrc, codec)));
        let init = direction(RTCRtpTransceiverDirection::Sendonly);
        let local: Arc<dyn TrackLocal> = Arc::clone(&track) as Arc<dyn TrackLocal>;
        peer.connection.add_transceiver_from_track(local, Some(init)).await?;
        Ok(Self { track, ssrc })
    }
}

/// A peer that has offered to send and waits for the answer: what the HTTP client is made of, and what a test
/// uses that needs no HTTP.
pub struct OfferedPeer {
    peer: Peer,
    audio: Outgoing,
    video: Option<Outgoing>,
    config: ClientConfig,
}

impl OfferedPeer {
    /// Makes an offer of one Opus track, and one of video if the configuration says so, with all candidates in it.
    pub async fn offer(config: ClientConfig) -> Result<(Self, String), ClientError> {
        let mut peer = bind(&config, PayloadTypes::SENDER).await?;
        let making = async {
            let audio = Outgoing::add(&peer, MediaFormat::Audio, Codec::Opus).await?;
            let video = match config.video {
                Some(codec) => Some(Outgoing::add(&peer, MediaFormat::Video, Codec::Video(codec)).await?),
                None => None,
            };
            Ok((audio, video, describe(&mut peer).await?))
        };
        match timely(making).await {
            Ok((audio, video, sdp)) => Ok((Self { peer, audio, video, config }, sdp)),
            Err(error) => {
                peer.connection.close().await?;
                Err(error)
            }
        }
    }

    /// Takes the answer and waits for the connection. Silence goes out from then on.
    pub async fn answer(mut self, sdp: String) -> Result<AudioSender, ClientError> {
        let takes_video = !rejects_video(&sdp);
        match connect(&mut self.peer, &self.config, &sdp).await {
            Ok(()) => {
                let codec = self.config.video.filter(|_| takes_video);
                let video = self.video.zip(codec).map(|(out, codec)| VideoSender::start(out.track, out.ssrc, codec));
                let link = Link::new(&self.peer, sdp);
                AudioSender::start(self.peer, link, self.audio.track, self.audio.ssrc, self.config.bitrate, video).await
            }
            Err(error) => {
                self.close().await;
                Err(error)
            }
        }
    }

    /// Gives up.
    pub async fn close(self) {
        close(self.peer).await;
    }
}

/// A peer that has offered to receive and waits for the answer.
pub struct OfferedViewer {
    peer: Peer,
    config: ClientConfig,
}

impl OfferedViewer {
    /// Makes an offer to receive Opus, and video if the configuration says so, with all candidates in it.
    pub async fn offer(config: ClientConfig) -> Result<(Self, String), ClientError> {
        let mut peer = bind(&config, PayloadTypes::RECEIVER).await?;
        let formats =
            if config.video.is_some() { &[MediaFormat::Audio, MediaFormat::Video][..] } else { &[MediaFormat::Audio] };
        let making = async {
            for format in formats {
                let init = direction(RTCRtpTransceiverDirection::Recvonly);
                peer.connection.add_transceiver_from_kind(format.kind(), Some(init)).await?;
            }
            describe(&mut peer).await
        };
        match timely(making).await {
            Ok(sdp) => Ok((Self { peer, config }, sdp)),
            Err(error) => {
                peer.connection.close().await?;
                Err(error)
            }
        }
    }

    /// Takes the answer and waits for the connection.
    pub async fn answer(mut self, sdp: String) -> Result<Viewer, ClientError> {
        match connect(&mut self.peer, &self.config, &sdp).await {
            Ok(()) => {
                let link = Link::new(&self.peer, sdp);
                Viewer::start(self.peer, link).await
            }
            Err(error) => {
                self.close().await;
                Err(error)
            }
        }
    }

    /// Gives up.
    pub async fn close(self) {
        close(self.peer).await;
    }
}

async fn bind(config: &ClientConfig, numbers: PayloadTypes) -> Result<Peer, ClientError> {
    let addresses = config.bind.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
    Ok(Peer::bind(addresses, PeerOptions { video: config.video.is_some(), numbers, rebinds: true }).await?)
}

async fn timely<T>(making: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    tokio::time::timeout(OFFER_TIMEOUT, making).await.unwrap_or(Err(ClientError::Timeout("gathering candidates")))
}

async fn describe(peer: &mut Peer) -> Result<String, ClientError> {
    let offer = peer.connection.create_offer(None).await?;
    peer.connection.set_local_description(offer).await?;
    peer.gathered_description(0).await.ok_or(ClientError::Disconnected)
}

async fn connect(peer: &mut Peer, config: &ClientConfig, sdp: &str) -> Result<(), ClientError> {
    if !has_candidate(sdp) {
        return Err(ClientError::Response("an address to send to"));
    }
    peer.connection.set_remote_description(RTCSessionDescription::answer(sdp.to_owned())?).await?;
    let settled = peer.status.wait_for(|status| {
        matches!(
            status.state,
            RTCPeerConnectionState::Connected | RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
        )
    });
    let settled = tokio::time::timeout(config.connect_timeout, settled).await;
    let status = settled.map_err(|_| ClientError::Timeout("connecting"))?.map_err(|_| ClientError::Disconnected)?;
    if status.state == RTCPeerConnectionState::Connected { Ok(()) } else { Err(ClientError::Disconnected) }
}

async fn close(peer: Peer) {
    if peer.connection.close().await.is_err() {
        tracing::debug!("the peer connection did not close cleanly");
    }
}
