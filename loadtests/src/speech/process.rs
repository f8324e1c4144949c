//! Programs that the benchmark starts: on which cores, with what memory and processor time, and that they end.

use super::BenchError;
use std::{
    ffi::OsStr,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

/// How long a program may take to end by itself when asked to.
const END_LIMIT: Duration = Duration::from_secs(10);

/// Linux counts processor time in hundredths of a second on every architecture it still supports (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A command bound to the first `cores` cores where the machine has more and `taskset` is there.
pub fn on_cores(cores: usize, program: &OsStr) -> Command {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    if cores == 0 || available <= cores || !has_taskset() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(format!("0-{}", cores - 1)).arg(program);
    command
}

fn has_taskset() -> bool {
    let found = std::process::Command::new("taskset").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// A server that runs until it is stopped or dropped.
pub struct Running {
    child: Child,
    name: &'static str,
    /// The line it said that it is ready with, once it has; the channel closes when it says nothing more.
    ready: watch::Receiver<Option<String>>,
    log: JoinHandle<()>,
}

impl Running {
    /// Starts a program that writes a line with `banner` to standard error when it serves. Everything it writes there
    /// goes to `log`.
    pub async fn start(
        name: &'static str,
        mut command: Command,
        banner: &'static str,
        log: &Path,
    ) -> Result<Self, BenchError> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| BenchError::program(name, e))?;
        let stderr = child.stderr.take().ok_or_else(|| BenchError::program(name, "no standard error"))?;
        let mut file = tokio::fs::File::create(log).await.map_err(BenchError::file(log))?;
        let (tell, ready) = watch::channel(None);
        let log = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains(banner) && tell.borrow().is_none() {
                    tell.send_replace(Some(line.clone()));
                }
                // A full disk loses lines of a log; the server goes on all the same.
                let _ = file.write_all(format!("{line}\n").as_bytes()).await;
            }
            let _ = file.flush().await;
        });
        Ok(Self { child, name, ready, log })
    }

    /// The line it says that it serves with.
    pub async fn ready(&self, limit: Duration) -> Result<String, BenchError> {
        let mut ready = self.ready.clone();
        let said = tokio::time::timeout(limit, ready.wait_for(Option::is_some)).await;
        let said = said.map_err(|_| BenchError::program(self.name, "it did not say in time that it serves"))?;
        let line = said.map_err(|_| BenchError::program(self.name, "it ended before it served"))?.clone();
        line.ok_or_else(|| BenchError::program(self.name, "it ended before it served"))
    }

    /// What the process has used so far; `None` where there is no `/proc`.
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(&self.folder()?)
    }

    /// Its folder under `/proc`, while it runs.
    pub fn folder(&self) -> Option<String> {
        self.child.id().map(|id| format!("/proc/{id}"))
    }

    /// Asks it to end, and ends it if it does not.
    pub async fn stop(mut self) {
        if let Some(pid) = self.child.id() {
            let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
            let ended = tokio::time::timeout(END_LIMIT, self.child.wait()).await;
            if asked.is_err() || ended.is_err() {
                // It is gone when there is nothing to kill.
                let _ = self.child.kill().await;
            }
        }
        self.log.abort();
    }
}

/// Memory and processor time of a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    pub rss_bytes: u64,
    pub peak_rss_bytes: u64,
    pub cpu_seconds: f64,
}

impl Usage {
    /// Of the process with this folder, such as `/proc/self`.
    pub fn of(folder: &str) -> Option<Self> {
        let status = std::fs::read_to_string(format!("{folder}/status")).ok()?;
        let stat = std::fs::read_to_string(format!("{folder}/stat")).ok()?;
        Some(Self {
            rss_bytes: memory(&status, "VmRSS:")?,
            peak_rss_bytes: memory(&status, "VmHWM:")?,
            cpu_seconds: cpu_seconds(&stat)?,
        })
    }
}

/// A line of `/proc/PID/status`, in kibibytes there.
fn memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// User and system time of `/proc/PID/stat`: the 14th and 15th field. The second is a name in parentheses that may
/// contain anything.
pub(super) fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// Runs a program to its end and returns what it wrote to standard output.
pub async fn output(name: &str, mut command: Command, limit: Duration) -> Result<String, BenchError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().map_err(|e| BenchError::program(name, e))?;
    let done = tokio::time::timeout(limit, child.wait_with_output()).await;
    let done = done.map_err(|_| BenchError::program(name, "it took too long"))?;
    let done = done.map_err(|e| BenchError::program(name, e))?;
    let ended: ExitStatus = done.status;
    if !ended.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let last: Vec<&str> = said.lines().rev().take(3).collect();
        return Err(BenchError::program(
            name,
            format!("{ended}: {}", last.into_iter().rev().collect::<Vec<_>>().join("; ")),
        ));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_read_as_linux_writes_them() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t1 kB\n";
        assert_eq!((memory(status, "VmHWM:"), memory(status, "VmRSS:")), (Some(2_097_152), Some(1_024)));
        let stat = "42 (a b) c) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory() {
        assert!(Usage::of("/proc/self").unwrap().peak_rss_bytes > 100_000);
    }

    #[tokio::test]
    async fn a_server_is_ready_when_it_says_so_and_ends_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo serving at 7 >&2; exec sleep 600"]);
        let running = Running::start("sh", command, "serving at", &folder.path().join("log")).await.unwrap();
        assert_eq!(running.ready(END_LIMIT).await.unwrap(), "serving at 7");
        let proc = format!("/proc/{}", running.child.id().unwrap());
        running.stop().await;
        assert!(!Path::new(&proc).exists());
    }

    #[tokio::test]
    async fn a_server_that_ends_before_it_serves_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start("true", Command::new("true"), "x", &folder.path().join("log")).await.unwrap();
        assert!(running.ready(END_LIMIT).await.is_err());
        running.stop().await;
    }
}
