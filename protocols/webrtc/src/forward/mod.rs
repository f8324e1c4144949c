//! From one sender's packets to many receivers': numbering, pacing, and when to ask for a keyframe.
//!
//! Pure: no socket, no clock. Payloads pass untouched; what changes are the fields of the RTP header that belong to
//! one connection.

mod keyframe;
mod rewrite;
mod speech;

pub use keyframe::{KeyframeGate, MIN_INTERVAL};
pub use rewrite::{Rewriter, SourceId};
pub use speech::{MAX_QUEUED, SpeechPacer, SpokenPacket};

use bytes::Bytes;

/// RTP clock rate of every video payload format we forward, in hertz (RFC 7741, section 4.1; RFC 6184,
/// section 5.1).
pub const VIDEO_CLOCK_RATE: u32 = 90_000;

/// Video that is forwarded: what every browser can send and decode (RFC 7742, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    Vp8,
    /// Constrained baseline, packetisation mode 1.
    H264,
}

impl VideoCodec {
    /// As `a=rtpmap` has it.
    pub fn rtpmap(self) -> &'static str {
        match self {
            Self::Vp8 => "VP8/90000",
            Self::H264 => "H264/90000",
        }
    }
}

/// What a packet's payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    Video(VideoCodec),
}

/// A packet on its way from the one who sends to those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePacket {
    pub source: SourceId,
    pub codec: Codec,
    /// As sent.
    pub sequence: u16,
    /// As sent, in ticks of the codec's clock.
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Bytes,
}
