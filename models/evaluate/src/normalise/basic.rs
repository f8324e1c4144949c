//! Whisper's normaliser for languages without one of their own.

use crate::patterns::{Rules, pattern};
use regex::Regex;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;

/// Marks, symbols and punctuation.
static SIGN: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"[\p{M}\p{S}\p{P}]"));

/// Marks that sit on the letter before them.
static NONSPACING: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\p{Mn}"));

static BRACKETED: LazyLock<Rules> = LazyLock::new(|| Rules::new([(r"[<\[][^>\]]*[>\]]", ""), (r"\([^)]+?\)", "")]));

/// Letters with a stroke or a ligature, which decomposition leaves alone.
const PLAIN: [(char, &str); 16] = [
    ('œ', "oe"),
    ('Œ', "OE"),
    ('ø', "o"),
    ('Ø', "O"),
    ('æ', "ae"),
    ('Æ', "AE"),
    ('ß', "ss"),
    ('ẞ', "SS"),
    ('đ', "d"),
    ('Đ', "D"),
    ('ð', "d"),
    ('Ð', "D"),
    ('þ', "th"),
    ('Þ', "th"),
    ('ł', "l"),
    ('Ł', "L"),
];

pub(super) fn normalise(text: &str) -> String {
    let text = without_brackets(&text.to_lowercase());
    let composed: String = text.nfkc().collect();
    let bare = match &*SIGN {
        Some(sign) => sign.replace_all(&composed, " ").into_owned(),
        None => composed,
    };
    single_spaces(&bare.to_lowercase())
}

/// Leaves out what stands in brackets or parentheses: remarks of whoever wrote the text down.
pub(super) fn without_brackets(text: &str) -> String {
    BRACKETED.apply(text)
}

pub(super) fn single_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters without their diacritics; other marks, symbols and punctuation become spaces, those in `keep` stay.
pub(super) fn plain(text: &str, keep: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd() {
        if c.is_ascii_alphanumeric() || keep.contains(&c) {
            out.push(c);
        } else if let Some((_, plain)) = PLAIN.iter().find(|(letter, _)| *letter == c) {
            out.push_str(plain);
        } else if is(&NONSPACING, c) {
            // It belonged to the letter before it.
        } else {
            out.push(if is(&SIGN, c) { ' ' } else { c });
        }
    }
    out
}

fn is(category: &LazyLock<Option<Regex>>, c: char) -> bool {
    category.as_ref().is_some_and(|pattern| pattern.is_match(c.encode_utf8(&mut [0; 4])))
}
