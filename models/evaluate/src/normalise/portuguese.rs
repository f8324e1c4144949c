//! Spelt-out Portuguese numbers and units to figures and signs. Words come in lower case and without diacritics.

/// What a word adds to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// 0 to 19, 20, 30 … 90, 100, 200 … 900, or a number in figures.
    Value(u64),
    /// A thousand or a million.
    Multiplier(u64),
}

const VALUES: [(&str, u64); 52] = [
    ("zero", 0),
    ("um", 1),
    ("uma", 1),
    ("dois", 2),
    ("duas", 2),
    ("tres", 3),
    ("quatro", 4),
    ("cinco", 5),
    ("seis", 6),
    ("sete", 7),
    ("oito", 8),
    ("nove", 9),
    ("dez", 10),
    ("onze", 11),
    ("doze", 12),
    ("treze", 13),
    ("catorze", 14),
    ("quatorze", 14),
    ("quinze", 15),
    ("dezesseis", 16),
    ("dezasseis", 16),
    ("dezessete", 17),
    ("dezassete", 17),
    ("dezoito", 18),
    ("dezenove", 19),
    ("dezanove", 19),
    ("vinte", 20),
    ("trinta", 30),
    ("quarenta", 40),
    ("cinquenta", 50),
    ("sessenta", 60),
    ("setenta", 70),
    ("oitenta", 80),
    ("noventa", 90),
    ("cem", 100),
    ("cento", 100),
    ("duzentos", 200),
    ("duzentas", 200),
    ("trezentos", 300),
    ("trezentas", 300),
    ("quatrocentos", 400),
    ("quatrocentas", 400),
    ("quinhentos", 500),
    ("quinhentas", 500),
    ("seiscentos", 600),
    ("seiscentas", 600),
    ("setecentos", 700),
    ("setecentas", 700),
    ("oitocentos", 800),
    ("oitocentas", 800),
    ("novecentos", 900),
    ("novecentas", 900),
];

const UNITS: [(&str, &str); 15] = [
    ("miligrama", "mg"),
    ("miligramas", "mg"),
    ("grama", "g"),
    ("gramas", "g"),
    ("quilo", "kg"),
    ("quilos", "kg"),
    ("quilograma", "kg"),
    ("quilogramas", "kg"),
    ("mililitro", "ml"),
    ("mililitros", "ml"),
    ("litro", "l"),
    ("litros", "l"),
    ("centimetros", "cm"),
    ("milimetros", "mm"),
    ("minutos", "min"),
];

/// Longest number in figures that may stand before "mil": more has been multiplied already.
const MAX_FIGURES: usize = 6;

fn part(word: &str, first: bool) -> Option<Part> {
    match word {
        "mil" => return Some(Part::Multiplier(1_000)),
        "milhao" | "milhoes" => return Some(Part::Multiplier(1_000_000)),
        _ => {}
    }
    if first && word.len() <= MAX_FIGURES && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok().map(Part::Value);
    }
    VALUES.iter().find(|(name, _)| *name == word).map(|(_, value)| Part::Value(*value))
}

/// The largest value, exclusive, that may follow this one within a group of three figures.
fn room_after(value: u64) -> u64 {
    match value {
        100.. if value.is_multiple_of(100) && value < 1_000 => 100,
        20..100 if value.is_multiple_of(10) => 10,
        _ => 0,
    }
}

/// The number that the words begin with, and how many of them it takes.
fn number(words: &[&str]) -> Option<(u64, usize)> {
    let (mut total, mut group, mut taken) = (0_u64, None::<u64>, 0);
    let (mut room, mut ceiling) = (u64::MAX, u64::MAX);
    loop {
        let joined = taken > 0 && words.get(taken) == Some(&"e");
        let Some(word) = words.get(taken + usize::from(joined)) else { break };
        match part(word, taken == 0) {
            Some(Part::Value(value)) if value < room => {
                group = Some(group.unwrap_or(0) + value);
                // What is written in figures is complete.
                room = if word.bytes().all(|byte| byte.is_ascii_digit()) { 0 } else { room_after(value) };
            }
            Some(Part::Multiplier(multiplier)) if multiplier < ceiling && !joined => {
                total += group.take().unwrap_or(1).saturating_mul(multiplier);
                (room, ceiling) = (1_000, multiplier);
            }
            _ => break,
        }
        taken += 1 + usize::from(joined);
    }
    (taken > 0).then(|| (total + group.unwrap_or(0), taken))
}

