//! The deployment's list of terms: how it wants some words translated.
//!
//! A list is a table of tab-separated columns, one term a line: source language, source term, target language, target
//! term, and a note that nobody but its readers looks at. Empty lines and lines that begin with `#` are skipped.

use crate::preserve::{Token, tokens};
use healthsync_events::{IdError, Language};
use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

/// Largest list, in bytes: that of the most terms at their longest is read in whole.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Most terms of a list: each caption is searched for all of them.
pub const MAX_TERMS: usize = 2_000;

/// Longest term, in characters.
pub const MAX_TERM_CHARS: usize = 80;

/// Why a list cannot be used. It names lines, not what stands in them.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    #[error("the list of terms {path} cannot be read: {error}")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("the list of terms is larger than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    #[error("the list has more than {MAX_TERMS} terms")]
    TooMany,
    #[error("line {line}: {problem}")]
    Line { line: usize, problem: LineProblem },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    #[error("it has {0} columns, not four or five")]
    Columns(usize),
    #[error("its {column} is no language: {error}")]
    Language { column: &'static str, error: IdError },
    #[error("both of its languages are the same")]
    SameLanguage,
    #[error("its {0} has no letter or digit")]
    Empty(&'static str),
    #[error("its {0} is longer than {MAX_TERM_CHARS} characters")]
    TooLong(&'static str),
    #[error("line {0} has this term for these languages already")]
    Repeated(usize),
}

/// A term and what it must become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub source_language: Language,
    pub source: String,
    pub target_language: Language,
    pub target: String,
    /// The words of `source` and `target` without accents, as they are looked for.
    source_words: Vec<String>,
    target_words: Vec<String>,
}

/// A list of terms; [`Terms::default`] is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    terms: Vec<Term>,
}

/// A term that stands in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermMention<'a> {
    pub term: &'a Term,
    /// As it stands there.
    pub found: String,
    /// Bytes of the source.
    pub start: usize,
    pub end: usize,
}

impl Terms {
    /// Reads a list from a file.
    pub fn load(path: &Path) -> Result<Self, TermsError> {
        let failed = |error| TermsError::Read { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut text = String::new();
        let length = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if length as u64 > MAX_FILE_BYTES {
            return Err(TermsError::TooLarge);
        }
        Self::parse(&text)
    }

    /// Reads a list.
    pub fn parse(text: &str) -> Result<Self, TermsError> {
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(TermsError::TooLarge);
        }
        let mut terms: Vec<Term> = Vec::new();
        let mut lines: Vec<usize> = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let failed = |problem| TermsError::Line { line: index + 1, problem };
            let term = parse_line(line).map_err(failed)?;
            if let Some(before) = terms.iter().position(|before| before.says_of(&term)) {
                return Err(failed(LineProblem::Repeated(lines[before])));
            }
            if terms.len() == MAX_TERMS {
                return Err(TermsError::TooMany);
            }
            terms.push(term);
            lines.push(index + 1);
        }
        Ok(Self { terms })
    }

    pub fn len(&self) -> usize {
        self.terms.len()
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms that stand in a source, in their order; where they overlap, the longer one.
    pub fn in_source(&self, source: &str, from: &Language, to: &Language) -> Vec<TermMention<'_>> {
        let mut mentions: Vec<TermMention<'_>> = Vec::new();
        if self.terms.is_empty() {
            return mentions;
        }
        let words = tokens(source);
        let fits = |term: &&Term| term.source_language.same_language(from) && term.target_language.same_language(to);
        for term in self.terms.iter().filter(fits) {
            for (first, last) in places(&words, &term.source_words) {
                let (start, end) = (words[first].start, words[last].end);
                let longer = |other: &TermMention<'_>| {
                    let overlap = other.start < end && start < other.end;
                    overlap && other.end - other.start >= end - start
                };
                if mentions.iter().any(longer) {
                    continue;
                }
                mentions.retain(|other| !(other.start < end && start < other.end));
                mentions.push(TermMention { term, found: source[start..end].to_owned(), start, end });
            }
        }
        mentions.sort_by_key(|mention| mention.start);
        mentions
    }

    /// The terms of a source that its translation lacks: those that stand in it less often than in the source.
    pub fn lost(&self, source: &str, from: &Language, target: &str, to: &Language) -> Vec<TermMention<'_>> {
        let mut lost: Vec<TermMention<'_>> = Vec::new();
        let mentions = self.in_source(source, from, to);
        if mentions.is_empty() {
            return lost;
        }
        let words = tokens(target);
        for (index, mention) in mentions.iter().enumerate() {
            let there = places(&words, &mention.term.target_words).len();
            let before = mentions[..index].iter().filter(|it| it.term.target_words == mention.term.target_words);
            if before.count() >= there {
                lost.push(mention.clone());
            }
        }
        lost
    }
}

