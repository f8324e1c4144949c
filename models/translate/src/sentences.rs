//! Where a text is cut before it is translated. Pure.
//!
//! The models were trained on sentences of up to 128 tokens; of a longer one they translate the beginning. The
//! engine's own splitter takes "Dr." for the end of a sentence, and cuts what is too long within a word.

use fxtranslate::segment::{MAX_SOURCE_TOKENS, Span};

/// Abbreviations that a sentence goes on after, in Portuguese and English, without their last dot. "No." is not
/// one of them: it is an answer.
const ABBREVIATIONS: [&str; 25] = [
    "dr", "dra", "drs", "dras", "sr", "sra", "srta", "mr", "mrs", "ms", "prof", "profa", "enf", "st", "vs", "p",
    "p.ex", "p. ex", "aprox", "approx", "e.g", "i.e", "fig", "máx", "mín",
];

/// Characters of the longest abbreviation: what is looked at before a dot.
const LONGEST_ABBREVIATION: usize = 6;

/// Sentences without the space around them, and what is too long for the model in parts, in their order. `tokens`
/// counts the tokens of a piece of text.
pub(crate) fn spans(text: &str, tokens: impl Fn(&str) -> usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for end in ends(text) {
        if let Some(sentence) = trimmed(text, start, end) {
            fit(text, sentence, &tokens, &mut spans);
        }
        start = end;
    }
    spans
}

/// Byte positions after the last character of each sentence; the last is the text's end.
pub(crate) fn ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((index, c)) = characters.next() {
        // A decimal, a time, an address go on without a space.
        let pause = characters.peek().is_none_or(|(_, next)| next.is_whitespace());
        let ends_here = match c {
            '\n' => true,
            '!' | '?' | '…' => pause,
            '.' => pause && !is_abbreviated(&text[start..index]),
            _ => false,
        };
        if ends_here {
            start = index + c.len_utf8();
            ends.push(start);
        }
    }
    ends.push(text.len());
    ends
}

