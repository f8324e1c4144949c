//! The answer to an offer.

use crate::{
    error::WhipError,
    peer::{MediaFormat, Peer, direction},
    sdp::{Offer, finish_answer, has_candidate},
};
use std::{net::IpAddr, sync::Arc};
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::RTCSessionDescription,
    rtp_transceiver::RTCRtpTransceiverDirection,
};

const FAILED: WhipError = WhipError::Failed("no answer could be made");

/// Prepares to receive a kind of media.
pub(super) async fn receive(peer: &Peer, format: MediaFormat) -> Result<(), WhipError> {
    let init = direction(RTCRtpTransceiverDirection::Recvonly);
    peer.connection.add_transceiver_from_kind(format.kind(), Some(init)).await.map_err(|_| FAILED)?;
    Ok(())
}

/// Prepares to send a track.
pub(super) async fn send(peer: &Peer, track: Arc<TrackLocalStaticRTP>) -> Result<(), WhipError> {
    let init = direction(RTCRtpTransceiverDirection::Sendonly);
    let track: Arc<dyn TrackLocal> = track;
    peer.connection.add_transceiver_from_track(track, Some(init)).await.map_err(|_| FAILED)?;
    Ok(())
}

/// Answers the offer with what was prepared, all candidates in it.
pub(super) async fn answer(peer: &mut Peer, offer: &Offer, advertise: &[IpAddr]) -> Result<String, WhipError> {
    let malformed = |_| WhipError::Malformed("the media stack cannot read it");
    let connection = Arc::clone(&peer.connection);
    let description = RTCSessionDescription::offer(offer.sdp.clone()).map_err(malformed)?;
    connection.set_remote_description(description).await.map_err(malformed)?;
    let answer = connection.create_answer(None).await.map_err(|_| FAILED)?;
    connection.set_local_description(answer).await.map_err(|_| FAILED)?;
    let answer = peer.gathered_description(0).await.ok_or(FAILED)?;
    if !has_candidate(&answer) {
        return Err(WhipError::Failed("no address to receive on"));
    }
    Ok(finish_answer(&answer, advertise))
}
