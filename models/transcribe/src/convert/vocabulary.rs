//! Tokens as bytes, from a byte-level BPE `tokenizer.json`.

use super::ConvertError;
use serde::Deserialize;
use std::collections::HashMap;

/// Tokens of text in the multilingual models; what follows are Whisper's own, which whisper.cpp names itself.
const TEXT_TOKENS: usize = 50_257;

#[derive(Deserialize)]
struct Tokenizer {
    model: Bpe,
}

#[derive(Deserialize)]
struct Bpe {
    vocab: HashMap<String, usize>,
}

pub(crate) fn tokens(tokenizer_json: &[u8]) -> Result<Vec<Vec<u8>>, ConvertError> {
    let unusable = |reason: String| ConvertError::Tokenizer(reason);
    let tokenizer: Tokenizer = serde_json::from_slice(tokenizer_json).map_err(|e| unusable(e.to_string()))?;
    let bytes_of = byte_of_char();
    let mut tokens = vec![None; TEXT_TOKENS.min(tokenizer.model.vocab.len())];
    for (text, id) in &tokenizer.model.vocab {
        let Some(slot) = tokens.get_mut(*id) else { continue };
        let bytes: Option<Vec<u8>> = text.chars().map(|c| bytes_of.get(&c).copied()).collect();
        // Special tokens are text as it stands.
        *slot = Some(bytes.unwrap_or_else(|| text.clone().into_bytes()));
    }
    let missing = || unusable("its identifiers have gaps".into());
    tokens.into_iter().map(|token| token.ok_or_else(missing)).collect()
}

/// Byte-level BPE writes each byte as one printable character: itself where it is printable, the next unused
/// character from U+0100 on where it is not (Radford et al. 2019).
fn byte_of_char() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let shifted = (0..=255u8).filter(|byte| !printable(byte)).zip('\u{100}'..);
    let itself = (0..=255u8).filter(printable).map(|byte| (char::from(byte), byte));
    itself.chain(shifted.map(|(byte, c)| (c, byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_character() {
        let bytes = byte_of_char();
        assert_eq!(bytes.len(), 256);
        assert_eq!(bytes[&'Ġ'], b' ');
        assert_eq!(bytes[&'a'], b'a');
    }

    #[test]
    fn tokens_come_out_as_bytes_in_order() {
        let json = br#"{"model":{"vocab":{"a":0,"\u0120b":1,"\u00c3\u00a9":2}}}"#;
        assert_eq!(tokens(json).unwrap(), [b"a".to_vec(), b" b".to_vec(), "é".as_bytes().to_vec()]);
    }

    #[test]
    fn a_vocabulary_with_gaps_is_refused() {
        let json = br#"{"model":{"vocab":{"a":0,"b":5}}}"#;
        assert!(matches!(tokens(json), Err(ConvertError::Tokenizer(_))));
    }
}
