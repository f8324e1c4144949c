//! Words for a count that forgives how something is written, but not that another thing was written.

use super::{basic, portuguese};
use healthsync_events::Language;

/// Words of a normalised text, without diacritics and, in Portuguese, with numbers as figures.
pub(super) fn words(language: &Language, normal: &str) -> Vec<String> {
    let plain = basic::plain(normal, &[]);
    let words: Vec<&str> = plain.split_whitespace().collect();
    match language.primary().as_str() {
        "pt" => portuguese::figures(&words),
        _ => words.into_iter().map(str::to_owned).collect(),
    }
}
