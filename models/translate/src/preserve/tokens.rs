//! A text in the pieces that are compared: words, literals of digits, signs.

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters, with apostrophes within: `don't`.
    Word,
    /// Digits with points and commas between them: `1.000,5`.
    Digits,
    /// Letters with digits after them, the name of something: `B12`.
    Code,
    /// Any other character that is no space.
    Sign,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Bytes of the text: `start..end`.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// In lower case, with one kind of apostrophe.
    pub(crate) lower: String,
    /// As `lower`, without accents.
    pub(crate) folded: String,
    /// Nothing stands between it and the token before.
    pub(crate) glued: bool,
}

impl Token {
    pub(crate) fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.folded.as_str())
    }
}

/// The tokens of a text in their order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        }
        let glued = tokens.last().is_some_and(|before| before.end == start);
        let after_digits = glued && tokens.last().is_some_and(|before| before.kind == Kind::Digits);
        let (kind, length) = shape(&text[start..], first, after_digits);
        let end = start + length;
        let lower = text[start..end].to_lowercase().replace(['’', 'ʼ'], "'");
        let folded = fold(&lower);
        tokens.push(Token { kind, start, end, lower, folded, glued });
        start = end;
    }
    tokens
}

/// The kind and the length in bytes of the token that `rest` begins with.
fn shape(rest: &str, first: char, after_digits: bool) -> (Kind, usize) {
    if first.is_ascii_digit() {
        return (Kind::Digits, digits(rest));
    }
    if !first.is_alphabetic() {
        return (Kind::Sign, first.len_utf8());
    }
    let (mut end, mut kind) = (0, Kind::Word);
    let mut characters = rest.char_indices().peekable();
    while let Some((index, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let within = matches!(c, '\'' | '’' | 'ʼ') && next.is_some_and(char::is_alphabetic);
        // The minutes of "8h30" are no part of a name.
        let digit = c.is_ascii_digit() && !after_digits;
        if !(c.is_alphabetic() || is_mark(c) || within || digit) {
            break;
        }
        if digit {
            kind = Kind::Code;
        }
        end = index + c.len_utf8();
    }
    (kind, end)
}

/// Bytes of the literal that `rest` begins with: digits, and points and commas with digits on both sides.
fn digits(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let is_digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while is_digit(end) || (matches!(bytes.get(end), Some(b'.' | b',')) && is_digit(end + 1)) {
        end += 1;
    }
    end
}

/// An accent that comes as a character of its own.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Whether a word is one of a list, which single spaces separate.
pub(super) fn listed(list: &str, word: &str) -> bool {
    list.split(' ').any(|its| its == word)
}

/// Without the accents of Portuguese and Spanish; the micro sign becomes a `u`.
pub(crate) fn fold(lower: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'µ' | 'μ' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        'ý' => 'y',
        other => other,
    };
    lower.chars().filter(|c| !is_mark(*c)).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.folded).collect()
    }

    #[test]
    fn numbers_units_and_names_come_apart() {
        assert_eq!(folded("50mg, 8h30 e 38,5°C"), ["50", "mg", ",", "8", "h", "30", "e", "38,5", "°", "c"]);
        assert_eq!(folded("Vitamina B12: 1.000 µg."), ["vitamina", "b12", ":", "1.000", "ug", "."]);
        assert_eq!(folded("I don’t, can't"), ["i", "don't", ",", "can't"]);
    }

    #[test]
    fn accents_do_not_matter_however_they_are_written() {
        assert_eq!(folded("Não são três"), folded("Na\u{303}o sa\u{303}o tre\u{302}s"));
    }

    proptest! {
        #[test]
        fn every_character_but_space_is_in_exactly_one_token(text in "(?s).{0,80}") {
            let tokens = tokens(&text);
            let joined: String = tokens.iter().map(|token| &text[token.start..token.end]).collect();
            prop_assert_eq!(joined, text.split_whitespace().collect::<String>());
        }
    }
}
