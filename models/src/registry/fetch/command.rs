//! Runs a client, watches its bytes arrive, and turns its failure into a sentence.

use super::{FetchError, OnBytes};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often the bytes on disk are looked at: smooth enough for a bar, no cost to speak of.
const POLL: Duration = Duration::from_millis(100);

/// Of what a failed client wrote, so much from its end is looked at for the reason.
const LOG_TAIL: u64 = 8 << 10;

/// Longest reason passed on, in characters and in lines of the client.
const MAX_REASON: usize = 400;
const MAX_LINES: usize = 2;

/// Deepest folder and most entries counted: clients nest their temporary files shallowly.
const MAX_DEPTH: usize = 12;
const MAX_ENTRIES: usize = 4096;

pub(super) struct Job<'a> {
    /// As people call it, for errors.
    pub name: &'static str,
    pub program: &'a str,
    /// What to do when the program is missing.
    pub install_advice: &'static str,
    pub args: Vec<OsString>,
    pub env: Vec<(&'static str, OsString)>,
    /// What is fetched, for errors.
    pub what: String,
    /// Working folder; the client's output is logged in it.
    pub dir: &'a Path,
    /// Folders or files whose growth is progress.
    pub watch: Vec<PathBuf>,
    pub stall: Duration,
}

impl Job<'_> {
    pub fn run(self, on_bytes: OnBytes<'_>) -> Result<(), FetchError> {
        let log_path = self.dir.join("client.log");
        let open = || File::create(&log_path).and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = open().map_err(|e| FetchError::io("create", &log_path, e))?;
        let mut command = Command::new(self.program);
        command.args(&self.args).envs(self.env.iter().map(|(key, value)| (*key, value)));
        command.current_dir(self.dir).stdin(Stdio::null()).stdout(out).stderr(err);
        let mut child = match command.spawn() {
            Ok(child) => Running(child),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(FetchError::ProgramMissing {
                    program: self.program.to_owned(),
                    advice: self.install_advice,
                });
            }
            Err(e) => return Err(FetchError::io("run", self.program, e)),
        };
        let status = self.wait(&mut child.0, on_bytes)?;
        if status.success() {
            return Ok(());
        }
        Err(self.failure(&read_tail(&log_path)))
    }

    fn wait(&self, child: &mut Child, on_bytes: OnBytes<'_>) -> Result<std::process::ExitStatus, FetchError> {
        let mut most = 0;
        let mut since = Instant::now();
        loop {
            let done = child.try_wait().map_err(|e| FetchError::io("wait for", self.program, e))?;
            if let Some(status) = done {
                return Ok(status);
            }
            let now: u64 = self.watch.iter().map(|path| bytes_below(path, MAX_DEPTH, &mut { MAX_ENTRIES })).sum();
            if now > most {
                most = now;
                since = Instant::now();
                on_bytes(now);
            } else if since.elapsed() > self.stall {
                // Dropping the child kills it.
                return Err(FetchError::Stalled {
                    program: self.name.to_owned(),
                    what: self.what.clone(),
                    waited: self.stall,
                });
            }
            thread::sleep(POLL);
        }
    }

    fn failure(&self, log: &str) -> FetchError {
        let (program, what, reason) = (self.name.to_owned(), self.what.clone(), reason(log));
        let lower = log.to_lowercase();
        if mentions(&lower, UNREACHABLE) {
            return FetchError::Unreachable {
                program,
                what,
                reason,
                advice: "check the network, the proxy, and the registry that pip or npm is set up for, then pull again: \
                         what has arrived is kept",
            };
        }
        FetchError::Program { program, what, reason, advice: advice(&lower, self.install_advice) }
    }
}

/// Kills and reaps its process if nobody waited for its end.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail harmlessly for a process that has been waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bytes_below(path: &Path, depth: usize, left: &mut usize) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return 0; // Clients rename and remove their files as they go.
    };
    if !meta.is_dir() {
        return meta.len();
    }
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    let mut total = 0;
    for entry in entries.filter_map(Result::ok) {
        if depth == 0 || *left == 0 {
            break;
        }
        *left -= 1;
        total += bytes_below(&entry.path(), depth - 1, left);
    }
    total
}

