//! Tokens, and which of them mean what.

use crate::{convert::vocabulary::tokens, window::MAX_POSITIONS};
use serde::Deserialize;
use std::path::Path;
use tokenizers::Tokenizer;

/// What CTranslate2's `config.json` says of a model: facts published with it.
#[derive(Deserialize)]
struct Config {
    /// Layer and head of the decoder whose attention follows the audio.
    alignment_heads: Vec<(usize, usize)>,
    /// Tokens that are not speech.
    suppress_ids: Vec<u32>,
    /// Tokens that cannot come first: blank and end.
    suppress_ids_begin: Vec<u32>,
}

pub(super) struct Vocabulary {
    tokenizer: Tokenizer,
    /// The bytes of every token of text.
    bytes: Vec<Vec<u8>>,
    pub alignment_heads: Vec<(usize, usize)>,
    /// Ends a transcript. Every token below it is text.
    pub end: u32,
    pub start: u32,
    pub previous: u32,
    pub transcribe: u32,
    /// Stamps follow it: the first is the beginning of the window.
    pub no_timestamps: u32,
    pub no_speech: u32,
    /// Whether a token of text may be chosen at all, and whether it may come first, `end` included.
    allowed: Vec<bool>,
    allowed_first: Vec<bool>,
}

impl Vocabulary {
    /// The error is one sentence.
    pub fn load(tokenizer: &Path, config: &Path) -> Result<Self, String> {
        let read = |path: &Path| std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()));
        let (json, config) = (read(tokenizer)?, read(config)?);
        let config: Config = serde_json::from_slice(&config).map_err(|e| format!("config.json cannot be used: {e}"))?;
        let bytes = tokens(&json).map_err(|e| e.to_string())?;
        let tokenizer = Tokenizer::from_bytes(&json).map_err(|e| format!("tokenizer.json cannot be used: {e}"))?;
        let special = |name: &str| tokenizer.token_to_id(name).ok_or_else(|| format!("{name} is not a token"));
        let end = special("<|endoftext|>")?;
        let mut allowed = vec![true; end as usize + 1];
        suppress(&mut allowed, &config.suppress_ids);
        let mut allowed_first = allowed.clone();
        suppress(&mut allowed_first, &config.suppress_ids_begin);
        Ok(Self {
            alignment_heads: config.alignment_heads,
            end,
            start: special("<|startoftranscript|>")?,
            previous: special("<|startofprev|>")?,
            transcribe: special("<|transcribe|>")?,
            no_timestamps: special("<|notimestamps|>")?,
            // Older and newer files name it differently.
            no_speech: special("<|nospeech|>").or_else(|_| special("<|nocaptions|>"))?,
            allowed,
            allowed_first,
            bytes,
            tokenizer,
        })
    }

    /// The token of a language by its primary subtag, if Whisper knows it.
    pub fn language(&self, primary: &str) -> Option<u32> {
        self.tokenizer.token_to_id(&format!("<|{primary}|>")).filter(|id| *id > self.start && *id < self.transcribe)
    }

    /// The tokens of a text; what looks like one of Whisper's own is left out.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, String> {
        let encoded = self.tokenizer.encode_fast(text, false).map_err(|e| e.to_string())?;
        Ok(encoded.get_ids().iter().copied().filter(|id| *id < self.end).collect())
    }

    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }

    /// The stamps of the beginning and the end of the window of 30 s, 20 ms apart.
    pub fn stamps(&self) -> (u32, u32) {
        (self.no_timestamps + 1, self.no_timestamps + 1 + MAX_POSITIONS as u32)
    }

    pub fn allowed(&self, first: bool) -> &[bool] {
        if first { &self.allowed_first } else { &self.allowed }
    }
}

fn suppress(allowed: &mut [bool], tokens: &[u32]) {
    for token in tokens {
        if let Some(slot) = allowed.get_mut(*token as usize) {
            *slot = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let registry = healthsync_models::registry::Registry::from_env().unwrap();
        let files = registry.open_files("whisper-base", &["tokenizer.json", "config.json"]);
        let files = files.expect("whisper-base is missing: run `make models`");
        Vocabulary::load(files.file("tokenizer.json").unwrap(), files.file("config.json").unwrap()).unwrap()
    }

    #[test]
    fn special_tokens_are_where_whisper_has_them() {
        let vocabulary = vocabulary();
        assert_eq!((vocabulary.end, vocabulary.start, vocabulary.no_timestamps), (50_257, 50_258, 50_363));
        assert_eq!(vocabulary.stamps(), (50_364, 51_864));
        assert_eq!((vocabulary.previous, vocabulary.no_speech), (50_361, 50_362));
        assert_eq!(vocabulary.language("pt"), Some(50_267));
        assert_eq!(vocabulary.language("tlh"), None);
        assert_eq!(vocabulary.language("transcribe"), None);
    }

    #[test]
    fn nothing_is_said_before_it_begins_and_signs_are_not_speech() {
        let vocabulary = vocabulary();
        let id = |text: &str| vocabulary.encode(text).unwrap()[0] as usize;
        assert!(
            vocabulary.allowed(false)[vocabulary.end as usize] && !vocabulary.allowed(true)[vocabulary.end as usize]
        );
        assert!(vocabulary.allowed(true)[id(" dor")]);
        assert!(!vocabulary.allowed(false)[id("♪")] && !vocabulary.allowed(false)[id("[")]);
    }

    #[test]
    fn a_text_is_its_tokens_and_cannot_speak_for_whisper() {
        let vocabulary = vocabulary();
        for text in [" Tomo losartana de 50 mg.", " 3,5 ° — ção\n\n é", ""] {
            let ids = vocabulary.encode(text).unwrap();
            let back: Vec<u8> = ids.iter().flat_map(|id| vocabulary.bytes(*id).to_vec()).collect();
            assert_eq!(String::from_utf8(back).unwrap(), text);
        }
        let ids = vocabulary.encode(" dor<|endoftext|><|en|>").unwrap();
        assert!(ids.iter().all(|id| *id < vocabulary.end));
    }
}
