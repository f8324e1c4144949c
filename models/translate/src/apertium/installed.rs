//! Which directions of Apertium are on this machine.

use super::mode;
use healthsync_events::{Language, ModelInfo};
use healthsync_models::ModelError;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where Debian's packages put mode files.
pub const DEFAULT_MODES: &str = "/usr/share/apertium/modes";

/// Mode files looked at: all released pairs together have about three hundred.
const MAX_MODES: usize = 2_000;

/// Largest mode file, in bytes; those of released pairs have about two thousand.
const MAX_MODE_BYTES: u64 = 64 * 1_024;

/// Three-letter codes that pairs are named with, and the two-letter codes that languages are asked for with.
const CODES: [(&str, &str); 32] = [
    ("afr", "af"),
    ("arg", "an"),
    ("bel", "be"),
    ("bre", "br"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("dan", "da"),
    ("eng", "en"),
    ("epo", "eo"),
    ("eus", "eu"),
    ("fra", "fr"),
    ("glg", "gl"),
    ("hbs", "sh"),
    ("hin", "hi"),
    ("ind", "id"),
    ("isl", "is"),
    ("ita", "it"),
    ("mkd", "mk"),
    ("nld", "nl"),
    ("nno", "nn"),
    ("nob", "nb"),
    ("oci", "oc"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("slv", "sl"),
    ("spa", "es"),
    ("srd", "sc"),
    ("swe", "sv"),
    ("ukr", "uk"),
    ("urd", "ur"),
];

/// A direction as it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApertiumMode {
    pub source: Language,
    pub target: Language,
    /// The mode file.
    pub path: PathBuf,
}

impl ApertiumMode {
    /// The name of the mode: `spa-eng`.
    pub fn name(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }
}

/// The directions whose mode files are in `folder`, one for each pair of languages; none if there is no such folder.
///
/// Of several variants of a direction the Brazilian one is chosen, else the plain one.
pub fn installed(folder: &Path) -> Vec<ApertiumMode> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.take(MAX_MODES).flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut best: BTreeMap<(String, String), (u8, ApertiumMode)> = BTreeMap::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".mode"));
        let Some((source, target, variant)) = name.and_then(pair) else { continue };
        let rank = match variant {
            "BR" => 0,
            "" => 1,
            _ => 2,
        };
        let key = (source.primary(), target.primary());
        if best.get(&key).is_none_or(|(its, _)| rank < *its) {
            best.insert(key, (rank, ApertiumMode { source, target, path }));
        }
    }
    best.into_values().map(|(_, mode)| mode).collect()
}

/// The languages of `spa-eng_US`, and its variant.
fn pair(name: &str) -> Option<(Language, Language, &str)> {
    let (source, target) = name.split_once('-')?;
    let (target, variant) = target.split_once('_').unwrap_or((target, ""));
    let language = |code: &str| {
        let plain = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
        let short = CODES.iter().find(|(long, _)| *long == code).map_or(code, |(_, short)| *short);
        plain.then(|| short.parse().ok()).flatten()
    };
    Some((language(source)?, language(target)?, variant))
}

/// Reads a mode: its stages, and what the registry would know of a model.
pub(super) fn open(mode: &ApertiumMode) -> Result<(Vec<mode::Stage>, ModelInfo), ModelError> {
    let name = format!("apertium-{}", mode.name());
    let failed = |reason: String| ModelError::Load { model: name.clone(), reason };
    let text = read(&mode.path, MAX_MODE_BYTES).map_err(|e| failed(format!("its mode cannot be read: {e}")))?;
    let text = String::from_utf8(text).map_err(|_| failed("its mode is not text".into()))?;
    let stages = mode::parse(&text).map_err(|e| failed(format!("its mode cannot be used: {e}")))?;
    let weights_sha256 = hash(&stages).map_err(|e| failed(format!("its data cannot be read: {e}")))?;
    let version = version().map_err(|e| failed(format!("lt-proc cannot be run: {e}: install the apertium package")))?;
    Ok((stages, ModelInfo { name: name.clone(), version, weights_sha256 }))
}

fn read(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Of the data files in the order of the stages: each one's length, then its bytes.
fn hash(stages: &[mode::Stage]) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1_024];
    for argument in stages.iter().flat_map(|stage| &stage.arguments).filter(|word| word.starts_with('/')) {
        let mut file = File::open(argument)?;
        hasher.update(file.metadata()?.len().to_le_bytes());
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hasher.update(&buffer[..length]);
        }
    }
    Ok(hex(&hasher.finalize()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The version that Apertium's tools state: `lttoolbox 3.7.1`.
fn version() -> std::io::Result<String> {
    let output = Command::new("lt-proc").arg("--version").stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.split_whitespace().next_back().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Ok(format!("lttoolbox {}", number.unwrap_or("of an unknown version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "lt-proc /x").unwrap();
        }
        folder
    }

    #[test]
    fn each_direction_is_found_once_by_the_codes_it_is_asked_for_with() {
        let folder = folder(&["spa-eng.mode", "spa-eng_US.mode", "es-pt.mode", "es-pt_BR.mode", "README", "x.mode"]);
        let found = installed(folder.path());
        let names: Vec<_> =
            found.iter().map(|mode| (mode.source.primary(), mode.target.primary(), mode.name().to_owned())).collect();
        let expected = [("es", "en", "spa-eng"), ("es", "pt", "es-pt_BR")];
        assert_eq!(names, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
        assert_eq!(installed(Path::new("/nowhere")), []);
    }

    #[test]
    fn a_mode_that_cannot_be_used_is_refused_at_loading() {
        let folder = folder(&["es-pt.mode"]);
        let mode = installed(folder.path()).remove(0);
        let reason = |mode: &ApertiumMode| match open(mode) {
            Err(ModelError::Load { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(&mode).contains("data cannot be read"));
        std::fs::write(&mode.path, "sh -c x").unwrap();
        assert!(reason(&mode).contains("none of Apertium's"));
        std::fs::write(&mode.path, [0xff]).unwrap();
        assert!(reason(&mode).contains("not text"));
        std::fs::remove_file(&mode.path).unwrap();
        assert!(reason(&mode).contains("cannot be read"));
    }
}
