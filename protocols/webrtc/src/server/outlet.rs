//! A track on its way out.

use super::connection::Ended;
use crate::{
    forward::{Codec, Rewriter, SourcePacket, VIDEO_CLOCK_RATE, VideoCodec},
    media::RTP_CLOCK_RATE,
    peer::MediaFormat,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;
use webrtc::media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP};

/// For the stack to take one packet. Its own queue holds 256; it takes none only when its task is held up, which
/// is an end that nobody else tells us about.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Outlet {
    pub track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    /// What the viewer takes, under which payload types.
    formats: Vec<(u8, Codec)>,
    rewriter: Rewriter,
}

/// What an RTP header says that we decide.
pub(super) struct Numbers {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
}

impl Outlet {
    /// For sound, under one of the payload types that the viewer offered for Opus.
    pub fn audio(opus: &[u8]) -> Self {
        let formats = opus.iter().take(1).map(|format| (*format, Codec::Opus)).collect();
        Self::new(MediaFormat::Audio, formats, Codec::Opus, RTP_CLOCK_RATE)
    }

    /// For pictures, if the viewer offered to take any.
    pub fn video(offered: &[(u8, VideoCodec)]) -> Option<Self> {
        let (_, first) = *offered.first()?;
        let formats = offered.iter().map(|(format, codec)| (*format, Codec::Video(*codec))).collect();
        Some(Self::new(MediaFormat::Video, formats, Codec::Video(first), VIDEO_CLOCK_RATE))
    }

    fn new(format: MediaFormat, formats: Vec<(u8, Codec)>, codec: Codec, clock_rate: u32) -> Self {
        let (ssrc, sequence, ..) = Uuid::new_v4().as_fields();
        let (timestamp, ..) = Uuid::new_v4().as_fields();
        let track = Arc::new(TrackLocalStaticRTP::new(format.track(ssrc, codec)));
        Self { track, ssrc, formats, rewriter: Rewriter::new(clock_rate, sequence, timestamp) }
    }

    /// Sends a participant's packet on. `false` for one that the viewer has no use for. `now` is counted from any
    /// fixed instant.
    pub async fn forward(&mut self, packet: &SourcePacket, now: Duration) -> Result<bool, Ended> {
        let SourcePacket { source, sequence, timestamp, marker, .. } = *packet;
        if !self.formats.iter().any(|(_, codec)| *codec == packet.codec) {
            return Ok(false);
        }
        let Some((sequence, timestamp)) = self.rewriter.rewrite(source, sequence, timestamp, now) else {
            return Ok(false);
        };
        self.send(packet.codec, Numbers { sequence, timestamp, marker }, packet.payload.clone()).await
    }

    /// Sends a payload. `false` when the viewer does not take this codec.
    pub async fn send(&self, codec: Codec, numbers: Numbers, payload: Bytes) -> Result<bool, Ended> {
        let Some((payload_type, _)) = self.formats.iter().find(|(_, taken)| *taken == codec) else {
            return Ok(false);
        };
        let header = rtc::rtp::Header {
            version: 2,
            marker: numbers.marker,
            payload_type: *payload_type,
            sequence_number: numbers.sequence,
            timestamp: numbers.timestamp,
            ssrc: self.ssrc,
            ..rtc::rtp::Header::default()
        };
        let writing = self.track.write_rtp(rtc::rtp::Packet { header, payload });
        match tokio::time::timeout(SEND_TIMEOUT, writing).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(_)) => Err(Ended::PeerClosed),
            Err(_) => Err(Ended::Stuck),
        }
    }
}
