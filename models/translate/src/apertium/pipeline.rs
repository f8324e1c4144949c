//! The stages of a mode as processes that are kept running, each reading what the one before writes.
//!
//! A request ends with a null character, and so does its answer: there is one at a time. What the processes say on
//! their standard error may quote a patient and goes nowhere.

use super::mode::Stage;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::Duration,
};

/// Longest answer, in bytes: the longest request, in whichever script, twice over.
const MAX_ANSWER_BYTES: u64 = 64 * 1_024;

/// Why there is no answer. The pipeline is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum PipelineError {
    #[error("the program {program} cannot be started: {error}")]
    Start { program: String, error: std::io::Error },
    #[error("one of its programs ended")]
    Ended,
    #[error("it did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("its answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    #[error("its answer is not text")]
    NoText,
}

pub(super) struct Pipeline {
    pub(super) stages: Vec<Child>,
    requests: SyncSender<Vec<u8>>,
    answers: Receiver<Result<Vec<u8>, PipelineError>>,
}

impl Pipeline {
    /// Starts the stages, of which there is at least one.
    pub(super) fn start(stages: &[Stage]) -> Result<Self, PipelineError> {
        // What has been started is ended when a later stage cannot be.
        let mut started = Stages(Vec::with_capacity(stages.len()));
        let (mut first, mut last) = (None, None::<ChildStdout>);
        for stage in stages {
            let input = last.take().map_or_else(Stdio::piped, Stdio::from);
            let mut child = Command::new(&stage.program)
                .args(&stage.arguments)
                .env("LC_ALL", "C.UTF-8")
                .stdin(input)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| PipelineError::Start { program: stage.program.clone(), error })?;
            first = first.or(child.stdin.take());
            last = child.stdout.take();
            started.0.push(child);
        }
        let (Some(first), Some(last)) = (first, last) else { return Err(PipelineError::Ended) };
        // One request is under way at a time.
        let (requests, to_write) = sync_channel(1);
        let (read, answers) = sync_channel(1);
        spawn("apertium-write", move || write(first, &to_write))?;
        spawn("apertium-read", move || read_answers(last, &read))?;
        Ok(Self { stages: std::mem::take(&mut started.0), requests, answers })
    }

    /// Sends a text without null characters and waits for what becomes of it.
    pub(super) fn ask(&self, text: &str, timeout: Duration) -> Result<Vec<u8>, PipelineError> {
        let mut request = text.as_bytes().to_vec();
        request.push(0);
        self.requests.try_send(request).map_err(|_| PipelineError::Ended)?;
        match self.answers.recv_timeout(timeout) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(PipelineError::Late(timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(PipelineError::Ended),
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        drop(Stages(std::mem::take(&mut self.stages)));
    }
}

/// Processes that end with this.
struct Stages(Vec<Child>);

impl Drop for Stages {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), PipelineError> {
    let started = std::thread::Builder::new().name(name.into()).spawn(run);
    started.map(|_| ()).map_err(|error| PipelineError::Start { program: name.into(), error })
}

/// Writing has a thread of its own: a stage that hangs would keep whoever writes waiting.
fn write(mut first: ChildStdin, requests: &Receiver<Vec<u8>>) {
    while let Ok(request) = requests.recv() {
        if first.write_all(&request).and_then(|()| first.flush()).is_err() {
            return;
        }
    }
}

fn read_answers(last: ChildStdout, answers: &SyncSender<Result<Vec<u8>, PipelineError>>) {
    let mut reader = BufReader::new(last);
    loop {
        let mut answer = Vec::new();
        let read = (&mut reader).take(MAX_ANSWER_BYTES + 1).read_until(0, &mut answer);
        let complete = answer.pop() == Some(0);
        let answer = match read {
            Ok(_) if complete => Ok(answer),
            Ok(length) if length as u64 > MAX_ANSWER_BYTES => Err(PipelineError::TooLong),
            _ => return,
        };
        if answers.send(answer).is_err() || !complete {
            return;
        }
    }
}
