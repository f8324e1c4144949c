//! The systems under test. Each runs through a whole round, so that the order of a round costs none of them a start.

use crate::{
    ApiClient,
    speech::{
        BenchError,
        process::{Running, on_cores},
    },
};
use serde::Serialize;
use std::{
    ffi::OsStr,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a server may take to load what it serves with.
const READY_LIMIT: Duration = Duration::from_mins(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum System {
    /// Bytes sent back as they came.
    Loopback,
    /// Parses and acknowledges; keeps nothing.
    PythonHl7,
    /// Everything but the disk: the log is in memory.
    InMemory,
    /// As it is: durable before it acknowledges.
    Durable,
}

impl System {
    pub const ALL: [Self; 4] = [Self::Loopback, Self::PythonHl7, Self::InMemory, Self::Durable];

    pub fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::PythonHl7 => "python-hl7",
            Self::InMemory => "HealthSync, log in memory",
            Self::Durable => "HealthSync, durable",
        }
    }
}

/// What servers are started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The `healthsync` command.
    pub healthsync: PathBuf,
    /// Python of the environment with the peer.
    pub python: PathBuf,
    /// The peer's script.
    pub script: PathBuf,
    /// Cores that a server may use.
    pub cores: usize,
    /// Where logs are kept.
    pub logs: PathBuf,
    /// A folder on the disk that the durable log is to be on.
    pub disk: PathBuf,
    /// A folder in memory.
    pub memory: PathBuf,
}

/// A system that serves.
pub struct Server {
    pub system: System,
    pub mllp: SocketAddr,
    /// Of HealthSync's HTTP door.
    pub api: Option<ApiClient>,
    running: Running,
    /// What it keeps; goes with it.
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    pub async fn start(setup: &Setup, system: System) -> Result<Self, BenchError> {
        match system {
            System::Loopback => {
                let mut command = on_cores(setup.cores, setup.healthsync.as_os_str());
                command.args(["bench", "mllp-echo"]);
                Self::plain(setup, system, command, "loopback is at").await
            }
            System::PythonHl7 => {
                let mut command = on_cores(setup.cores, setup.python.as_os_str());
                command.arg(&setup.script);
                Self::plain(setup, system, command, "python-hl7 is at").await
            }
            System::InMemory => Self::healthsync(setup, system, &setup.memory).await,
            System::Durable => Self::healthsync(setup, system, &setup.disk).await,
        }
    }

    async fn plain(
        setup: &Setup,
        system: System,
        command: tokio::process::Command,
        banner: &'static str,
    ) -> Result<Self, BenchError> {
        let log = setup.logs.join(format!("{system:?}.log"));
        let running = Running::start(system.name(), command, banner, &log).await?;
        let said = running.ready(READY_LIMIT).await?;
        Ok(Self { system, mllp: address(system, &said)?, api: None, running, _folder: None })
    }

    async fn healthsync(setup: &Setup, system: System, within: &Path) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir_in(within).map_err(|e| BenchError::program("a temporary folder", e))?;
        let mut command = on_cores(setup.cores, setup.healthsync.as_os_str());
        command
            .arg("serve")
            .current_dir(folder.path())
            .env("HEALTHSYNC__HTTP__LISTEN", "127.0.0.1:0")
            .env("HEALTHSYNC__MLLP__LISTEN", "127.0.0.1:0")
            .env("HEALTHSYNC__SESSIONS__MAX_OPEN", "2048")
            // Nobody speaks: models that are not there need no memory.
            .env("HEALTHSYNC__MODELS__CAPTIONS_ONLY", "true")
            .env("HEALTHSYNC__STORAGE__PATH", folder.path().join("log.db"));
        let log = setup.logs.join(format!("{system:?}.log"));
        let running = Running::start(system.name(), command, "HealthSync is at", &log).await?;
        let banner = running.ready(READY_LIMIT).await?;
        let url = banner.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.ok_or_else(|| BenchError::program(system.name(), "it does not say where it is"))?;
        let api = ApiClient::new(url.trim_end_matches([',', ';']))?;
        api.wait_until_ready(READY_LIMIT).await?;
        Ok(Self { system, mllp: address(system, &banner)?, api: Some(api), running, _folder: Some(folder) })
    }

    /// Processor seconds so far.
    pub fn cpu_seconds(&self) -> Option<f64> {
        self.running.usage().map(|usage| usage.cpu_seconds)
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// The last word of a banner.
fn address(system: System, banner: &str) -> Result<SocketAddr, BenchError> {
    let address = banner.split_whitespace().last().and_then(|word| word.parse().ok());
    address.ok_or_else(|| BenchError::program(system.name(), "it does not say where it is"))
}

/// Where files are in memory, if there is such a folder.
pub fn memory_folder() -> Option<PathBuf> {
    let folder = Path::new(OsStr::new("/dev/shm"));
    folder.is_dir().then(|| folder.to_owned())
}
