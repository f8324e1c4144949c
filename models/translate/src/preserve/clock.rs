//! Times of day, days of the week and months.

use super::{
    Tongue,
    quantity::{Quantity, Value},
    tokens::{Kind, Token},
    units::Unit,
    words,
};

const WEEKDAYS: [[&str; 7]; 3] = [
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    ["segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo"],
    ["lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo"],
];

const MONTHS: [[&str; 12]; 3] = [
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ],
    [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
];

/// The half of the day a time is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Morning,
    Afternoon,
    /// Up to five it is the morning after.
    Night,
}

/// The time, weekday or month at `at`.
pub(super) fn read(tokens: &[Token], at: usize, tongue: Option<Tongue>) -> Option<Quantity> {
    let quantity = digits(tokens, at);
    let in_words = || tongue.and_then(|tongue| words(tokens, at, tongue));
    let mut quantity = quantity.or_else(in_words)?;
    if matches!(quantity.readings[0], Value::Clock { .. }) {
        by_part_of_day(tokens, &mut quantity);
    }
    Some(quantity)
}

fn folded(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.folded.as_str())
}

fn number(tokens: &[Token], at: usize, below: u64) -> Option<u64> {
    let token = tokens.get(at).filter(|token| token.kind == Kind::Digits)?;
    token.folded.parse().ok().filter(|value| *value < below)
}

/// "8:30", "8h30", "8 h 30 min".
fn digits(tokens: &[Token], at: usize) -> Option<Quantity> {
    let hours = number(tokens, at, 25)?;
    let separated = match folded(tokens, at + 1) {
        ":" => tokens.get(at + 2).is_some_and(|token| token.glued),
        "h" | "hs" | "hrs" => true,
        _ => false,
    };
    let minutes = number(tokens, at + 2, 60).filter(|_| folded(tokens, at + 2).len() == 2 && separated)?;
    let mut next = at + 3;
    if matches!(folded(tokens, next), "min" | "h" | "hs" | "hrs") {
        next += 1;
    }
    Some(Quantity::new(at, next, time(hours, minutes), true))
}

fn time(hours: u64, minutes: u64) -> Value {
    Value::Clock { minutes: hours % 24 * 60 + minutes, half: hours > 12 || hours == 0 }
}

fn words(tokens: &[Token], at: usize, tongue: Tongue) -> Option<Quantity> {
    let word = folded(tokens, at);
    let next = |offset: usize| folded(tokens, at + offset);
    let fixed = |hours, length| Some(Quantity::new(at, at + length, time(hours, 0), false));
    match (tongue, word, next(1), next(2)) {
        (Tongue::English, "noon" | "midday", ..) | (Tongue::Spanish, "mediodia", ..) => return fixed(12, 1),
        (Tongue::English, "midnight", ..) | (Tongue::Spanish, "medianoche", ..) => return fixed(0, 1),
        (Tongue::Portuguese, "meio", "-", "dia") => return fixed(12, 3),
        (Tongue::Portuguese, "meio", "dia", _) => return fixed(12, 2),
        (Tongue::Portuguese, "meia", "-", "noite") => return fixed(0, 3),
        (Tongue::Portuguese, "meia", "noite", _) => return fixed(0, 2),
        (Tongue::English, "half", "past", _) => return past(tokens, at, 30, 2),
        (Tongue::English, "quarter", "past", _) => return past(tokens, at, 15, 2),
        _ => {}
    }
    hours_and_minutes(tokens, at, tongue).or_else(|| weekday(tokens, at, tongue)).or_else(|| month(tokens, at, tongue))
}

/// "Half past eight".
fn past(tokens: &[Token], at: usize, minutes: u64, length: usize) -> Option<Quantity> {
    let (hours, next) = count(tokens, at + length, Tongue::English, 13)?;
    let first = if at > 0 && minutes == 15 && folded(tokens, at - 1) == "a" { at - 1 } else { at };
    Some(Quantity::new(first, next, Value::Clock { minutes: hours % 24 * 60 + minutes, half: false }, true))
}

fn count(tokens: &[Token], at: usize, tongue: Tongue, below: u64) -> Option<(u64, usize)> {
    if let Some(value) = number(tokens, at, below) {
        return Some((value, at + 1));
    }
    let spoken = words::spoken(tokens, at, tongue)?;
    spoken.value.as_whole().filter(|value| *value < below).map(|value| (value, spoken.next))
}

