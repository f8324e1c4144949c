//! Text cut where a speaker could pause, so that its first sound need not wait for its last word. Pure.

/// Characters of the first clause: what Kokoro says within half a second on two cores.
const FIRST_CLAUSE: usize = 32;

/// Characters of the second clause: what is made while the first is heard.
const SECOND_CLAUSE: usize = 72;

/// Characters of later clauses. Longer ones sound better, and there is time to make them.
const LATER_CLAUSE: usize = 140;

/// Characters of a clause whatever it is made of; a longer one is cut at a space. 510 phonemes is what Kokoro takes
/// at once, and a character gives at most about two.
pub(crate) const MAX_CLAUSE: usize = 200;

/// Characters after which a clause may end at a comma or before a conjunction; shorter ones would sound chopped.
const MIN_CLAUSE: usize = 24;

/// The same for the first clause, which people wait for.
const MIN_FIRST_CLAUSE: usize = 12;

/// Characters that must be left after a cut before a word.
const MIN_REST: usize = 8;

/// Words before which a speaker pauses more readily: conjunctions of English, Portuguese and Spanish.
const CONJUNCTIONS: &[&str] = &[
    "after",
    "although",
    "and",
    "because",
    "before",
    "but",
    "if",
    "so",
    "that",
    "then",
    "until",
    "when",
    "which",
    "while",
    "who",
    "antes",
    "até",
    "como",
    "depois",
    "e",
    "embora",
    "enquanto",
    "então",
    "mas",
    "pois",
    "porque",
    "quando",
    "que",
    "se",
    "antes",
    "aunque",
    "cuando",
    "después",
    "entonces",
    "hasta",
    "mientras",
    "pero",
    "porque",
    "si",
    "y",
    "or",
    "ou",
    "therefore",
    "portanto",
];

/// Prepositions that open a phrase of their own. Those that tie a name or a dose together (of, de, da) are not here.
const PREPOSITIONS: &[&str] = &[
    "at", "by", "during", "for", "from", "in", "on", "since", "with", "without", "com", "desde", "durante", "em", "na",
    "nas", "nos", "num", "numa", "para", "por", "sem", "sobre", "con", "en", "sin",
];

/// Words that are numbers or belong to one: after them nothing is cut off.
const NUMBER_WORDS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "fifteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "half",
    "point",
    "um",
    "uma",
    "dois",
    "duas",
    "três",
    "quatro",
    "cinco",
    "seis",
    "sete",
    "oito",
    "nove",
    "dez",
    "onze",
    "doze",
    "quinze",
    "vinte",
    "trinta",
    "quarenta",
    "cinquenta",
    "sessenta",
    "setenta",
    "oitenta",
    "noventa",
    "cem",
    "cento",
    "duzentos",
    "trezentos",
    "quatrocentos",
    "quinhentos",
    "mil",
    "meio",
    "meia",
    "vírgula",
    "ponto",
    "uno",
    "una",
    "dos",
    "tres",
    "cuatro",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "quince",
    "veinte",
    "treinta",
    "cuarenta",
    "cincuenta",
    "sesenta",
    "setenta",
    "ochenta",
    "noventa",
    "cien",
    "ciento",
    "coma",
    "medio",
];

/// Cuts text where a speaker could pause: at punctuation first, and in a long stretch without any before a
/// conjunction or preposition, never within a number, a quantity or a name. The first clause is kept short and the
/// second not much longer. Nothing but surrounding space is lost.
pub fn clauses(text: &str) -> Vec<&str> {
    cut(text, [FIRST_CLAUSE, SECOND_CLAUSE, LATER_CLAUSE], MIN_FIRST_CLAUSE)
}

/// Cuts text only where it must be.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    cut(text, [MAX_CLAUSE; 3], MIN_CLAUSE)
}

