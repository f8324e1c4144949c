//! Texts before they are compared: how a word is written is not what a recogniser is measured by.
//!
//! The two normalisers are those of Whisper (Radford et al. 2022, appendix C), so that figures can be held against
//! published ones: one for English, with contractions, numbers and spellings, and one for every other language.

mod basic;
mod english;
mod lenient;
mod lexicon;
mod numbers;
mod portuguese;

use healthsync_events::Language;
use std::{collections::HashMap, path::Path};

/// Largest spelling map read, in bytes: forty times the published one.
const MAX_SPELLINGS_BYTES: u64 = 2 << 20;

/// British spellings and the American ones they are taken for.
#[derive(Debug, Clone, Default)]
pub struct Spellings(HashMap<String, String>);

/// Why a spelling map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpellingsError {
    #[error("the spelling map {file} cannot be read: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("the spelling map {file} has {bytes} bytes, at most {MAX_SPELLINGS_BYTES} are read")]
    TooLarge { file: String, bytes: u64 },
    #[error("the spelling map {file} is not an object of strings: {source}")]
    Parse { file: String, source: serde_json::Error },
}

impl Spellings {
    /// Reads a JSON object from one spelling to the other, as Whisper's `english.json`.
    pub fn read(path: &Path) -> Result<Self, SpellingsError> {
        let file = path.display().to_string();
        let failed = |source| SpellingsError::Read { file: file.clone(), source };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > MAX_SPELLINGS_BYTES {
            return Err(SpellingsError::TooLarge { file, bytes });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let map = serde_json::from_str(&text).map_err(|source| SpellingsError::Parse { file, source })?;
        Ok(Self(map))
    }

    fn american<'a>(&'a self, word: &'a str) -> &'a str {
        self.0.get(word).map_or(word, String::as_str)
    }
}

/// Brings texts to the form they are compared in.
pub struct Normaliser {
    spellings: Spellings,
}

impl Normaliser {
    pub fn new(spellings: Spellings) -> Self {
        Self { spellings }
    }

    /// The text as Whisper's normaliser of that language leaves it, words separated by single spaces.
    pub fn normalise(&self, language: &Language, text: &str) -> String {
        let normal = match language.primary().as_str() {
            "en" => english::normalise(text, &self.spellings),
            _ => basic::normalise(text),
        };
        normal.trim().to_owned()
    }

    /// Words for the lenient count: of the normalised text, without diacritics, and in Portuguese with numbers and
    /// units as figures and signs. A recogniser writes "39 graus" where a transcript says "trinta e nove graus".
    pub fn lenient(&self, language: &Language, text: &str) -> Vec<String> {
        lenient::words(language, &self.normalise(language, text))
    }
}

#[cfg(test)]
mod tests;
