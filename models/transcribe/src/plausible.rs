//! Texts that Whisper makes up.

use healthsync_models::tasks::Transcription;

/// Repeats of a phrase in a row from which a text is taken for a loop. People say a word three times; they
/// do not say a phrase five times.
const MAX_REPEATS: usize = 5;

/// Longest phrase, in words, looked at for repeats.
const MAX_PHRASE: usize = 8;

/// Words a second of speech from which a text cannot have been said: fast speakers reach five to six.
const MAX_WORDS_PER_SECOND: f32 = 10.0;

/// Confidence under which a text is taken for a guess. Whisper's own fallback uses a mean log probability of
/// -1, which is a probability of 0.37 (Radford et al. 2022, section 4.5); 0.3 leaves room for accents.
const MIN_CONFIDENCE: f32 = 0.3;

/// Whether a transcription is more likely a hallucination than speech.
pub fn implausible(transcription: &Transcription) -> bool {
    let words: Vec<String> = transcription.text.split_whitespace().map(normalise).collect();
    transcription.confidence < MIN_CONFIDENCE || too_fast(transcription) || loops(&words)
}

fn too_fast(transcription: &Transcription) -> bool {
    let (Some(first), Some(last)) = (transcription.words.first(), transcription.words.last()) else { return false };
    let seconds = last.end_ms.saturating_sub(first.start_ms) as f32 / 1_000.0;
    transcription.words.len() > 10 && transcription.words.len() as f32 / seconds.max(0.1) > MAX_WORDS_PER_SECOND
}

fn loops(words: &[String]) -> bool {
    (1..=MAX_PHRASE).any(|phrase| {
        let mut run = 0;
        (phrase..words.len()).any(|i| {
            run = if words[i] == words[i - phrase] { run + 1 } else { 0 };
            run >= phrase * (MAX_REPEATS - 1)
        })
    })
}

pub(crate) fn normalise(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str, confidence: f32) -> Transcription {
        Transcription {
            text: text.into(),
            words: vec![],
            language: "pt".parse().unwrap(),
            language_probability: 1.0,
            confidence,
            no_speech: 0.0,
        }
    }

    #[test]
    fn a_text_that_repeats_itself_is_not_believed() {
        assert!(implausible(&heard("e aí, e aí, e aí, e aí, e aí, e aí", 0.9)));
        assert!(implausible(&heard("Legendas legendas legendas legendas legendas legendas", 0.9)));
    }

    #[test]
    fn what_people_do_say_is_believed() {
        assert!(!implausible(&heard("Não, não, não, doutora, não é isso.", 0.8)));
        assert!(!implausible(&heard("Sim.", 0.6)));
    }

    #[test]
    fn a_guess_is_not_believed() {
        assert!(implausible(&heard("Obrigado por assistir.", 0.2)));
    }
}
