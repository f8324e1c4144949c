//! The quantities of a text: numbers in digits and words with their units and rates, times of day, days of the week.

use super::{
    Tongue, clock,
    rational::{self, Rational},
    tokens::{Kind, Token},
    units::{self, Unit},
    words,
};

/// One way to understand a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(Rational),
    /// Minutes since midnight; `half` tells whether it is known which half of the day it is.
    Clock {
        minutes: u64,
        half: bool,
    },
    /// From Monday, 0.
    Weekday(usize),
    /// From January, 1.
    Month(u64),
    /// A name with digits in it, or digits that are no number.
    Code(String),
}

impl Value {
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Clock { minutes: a, half: known }, Self::Clock { minutes: b, half }) => {
                if *known && *half {
                    a == b
                } else {
                    a % 720 == b % 720
                }
            }
            (Self::Clock { minutes, .. }, Self::Number(number))
            | (Self::Number(number), Self::Clock { minutes, .. }) => {
                let hours = number.as_whole();
                minutes % 60 == 0 && hours.is_some_and(|hours| hours <= 24 && hours % 12 == minutes / 60 % 12)
            }
            (Self::Month(month), Self::Number(number)) | (Self::Number(number), Self::Month(month)) => {
                number.as_whole() == Some(*month)
            }
            (a, b) => a == b,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    /// Tokens `first..next`.
    pub(super) first: usize,
    pub(super) next: usize,
    /// At least one.
    pub(super) readings: Vec<Value>,
    pub(super) unit: Option<Unit>,
    /// "Por dia", "/kg".
    pub(super) per: Option<Unit>,
    /// Whether it must be in the other text as well. "Um", "meio", "segunda" can mean other things.
    pub(super) required: bool,
    /// How it is joined to the next quantity.
    pub(super) joint: Joint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    None,
    /// "5 ou 10 mg": they share a unit.
    List,
    /// "120/80", "5 a 10 mg": so, in this order.
    Order,
}

impl Quantity {
    pub(super) fn new(first: usize, next: usize, value: Value, required: bool) -> Self {
        Self { first, next, readings: vec![value], unit: None, per: None, required, joint: Joint::None }
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = Rational> + '_ {
        self.readings.iter().filter_map(|value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        })
    }

    pub(super) fn same_value(&self, other: &Self) -> bool {
        self.readings.iter().any(|mine| other.readings.iter().any(|its| mine.same(its)))
    }
}

/// What a text says of quantities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Quantities {
    pub(super) items: Vec<Quantity>,
    /// Units that are named without a number, and those of rates.
    pub(super) mentioned: Vec<Unit>,
}

/// Reads them all. Where the language is not known, numbers in words are not.
pub(super) fn quantities(tokens: &[Token], tongue: Option<Tongue>) -> Quantities {
    let reader = Reader { tokens, tongue };
    let mut found = Quantities::default();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(quantity) = reader.quantity(at) {
            at = quantity.next.max(at + 1);
            found.mentioned.extend(quantity.per);
            reader.join(&mut found.items, quantity);
            continue;
        }
        let word = &tokens[at].folded;
        found.mentioned.extend(units::named(word).or_else(|| units::each(word)));
        at += 1;
    }
    found
}

/// Words that may stand between a number and its unit.
const BETWEEN: [&str; 15] = [
    "more",
    "mais",
    "mas",
    "other",
    "outros",
    "outras",
    "full",
    "whole",
    "small",
    "inteiros",
    "further",
    "additional",
    "or",
    "of",
    "de",
];

pub(super) struct Reader<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) tongue: Option<Tongue>,
}

