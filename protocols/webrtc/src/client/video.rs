//! Sends RTP packets of video made elsewhere.

use super::ClientError;
use crate::{
    forward::{Codec, VideoCodec},
    peer::{PayloadTypes, is_keyframe_request},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;
use webrtc::media_stream::track_local::{TrackLocal, TrackLocalEvent, static_rtp::TrackLocalStaticRTP};

/// A connected video track.
pub struct VideoSender {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    payload_type: u8,
    /// Of the next packet.
    sequence: Mutex<u16>,
    requests: watch::Receiver<u64>,
}

impl VideoSender {
    pub(super) fn start(track: Arc<TrackLocalStaticRTP>, ssrc: u32, codec: VideoCodec) -> Self {
        let (counting, requests) = watch::channel(0);
        let polled = Arc::clone(&track);
        // Ends with the connection.
        tokio::spawn(async move {
            while let Some(event) = polled.poll().await {
                let TrackLocalEvent::OnRtcpPacket(packets) = event else { continue };
                let asked = packets.iter().filter(|packet| is_keyframe_request(packet.as_ref())).count();
                counting.send_modify(|requests| *requests += asked as u64);
            }
        });
        let (_, sequence, ..) = Uuid::new_v4().as_fields();
        let payload_type = PayloadTypes::SENDER.of(Codec::Video(codec));
        Self { track, ssrc, payload_type, sequence: Mutex::new(sequence), requests }
    }

    /// Sends one payload of at most an MTU; `marker` on the last of a frame. The timestamp is in ticks of 90 kHz.
    /// Gives the packet's sequence number.
    pub async fn send(&self, payload: Bytes, timestamp: u32, marker: bool) -> Result<u16, ClientError> {
        let mut sequence = self.sequence.lock().await;
        let header = rtc::rtp::Header {
            version: 2,
            marker,
            payload_type: self.payload_type,
            sequence_number: *sequence,
            timestamp,
            ssrc: self.ssrc,
            ..rtc::rtp::Header::default()
        };
        self.track.write_rtp(rtc::rtp::Packet { header, payload }).await?;
        let sent = *sequence;
        *sequence = sequence.wrapping_add(1);
        Ok(sent)
    }

    /// How often the other side has asked for a keyframe.
    pub fn keyframe_requests(&self) -> watch::Receiver<u64> {
        self.requests.clone()
    }
}
