//! What can go wrong, and what the reader can do about it.

use std::{fmt, io, path::PathBuf, time::Duration};

/// Why the registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the model manifest {origin} is not valid: {reason}")]
    Manifest { origin: String, reason: String },
    #[error("the manifest has no model named {0:?}; `healthsync models list` shows those it has")]
    UnknownModel(String),
    #[error("{model} has no file named {file:?}")]
    UnknownFile { model: String, file: String },
    #[error("{model} has no files for {target}")]
    UnsupportedTarget { model: String, target: String },
    #[error("there is no folder to keep models in: set HEALTHSYNC_MODELS_DIR, XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("another process has been changing {} for {waited:?}; wait for it to finish, or end it", path.display())]
    Locked { path: PathBuf, waited: Duration },
    #[error("{model}: {file} is not in the cache; run `healthsync models pull {model}`")]
    Missing { model: String, file: String },
    #[error("{model}: {file} is damaged ({reason}); run `healthsync models pull {model}` to replace it")]
    Corrupt { model: String, file: String, reason: String },
    #[error("{0} is part of the program: it has no files in the cache")]
    Bundled(String),
    #[error("{0}")]
    Pull(PullFailures),
}

impl RegistryError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}

/// Files named in one sentence before the rest are only counted.
const MAX_NAMED: usize = 3;

/// Every file that a pull could not provide. The others are in the cache.
#[derive(Debug)]
pub struct PullFailures(pub Vec<PullFailure>);

/// One file that a pull could not provide: one reason for each source tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullFailure {
    pub model: String,
    pub file: String,
    pub reasons: Vec<String>,
}

impl fmt::Display for PullFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} file(s) could not be provided", self.0.len())?;
        // Many files often fail for one reason (no network): say each reason once, with the files it cost.
        let mut said: Vec<&[String]> = Vec::new();
        for failure in &self.0 {
            if said.contains(&failure.reasons.as_slice()) {
                continue;
            }
            said.push(&failure.reasons);
            let files = self.0.iter().filter(|other| other.reasons == failure.reasons);
            let names: Vec<String> = files.map(|other| format!("{}/{}", other.model, other.file)).collect();
            let shown = names.len().min(MAX_NAMED);
            write!(f, "\n  {}", names[..shown].join(", "))?;
            match names.len() - shown {
                0 => write!(f, ":")?,
                more => write!(f, " and {more} more:")?,
            }
            for reason in &failure.reasons {
                write!(f, "\n    {reason}")?;
            }
        }
        Ok(())
    }
}

/// Why one source did not provide a file.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the program {program} was not found; {advice}")]
    ProgramMissing { program: String, advice: &'static str },
    #[error("{program} could not get {what}: {reason}; {advice}")]
    Program { program: String, what: String, reason: String, advice: &'static str },
    #[error("{program} cannot reach where {what} is ({reason}); {advice}")]
    Unreachable { program: String, what: String, reason: String, advice: &'static str },
    #[error("{program} could not reach its registry earlier in this pull")]
    UnreachableBefore { program: String },
    #[error("{program} made no progress on {what} for {waited:?} and was stopped; check the network")]
    Stalled { program: String, what: String, waited: Duration },
    #[error("{what} came with SHA-256 {actual}, the manifest says {expected}: refused")]
    WrongHash { what: String, expected: String, actual: String },
    #[error("{what} came with {actual} bytes, the manifest says {expected}: refused")]
    WrongSize { what: String, expected: u64, actual: u64 },
    #[error("{what} holds no readable member {member:?}: {reason}")]
    Member { what: String, member: String, reason: String },
    #[error("the hub source is not used: set HEALTHSYNC_HUB_URL to a model hub to allow it")]
    HubNotConfigured,
    #[error("HEALTHSYNC_HUB_URL must begin with http:// or https://")]
    HubUrl,
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl FetchError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}
