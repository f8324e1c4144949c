//! What happened to one stream: when its audio went out, and what was to be read when. The same for every system.

use super::corpus::{SAMPLE_RATE, Script, Span};
use std::{sync::Arc, time::Instant};

/// A stretch of text and the audio it says it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// On the stream's media clock.
    pub span: Span,
    pub text: Arc<str>,
    /// It will not change any more.
    pub is_final: bool,
}

/// Everything that is to be read of a stream from `at_ms` on, in the order it is spoken.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Arrival of the message that made it so, in milliseconds since the run began.
    pub at_ms: f64,
    pub blocks: Vec<Block>,
}

/// When each bit of audio went out.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// End of the bit on the media clock, when it was sent; both in milliseconds, in order.
    chunks: Vec<(f64, f64)>,
}

impl Sent {
    pub fn push(&mut self, media_end_ms: f64, at_ms: f64) {
        self.chunks.push((media_end_ms, at_ms));
    }

    /// When the audio at `media_ms` was sent; the newest bit's time for what was never sent.
    pub fn at(&self, media_ms: f64) -> Option<f64> {
        let index = self.chunks.partition_point(|(end, _)| *end < media_ms);
        self.chunks.get(index).or(self.chunks.last()).map(|(_, at)| *at)
    }
}

/// One stream from its first sample to its last text.
#[derive(Debug, Clone)]
pub struct Recording {
    pub script: Script,
    /// Where each clip of the script begins on the media clock, in milliseconds.
    pub starts_ms: Vec<f64>,
    pub sent: Sent,
    pub snapshots: Vec<Snapshot>,
    /// By how much the client itself fell behind real time, at its worst.
    pub client_late_ms: f64,
    /// What the server said went wrong.
    pub errors: Vec<String>,
}

/// Milliseconds since `epoch`.
pub fn since(epoch: Instant, at: Instant) -> f64 {
    at.saturating_duration_since(epoch).as_secs_f64() * 1e3
}

/// Length of so many samples in milliseconds.
pub fn length_ms(samples: usize) -> f64 {
    samples as f64 * 1e3 / f64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_was_sent_with_the_bit_it_is_in() {
        let mut sent = Sent::default();
        sent.push(100.0, 1_000.0);
        sent.push(200.0, 1_100.0);
        assert_eq!(sent.at(0.0), Some(1_000.0));
        assert_eq!(sent.at(100.0), Some(1_000.0));
        assert_eq!(sent.at(100.5), Some(1_100.0));
        assert_eq!(sent.at(900.0), Some(1_100.0));
        assert_eq!(Sent::default().at(0.0), None);
    }
}
