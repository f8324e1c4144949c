//! Plain text in and out of Apertium's stream format. Pure.

use std::fmt::Write as _;

/// The text as the first stage takes it.
///
/// Characters of the format are escaped, marks that could be taken for those of unknown words stand in a blank, and
/// a text without a full stop gets one for the tagger, which an empty blank after it tells from its own. `number` comes
/// last, in a blank that no stage changes: an answer without it is not whole.
pub(super) fn escape(text: &str, number: u64) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8 + 8);
    for c in text.chars() {
        match c {
            '[' | ']' | '{' | '}' | '^' | '$' | '/' | '\\' | '@' | '<' | '>' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '*' | '#' | '~' => {
                escaped.push('[');
                escaped.push(c);
                escaped.push(']');
            }
            // "No." is an answer, not short for number.
            '.' if is_no(&escaped) => escaped.push_str("[]."),
            c if c.is_whitespace() => escaped.push(' '),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    if !text.trim_end().ends_with(['.', '!', '?', '…', ':', ';']) {
        escaped.push_str(".[]");
    }
    let _ = writeln!(escaped, "[={number}=]");
    escaped
}

fn is_no(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    word.eq_ignore_ascii_case("no")
}

/// What the last stage gave for the text of `number`, without marks, and how many words were marked: unknown (`*`),
/// without a translation (`@`), or without a form (`#`). `None` when it is not the whole of it.
pub(super) fn unescape(output: &str, number: u64) -> Option<(String, u64)> {
    let output = output.trim_end().strip_suffix(&format!("[={number}=]"))?.trim();
    let output = output.strip_suffix(".[]").unwrap_or(output);
    let (mut text, mut unknown) = (String::with_capacity(output.len()), 0);
    let mut characters = output.chars().peekable();
    let mut in_blank = false;
    while let Some(c) = characters.next() {
        match c {
            '\\' => text.extend(characters.next()),
            '[' => in_blank = true,
            ']' => in_blank = false,
            '*' | '@' | '#' if !in_blank => {
                unknown += u64::from(characters.peek().is_some_and(|next| next.is_alphabetic() || *next == '\\'));
            }
            // Where a word was dropped or joined two spaces are left.
            ' ' if text.ends_with(' ') || text.is_empty() => {}
            c => text.push(c),
        }
    }
    text.truncate(text.trim_end().len());
    Some((text, unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_format_uses_is_escaped() {
        assert_eq!(escape("a [b] ^c$ 1/2 x@y *z.", 1), "a \\[b\\] \\^c\\$ 1\\/2 x\\@y [*]z.[=1=]\n");
        assert_eq!(escape("No. Piano.", 2), "No[]. Piano.[=2=]\n");
        assert_eq!(escape("No\0 fever\n", 20), "No fever .[][=20=]\n");
    }

    #[test]
    fn marks_are_taken_off_and_counted() {
        let read = |output: &str| unescape(output, 7).unwrap();
        assert_eq!(read("Toma 500 *mg de  @losartan #tomar.[=7=]\n"), ("Toma 500 mg de losartan tomar.".into(), 3));
        assert_eq!(read("\\*mg [*]z x\\@y.[][=7=]\n"), ("*mg *z x@y".into(), 0));
    }

    #[test]
    fn an_answer_that_is_cut_short_or_another_requests_is_none() {
        assert_eq!(unescape("Toma 500", 7), None);
        assert_eq!(unescape("Toma 500.[=6=]\n", 7), None);
        assert_eq!(unescape("", 7), None);
    }

    proptest! {
        #[test]
        fn a_text_no_stage_changes_comes_back(text in "[a-zé*#~@\\[\\]{}^$/\\\\<>.,?0-9 ]{0,60}", number: u64) {
            let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(unescape(&escape(&spaced, number), number), Some((spaced, 0)));
        }

        #[test]
        fn any_output_is_read(output in "(?s).{0,80}") {
            let _ = unescape(&format!("{output}[=1=]"), 1);
        }
    }
}
