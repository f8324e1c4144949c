//! Units of the vital signs: UCUM and what devices write instead of it, and IEEE 11073-10101 units by name and number.
//!
//! A unit has a dimension and a linear conversion to the unit that the dimension is kept in. Sources: the UCUM
//! specification (ucum.org, tables 1 to 4 of version 2.1) and partition 4 of ISO/IEEE 11073-10101.

/// A kind of quantity, and the unit it is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Per minute.
    Frequency,
    /// Percent.
    Fraction,
    /// Millimetres of mercury.
    Pressure,
    /// Degrees Celsius.
    Temperature,
    /// Litres a minute.
    Flow,
}

/// A unit: `kept = value * factor + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    pub dimension: Dimension,
    factor: f64,
    offset: f64,
}

/// Millimetres of mercury in a kilopascal: 1 mmHg is 133.322387415 Pa (UCUM, table 4: `m[Hg]` is 133.322 kPa).
const MMHG_PER_KPA: f64 = 1_000.0 / 133.322_387_415;

const fn times(dimension: Dimension, factor: f64) -> Unit {
    Unit { dimension, factor, offset: 0.0 }
}

const PER_MINUTE: Unit = times(Dimension::Frequency, 1.0);
const PER_SECOND: Unit = times(Dimension::Frequency, 60.0);
const PERCENT: Unit = times(Dimension::Fraction, 1.0);
const UNITY: Unit = times(Dimension::Fraction, 100.0);
const MMHG: Unit = times(Dimension::Pressure, 1.0);
const KILOPASCAL: Unit = times(Dimension::Pressure, MMHG_PER_KPA);
const HECTOPASCAL: Unit = times(Dimension::Pressure, MMHG_PER_KPA / 10.0);
const PASCAL: Unit = times(Dimension::Pressure, MMHG_PER_KPA / 1_000.0);
/// A metre of water is 9.80665 kPa.
const CENTIMETRE_OF_WATER: Unit = times(Dimension::Pressure, MMHG_PER_KPA * 0.098_066_5);
const CELSIUS: Unit = times(Dimension::Temperature, 1.0);
const FAHRENHEIT: Unit = Unit { dimension: Dimension::Temperature, factor: 5.0 / 9.0, offset: -160.0 / 9.0 };
const KELVIN: Unit = Unit { dimension: Dimension::Temperature, factor: 1.0, offset: -273.15 };
const LITRE_PER_MINUTE: Unit = times(Dimension::Flow, 1.0);
const MILLILITRE_PER_MINUTE: Unit = times(Dimension::Flow, 0.001);

/// Spelt as UCUM has them after annotations are gone, then as devices do, then IEEE names and numbers.
const UNITS: [(&str, Unit); 58] = [
    ("/min", PER_MINUTE),
    ("1/min", PER_MINUTE),
    ("min-1", PER_MINUTE),
    ("bpm", PER_MINUTE),
    ("rpm", PER_MINUTE),
    ("beats/min", PER_MINUTE),
    ("breaths/min", PER_MINUTE),
    ("MDC_DIM_BEAT_PER_MIN", PER_MINUTE),
    ("264864", PER_MINUTE),
    ("MDC_DIM_RESP_PER_MIN", PER_MINUTE),
    ("264928", PER_MINUTE),
    ("/s", PER_SECOND),
    ("1/s", PER_SECOND),
    ("Hz", PER_SECOND),
    ("MDC_DIM_HZ", PER_SECOND),
    ("264640", PER_SECOND),
    ("%", PERCENT),
    ("MDC_DIM_PERCENT", PERCENT),
    ("262688", PERCENT),
    ("1", UNITY),
    ("10*0", UNITY),
    ("MDC_DIM_DIMLESS", UNITY),
    ("262656", UNITY),
    ("mm[Hg]", MMHG),
    ("mmHg", MMHG),
    ("MDC_DIM_MMHG", MMHG),
    ("266016", MMHG),
    ("kPa", KILOPASCAL),
    ("MDC_DIM_KILO_PASCAL", KILOPASCAL),
    ("265987", KILOPASCAL),
    ("hPa", HECTOPASCAL),
    ("mbar", HECTOPASCAL),
    ("MDC_DIM_HECTO_PASCAL", HECTOPASCAL),
    ("265986", HECTOPASCAL),
    ("Pa", PASCAL),
    ("MDC_DIM_PASCAL", PASCAL),
    ("265984", PASCAL),
    ("cm[H2O]", CENTIMETRE_OF_WATER),
    ("cmH2O", CENTIMETRE_OF_WATER),
    ("Cel", CELSIUS),
    ("degC", CELSIUS),
    ("C", CELSIUS),
    ("°C", CELSIUS),
    ("MDC_DIM_DEGC", CELSIUS),
    ("268192", CELSIUS),
    ("[degF]", FAHRENHEIT),
    ("degF", FAHRENHEIT),
    ("F", FAHRENHEIT),
    ("°F", FAHRENHEIT),
    ("MDC_DIM_FAHR", FAHRENHEIT),
    ("266560", FAHRENHEIT),
    ("K", KELVIN),
    ("MDC_DIM_KELVIN", KELVIN),
    ("266528", KELVIN),
    ("L/min", LITRE_PER_MINUTE),
    ("MDC_DIM_L_PER_MIN", LITRE_PER_MINUTE),
    ("265216", LITRE_PER_MINUTE),
    ("mL/min", MILLILITRE_PER_MINUTE),
];