impl Term {
    /// Whether both say how the same words are translated.
    fn says_of(&self, other: &Self) -> bool {
        self.source_words == other.source_words
            && self.source_language.same_language(&other.source_language)
            && self.target_language.same_language(&other.target_language)
    }
}

fn parse_line(line: &str) -> Result<Term, LineProblem> {
    let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [from, source, to, target] = columns[..] else {
        if let [from, source, to, target, _note] = columns[..] {
            return term(from, source, to, target);
        }
        return Err(LineProblem::Columns(columns.len()));
    };
    term(from, source, to, target)
}

fn term(from: &str, source: &str, to: &str, target: &str) -> Result<Term, LineProblem> {
    let language =
        |text: &str, column| text.parse::<Language>().map_err(|error| LineProblem::Language { column, error });
    let (source_language, target_language) = (language(from, "source language")?, language(to, "target language")?);
    if source_language.same_language(&target_language) {
        return Err(LineProblem::SameLanguage);
    }
    let words = |text: &str, column| {
        if text.chars().count() > MAX_TERM_CHARS {
            return Err(LineProblem::TooLong(column));
        }
        let words: Vec<String> = tokens(text).into_iter().map(|token| token.folded).collect();
        if !text.chars().any(char::is_alphanumeric) {
            return Err(LineProblem::Empty(column));
        }
        Ok(words)
    };
    let (source_words, target_words) = (words(source, "source term")?, words(target, "target term")?);
    let (source, target) = (source.to_owned(), target.to_owned());
    Ok(Term { source_language, source, target_language, target, source_words, target_words })
}

/// Where a term stands among the words of a text: its first and last token. Places do not overlap.
fn places(words: &[Token], term: &[String]) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut at = 0;
    while at + term.len() <= words.len() {
        let here = term.iter().zip(&words[at..]).all(|(term, word)| same_word(term, &word.folded));
        if here {
            places.push((at, at + term.len() - 1));
            at += term.len();
        } else {
            at += 1;
        }
    }
    places
}

/// Whether two words without accents differ in their ending only, as number and gender change it.
fn same_word(a: &str, b: &str) -> bool {
    const ENDINGS: [&str; 22] = [
        "", "s", "es", "a", "o", "as", "os", "e", "ao", "oes", "aes", "al", "ais", "el", "eis", "l", "is", "m", "ns",
        "y", "ies", "ed",
    ];
    /// Letters that must be the same.
    const STEM: usize = 3;
    if a == b {
        return true;
    }
    let same: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(c, _)| c.len_utf8()).sum();
    // Endings share letters: "pulmão" and "pulmões" differ after "pulm", but "o" and "os" after "o".
    (same.saturating_sub(1)..=same).rev().any(|stem| {
        let split = |word: &'_ str| word.get(stem..).is_some_and(|ending| ENDINGS.contains(&ending));
        stem >= STEM && split(a) && split(b)
    })
}

