//! One direction: which files translate from which language into which.

use healthsync_events::{Language, ModelInfo};
use healthsync_models::{ModelError, registry::LoadedFiles};
use std::path::PathBuf;

/// One direction's files.
#[derive(Debug, Clone)]
pub struct Direction {
    pub source: Language,
    pub target: Language,
    pub model: PathBuf,
    /// The same path as `target_vocabulary` where both languages share one.
    pub source_vocabulary: PathBuf,
    pub target_vocabulary: PathBuf,
    /// Restricts the output words to likely ones, which is many times as fast.
    pub shortlist: Option<PathBuf>,
    pub info: ModelInfo,
}

impl Direction {
    /// A registry entry with files named as Mozilla names them: `model.enpt.….bin`, `lex.….enpt.….bin`, and
    /// `vocab.enpt.spm` or `srcvocab.….spm` and `trgvocab.….spm`. The languages are read from the model's name.
    ///
    /// # Errors
    /// `Load` when a file is missing among them or the pair cannot be read.
    pub fn from_files(files: &LoadedFiles) -> Result<Self, ModelError> {
        let failed = |reason: &str| ModelError::Load { model: files.info.name.clone(), reason: reason.into() };
        let find = |prefix: &str, suffix: &str| {
            files.files.iter().find(|(name, _)| name.starts_with(prefix) && name.ends_with(suffix))
        };
        let (model_name, model) = find("model.", ".bin").ok_or_else(|| failed("it has no file `model.….bin`"))?;
        let pair = model_name.split('.').nth(1).unwrap_or_default();
        let (source, target) = languages(pair).ok_or_else(|| failed("its pair of languages is not in its name"))?;
        let shared = find("vocab.", ".spm");
        let vocabulary = |own: &str| {
            let file = shared.or_else(|| find(own, ".spm"));
            file.map(|(_, path)| path.clone()).ok_or_else(|| failed("it has no vocabulary"))
        };
        Ok(Self {
            source,
            target,
            model: model.clone(),
            source_vocabulary: vocabulary("srcvocab.")?,
            target_vocabulary: vocabulary("trgvocab.")?,
            shortlist: find("lex.", ".bin").map(|(_, path)| path.clone()),
            info: files.info.clone(),
        })
    }
}

/// `enpt` is English to Portuguese: two ISO 639-1 codes.
fn languages(pair: &str) -> Option<(Language, Language)> {
    if pair.len() != 4 || !pair.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let (source, target) = pair.split_at(2);
    Some((source.parse().ok()?, target.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> LoadedFiles {
        LoadedFiles {
            dir: PathBuf::new(),
            files: names.iter().map(|name| ((*name).to_owned(), PathBuf::from(name))).collect(),
            info: ModelInfo { name: "firefox-xxyy".into(), version: "1".into(), weights_sha256: "0".repeat(64) },
        }
    }

    #[test]
    fn another_pair_is_only_another_set_of_files() {
        let names = [
            "model.esen.intgemm.alphas.bin",
            "lex.50.50.esen.s2t.bin",
            "vocab.esen.spm",
            "config.intgemm8bitalpha.yml",
        ];
        let direction = Direction::from_files(&files(&names)).unwrap();
        assert_eq!((direction.source.primary().as_str(), direction.target.primary().as_str()), ("es", "en"));
        assert_eq!(direction.source_vocabulary, direction.target_vocabulary);
        assert_eq!(direction.shortlist, Some("lex.50.50.esen.s2t.bin".into()));
    }

    #[test]
    fn a_pair_may_have_a_vocabulary_for_each_language_and_no_shortlist() {
        let names = ["model.enzh.bin", "srcvocab.enzh.spm", "trgvocab.enzh.spm"];
        let direction = Direction::from_files(&files(&names)).unwrap();
        assert_ne!(direction.source_vocabulary, direction.target_vocabulary);
        assert_eq!(direction.shortlist, None);
    }

    #[test]
    fn files_that_are_no_direction_are_refused() {
        for names in [&["vocab.enpt.spm"][..], &["model.enpt.bin"], &["model.bin", "vocab.spm"], &["model.EN-PT.bin"]] {
            assert!(matches!(Direction::from_files(&files(names)), Err(ModelError::Load { .. })), "{names:?}");
        }
    }
}
