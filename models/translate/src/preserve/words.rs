//! Numbers in words, in English, Portuguese and Spanish.

use super::{
    Tongue,
    rational::Rational,
    tokens::{Kind, Token},
};

/// The place of a word within a number: what comes after must be smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Ones,
    Teens,
    Tens,
    Hundreds,
}

/// From zero to nineteen.
const SMALL: [&str; 3] = [
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
     sixteen seventeen eighteen nineteen",
    "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis \
     dezessete dezoito dezenove",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis \
     diecisiete dieciocho diecinueve",
];

/// From twenty to ninety.
const TENS: [&str; 3] = [
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
];

/// From one hundred to nine hundred, without their last two letters (`-os`, `-as`).
const HUNDREDS: [[&str; 9]; 2] = [
    ["cento", "duzent", "trezent", "quatrocent", "quinhent", "seiscent", "setecent", "oitocent", "novecent"],
    ["ciento", "doscient", "trescient", "cuatrocient", "quinient", "seiscient", "setecient", "ochocient", "novecient"],
];

/// Other forms.
const OTHERS: [(Tongue, &str, u64); 16] = [
    (Tongue::Portuguese, "uma", 1),
    (Tongue::Portuguese, "duas", 2),
    (Tongue::Portuguese, "catorze", 14),
    (Tongue::Portuguese, "dezasseis", 16),
    (Tongue::Portuguese, "dezassete", 17),
    (Tongue::Portuguese, "dezanove", 19),
    (Tongue::Portuguese, "cem", 100),
    (Tongue::Spanish, "un", 1),
    (Tongue::Spanish, "una", 1),
    (Tongue::Spanish, "cien", 100),
    (Tongue::Spanish, "veintiun", 21),
    (Tongue::Spanish, "veintiuno", 21),
    (Tongue::Spanish, "veintiuna", 21),
    (Tongue::Spanish, "veintidos", 22),
    (Tongue::Spanish, "veintitres", 23),
    (Tongue::Spanish, "veintiseis", 26),
];

/// A number read from words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) value: Rational,
    /// Index of the token after it.
    pub(super) next: usize,
    /// Hours and minutes it may be as well: "eight thirty".
    pub(super) clock: Option<(u64, u64)>,
}

/// The whole number in words that begins at `at`. English leaves the hundred out, as in "one twenty over eighty".
pub(super) fn spoken(tokens: &[Token], at: usize, tongue: Tongue) -> Option<Spoken> {
    let (mut total, mut group, mut place) = (0u64, 0u64, None::<Place>);
    let (mut next, mut index, mut clock, mut joined) = (at, at, None, false);
    while let Some(token) = tokens.get(index).filter(|token| token.kind == Kind::Word) {
        let connected = index > next;
        if let Some(factor) = multiplier(&token.folded, tongue) {
            if connected {
                break;
            }
            if factor == 100 {
                group = group.max(1).checked_mul(100)?;
                place = Some(Place::Hundreds);
            } else {
                total = total.checked_add(group.max(1).checked_mul(factor)?)?;
                (group, place) = (0, None);
            }
        } else {
            let Some((value, its_place)) = word(&token.folded, tongue) else { break };
            if fits(place, its_place) {
                group += value;
                // The minutes of "eight thirty-five".
                clock = clock.map(|(hours, minutes)| (hours, minutes + value));
            } else if tongue == Tongue::English
                && !connected
                && !joined
                && total == 0
                && leaves_hundred_out(group, value)
            {
                clock = (group < 24 && value < 60).then_some((group, value));
                (group, joined) = (group * 100 + value, true);
            } else {
                break;
            }
            place = Some(if its_place == Place::Teens { Place::Ones } else { its_place });
        }
        next = index + 1;
        index = next + connector(tokens, next, place, total > 0 && group == 0, tongue);
    }
    (next > at).then(|| Spoken { value: Rational::whole(total + group), next, clock })
}

