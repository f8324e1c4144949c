//! Quantities whose number is in words: "half a tablet", "twice a day", "os dois", "daily".

use super::{
    Tongue,
    quantity::{Quantity, Reader, Value},
    rational::Rational,
    units::{self, Unit},
    words,
};

impl Reader<'_> {
    pub(super) fn in_words(&self, at: usize) -> Option<Quantity> {
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
            (Tongue::English, "third" | "thirds")
            | (Tongue::Portuguese, "terco" | "tercos")
            | (Tongue::Spanish, "tercio" | "tercios") => 3,
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
}
