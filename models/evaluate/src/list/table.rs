//! Tab-separated tables with a line of names. Nothing is quoted: a value holds neither tabs nor line ends.

use healthsync_events::Language;
use std::path::Path;

/// Bytes of a table: a hundred thousand recordings with a sentence each.
const MAX_BYTES: u64 = 32 << 20;

/// Rows of a table.
const MAX_ROWS: usize = 100_000;

/// Why a list cannot be used, and where.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {fault}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct ListError {
    pub file: String,
    /// From 1; `None` when it is the whole list.
    pub line: Option<usize>,
    pub fault: ListFault,
}

/// What is wrong with a list. Texts in it are not repeated: they may be what patients said.
#[derive(Debug, thiserror::Error)]
pub enum ListFault {
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("it has more than {MAX_ROWS} lines")]
    TooLong,
    #[error("there is no line under the names of the columns")]
    Nothing,
    #[error("there is no column {0}")]
    NoColumn(&'static str),
    #[error("the column {0} is empty")]
    Empty(&'static str),
    #[error("{0}")]
    Language(healthsync_events::IdError),
    #[error("a text has more than {0} characters")]
    LongText(usize),
}

/// A column that a table has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Column {
    at: usize,
    name: &'static str,
}

pub(super) struct Table {
    file: String,
    text: String,
}

/// A line under the names.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    file: &'a str,
    text: &'a str,
    pub line: usize,
}

impl Table {
    pub fn read(path: &Path) -> Result<Self, ListError> {
        let file = path.display().to_string();
        let fail = |fault| ListError { file: file.clone(), line: None, fault };
        let bytes = std::fs::metadata(path).map_err(|e| fail(ListFault::Read(e)))?.len();
        if bytes > MAX_BYTES {
            return Err(fail(ListFault::TooLarge));
        }
        let text = std::fs::read_to_string(path).map_err(|e| fail(ListFault::Read(e)))?;
        Self::parse(&file, text)
    }

    pub fn parse(name: &str, text: String) -> Result<Self, ListError> {
        let table = Self { file: name.to_owned(), text };
        match table.rows().take(MAX_ROWS + 1).count() {
            0 => Err(table.fail(ListFault::Nothing)),
            rows if rows > MAX_ROWS => Err(table.fail(ListFault::TooLong)),
            _ => Ok(table),
        }
    }

    pub fn column(&self, name: &'static str) -> Result<Column, ListError> {
        self.optional(name).ok_or_else(|| self.fail(ListFault::NoColumn(name)))
    }

    pub fn optional(&self, name: &'static str) -> Option<Column> {
        let names = self.text.lines().next()?.trim_start_matches('\u{feff}');
        let at = names.split('\t').position(|column| column.trim() == name)?;
        Some(Column { at, name })
    }

    /// Lines under the names that are not empty.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let numbered = self.text.lines().enumerate().skip(1).filter(|(_, text)| !text.trim().is_empty());
        numbered.map(|(index, text)| Row { file: &self.file, text, line: index + 1 })
    }

    fn fail(&self, fault: ListFault) -> ListError {
        ListError { file: self.file.clone(), line: None, fault }
    }
}

impl<'a> Row<'a> {
    /// The value, if there is one.
    pub fn get(&self, column: Column) -> Option<&'a str> {
        self.text.split('\t').nth(column.at).map(str::trim).filter(|value| !value.is_empty())
    }

    pub fn required(&self, column: Column) -> Result<&'a str, ListError> {
        self.get(column).ok_or_else(|| self.fault(ListFault::Empty(column.name)))
    }

    pub fn language(&self, column: Column) -> Result<Language, ListError> {
        Language::new(self.required(column)?).map_err(|e| self.fault(ListFault::Language(e)))
    }

    pub fn bounded(&self, text: &str, limit: usize) -> Result<String, ListError> {
        if text.chars().count() > limit {
            return Err(self.fault(ListFault::LongText(limit)));
        }
        Ok(text.to_owned())
    }

    pub fn fault(&self, fault: ListFault) -> ListError {
        ListError { file: self.file.to_owned(), line: Some(self.line), fault }
    }
}
