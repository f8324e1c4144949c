//! Text before it is spoken. Pure.

use crate::phonemes::Reader;

/// Longest text of one request. A caption of 25 s translates to fewer than 600 characters.
pub const MAX_CHARS: usize = 1_000;

/// Units people read out, most specific first: as written, then in Portuguese, English and Spanish.
const UNITS: [(&str, [&str; 3]); 12] = [
    ("mmHg", ["milímetros de mercúrio", "millimetres of mercury", "milímetros de mercurio"]),
    ("mg/dL", ["miligramas por decilitro", "milligrams per decilitre", "miligramos por decilitro"]),
    ("mcg", ["microgramas", "micrograms", "microgramos"]),
    ("µg", ["microgramas", "micrograms", "microgramos"]),
    ("mg", ["miligramas", "milligrams", "miligramos"]),
    ("kg", ["quilos", "kilograms", "kilos"]),
    ("mL", ["mililitros", "millilitres", "mililitros"]),
    ("ml", ["mililitros", "millilitres", "mililitros"]),
    ("bpm", ["batimentos por minuto", "beats per minute", "latidos por minuto"]),
    ("°C", ["graus Celsius", "degrees Celsius", "grados Celsius"]),
    ("°F", ["graus Fahrenheit", "degrees Fahrenheit", "grados Fahrenheit"]),
    ("%", ["por cento", "percent", "por ciento"]),
];

/// What is left for the voice: no control characters or markup, units in words.
pub(crate) fn speakable(text: &str, reader: Reader) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '<' | '>' | '[' | ']' | '{' | '}' | '|' | '\\') { ' ' } else { c })
        .collect();
    let mut words = Vec::new();
    for word in plain.split_whitespace() {
        words.push(with_unit(word, reader).unwrap_or_else(|| word.to_owned()));
    }
    words.join(" ")
}

/// A word that is a unit, or a number with one attached, with the unit in words.
fn with_unit(word: &str, reader: Reader) -> Option<String> {
    let body = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
    let punctuation = &word[body.len()..];
    let language = match reader {
        Reader::BrazilianPortuguese => 0,
        Reader::AmericanEnglish => 1,
        Reader::Spanish => 2,
    };
    UNITS.iter().find_map(|(unit, spoken)| {
        let number = body.strip_suffix(unit)?;
        let spoken = spoken[language];
        if number.is_empty() {
            return Some(format!("{spoken}{punctuation}"));
        }
        let numeric = number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '/'));
        numeric.then(|| format!("{number} {spoken}{punctuation}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_out() {
        assert_eq!(speakable("Tome 50mg al 5%.", Reader::Spanish), "Tome 50 miligramos al 5 por ciento.");
        assert_eq!(
            speakable("Tome 50mg, depois 10 mL.", Reader::BrazilianPortuguese),
            "Tome 50 miligramas, depois 10 mililitros."
        );
        assert_eq!(
            speakable("SpO2 91% at 120/80 mmHg", Reader::AmericanEnglish),
            "SpO2 91 percent at 120/80 millimetres of mercury"
        );
        assert_eq!(speakable("<b>Program\u{7}me</b>", Reader::AmericanEnglish), "b Program me /b");
    }
}
