//! Weights that are part of the program: small ones that were trained here, which nobody else could serve.

use super::{Registry, RegistryError, manifest::FileEntry};
use healthsync_events::ModelInfo;
use sha2::{Digest, Sha256};

/// Every bundled file by its name in the manifest.
const FILES: [(&str, &[u8]); 2] = [
    ("deteriorate.safetensors", include_bytes!("../../weights/deteriorate.safetensors")),
    ("deteriorate-icu.safetensors", include_bytes!("../../weights/deteriorate-icu.safetensors")),
];

/// The bytes of a file of the manifest, if they are part of the program and have the size and hash stated.
pub(super) fn bytes(file: &FileEntry) -> Result<&'static [u8], String> {
    let found = FILES.iter().find(|(name, _)| *name == file.path);
    let (_, bytes) = found.ok_or_else(|| "it is not part of this program".to_owned())?;
    if bytes.len() as u64 != file.size {
        return Err(format!("it has {} bytes, not {}", bytes.len(), file.size));
    }
    let actual = crate::hex(&Sha256::digest(bytes));
    if actual != file.sha256 {
        return Err(format!("its SHA-256 is {actual}, not {}", file.sha256));
    }
    Ok(bytes)
}

impl Registry {
    /// One file of a model, from within the program: it needs no cache. The provenance is that of the file alone.
    pub fn bundled(&self, name: &str, file: &str) -> Result<(&'static [u8], ModelInfo), RegistryError> {
        let model = self.manifest.model(name)?;
        let unknown = || RegistryError::UnknownFile { model: name.to_owned(), file: file.to_owned() };
        let entry = model.files.iter().find(|entry| entry.path == file && entry.bundled()).ok_or_else(unknown)?;
        let corrupt = |reason| RegistryError::Corrupt { model: name.to_owned(), file: file.to_owned(), reason };
        let bytes = bytes(entry).map_err(corrupt)?;
        let info = ModelInfo {
            name: model.name.clone(),
            version: model.version.clone(),
            weights_sha256: entry.sha256.clone(),
        };
        Ok((bytes, info))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Manifest;

    #[test]
    fn every_bundled_file_is_what_the_manifest_says_and_no_other_is_bundled() {
        let manifest = Manifest::embedded().unwrap();
        let stated: Vec<&FileEntry> =
            manifest.models.iter().flat_map(|model| &model.files).filter(|file| file.bundled()).collect();
        assert_eq!(stated.len(), FILES.len());
        for file in stated {
            assert!(bytes(file).is_ok(), "{}: {:?}", file.path, bytes(file));
        }
    }

    #[test]
    fn bundled_files_are_handed_out_without_a_cache_and_others_are_not() {
        let nowhere = std::path::Path::new("/nonexistent");
        let registry = Registry::new(Manifest::embedded().unwrap(), nowhere).unwrap();
        let (weights, info) = registry.bundled("deteriorate", "deteriorate.safetensors").unwrap();
        assert_eq!(crate::hex(&Sha256::digest(weights)), info.weights_sha256);
        assert!(matches!(registry.bundled("whisper-base", "model.bin"), Err(RegistryError::UnknownFile { .. })));
        assert!(matches!(registry.open("deteriorate"), Err(RegistryError::Bundled(_))));
    }
}
