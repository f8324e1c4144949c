//! Units of measure, of dose and of time, by the words and signs of three languages.

use super::{rational::Rational, tokens::Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Nanogram,
    Microgram,
    Milligram,
    Gram,
    Kilogram,
    Pound,
    Millilitre,
    Decilitre,
    Litre,
    Millimetre,
    Centimetre,
    Metre,
    Kilometre,
    Foot,
    Inch,
    MillimetreOfMercury,
    Millimole,
    Milliequivalent,
    International,
    Percent,
    Celsius,
    Fahrenheit,
    Degree,
    Tablet,
    Capsule,
    Drop,
    Puff,
    Ampoule,
    Sachet,
    Tablespoon,
    Teaspoon,
    Spoon,
    Beat,
    Second,
    Minute,
    Hour,
    Night,
    Day,
    Week,
    Month,
    Year,
    /// "Vez", "time": how often.
    Times,
}

/// What may be measured against one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Mass,
    Volume,
    Length,
    Time,
    LongTime,
}

impl Unit {
    /// Whether a translation may leave it out: "65 anos" is "65", "às 8 horas" is "at 8", "39 graus" is "39".
    pub(super) fn may_be_understood(self) -> bool {
        matches!(self, Self::Hour | Self::Year | Self::Times | Self::Degree)
    }

    /// Whether it says how much of a drug.
    pub(super) fn is_dose(self) -> bool {
        (self as u8) <= Self::Litre as u8
            || matches!(self, Self::Millimole | Self::Milliequivalent | Self::International)
            || (Self::Tablet as u8..=Self::Spoon as u8).contains(&(self as u8))
    }

    pub(super) fn is_time(self) -> bool {
        (Self::Second as u8..=Self::Year as u8).contains(&(self as u8))
    }

    /// Whether they name the same: a degree of a body is of the scale of the place.
    pub(super) fn same(self, other: Self) -> bool {
        let pair = |a, b| (self == a && other == b) || (self == b && other == a);
        self == other
            || pair(Self::Degree, Self::Celsius)
            || pair(Self::Degree, Self::Fahrenheit)
            || pair(Self::Spoon, Self::Tablespoon)
            || pair(Self::Day, Self::Night)
    }

    /// How many of the smallest of its dimension it is.
    pub(super) fn size(self) -> Option<(Dimension, Rational)> {
        let (dimension, size) = match self {
            Self::Nanogram => (Dimension::Mass, 1),
            Self::Microgram => (Dimension::Mass, 1_000),
            Self::Milligram => (Dimension::Mass, 1_000_000),
            Self::Gram => (Dimension::Mass, 1_000_000_000),
            Self::Kilogram => (Dimension::Mass, 1_000_000_000_000),
            Self::Millilitre => (Dimension::Volume, 1),
            Self::Decilitre => (Dimension::Volume, 100),
            Self::Litre => (Dimension::Volume, 1_000),
            Self::Millimetre => (Dimension::Length, 1),
            Self::Centimetre => (Dimension::Length, 10),
            Self::Metre => (Dimension::Length, 1_000),
            Self::Kilometre => (Dimension::Length, 1_000_000),
            Self::Second => (Dimension::Time, 1),
            Self::Minute => (Dimension::Time, 60),
            Self::Hour => (Dimension::Time, 3_600),
            Self::Day => (Dimension::Time, 86_400),
            Self::Week => (Dimension::Time, 604_800),
            Self::Month => (Dimension::LongTime, 1),
            Self::Year => (Dimension::LongTime, 12),
            _ => return None,
        };
        Some((dimension, Rational::whole(size)))
    }
}

/// Signs that mean a unit only after a number, in any language.
const SIGNS: [(&str, Unit); 40] = [
    ("ng", Unit::Nanogram),
    ("mcg", Unit::Microgram),
    ("ug", Unit::Microgram),
    ("mg", Unit::Milligram),
    ("mgs", Unit::Milligram),
    ("g", Unit::Gram),
    ("gr", Unit::Gram),
    ("kg", Unit::Kilogram),
    ("kgs", Unit::Kilogram),
    ("lb", Unit::Pound),
    ("lbs", Unit::Pound),
    ("ml", Unit::Millilitre),
    ("cc", Unit::Millilitre),
    ("dl", Unit::Decilitre),
    ("l", Unit::Litre),
    ("mm", Unit::Millimetre),
    ("cm", Unit::Centimetre),
    ("m", Unit::Metre),
    ("km", Unit::Kilometre),
    ("mmhg", Unit::MillimetreOfMercury),
    ("mmol", Unit::Millimole),
    ("meq", Unit::Milliequivalent),
    ("ui", Unit::International),
    ("iu", Unit::International),
    ("%", Unit::Percent),
    ("x", Unit::Times),
    ("h", Unit::Hour),
    ("hs", Unit::Hour),
    ("hr", Unit::Hour),
    ("hrs", Unit::Hour),
    ("min", Unit::Minute),
    ("mins", Unit::Minute),
    ("s", Unit::Second),
    ("seg", Unit::Second),
    ("sec", Unit::Second),
    ("secs", Unit::Second),
    ("bpm", Unit::Beat),
    ("cp", Unit::Tablet),
    ("comp", Unit::Tablet),
    ("celsius", Unit::Celsius),
];

