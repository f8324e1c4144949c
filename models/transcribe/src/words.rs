//! From tokens to words, whichever engine made them.

use healthsync_events::Language;
use healthsync_models::tasks::{Transcription, Word};

/// Words so far: the bytes of each, its times and the sum of its tokens' probabilities, and how many they are.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<(Vec<u8>, Word, u32)>);

impl Words {
    /// Adds a token: one that begins with a space begins a word.
    pub fn push(&mut self, token: &[u8], start_ms: u32, end_ms: u32, probability: f32) {
        if token.starts_with(b" ") || self.0.is_empty() {
            let word = Word { text: String::new(), start_ms, end_ms, probability: 0.0 };
            self.0.push((Vec::new(), word, 0));
        }
        if let Some((text, word, tokens)) = self.0.last_mut() {
            text.extend_from_slice(token);
            word.end_ms = word.end_ms.max(end_ms);
            word.probability += probability;
            *tokens += 1;
        }
    }

    pub fn conclude(self, no_speech: f32, language: Language, language_probability: f32) -> Transcription {
        let tokens: u32 = self.0.iter().map(|(_, _, tokens)| tokens).sum();
        let sum: f32 = self.0.iter().map(|(_, word, _)| word.probability).sum();
        let words: Vec<Word> = self
            .0
            .into_iter()
            .map(|(text, mut word, tokens)| {
                // A character may be spread over tokens; only the whole word is text.
                word.text = String::from_utf8_lossy(&text).trim().into();
                word.probability /= tokens.max(1) as f32;
                word
            })
            .filter(|word| !word.text.is_empty())
            .collect();
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let confidence = sum / tokens.max(1) as f32;
        Transcription { text, words, language, language_probability, confidence, no_speech }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_begins_with_a_space_begins_a_word() {
        let mut words = Words::default();
        words.push(b"Est", 0, 100, 0.5);
        // One character over two tokens.
        words.push(&"ô".as_bytes()[..1], 100, 120, 0.7);
        words.push(&"ô".as_bytes()[1..], 120, 140, 0.9);
        words.push(b" bem", 200, 300, 0.5);
        let heard = words.conclude(0.1, "pt".parse().unwrap(), 1.0);
        assert_eq!(heard.text, "Estô bem");
        assert_eq!((heard.words[0].start_ms, heard.words[0].end_ms), (0, 140));
        assert!((heard.words[0].probability - 0.7).abs() < 1e-6);
        assert!((heard.confidence - 0.65).abs() < 1e-6);
    }
}