impl Unit {
    /// Reads a unit; `None` where it is no unit of a vital sign.
    pub fn read(text: &str) -> Option<Self> {
        let find = |text: &str| UNITS.iter().find(|(known, _)| *known == text).map(|(_, unit)| *unit);
        if let Some(unit) = find(text) {
            return Some(unit);
        }
        let plain = without_annotations(text)?;
        // An annotation alone is unity (UCUM, section 2.2), unless it names what is counted: beats are no fraction.
        if plain.is_empty() {
            return matches!(text, "{fraction}" | "{ratio}").then_some(UNITY);
        }
        // UCUM has the litre in both cases.
        find(&plain).or_else(|| find(&plain.replace("l/", "L/")))
    }

    /// The unit that a dimension is kept in.
    pub const fn kept(dimension: Dimension) -> Self {
        times(dimension, 1.0)
    }

    pub fn is_kept(self) -> bool {
        self == Self::kept(self.dimension)
    }

    /// A value of this unit, in the unit that the dimension is kept in.
    pub fn convert(self, value: f64) -> f64 {
        value.mul_add(self.factor, self.offset)
    }
}

/// `{beats}/min` without its annotation; `None` where braces do not match.
fn without_annotations(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        rest = after.split_once('}')?.1;
    }
    if rest.contains('}') {
        return None;
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(text: &str, value: f64) -> f64 {
        Unit::read(text).unwrap().convert(value)
    }

    #[test]
    fn annotations_do_not_change_a_unit() {
        for text in ["/min", "{beats}/min", "{Beats}/min", "/min{breath}", "1/min", "MDC_DIM_RESP_PER_MIN"] {
            assert_eq!(Unit::read(text), Some(PER_MINUTE), "{text}");
        }
        assert_eq!(Unit::read("l/min"), Some(LITRE_PER_MINUTE));
        assert_eq!(Unit::read("{fraction}"), Some(UNITY));
        for text in ["{beats}", "{", "}", "{a}}", "", "{}"] {
            assert_eq!(Unit::read(text), None, "{text}");
        }
    }

    #[test]
    fn conversions_agree_with_what_tables_print() {
        for (unit, value, kept) in [
            ("[degF]", 98.6, 37.0),
            ("[degF]", 32.0, 0.0),
            ("K", 310.15, 37.0),
            ("kPa", 16.0, 120.01),
            ("Pa", 13_332.2, 100.0),
            ("mbar", 160.0, 120.01),
            ("cm[H2O]", 10.0, 7.36),
            ("Hz", 1.2, 72.0),
            ("mL/min", 500.0, 0.5),
        ] {
            assert!((convert(unit, value) - kept).abs() < 0.005, "{value} {unit}");
        }
    }
}
