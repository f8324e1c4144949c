//! What the cache holds, compared with what the manifest says it should.

use super::{
    Registry, RegistryError, bundled, cache,
    derive::{self, NoRecord},
    manifest::{DerivedEntry, FileEntry, ModelEntry, Task},
};
use sha2::{Digest, Sha256};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Presence and size: no file is read.
    Size,
    /// Every byte.
    Hash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    Present,
    Missing,
    /// A derived file of other inputs or another converter: pulling makes it again.
    Stale(String),
    Corrupt(String),
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("present"),
            Self::Missing => f.write_str("missing"),
            Self::Stale(why) => write!(f, "stale: {why}"),
            Self::Corrupt(why) => write!(f, "corrupt: {why}"),
        }
    }
}

/// One file of a model, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    pub model: String,
    pub file: String,
    /// Bytes it should have; unknown for a derived file that has not been made.
    pub size: Option<u64>,
    /// SHA-256 it should have, as above.
    pub sha256: Option<String>,
    pub path: PathBuf,
    pub state: FileState,
}

/// A model as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelState {
    /// Every file is there.
    Present,
    /// Some files are there, others are still to be pulled or made.
    Incomplete,
    Missing,
    Corrupt,
    /// It has no files for this operating system and processor.
    Unsupported,
}

impl fmt::Display for ModelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Present => "present",
            Self::Incomplete => "incomplete",
            Self::Missing => "missing",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
        })
    }
}

/// A line of `healthsync models list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSummary {
    pub name: String,
    pub version: String,
    pub task: Task,
    pub title: String,
    pub licence: String,
    /// Bytes of its files in the cache once it is whole; derived ones count once made.
    pub size: u64,
    pub state: ModelState,
}

impl Registry {
    /// Every model of the manifest, by what a look at names and sizes tells. [`Registry::verify`] reads every byte.
    pub fn list(&self) -> Vec<ModelSummary> {
        self.manifest.models.iter().map(|model| self.summary(model)).collect()
    }

    fn summary(&self, model: &ModelEntry) -> ModelSummary {
        let files = self.inspect(model, Depth::Size);
        let any = |wanted: fn(&FileState) -> bool| files.iter().any(|file| wanted(&file.state));
        let state = if files.is_empty() {
            ModelState::Unsupported
        } else if any(|state| matches!(state, FileState::Corrupt(_))) {
            ModelState::Corrupt
        } else if files.iter().all(|file| file.state == FileState::Present) {
            ModelState::Present
        } else if any(|state| *state != FileState::Missing) {
            ModelState::Incomplete
        } else {
            ModelState::Missing
        };
        ModelSummary {
            name: model.name.clone(),
            version: model.version.clone(),
            task: model.task,
            title: model.title.clone(),
            licence: model.licence.clone(),
            size: files.iter().filter_map(|file| file.size).sum(),
            state,
        }
    }

    /// Reads and hashes every file of the models named, or of all when none is.
    pub fn verify(&self, names: &[&str]) -> Result<Vec<FileReport>, RegistryError> {
        let models = self.select(names)?;
        Ok(models.into_iter().flat_map(|model| self.inspect(model, Depth::Hash)).collect())
    }

    /// The files that a model has on this target; empty if it has none.
    pub(super) fn inspect(&self, model: &ModelEntry, depth: Depth) -> Vec<FileReport> {
        let dir = self.cache.model_dir(&model.name, &model.version);
        let mut files: Vec<_> =
            model.files_for(&self.target).map(|file| inspect_file(model, file, &dir, depth)).collect();
        if !files.is_empty() {
            files.extend(self.derived(model).map(|derived| self.inspect_derived(model, derived, depth)));
        }
        files
    }

    pub(super) fn inspect_derived(&self, model: &ModelEntry, derived: &DerivedEntry, depth: Depth) -> FileReport {
        let dir = self.cache.model_dir(&model.name, &model.version);
        let path = dir.join(&derived.path);
        let report = |size, sha256, state| FileReport {
            model: model.name.clone(),
            file: derived.path.clone(),
            size,
            sha256,
            path: path.clone(),
            state,
        };
        match derive::record(&dir, model, derived, self.deriver(&derived.step)) {
            Ok(record) => {
                let state = state_of(&path, record.size, &record.sha256, depth);
                report(Some(record.size), Some(record.sha256), state)
            }
            Err(NoRecord::Absent) => report(None, None, FileState::Missing),
            Err(NoRecord::Stale(why)) => report(None, None, FileState::Stale(why)),
        }
    }
}

pub(super) fn inspect_file(model: &ModelEntry, file: &FileEntry, dir: &Path, depth: Depth) -> FileReport {
    let path = dir.join(&file.path);
    let state = if file.bundled() {
        bundled::bytes(file).map_or_else(FileState::Corrupt, |_| FileState::Present)
    } else {
        state_of(&path, file.size, &file.sha256, depth)
    };
    FileReport {
        model: model.name.clone(),
        file: file.path.clone(),
        size: Some(file.size),
        sha256: Some(file.sha256.clone()),
        state,
        path,
    }
}

fn state_of(path: &Path, size: u64, sha256: &str, depth: Depth) -> FileState {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return FileState::Missing,
        Err(e) => return FileState::Corrupt(format!("it cannot be read: {e}")),
    };
    if meta.len() != size {
        return FileState::Corrupt(format!("it has {} bytes, not {size}", meta.len()));
    }
    if depth == Depth::Size {
        return FileState::Present;
    }
    match cache::hash_file(path) {
        Ok((_, actual)) if actual == sha256 => FileState::Present,
        Ok((_, actual)) => FileState::Corrupt(format!("its SHA-256 is {actual}, not {sha256}")),
        Err(e) => FileState::Corrupt(format!("it cannot be read: {e}")),
    }
}

/// One hash for the files that a model was loaded from: of a single file, its own SHA-256; of several, the SHA-256 of
/// the text that `sha256sum` prints for them, in the byte order of their names.
pub(super) fn weights_sha256(files: &[(String, String)]) -> String {
    if let [(_, only)] = files {
        return only.clone();
    }
    let mut lines: Vec<_> = files.iter().collect();
    lines.sort();
    let mut hasher = Sha256::new();
    for (name, sha256) in lines {
        hasher.update(format!("{sha256}  {name}\n"));
    }
    crate::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_hash_does_not_depend_on_the_order_of_the_files() {
        let a = ("a.bin".to_owned(), "00".repeat(32));
        let b = ("b.bin".to_owned(), "11".repeat(32));
        assert_eq!(weights_sha256(&[a.clone(), b.clone()]), weights_sha256(&[b, a.clone()]));
        assert_eq!(weights_sha256(std::slice::from_ref(&a)), a.1);
    }
}