impl Reader<'_> {
    pub(super) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.folded.as_str())
    }

    pub(super) fn is(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(words))
    }

    /// "And", by the form with its accent.
    fn is_and(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| matches!(token.lower.as_str(), "e" | "y" | "and"))
    }

    fn quantity(&self, at: usize) -> Option<Quantity> {
        if let Some(clock) = clock::read(self.tokens, at, self.tongue) {
            return Some(clock);
        }
        let mut quantity = match self.tokens[at].kind {
            Kind::Digits => self.digits(at),
            Kind::Code => return Some(Quantity::new(at, at + 1, Value::Code(self.word(at).to_owned()), true)),
            Kind::Sign => self.fraction_sign(at)?,
            Kind::Word => return self.in_words(at),
        };
        if self.is_ordinal_suffix(quantity.next) {
            quantity.next += 1;
            return Some(quantity);
        }
        Some(self.measured(quantity))
    }

    fn is_ordinal_suffix(&self, at: usize) -> bool {
        let followed_by_scale = self.is(at + 1, &["c", "f"]);
        self.tokens.get(at).is_some_and(|token| token.glued)
            && self.is(at, &["º", "ª", "o", "a", "st", "nd", "rd", "th"])
            && !followed_by_scale
    }

    fn digits(&self, at: usize) -> Quantity {
        let text = self.word(at);
        let point = self.tongue.map(|tongue| if tongue == Tongue::English { '.' } else { ',' });
        let mut readings = rational::literal(text, point);
        if readings.is_empty() {
            return Quantity::new(at, at + 1, Value::Code(text.to_owned()), true);
        }
        let mut next = at + 1;
        if let Some((part, after)) = self.fraction(at) {
            (readings, next) = (vec![part], after);
        } else if let Some((part, after)) = self.fraction(next) {
            // "2 1/2"
            readings = readings.into_iter().filter_map(|whole| whole.plus(part)).collect();
            next = after;
        } else if let Some(part) = self.tokens.get(next).and_then(|token| sign_value(&token.folded)) {
            readings = readings.into_iter().filter_map(|whole| whole.plus(part)).collect();
            next += 1;
        } else if let (Some(token), Some(tongue)) = (self.tokens.get(next), self.tongue)
            && let Some(factor) = words::factor(token, tongue)
        {
            readings = readings.into_iter().filter_map(|value| value.times(factor)).collect();
            next += 1;
        }
        let mut quantity = Quantity::new(at, next, Value::Code(text.to_owned()), true);
        if !readings.is_empty() {
            quantity.readings = readings.into_iter().map(Value::Number).collect();
        }
        quantity
    }

    /// "1/2", "3/4": the parts that tablets are cut into, not "120/80" or "9/10".
    fn fraction(&self, at: usize) -> Option<(Rational, usize)> {
        let parts = (self.word(at), self.word(at + 1), self.word(at + 2));
        let another = self.word(at + 3) == "/";
        let (numerator, denominator) = match parts {
            ("1", "/", "2") => (1, 2),
            ("1", "/", "3") => (1, 3),
            ("2", "/", "3") => (2, 3),
            ("1", "/", "4") => (1, 4),
            ("3", "/", "4") => (3, 4),
            _ => return None,
        };
        Rational::new(numerator, denominator).filter(|_| !another).map(|part| (part, at + 3))
    }

    fn fraction_sign(&self, at: usize) -> Option<Quantity> {
        let value = sign_value(self.word(at))?;
        Some(Quantity::new(at, at + 1, Value::Number(value), true))
    }

    /// Adds what stands after a number: a half, its unit, its rate.
    pub(super) fn measured(&self, mut quantity: Quantity) -> Quantity {
        self.decimals(&mut quantity);
        self.tenths(&mut quantity);
        self.and_a_half(&mut quantity);
        if let Some((unit, next)) = self.unit(quantity.next) {
            (quantity.unit, quantity.next) = (Some(unit), next);
            if self.word(next - 1) == "bpm" {
                quantity.per = Some(Unit::Minute);
            }
            self.and_a_half(&mut quantity);
        }
        if let Some((per, next)) = self.rate(quantity.next) {
            (quantity.per, quantity.next) = (Some(per), next);
        }
        clock::by_part_of_day(self.tokens, &mut quantity);
        quantity
    }

    fn unit(&self, at: usize) -> Option<(Unit, usize)> {
        // "two-day"
        let at = if self.word(at) == "-" && self.tokens.get(at + 1).is_some_and(|t| t.glued) { at + 1 } else { at };
        units::after_number(self.tokens, at).or_else(|| {
            let unit = units::named(self.word(at + 1))?;
            self.is(at, &BETWEEN).then_some((unit, at + 2))
        })
    }

    /// "Trinta e oito vírgula cinco".
    fn decimals(&self, quantity: &mut Quantity) {
        let Some(tongue) = self.tongue else { return };
        if !self.is(quantity.next, &["point", "ponto", "virgula", "punto", "coma"]) {
            return;
        }
        let after = quantity.next + 1;
        let (digits, next) = match self.tokens.get(after) {
            Some(token) if token.kind == Kind::Digits => (token.folded.clone(), after + 1),
            _ => match words::spoken(self.tokens, after, tongue) {
                Some(it) => (it.value.as_whole().map_or_else(String::new, |value| value.to_string()), it.next),
                None => return,
            },
        };
        let scale = u32::try_from(digits.len()).ok().and_then(|length| 10u128.checked_pow(length));
        let part = scale.and_then(|scale| Rational::new(digits.parse().ok()?, scale));
        let Some(part) = part else { return };
        quantity.readings =
            quantity.numbers().filter_map(|whole| whole.plus(part)).map(Value::Number).collect::<Vec<_>>();
        quantity.next = next;
        if quantity.readings.is_empty() {
            quantity.readings.push(Value::Code(digits));
        }
    }

    /// "Trinta e sete e oito" is a temperature, 37.8.
    fn tenths(&self, quantity: &mut Quantity) {
        let warm =
            quantity.numbers().next().and_then(Rational::as_whole).is_some_and(|value| (34..=42).contains(&value));
        if !warm || !self.is_and(quantity.next) {
            return;
        }
        let (Some(tongue), Some(token)) = (self.tongue, self.tokens.get(quantity.next + 1)) else { return };
        let (tenths, next) = match token.kind {
            Kind::Digits => (token.folded.parse().ok(), quantity.next + 2),
            _ => match words::spoken(self.tokens, quantity.next + 1, tongue) {
                Some(spoken) => (spoken.value.as_whole(), spoken.next),
                None => return,
            },
        };
        let degrees = units::after_number(self.tokens, next).is_none_or(|(unit, _)| unit == Unit::Degree);
        let Some(part) = tenths.filter(|value| (1..10).contains(value) && degrees) else { return };
        let part = Rational::new(part.into(), 10);
        let sum = quantity.numbers().next().and_then(|whole| whole.plus(part?));
        if let Some(sum) = sum {
            (quantity.readings, quantity.next) = (vec![Value::Number(sum)], next);
        }
    }

    /// "E meia", "and a half": a half more, or half past.
    fn and_a_half(&self, quantity: &mut Quantity) {
        // "One-and-a-half".
        let hyphen = usize::from(self.is(quantity.next, &["-"]));
        let and = quantity.next + hyphen;
        let mut after = and + 1 + hyphen;
        if self.is(after, &["a", "un", "um"]) {
            after += 1 + hyphen;
        }
        if !self.is_and(and) || !self.is(after, &["meia", "meio", "media", "medio", "half"]) {
            return;
        }
        let mut readings = Vec::new();
        for number in quantity.numbers() {
            readings.extend(number.plus(Rational::HALF).map(Value::Number));
            if let Some(hours) =
                number.as_whole().filter(|hours| *hours <= 24 && quantity.unit.is_none_or(Unit::is_time))
            {
                readings.push(Value::Clock { minutes: hours % 24 * 60 + 30, half: hours > 12 });
            }
        }
        if !readings.is_empty() {
            (quantity.readings, quantity.next, quantity.required) = (readings, after + 1, true);
        }
    }

    /// "Por dia", "a day", "/kg", "daily", "every day".
    pub(super) fn rate(&self, at: usize) -> Option<(Unit, usize)> {
        if let Some(unit) = units::each(self.word(at)) {
            return Some((unit, at + 1));
        }
        if self.word(at) == "/" {
            return units::after_number(self.tokens, at + 1);
        }
        if self.is(at, &["todos"]) && self.is(at + 1, &["os", "los"]) && self.is(at + 2, &["dias"]) {
            return Some((Unit::Day, at + 3));
        }
        let before_any = self.is(at, &["por", "per"]);
        let before_time = self.is(at, &["ao", "a", "al", "an", "cada", "each", "every", "todo"]);
        let after = if self.is(at, &["a"]) && self.is(at + 1, &["la", "cada"]) { at + 2 } else { at + 1 };
        let named = units::named(self.word(after)).or_else(|| match self.word(after) {
            "kg" => Some(Unit::Kilogram),
            "ml" => Some(Unit::Millilitre),
            "min" => Some(Unit::Minute),
            _ => None,
        })?;
        let fits = before_any || (before_time && named.is_time() && !matches!(named, Unit::Night | Unit::Second));
        fits.then_some((named, after + 1))
    }

    /// Adds a quantity to those before it, which it may be joined to.
    fn join(&self, items: &mut Vec<Quantity>, mut quantity: Quantity) {
        let Some(before) = items.last_mut() else {
            items.push(quantity);
            return;
        };
        let between = quantity.first.checked_sub(before.next).filter(|gap| *gap == 1).map(|_| self.word(before.next));
        let repeated = before.unit.is_none() && before.same_value(&quantity);
        let after_of = before.first > 0 && self.is(before.first - 1, &["de"]);
        match between {
            // "De 8 em 8 horas", "8/8h".
            Some("em" | "en") if repeated && after_of => {
                quantity.first = before.first;
                *before = quantity;
                return;
            }
            Some("/") if repeated && quantity.unit.is_some_and(Unit::is_time) => {
                quantity.first = before.first;
                *before = quantity;
                return;
            }
            Some("/" | "por" | "over" | "sobre" | "by" | "x" | "a" | "to" | "ate" | "-" | "–" | "para") => {
                before.joint = Joint::Order;
            }
            Some("ou" | "or" | "o" | "e" | "and" | "y") => before.joint = Joint::List,
            _ => {}
        }
        if before.joint != Joint::None && before.unit.is_none() && matches!(before.readings[0], Value::Number(_)) {
            (before.unit, before.per) = (quantity.unit, quantity.per);
        }
        items.push(quantity);
    }
}

fn sign_value(sign: &str) -> Option<Rational> {
    let (numerator, denominator) = match sign {
        "½" => (1, 2),
        "⅓" => (1, 3),
        "⅔" => (2, 3),
        "¼" => (1, 4),
        "¾" => (3, 4),
        _ => return None,
    };
    Rational::new(numerator, denominator)
}
