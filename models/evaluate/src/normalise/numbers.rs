//! Spelt-out English numbers to figures: "twenty three point five percent" to "23.5%".

use super::lexicon::{Meaning, Stem, meaning};
use crate::patterns::{Rules, pattern};
use regex::Regex;
use std::sync::LazyLock;

static HALF: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\band\s+a\s+half\b"));

/// Figures and letters stand apart, but for the endings of ordinals and plurals.
static APART: LazyLock<Rules> = LazyLock::new(|| {
    Rules::new([("([a-z])([0-9])", "$1 $2"), ("([0-9])([a-z])", "$1 $2"), (r"([0-9])\s+(st|nd|rd|th|s)\b", "$1$2")])
});

/// A sum with hundredths: "$2 and ¢7".
static HUNDREDTHS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b"));

/// Less than one of a currency.
static ONLY_HUNDREDTHS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"[€£$]0.([0-9]{1,2})\b"));

/// A lone 1 is mostly a pronoun.
static ONE: LazyLock<Rules> = LazyLock::new(|| Rules::new([(r"\b1(s?)\b", "one$1")]));

pub(super) fn to_figures(text: &str) -> String {
    let text = APART.apply(&halves(text));
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = Reader::default().read(&words).join(" ");
    ONE.apply(&hundredths(text))
}

/// "And a half" after a number word is "point five".
fn halves(text: &str) -> String {
    let Some(half) = &*HALF else { return text.to_owned() };
    let segments: Vec<&str> = half.split(text).collect();
    let mut out: Vec<&str> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let Some(word) = segment.split_whitespace().next_back() else { continue };
        out.push(segment);
        if index + 1 < segments.len() {
            let spelt = matches!(
                meaning(word),
                Some(Meaning::Zero | Meaning::Unit(_) | Meaning::Ten(_) | Meaning::Multiplier(_))
            );
            out.push(if spelt { "point five" } else { "and a half" });
        }
    }
    out.join(" ")
}

fn hundredths(text: String) -> String {
    let (Some(with), Some(only)) = (&*HUNDREDTHS, &*ONLY_HUNDREDTHS) else { return text };
    let text =
        with.replace_all(&text, |found: &regex::Captures<'_>| format!("{}{}.{:0>2}", &found[1], &found[2], &found[3]));
    let cents = |found: &regex::Captures<'_>| {
        let bare = found[1].trim_start_matches('0');
        format!("¢{}", if bare.is_empty() { "0" } else { bare })
    };
    only.replace_all(&text, cents).into_owned()
}