/// Whether the dot after `before` belongs to its last word: a known abbreviation, or the initial of a name.
fn is_abbreviated(before: &str) -> bool {
    let tail = before.char_indices().rev().take(LONGEST_ABBREVIATION + 1).last().map_or(0, |(index, _)| index);
    let tail = before[tail..].to_lowercase();
    let is_last_word = |abbreviation: &str| {
        let rest = tail.strip_suffix(abbreviation);
        rest.is_some_and(|rest| rest.chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
    };
    is_initial(before) || ABBREVIATIONS.into_iter().any(is_last_word)
}

/// A single capital that a name or another dot comes before: "Dr. J", but not "vitamina C".
fn is_initial(before: &str) -> bool {
    let mut words = before.split_whitespace().rev();
    let Some(last) = words.next() else { return false };
    let mut letters = last.rsplit('.').next().unwrap_or_default().chars();
    let one_capital = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
    let after_name = |word: &str| word.ends_with('.') || word.starts_with(char::is_uppercase);
    one_capital && (last.contains('.') || words.next().is_none_or(after_name))
}

/// The sentence, or the parts of it that each fit the model: cut after a comma where there is one in the second
/// half of a part, else at a space, else within a word.
fn fit(text: &str, sentence: Span, tokens: &impl Fn(&str) -> usize, spans: &mut Vec<Span>) {
    if tokens(sentence.of(text)) <= MAX_SOURCE_TOKENS {
        spans.push(sentence);
        return;
    }
    let (mut part, mut used, mut comma) = (sentence.start, 0, None);
    for word in words(text, sentence) {
        // SentencePiece tokens do not cross spaces, so that the tokens of a part are those of its words.
        let cost = tokens(word.of(text)).max(1);
        if used + cost > MAX_SOURCE_TOKENS {
            let cut = comma.filter(|(_, at_comma)| *at_comma * 2 > used).unwrap_or((word.start, used));
            spans.extend(trimmed(text, part, cut.0));
            (part, used, comma) = (cut.0, used - cut.1, None);
        }
        used += cost;
        if word.of(text).ends_with([',', ';', ':']) {
            comma = Some((word.end, used));
        }
    }
    spans.extend(trimmed(text, part, sentence.end));
}

/// The words of a sentence; one too long to be a word in pieces that cannot have more tokens than the model takes.
fn words(text: &str, sentence: Span) -> Vec<Span> {
    /// A character is at most one token here, and a part's first token may be the space before it.
    const MAX_WORD: usize = MAX_SOURCE_TOKENS / 2;
    let mut words = Vec::new();
    let (mut start, mut count) = (sentence.start, 0);
    for (offset, c) in sentence.of(text).char_indices() {
        let index = sentence.start + offset;
        if c.is_whitespace() || count == MAX_WORD {
            words.extend(trimmed(text, start, index));
            (start, count) = (index, 0);
        }
        count += 1;
    }
    words.extend(trimmed(text, start, sentence.end));
    words
}

fn trimmed(text: &str, start: usize, end: usize) -> Option<Span> {
    let slice = &text[start..end];
    let start = start + (slice.len() - slice.trim_start().len());
    let length = slice.trim().len();
    (length > 0).then_some(Span { start, end: start + length })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// About what `SentencePiece` does: four characters a token.
    fn tokens(text: &str) -> usize {
        text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum()
    }

    fn cut(text: &str) -> Vec<&str> {
        spans(text, tokens).iter().map(|span| span.of(text)).collect()
    }

    #[test]
    fn sentences_end_at_their_marks_and_at_line_ends() {
        assert_eq!(
            cut("Estou com dor. Onde? Aqui…  Sim!\nMais nada"),
            ["Estou com dor.", "Onde?", "Aqui…", "Sim!", "Mais nada"]
        );
    }

    #[test]
    fn titles_decimals_times_and_initials_do_not_end_a_sentence() {
        for text in [
            "O Dr. Silva mediu 38.5 graus às 8 h 30 hoje.",
            "Ask Dr. J. Smith about 0.5 mg vs. 1 mg.",
            "Tome um analgésico, p. ex. dipirona.",
            "Dra. Ana, são aprox. 50 mg.",
        ] {
            assert_eq!(cut(text), [text]);
        }
    }

    #[test]
    fn a_word_that_ends_like_an_abbreviation_still_ends_its_sentence() {
        assert_eq!(cut("Sinto um mal-estar. Dói."), ["Sinto um mal-estar.", "Dói."]);
        assert_eq!(cut("I saw the milst. Yes."), ["I saw the milst.", "Yes."]);
        assert_eq!(cut("Tomo vitamina C. Sim."), ["Tomo vitamina C.", "Sim."]);
        assert_eq!(cut("No. I do not."), ["No.", "I do not."]);
    }

    #[test]
    fn a_sentence_too_long_for_the_model_is_cut_after_a_comma_or_else_at_a_space() {
        let clause = "palavras e mais palavras que não acabam, ".repeat(20);
        let parts = cut(&clause);
        assert!(parts.len() > 1);
        assert!(parts.iter().all(|part| part.ends_with(',') && tokens(part) <= MAX_SOURCE_TOKENS));
        let words = "palavras e mais palavras que não acabam ".repeat(20);
        let parts = cut(&words);
        assert!(parts.iter().all(|part| tokens(part) <= MAX_SOURCE_TOKENS));
        assert_eq!(parts.join(" "), words.trim());
    }

    proptest! {
        #[test]
        fn nothing_but_space_is_lost_and_every_part_fits(text in "[a-zé.,!? \n]{0,900}|\\PC{0,300}") {
            let letters = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let parts = cut(&text);
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
            for part in parts {
                prop_assert!(tokens(part) <= MAX_SOURCE_TOKENS, "{}", tokens(part));
                prop_assert!(!part.is_empty() && part.trim() == part);
            }
        }
    }
}
