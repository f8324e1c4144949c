//! The cache folder: `<root>/<name>/<version>/<file>`, with everything unfinished under `<root>/.staging`.
//!
//! A file has its final name only once its bytes are whole, checked and on disk, so readers need no lock. Writers
//! hold `<root>/.lock`.

use super::RegistryError;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How often a waiting process looks whether the lock is free.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// 1 MiB: large enough that hashing is bound by the processor, not by system calls.
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(super) struct Cache {
    root: PathBuf,
}

/// The folder that the environment asks for: `HEALTHSYNC_MODELS_DIR`, else the XDG cache folder.
pub fn default_root() -> Result<PathBuf, RegistryError> {
    root_from(|name| env::var_os(name))
}

fn root_from(var: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, RegistryError> {
    let set = |name: &str| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(own) = set("HEALTHSYNC_MODELS_DIR") {
        return Ok(own);
    }
    // The XDG base directory specification has relative paths ignored.
    let xdg = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = xdg.or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(cache.ok_or(RegistryError::NoCacheFolder)?.join("healthsync").join("models"))
}

impl Cache {
    /// The folder need not exist yet.
    pub fn new(root: &Path) -> Result<Self, RegistryError> {
        let root = std::path::absolute(root).map_err(|e| RegistryError::io("resolve", root, e))?;
        Ok(Self { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn model_dir(&self, name: &str, version: &str) -> PathBuf {
        self.root.join(name).join(version)
    }

    /// Whole, checked archives, named by their SHA-256. What is here survives an interrupted pull.
    pub fn archives(&self) -> PathBuf {
        self.root.join(".staging").join("archives")
    }

    /// Files of hub sources so far: the next pull goes on where they end.
    pub fn partial(&self) -> PathBuf {
        self.root.join(".staging").join("partial")
    }

    /// Unfinished work, worth nothing to the next pull.
    pub fn work(&self) -> PathBuf {
        self.root.join(".staging").join("work")
    }

    /// Makes the folders of a pull, with an empty work folder, and drops what an older manifest left: only names in
    /// `keep` (SHA-256) can still be of use. The caller holds the lock.
    pub fn prepare_staging(&self, keep: &BTreeSet<&str>) -> Result<(), RegistryError> {
        remove_all(&self.work())?;
        for dir in [self.archives(), self.partial()] {
            let Ok(entries) = fs::read_dir(dir) else { continue };
            for entry in entries.filter_map(Result::ok) {
                if !entry.file_name().to_str().is_some_and(|name| keep.contains(name)) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        for dir in [self.archives(), self.partial(), self.work()] {
            create_dir(&dir)?;
        }
        Ok(())
    }

    /// Removes what no later pull can use, and the staging folders if they are empty.
    pub fn tidy_staging(&self) -> Result<(), RegistryError> {
        remove_all(&self.work())?;
        for dir in [self.archives(), self.partial(), self.root.join(".staging")] {
            // A folder that still holds something stays: that is what a later pull goes on from.
            let _ = fs::remove_dir(dir);
        }
        Ok(())
    }

    /// Waits at most `wait` for other pulls into this folder; `waiting` is called once if there is one.
    pub fn lock(&self, wait: Duration, waiting: impl FnOnce(&Path)) -> Result<CacheLock, RegistryError> {
        create_dir(&self.root)?;
        let path = self.root.join(".lock");
        // Never truncated or removed: the file only carries the lock, which dies with its process.
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|e| RegistryError::io("open", &path, e))?;
        let since = Instant::now();
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(CacheLock { _file: file }),
                Err(TryLockError::Error(e)) => return Err(RegistryError::io("lock", path, e)),
                Err(TryLockError::WouldBlock) => {}
            }
            if since.elapsed() >= wait {
                return Err(RegistryError::Locked { path, waited: wait });
            }
            if let Some(tell) = waiting.take() {
                tell(&path);
            }
            thread::sleep(LOCK_POLL);
        }
    }
}

/// Held while files are added to the cache; freed when dropped or when the process ends.
#[derive(Debug)]
pub(super) struct CacheLock {
    _file: File,
}

pub(super) fn create_dir(path: &Path) -> Result<(), RegistryError> {
    fs::create_dir_all(path).map_err(|e| RegistryError::io("create", path, e))
}

pub(super) fn remove_all(path: &Path) -> Result<(), RegistryError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(RegistryError::io("remove", path, e)),
        _ => Ok(()),
    }
}

/// Gives a finished file its final name, durably: its bytes are on disk before the name is.
pub(super) fn install(from: &Path, to: &Path) -> Result<(), RegistryError> {
    let Some(dir) = to.parent() else {
        return Err(RegistryError::io("install", to, io::ErrorKind::InvalidInput.into()));
    };
    create_dir(dir)?;
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(from).map_err(|e| RegistryError::io("write", from, e))?;
    fs::rename(from, to).map_err(|e| RegistryError::io("install", to, e))?;
    sync(dir).map_err(|e| RegistryError::io("write", dir, e))
}

/// Size in bytes and SHA-256 of a file.
pub(super) fn hash_file(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, crate::hex(&hasher.finalize())));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}

/// Hashes and counts what passes through it.
pub(super) struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
    written: u64,
}

impl<W: Write> HashingWriter<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), written: 0 }
    }

    pub fn written(&self) -> u64 {
        self.written
    }

    /// Flushes; gives the byte count and the SHA-256.
    pub fn finish(mut self) -> io::Result<(u64, String)> {
        self.inner.flush()?;
        Ok((self.written, crate::hex(&self.hasher.finalize())))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(vars: &[(&str, &str)]) -> Option<PathBuf> {
        let find = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        root_from(find).ok()
    }

    #[test]
    fn the_cache_folder_is_the_one_asked_for_then_xdg_then_home() {
        let own = ("HEALTHSYNC_MODELS_DIR", "/srv/models");
        let (xdg, home) = (("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/a"));
        assert_eq!(root(&[own, xdg, home]), Some("/srv/models".into()));
        assert_eq!(root(&[xdg, home]), Some("/xdg/healthsync/models".into()));
        assert_eq!(root(&[("XDG_CACHE_HOME", "relative"), home]), Some("/home/a/.cache/healthsync/models".into()));
        assert_eq!(root(&[("HEALTHSYNC_MODELS_DIR", ""), ("HOME", "")]), None);
    }

    #[test]
    fn a_hash_is_the_published_one() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"abc").unwrap();
        assert_eq!(writer.finish().unwrap(), (3, abc.to_owned()));
    }

    #[test]
    fn a_second_writer_waits_and_is_then_told_who_holds_it_up() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path()).unwrap();
        let held = cache.lock(Duration::ZERO, |_| ()).unwrap();
        let mut told = false;
        let second = cache.lock(LOCK_POLL, |_| told = true);
        assert!(matches!(second, Err(RegistryError::Locked { .. })));
        assert!(told);
        drop(held);
        assert!(cache.lock(Duration::ZERO, |_| ()).is_ok());
    }
}
