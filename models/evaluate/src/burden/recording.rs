//! Recordings of vital signs, in the formats they are published in.

use healthsync_events::{Timestamp, VitalSigns};

/// One reading of what was measured at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub at: Timestamp,
    pub vitals: VitalSigns,
    /// Whether the recording's own label says that sepsis is there or near; `None` where it has no labels.
    pub sepsis: Option<bool>,
}

/// One patient's stay, in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    pub samples: Vec<Sample>,
    /// Between samples.
    pub interval_ms: i64,
}

impl Recording {
    /// Days of one bed, each sample standing for its interval.
    pub fn bed_days(&self) -> f64 {
        let ends = self.samples.first().zip(self.samples.last());
        ends.map_or(0.0, |(first, last)| {
            (last.at.millis() - first.at.millis() + self.interval_ms) as f64 / 86_400_000.0
        })
    }
}

/// Why a recording cannot be used. Says where, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    #[error("the header lacks the column {0}")]
    Column(&'static str),
    #[error("line {line} has not as many fields as the header")]
    Fields { line: usize },
    #[error("line {line}: {column} is not a number")]
    Number { line: usize, column: &'static str },
    #[error("line {line} of the header cannot be read: {reason}")]
    Header { line: usize, reason: &'static str },
    #[error("the signals are shorter than the header says")]
    Short,
    #[error("it holds more than {0} samples")]
    Long(usize),
}