fn fits(before: Option<Place>, place: Place) -> bool {
    match before {
        None => true,
        Some(Place::Hundreds) => place < Place::Hundreds,
        Some(Place::Tens) => place == Place::Ones,
        Some(_) => false,
    }
}

fn leaves_hundred_out(group: u64, value: u64) -> bool {
    (1..100).contains(&group) && (10..100).contains(&value)
}

/// How many tokens at `at` may stand between two words of a number: a hyphen or an "and", or none.
fn connector(tokens: &[Token], at: usize, place: Option<Place>, after_thousand: bool, tongue: Tongue) -> usize {
    let Some(token) = tokens.get(at) else { return 0 };
    if token.folded == "-" && token.glued {
        return 1;
    }
    let and = match tongue {
        Tongue::English => token.lower == "and" && (place == Some(Place::Hundreds) || after_thousand),
        // The accent tells "and" from "is".
        Tongue::Portuguese => token.lower == "e" && (place >= Some(Place::Tens) || after_thousand),
        Tongue::Spanish => token.lower == "y" && place == Some(Place::Tens),
    };
    usize::from(and)
}

fn multiplier(folded: &str, tongue: Tongue) -> Option<u64> {
    match (tongue, folded) {
        (Tongue::English, "hundred") => Some(100),
        (Tongue::English, "dozen")
        | (Tongue::Portuguese, "duzia" | "duzias")
        | (Tongue::Spanish, "docena" | "docenas") => Some(12),
        (Tongue::English, "thousand") | (Tongue::Portuguese | Tongue::Spanish, "mil") => Some(1_000),
        (Tongue::English, "million" | "millions")
        | (Tongue::Portuguese, "milhao" | "milhoes")
        | (Tongue::Spanish, "millon" | "millones") => Some(1_000_000),
        _ => None,
    }
}

fn word(folded: &str, tongue: Tongue) -> Option<(u64, Place)> {
    let row = tongue as usize;
    let position = |list: &str| list.split(' ').position(|word| word == folded).map(|index| index as u64);
    let other = || OTHERS.iter().find(|(its, form, _)| *its == tongue && *form == folded).map(|(.., value)| *value);
    let tens = || position(TENS[row]).map(|index| index * 10 + 20);
    let value = position(SMALL[row])
        .or_else(tens)
        .or_else(|| hundreds(folded, tongue))
        .or_else(other)
        .or_else(|| twenties(folded, tongue))?;
    let place = match value {
        0..10 => Place::Ones,
        100.. => Place::Hundreds,
        _ if value >= 20 && value % 10 == 0 => Place::Tens,
        _ => Place::Teens,
    };
    Some((value, place))
}

fn hundreds(folded: &str, tongue: Tongue) -> Option<u64> {
    let list = match tongue {
        Tongue::English => return None,
        Tongue::Portuguese => &HUNDREDS[0],
        Tongue::Spanish => &HUNDREDS[1],
    };
    let stem = folded.strip_suffix("os").or_else(|| folded.strip_suffix("as")).unwrap_or(folded);
    list.iter().position(|word| *word == stem).map(|index| (index as u64 + 1) * 100)
}

/// "veinticinco".
fn twenties(folded: &str, tongue: Tongue) -> Option<u64> {
    let ones = (tongue == Tongue::Spanish).then(|| folded.strip_prefix("veinti")).flatten()?;
    SMALL[2].split(' ').take(10).position(|word| word == ones).map(|index| index as u64 + 20)
}

/// The factor of a word after digits: "2 mil", "2.5 million".
pub(super) fn factor(token: &Token, tongue: Tongue) -> Option<Rational> {
    multiplier(&token.folded, tongue).map(Rational::whole)
}

