//! The systems under test, started afresh for each run.

use super::{
    BenchError,
    corpus::Script,
    healthsync,
    process::{Running, Usage, on_cores},
    profile::Probe,
    record::Recording,
    whisper_live,
};
use crate::{ApiClient, Endpoints};
use serde::Serialize;
use std::{
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::process::Command;

/// How long a server may take to load what it serves with.
const READY_LIMIT: Duration = Duration::from_mins(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum System {
    HealthSync,
    /// One model, clients take turns: its way for many clients.
    WhisperLive,
    /// Its batched inference, greedy as it comes.
    WhisperLiveBatched,
}

impl System {
    pub fn name(self) -> &'static str {
        match self {
            Self::HealthSync => "HealthSync",
            Self::WhisperLive => "WhisperLive",
            Self::WhisperLiveBatched => "WhisperLive, batched",
        }
    }
}

/// What servers are started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The `healthsync` command.
    pub healthsync: PathBuf,
    /// Python of the environment with the peers.
    pub python: PathBuf,
    /// Folder of the peers' scripts.
    pub scripts: PathBuf,
    /// Folder of the CTranslate2 weights.
    pub weights: PathBuf,
    /// Cores that a server may use, and its threads.
    pub cores: usize,
    /// Where logs are kept.
    pub logs: PathBuf,
}

/// A system that serves.
pub struct Server {
    system: System,
    running: Running,
    url: String,
    /// What it keeps on disk; goes with it.
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start(setup: &Setup, system: System) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(|e| BenchError::program("a temporary folder", e))?;
        match system {
            System::HealthSync => Self::healthsync(setup, folder).await,
            System::WhisperLive => Self::whisper_live(setup, folder, false).await,
            System::WhisperLiveBatched => Self::whisper_live(setup, folder, true).await,
        }
    }

    async fn healthsync(setup: &Setup, folder: tempfile::TempDir) -> Result<Self, BenchError> {
        let mut command = on_cores(setup.cores, setup.healthsync.as_os_str());
        // The peer neither translates nor speaks.
        command.env("HEALTHSYNC__MODELS__CAPTIONS_ONLY", "true");
        let log = setup.logs.join("healthsync.log");
        let HealthSync { running, doors } = HealthSync::start(command, folder.path(), setup.cores, &log).await?;
        let url = doors.http;
        Ok(Self { system: System::HealthSync, running, url, _folder: folder })
    }

    async fn whisper_live(setup: &Setup, folder: tempfile::TempDir, batched: bool) -> Result<Self, BenchError> {
        let port = free_port()?;
        let mut command = on_cores(setup.cores, setup.python.as_os_str());
        command
            .arg(setup.scripts.join("whisper_live_server.py"))
            .args([OsStr::new("--model"), setup.weights.as_os_str()])
            .args(["--port", &port.to_string(), "--threads", &setup.cores.to_string()])
            .args(batched.then_some("--batch"))
            .current_dir(folder.path());
        let log = setup.logs.join(if batched { "whisper-live-batched.log" } else { "whisper-live.log" });
        let running = Running::start("WhisperLive", command, "server listening on", &log).await?;
        running.ready(READY_LIMIT).await?;
        let system = if batched { System::WhisperLiveBatched } else { System::WhisperLive };
        Ok(Self { system, running, url: format!("ws://127.0.0.1:{port}"), _folder: folder })
    }

    /// Lets one client speak; what it got back.
    pub async fn speak(
        &self,
        script: Script,
        name: String,
        epoch: Instant,
        drain: Duration,
    ) -> Result<Recording, BenchError> {
        match self.system {
            System::HealthSync => healthsync::speak(&self.url, script, &name, epoch, drain).await,
            System::WhisperLive | System::WhisperLiveBatched => {
                whisper_live::speak(&self.url, script, &name, epoch, drain).await
            }
        }
    }

    pub fn usage(&self) -> Option<Usage> {
        self.running.usage()
    }

    /// What it has spent its time on so far; `None` for a peer, which does not tell.
    pub async fn probe(&self) -> Result<Option<Probe>, BenchError> {
        let (Some(folder), System::HealthSync) = (self.running.folder(), self.system) else { return Ok(None) };
        let metrics = ApiClient::new(&self.url)?.metrics().await?;
        let process_seconds = self.usage().map(|usage| usage.cpu_seconds).unwrap_or_default();
        Ok(Some(Probe { threads: Probe::threads_of(&folder), process_seconds, metrics }))
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// This server, ready.
pub struct HealthSync {
    pub running: Running,
    pub doors: Endpoints,
}

impl HealthSync {
    /// Starts `command`, which is to be `healthsync` itself, with its log in `folder` and what it says in `log`.
    pub async fn start(mut command: Command, folder: &Path, threads: usize, log: &Path) -> Result<Self, BenchError> {
        command
            .arg("serve")
            .current_dir(folder)
            .env("HEALTHSYNC__HTTP__LISTEN", "127.0.0.1:0")
            .env("HEALTHSYNC__MLLP__LISTEN", "127.0.0.1:0")
            .env("HEALTHSYNC__STORAGE__PATH", folder.join("log.db"))
            .env("HEALTHSYNC__MODELS__TRANSCRIBE_THREADS", threads.to_string());
        let running = Running::start("healthsync serve", command, "HealthSync is at", log).await?;
        let banner = running.ready(READY_LIMIT).await?;
        let doors =
            doors(&banner).ok_or_else(|| BenchError::program("healthsync serve", "it does not say where it is"))?;
        ApiClient::new(&doors.http)?.wait_until_ready(READY_LIMIT).await?;
        Ok(Self { running, doors })
    }
}

/// What the server says of where it is.
fn doors(banner: &str) -> Option<Endpoints> {
    let http = banner.split_whitespace().find(|word| word.starts_with("http://"))?;
    let mllp = banner.split_whitespace().next_back()?.parse().ok()?;
    Some(Endpoints { http: http.trim_end_matches([',', ';']).to_owned(), mllp })
}

/// A port of loopback that nobody listened on just now: the peer does not tell which one it got when asked for any.
pub(crate) fn free_port() -> Result<u16, BenchError> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(|e| BenchError::program("a free port", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_tells_both_doors() {
        let doors =
            doors("HealthSync is at http://127.0.0.1:8080 and takes HL7 v2 over MLLP at 127.0.0.1:2575").unwrap();
        assert_eq!((doors.http.as_str(), doors.mllp.port()), ("http://127.0.0.1:8080", 2_575));
        assert!(super::doors("it failed").is_none());
    }
}
