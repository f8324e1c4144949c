//! Files made on this machine from files pulled, and the record that says what each was made from.

use super::{
    RegistryError, cache,
    manifest::{DerivedEntry, ModelEntry},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Longest record read, in bytes: a few hundred are usual.
const MAX_RECORD_BYTES: u64 = 64 << 10;

/// Makes a file from others: a converter from one format of weights to another.
pub trait Deriver: Send + Sync {
    /// Changes whenever the same inputs would give another output: files of another version are made again.
    fn version(&self) -> &str;

    /// Reads `inputs`, by their names in the manifest, and writes the file `out`. The error is one sentence.
    fn derive(&self, inputs: &BTreeMap<String, PathBuf>, out: &Path) -> Result<(), String>;
}

/// Lies beside a derived file as `<file>.derived.json`. Without it, or if it does not match, the file does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub step: String,
    pub version: String,
    /// SHA-256 of each input.
    pub inputs: BTreeMap<String, String>,
    pub size: u64,
    pub sha256: String,
}

/// Why there is no record to go by.
#[derive(Debug)]
pub(super) enum NoRecord {
    Absent,
    /// The file was made from other inputs or by another converter.
    Stale(String),
}

pub(super) fn record_path(dir: &Path, derived: &DerivedEntry) -> PathBuf {
    dir.join(format!("{}.derived.json", derived.path))
}

/// The record of a derived file, if it is of the manifest's inputs and, when the converter is at hand, of its version.
/// Whether the file itself is still what the record says is for the caller to check.
pub(super) fn record(
    dir: &Path,
    model: &ModelEntry,
    entry: &DerivedEntry,
    deriver: Option<&dyn Deriver>,
) -> Result<Record, NoRecord> {
    let record = read(&record_path(dir, entry))?;
    let stale = |why: &str| Err(NoRecord::Stale(why.to_owned()));
    if record.step != entry.step {
        return stale("it was made by another step");
    }
    if record.inputs != input_hashes(model, entry) {
        return stale("it was made from other files");
    }
    if entry.sha256.as_ref().is_some_and(|stated| *stated != record.sha256) {
        return stale("it is not the file that the manifest states");
    }
    if deriver.is_some_and(|deriver| deriver.version() != record.version) {
        return stale("it was made by another version of the converter");
    }
    Ok(record)
}

fn read(path: &Path) -> Result<Record, NoRecord> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(NoRecord::Absent),
        Err(e) => return Err(NoRecord::Stale(format!("its record cannot be read: {e}"))),
    };
    serde_json::from_reader(file.take(MAX_RECORD_BYTES))
        .map_err(|e| NoRecord::Stale(format!("its record cannot be read: {e}")))
}

/// The hashes that the manifest states for the inputs.
fn input_hashes(model: &ModelEntry, entry: &DerivedEntry) -> BTreeMap<String, String> {
    let inputs = model.files.iter().filter(|file| entry.from.contains(&file.path));
    inputs.map(|file| (file.path.clone(), file.sha256.clone())).collect()
}

/// Makes a derived file in `work` and installs it with its record. The inputs have been verified.
pub(super) fn make(
    dir: &Path,
    work: &Path,
    model: &ModelEntry,
    entry: &DerivedEntry,
    deriver: &dyn Deriver,
) -> Result<Record, String> {
    let inputs = entry.from.iter().map(|path| (path.clone(), dir.join(path))).collect();
    let out = work.join(format!("{}.{}", model.name, entry.path));
    remove(&out)?;
    deriver.derive(&inputs, &out).map_err(|why| format!("{} failed: {why}", entry.step))?;
    let (size, sha256) = cache::hash_file(&out).map_err(|e| format!("{} left no file: {e}", entry.step))?;
    if let Some(stated) = entry.sha256.as_ref().filter(|stated| **stated != sha256) {
        remove(&out)?;
        return Err(format!("{} made a file with SHA-256 {sha256}, not {stated}", entry.step));
    }
    let record = Record {
        step: entry.step.clone(),
        version: deriver.version().to_owned(),
        inputs: input_hashes(model, entry),
        size,
        sha256,
    };
    install(dir, &out, entry, &record).map_err(|e| e.to_string())?;
    Ok(record)
}

/// An interruption at any point leaves no record, or one that does not match the file: it is made again.
fn install(dir: &Path, out: &Path, entry: &DerivedEntry, record: &Record) -> Result<(), RegistryError> {
    let noted = out.with_added_extension("json");
    let text = serde_json::to_vec_pretty(record).map_err(|e| RegistryError::io("write", &noted, e.into()))?;
    fs::write(&noted, text).map_err(|e| RegistryError::io("write", &noted, e))?;
    cache::install(out, &dir.join(&entry.path))?;
    cache::install(&noted, &record_path(dir, entry))
}

fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(format!("cannot remove {}: {e}", path.display())),
        _ => Ok(()),
    }
}
