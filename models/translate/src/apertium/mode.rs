//! Mode files: which programs translate a direction, one after the other. Pure.
//!
//! A mode file is a line of shell. No shell reads it here: what is not a list of plain words between bars is refused,
//! and so is a program that is not one of Apertium's.

/// Stages a mode has at most; those of released pairs have up to about twenty.
const MAX_STAGES: usize = 40;

/// Beginnings of the names of Apertium's programs.
const PROGRAMS: [&str; 8] = ["lt-", "apertium-", "lrx-", "lsx-", "rtx-", "cg-", "hfst-", "cg3-"];

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

/// Why a mode file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ModeError {
    #[error("a quotation in it does not end")]
    Quotation,
    #[error("it has `{0}`, which is more than words and bars")]
    Shell(char),
    #[error("a stage of it is empty")]
    Empty,
    #[error("it has more than {MAX_STAGES} stages")]
    TooMany,
    #[error("one of its programs is none of Apertium's")]
    Program,
}

/// The stages of a mode file, each told to flush after a null character (`-z`).
pub(super) fn parse(text: &str) -> Result<Vec<Stage>, ModeError> {
    let mut stages = Vec::new();
    for words in split(text)? {
        let mut words = words.into_iter();
        let program = words.next().ok_or(ModeError::Empty)?;
        if program.contains('/') || !PROGRAMS.iter().any(|beginning| program.starts_with(beginning)) {
            return Err(ModeError::Program);
        }
        let mut arguments = vec!["-z".to_owned()];
        for word in words {
            match word.as_str() {
                // What the generator is to do with unknown words: mark them.
                "$1" => arguments.push("-g".into()),
                // An option of the tagger for showing its work.
                "$2" => {}
                _ if word.starts_with('$') => return Err(ModeError::Shell('$')),
                _ => arguments.push(word),
            }
        }
        stages.push(Stage { program, arguments });
        if stages.len() > MAX_STAGES {
            return Err(ModeError::TooMany);
        }
    }
    Ok(stages)
}

/// Words between bars, with quotations and backslashes undone.
fn split(text: &str) -> Result<Vec<Vec<String>>, ModeError> {
    let mut stages = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    let end_word = |word: &mut Option<String>, stages: &mut Vec<Vec<String>>| {
        if let (Some(word), Some(stage)) = (word.take(), stages.last_mut()) {
            stage.push(word);
        }
    };
    while let Some(c) = characters.next() {
        match c {
            quote @ ('\'' | '"') => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        None => return Err(ModeError::Quotation),
                        Some(c) if c == quote => break,
                        Some(c @ ('$' | '`')) if quote == '"' => return Err(ModeError::Shell(c)),
                        Some('\\') if quote == '"' => word.push(characters.next().ok_or(ModeError::Quotation)?),
                        Some(c) => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next().ok_or(ModeError::Quotation)?),
            '|' => {
                end_word(&mut word, &mut stages);
                stages.push(Vec::new());
            }
            '`' | ';' | '&' | '<' | '>' | '(' | ')' | '*' | '?' | '#' | '~' => return Err(ModeError::Shell(c)),
            c if c.is_whitespace() => end_word(&mut word, &mut stages),
            c => word.get_or_insert_default().push(c),
        }
    }
    end_word(&mut word, &mut stages);
    Ok(stages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stage(program: &str, arguments: &[&str]) -> Stage {
        Stage { program: program.into(), arguments: arguments.iter().map(|&a| a.to_owned()).collect() }
    }

    #[test]
    fn a_mode_is_words_between_bars() {
        let text = "lt-proc '/a b/x.bin' | apertium-tagger -g $2 '/x.prob' |lt-proc $1 /c\\ d.bin\n";
        assert_eq!(
            parse(text),
            Ok(vec![
                stage("lt-proc", &["-z", "/a b/x.bin"]),
                stage("apertium-tagger", &["-z", "-g", "/x.prob"]),
                stage("lt-proc", &["-z", "-g", "/c d.bin"]),
            ])
        );
    }

    #[test]
    fn what_would_need_a_shell_or_runs_something_else_is_refused() {
        for (text, error) in [
            ("lt-proc x; rm y", ModeError::Shell(';')),
            ("lt-proc `x`", ModeError::Shell('`')),
            ("lt-proc \"$(x)\"", ModeError::Shell('$')),
            ("lt-proc $HOME", ModeError::Shell('$')),
            ("lt-proc x > y", ModeError::Shell('>')),
            ("lt-proc 'x", ModeError::Quotation),
            ("lt-proc x |", ModeError::Empty),
            ("", ModeError::Empty),
            ("sh -c x", ModeError::Program),
            ("/tmp/lt-proc x", ModeError::Program),
            ("lt-../../bin/sh", ModeError::Program),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        assert_eq!(parse(&["lt-proc x"; 50].join("|")), Err(ModeError::TooMany));
    }

    proptest! {
        #[test]
        fn any_text_is_a_mode_or_refused(text in "(?s).{0,80}|(lt-proc|'x'|\\||\\$1|\\\\| ){0,20}") {
            for stage in parse(&text).unwrap_or_default() {
                prop_assert!(!stage.program.contains('/'));
            }
        }
    }
}
