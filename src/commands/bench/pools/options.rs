//! What `healthsync bench pools` takes.

use clap::{Args, ValueEnum};
use healthsync_loadtests::pools::{FakeModel, closed::Period};
use std::{path::PathBuf, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// A fake model through the HTTP doors of this server and of Triton.
    Door,
    /// The same within the process, and what a request costs.
    Pool,
    /// Real models with batching on and off.
    Batching,
    /// Live recognition beside the background.
    Mixed,
}

/// The fake model and how its requests are batched, the same in every server.
#[derive(Debug, Clone, Copy, Args)]
pub struct ModelOptions {
    /// What a run of the fake model takes, in microseconds.
    #[arg(long, default_value_t = 5_000)]
    base_us: u32,
    /// What each item adds to it, in microseconds.
    #[arg(long, default_value_t = 100)]
    per_item_us: u32,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    max_batch: u16,
    /// How long the first request of a batch waits for others, in microseconds.
    #[arg(long, default_value_t = 1_000)]
    delay_us: u32,
}

impl ModelOptions {
    pub(super) fn model(self) -> FakeModel {
        let micros = |micros: u32| Duration::from_micros(micros.into());
        FakeModel {
            base: micros(self.base_us),
            per_item: micros(self.per_item_us),
            max_batch: self.max_batch.into(),
            max_queue_delay: micros(self.delay_us),
        }
    }
}

#[derive(Debug, Args)]
pub struct PoolsOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// A few minutes: shorter runs, fewer of them.
    #[arg(long)]
    pub(super) quick: bool,
    /// Only these parts, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Numbers of clients, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32,64,256", value_parser = clients)]
    pub(super) clients: Vec<usize>,
    /// Runs of each, in turn.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: Option<u32>,
    /// Seconds that a run of the fake model is measured.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: Option<u32>,
    /// Seconds that a run of a real model is measured.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    real_seconds: Option<u32>,
    /// Folder with an index.tsv (file, language, transcript) and recordings, for the real models; the demo's voices when
    /// absent.
    #[arg(long, value_name = "FOLDER")]
    pub(super) recordings: Option<PathBuf>,
    /// Cores for each server.
    #[arg(long, default_value_t = 2)]
    pub(super) cores: usize,
    /// Environment with the peers.
    #[arg(long, default_value = ".tools/bench-pools")]
    pub(super) peers: PathBuf,
    /// Folder of the peers' scripts.
    #[arg(long, default_value = "loadtests/bench/pools/peers")]
    pub(super) scripts: PathBuf,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench")]
    pub(super) out: PathBuf,
}

/// Each client is a connection, and a server has so many file descriptors.
fn clients(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|clients| (1..=512).contains(clients)).ok_or_else(|| "1 to 512 clients".into())
}

impl PoolsOptions {
    pub(super) fn model(&self) -> FakeModel {
        self.model.model()
    }

    pub(super) fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub(super) fn rounds(&self) -> u32 {
        self.repeats.unwrap_or(if self.quick { 2 } else { 5 })
    }

    /// Of a run of the fake model.
    pub(super) fn period(&self) -> Period {
        let measured = self.seconds.unwrap_or(if self.quick { 2 } else { 5 });
        Period { warm_up: Duration::from_secs(1), measured: Duration::from_secs(measured.into()) }
    }

    /// Of a run of a real model.
    pub(super) fn real_period(&self) -> Period {
        let measured = self.real_seconds.unwrap_or(if self.quick { 10 } else { 30 });
        Period { warm_up: Duration::from_secs(3), measured: Duration::from_secs(measured.into()) }
    }
}

#[derive(Debug, Args)]
pub struct DoorOptions {
    #[command(flatten)]
    pub(super) model: ModelOptions,
    #[arg(long)]
    pub(super) token_file: PathBuf,
}
