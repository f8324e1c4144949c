//! Lists of recordings and of sentence pairs: tab-separated, with names of columns in the first line.

mod table;

pub use table::{ListError, ListFault};

use healthsync_events::Language;
use std::path::{Path, PathBuf};
use table::{Row, Table};

/// Name of the list in a folder of recordings.
pub const INDEX: &str = "index.tsv";

/// Characters of a transcript, a translation or a sentence: half an hour of fast speech.
const MAX_TEXT: usize = 30_000;

/// A recording and what is said in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// As the list names it.
    pub name: String,
    pub file: PathBuf,
    pub language: Language,
    pub transcript: String,
    pub translation: Option<Translated>,
    /// Line of the list, from 1.
    pub line: usize,
}

impl Recording {
    /// What figures are grouped by: the first folder of its name, if it has one, and the language.
    pub fn group(&self) -> String {
        match self.name.split_once('/') {
            Some((folder, _)) => format!("{folder} {}", self.language.primary()),
            None => self.language.primary(),
        }
    }
}

/// A text in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    pub language: Language,
    pub text: String,
}

/// A sentence and a translation that a person made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub source_language: Language,
    pub source: String,
    pub target_language: Language,
    pub reference: String,
    /// Line of the list, from 1.
    pub line: usize,
}

/// Reads a list, or the `index.tsv` of a folder: columns `file`, `language`, `transcript`, and if there are
/// translations `translation` and `translation_language`. Further columns are passed over. Files are looked for beside
/// the list.
///
/// # Errors
/// When the list cannot be read, or a line is not what it should be, with its number.
pub fn recordings(path: &Path) -> Result<Vec<Recording>, ListError> {
    let path = if path.is_dir() { path.join(INDEX) } else { path.to_owned() };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let table = Table::read(&path)?;
    let (file, language, transcript) = (table.column("file")?, table.column("language")?, table.column("transcript")?);
    let (translation, into) = (table.optional("translation"), table.optional("translation_language"));
    let recording = |row: Row<'_>| {
        let name = row.required(file)?.to_owned();
        let translated = match (translation.and_then(|at| row.get(at)), into.and_then(|at| row.get(at))) {
            (None, _) => None,
            (Some(_), None) => return Err(row.fault(ListFault::Empty("translation_language"))),
            (Some(text), Some(_)) => {
                let language = row.language(into.unwrap_or_default())?;
                Some(Translated { language, text: row.bounded(text, MAX_TEXT)? })
            }
        };
        Ok(Recording {
            file: folder.join(&name),
            name,
            language: row.language(language)?,
            transcript: row.bounded(row.required(transcript)?, MAX_TEXT)?,
            translation: translated,
            line: row.line,
        })
    };
    table.rows().map(recording).collect()
}

/// Reads a list of sentence pairs: columns `source_language`, `source`, `target_language`, `reference`.
///
/// # Errors
/// As [`recordings`].
pub fn pairs(path: &Path) -> Result<Vec<Pair>, ListError> {
    pairs_of(&Table::read(path)?)
}

/// Reads a list of sentence pairs that has been read already; `name` stands for it in errors.
///
/// # Errors
/// As [`recordings`].
pub fn parse_pairs(name: &str, text: &str) -> Result<Vec<Pair>, ListError> {
    pairs_of(&Table::parse(name, text.to_owned())?)
}

fn pairs_of(table: &Table) -> Result<Vec<Pair>, ListError> {
    let (from, source) = (table.column("source_language")?, table.column("source")?);
    let (into, reference) = (table.column("target_language")?, table.column("reference")?);
    let pair = |row: Row<'_>| {
        Ok(Pair {
            source_language: row.language(from)?,
            source: row.bounded(row.required(source)?, MAX_TEXT)?,
            target_language: row.language(into)?,
            reference: row.bounded(row.required(reference)?, MAX_TEXT)?,
            line: row.line,
        })
    };
    table.rows().map(pair).collect()
}

#[cfg(test)]
mod tests;
