//! `healthsync bench pools`: how requests are batched, beside NVIDIA's Triton; what a request costs; what batching gives
//! real models; and live recognition beside the background. `loadtests/README.md` says what is measured.

mod door;
mod fake;
mod mixed;
mod options;
mod real;

pub use options::{DoorOptions, PoolsOptions};

pub(super) use door::serve;

use crate::config::Config;
use anyhow::Context as _;
use healthsync_actors::PoolConfig;
use healthsync_loadtests::{
    machine::Machine,
    pools::{
        ECHO, MODEL,
        closed::{self, Outcome},
        door::Client,
        report::{DoorRun, Report},
        servers::{Server, Setup, System},
    },
};
use options::Part;
use std::{path::Path, time::Duration};

/// Requests that may wait in a measured pool: more than any number of clients, so that nothing is refused.
const CAPACITY: usize = 1_024;

/// A pool as it is measured: one instance, and the rest as asked.
fn pool_config(name: &'static str, max_batch: usize, max_queue_delay: Duration) -> PoolConfig {
    PoolConfig { name, capacity: CAPACITY, max_batch, max_queue_delay, ..PoolConfig::default() }
}

pub(super) async fn run(config: &Config, options: &PoolsOptions) -> anyhow::Result<()> {
    anyhow::ensure!(options.cores > 0, "there must be at least one core");
    std::fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    let real = options.measures(Part::Batching) || options.measures(Part::Mixed);
    let (clips, described) = if real { real::clips(config, options)? } else { (Vec::new(), "none".to_owned()) };
    let versions = format!("healthsync {}, nvidia-pytriton 0.7.0 with Triton 2.51.0", env!("CARGO_PKG_VERSION"));
    let mut report = Report {
        machine: Machine::here(options.cores, versions, described),
        model: options.model(),
        door: Vec::new(),
        http: Vec::new(),
        in_process: Vec::new(),
        overhead: Vec::new(),
        handed: Vec::new(),
        batching: Vec::new(),
        mixed: Vec::new(),
    };
    if options.measures(Part::Door) {
        (report.door, report.http) = doors(options).await?;
        save(&report, &options.out)?;
    }
    if options.measures(Part::Pool) {
        println!("==> The pool itself");
        report.in_process = fake::loops(options).await?;
        (report.overhead, report.handed) = fake::overhead(options).await?;
        save(&report, &options.out)?;
    }
    if options.measures(Part::Batching) {
        println!("==> Real models, batching on and off");
        report.batching = real::run(config, options, &clips).await?;
        save(&report, &options.out)?;
    }
    if options.measures(Part::Mixed) {
        println!("==> Live recognition beside the background");
        report.mixed = mixed::run(config, options, &clips).await?;
        save(&report, &options.out)?;
    }
    println!("\n{}", report.markdown());
    Ok(())
}

/// Every server in turn; every second round backwards, so that none is always the one after the same other.
async fn doors(options: &PoolsOptions) -> anyhow::Result<(Vec<DoorRun>, Vec<Outcome>)> {
    println!("==> Beside Triton, over HTTP");
    let logs = std::path::absolute(options.out.join("pools-logs"))?;
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    let peers = std::path::absolute(options.peers.join("bin"))?;
    anyhow::ensure!(
        peers.join("tritonserver").is_file(),
        "{} has no tritonserver: run `make bench-pools`",
        peers.display()
    );
    let setup = Setup {
        healthsync: std::env::current_exe()?,
        peers,
        scripts: std::path::absolute(&options.scripts)?,
        model: options.model(),
        cores: options.cores,
        logs,
    };
    let (mut runs, mut http) = (Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        let mut order = System::ALL;
        if round % 2 == 1 {
            order.reverse();
        }
        for system in order {
            let server = Server::start(&setup, system).await?;
            for &clients in &options.clients {
                let outcome = through(&server, MODEL, clients, options).await?;
                tell(system.name(), &outcome);
                runs.push(DoorRun { system, outcome });
                if system == System::Adaptive {
                    let outcome = through(&server, ECHO, clients, options).await?;
                    tell("HTTP alone", &outcome);
                    http.push(outcome);
                }
            }
            server.stop().await;
        }
    }
    Ok((runs, http))
}

async fn through(server: &Server, model: &str, clients: usize, options: &PoolsOptions) -> anyhow::Result<Outcome> {
    let mut connected = Vec::with_capacity(clients);
    for number in 0..clients {
        connected.push(Client::connect(server.address, model, server.token.clone(), number).await?);
    }
    Ok(closed::run(connected, options.period()).await?)
}

fn tell(who: &str, outcome: &Outcome) {
    println!(
        "{who:<24} {:>3} clients: {:>7.1} /s, p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms",
        outcome.clients, outcome.per_second, outcome.p50_ms, outcome.p95_ms, outcome.p99_ms
    );
}

fn save(report: &Report, out: &Path) -> anyhow::Result<()> {
    std::fs::write(out.join("pools.md"), report.markdown())?;
    std::fs::write(out.join("pools.json"), serde_json::to_vec_pretty(report)?)?;
    Ok(())
}
