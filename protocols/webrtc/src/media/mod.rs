//! From RTP packets to audio frames: reordering, loss concealment and Opus decoding.
//!
//! Nothing here reads a clock or a socket: packets come with the time they arrived at, and frames come out.

mod decode;
mod lbrr;
mod reorder;
mod track;

pub use decode::MAX_CONCEAL;
pub(crate) use decode::packet_samples;
pub use reorder::{DEPTH, MAX_WAIT};
pub use track::{MAX_LEAD, MAX_PAYLOAD_BYTES, MediaStats, TrackReceiver};

use bytes::Bytes;

/// RTP clock rate of Opus, in hertz, whatever rate is coded (RFC 7587, section 4.1).
pub const RTP_CLOCK_RATE: u32 = 48_000;

/// Ticks of the RTP clock for one sample at 16 kHz.
pub(crate) const TICKS_PER_SAMPLE: u32 = RTP_CLOCK_RATE / healthsync_events::audio::SAMPLE_RATE;

/// The parts of an RTP packet that decoding needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPacket {
    /// Synchronisation source: a new one begins a new stream on the same track.
    pub ssrc: u32,
    /// Wraps around.
    pub sequence: u16,
    /// In ticks of [`RTP_CLOCK_RATE`]; starts anywhere and wraps around.
    pub timestamp: u32,
    /// One Opus packet (RFC 6716, section 3).
    pub payload: Bytes,
}
