//! Audio on its way in: what a transport hands to a session's audio track.

use crate::{
    ids::{Language, ParticipantId},
    refusal::Refusal,
};

/// Sample rate of every [`AudioFrame`], in hertz.
pub const SAMPLE_RATE: u32 = 16_000;

/// Decoded mono audio, in order. Lost packets are concealed by the transport, so that media time never jumps.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioFrame {
    /// 16 kHz mono, nominally within -1.0 to 1.0.
    pub samples: Vec<f32>,
    /// Media time of the first sample since the track began, in samples at 16 kHz.
    pub at: u64,
    /// Whether the decoder made these samples up for a packet that never came.
    pub concealed: bool,
}

/// Who speaks on a track, and in which language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrackSpec {
    pub participant: ParticipantId,
    pub language: Language,
}

/// Where a transport puts a track's audio. Dropping it closes the track.
pub trait AudioSink: Send {
    /// Never waits. [`Refusal::Overloaded`] means the frame was not taken and the track lives on;
    /// any other refusal means that no later frame will be taken either.
    fn push(&mut self, frame: AudioFrame) -> Result<(), Refusal>;
}
