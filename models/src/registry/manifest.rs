//! The manifest: which models there are, and where each of their files may come from.

use super::{RegistryError, validate};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, fs, path::Path};

/// The manifest the binary was built with.
pub const EMBEDDED: &str = include_str!("../../registry.toml");

/// The one format this code reads; a manifest of another is refused rather than half understood.
pub const FORMAT: u32 = 1;

/// Largest manifest read, in bytes: fifty times the embedded one.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    #[serde(default)]
    pub archives: BTreeMap<String, Archive>,
    #[serde(default)]
    pub models: Vec<ModelEntry>,
}

/// A package of a registry that holds files of models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    pub kind: ArchiveKind,
    pub package: String,
    pub version: String,
    /// Platform tag of the wheel, when it is built for one.
    pub platform: Option<String>,
    /// Bytes of the archive as downloaded.
    pub size: u64,
    /// SHA-256 of the archive as downloaded, lower-case hex.
    pub sha256: String,
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package, self.version)
    }
}

/// Source distributions of Python packages are left out on purpose: to download one, pip runs its build code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveKind {
    /// A Python wheel, fetched by pip: a zip file.
    Wheel,
    /// A package of npm's registry, fetched by `npm pack`: a gzipped tar file.
    Npm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    Transcribe,
    VoiceActivity,
    Translate,
    Speak,
    /// A shared library that runs models.
    Runtime,
    /// Input of the demo consultation and of tests.
    Demo,
    /// What measuring the others needs.
    Evaluate,
    /// A risk learned from measurements.
    Risk,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Transcribe => "transcribe",
            Self::VoiceActivity => "voice-activity",
            Self::Translate => "translate",
            Self::Speak => "speak",
            Self::Runtime => "runtime",
            Self::Demo => "demo",
            Self::Evaluate => "evaluate",
            Self::Risk => "risk",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    pub name: String,
    pub version: String,
    pub task: Task,
    /// One line for people.
    pub title: String,
    /// SPDX identifier of the licence of the files themselves.
    pub licence: String,
    /// Who made the files, and who packaged them.
    pub origin: String,
    #[serde(default)]
    pub files: Vec<FileEntry>,
    #[serde(default)]
    pub derived: Vec<DerivedEntry>,
}

impl ModelEntry {
    /// The files this model has on `target` (`linux-x86_64`, as [`super::host_target`] writes it).
    pub fn files_for<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a FileEntry> + 'a {
        self.files.iter().filter(move |file| file.target.as_deref().is_none_or(|only| only == target))
    }
}

/// A file as it lies in the cache, and its sources in the order to try them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Plain file name.
    pub path: String,
    /// Only for this operating system and processor; for all when absent.
    pub target: Option<String>,
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    pub sources: Vec<Source>,
}

impl FileEntry {
    /// Whether the file is part of the program, and never in the cache.
    pub fn bundled(&self) -> bool {
        self.sources.iter().any(|source| source.bundled)
    }
}

/// Exactly one of the three is given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Members of archives which, one after the other, are the file.
    pub parts: Option<Vec<Part>>,
    pub hub: Option<HubFile>,
    /// The file is part of the program.
    #[serde(default)]
    pub bundled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Key of [`Manifest::archives`].
    pub archive: String,
    /// Full path within the archive.
    pub member: String,
}

/// A file of a model hub. Which hub is the user's choice, so no host is named here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    pub repo: String,
    #[serde(default = "main_revision")]
    pub revision: String,
    pub file: String,
}

fn main_revision() -> String {
    "main".to_owned()
}

/// A file made on this machine from others of the same model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedEntry {
    pub path: String,
    /// Names the [`super::Deriver`] that makes it.
    pub step: String,
    /// Paths of the files it is made from.
    pub from: Vec<String>,
    /// Lower-case hex, where the step makes the same bytes on every machine: a file with another is not used.
    pub sha256: Option<String>,
    /// One of several forms of the same weights, made only where it is asked for ([`super::Registry::with_variant`]).
    #[serde(default)]
    pub optional: bool,
}

impl Manifest {
    /// The manifest the binary was built with.
    pub fn embedded() -> Result<Self, RegistryError> {
        Self::parse(EMBEDDED, "built into the binary")
    }

    /// Reads a manifest of the user's own.
    pub fn read(path: &Path) -> Result<Self, RegistryError> {
        let size = fs::metadata(path).map_err(|e| RegistryError::io("read", path, e))?.len();
        let origin = path.display().to_string();
        if size > MAX_MANIFEST_BYTES {
            let reason = format!("it has {size} bytes, at most {MAX_MANIFEST_BYTES} are read");
            return Err(RegistryError::Manifest { origin, reason });
        }
        let text = fs::read_to_string(path).map_err(|e| RegistryError::io("read", path, e))?;
        Self::parse(&text, &origin)
    }

    /// Parses and validates; `origin` names the text in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, RegistryError> {
        let refuse = |reason: String| RegistryError::Manifest { origin: origin.to_owned(), reason };
        let manifest: Self = toml::from_str(text).map_err(|e| refuse(e.to_string()))?;
        validate::check(&manifest).map_err(refuse)?;
        Ok(manifest)
    }

    pub fn model(&self, name: &str) -> Result<&ModelEntry, RegistryError> {
        let found = self.models.iter().find(|model| model.name == name);
        found.ok_or_else(|| RegistryError::UnknownModel(name.to_owned()))
    }
}
