//! Kokoro-82M: phonemes and a style vector to sound at 24 kHz.

use crate::{
    graph,
    onnx::{self, Products, Weights},
    phonemes::Reader,
};
use healthsync_models::ModelError;
use ort::{environment::Environment, session::Session, value::Tensor};
use std::path::Path;

const NAME: &str = "kokoro-82m-int8";

pub(crate) const SAMPLE_RATE: u32 = 24_000;

/// Phonemes the model takes at once, without the two that surround them.
const MAX_PHONEMES: usize = 510;

/// A voice is a style vector for each number of phonemes.
const STYLE: usize = 256;

/// The model's symbols in the order of their numbers; gaps are numbers it does not use. From its published
/// configuration.
const SYMBOLS: [(u8, &str); 11] = [
    (1, ";:,.!?"),
    (9, "—…\"()“” \u{303}ʣʥʦʨᵝ\u{ab67}AI"),
    (31, "O"),
    (33, "Q"),
    (35, "ST"),
    (39, "W"),
    (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
    (75, "βɔɕç"),
    (80, "ɖðʤə"),
    (85, "ɚɛɜ"),
];

const MORE_SYMBOLS: [(u8, &str); 20] = [
    (90, "ɟ"),
    (92, "ɡ"),
    (99, "ɥ"),
    (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"),
    (118, "ɸθœ"),
    (123, "ɹ"),
    (125, "ɾɻ"),
    (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"),
    (138, "ʌɣɤ"),
    (142, "χʎ"),
    (147, "ʒʔ"),
    (156, "ˈˌː"),
    (162, "ʰ"),
    (164, "ʲ"),
    (169, "↓"),
    (171, "→↗↘"),
    (177, "ᵻ"),
    (92, "g"),
];

/// How misaki, the text front end Kokoro was trained with, writes what espeak-ng writes with a tie.
const TIED: [(&str, &str); 11] = [
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^z", "ʣ"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),
    ("s^s", "S"),
    ("t^s", "ʦ"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
];

/// Further for American English, in this order.
const AMERICAN: [(&str, &str); 14] = [
    ("ə^l", "ᵊl"),
    ("ʲo", "jo"),
    ("ʲə", "jə"),
    ("ʲ", ""),
    ("ɚ", "əɹ"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɐ", "ə"),
    ("ɬ", "l"),
    ("\u{303}", ""),
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ː", ""),
];

pub(crate) struct Kokoro {
    session: Session,
}

impl Kokoro {
    pub(crate) fn load(environment: &Environment, model: &Path, threads: usize) -> Result<Self, ModelError> {
        Self::load_for(Products::here(), environment, model, threads)
    }

    /// Rewritten for a processor that multiplies bytes natively: on others the products would be slower.
    fn load_for(
        products: Products,
        environment: &Environment,
        model: &Path,
        threads: usize,
    ) -> Result<Self, ModelError> {
        if products == Products::Widened {
            let session = onnx::session(environment, Weights::File(model), products, threads, NAME)?;
            return Ok(Self { session });
        }
        let failed = |reason: String| ModelError::Load { model: NAME.into(), reason };
        let bytes = std::fs::read(model).map_err(|e| failed(e.to_string()))?;
        let bytes = graph::convolutions_as_products(&bytes).map_err(|e| failed(e.to_string()))?;
        Ok(Self { session: onnx::session(environment, Weights::Bytes(&bytes), products, threads, NAME)? })
    }

    /// `voice` is the voice's file as loaded; `ipa` as [`crate::phonemes`] gives it.
    pub(crate) fn speak(
        &mut self,
        ipa: &str,
        reader: Reader,
        voice: &Voice,
        speed: f32,
    ) -> Result<Vec<f32>, ModelError> {
        let failed = |e: ort::Error| ModelError::Engine { model: NAME.into(), reason: e.to_string() };
        let tokens = tokens(ipa, reader);
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let style = voice.style(tokens.len()).to_vec();
        let padded: Vec<i64> = std::iter::once(0).chain(tokens).chain(std::iter::once(0)).collect();
        let inputs = ort::inputs! {
            "tokens" => Tensor::from_array(([1, padded.len()], padded)).map_err(failed)?,
            "style" => Tensor::from_array(([1, STYLE], style)).map_err(failed)?,
            "speed" => Tensor::from_array(([1], vec![speed])).map_err(failed)?,
        };
        let outputs = self.session.run(inputs).map_err(failed)?;
        let (_, samples) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        Ok(samples.to_vec())
    }
}

/// A voice: style vectors, by number of phonemes.
pub(crate) struct Voice(Vec<f32>);

impl Voice {
    pub(crate) fn read(path: &Path, name: &str) -> Result<Self, ModelError> {
        let failed = |reason: String| ModelError::Load { model: name.into(), reason };
        let bytes = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
        if bytes.len() != MAX_PHONEMES * STYLE * 4 {
            return Err(failed("it is not 510 by 256 numbers".into()));
        }
        Ok(Self(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()))
    }

    fn style(&self, phonemes: usize) -> &[f32] {
        let row = phonemes.clamp(1, MAX_PHONEMES) - 1;
        &self.0[row * STYLE..(row + 1) * STYLE]
    }
}

/// The model's numbers of what it knows; the rest is left out.
fn tokens(ipa: &str, reader: Reader) -> Vec<i64> {
    let mut text = ipa.to_owned();
    for (from, to) in TIED {
        text = text.replace(from, to);
    }
    if reader == Reader::AmericanEnglish {
        for (from, to) in AMERICAN {
            text = text.replace(from, to);
        }
    }
    text.chars().filter(|c| !matches!(c, '^' | '-')).filter_map(token).take(MAX_PHONEMES).collect()
}

fn token(symbol: char) -> Option<i64> {
    SYMBOLS.iter().chain(&MORE_SYMBOLS).find_map(|(first, symbols)| {
        symbols.chars().position(|c| c == symbol).map(|offset| i64::from(*first) + offset as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_models::registry::Registry;

    /// The processor at hand may be of the other kind: loading does not depend on it.
    #[test]
    fn it_loads_as_it_is_and_as_it_is_rewritten() {
        let registry = Registry::from_env().unwrap();
        let open = |name: &str| registry.open(name).unwrap_or_else(|e| panic!("{e}: run `make models`"));
        let (library, kokoro) = (open("onnxruntime"), open(NAME));
        let environment = onnx::environment(library.file("libonnxruntime.so").unwrap()).unwrap();
        let model = kokoro.file("kokoro-v1.0.int8.onnx").unwrap();
        for products in [Products::Widened, Products::Native] {
            let loaded = Kokoro::load_for(products, &environment, model, 1);
            assert!(loaded.is_ok(), "{products:?}: {:?}", loaded.err());
        }
    }

    #[test]
    fn symbols_have_the_numbers_the_model_was_trained_with() {
        for (symbol, number) in [
            (';', 1),
            ('?', 6),
            ('—', 9),
            (' ', 16),
            ('\u{303}', 17),
            ('I', 25),
            ('O', 31),
            ('Q', 33),
            ('S', 35),
            ('W', 39),
            ('Y', 41),
            ('ᵊ', 42),
            ('a', 43),
            ('f', 48),
            ('h', 50),
            ('z', 68),
            ('æ', 72),
            ('β', 75),
            ('ç', 78),
            ('ɖ', 80),
            ('ə', 83),
            ('ɚ', 85),
            ('ɜ', 87),
            ('ɡ', 92),
            ('ɪ', 102),
            ('ŋ', 112),
            ('ɲ', 114),
            ('ø', 116),
            ('θ', 119),
            ('ɹ', 123),
            ('ɾ', 125),
            ('ʁ', 128),
            ('ʃ', 131),
            ('ʧ', 133),
            ('ʊ', 135),
            ('ʌ', 138),
            ('χ', 142),
            ('ʎ', 143),
            ('ʒ', 147),
            ('ˈ', 156),
            ('ː', 158),
            ('ᵻ', 177),
        ] {
            assert_eq!(token(symbol), Some(number), "{symbol}");
        }
        assert_eq!(token('漢'), None);
    }

    #[test]
    fn tied_sounds_become_one_symbol() {
        assert_eq!(tokens("t^ʃ", Reader::BrazilianPortuguese), [133]);
        assert_eq!(tokens("d^ʒˈia", Reader::BrazilianPortuguese), [82, 156, 51, 43]);
        assert_eq!(tokens("ɡˈo^ʊ", Reader::AmericanEnglish), [92, 156, 31]);
    }
}