/// Words without accents, in the singular and in their irregular plurals; a regular plural adds `s` or `es`.
const WORDS: [(Unit, &[&str]); 40] = [
    (Unit::Nanogram, &["nanograma", "nanogramo", "nanogram"]),
    (Unit::Microgram, &["micrograma", "microgramo", "microgram"]),
    (Unit::Milligram, &["miligrama", "miligramo", "milligram", "milligramme"]),
    (Unit::Gram, &["grama", "gramo", "gram", "gramme"]),
    (Unit::Kilogram, &["quilo", "quilograma", "kilo", "kilogramo", "kilogram"]),
    (Unit::Pound, &["pound", "libra"]),
    (Unit::Millilitre, &["mililitro", "milliliter", "millilitre"]),
    (Unit::Decilitre, &["decilitro", "deciliter", "decilitre"]),
    (Unit::Litre, &["litro", "liter", "litre"]),
    (Unit::Millimetre, &["milimetro", "millimeter", "millimetre"]),
    (Unit::Centimetre, &["centimetro", "centimeter", "centimetre"]),
    (Unit::Metre, &["metro", "meter", "metre"]),
    (Unit::Kilometre, &["quilometro", "kilometro", "kilometer", "kilometre"]),
    (Unit::Foot, &["foot", "feet", "pie", "pes"]),
    (Unit::Inch, &["inch", "polegada", "pulgada"]),
    (Unit::Millimole, &["milimol", "milimoles", "millimole"]),
    (Unit::Milliequivalent, &["miliequivalente", "milliequivalent"]),
    (Unit::International, &["unidade", "unidad", "unit"]),
    (Unit::Percent, &["percent", "porcento"]),
    (Unit::Fahrenheit, &["fahrenheit"]),
    (Unit::Degree, &["grau", "grado", "degree"]),
    (Unit::Tablet, &["comprimido", "tablet", "pill", "pilula", "pastilla", "pildora", "tableta"]),
    (Unit::Capsule, &["capsula", "capsule"]),
    (Unit::Drop, &["gota", "drop"]),
    (
        Unit::Puff,
        &[
            "jato",
            "jet",
            "sopro",
            "bocanada",
            "puff",
            "inalacao",
            "inalacoes",
            "inhalation",
            "inhalacion",
            "puf",
            "spray",
        ],
    ),
    (Unit::Ampoule, &["ampola", "ampoule", "ampule", "ampolla", "vial"]),
    (Unit::Sachet, &["sache", "sachet", "envelope", "sobres"]),
    (Unit::Tablespoon, &["tablespoon", "tablespoonful", "cucharada"]),
    (Unit::Teaspoon, &["teaspoon", "teaspoonful", "cucharadita", "cucharilla"]),
    (Unit::Spoon, &["colher", "colherada", "spoon", "spoonful", "cuchara"]),
    (Unit::Beat, &["batimento", "batida", "beat", "latido"]),
    (Unit::Second, &["segundo", "second"]),
    (Unit::Minute, &["minuto", "minute"]),
    (Unit::Hour, &["hora", "hour", "horita", "horinha"]),
    (Unit::Night, &["noite", "noche", "night"]),
    (Unit::Day, &["dia", "day"]),
    (Unit::Week, &["semana", "week"]),
    (Unit::Month, &["mes", "month"]),
    (Unit::Year, &["ano", "year"]),
    (Unit::Times, &["vez", "vezes", "veces", "time"]),
];

/// The unit a word names wherever it stands.
pub(super) fn named(folded: &str) -> Option<Unit> {
    let found = |word: &str| WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(unit, _)| *unit);
    found(folded).or_else(|| found(folded.strip_suffix('s')?)).or_else(|| found(folded.strip_suffix("es")?))
}