#[cfg(test)]
pub(crate) fn list(lines: &[&str]) -> Terms {
    Terms::parse(&lines.join("\n")).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UTI: &str = "pt\tUTI\ten\tICU";
    const STROKE: &str = "pt\tacidente vascular cerebral\ten\tstroke\tnever CVA";
    const ACCIDENT: &str = "pt\tacidente\ten\taccident";

    fn lost(terms: &Terms, source: &str, target: &str) -> Vec<String> {
        let (pt, en) = ("pt-BR".parse().unwrap(), "en".parse().unwrap());
        terms.lost(source, &pt, target, &en).into_iter().map(|mention| mention.found).collect()
    }

    #[test]
    fn a_term_that_survives_is_not_lost_whatever_its_case_and_number() {
        let terms = list(&["# our words", "", UTI, STROKE, "pt\tlesão\ten\tlesion"]);
        assert_eq!(terms.len(), 3);
        assert_eq!(lost(&terms, "Ela está na UTI.", "She is in the ICU."), [] as [&str; 0]);
        assert_eq!(lost(&terms, "Ela está na uti.", "She is in intensive care."), ["uti"]);
        assert_eq!(lost(&terms, "Vi duas lesões.", "I saw two lesions."), [] as [&str; 0]);
        assert_eq!(lost(&terms, "Vi duas lesões.", "I saw two injuries."), ["lesões"]);
    }

    #[test]
    fn the_longer_term_counts_where_two_overlap() {
        let terms = list(&[ACCIDENT, STROKE]);
        assert_eq!(lost(&terms, "Teve um acidente vascular cerebral.", "He had a stroke."), [] as [&str; 0]);
        assert_eq!(lost(&terms, "Teve um acidente.", "He had a stroke."), ["acidente"]);
    }

    #[test]
    fn each_time_a_term_is_said_counts() {
        let terms = list(&[UTI]);
        assert_eq!(lost(&terms, "Da UTI para outra UTI.", "From the ICU to another unit."), ["UTI"]);
    }

    #[test]
    fn a_term_holds_for_its_languages_only() {
        let terms = list(&[UTI]);
        let (pt, es) = ("pt".parse().unwrap(), "es".parse().unwrap());
        assert_eq!(terms.lost("Está na UTI.", &pt, "Está en cuidados.", &es), []);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_line() {
        let refusal = |text: &str| Terms::parse(text).unwrap_err().to_string();
        assert_eq!(refusal("# a\npt\tUTI\ten"), "line 2: it has 3 columns, not four or five");
        assert!(refusal("p!\tUTI\ten\tICU").starts_with("line 1: its source language is no language"));
        assert_eq!(refusal("pt\tUTI\tpt-BR\tICU"), "line 1: both of its languages are the same");
        assert_eq!(refusal("pt\t \ten\tICU"), "line 1: its source term has no letter or digit");
        assert_eq!(refusal("pt\tUTI\ten\t."), "line 1: its target term has no letter or digit");
        assert!(refusal(&format!("pt\t{}\ten\tICU", "a".repeat(81))).contains("longer than 80 characters"));
        assert_eq!(
            refusal(&format!("{UTI}\n\npt-BR\tuti\ten\tunit")),
            "line 3: line 1 has this term for these languages already"
        );
        let many: Vec<String> = (0..=MAX_TERMS).map(|n| format!("pt\tt{n}\ten\tt{n}")).collect();
        assert!(matches!(Terms::parse(&many.join("\n")), Err(TermsError::TooMany)));
        assert!(matches!(Terms::parse(&"#".repeat(MAX_FILE_BYTES as usize + 1)), Err(TermsError::TooLarge)));
        assert!(matches!(Terms::load(Path::new("/nowhere.tsv")), Err(TermsError::Read { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_refused(text in "(?s).{0,200}|(pt\t[a-z]{0,4}\ten\t[a-z]{0,4}\n){0,4}") {
            let _ = Terms::parse(&text);
        }
    }
}