/// The number read so far.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Whole(u128),
    /// Figures in a row: "one oh one", "three point".
    Figures(String),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Whole(whole) => whole.to_string(),
            Self::Figures(figures) => figures.clone(),
        }
    }

    /// `self` times `multiplier` if that is a whole number.
    fn times(&self, multiplier: u128) -> Option<u128> {
        let figures = match self {
            Self::Whole(whole) => return whole.checked_mul(multiplier),
            Self::Figures(figures) => figures,
        };
        let (whole, fraction) = figures.split_once('.').unwrap_or((figures, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let product = digits.parse::<u128>().ok()?.checked_mul(multiplier)?;
        let scale = 10_u128.checked_pow(fraction.len() as u32)?;
        (product % scale == 0).then_some(product / scale)
    }
}

/// Reads words from left to right.
#[derive(Default)]
struct Reader {
    out: Vec<String>,
    value: Option<Value>,
    prefix: Option<char>,
}

impl Reader {
    fn read(mut self, words: &[&str]) -> Vec<String> {
        let mut index = 0;
        while let Some(word) = words.get(index) {
            let before = index.checked_sub(1).and_then(|at| words.get(at)).copied();
            index += self.word(word, before, words.get(index + 1).copied());
        }
        self.flush();
        self.out
    }

    /// Takes a word in. Returns how many it took.
    fn word(&mut self, word: &str, before: Option<&str>, after: Option<&str>) -> usize {
        if self.figure(word) {
            return 1;
        }
        let before = before.and_then(meaning);
        let next = after.and_then(meaning);
        let number_follows = next.is_some() || after.is_some_and(is_figure);
        match meaning(word) {
            None => self.say(word),
            Some(Meaning::Zero) => self.append("0"),
            Some(Meaning::Unit(unit)) => self.value = Some(self.with_unit(unit, before)),
            Some(Meaning::Ten(ten)) => self.value = Some(self.with_ten(ten)),
            Some(Meaning::Multiplier(multiplier)) => self.multiply(multiplier),
            Some(Meaning::Ending(stem, suffix)) => self.end(stem, suffix, before),
            Some(Meaning::Sign(sign)) => {
                self.flush();
                if number_follows {
                    self.prefix = Some(sign);
                } else {
                    self.say(word);
                }
            }
            Some(Meaning::Currency(sign)) if self.value.is_some() => {
                self.prefix = Some(sign);
                self.flush();
            }
            Some(Meaning::Percent) if self.value.is_some() => self.flush_with("%"),
            Some(Meaning::Per) if self.value.is_some() && after == Some("cent") => {
                self.flush_with("%");
                return 2;
            }
            Some(Meaning::And) if number_follows && matches!(before, Some(Meaning::Multiplier(_))) => {}
            Some(Meaning::Repeat(times)) if matches!(next, Some(Meaning::Zero)) => return self.repeat(0, times),
            Some(Meaning::Repeat(times)) => match next {
                Some(Meaning::Unit(unit)) => return self.repeat(unit, times),
                _ => self.say(word),
            },
            Some(Meaning::Point) if number_follows => {
                let decimal = matches!(next, Some(Meaning::Zero | Meaning::Unit(_) | Meaning::Ten(_)));
                if decimal || next.is_none() {
                    self.append(".");
                }
            }
            Some(Meaning::Currency(_) | Meaning::Percent | Meaning::Per | Meaning::And | Meaning::Point) => {
                self.say(word);
            }
        }
        1
    }

    /// Takes in a number that is written in figures, maybe with a currency sign; `false` if the word is none.
    fn figure(&mut self, word: &str) -> bool {
        let sign = word.chars().next().filter(|c| "-+£€$¢".contains(*c));
        let bare = sign.map_or(word, |sign| &word[sign.len_utf8()..]);
        if !is_figure(bare) {
            return false;
        }
        if let Some(Value::Figures(figures)) = &mut self.value
            && figures.ends_with('.')
        {
            figures.push_str(word);
            return true;
        }
        self.flush();
        self.prefix = sign.or(self.prefix);
        let whole = match bare.split_once('.') {
            None => bare.parse().ok(),
            Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole.parse().ok(),
            Some(_) => None,
        };
        self.value = Some(whole.map_or_else(|| Value::Figures(bare.into()), Value::Whole));
        true
    }

    /// The value with 1 to 19 after it: added where that is how one counts, else as further figures.
    fn with_unit(&self, unit: u128, before: Option<Meaning>) -> Value {
        let after_unit = matches!(before, Some(Meaning::Unit(_)));
        match &self.value {
            None => Value::Whole(unit),
            Some(Value::Whole(whole)) if !after_unit => {
                let room = if unit < 10 { 10 } else { 100 };
                if whole.is_multiple_of(room) { Value::Whole(whole + unit) } else { figures(whole.to_string(), unit) }
            }
            Some(Value::Figures(text)) if matches!(before, Some(Meaning::Ten(_))) && unit < 10 => {
                figures(text.strip_suffix('0').unwrap_or(text).to_owned(), unit)
            }
            Some(value) => figures(value.text(), unit),
        }
    }

    fn with_ten(&self, ten: u128) -> Value {
        match &self.value {
            None => Value::Whole(ten),
            Some(Value::Whole(whole)) if whole.is_multiple_of(100) => Value::Whole(whole + ten),
            Some(value) => figures(value.text(), ten),
        }
    }

    /// What stands in the last three places is multiplied: "two million three thousand".
    fn multiplied(whole: u128, multiplier: u128) -> Option<u128> {
        (whole % 1_000).checked_mul(multiplier)?.checked_add(whole / 1_000 * 1_000)
    }

    fn multiply(&mut self, multiplier: u128) {
        let product = match &self.value {
            None => Some(multiplier),
            Some(Value::Whole(whole)) if *whole > 0 => Self::multiplied(*whole, multiplier),
            Some(value) => value.times(multiplier),
        };
        if product.is_none() {
            self.flush();
        }
        self.value = Some(Value::Whole(product.unwrap_or(multiplier)));
    }

    fn end(&mut self, stem: Stem, suffix: &str, before: Option<Meaning>) {
        self.value = match stem {
            Stem::Unit(unit) => Some(self.with_unit(unit, before)),
            Stem::Ten(ten) => Some(self.with_ten(ten)),
            Stem::Multiplier(multiplier) => {
                self.multiply(multiplier);
                self.value.take()
            }
        };
        self.flush_with(suffix);
    }

    fn repeat(&mut self, figure: u128, times: usize) -> usize {
        self.append(&figure.to_string().repeat(times));
        2
    }

    fn append(&mut self, text: &str) {
        // A nought that nothing follows is not written before further figures.
        let so_far = self.value.take().filter(|value| *value != Value::Whole(0)).map_or(String::new(), |v| v.text());
        self.value = Some(Value::Figures(so_far + text));
    }

    fn say(&mut self, word: &str) {
        self.flush();
        let prefix = self.prefix.take().map(String::from).unwrap_or_default();
        self.out.push(prefix + word);
    }

    fn flush(&mut self) {
        self.flush_with("");
    }

    fn flush_with(&mut self, suffix: &str) {
        let Some(value) = self.value.take() else { return };
        let prefix = self.prefix.take().map(String::from).unwrap_or_default();
        self.out.push(format!("{prefix}{}{suffix}", value.text()));
    }
}

fn figures(text: String, more: u128) -> Value {
    Value::Figures(text + &more.to_string())
}

fn is_figure(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match word.split_once('.') {
        None => digits(word),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
    }
}
