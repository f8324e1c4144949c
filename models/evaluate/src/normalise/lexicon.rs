//! English words that numbers are made of.

use std::{collections::HashMap, sync::LazyLock};

/// What a word does to the number being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Zero,
    /// 1 to 19.
    Unit(u128),
    /// 20, 30 … 90.
    Ten(u128),
    /// A hundred, a thousand, a million …
    Multiplier(u128),
    /// An ordinal or a plural: "third", "sixties", "millionth". It ends the number.
    Ending(Stem, &'static str),
    /// "minus", "plus": before a number.
    Sign(char),
    /// "dollars": after a number, written before it.
    Currency(char),
    Percent,
    /// Of "per cent".
    Per,
    And,
    /// "double", "triple": how often the next figure is repeated.
    Repeat(usize),
    Point,
}

/// The number an ordinal or a plural is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stem {
    Unit(u128),
    Ten(u128),
    Multiplier(u128),
}

const UNITS: [&str; 19] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A thousand to the power of 1, 2, 3 …
const POWERS: [&str; 11] = [
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];

const OTHERS: [(&str, Meaning); 24] = [
    ("o", Meaning::Zero),
    ("oh", Meaning::Zero),
    ("zero", Meaning::Zero),
    ("zeroth", Meaning::Ending(Stem::Unit(0), "th")),
    ("minus", Meaning::Sign('-')),
    ("negative", Meaning::Sign('-')),
    ("plus", Meaning::Sign('+')),
    ("positive", Meaning::Sign('+')),
    ("pound", Meaning::Currency('£')),
    ("pounds", Meaning::Currency('£')),
    ("euro", Meaning::Currency('€')),
    ("euros", Meaning::Currency('€')),
    ("dollar", Meaning::Currency('$')),
    ("dollars", Meaning::Currency('$')),
    ("cent", Meaning::Currency('¢')),
    ("cents", Meaning::Currency('¢')),
    ("percent", Meaning::Percent),
    ("per", Meaning::Per),
    ("and", Meaning::And),
    ("double", Meaning::Repeat(2)),
    ("triple", Meaning::Repeat(3)),
    ("point", Meaning::Point),
    ("hundred", Meaning::Multiplier(100)),
    ("hundreds", Meaning::Ending(Stem::Multiplier(100), "s")),
];

static LEXICON: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let mut words: HashMap<String, Meaning> = HashMap::new();
    for (name, value) in UNITS.iter().zip(1..) {
        words.insert((*name).into(), Meaning::Unit(value));
        let plural = if *name == "six" { "sixes".into() } else { format!("{name}s") };
        words.insert(plural, Meaning::Ending(Stem::Unit(value), "s"));
        let (ordinal, suffix) = ordinal(name, value);
        words.insert(ordinal, Meaning::Ending(Stem::Unit(value), suffix));
    }
    for (name, value) in TENS.iter().zip((20..).step_by(10)) {
        words.insert((*name).into(), Meaning::Ten(value));
        words.insert(name.replace('y', "ies"), Meaning::Ending(Stem::Ten(value), "s"));
        words.insert(name.replace('y', "ieth"), Meaning::Ending(Stem::Ten(value), "th"));
    }
    let mut power = 1;
    for name in POWERS {
        power *= 1_000;
        words.insert(name.into(), Meaning::Multiplier(power));
        words.insert(format!("{name}s"), Meaning::Ending(Stem::Multiplier(power), "s"));
        words.insert(format!("{name}th"), Meaning::Ending(Stem::Multiplier(power), "th"));
    }
    words.insert("hundredth".into(), Meaning::Ending(Stem::Multiplier(100), "th"));
    words.extend(OTHERS.iter().map(|(word, meaning)| ((*word).to_owned(), *meaning)));
    words
});

/// The ordinal of a unit and the ending its figure takes. "Ninth" is missing from the published normaliser, which
/// makes "nineth" instead: figures are comparable only if it is missing here too.
fn ordinal(name: &str, value: u128) -> (String, &'static str) {
    match value {
        1 => ("first".into(), "st"),
        2 => ("second".into(), "nd"),
        3 => ("third".into(), "rd"),
        5 => ("fifth".into(), "th"),
        12 => ("twelfth".into(), "th"),
        _ if name.ends_with('t') => (format!("{name}h"), "th"),
        _ => (format!("{name}th"), "th"),
    }
}

/// What the word means in a number; `None` for a word that is in none.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    LEXICON.get(word).copied()
}
