//! What `healthsync bench` takes.

use clap::{Args, ValueEnum};
use healthsync_loadtests::speech::{
    contest::Question,
    run::{Bounds, Lag, Pace},
};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    Streams,
    Engines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DecidingLag {
    Piece,
    Moment,
    Word,
}

#[derive(Debug, Args)]
pub struct SpeechOptions {
    /// Folder with an index.tsv (file, language, transcript) and recordings; the demo's voices when absent.
    #[arg(long, value_name = "FOLDER")]
    pub(super) recordings: Option<PathBuf>,
    /// Leave every recording at its own level, however much they differ.
    #[arg(long)]
    pub(super) as_recorded: bool,
    /// A few minutes instead of an hour: shorter streams, fewer of them, fewer runs.
    #[arg(long)]
    pub(super) quick: bool,
    /// Only one half.
    #[arg(long, value_enum)]
    pub(super) only: Option<Part>,
    /// The lag that decides whether streams are held.
    #[arg(long, value_enum, default_value = "piece")]
    pub(super) lag: DecidingLag,
    /// Share of the words, 0 to 1, that has to be recognised for streams to count as held.
    #[arg(long, default_value_t = 0.75)]
    pub(super) recall: f64,
    /// Cores, and threads, for each server and engine.
    #[arg(long, default_value_t = 2)]
    pub(super) cores: usize,
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Runs of each system, and passes of each engine, in turn.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) repeats: Option<u32>,
    /// Runs at a number of streams before it counts as not held.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(super) tries: Option<u32>,
    /// No search: every run has this many streams.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) streams: Option<u32>,
    /// How long each client speaks, in seconds.
    #[arg(long, value_parser = clap::value_parser!(u32).range(5..=3_600))]
    pub(super) seconds: Option<u32>,
    /// Silence after it, in which text may still come, in seconds.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(super) drain_seconds: Option<u32>,
    /// Recordings that an engine's pass takes; 0 for all.
    #[arg(long)]
    pub(super) clips: Option<usize>,
    /// Never more streams than this.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) most_streams: Option<u32>,
    /// Environment with the peers.
    #[arg(long, default_value = ".tools/bench")]
    pub(super) peers: PathBuf,
    /// Folder of the peers' scripts.
    #[arg(long, default_value = "loadtests/bench/speech/peers")]
    pub(super) scripts: PathBuf,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub struct PassOptions {
    #[arg(long)]
    pub(super) corpus: PathBuf,
    #[arg(long, value_enum)]
    pub(super) effort: PassEffort,
    #[arg(long, default_value_t = 2)]
    pub(super) threads: usize,
    /// Clips at most; 0 for all.
    #[arg(long, default_value_t = 0)]
    pub(super) limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PassEffort {
    Draft,
    Full,
}

impl SpeechOptions {
    /// What is asked of the streams.
    pub(super) fn question(&self) -> Question {
        let quick = self.quick;
        let lag = match self.lag {
            DecidingLag::Piece => Lag::Piece,
            DecidingLag::Moment => Lag::Moment,
            DecidingLag::Word => Lag::Word,
        };
        Question {
            pace: Pace {
                seconds: self.seconds.unwrap_or(if quick { 20 } else { 50 }),
                drain_seconds: self.drain_seconds.unwrap_or(10),
            },
            bounds: Bounds { lag_p95_ms: 2_000.0, coverage: 0.99, recall: self.recall },
            lag,
            most_streams: self.most_streams.unwrap_or(if quick { 6 } else { 48 }),
            fixed_streams: self.streams,
            repeats: self.repeats.unwrap_or(if quick { 2 } else { 5 }),
            tries: self.tries.unwrap_or(if quick { 1 } else { 2 }),
            seed: self.seed,
        }
    }
}
