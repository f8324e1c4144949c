//! `healthsync bench vitals`.

use anyhow::Context as _;
use clap::Args;
use healthsync_loadtests::{
    machine::Machine,
    speech::process::output,
    vitals::{
        contest::{Question, RunResult, hold},
        load::{Level, Window},
        report::Report,
        servers::{Setup, System, memory_folder},
    },
};
use std::{path::PathBuf, time::Duration};

#[derive(Debug, Args)]
pub struct Options {
    /// A minute or two instead of half an hour: two runs of two seconds.
    #[arg(long)]
    quick: bool,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64, 256])]
    connections: Vec<usize>,
    /// Numbers of connections for runs in which each monitor sends at a pace: what a ward is like.
    #[arg(long, value_delimiter = ',', default_values_t = [256])]
    paced: Vec<usize>,
    /// How often each monitor of those sends, in milliseconds.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=60_000))]
    every_ms: u32,
    /// Runs of each system at each number, in turn.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: Option<u32>,
    /// How long each run is measured, in seconds, after a tenth of that has passed.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: Option<u32>,
    /// Cores for each server.
    #[arg(long, default_value_t = 2)]
    cores: usize,
    /// Only these systems.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Contender>,
    /// Environment with the peer.
    #[arg(long, default_value = ".tools/venv")]
    peers: PathBuf,
    /// The peer's script.
    #[arg(long, default_value = "loadtests/bench/vitals/hl7_server.py")]
    script: PathBuf,
    /// Where the report and the durable log go: the disk that is measured.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Contender {
    Loopback,
    Python,
    Memory,
    Durable,
}

impl Contender {
    const fn system(self) -> System {
        match self {
            Self::Loopback => System::Loopback,
            Self::Python => System::PythonHl7,
            Self::Memory => System::InMemory,
            Self::Durable => System::Durable,
        }
    }
}

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    anyhow::ensure!(options.cores > 0, "there must be at least one core");
    anyhow::ensure!(
        options.connections.iter().chain(&options.paced).all(|n| (1..=512).contains(n)),
        "connections must be 1 to 512"
    );
    let setup = setup(options)?;
    let seconds = options.seconds.unwrap_or(if options.quick { 2 } else { 10 });
    let measured = Duration::from_secs(seconds.into());
    let mut systems: Vec<System> = options.only.iter().map(|contender| contender.system()).collect();
    if systems.is_empty() {
        systems = System::ALL.to_vec();
    }
    let full = options.connections.iter().map(|&connections| Level { connections, every: None });
    let every = Some(Duration::from_millis(options.every_ms.into()));
    let paced = options.paced.iter().map(|&connections| Level { connections, every });
    let question = Question {
        levels: full.chain(paced).collect(),
        rounds: options.repeats.unwrap_or(if options.quick { 2 } else { 5 }) as usize,
        window: Window { warm_up: measured / 10, measured },
        systems,
    };
    let machine = Machine::here(options.cores, versions(&setup).await?, String::new());
    let runs = hold(&setup, &question, tell).await?;
    let report = Report { machine, rounds: question.rounds, seconds: measured.as_secs_f64(), runs };
    std::fs::write(options.out.join("vitals.md"), report.markdown())?;
    std::fs::write(options.out.join("vitals.json"), serde_json::to_vec_pretty(&report)?)?;
    println!("\n{}", report.markdown());
    Ok(())
}

fn setup(options: &Options) -> anyhow::Result<Setup> {
    let python = std::path::absolute(options.peers.join("bin/python"))?;
    anyhow::ensure!(python.is_file(), "{} is missing: run `make bench-vitals`", python.display());
    let out = std::path::absolute(&options.out)?;
    let logs = out.join("vitals-logs");
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    Ok(Setup {
        healthsync: std::env::current_exe()?,
        python,
        script: std::path::absolute(&options.script)?,
        cores: options.cores,
        logs,
        disk: out,
        memory: memory_folder().context("there is no folder in memory (/dev/shm)")?,
    })
}

async fn versions(setup: &Setup) -> anyhow::Result<String> {
    let mut command = tokio::process::Command::new(&setup.python);
    command.args(["-c", "import importlib.metadata as m, sys; print('python-hl7', m.version('hl7'), 'on Python', sys.version.split()[0])"]);
    let peer = output("python", command, Duration::from_mins(1)).await?;
    Ok(format!("healthsync {}, {}", env!("CARGO_PKG_VERSION"), peer.trim()))
}

fn tell(run: &RunResult) {
    let score = run.score_p99_ms.map(|ms| format!(", score p99 {ms:.1} ms")).unwrap_or_default();
    println!(
        "{:<26} {:>3} connections{}: {:>7.0} messages/s, acknowledged p50 {:.2} ms, p99 {:.2} ms{score}",
        run.system.name(),
        run.level.connections,
        if run.level.every.is_some() { ", paced" } else { "" },
        run.rate,
        run.ack_p50_ms,
        run.ack_p99_ms,
    );
}

pub(super) async fn echo() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("loopback is at {}", listener.local_addr()?);
    Ok(healthsync_loadtests::vitals::echo::serve(listener).await?)
}
