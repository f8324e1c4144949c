//! Exact numbers, so that a third, 0,5 and 1/2 compare as they should.

/// A number that is not negative, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rational {
    numerator: u128,
    denominator: u128,
}

impl Rational {
    pub(super) const HALF: Self = Self { numerator: 1, denominator: 2 };

    /// `None` when the denominator is 0.
    pub(super) fn new(numerator: u128, denominator: u128) -> Option<Self> {
        let divisor = gcd(numerator, denominator);
        (denominator > 0).then(|| Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    pub(super) fn whole(value: u64) -> Self {
        Self { numerator: u128::from(value), denominator: 1 }
    }

    /// Its value when it is a whole number that fits.
    pub(super) fn as_whole(self) -> Option<u64> {
        if self.denominator != 1 {
            return None;
        }
        u64::try_from(self.numerator).ok()
    }

    /// `None` when it grows too large.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Self::new(left.checked_add(right)?, self.denominator.checked_mul(other.denominator)?)
    }

    /// `None` when it grows too large.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        Self::new(self.numerator.checked_mul(other.numerator)?, self.denominator.checked_mul(other.denominator)?)
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

/// Reads a literal of digits, points and commas. `point` is the decimal sign of its language; where that is not
/// known, a sign before three digits is taken for either, and both readings come back.
///
/// A sign is a thousands separator when groups of three digits follow it and it is not the decimal sign of the
/// language, except after a lone 0; else it is the decimal sign. Empty when it is no number: a date, a version, or
/// too long.
pub(super) fn literal(text: &str, point: Option<char>) -> Vec<Rational> {
    let signs: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let groups: Vec<&str> = text.split(['.', ',']).collect();
    let all_threes = groups[0].len() <= 3 && groups[0] != "0" && groups[1..].iter().all(|group| group.len() == 3);
    let grouped = || decimal(&groups.concat(), "");
    let pointed = || decimal(groups[0], groups[1]);
    let readings = match signs[..] {
        [] => vec![decimal(text, "")],
        [sign] if all_threes => match point {
            Some(point) if sign == point => vec![pointed()],
            Some(_) => vec![grouped()],
            None => vec![grouped(), pointed()],
        },
        [_] => vec![pointed()],
        [first, .., last] if first != last => {
            let (whole, decimals) = text.split_at(text.rfind(last).unwrap_or_default());
            let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
            vec![decimal(&whole, &decimals[1..])]
        }
        _ if all_threes => vec![grouped()],
        _ => Vec::new(),
    };
    readings.into_iter().flatten().collect()
}

/// `whole.decimals`; `None` beyond 24 digits, which no quantity has.
fn decimal(whole: &str, decimals: &str) -> Option<Rational> {
    if whole.len() + decimals.len() > 24 {
        return None;
    }
    let scale = 10u128.checked_pow(decimals.len() as u32)?;
    let value: u128 = format!("{whole}{decimals}").parse().ok()?;
    Rational::new(value, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, point: char) -> Option<Rational> {
        let readings = literal(text, Some(point));
        assert!(readings.len() <= 1);
        readings.first().copied()
    }

    #[test]
    fn a_literal_is_read_as_its_language_writes_it() {
        for (text, point, numerator, denominator) in [
            ("38,5", ',', 77, 2),
            ("38.5", ',', 77, 2),
            ("38,5", '.', 77, 2),
            ("1.000", ',', 1000, 1),
            ("1.000", '.', 1, 1),
            ("1,000", '.', 1000, 1),
            ("1,000", ',', 1, 1),
            ("0,125", '.', 1, 8),
            ("0.125", ',', 1, 8),
            ("1.234.567", ',', 1_234_567, 1),
            ("1.234,5", ',', 2469, 2),
            ("1,234.5", '.', 2469, 2),
            ("007", ',', 7, 1),
        ] {
            assert_eq!(read(text, point), Rational::new(numerator, denominator), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_reading() {
        assert_eq!(read("12.05.2024", ','), None);
        assert_eq!(read("1.2.3", '.'), None);
        assert_eq!(read(&"9".repeat(40), '.'), None);
    }

    #[test]
    fn an_unknown_language_leaves_both_readings() {
        assert_eq!(literal("1.500", None).len(), 2);
    }

    #[test]
    fn sums_and_products_are_exact_and_refuse_to_overflow() {
        let third = Rational::new(1, 3).unwrap();
        assert_eq!(third.plus(third).and_then(|two| two.plus(third)), Some(Rational::whole(1)));
        assert_eq!(Rational::HALF.times(Rational::whole(1000)), Some(Rational::whole(500)));
        let huge = Rational::new(u128::MAX, 1).unwrap();
        assert_eq!((huge.plus(huge), huge.times(huge)), (None, None));
        assert_eq!(Rational::new(1, 0), None);
    }
}