/// "Às oito e quinze", where nothing else follows that the fifteen could count.
fn hours_and_minutes(tokens: &[Token], at: usize, tongue: Tongue) -> Option<Quantity> {
    let preposition = at > 0 && matches!(tokens[at - 1].lower.as_str(), "às" | "as" | "à" | "las" | "la");
    if tongue == Tongue::English || !preposition {
        return None;
    }
    let (hours, next) = count(tokens, at, tongue, 25)?;
    let and = tokens.get(next).is_some_and(|token| matches!(token.lower.as_str(), "e" | "y"));
    let (minutes, next) = count(tokens, next + 1, tongue, 60).filter(|_| and)?;
    if super::units::after_number(tokens, next).is_some_and(|(unit, _)| unit != Unit::Minute) {
        return None;
    }
    let next = if folded(tokens, next).starts_with("minuto") { next + 1 } else { next };
    Some(Quantity::new(at, next, time(hours, minutes), true))
}

fn weekday(tokens: &[Token], at: usize, tongue: Tongue) -> Option<Quantity> {
    let word = folded(tokens, at);
    let list = &WEEKDAYS[tongue as usize];
    let singular = word.strip_suffix('s').unwrap_or(word);
    let same = |day: &&str| *day == word || *day == singular;
    let day = list.iter().position(same)?;
    let full = folded(tokens, at + 1) == "-" && folded(tokens, at + 2).starts_with("feira");
    // "Quarta" may be the fourth as well.
    let ambiguous = tongue == Tongue::Portuguese && !full && matches!(day, 0 | 2..=4);
    let next = if full { at + 3 } else { at + 1 };
    let mut quantity = Quantity::new(at, next, Value::Weekday(day), !ambiguous);
    if ambiguous {
        quantity
            .readings
            .extend(words::ordinal(word, tongue).map(|(value, _)| Value::Number(super::Rational::whole(value))));
    }
    Some(quantity)
}

fn month(tokens: &[Token], at: usize, tongue: Tongue) -> Option<Quantity> {
    let token = &tokens[at];
    let index = MONTHS[tongue as usize].iter().position(|month| *month == token.lower)?;
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let beside_number = [before, tokens.get(at + 1)].into_iter().flatten().any(|token| token.kind == Kind::Digits);
    // "May" and "march" are mostly something else.
    let verb = tongue == Tongue::English && matches!(index, 2 | 4);
    Some(Quantity::new(at, at + 1, Value::Month(index as u64 + 1), !verb || beside_number))
}

/// Makes a number up to twelve a time of day when the part of the day, or "o'clock", follows it.
pub(super) fn by_part_of_day(tokens: &[Token], quantity: &mut Quantity) {
    if !matches!(quantity.unit, None | Some(Unit::Hour)) || quantity.per.is_some() {
        return;
    }
    let minutes = match &quantity.readings[..] {
        [Value::Clock { minutes, .. }] | [_, Value::Clock { minutes, .. }] => *minutes,
        [Value::Number(number)] => match number.as_whole() {
            Some(hours) if (1..=12).contains(&hours) => hours % 24 * 60,
            _ => return,
        },
        _ => return,
    };
    let o_clock = folded(tokens, quantity.next) == "o'clock";
    let after = quantity.next + usize::from(o_clock);
    let Some((part, next)) = part_of_day(tokens, after) else {
        if o_clock {
            (quantity.readings, quantity.next) = (vec![Value::Clock { minutes, half: false }], after);
        }
        return;
    };
    let minutes = if minutes > 720 { minutes } else { placed(minutes % 720, part) };
    (quantity.readings, quantity.next) = (vec![Value::Clock { minutes, half: true }], next);
    (quantity.required, quantity.unit) = (true, None);
}

/// Minutes since midnight, of minutes since the last twelve o'clock.
fn placed(minutes: u64, part: Part) -> u64 {
    match part {
        Part::Morning => minutes,
        Part::Night if minutes < 360 => minutes,
        Part::Afternoon | Part::Night => minutes + 720,
    }
}

#[expect(clippy::match_same_arms, reason = "a language a pattern")]
fn part_of_day(tokens: &[Token], at: usize) -> Option<(Part, usize)> {
    let next = |offset: usize| folded(tokens, at + offset);
    let found = match (next(0), next(1), next(2)) {
        ("am", ..) => (Part::Morning, 1),
        ("pm", ..) => (Part::Afternoon, 1),
        ("a", ".", "m") => (Part::Morning, if next(3) == "." { 4 } else { 3 }),
        ("p", ".", "m") => (Part::Afternoon, if next(3) == "." { 4 } else { 3 }),
        ("da", "manha" | "madrugada", _) => (Part::Morning, 2),
        ("da", "tarde", _) => (Part::Afternoon, 2),
        ("da", "noite", _) => (Part::Night, 2),
        ("de", "la", "manana" | "madrugada") | ("in", "the", "morning") => (Part::Morning, 3),
        ("de", "la", "tarde") | ("in", "the", "afternoon" | "evening") => (Part::Afternoon, 3),
        ("de", "la", "noche") => (Part::Night, 3),
        ("at", "night", _) => (Part::Night, 2),
        _ => return None,
    };
    Some((found.0, at + found.1))
}
