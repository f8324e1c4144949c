//! Escape sequences (HL7 v2 chapter 2.7). Pure.

use crate::{charset::Charset, message::Delimiters};
use std::borrow::Cow;

/// The longest sequence that is read as one. `\X` of a control character takes 3; what is longer is text with a stray
/// escape character in it.
const MAX_SEQUENCE: usize = 64;

/// Text as it was meant. Sequences for delimiters, characters by number and lines are read; those that only change
/// how text looks stand for nothing. An escape character that begins no sequence stands for itself: senders forget to
/// escape it.
pub fn read(text: &str, delimiters: Delimiters, charset: Charset) -> Cow<'_, str> {
    if !text.contains(delimiters.escape) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(delimiters.escape) {
        plain.push_str(before);
        let sequence = after.split_once(delimiters.escape).filter(|(sequence, _)| sequence.len() <= MAX_SEQUENCE);
        let meant = sequence.and_then(|(sequence, next)| Some((meaning(sequence, delimiters, charset)?, next)));
        if let Some((meant, next)) = meant {
            plain.push_str(&meant);
            rest = next;
        } else {
            plain.push(delimiters.escape);
            rest = after;
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn meaning(sequence: &str, delimiters: Delimiters, charset: Charset) -> Option<Cow<'static, str>> {
    let one = |c: char| Some(Cow::Owned(c.to_string()));
    match sequence {
        "F" => return one(delimiters.field),
        "S" => return one(delimiters.component),
        "R" => return one(delimiters.repetition),
        "E" => return one(delimiters.escape),
        "T" => return one(delimiters.subcomponent),
        // Highlighting begins and ends.
        "H" | "N" => return Some(Cow::Borrowed("")),
        _ => {}
    }
    let (kind, rest) = (sequence.chars().next()?, sequence.get(1..)?);
    match kind {
        'X' => hexadecimal(rest).map(|bytes| Cow::Owned(charset.decode(&bytes).into_owned())),
        // A switch to another character set, or something the sender has made up.
        'C' | 'M' if hexadecimal(rest).is_some() => Some(Cow::Borrowed("\u{fffd}")),
        'Z' if !rest.is_empty() => Some(Cow::Borrowed("")),
        '.' => formatting(rest),
        _ => None,
    }
}

/// Formatting commands of FT fields (chapter 2.7.6): new lines are kept, indents are not.
fn formatting(command: &str) -> Option<Cow<'static, str>> {
    let (name, number) = command.split_at_checked(2)?;
    let number_is = |signed: bool| {
        let digits = if signed { number.strip_prefix(['+', '-']).unwrap_or(number) } else { number };
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match name {
        "br" | "ce" if number.is_empty() => Some(Cow::Borrowed("\n")),
        // So many lines down; more than a few would be a page.
        "sp" if number_is(true) => Some(Cow::Owned("\n".repeat(number.parse::<usize>().unwrap_or(1).clamp(1, 8)))),
        "fi" | "nf" if number.is_empty() => Some(Cow::Borrowed("")),
        "in" | "ti" | "sk" if number_is(true) => Some(Cow::Borrowed("")),
        _ => None,
    }
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || digits.len() % 2 == 1 {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    digits.chunks_exact(2).map(|pair| Some((value(pair[0])? * 16 + value(pair[1])?) as u8)).collect()
}

/// Text so that [`read`] gives it back: delimiters by their letters, control characters by their numbers.
pub fn write(text: &str, delimiters: Delimiters, out: &mut String) {
    let d = delimiters;
    for c in text.chars() {
        let letter = match c {
            _ if c == d.field => "F",
            _ if c == d.component => "S",
            _ if c == d.repetition => "R",
            _ if c == d.escape => "E",
            _ if c == d.subcomponent => "T",
            _ if c.is_ascii_control() => {
                let number = c as u32;
                out.extend([d.escape, 'X']);
                out.extend([number / 16, number % 16].into_iter().filter_map(|n| char::from_digit(n, 16)));
                out.push(d.escape);
                continue;
            }
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push(d.escape);
        out.push_str(letter);
        out.push(d.escape);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        read(text, Delimiters::default(), Charset::Utf8).into_owned()
    }

    #[test]
    fn sequences_are_read_as_the_standard_has_them() {
        for (text, meant) in [
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"one\.br\two\.sp2\three", "one\ntwo\n\nthree"),
            (r"\H\bold\N\ \.in+4\in", "bold in"),
            (r"caf\Xc3a9\", "café"),
            (r"\X0D0A\", "\r\n"),
            (r"\Zlocal\x", "x"),
        ] {
            assert_eq!(plain(text), meant, "{text}");
        }
        assert_eq!(read(r"caf\XE9\", Delimiters::default(), Charset::Latin1), "café");
    }

    #[test]
    fn an_escape_character_that_begins_no_sequence_stands_for_itself() {
        for text in [r"DOMAIN\user", r"\", r"a\b\c", r"\X1\", r"\Xzz\", r"\.br2\", "\\\u{e9}\\"] {
            assert_eq!(plain(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let mut written = String::new();
            write(&text, Delimiters::default(), &mut written);
            prop_assert!(!written.contains(['|', '^', '~', '&', '\r', '\n', '\x0b', '\x1c']));
            prop_assert_eq!(plain(&written), text);
        }

        #[test]
        fn any_text_is_read(text in "[\\\\a-zA-Z0-9.+é]{0,40}") {
            prop_assert!(plain(&text).len() <= text.len() * 4 + 8);
        }
    }
}
