//! What a manifest must satisfy before any of it reaches a path, a command line or a URL.

use super::manifest::{Archive, ArchiveKind, DerivedEntry, FORMAT, FileEntry, Manifest, ModelEntry, Source};
use std::collections::BTreeSet;

/// Bounds far above what a manifest needs, so that a wrong one fails here and not somewhere slow.
const MAX_ENTRIES: usize = 1024;
const MAX_TEXT: usize = 256;
/// 64 GiB: larger than any single file of a model that this system runs.
const MAX_FILE_BYTES: u64 = 64 << 30;

type Check = Result<(), String>;

pub(super) fn check(manifest: &Manifest) -> Check {
    if manifest.format != FORMAT {
        return Err(format!("format {} is not known, only {FORMAT}", manifest.format));
    }
    bounded("archives", manifest.archives.len())?;
    bounded("models", manifest.models.len())?;
    for (id, archive) in &manifest.archives {
        archive_entry(id, archive).map_err(|e| format!("archive {id:?}: {e}"))?;
    }
    let mut names = BTreeSet::new();
    for model in &manifest.models {
        model_entry(manifest, model).map_err(|e| format!("model {:?}: {e}", model.name))?;
        if !names.insert(&model.name) {
            return Err(format!("model {:?} is listed twice", model.name));
        }
    }
    Ok(())
}

fn archive_entry(id: &str, archive: &Archive) -> Check {
    name("id", id)?;
    let package = match archive.kind {
        ArchiveKind::Wheel => archive.package.as_str(),
        ArchiveKind::Npm => npm_unscoped(&archive.package)?,
    };
    name("package", package)?;
    name("version", &archive.version)?;
    if let Some(platform) = &archive.platform {
        name("platform", platform)?;
    }
    size(archive.size)?;
    sha256(&archive.sha256)
}

/// `@scope/name` becomes `name`, with the scope checked.
fn npm_unscoped(package: &str) -> Result<&str, String> {
    let Some(scoped) = package.strip_prefix('@') else {
        return Ok(package);
    };
    let (scope, rest) = scoped.split_once('/').ok_or("a scoped package is written @scope/name")?;
    name("scope", scope)?;
    Ok(rest)
}

fn model_entry(manifest: &Manifest, model: &ModelEntry) -> Check {
    name("name", &model.name)?;
    name("version", &model.version)?;
    for (what, text) in [("title", &model.title), ("licence", &model.licence), ("origin", &model.origin)] {
        if text.trim().is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
            return Err(format!("{what} must be one line of 1 to {MAX_TEXT} bytes"));
        }
    }
    if model.files.is_empty() {
        return Err("it has no files".to_owned());
    }
    bounded("files", model.files.len() + model.derived.len())?;
    let mut paths = BTreeSet::new();
    for file in &model.files {
        file_entry(manifest, file).map_err(|e| format!("file {:?}: {e}", file.path))?;
        if !paths.insert((&file.path, file.target.as_ref())) {
            return Err(format!("file {:?} is listed twice", file.path));
        }
        if file.target.is_some() && paths.contains(&(&file.path, None)) {
            return Err(format!("file {:?} is listed for every target and for one", file.path));
        }
    }
    for derived in &model.derived {
        derived_entry(model, derived).map_err(|e| format!("derived file {:?}: {e}", derived.path))?;
    }
    let derived: BTreeSet<_> = model.derived.iter().map(|d| &d.path).collect();
    if derived.len() != model.derived.len() {
        return Err("a derived file is listed twice".to_owned());
    }
    Ok(())
}

fn file_entry(manifest: &Manifest, file: &FileEntry) -> Check {
    name("path", &file.path)?;
    if let Some(target) = &file.target {
        name("target", target)?;
    }
    size(file.size)?;
    sha256(&file.sha256)?;
    if file.sources.is_empty() {
        return Err("it has no source".to_owned());
    }
    bounded("sources", file.sources.len())?;
    file.sources.iter().try_for_each(|source| source_entry(manifest, source))
}

