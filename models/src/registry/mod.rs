//! The model registry: which models there are, where their files come from, and whether the ones in the cache are
//! those. README.md beside the manifest says how it works for its users.
//!
//! Pulling, the only thing here that reaches the network, is a step of set-up. Opening a model reads and checks what
//! is in the cache and never fetches.

mod archive;
mod bundled;
mod cache;
mod derive;
mod error;
mod fetch;
mod inspect;
pub mod manifest;
mod progress;
mod pull;
#[cfg(test)]
mod tests;
mod validate;

pub use cache::default_root;
pub use derive::Deriver;
pub use error::{FetchError, PullFailure, PullFailures, RegistryError};
pub use fetch::Tools;
pub use inspect::{FileReport, FileState, ModelState, ModelSummary};
pub use manifest::{Manifest, Task};
pub use progress::{Bars, Lines, PullEvent, PullProgress, Silent, stderr_progress};
pub use pull::PullReport;

use cache::Cache;
use healthsync_events::ModelInfo;
use inspect::{Depth, weights_sha256};
use manifest::{DerivedEntry, ModelEntry};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Longest wait for another process's pull: twice the ten minutes that all models take at 5 Mbit/s.
const LOCK_WAIT: Duration = Duration::from_mins(20);

/// A manifest and the cache it is pulled into.
#[derive(Clone)]
pub struct Registry {
    manifest: Manifest,
    cache: Cache,
    tools: Tools,
    derivers: BTreeMap<String, Arc<dyn Deriver>>,
    target: String,
    lock_wait: Duration,
    variants: Variants,
}

/// Which optional derived files are made, listed and verified.
#[derive(Debug, Clone)]
enum Variants {
    /// These, by model and file.
    Chosen(BTreeSet<(String, String)>),
    All,
}

/// A model's files, verified when they were opened.
#[derive(Debug, Clone)]
pub struct LoadedFiles {
    pub dir: PathBuf,
    /// By the names of the manifest.
    pub files: BTreeMap<String, PathBuf>,
    /// The weights hash is that of the files opened: of a single one its SHA-256; of several the SHA-256 of what
    /// `sha256sum` prints for them in the byte order of their names.
    pub info: ModelInfo,
}

impl LoadedFiles {
    pub fn file(&self, name: &str) -> Result<&Path, RegistryError> {
        let found = self.files.get(name).map(PathBuf::as_path);
        found.ok_or_else(|| RegistryError::UnknownFile { model: self.info.name.clone(), file: name.to_owned() })
    }
}

/// This operating system and processor, as manifests name them: `linux-x86_64`.
pub fn host_target() -> String {
    format!("{}-{}", env::consts::OS, env::consts::ARCH)
}

impl Registry {
    /// The manifest built in, or the one `HEALTHSYNC_MODELS_MANIFEST` names; the cache folder and the clients as the
    /// environment says.
    pub fn from_env() -> Result<Self, RegistryError> {
        let own = env::var_os("HEALTHSYNC_MODELS_MANIFEST").filter(|path| !path.is_empty());
        let manifest = match own {
            Some(path) => Manifest::read(Path::new(&path))?,
            None => Manifest::embedded()?,
        };
        Ok(Self::new(manifest, &default_root()?)?.with_tools(Tools::from_env()))
    }

    /// The folder `root` is made when something is pulled into it.
    pub fn new(manifest: Manifest, root: &Path) -> Result<Self, RegistryError> {
        Ok(Self {
            manifest,
            cache: Cache::new(root)?,
            tools: Tools::default(),
            derivers: BTreeMap::new(),
            target: host_target(),
            lock_wait: LOCK_WAIT,
            variants: Variants::Chosen(BTreeSet::new()),
        })
    }

    #[must_use]
    pub fn with_tools(mut self, tools: Tools) -> Self {
        self.tools = tools;
        self
    }

    /// Says who carries out a step of derived files. Without it they stay pending.
    #[must_use]
    pub fn with_deriver(mut self, step: &str, deriver: Arc<dyn Deriver>) -> Self {
        self.derivers.insert(step.to_owned(), deriver);
        self
    }

    /// Counts an optional derived file among those of its model.
    #[must_use]
    pub fn with_variant(mut self, model: &str, file: &str) -> Self {
        if let Variants::Chosen(chosen) = &mut self.variants {
            chosen.insert((model.to_owned(), file.to_owned()));
        }
        self
    }

