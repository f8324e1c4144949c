//! Brings what is missing into the cache.

use super::{
    FetchError, Registry, RegistryError, archive,
    cache::{self, HashingWriter},
    derive,
    error::{PullFailure, PullFailures},
    fetch,
    inspect::{Depth, FileReport, FileState, inspect_file},
    manifest::{DerivedEntry, FileEntry, HubFile, ModelEntry, Part, Source},
    progress::{PullEvent, PullProgress},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::BufWriter,
    path::PathBuf,
};

/// What a pull that succeeded did. Files are written `model/file`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullReport {
    /// Files that were already there, whole.
    pub already: usize,
    pub installed: Vec<String>,
    pub derived: Vec<String>,
    /// Derived files whose step is not available here.
    pub pending: Vec<String>,
    /// Bytes of packages and hub files fetched now, not of those kept from an earlier pull.
    pub fetched_bytes: u64,
}

impl Registry {
    /// Provides every file of the models named, or of all when none is: fetches what is missing or damaged, then makes
    /// derived files. What fails is reported at the end, after everything else has been provided.
    ///
    /// Blocks for as long as it takes; never called while serving.
    pub fn pull(&self, names: &[&str], progress: &mut dyn PullProgress) -> Result<PullReport, RegistryError> {
        let models = self.select(names)?;
        // A whole cache needs no lock, so it may lie on a read-only disk.
        let before: Vec<_> = models.iter().flat_map(|model| self.inspect(model, Depth::Hash)).collect();
        if before.iter().all(|file| file.state == FileState::Present) {
            return Ok(PullReport { already: before.len(), ..PullReport::default() });
        }
        let _lock = self.cache.lock(self.lock_wait, |lock| progress.on(PullEvent::Waiting { lock }))?;
        self.cache.prepare_staging(&self.staged_names())?;
        let mut pull = Pull {
            registry: self,
            progress,
            archives: BTreeMap::new(),
            uses: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            report: PullReport::default(),
            failures: Vec::new(),
        };
        // Looked at again: whoever held the lock may have brought the files.
        let missing = pull.plan(&models);
        for (model, file) in missing {
            pull.file(model, file);
        }
        for model in models {
            self.derived(model).for_each(|entry| pull.derived(model, entry));
        }
        let (report, failures) = (pull.report, pull.failures);
        self.cache.tidy_staging()?;
        if failures.is_empty() { Ok(report) } else { Err(RegistryError::Pull(PullFailures(failures))) }
    }
}

impl Registry {
    /// What staged files of this manifest are called.
    fn staged_names(&self) -> BTreeSet<&str> {
        let archives = self.manifest.archives.values().map(|archive| archive.sha256.as_str());
        let files = self.manifest.models.iter().flat_map(|model| &model.files);
        archives.chain(files.map(|file| file.sha256.as_str())).collect()
    }
}

struct Pull<'a> {
    registry: &'a Registry,
    progress: &'a mut dyn PullProgress,
    /// What became of each archive in this pull: fetched at most once, whether that went well or not.
    archives: BTreeMap<&'a str, Result<PathBuf, String>>,
    /// How many files still to come have a source in each archive: at none it is removed.
    uses: BTreeMap<&'a str, usize>,
    /// Clients that found nobody answering.
    unreachable: BTreeSet<&'static str>,
    report: PullReport,
    failures: Vec<PullFailure>,
}