fn read_tail(path: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(LOG_TAIL)))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// Lines that clients write beside the error: their retries, their hints, where their log is.
const NOISE: &[&str] =
    &["warning: retrying", "a complete log of this run", "behind a proxy", "npm help config", "errno"];

/// How pip, npm and curl say that nobody answers.
const UNREACHABLE: &[&str] = &[
    "failed to establish a new connection",
    "name or service not known",
    "temporary failure in name resolution",
    "could not resolve host",
    "connection refused",
    "connection reset",
    "timed out",
    "network is unreachable",
    "failed to connect",
    "proxyerror",
    "econnrefused",
    "econnreset",
    "enotfound",
    "eai_again",
    "etimedout",
    "enetunreach",
];

/// The lines that say what went wrong, on one line.
fn reason(log: &str) -> String {
    let without_prefix = |line: &'_ str| line.trim().trim_start_matches("npm error").trim().to_owned();
    let says = |line: &str, needles: &[&str]| mentions(&line.to_lowercase(), needles);
    let lines: Vec<&str> = log.lines().filter(|line| !says(line, NOISE)).collect();
    let errors = lines.iter().filter(|line| says(line, &["error", "no module named", "curl:"]));
    let mut chosen: Vec<String> = errors.map(|line| without_prefix(line)).filter(|line| !line.is_empty()).collect();
    if chosen.is_empty() {
        // Nothing looks like an error: the last lines are the best guess.
        let last = &lines[lines.len().saturating_sub(MAX_LINES)..];
        chosen = last.iter().map(|line| without_prefix(line)).filter(|line| !line.is_empty()).collect();
    }
    chosen.truncate(MAX_LINES);
    let reason: String = chosen.join(" ").chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
    if reason.is_empty() { "it gave no reason".to_owned() } else { reason }
}

fn advice(lower: &str, install_advice: &'static str) -> &'static str {
    if mentions(lower, &["no module named pip"]) {
        return install_advice;
    }
    if mentions(lower, &["do not match the hashes", "eintegrity"]) {
        return "the registry serves other bytes than those pinned: do not use them, ask whoever runs it";
    }
    if mentions(lower, &["no space left", "enospc"]) {
        return "free some disk space, or set HEALTHSYNC_MODELS_DIR to a folder on another disk";
    }
    if mentions(lower, &["certificate"]) {
        return "let pip (PIP_CERT) or npm (cafile) know the certificate of your registry or proxy";
    }
    if mentions(lower, &["no matching distribution", "etarget", "e404", "404"]) {
        return "check that your registry or mirror (PIP_INDEX_URL, npm's registry setting) carries it";
    }
    "pull again: what has arrived is kept"
}

fn mentions(lower: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| lower.contains(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_error_and_not_the_noise_around_it() {
        let log = "Looking in links: /x\nWARNING: Retrying\nERROR: No matching distribution found for a==1\n\n\
                   [notice] A new release of pip is available\n";
        assert_eq!(reason(log), "ERROR: No matching distribution found for a==1");
        assert!(advice(&log.to_lowercase(), "").contains("PIP_INDEX_URL"));
        let log = "npm error code E404\nnpm error 404 Not Found - GET /voices\nnpm error\n\
                   npm error A complete log of this run can be found in: /x\n";
        assert_eq!(reason(log), "code E404 404 Not Found - GET /voices");
        assert_eq!(reason(""), "it gave no reason");
    }

    #[test]
    fn a_python_without_pip_is_told_apart_from_a_missing_network() {
        let log = "/usr/bin/python3: No module named pip\n";
        assert_eq!(advice(&log.to_lowercase(), "install pip"), "install pip");
        assert_eq!(reason(log), "/usr/bin/python3: No module named pip");
    }

    #[test]
    fn a_client_that_brings_nothing_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job {
            name: "tail",
            program: "tail",
            install_advice: "",
            args: vec!["-f".into(), "/dev/null".into()],
            env: Vec::new(),
            what: "nothing".to_owned(),
            dir: dir.path(),
            watch: vec![dir.path().join("out")],
            stall: Duration::from_millis(300),
        };
        assert!(matches!(job.run(&mut |_| ()), Err(FetchError::Stalled { .. })));
    }
}