fn source_entry(manifest: &Manifest, source: &Source) -> Check {
    match (&source.parts, &source.hub, source.bundled) {
        (Some(parts), None, false) => {
            if parts.is_empty() {
                return Err("a source has no parts".to_owned());
            }
            bounded("parts", parts.len())?;
            for part in parts {
                if !manifest.archives.contains_key(&part.archive) {
                    return Err(format!("there is no archive {:?}", part.archive));
                }
                inner_path("member", &part.member)?;
            }
            Ok(())
        }
        (None, Some(hub), false) => {
            inner_path("hub repo", &hub.repo)?;
            name("hub revision", &hub.revision)?;
            inner_path("hub file", &hub.file)
        }
        (None, None, true) => Ok(()),
        _ => Err("a source has either parts, or hub, or is bundled".to_owned()),
    }
}

fn derived_entry(model: &ModelEntry, derived: &DerivedEntry) -> Check {
    name("path", &derived.path)?;
    name("step", &derived.step)?;
    if derived.from.is_empty() {
        return Err("it is made from nothing".to_owned());
    }
    bounded("inputs", derived.from.len())?;
    if model.files.iter().any(|file| file.path == derived.path) {
        return Err("a file to pull has the same path".to_owned());
    }
    for input in &derived.from {
        // An input that exists on some targets only would make the derived file depend on the target.
        if !model.files.iter().any(|file| file.path == *input && file.target.is_none()) {
            return Err(format!("{input:?} is not a file that this model has on every target"));
        }
    }
    derived.sha256.as_deref().map_or(Ok(()), sha256)
}

/// One path component that is also safe as a command-line argument and in a requirements file: it begins with a
/// letter or a digit, so it is neither an option nor hidden nor a parent folder.
fn name(what: &str, text: &str) -> Check {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    if first && rest && text.len() <= MAX_TEXT {
        return Ok(());
    }
    Err(format!("{what} {text:?} must be letters, digits, . _ + - and begin with a letter or digit"))
}

/// A relative path with `/`, each component a [`name`] or beginning with an underscore: it cannot leave its folder.
fn inner_path(what: &str, text: &str) -> Check {
    if text.len() > MAX_TEXT {
        return Err(format!("{what} is longer than {MAX_TEXT} bytes"));
    }
    let fits = |part: &str| name(what, part.trim_start_matches('_')).is_ok();
    if text.split('/').all(fits) {
        return Ok(());
    }
    Err(format!("{what} {text:?} must be a plain relative path"))
}

fn bounded(what: &str, count: usize) -> Check {
    if count <= MAX_ENTRIES {
        return Ok(());
    }
    Err(format!("{count} {what}, at most {MAX_ENTRIES} are allowed"))
}

fn size(bytes: u64) -> Check {
    if (1..=MAX_FILE_BYTES).contains(&bytes) {
        return Ok(());
    }
    Err(format!("size {bytes} is not within 1 to {MAX_FILE_BYTES}"))
}

fn sha256(text: &str) -> Check {
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Ok(());
    }
    Err(format!("sha256 {text:?} is not 64 lower-case hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_would_be_options_or_leave_the_folder_are_refused() {
        for bad in ["", ".", "..", "-r", "--index-url", ".hidden", "a/b", "a\nb", "a b", "a;b", "é"] {
            assert!(name("name", bad).is_err(), "{bad:?}");
        }
        for good in ["a", "enpt-1693087644", "lex.50.50.enpt.s2t.bin", "MODEL_CARD", "1.0.0+cpu"] {
            assert!(name("name", good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn members_that_would_leave_their_archive_are_refused() {
        for bad in ["../x", "/etc/passwd", "a/../b", "a//b", "a/./b", "a\\b", "a/", "C:/x", "_", ""] {
            assert!(inner_path("member", bad).is_err(), "{bad:?}");
        }
        assert!(inner_path("member", "onnxruntime/capi/_pybind/libonnxruntime.so.1.32.0").is_ok());
    }

    proptest! {
        #[test]
        fn a_path_that_passes_stays_below_its_folder(text in "[a-z./_\\\\-]{0,24}") {
            if inner_path("member", &text).is_ok() {
                let path = std::path::Path::new(&text);
                prop_assert!(path.is_relative());
                prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
            }
        }
    }
}
