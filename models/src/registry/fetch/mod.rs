//! The clients that talk to registries and hubs: pip, npm and curl, run as the programs they are, so that the user's
//! own mirrors, proxies, certificates and credentials apply.

mod command;
mod hub;
mod npm;
mod pip;

use super::{
    FetchError,
    cache::{self, Cache},
    manifest::{Archive, ArchiveKind, FileEntry, HubFile},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Which programs fetch, and how.
#[derive(Debug, Clone)]
pub struct Tools {
    /// A Python with pip.
    pub python: String,
    pub npm: String,
    pub curl: String,
    /// Appended to every `pip download`, as an index or a folder of wheels of one's own.
    pub pip_args: Vec<String>,
    /// Appended to every `npm pack`.
    pub npm_args: Vec<String>,
    /// Base URL of a model hub; hub sources are passed over when absent.
    pub hub_url: Option<String>,
    /// A client that brings no byte for so long is stopped.
    pub stall: Duration,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            python: "python3".to_owned(),
            npm: "npm".to_owned(),
            curl: "curl".to_owned(),
            pip_args: Vec::new(),
            npm_args: Vec::new(),
            hub_url: None,
            // Above any timeout that people set for pip or npm (15 s is pip's own, 180 s is common behind mirrors), so
            // that they get to retry.
            stall: Duration::from_mins(5),
        }
    }
}

impl Tools {
    /// `HEALTHSYNC_PYTHON` names another Python, `HEALTHSYNC_HUB_URL` a hub.
    pub fn from_env() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let defaults = Self::default();
        Self {
            python: set("HEALTHSYNC_PYTHON").unwrap_or(defaults.python),
            hub_url: set("HEALTHSYNC_HUB_URL"),
            ..defaults
        }
    }
}

/// Bytes on disk so far, reported now and then while a client runs.
pub(super) type OnBytes<'a> = &'a mut dyn FnMut(u64);

/// The program that fetches archives of a kind.
pub(super) fn client(kind: ArchiveKind) -> &'static str {
    match kind {
        ArchiveKind::Wheel => "pip",
        ArchiveKind::Npm => "npm",
    }
}

/// The archive that an earlier pull left, if it is whole.
pub(super) fn kept(cache: &Cache, archive: &Archive) -> Result<Option<PathBuf>, FetchError> {
    let kept = cache.archives().join(&archive.sha256);
    if !kept.exists() {
        return Ok(None);
    }
    if check(&kept, &archive.to_string(), archive.size, &archive.sha256).is_ok() {
        return Ok(Some(kept));
    }
    // Damaged since: as good as absent.
    remove(&kept)?;
    Ok(None)
}

/// Fetches the archive; gives its path once it is whole and checked.
pub(super) fn archive(
    cache: &Cache,
    tools: &Tools,
    archive: &Archive,
    on_bytes: OnBytes<'_>,
) -> Result<PathBuf, FetchError> {
    let kept = cache.archives().join(&archive.sha256);
    let work = cache.work().join(&archive.sha256);
    cache::remove_all(&work).map_err(from_cache)?;
    let came = match archive.kind {
        ArchiveKind::Wheel => pip::download(tools, archive, &work, on_bytes)?,
        ArchiveKind::Npm => npm::pack(tools, archive, &work, on_bytes)?,
    };
    check(&came, &archive.to_string(), archive.size, &archive.sha256)?;
    cache::install(&came, &kept).map_err(from_cache)?;
    cache::remove_all(&work).map_err(from_cache)?;
    Ok(kept)
}

/// The file from a hub, whole and checked, still under its staging name.
pub(super) fn hub_file(
    cache: &Cache,
    tools: &Tools,
    file: &FileEntry,
    hub: &HubFile,
    on_bytes: OnBytes<'_>,
) -> Result<PathBuf, FetchError> {
    let part = cache.partial().join(&file.sha256);
    hub::download(tools, file, hub, &part, &cache.work(), on_bytes)?;
    let what = format!("{} of {}", hub.file, hub.repo);
    if let Err(wrong) = check(&part, &what, file.size, &file.sha256) {
        // It must not be continued: more bytes cannot make it right.
        remove(&part)?;
        return Err(wrong);
    }
    Ok(part)
}

/// Refuses a file whose size or hash is not the one stated.
pub(super) fn check(path: &Path, what: &str, size: u64, sha256: &str) -> Result<(), FetchError> {
    let (actual_size, actual) = cache::hash_file(path).map_err(|e| FetchError::io("read", path, e))?;
    check_hash(what, (size, sha256), (actual_size, &actual))
}

pub(super) fn check_hash(what: &str, expected: (u64, &str), actual: (u64, &str)) -> Result<(), FetchError> {
    if expected.0 != actual.0 {
        return Err(FetchError::WrongSize { what: what.to_owned(), expected: expected.0, actual: actual.0 });
    }
    if expected.1 != actual.1 {
        return Err(FetchError::WrongHash {
            what: what.to_owned(),
            expected: expected.1.to_owned(),
            actual: actual.1.to_owned(),
        });
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), FetchError> {
    fs::remove_file(path).map_err(|e| FetchError::io("remove", path, e))
}

pub(super) fn from_cache(error: super::RegistryError) -> FetchError {
    match error {
        super::RegistryError::Io { action, path, source } => FetchError::Io { action, path, source },
        other => FetchError::io("prepare", "", std::io::Error::other(other.to_string())),
    }
}

fn create_dirs(dirs: &[&Path]) -> Result<(), FetchError> {
    let create = |dir: &&Path| fs::create_dir_all(dir).map_err(|e| FetchError::io("create", *dir, e));
    dirs.iter().try_for_each(create)
}

/// The one file that a client left in its output folder.
fn only_file(dir: &Path, program: &str, archive: &Archive) -> Result<PathBuf, FetchError> {
    let entries = fs::read_dir(dir).map_err(|e| FetchError::io("read", dir, e))?;
    let files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).take(2).collect();
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => Err(FetchError::Program {
            program: program.to_owned(),
            what: archive.to_string(),
            reason: format!("it left {} files where one was expected", files.len()),
            advice: "try again",
        }),
    }
}