/// The time that an adverb says something comes back after: "daily".
pub(super) fn each(folded: &str) -> Option<Unit> {
    match folded {
        "daily" | "diario" | "diaria" | "diarios" | "diarias" | "diariamente" => Some(Unit::Day),
        "weekly" | "semanal" | "semanais" | "semanales" | "semanalmente" => Some(Unit::Week),
        "monthly" | "mensal" | "mensais" | "mensual" | "mensuales" | "mensalmente" | "mensualmente" => {
            Some(Unit::Month)
        }
        "yearly" | "annually" | "anual" | "anuais" | "anuales" | "anualmente" => Some(Unit::Year),
        "hourly" => Some(Unit::Hour),
        _ => None,
    }
}

/// The unit that stands at `at`, after a number, and the index of the token after it.
pub(super) fn after_number(tokens: &[Token], at: usize) -> Option<(Unit, usize)> {
    let token = tokens.get(at)?;
    let next = |offset: usize| tokens.get(at + offset).map_or("", |token| token.folded.as_str());
    let found = match token.folded.as_str() {
        "°" | "º" => match next(1) {
            "c" => (Unit::Celsius, 2),
            "f" => (Unit::Fahrenheit, 2),
            _ => (Unit::Degree, 1),
        },
        "ºc" => (Unit::Celsius, 1),
        "ºf" => (Unit::Fahrenheit, 1),
        "c" if token.glued => (Unit::Celsius, 1),
        "f" if token.glued => (Unit::Fahrenheit, 1),
        "international" if next(1).starts_with("unit") => (Unit::International, 2),
        "por" if matches!(next(1), "cento" | "ciento") => (Unit::Percent, 2),
        "per" if next(1) == "cent" => (Unit::Percent, 2),
        "pontos" | "points" | "puntos" if matches!(next(1), "percentuais" | "porcentuales") => (Unit::Percent, 2),
        "mm" if next(1) == "hg" => (Unit::MillimetreOfMercury, 2),
        "colher" | "colheres" | "colherada" | "colheradas" if next(1) == "de" && next(2) == "sopa" => {
            (Unit::Tablespoon, 3)
        }
        "colher" | "colheres" if next(1) == "de" && next(2) == "cha" => (Unit::Teaspoon, 3),
        word => {
            let unit = SIGNS.iter().find(|(sign, _)| *sign == word).map(|(_, unit)| *unit).or_else(|| named(word))?;
            match (unit, next(1), next(2)) {
                (Unit::Degree, "celsius" | "centigrados" | "centigrade", _) => (Unit::Celsius, 2),
                (Unit::Degree, "fahrenheit", _) => (Unit::Fahrenheit, 2),
                (Unit::Millimetre, "de" | "of", "mercurio" | "mercury") => (Unit::MillimetreOfMercury, 3),
                (Unit::International, "internacionais" | "internacionales", _) => (Unit::International, 2),
                (unit, ..) => (unit, 1),
            }
        }
    };
    Some((found.0, at + found.1))
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::tokens, *};

    fn read(text: &str) -> Option<Unit> {
        after_number(&tokens(text), 1).map(|(unit, _)| unit)
    }

    #[test]
    fn a_unit_is_the_same_in_every_way_it_is_written() {
        for (texts, unit) in [
            (&["50 mg", "50mg", "50 miligramas", "50 milligrams", "50 miligramos"][..], Unit::Milligram),
            (&["5 mcg", "5 µg", "5 μg", "5 microgramas", "5 micrograms"], Unit::Microgram),
            (&["91%", "91 %", "91 por cento", "91 percent", "91 per cent", "91 por ciento"], Unit::Percent),
            (&["38 °C", "38ºC", "38°C", "38 graus Celsius", "38 degrees Celsius", "38C"], Unit::Celsius),
            (&["120 mmHg", "120 mm Hg", "120 milímetros de mercúrio"], Unit::MillimetreOfMercury),
            (&["100 UI", "100 IU", "100 unidades", "100 units", "100 unidades internacionais"], Unit::International),
            (&["2 colheres de sopa", "2 tablespoons", "2 cucharadas"], Unit::Tablespoon),
            (&["2 inches"], Unit::Inch),
        ] {
            for text in texts {
                assert_eq!(read(text), Some(unit), "{text}");
            }
        }
        assert_eq!(read("2 médicos"), None);
    }

    #[test]
    fn sizes_relate_units_of_one_dimension() {
        let (dimension, gram) = Unit::Gram.size().unwrap();
        let (other, milligram) = Unit::Milligram.size().unwrap();
        assert_eq!(dimension, other);
        assert_eq!(milligram.times(Rational::whole(1_000)), Some(gram));
        assert!(Unit::Litre.is_dose() && Unit::Spoon.is_dose() && !Unit::Day.is_dose() && Unit::Year.is_time());
    }
}
