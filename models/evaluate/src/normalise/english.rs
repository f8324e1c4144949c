//! Whisper's normaliser for English.

use super::{Spellings, basic, numbers};
use crate::patterns::Rules;
use std::sync::LazyLock;

/// Signs that may belong to a number, until it is known whether they do.
const OF_NUMBERS: [char; 6] = ['.', '%', '$', '¢', '€', '£'];

/// Titles, written out.
const TITLES: [(&str, &str); 21] = [
    ("mr", "mister"),
    ("mrs", "missus"),
    ("st", "saint"),
    ("dr", "doctor"),
    ("prof", "professor"),
    ("capt", "captain"),
    ("gov", "governor"),
    ("ald", "alderman"),
    ("gen", "general"),
    ("sen", "senator"),
    ("rep", "representative"),
    ("pres", "president"),
    ("rev", "reverend"),
    ("hon", "honorable"),
    ("asst", "assistant"),
    ("assoc", "associate"),
    ("lt", "lieutenant"),
    ("col", "colonel"),
    ("jr", "junior"),
    ("sr", "senior"),
    ("esq", "esquire"),
];

/// Contracted and slurred words, written out.
const WORDS: [(&str, &str); 18] = [
    ("won't", "will not"),
    ("can't", "can not"),
    ("let's", "let us"),
    ("ain't", "aint"),
    ("y'all", "you all"),
    ("wanna", "want to"),
    ("kinda", "kind of"),
    ("sorta", "sort of"),
    ("dunno", "do not know"),
    ("gotta", "got to"),
    ("gonna", "going to"),
    ("i'ma", "i am going to"),
    ("imma", "i am going to"),
    ("woulda", "would have"),
    ("coulda", "could have"),
    ("shoulda", "should have"),
    ("cause", "because"),
    ("ma'am", "madam"),
];

/// Contracted endings, in the order they are looked for: a perfect tense first, since "'s" and "'d" alone are taken
/// for "is" and "would".
const ENDINGS: [(&str, &str); 14] = [
    ("'d been", " had been"),
    ("'s been", " has been"),
    ("'d gone", " had gone"),
    ("'s gone", " has gone"),
    ("'d done", " had done"),
    ("'s got", " has got"),
    ("n't", " not"),
    ("'re", " are"),
    ("'s", " is"),
    ("'d", " would"),
    ("'ll", " will"),
    ("'t", " not"),
    ("'ve", " have"),
    ("'m", " am"),
];

static WRITTEN_OUT: LazyLock<Rules> = LazyLock::new(|| {
    let fixed = [(r"\b(hmm|mm|mhm|mmm|uh|um)\b".to_owned(), String::new()), (r"\s+'".to_owned(), "'".to_owned())];
    let words = WORDS.iter().map(|(from, to)| (format!(r"\b{from}\b"), (*to).to_owned()));
    let titles = TITLES.iter().map(|(from, to)| (format!(r"\b{from}\b"), format!("{to} ")));
    let endings = ENDINGS.iter().map(|(from, to)| (format!(r"{from}\b"), (*to).to_owned()));
    // Commas within numbers, and full stops that are none of a number.
    let signs = [(r"(\d),(\d)".to_owned(), "$1$2".to_owned()), (r"\.([^0-9]|$)".to_owned(), " $1".to_owned())];
    let all: Vec<_> = fixed.into_iter().chain(words).chain(titles).chain(endings).chain(signs).collect();
    Rules::new(all.iter().map(|(from, to)| (from.as_str(), to.as_str())))
});

/// Signs of numbers that turned out to belong to none.
static LEFT_OVER: LazyLock<Rules> = LazyLock::new(|| Rules::new([(r"[.$¢€£]([^0-9])", " $1"), (r"([^0-9])%", "$1 ")]));

pub(super) fn normalise(text: &str, spellings: &Spellings) -> String {
    let text = basic::without_brackets(&text.to_lowercase());
    let text = basic::plain(&WRITTEN_OUT.apply(&text), &OF_NUMBERS);
    let text = numbers::to_figures(&text);
    let text = text.split_whitespace().map(|word| spellings.american(word)).collect::<Vec<_>>().join(" ");
    basic::single_spaces(&LEFT_OVER.apply(&text))
}
