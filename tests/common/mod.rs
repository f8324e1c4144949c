//! Runs the real binary on free ports with a log of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use healthsync_events::{Event, NewSession, SessionId, SessionSummary};
use healthsync_loadtests::{
    ApiClient,
    client::{Incoming, Stream},
};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::Mutex;

/// Models take seconds to load, and tests share two cores.
pub const READY: Duration = Duration::from_mins(3);

/// How long anything a test waits for may take.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub struct Server {
    child: Child,
    pub http: String,
    pub mllp: SocketAddr,
    /// What it said up to its banner.
    pub said: Vec<String>,
    pub folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// Starts a server on the log that an earlier one left in `folder`.
    pub async fn start_in(folder: tempfile::TempDir) -> Self {
        Self::start_with(folder, &[] as &[(&str, &str)]).await
    }

    /// The same with more of the environment.
    pub async fn start_with(folder: tempfile::TempDir, settings: &[(&str, impl AsRef<OsStr>)]) -> Self {
        let (child, said) = spawn(folder.path(), settings);
        let words: Vec<&str> = said.last().unwrap().split_whitespace().collect();
        let http = (*words.iter().find(|word| word.starts_with("http://")).unwrap()).to_owned();
        let mllp = words.last().unwrap().parse().unwrap();
        let server = Self { child, http, mllp, said, folder };
        server.api().wait_until_ready(READY).await.unwrap();
        server
    }

    pub fn api(&self) -> ApiClient {
        ApiClient::new(&self.http).unwrap()
    }

    /// `kill -9`, and the folder for the next one.
    pub fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// SIGTERM; waits for the process to end by itself.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tests of one file that run at the same time share a server: what one sends must not hurt another's.
static SHARED: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

pub async fn shared_server() -> Arc<Server> {
    let mut shared = SHARED.lock().await;
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start().await);
    *shared = Arc::downgrade(&server);
    server
}

/// Starts the binary; what it said up to its banner.
fn spawn(folder: &Path, settings: &[(&str, impl AsRef<OsStr>)]) -> (Child, Vec<String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_healthsync"))
        .arg("serve")
        .current_dir(folder)
        .env("HEALTHSYNC__HTTP__LISTEN", "127.0.0.1:0")
        .env("HEALTHSYNC__MLLP__LISTEN", "127.0.0.1:0")
        .env("HEALTHSYNC__STORAGE__PATH", folder.join("log.db"))
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said: Vec<String> = Vec::new();
    while !said.last().is_some_and(|line| line.contains("HealthSync is at")) {
        let line = lines.next().expect("the server says where it is before it ends").unwrap();
        eprintln!("server: {line}");
        said.push(line);
    }
    // Goes on reading, so that the server never waits for a full pipe.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("server: {line}")));
    (child, said)
}

pub async fn start_session(api: &ApiClient, patient: &str) -> SessionSummary {
    let languages = vec!["pt".parse().unwrap(), "en".parse().unwrap()];
    let new = NewSession {
        patient: patient.parse().unwrap(),
        languages,
        spo2_scale: healthsync_events::risk::Spo2Scale::default(),
        terms: Vec::new(),
    };
    api.create_session(&new).await.unwrap()
}

/// The next event that satisfies `wanted`.
pub async fn wait_for(stream: &mut Stream, wanted: impl Fn(&Event) -> bool) -> Event {
    let search = async {
        loop {
            match stream.next().await.unwrap().expect("the stream goes on") {
                Incoming::Event(event) if wanted(&event) => return *event,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the event came in time")
}

/// Every event of a session up to now, by NDJSON.
pub async fn all_events(http: &str, session: SessionId) -> Vec<Event> {
    let url = format!("{http}/api/v1/sessions/{session}/events?from=1&follow=false");
    let body = reqwest::get(url).await.unwrap().text().await.unwrap();
    body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn assert_numbered_without_gaps(events: &[Event]) {
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.seq.0, index as u64 + 1, "sequence numbers have no gap and no repeat");
    }
}

/// A sentence as the voice of its language says it, mono, and its sample rate in hertz.
pub fn speak(text: &str, language: &str) -> (Vec<f32>, u32) {
    use healthsync_models::{Model, tasks::SpeakRequest};
    let request = SpeakRequest { text: text.into(), language: language.parse().unwrap(), voice: None, speed: 1.0 };
    let mut speaker = healthsync::wiring::load_speaker(&healthsync::config::Config::default()).unwrap();
    let spoken = speaker.run(&[request]).pop().unwrap().unwrap();
    (spoken.samples, spoken.sample_rate)
}

/// Words of a text, for comparing what was recognised with what was said.
pub fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Share of `expected`'s words that occur in `heard`, 0 to 1.
pub fn recall(expected: &str, heard: &str) -> f64 {
    let heard = words(heard);
    let expected = words(expected);
    expected.iter().filter(|word| heard.contains(word)).count() as f64 / expected.len() as f64
}

/// Runs a script of `tests/browser` and gives the one JSON object that it prints.
pub fn browse(script: &str, arguments: &[&std::ffi::OsStr]) -> serde_json::Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let output = Command::new("node").arg(script).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
