//! Text to phonemes by the program espeak-ng. Text goes in by standard input, never as an argument.

use healthsync_events::Language;
use healthsync_models::ModelError;
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// Which espeak-ng voice reads a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    BrazilianPortuguese,
    AmericanEnglish,
    Spanish,
}

impl Reader {
    pub(crate) fn of(language: &Language) -> Option<Self> {
        match language.primary().as_str() {
            "pt" => Some(Self::BrazilianPortuguese),
            "en" => Some(Self::AmericanEnglish),
            "es" => Some(Self::Spanish),
            _ => None,
        }
    }

    const fn voice(self) -> &'static str {
        match self {
            Self::BrazilianPortuguese => "pt-br",
            Self::AmericanEnglish => "en-us",
            Self::Spanish => "es",
        }
    }
}

/// Punctuation that voices act on. espeak-ng takes it for a pause and leaves it out, so it is kept apart here.
const PUNCTUATION: [char; 8] = [',', '.', ';', ':', '!', '?', '…', '—'];

/// IPA with punctuation in its places; affricates and diphthongs tied by `^`, as `--tie=^` writes them.
pub(crate) fn phonemes(text: &str, reader: Reader) -> Result<String, ModelError> {
    let pieces = pieces(text);
    let spoken: Vec<&str> = pieces.iter().filter(|(_, is_word)| *is_word).map(|(piece, _)| *piece).collect();
    if spoken.is_empty() {
        return Ok(String::new());
    }
    let lines = ask_espeak(&spoken.join("\n\n"), reader)?;
    let mut answers = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    // One paragraph a piece, one line a paragraph. Should espeak-ng cut a piece in two, its parts must not be
    // given to the wrong punctuation: then the pieces are asked for one by one.
    if answers.clone().count() != spoken.len() {
        return one_by_one(&pieces, reader);
    }
    join(&pieces, |_| Ok(answers.next().unwrap_or_default().to_owned()))
}

fn one_by_one(pieces: &[(&str, bool)], reader: Reader) -> Result<String, ModelError> {
    join(pieces, |piece| Ok(ask_espeak(piece, reader)?.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn join(
    pieces: &[(&str, bool)],
    mut answer: impl FnMut(&str) -> Result<String, ModelError>,
) -> Result<String, ModelError> {
    let mut ipa = String::new();
    for (piece, is_word) in pieces {
        if *is_word {
            if !ipa.is_empty() {
                ipa.push(' ');
            }
            ipa.push_str(&answer(piece)?);
        } else {
            ipa.push_str(piece);
        }
    }
    Ok(ipa)
}

/// Words and punctuation marks in turn. A mark within a number is part of it.
fn pieces(text: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    for (n, (index, c)) in characters.iter().enumerate() {
        let next_is_digit = characters.get(n + 1).is_some_and(|(_, next)| next.is_ascii_digit());
        if !PUNCTUATION.contains(c) || next_is_digit {
            continue;
        }
        pieces.push((text[start..*index].trim(), true));
        pieces.push((&text[*index..index + c.len_utf8()], false));
        start = index + c.len_utf8();
    }
    pieces.push((text[start..].trim(), true));
    pieces.retain(|(piece, is_word)| !is_word || piece.chars().any(char::is_alphanumeric));
    pieces
}

fn ask_espeak(text: &str, reader: Reader) -> Result<String, ModelError> {
    let failed = |reason: String| ModelError::Engine { model: "espeak-ng".into(), reason };
    let mut child = Command::new("espeak-ng")
        .args(["-v", reader.voice(), "-q", "--ipa", "--tie=^", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| ModelError::Load {
            model: "espeak-ng".into(),
            reason: format!("{e}: install it, for example with `apt-get install espeak-ng`"),
        })?;
    // At most 1,000 characters: less than a pipe holds, so that neither side can wait for the other.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(|e| failed(e.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("it ended with {}", output.status)));
    }
    Ok(without_language_flags(&String::from_utf8_lossy(&output.stdout)))
}

/// espeak-ng marks words it takes for another language, as in `(en)…(pt-br)`.
fn without_language_flags(ipa: &str) -> String {
    let mut plain = String::with_capacity(ipa.len());
    let mut depth = 0;
    for c in ipa.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth <= 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_keeps_its_place_and_numbers_stay_whole() {
        assert_eq!(
            pieces("Sim, 38,5 graus. Bem?"),
            [("Sim", true), (",", false), ("38,5 graus", true), (".", false), ("Bem", true), ("?", false)]
        );
    }

    #[test]
    fn language_flags_are_not_spoken() {
        assert_eq!(without_language_flags("a (en)bi(pt-br) c"), "a bi c");
    }

    #[test]
    fn each_language_is_read_by_its_own_rules() {
        let portuguese = phonemes("Não tenho febre.", Reader::BrazilianPortuguese).unwrap();
        assert!(portuguese.contains('ɲ') && portuguese.ends_with('.'), "{portuguese}");
        let english = phonemes("Good morning, what brings you in today?", Reader::AmericanEnglish).unwrap();
        assert!(english.contains('ŋ') && english.ends_with('?') && english.contains(','), "{english}");
        let spanish = phonemes("Hace cinco días.", Reader::Spanish).unwrap();
        assert!(spanish.contains('θ'), "{spanish}");
    }

    #[test]
    fn text_cannot_pass_for_an_option_or_markup() {
        let ipa = phonemes("--version -w /tmp/x", Reader::AmericanEnglish).unwrap();
        assert!(!ipa.is_empty() && !ipa.contains("eSpeak"), "{ipa}");
    }
}
