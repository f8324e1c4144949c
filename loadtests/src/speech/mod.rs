//! The speech benchmark: how many live streams this server and a peer hold, and how fast their engines are. What is
//! measured, and how, is defined in `loadtests/README.md`; every definition is the same for both.

pub mod contest;
pub mod corpus;
pub mod engine;
pub mod healthsync;
pub mod ladder;
pub mod process;
pub mod profile;
pub mod record;
pub mod report;
pub mod run;
pub mod score;
pub mod servers;
pub mod text;
pub mod whisper_live;

use crate::ClientError;
use std::path::PathBuf;

/// Why a benchmark cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("{program} did not do what was asked: {reason}")]
    Program { program: String, reason: String },
    #[error("{0} took too long")]
    Timeout(&'static str),
    #[error("{0}")]
    Material(&'static str),
    #[error("a client failed: {0}")]
    Stream(String),
}

impl BenchError {
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, reason: error.to_string() }
    }

    pub(crate) fn program(program: &str, reason: impl ToString) -> Self {
        Self::Program { program: program.to_owned(), reason: reason.to_string() }
    }
}
