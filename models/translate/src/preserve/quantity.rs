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

struct Reader<'a> {
    tokens: &'a [Token],
    tongue: Option<Tongue>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.folded.as_str())
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
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
    fn measured(&self, mut quantity: Quantity) -> Quantity {
        self.decimals(&mut quantity);
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

    /// "E meia", "and a half": a half more, or half past.
    fn and_a_half(&self, quantity: &mut Quantity) {
        // "One-and-a-half".
        let hyphen = usize::from(self.is(quantity.next, &["-"]));
        let and = quantity.next + hyphen;
        let mut after = and + 1 + hyphen;
        if self.is(after, &["a"]) {
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
    fn rate(&self, at: usize) -> Option<(Unit, usize)> {
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

    fn in_words(&self, at: usize) -> Option<Quantity> {
        let tongue = self.tongue?;
        if let Some(quantity) = self.half(at).or_else(|| self.often(at)) {
            return Some(quantity);
        }
        if let Some(spoken) = words::spoken(self.tokens, at, tongue) {
            return Some(self.spoken(at, spoken, tongue));
        }
        if tongue == Tongue::English && self.is(at, &["a", "an"]) {
            let quantity = self.measured(Quantity::new(at, at + 1, Value::Number(Rational::whole(1)), false));
            return quantity.unit.is_some().then_some(quantity);
        }
        let (value, certain) = words::ordinal(self.word(at), tongue)?;
        Some(Quantity::new(at, at + 1, Value::Number(Rational::whole(value)), certain))
    }

    fn spoken(&self, at: usize, spoken: words::Spoken, tongue: Tongue) -> Quantity {
        let one = spoken.value == Rational::whole(1);
        // "Os dois" may be "both".
        let definite = at > 0
            && spoken.value == Rational::whole(2)
            && self.is(at - 1, &["os", "as", "nos", "nas", "dos", "das", "los", "las", "aos", "pelos", "pelas"]);
        let mut quantity = Quantity::new(at, spoken.next, Value::Number(spoken.value), !one && !definite);
        quantity.readings.extend(
            spoken.clock.map(|(hours, minutes)| Value::Clock { minutes: hours * 60 + minutes, half: hours > 12 }),
        );
        if let Some(part) = spoken.value.as_whole().and_then(|count| self.parts(count, spoken.next, tongue)) {
            quantity.readings.push(Value::Number(part));
            (quantity.next, quantity.required) =
                (quantity.next + 1, self.is(spoken.next, &["terco", "tercos", "thirds"]));
            return self.measured(quantity);
        }
        let mut quantity = self.measured(quantity);
        // "Uma vez por dia" says how often; "um" alone may be "a".
        quantity.required |= quantity.per.is_some();
        quantity
    }

    /// "Two thirds", "três quartos".
    fn parts(&self, count: u64, at: usize, tongue: Tongue) -> Option<Rational> {
        let parts = match (tongue, self.word(at)) {
            (Tongue::English, "third" | "thirds") | (Tongue::Portuguese, "terco" | "tercos") => 3,
            (Tongue::Spanish, "tercio" | "tercios") => 3,
            (Tongue::English, "quarter" | "quarters")
            | (Tongue::Portuguese, "quarto" | "quartos")
            | (Tongue::Spanish, "cuarto" | "cuartos") => 4,
            _ => return None,
        };
        Rational::new(u128::from(count), parts)
    }

    /// "Half a tablet", "meio comprimido".
    fn half(&self, at: usize) -> Option<Quantity> {
        let tongue = self.tongue?;
        let words: &[&str] = match tongue {
            Tongue::English => &["half"],
            Tongue::Portuguese => &["meia", "meio"],
            Tongue::Spanish => &["media", "medio"],
        };
        if !self.is(at, words) {
            return None;
        }
        let mut next = at + 1;
        while tongue == Tongue::English && self.is(next, &["a", "an", "of"]) {
            next += 1;
        }
        let mut value = Rational::HALF;
        if let Some(factor) = self.tokens.get(next).and_then(|token| words::factor(token, tongue)) {
            (value, next) = (value.times(factor)?, next + 1);
        }
        let counted = value != Rational::HALF;
        let mut quantity = self.measured(Quantity::new(at, next, Value::Number(value), counted));
        quantity.required |= quantity.unit.is_some();
        Some(quantity)
    }

    /// "Once", "twice", "daily", "every other day", "both".
    fn often(&self, at: usize) -> Option<Quantity> {
        let tongue = self.tongue?;
        let whole = |value| Value::Number(Rational::whole(value));
        let of = |value, next, unit, required| Quantity { unit, ..Quantity::new(at, next, whole(value), required) };
        let words = (self.word(at), self.word(at + 1), self.word(at + 2));
        let mut quantity = match (tongue, words) {
            (Tongue::English, ("once", ..)) => of(1, at + 1, Some(Unit::Times), false),
            (Tongue::English, ("twice", ..)) => of(2, at + 1, Some(Unit::Times), true),
            (Tongue::English, ("thrice", ..)) => of(3, at + 1, Some(Unit::Times), true),
            (Tongue::English, ("every", "other", "day")) => of(2, at + 3, Some(Unit::Day), false),
            (Tongue::English, ("both", ..)) | (Tongue::Portuguese | Tongue::Spanish, ("ambos" | "ambas", ..)) => {
                of(2, at + 1, None, false)
            }
            (Tongue::English, ("couple" | "pair", "of", _)) | (_, ("par", "de", _)) => of(2, at + 2, None, false),
            (Tongue::Portuguese, ("dias", "alternados", _)) | (Tongue::Spanish, ("dias", "alternos", _)) => {
                of(2, at + 2, Some(Unit::Day), false)
            }
            (Tongue::Portuguese, ("dia", "sim", _)) => of(2, at + 2, Some(Unit::Day), false),
            _ => return self.by_itself(at),
        };
        if quantity.unit == Some(Unit::Times) {
            if let Some((per, next)) = self.rate(quantity.next) {
                (quantity.per, quantity.next, quantity.required) = (Some(per), next, true);
            }
        } else if quantity.unit.is_none() {
            quantity = self.measured(quantity);
        }
        Some(quantity)
    }

    /// "Daily" with no number before it: once a day.
    fn by_itself(&self, at: usize) -> Option<Quantity> {
        let adverb = units::each(self.word(at)).is_some();
        let every = self.is(at, &["every", "each", "todos", "todo", "cada"]);
        let (per, next) = (adverb || every).then(|| self.rate(at)).flatten()?;
        let once = Value::Number(Rational::whole(1));
        Some(Quantity { unit: Some(Unit::Times), per: Some(per), ..Quantity::new(at, next, once, false) })
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