pub(super) fn figures(words: &[&str]) -> Vec<String> {
    let split: Vec<&str> = words.iter().flat_map(unit_apart).collect();
    let mut out = Vec::new();
    let mut rest = split.as_slice();
    while let [word, after @ ..] = rest {
        let Some((value, taken)) = number(rest) else {
            out.push(UNITS.iter().find(|(name, _)| name == word).map_or(*word, |(_, sign)| sign).to_owned());
            rest = after;
            continue;
        };
        rest = &rest[taken..];
        // Alone it is mostly an article.
        let article = taken == 1 && value == 1;
        out.push(match *word {
            "uma" if article => "uma".to_owned(),
            _ if article => "um".to_owned(),
            _ => value.to_string(),
        });
        // Signs do not survive the normaliser: neither may the words for them.
        rest = match rest {
            ["por", "cento", after @ ..] | ["grau" | "graus" | "virgula", after @ ..] => after,
            other => other,
        };
    }
    out
}

/// "50mg" is two words.
fn unit_apart<'a>(word: &&'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    let end = word.bytes().take_while(u8::is_ascii_digit).count();
    let (figures, unit) = word.split_at(end);
    [figures, unit].into_iter().filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        figures(&text.split_whitespace().collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn numbers_are_read_as_people_say_them() {
        assert_eq!(read("trinta e nove graus"), "39");
        assert_eq!(read("losartana de cinquenta miligramas uma vez"), "losartana de 50 mg uma vez");
        assert_eq!(read("losartana de 50mg uma vez"), "losartana de 50 mg uma vez");
        assert_eq!(read("dois mil e vinte e tres pessoas"), "2023 pessoas");
        assert_eq!(read("20 mil reais"), "20000 reais");
        assert_eq!(read("um milhao duzentos mil e cinco"), "1200005");
        assert_eq!(read("noventa e cinco por cento"), "95");
        assert_eq!(read("mil novecentos e noventa e nove"), "1999");
    }

    #[test]
    fn what_is_counted_apart_stays_apart() {
        assert_eq!(read("dois e tres"), "2 e 3");
        assert_eq!(read("um dia e uma noite"), "um dia e uma noite");
        assert_eq!(read("vinte e"), "20 e");
        assert_eq!(read("cinco seis sete"), "5 6 7");
    }

    fn spell(number: u64) -> String {
        let find = |value: u64| VALUES.iter().find(|(_, v)| *v == value).unwrap().0;
        match number {
            0..20 => find(number).into(),
            20..100 if number.is_multiple_of(10) => find(number).into(),
            20..100 => format!("{} e {}", find(number / 10 * 10), find(number % 10)),
            100..1_000 if number.is_multiple_of(100) => find(number).into(),
            100..1_000 if number < 200 => format!("cento e {}", spell(number % 100)),
            100..1_000 => format!("{} e {}", find(number / 100 * 100), spell(number % 100)),
            _ => {
                let thousands = if number < 2_000 { "mil".into() } else { format!("{} mil", spell(number / 1_000)) };
                if number.is_multiple_of(1_000) {
                    thousands
                } else {
                    format!("{thousands} e {}", spell(number % 1_000))
                }
            }
        }
    }

    proptest! {
        #[test]
        fn every_number_survives_being_spelt_out(number in 2u64..1_000_000) {
            prop_assert_eq!(read(&spell(number)), number.to_string());
        }
    }
}