impl<'a> Pull<'a> {
    /// The files to provide; counts the archives' uses.
    fn plan(&mut self, models: &[&'a ModelEntry]) -> Vec<(&'a ModelEntry, &'a FileEntry)> {
        let registry = self.registry;
        let mut missing = Vec::new();
        for model in models {
            let dir = registry.cache.model_dir(&model.name, &model.version);
            for file in model.files_for(&registry.target) {
                if inspect_file(model, file, &dir, Depth::Hash).state == FileState::Present {
                    self.report.already += 1;
                    continue;
                }
                missing.push((*model, file));
                for id in archives_of(file) {
                    *self.uses.entry(id).or_default() += 1;
                }
            }
        }
        missing
    }

    fn file(&mut self, model: &'a ModelEntry, file: &'a FileEntry) {
        let mut reasons = Vec::new();
        for source in &file.sources {
            match self.install(model, file, source) {
                Ok(()) => return self.release_archives(file),
                Err(reason) => reasons.push(reason),
            }
        }
        self.fail(model, &file.path, reasons);
    }

    fn fail(&mut self, model: &ModelEntry, file: &str, reasons: Vec<String>) {
        self.failures.push(PullFailure { model: model.name.clone(), file: file.to_owned(), reasons });
    }

    fn install(&mut self, model: &'a ModelEntry, file: &'a FileEntry, source: &'a Source) -> Result<(), String> {
        let whole = match (&source.parts, &source.hub) {
            (Some(parts), _) => self.assemble(model, file, parts)?,
            (None, Some(hub)) => self.hub_file(file, hub)?,
            // A bundled file that is whole is never missing; validation lets no other such source through.
            (None, None) => return Err("this program was built without it".to_owned()),
        };
        let dir = self.registry.cache.model_dir(&model.name, &model.version);
        cache::install(&whole, &dir.join(&file.path)).map_err(|e| e.to_string())?;
        self.report.installed.push(format!("{}/{}", model.name, file.path));
        self.progress.on(PullEvent::Installed { model: &model.name, file: &file.path, bytes: file.size });
        Ok(())
    }

    /// Writes the parts one after the other into the work folder; gives the file once its hash is right.
    fn assemble(&mut self, model: &ModelEntry, file: &'a FileEntry, parts: &'a [Part]) -> Result<PathBuf, String> {
        // All archives first: if one cannot be had, nothing has been unpacked for nothing.
        let archives: Vec<PathBuf> = parts.iter().map(|part| self.archive(&part.archive)).collect::<Result<_, _>>()?;
        let path = self.registry.cache.work().join(format!("{}.{}", model.name, file.path));
        let write = || -> Result<(), FetchError> {
            let out = File::create(&path).map_err(|e| FetchError::io("create", &path, e))?;
            let mut out = HashingWriter::new(BufWriter::new(out));
            for (part, archive_path) in parts.iter().zip(&archives) {
                let entry = &self.registry.manifest.archives[&part.archive];
                let limit = file.size - out.written();
                let what = entry.to_string();
                archive::copy_member(entry.kind, archive_path, &what, &part.member, limit, &mut out)?;
            }
            let (size, sha256) = out.finish().map_err(|e| FetchError::io("write", &path, e))?;
            fetch::check_hash(&file.path, (file.size, &file.sha256), (size, &sha256))
        };
        if let Err(error) = write() {
            let _ = fs::remove_file(&path);
            return Err(self.source_failed(&format!("{}/{}", model.name, file.path), &error));
        }
        Ok(path)
    }

    /// The archive, at most one attempt a pull.
    fn archive(&mut self, id: &'a str) -> Result<PathBuf, String> {
        if let Some(known) = self.archives.get(id) {
            return known.clone();
        }
        let registry = self.registry;
        let entry = registry.manifest.archives.get(id).ok_or_else(|| format!("there is no archive {id:?}"))?;
        let what = entry.to_string();
        let got = match fetch::kept(&registry.cache, entry) {
            Ok(Some(path)) => {
                let (what, bytes) = (what.as_str(), entry.size);
                self.progress.on(PullEvent::FetchFinished { what, bytes, kept: true });
                Ok(path)
            }
            Ok(None) => self.watched(fetch::client(entry.kind), &what, entry.size, |on_bytes| {
                fetch::archive(&registry.cache, &registry.tools, entry, on_bytes)
            }),
            Err(error) => Err(self.source_failed(&what, &error)),
        };
        self.archives.insert(id, got.clone());
        got
    }

    fn hub_file(&mut self, file: &FileEntry, hub: &HubFile) -> Result<PathBuf, String> {
        let registry = self.registry;
        if registry.tools.hub_url.is_none() {
            // Most users have none: not worth a line of progress.
            return Err(FetchError::HubNotConfigured.to_string());
        }
        let what = format!("{} of {}", hub.file, hub.repo);
        self.watched("curl", &what, file.size, |on_bytes| {
            fetch::hub_file(&registry.cache, &registry.tools, file, hub, on_bytes)
        })
    }

    /// Runs a fetch with its progress reported. A client that found nobody answering is not run again in this pull:
    /// without a network each package would cost a minute of its retries.
    fn watched(
        &mut self,
        client: &'static str,
        what: &str,
        bytes: u64,
        fetch: impl FnOnce(fetch::OnBytes<'_>) -> Result<PathBuf, FetchError>,
    ) -> Result<PathBuf, String> {
        if self.unreachable.contains(client) {
            let program = client.to_owned();
            return Err(FetchError::UnreachableBefore { program }.to_string());
        }
        self.progress.on(PullEvent::FetchStarted { what, bytes });
        match fetch(&mut |bytes| self.progress.on(PullEvent::FetchProgress { what, bytes })) {
            Ok(path) => {
                let kept = false;
                self.progress.on(PullEvent::FetchFinished { what, bytes, kept });
                self.report.fetched_bytes += bytes;
                Ok(path)
            }
            Err(error) => {
                if matches!(error, FetchError::Unreachable { .. } | FetchError::Stalled { .. }) {
                    self.unreachable.insert(client);
                }
                Err(self.source_failed(what, &error))
            }
        }
    }

    /// Tells of it now; the sentence is for the report at the end.
    fn source_failed(&mut self, what: &str, error: &FetchError) -> String {
        let reason = error.to_string();
        self.progress.on(PullEvent::SourceFailed { what, reason: &reason });
        reason
    }

    /// Frees the disk of archives that no file to come needs. Those of a file that failed stay for the next pull.
    fn release_archives(&mut self, file: &'a FileEntry) {
        for id in archives_of(file) {
            let Some(left) = self.uses.get_mut(id) else { continue };
            *left -= 1;
            if *left == 0
                && let Some(Ok(path)) = self.archives.remove(id)
            {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn derived(&mut self, model: &'a ModelEntry, entry: &'a DerivedEntry) {
        let registry = self.registry;
        if self.failures.iter().any(|f| f.model == model.name && entry.from.contains(&f.file)) {
            return; // Said already, by the name of the input.
        }
        let found: FileReport = registry.inspect_derived(model, entry, Depth::Hash);
        if found.state == FileState::Present {
            self.report.already += 1;
            return;
        }
        let (name, file, step) = (model.name.as_str(), entry.path.as_str(), entry.step.as_str());
        let Some(deriver) = registry.deriver(step) else {
            self.report.pending.push(format!("{name}/{file}"));
            self.progress.on(PullEvent::DerivePending { model: name, file, step });
            return;
        };
        self.progress.on(PullEvent::Deriving { model: name, file, step });
        let dir = registry.cache.model_dir(name, &model.version);
        match derive::make(&dir, &registry.cache.work(), model, entry, deriver) {
            Ok(record) => {
                self.report.derived.push(format!("{name}/{file}"));
                self.progress.on(PullEvent::Derived { model: name, file, bytes: record.size });
            }
            Err(reason) => self.fail(model, file, vec![reason]),
        }
    }
}

/// The archives in which a file has a source, each once.
fn archives_of(file: &FileEntry) -> Vec<&str> {
    let parts = file.sources.iter().filter_map(|source| source.parts.as_ref()).flatten();
    let mut ids: Vec<&str> = parts.map(|part| part.archive.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
