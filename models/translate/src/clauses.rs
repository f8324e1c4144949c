//! How much of an utterance that is still being spoken can be translated already. Pure.

use crate::sentences;

/// Words a clause has at least to be translated before its sentence is over: shorter ones ("bom, então,") say
/// little, and their translation changes with what follows.
const MIN_CLAUSE_WORDS: usize = 4;

/// Words that must stand before "and" for it to be taken for the beginning of a clause: after fewer it mostly joins
/// two nouns.
const MIN_WORDS_BEFORE_AND: usize = 6;

/// "And" in Portuguese, Spanish and English.
const AND: [&str; 3] = ["e", "y", "and"];

/// Other words that begin a clause of their own, whatever the form of the one before, in Portuguese, Spanish and
/// English.
const CLAUSE_OPENERS: [&str; 13] = [
    "mas", "porque", "porém", "então", "pois", "pero", "entonces", "sino", "but", "because", "so", "although", "embora",
];

/// Words of numbers that "and" joins to what follows: "trinta e nove" is one number.
const BEFORE_JOINED_NUMBERS: [&str; 40] = [
    "vinte",
    "trinta",
    "quarenta",
    "cinquenta",
    "sessenta",
    "setenta",
    "oitenta",
    "noventa",
    "cento",
    "duzentos",
    "trezentos",
    "quatrocentos",
    "quinhentos",
    "mil",
    "uma",
    "um",
    "duas",
    "dois",
    "três",
    "quatro",
    "cinco",
    "treinta",
    "cuarenta",
    "cincuenta",
    "sesenta",
    "ochenta",
    "noventa",
    "hundred",
    "thousand",
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
    "between",
];

/// The beginning of `text`, the committed text of an utterance, that is worth translating now: up to the end of its
/// last complete sentence, or beyond that of a clause of at least four words. `None` when there is none yet.
///
/// It has no space at its end. It grows with the text: what is appended never makes it shorter.
pub fn stable_prefix(text: &str) -> Option<&str> {
    let sentence = sentence_end(text);
    let end = clause_end(text, sentence).unwrap_or(sentence);
    let prefix = text[..end].trim_end();
    prefix.chars().any(char::is_alphanumeric).then_some(prefix)
}

/// Where the last complete sentence ends, in bytes; 0 when there is none.
fn sentence_end(text: &str) -> usize {
    let mut ends = sentences::ends(text);
    // The text's own end, which need not be a sentence's.
    ends.pop();
    let complete = |end: &usize| *end < text.len() || !may_be_decimal(text);
    ends.into_iter().rfind(complete).unwrap_or(0)
}

/// The decimals of "38." may still be coming.
fn may_be_decimal(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit()))
}

/// Where the last complete clause after `start` ends, in bytes, if there is one.
fn clause_end(text: &str, start: usize) -> Option<usize> {
    let (mut end, mut count, mut previous) = (None, 0, "");
    let rest = &text[start..];
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        // Only what is followed by another word is known to be whole.
        if words.peek().is_none() {
            break;
        }
        if count > 0 && opens_clause(word, previous, count) {
            (end, count) = (Some(at), 0);
        }
        count += 1;
        if word.ends_with([',', ';', ':']) && count >= MIN_CLAUSE_WORDS {
            (end, count) = (Some(at + word.len()), 0);
        }
        previous = word;
    }
    end
}

/// Whether a clause of `count` words that ends with `previous` is complete before `word`.
fn opens_clause(word: &str, previous: &str, count: usize) -> bool {
    let lower = word.trim_end_matches(',').to_lowercase();
    if AND.contains(&lower.as_str()) {
        let number = previous.chars().any(|c| c.is_ascii_digit())
            || BEFORE_JOINED_NUMBERS.contains(&previous.to_lowercase().as_str());
        return count >= MIN_WORDS_BEFORE_AND && !number;
    }
    count >= MIN_CLAUSE_WORDS && CLAUSE_OPENERS.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_complete_sentence_is_worth_translating_however_short() {
        assert_eq!(stable_prefix("Sim. Estou"), Some("Sim."));
        assert_eq!(stable_prefix("Onde dói? Aqui no"), Some("Onde dói?"));
        assert_eq!(stable_prefix("Bom dia, doutora."), Some("Bom dia, doutora."));
        assert_eq!(stable_prefix("First. Second! Third"), Some("First. Second!"));
    }

    #[test]
    fn what_has_no_complete_clause_waits() {
        for text in ["", "   ", "…", "Estou com dor", "Bom, então, eu", "Dr.", "A febre chegou a 38.", "Hoje, eu acho"]
        {
            assert_eq!(stable_prefix(text), None, "{text}");
        }
    }

    #[test]
    fn a_clause_ends_at_its_comma_once_another_word_follows() {
        let clause = "Estou com dor de cabeça,";
        assert_eq!(stable_prefix(clause), None);
        assert_eq!(stable_prefix("Estou com dor de cabeça, a luz"), Some(clause));
        assert_eq!(stable_prefix("Bom dia. Estou com dor de cabeça; a luz"), Some("Bom dia. Estou com dor de cabeça;"));
        assert_eq!(stable_prefix("A temperatura era de 38,5 graus"), None);
    }

    #[test]
    fn a_clause_ends_before_the_conjunction_of_the_next() {
        assert_eq!(
            stable_prefix("Estou com dor no peito desde ontem à noite e sinto falta"),
            Some("Estou com dor no peito desde ontem à noite")
        );
        assert_eq!(stable_prefix("You do not need surgery but I want"), Some("You do not need surgery"));
        assert_eq!(stable_prefix("No tengo fiebre desde ayer pero me"), Some("No tengo fiebre desde ayer"));
        assert_eq!(stable_prefix("Sou alérgica à penicilina e à"), None);
        assert_eq!(stable_prefix("You do not need surgery but"), None);
    }

    #[test]
    fn a_number_is_not_cut_in_two() {
        assert_eq!(stable_prefix("Meu filho ontem teve febre de trinta e nove graus"), None);
        assert_eq!(stable_prefix("I took a total of one hundred and twenty tablets"), None);
        assert_eq!(stable_prefix("Minha consulta estava marcada para as 8 e meia da"), None);
    }

    proptest! {
        #[test]
        fn it_is_a_beginning_of_the_text_that_appending_never_shortens(
            text in "([a-zé]{1,6}|e|mas|dr\\.|38|[,.!?;]| ){0,40}", more in " [a-zé ,.]{0,20}"
        ) {
            let before = stable_prefix(&text);
            if let Some(prefix) = before {
                prop_assert!(text.starts_with(prefix) && prefix.trim_end() == prefix);
            }
            let longer = format!("{text}{more}");
            prop_assert!(stable_prefix(&longer).map_or(0, str::len) >= before.map_or(0, str::len));
        }

        #[test]
        fn any_text_gets_an_answer(text in "(?s).{0,120}") {
            let _ = stable_prefix(&text);
        }
    }
}