fn cut(text: &str, limits: [usize; 3], first_min: usize) -> Vec<&str> {
    let mut clauses: Vec<&str> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let limit = limits[clauses.len().min(2)];
        let min = if clauses.is_empty() { first_min } else { MIN_CLAUSE };
        let (clause, left) = rest.split_at(clause_end(rest, limit, min));
        if clause.chars().any(char::is_alphanumeric) {
            clauses.push(clause.trim());
        }
        rest = left.trim_start();
    }
    clauses
}

/// Where the first clause of the text ends, in bytes; more than 0.
fn clause_end(text: &str, limit: usize, min: usize) -> usize {
    let pause = pause_end(text, min);
    let length = text[..pause].chars().count();
    if length <= limit {
        return pause;
    }
    if let Some(joint) = joint(&text[..pause], limit, min) {
        return joint;
    }
    if length <= MAX_CLAUSE { pause } else { hard_cut(text) }
}

/// The end of the sentence, or of a part of it that ends at a comma, semicolon or colon and has `min` characters.
fn pause_end(text: &str, min: usize) -> usize {
    let mut characters = text.char_indices().peekable();
    let mut count = 0;
    while let Some((index, c)) = characters.next() {
        count += 1;
        let after = index + c.len_utf8();
        // A decimal, a time or an abbreviation goes on without a space.
        let pause = characters.peek().is_none_or(|(_, next)| next.is_whitespace());
        let ends = match c {
            '.' | '!' | '?' | '…' => pause && !is_abbreviation(&text[..after]),
            ',' | ';' | ':' => pause && count >= min,
            _ => false,
        };
        if ends {
            return after;
        }
    }
    text.len()
}

fn is_abbreviation(text: &str) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "dr." | "dra." | "sr." | "sra." | "mr." | "mrs." | "ms." | "prof." | "approx." | "aprox.")
}

/// A word with where it begins, in bytes and characters.
struct Word<'a> {
    text: &'a str,
    start: usize,
    characters: usize,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut characters = 0;
    let mut start = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            words.push(Word { text: word, start, characters });
        }
        start += piece.len();
        characters += piece.chars().count();
    }
    words
}

/// Where to cut before a word that opens a phrase: the last such place with `min` to `limit` characters before it and
/// enough after it, conjunctions before prepositions; failing that, the first one beyond the limit.
fn joint(text: &str, limit: usize, min: usize) -> Option<usize> {
    let words = words(text);
    let total = text.chars().count();
    let opens = |list: &[&str], word: &Word<'_>| list.contains(&bare(word.text).as_str());
    let places = |list: &'static [&'static str]| {
        let free = words.iter().enumerate().skip(1).filter(|(index, _)| !is_tied(&words, *index));
        let free = free.map(|(_, word)| word).filter(move |word| opens(list, word));
        free.filter(|word| word.characters >= min && word.characters + MIN_REST <= total)
    };
    let within = |list: &'static [&'static str]| places(list).rfind(|word| word.characters <= limit);
    let beyond = || places(CONJUNCTIONS).chain(places(PREPOSITIONS)).min_by_key(|word| word.characters);
    let found = within(CONJUNCTIONS).or_else(|| within(PREPOSITIONS)).or_else(beyond);
    found.filter(|word| word.characters <= MAX_CLAUSE).map(|word| word.start)
}