/// The value of an ordinal from first to twelfth, and whether it can be nothing else.
pub(super) fn ordinal(folded: &str, tongue: Tongue) -> Option<(u64, bool)> {
    const ENGLISH: [&str; 12] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth",
    ];
    const PORTUGUESE: [&str; 10] =
        ["primeir", "segund", "terceir", "quart", "quint", "sext", "setim", "oitav", "non", "decim"];
    const SPANISH: [&str; 10] =
        ["primer", "segund", "tercer", "cuart", "quint", "sext", "septim", "octav", "noven", "decim"];
    if tongue == Tongue::English {
        let index = ENGLISH.iter().position(|word| *word == folded)?;
        // "third" is a part as well, "second" a time, and "first" often says only when.
        return Some((index as u64 + 1, index > 2));
    }
    let list = if tongue == Tongue::Portuguese { PORTUGUESE } else { SPANISH };
    if tongue == Tongue::Spanish && matches!(folded, "primer" | "tercer") {
        return Some((if folded == "primer" { 1 } else { 3 }, folded == "tercer"));
    }
    let singular = folded.strip_suffix('s').unwrap_or(folded);
    let stem = singular.strip_suffix('o').or_else(|| singular.strip_suffix('a'))?;
    let index = list.iter().position(|word| *word == stem)?;
    // Four, five and six are days of the week in Portuguese; a fourth is a room and a quarter.
    Some((index as u64 + 1, matches!(index, 2 | 6..)))
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::tokens, *};

    fn read(text: &str, tongue: Tongue) -> Option<(u64, usize)> {
        let tokens = tokens(text);
        spoken(&tokens, 0, tongue).map(|it| (it.value.as_whole().unwrap(), tokens.len() - it.next))
    }

    #[test]
    fn numbers_are_read_to_their_end() {
        for (text, tongue, value, left) in [
            ("trinta e nove graus", Tongue::Portuguese, 39, 1),
            ("cento e vinte por oitenta", Tongue::Portuguese, 120, 2),
            ("mil e quinhentos", Tongue::Portuguese, 1_500, 0),
            ("duas mil trezentas e uma", Tongue::Portuguese, 2_301, 0),
            ("oito e trinta", Tongue::Portuguese, 8, 2),
            ("dois e três", Tongue::Portuguese, 2, 2),
            ("vinte é muito", Tongue::Portuguese, 20, 2),
            ("quinhentos miligramas", Tongue::Portuguese, 500, 1),
            ("treinta y nueve", Tongue::Spanish, 39, 0),
            ("ciento veinte sobre ochenta", Tongue::Spanish, 120, 2),
            ("veinticinco miligramos", Tongue::Spanish, 25, 1),
            ("once", Tongue::Spanish, 11, 0),
            ("thirty-nine", Tongue::English, 39, 0),
            ("one hundred and twenty over eighty", Tongue::English, 120, 2),
            ("two and three", Tongue::English, 2, 2),
            ("one twenty over eighty", Tongue::English, 120, 2),
            ("nineteen ninety-eight", Tongue::English, 1_998, 0),
            ("two hundred thousand", Tongue::English, 200_000, 0),
        ] {
            assert_eq!(read(text, tongue), Some((value, left)), "{text}");
        }
        assert_eq!(read("once a day", Tongue::English), None);
        assert_eq!(read("dos médicos", Tongue::Portuguese), None);
    }

    #[test]
    fn hours_and_minutes_are_another_reading() {
        let tokens = tokens("eight thirty-five");
        assert_eq!(spoken(&tokens, 0, Tongue::English).unwrap().clock, Some((8, 35)));
    }

    #[test]
    fn days_of_the_week_are_no_certain_ordinals() {
        assert_eq!(ordinal("quinta", Tongue::Portuguese), Some((5, false)));
        assert_eq!(ordinal("terceira", Tongue::Portuguese), Some((3, true)));
        assert_eq!(ordinal("fourth", Tongue::English), Some((4, true)));
        assert_eq!(ordinal("second", Tongue::English), Some((2, false)));
    }
}
