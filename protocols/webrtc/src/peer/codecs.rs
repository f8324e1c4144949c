//! Codecs as the stack is to know them, and local tracks that carry them.

use crate::{
    forward::{Codec, VIDEO_CLOCK_RATE, VideoCodec},
    media::RTP_CLOCK_RATE,
};
use rtc::{
    peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_VP8},
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
        RtpCodecKind,
    },
};
use uuid::Uuid;
use webrtc::{
    error::Result,
    media_stream::MediaStreamTrack,
    peer_connection::MediaEngine,
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};

/// Payload types that we offer codecs under. An answer takes the offer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PayloadTypes {
    pub opus: u8,
    pub vp8: u8,
    pub h264: u8,
}

impl PayloadTypes {
    /// As Chromium numbers them.
    pub const SENDER: Self = Self { opus: 111, vp8: 96, h264: 102 };

    /// As Firefox does: who receives is to be sent their own numbers.
    pub const RECEIVER: Self = Self { opus: 109, vp8: 120, h264: 126 };

    pub fn of(self, codec: Codec) -> u8 {
        match codec {
            Codec::Opus => self.opus,
            Codec::Video(VideoCodec::Vp8) => self.vp8,
            Codec::Video(VideoCodec::H264) => self.h264,
        }
    }
}

impl Default for PayloadTypes {
    fn default() -> Self {
        Self::SENDER
    }
}

/// A kind of media, as one track carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaFormat {
    Audio,
    Video,
}

impl MediaFormat {
    pub fn kind(self) -> RtpCodecKind {
        match self {
            Self::Audio => RtpCodecKind::Audio,
            Self::Video => RtpCodecKind::Video,
        }
    }

    /// A local track with this synchronisation source. What is sent on it under which payload type is agreed on
    /// with the other side; `codec` only says what to begin with.
    pub fn track(self, ssrc: u32, codec: Codec) -> MediaStreamTrack {
        let coding = RTCRtpCodingParameters { ssrc: Some(ssrc), ..RTCRtpCodingParameters::default() };
        let encoding = RTCRtpEncodingParameters {
            rtp_coding_parameters: coding,
            active: true,
            codec: rtp_codec(codec),
            ..RTCRtpEncodingParameters::default()
        };
        let label = if self == Self::Audio { "audio" } else { "video" };
        MediaStreamTrack::new(
            "healthsync".to_owned(),
            Uuid::new_v4().to_string(),
            label.to_owned(),
            self.kind(),
            vec![encoding],
        )
    }
}

/// A transceiver of this direction.
pub(crate) fn direction(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit { direction, streams: vec![], send_encodings: vec![] }
}

pub(super) fn register(media: &mut MediaEngine, video: bool, numbers: PayloadTypes) -> Result<()> {
    let mut add = |codec: Codec, kind: RtpCodecKind| {
        media.register_codec(
            RTCRtpCodecParameters { rtp_codec: rtp_codec(codec), payload_type: numbers.of(codec) },
            kind,
        )
    };
    add(Codec::Opus, RtpCodecKind::Audio)?;
    if video {
        add(Codec::Video(VideoCodec::Vp8), RtpCodecKind::Video)?;
        add(Codec::Video(VideoCodec::H264), RtpCodecKind::Video)?;
        let full_intra_request = RTCPFeedback { typ: "ccm".to_owned(), parameter: "fir".to_owned() };
        media.register_feedback(full_intra_request, RtpCodecKind::Video);
    }
    Ok(())
}

fn rtp_codec(codec: Codec) -> RTCRtpCodec {
    let (mime_type, clock_rate, channels, sdp_fmtp_line) = match codec {
        // Opus as WebRTC has it (RFC 7874, section 3). `useinbandfec` asks the sender for redundancy.
        Codec::Opus => (MIME_TYPE_OPUS, RTP_CLOCK_RATE, 2, "minptime=10;useinbandfec=1"),
        Codec::Video(VideoCodec::Vp8) => (MIME_TYPE_VP8, VIDEO_CLOCK_RATE, 0, ""),
        Codec::Video(VideoCodec::H264) => {
            let constrained_baseline = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
            (MIME_TYPE_H264, VIDEO_CLOCK_RATE, 0, constrained_baseline)
        }
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: sdp_fmtp_line.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}