/// Whether the words around the place before word `index` make a number, a quantity or a name.
fn is_tied(words: &[Word<'_>], index: usize) -> bool {
    let before = words[index - 1].text;
    let after = words.get(index + 1).map_or("", |word| word.text);
    let numeric = |word: &str| word.chars().any(|c| c.is_ascii_digit()) || NUMBER_WORDS.contains(&bare(word).as_str());
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    // The first word of a text is written with a capital whatever it is.
    let named = index > 1 && capital(before) && capital(after);
    // What comes just before is itself a joint: "and with" is not parted.
    let joined = CONJUNCTIONS.contains(&bare(before).as_str()) || PREPOSITIONS.contains(&bare(before).as_str());
    numeric(before) || named || joined
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// At the last space that the longest clause has room for, or in the middle of a word that leaves no other choice.
fn hard_cut(text: &str) -> usize {
    let end = text.char_indices().nth(MAX_CLAUSE).map_or(text.len(), |(index, _)| index);
    let space = text[..end].rfind(char::is_whitespace).filter(|space| *space > 0);
    space.unwrap_or(end)
}

/// A clause as it is to be read: one that others follow and that ends without a mark is given a comma, so that the
/// voice does not fall as if all had been said.
pub fn with_pause(clause: &str, last: bool) -> String {
    let marked = clause.ends_with([',', '.', ';', ':', '!', '?', '…', '—']);
    if last || marked { clause.to_owned() } else { format!("{clause},") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clause_ends_where_a_speaker_could_pause() {
        let text = "Estou com dor no peito desde ontem, e sinto falta de ar. Não tenho febre.";
        assert_eq!(clauses(text), ["Estou com dor no peito", "desde ontem, e sinto falta de ar.", "Não tenho febre."]);
        assert_eq!(clauses("Sim, claro."), ["Sim, claro."]);
        assert_eq!(clauses("Bom dia, doutora. Como está?"), ["Bom dia, doutora.", "Como está?"]);
    }

    #[test]
    fn the_first_clause_of_a_long_sentence_is_short() {
        for (text, first) in [
            ("I have had a chest pain since last night.", "I have had a chest pain"),
            ("The pain gets worse when I walk up the stairs.", "The pain gets worse"),
            ("Vamos fazer uma radiografia para ver o seu coração.", "Vamos fazer uma radiografia"),
            ("Preciso fazer um eletrocardiograma para ver o seu coração.", "Preciso fazer um eletrocardiograma"),
            ("Tengo dolor en el pecho desde hace dos horas.", "Tengo dolor en el pecho"),
        ] {
            assert_eq!(clauses(text)[0], first, "{text}");
        }
    }

    #[test]
    fn titles_and_decimals_do_not_end_a_sentence() {
        assert_eq!(clauses("Dr. Silva measured 38.5 degrees."), ["Dr. Silva measured 38.5 degrees."]);
    }

    #[test]
    fn numbers_quantities_and_names_are_not_parted() {
        for (text, whole) in [
            ("Your blood pressure is 120 by 80 in the left arm today.", "120 by 80"),
            ("A sua pressão está em cento e vinte por oitenta agora mesmo.", "cento e vinte por oitenta"),
            ("She was seen at the Johnson and Johnson clinic last week.", "Johnson and Johnson"),
            ("Take one hundred and fifty milligrams in the morning.", "hundred and fifty milligrams"),
        ] {
            assert!(clauses(text).iter().any(|clause| clause.contains(whole)), "{:?}", clauses(text));
        }
    }

    #[test]
    fn the_voice_stays_up_until_the_last_clause() {
        assert_eq!(with_pause("I have had a chest pain", false), "I have had a chest pain,");
        assert_eq!(with_pause("since last night.", true), "since last night.");
        assert_eq!(with_pause("Good morning.", false), "Good morning.");
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_or_repeated(text in "[a-z0-9,.;!? ]{0,600}") {
            let letters = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(letters(&clauses(&text).concat()), letters(&text));
            prop_assert_eq!(letters(&sentences(&text).concat()), letters(&text));
        }

        #[test]
        fn no_clause_is_too_long(text in "\\PC{0,900}") {
            prop_assert!(clauses(&text).iter().all(|clause| clause.chars().count() <= MAX_CLAUSE));
        }

        #[test]
        fn a_clause_is_not_cut_again(text in "([a-z]{1,9} ){1,20}[a-z]{1,9}[.!?]") {
            for clause in clauses(&text) {
                prop_assert_eq!(sentences(clause), vec![clause]);
            }
        }
    }
}
