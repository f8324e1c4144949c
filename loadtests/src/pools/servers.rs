//! The servers under test: the same model, batch size and delay in each.

use super::{FakeModel, INPUT, ITEM, MODEL, OUTPUT};
use crate::speech::{
    BenchError,
    process::{Running, on_cores},
    servers::free_port,
};
use serde::Serialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpStream;

/// How long a server may take until it serves.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// How often it is tried whether a server listens.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Within which an adaptive server answers: several batches of the model, so that it is the batches that are measured.
const LATENCY_TARGET: Duration = Duration::from_millis(50);

/// Said to be the token of our server: whoever measures has no other.
const TOKEN: &str = "the-token-of-a-benchmark-on-loopback";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum System {
    /// With the delay that the others have.
    HealthSync,
    /// With a latency target instead, from which it finds how long to wait.
    Adaptive,
    /// With its Python backend.
    Triton,
    /// A function of a Python program, bound to a Triton that it starts.
    PyTriton,
}

impl System {
    pub const ALL: [Self; 4] = [Self::Adaptive, Self::HealthSync, Self::Triton, Self::PyTriton];

    pub fn name(self) -> &'static str {
        match self {
            Self::HealthSync => "HealthSync, fixed delay",
            Self::Adaptive => "HealthSync, latency target",
            Self::Triton => "Triton",
            Self::PyTriton => "PyTriton",
        }
    }
}

/// What servers are started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The `healthsync` command.
    pub healthsync: PathBuf,
    /// Folder of the commands that `loadtests/bench/pools/setup.sh` makes.
    pub peers: PathBuf,
    /// Folder of the peers' scripts.
    pub scripts: PathBuf,
    pub model: FakeModel,
    /// Cores that a server may use.
    pub cores: usize,
    /// Where logs are kept.
    pub logs: PathBuf,
}

/// A server that serves.
pub struct Server {
    running: Running,
    pub address: SocketAddr,
    pub token: Option<String>,
    /// What it reads goes with it.
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start(setup: &Setup, system: System) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(|e| BenchError::program("a temporary folder", e))?;
        match system {
            System::HealthSync => Self::healthsync(setup, folder, Duration::ZERO).await,
            System::Adaptive => Self::healthsync(setup, folder, LATENCY_TARGET).await,
            System::Triton => Self::triton(setup, folder).await,
            System::PyTriton => Self::pytriton(setup, folder).await,
        }
    }

    async fn healthsync(setup: &Setup, folder: tempfile::TempDir, target: Duration) -> Result<Self, BenchError> {
        let token = folder.path().join("token");
        std::fs::write(&token, TOKEN).map_err(BenchError::file(&token))?;
        let FakeModel { base, per_item, max_batch, max_queue_delay } = setup.model;
        let micros = |duration: Duration| duration.as_micros().to_string();
        let mut command = on_cores(setup.cores, setup.healthsync.as_os_str());
        command
            .args(["bench", "pools-door", "--base-us", &micros(base), "--per-item-us", &micros(per_item)])
            .args(["--max-batch", &max_batch.to_string(), "--delay-us", &micros(max_queue_delay)])
            .args(["--latency-target-ms", &target.as_millis().to_string()])
            .arg("--token-file")
            .arg(&token);
        let log = setup.logs.join("healthsync.log");
        let running = Running::start("healthsync bench pools-door", command, "KServe v2 at", &log).await?;
        let banner = running.ready(READY_LIMIT).await?;
        let address = banner.split_whitespace().last().and_then(|word| word.parse().ok());
        let address = address.ok_or_else(|| BenchError::program("healthsync", "it does not say where it is"))?;
        Ok(Self { running, address, token: Some(TOKEN.into()), _folder: folder })
    }

    async fn triton(setup: &Setup, folder: tempfile::TempDir) -> Result<Self, BenchError> {
        write_repository(folder.path(), setup)?;
        let port = free_port()?;
        let mut command = on_cores(setup.cores, setup.peers.join("tritonserver").as_os_str());
        command
            .arg(format!("--model-repository={}", folder.path().display()))
            .args(["--http-address=127.0.0.1", &format!("--http-port={port}")])
            .args(["--allow-grpc=false", "--allow-metrics=false"])
            .env("BENCH_BASE_SECONDS", seconds(setup.model.base))
            .env("BENCH_PER_ITEM_SECONDS", seconds(setup.model.per_item));
        let log = setup.logs.join("triton.log");
        let running = Running::start("tritonserver", command, "Started HTTPService", &log).await?;
        // It says so when its models are loaded, unless they fail: then it ends. It listens a moment later.
        running.ready(READY_LIMIT).await?;
        let address = ([127, 0, 0, 1], port).into();
        listening("tritonserver", address).await?;
        Ok(Self { running, address, token: None, _folder: folder })
    }

    async fn pytriton(setup: &Setup, folder: tempfile::TempDir) -> Result<Self, BenchError> {
        let port = free_port()?;
        let FakeModel { base, per_item, max_batch, max_queue_delay } = setup.model;
        let mut command = on_cores(setup.cores, setup.peers.join("pytriton-python").as_os_str());
        command
            .arg(setup.scripts.join("pytriton_server.py"))
            .args([port.to_string(), max_batch.to_string(), max_queue_delay.as_micros().to_string()])
            .args([seconds(base), seconds(per_item), ITEM.to_string()])
            .current_dir(folder.path());
        let log = setup.logs.join("pytriton.log");
        let running = Running::start("PyTriton", command, "PyTriton serves", &log).await?;
        running.ready(READY_LIMIT).await?;
        let address = ([127, 0, 0, 1], port).into();
        listening("PyTriton", address).await?;
        Ok(Self { running, address, token: None, _folder: folder })
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// Waits until somebody listens there.
async fn listening(name: &'static str, address: SocketAddr) -> Result<(), BenchError> {
    let connected = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let done = tokio::time::timeout(READY_LIMIT, connected).await;
    done.map_err(|_| BenchError::program(name, "it says that it is ready and does not listen"))
}

fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

/// Triton's model repository: the configuration, and the model beside it.
fn write_repository(folder: &Path, setup: &Setup) -> Result<(), BenchError> {
    let model = folder.join(MODEL);
    let version = model.join("1");
    std::fs::create_dir_all(&version).map_err(BenchError::file(&version))?;
    let script = setup.scripts.join("triton_model.py");
    std::fs::copy(&script, version.join("model.py")).map_err(BenchError::file(&script))?;
    let FakeModel { max_batch, max_queue_delay, .. } = setup.model;
    let config = format!(
        "name: \"{MODEL}\"\nbackend: \"python\"\nmax_batch_size: {max_batch}\n\
         input [ {{ name: \"{INPUT}\" data_type: TYPE_FP32 dims: [ {ITEM} ] }} ]\n\
         output [ {{ name: \"{OUTPUT}\" data_type: TYPE_FP32 dims: [ {ITEM} ] }} ]\n\
         instance_group [ {{ count: 1 kind: KIND_CPU }} ]\n\
         dynamic_batching {{ max_queue_delay_microseconds: {} }}\n",
        max_queue_delay.as_micros()
    );
    let path = model.join("config.pbtxt");
    std::fs::write(&path, config).map_err(BenchError::file(&path))
}
