//! Text before it is spoken. Pure.

/// Longest text of one request. A caption of 25 s translates to fewer than 600 characters.
pub const MAX_CHARS: usize = 1_000;

/// Characters after which a clause may end at a comma; shorter ones would sound chopped.
const MIN_CLAUSE: usize = 24;

/// Characters of a clause; a longer one is cut at a space. 510 phonemes is what Kokoro takes at once, and a
/// character gives at most about two.
const MAX_CLAUSE: usize = 200;

/// Cuts text where a speaker could pause: after each sentence, and after a comma, semicolon or colon once there is
/// enough to say. Nothing but surrounding space is lost.
pub fn clauses(text: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let (mut start, mut count, mut last_space) = (0, 0, None);
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    for (n, (index, c)) in characters.iter().enumerate() {
        count += 1;
        let after = index + c.len_utf8();
        // A decimal, a time or an abbreviation goes on without a space.
        let pause = characters.get(n + 1).is_none_or(|(_, next)| next.is_whitespace());
        let ends = match c {
            '.' | '!' | '?' | '…' => pause && !is_abbreviation(&text[start..after]),
            ',' | ';' | ':' => pause && count >= MIN_CLAUSE,
            _ => false,
        };
        if c.is_whitespace() {
            last_space = Some(*index);
        }
        let cut = if ends {
            Some(after)
        } else if count >= MAX_CLAUSE {
            Some(last_space.filter(|space| *space > start).unwrap_or(after))
        } else {
            None
        };
        if let Some(cut) = cut {
            clauses.push(&text[start..cut]);
            (start, last_space) = (cut, None);
            count = text[start..after].chars().count();
        }
    }
    clauses.push(&text[start..]);
    clauses.into_iter().map(str::trim).filter(|clause| clause.chars().any(char::is_alphanumeric)).collect()
}

fn is_abbreviation(text: &str) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "dr." | "dra." | "sr." | "sra." | "mr." | "mrs." | "ms." | "prof." | "approx." | "aprox.")
}

/// Units people read out, by language, most specific first.
const UNITS: [(&str, &str, &str); 12] = [
    ("mmHg", "milímetros de mercúrio", "millimetres of mercury"),
    ("mg/dL", "miligramas por decilitro", "milligrams per decilitre"),
    ("mcg", "microgramas", "micrograms"),
    ("µg", "microgramas", "micrograms"),
    ("mg", "miligramas", "milligrams"),
    ("kg", "quilos", "kilograms"),
    ("mL", "mililitros", "millilitres"),
    ("ml", "mililitros", "millilitres"),
    ("bpm", "batimentos por minuto", "beats per minute"),
    ("°C", "graus Celsius", "degrees Celsius"),
    ("°F", "graus Fahrenheit", "degrees Fahrenheit"),
    ("%", "por cento", "percent"),
];

/// What is left for the voice: no control characters or markup, units in words. `portuguese` chooses the words.
pub(crate) fn speakable(text: &str, portuguese: bool) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '<' | '>' | '[' | ']' | '{' | '}' | '|' | '\\') { ' ' } else { c })
        .collect();
    let mut words = Vec::new();
    for word in plain.split_whitespace() {
        words.push(with_unit(word, portuguese).unwrap_or_else(|| word.to_owned()));
    }
    words.join(" ")
}

/// A word that is a unit, or a number with one attached, with the unit in words.
fn with_unit(word: &str, portuguese: bool) -> Option<String> {
    let body = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
    let punctuation = &word[body.len()..];
    UNITS.iter().find_map(|(unit, pt, en)| {
        let number = body.strip_suffix(unit)?;
        let spoken = if portuguese { pt } else { en };
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
    use proptest::prelude::*;

    #[test]
    fn a_clause_ends_where_a_speaker_could_pause() {
        let text = "Estou com dor no peito desde ontem, e sinto falta de ar. Não tenho febre.";
        assert_eq!(clauses(text), ["Estou com dor no peito desde ontem,", "e sinto falta de ar.", "Não tenho febre."]);
        assert_eq!(clauses("Sim, claro."), ["Sim, claro."]);
    }

    #[test]
    fn titles_and_decimals_do_not_end_a_sentence() {
        assert_eq!(clauses("Dr. Silva measured 38.5 degrees."), ["Dr. Silva measured 38.5 degrees."]);
    }

    #[test]
    fn units_are_read_out() {
        assert_eq!(speakable("Tome 50mg, depois 10 mL.", true), "Tome 50 miligramas, depois 10 mililitros.");
        assert_eq!(speakable("SpO2 91% at 120/80 mmHg", false), "SpO2 91 percent at 120/80 millimetres of mercury");
        assert_eq!(speakable("<b>Program\u{7}me</b>", false), "b Program me /b");
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_or_repeated(text in "[a-z0-9,.;!? ]{0,600}") {
            let letters = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            let joined: String = clauses(&text).concat();
            prop_assert_eq!(letters(&joined), letters(&text));
        }

        #[test]
        fn no_clause_is_too_long(text in "\\PC{0,900}") {
            prop_assert!(clauses(&text).iter().all(|clause| clause.chars().count() <= MAX_CLAUSE));
        }
    }
}
