//! From CTranslate2's Whisper to whisper.cpp's, and to the safetensors that the candle engine loads.

mod ctranslate;
mod ggml;
pub(crate) mod mel;
mod names;
mod quantize;
pub(crate) mod safetensors;
pub(crate) mod vocabulary;

pub use ctranslate::{Dtype, Tensor, Weights};
pub use quantize::{Precision, QuantizeError};

use healthsync_models::registry::Deriver;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// Why weights cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("{what}: {source}")]
    Io { what: &'static str, source: std::io::Error },
    #[error("model.bin is not CTranslate2 Whisper weights: {0}")]
    Weights(String),
    #[error("tokenizer.json cannot be used: {0}")]
    Tokenizer(String),
    #[error("{tensor} cannot be quantized: {reason}")]
    Quantize { tensor: String, reason: QuantizeError },
}

/// The registry's `ct2-to-ggml` steps, one a precision ([`Precision::step`]): `model.bin` and `tokenizer.json` to
/// whisper.cpp's file.
pub struct CtranslateToGgml(pub Precision);

impl Deriver for CtranslateToGgml {
    fn version(&self) -> &'static str {
        "1"
    }

    fn derive(&self, inputs: &BTreeMap<String, PathBuf>, out: &Path) -> Result<(), String> {
        let input = |name: &str| inputs.get(name).ok_or_else(|| format!("{name} is not among the inputs"));
        ct2_to_ggml(input("model.bin")?, input("tokenizer.json")?, self.0, out).map_err(|e| e.to_string())
    }
}

/// The registry's `ct2-to-safetensors` step: `model.bin` to safetensors of the same precision.
pub struct CtranslateToSafetensors;

impl Deriver for CtranslateToSafetensors {
    fn version(&self) -> &'static str {
        "1"
    }

    fn derive(&self, inputs: &BTreeMap<String, PathBuf>, out: &Path) -> Result<(), String> {
        let model = inputs.get("model.bin").ok_or("model.bin is not among the inputs")?;
        ct2_to_safetensors(model, out).map_err(|e| e.to_string())
    }
}

/// Converts; `out` is there only when it is whole.
pub fn ct2_to_ggml(
    model_bin: &Path,
    tokenizer_json: &Path,
    precision: Precision,
    out: &Path,
) -> Result<(), ConvertError> {
    let io = |what| move |source| ConvertError::Io { what, source };
    let model = fs::read(model_bin).map_err(io("model.bin cannot be read"))?;
    let tokenizer = fs::read(tokenizer_json).map_err(io("tokenizer.json cannot be read"))?;
    let weights = Weights::parse(&model)?;
    let tokens = vocabulary::tokens(&tokenizer)?;
    install(&ggml::convert(&weights, &tokens, precision)?, out)
}

/// Converts; `out` is there only when it is whole.
pub fn ct2_to_safetensors(model_bin: &Path, out: &Path) -> Result<(), ConvertError> {
    let what = "model.bin cannot be read";
    let model = fs::read(model_bin).map_err(|source| ConvertError::Io { what, source })?;
    install(&safetensors::convert(&Weights::parse(&model)?)?, out)
}

fn install(converted: &[u8], out: &Path) -> Result<(), ConvertError> {
    let partial = out.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(fs::File::create(&partial)?);
        file.write_all(converted)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&partial, out)
    };
    write().map_err(|source| ConvertError::Io { what: "the converted file cannot be written", source })
}

#[cfg(test)]
mod tests;