    /// Counts every optional derived file.
    #[must_use]
    pub fn with_all_variants(mut self) -> Self {
        self.variants = Variants::All;
        self
    }

    /// For another machine than this one.
    #[must_use]
    pub fn with_target(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The cache folder.
    pub fn root(&self) -> &Path {
        self.cache.root()
    }

    /// Every file of a model, each read and checked against its hash; of optional derived files those asked for.
    pub fn open(&self, name: &str) -> Result<LoadedFiles, RegistryError> {
        let model = self.manifest.model(name)?;
        let derived: BTreeSet<&str> = self.derived(model).map(|entry| entry.path.as_str()).collect();
        let left_out = |file: &str| model.derived.iter().any(|entry| entry.path == file) && !derived.contains(file);
        self.open_chosen(name, |file| !left_out(file))
    }

    /// Only these files of a model, optional ones too: the weights hash is then of these alone.
    pub fn open_files(&self, name: &str, files: &[&str]) -> Result<LoadedFiles, RegistryError> {
        let opened = self.open_chosen(name, |file| files.contains(&file))?;
        match files.iter().find(|file| !opened.files.contains_key(**file)) {
            None => Ok(opened),
            Some(unknown) => Err(RegistryError::UnknownFile { model: name.to_owned(), file: (*unknown).to_owned() }),
        }
    }

    fn open_chosen(&self, name: &str, chosen: impl Fn(&str) -> bool) -> Result<LoadedFiles, RegistryError> {
        let model = self.supported(name)?;
        if model.files.iter().any(manifest::FileEntry::bundled) {
            return Err(RegistryError::Bundled(name.to_owned()));
        }
        let dir = self.cache.model_dir(&model.name, &model.version);
        let wanted = model.files_for(&self.target).filter(|file| chosen(&file.path));
        let mut reports: Vec<_> = wanted.map(|file| inspect::inspect_file(model, file, &dir, Depth::Hash)).collect();
        let derived = model.derived.iter().filter(|derived| chosen(&derived.path));
        reports.extend(derived.map(|derived| self.inspect_derived(model, derived, Depth::Hash)));
        let mut files = BTreeMap::new();
        let mut hashes = Vec::new();
        for report in reports {
            let sha256 = usable(&report)?;
            hashes.push((report.file.clone(), sha256));
            files.insert(report.file, report.path);
        }
        let info = ModelInfo {
            name: model.name.clone(),
            version: model.version.clone(),
            weights_sha256: weights_sha256(&hashes),
        };
        Ok(LoadedFiles { dir, files, info })
    }

    /// The model, if it has files for this target.
    fn supported(&self, name: &str) -> Result<&ModelEntry, RegistryError> {
        let model = self.manifest.model(name)?;
        if model.files_for(&self.target).next().is_some() {
            return Ok(model);
        }
        Err(RegistryError::UnsupportedTarget { model: name.to_owned(), target: self.target.clone() })
    }

    /// The models named, in that order, or all that this target has when none is.
    fn select(&self, names: &[&str]) -> Result<Vec<&ModelEntry>, RegistryError> {
        if !names.is_empty() {
            return names.iter().map(|name| self.supported(name)).collect();
        }
        let all = self.manifest.models.iter();
        Ok(all.filter(|model| model.files_for(&self.target).next().is_some()).collect())
    }

    /// A model's derived files, less the optional ones that nobody asked for.
    fn derived<'a>(&'a self, model: &'a ModelEntry) -> impl Iterator<Item = &'a DerivedEntry> + 'a {
        let wanted = |entry: &DerivedEntry| match &self.variants {
            Variants::All => true,
            Variants::Chosen(chosen) => chosen.contains(&(model.name.clone(), entry.path.clone())),
        };
        model.derived.iter().filter(move |entry| !entry.optional || wanted(entry))
    }

    fn deriver(&self, step: &str) -> Option<&dyn Deriver> {
        self.derivers.get(step).map(AsRef::as_ref)
    }
}

/// The hash of a file found whole.
fn usable(report: &FileReport) -> Result<String, RegistryError> {
    let (model, file) = (report.model.clone(), report.file.clone());
    match (&report.state, &report.sha256) {
        (FileState::Present, Some(sha256)) => Ok(sha256.clone()),
        (FileState::Stale(reason) | FileState::Corrupt(reason), _) => {
            Err(RegistryError::Corrupt { model, file, reason: reason.clone() })
        }
        (FileState::Missing | FileState::Present, _) => Err(RegistryError::Missing { model, file }),
    }
}
