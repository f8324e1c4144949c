//! Weights in fewer bits, in the layout ggml calculates with: blocks of 32 values of a row, each with a scale of its
//! own. Pure; the bytes are those that ggml's own reference quantizer makes.

use half::f16;
use serde::{Deserialize, Serialize};

/// Values in a block.
pub(super) const BLOCK: usize = 32;

/// Bytes of a block: the scale and one byte a value; or scale, minimum, the fifth bits, and the lower four.
pub(super) const Q8_0_BYTES: usize = 2 + BLOCK;
pub(super) const Q5_1_BYTES: usize = 2 + 2 + BLOCK / 8 + BLOCK / 2;

/// Largest magnitude of an eight-bit step; -128 is not used.
const Q8_0_STEPS: f32 = 127.0;

/// Steps from a block's minimum to its maximum in five bits.
const Q5_1_STEPS: f32 = 31.0;

/// ggml's tensor types (`ggml_type`), and the types of files that are mostly of one of them (`ggml_ftype`).
const TYPE_F16: i32 = 1;
const TYPE_Q5_1: i32 = 7;
const TYPE_Q8_0: i32 = 8;
const FILE_F16: i32 = 1;
const FILE_Q8_0: i32 = 7;
const FILE_Q5_1: i32 = 9;

/// The file type of quantized weights carries the version of the layouts above (`GGML_QNT_VERSION`), times 1,000.
const LAYOUT_VERSION: i32 = 2 * 1_000;

/// How the large matrices of a recogniser are kept. Convolutions stay in half precision, biases, norms and
/// positions in single, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Half precision: 16 bits a value, as published.
    #[default]
    F16,
    /// 8.5 bits a value.
    Q8_0,
    /// 6 bits a value.
    Q5_1,
}

/// Why values have no such form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantizeError {
    #[error("a value is not a finite number")]
    NotFinite,
    #[error("a block's values are too large for its scale")]
    TooLarge,
    #[error("rows of {0} values are not whole blocks of 32")]
    PartialBlock(usize),
}

impl Precision {
    pub const ALL: [Self; 3] = [Self::F16, Self::Q8_0, Self::Q5_1];

    /// The registry's step that makes such a file.
    pub const fn step(self) -> &'static str {
        match self {
            Self::F16 => "ct2-to-ggml",
            Self::Q8_0 => "ct2-to-ggml-q8_0",
            Self::Q5_1 => "ct2-to-ggml-q5_1",
        }
    }

    /// As the header of the file says it.
    pub(super) const fn file_type(self) -> i32 {
        match self {
            Self::F16 => FILE_F16,
            Self::Q8_0 => LAYOUT_VERSION + FILE_Q8_0,
            Self::Q5_1 => LAYOUT_VERSION + FILE_Q5_1,
        }
    }

    /// As a matrix in the file says it.
    pub(super) const fn tensor_type(self) -> i32 {
        match self {
            Self::F16 => TYPE_F16,
            Self::Q8_0 => TYPE_Q8_0,
            Self::Q5_1 => TYPE_Q5_1,
        }
    }

    /// A matrix of rows of `columns` values, row after row.
    pub(super) fn encode(self, values: &[f32], columns: usize) -> Result<Vec<u8>, QuantizeError> {
        match self {
            Self::F16 => Ok(values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()),
            Self::Q8_0 => blocks(values, columns, q8_0),
            Self::Q5_1 => blocks(values, columns, q5_1),
        }
    }
}

/// Blocks do not go across rows.
fn blocks<const BYTES: usize>(
    values: &[f32],
    columns: usize,
    block: fn(&[f32; BLOCK]) -> Result<[u8; BYTES], QuantizeError>,
) -> Result<Vec<u8>, QuantizeError> {
    let (whole, rest) = values.as_chunks::<BLOCK>();
    if !columns.is_multiple_of(BLOCK) || !rest.is_empty() {
        return Err(QuantizeError::PartialBlock(columns));
    }
    let mut out = Vec::with_capacity(whole.len() * BYTES);
    for values in whole {
        out.extend(block(values)?);
    }
    Ok(out)
}

/// A value is its byte times the scale: the largest magnitude becomes 127 or -127.
pub(super) fn q8_0(values: &[f32; BLOCK]) -> Result<[u8; Q8_0_BYTES], QuantizeError> {
    let (min, max) = range(values)?;
    let scale = max.max(-min) / Q8_0_STEPS;
    let mut out = [0; Q8_0_BYTES];
    out[..2].copy_from_slice(&half(scale)?.to_le_bytes());
    let inverse = inverse(scale);
    for (byte, value) in out[2..].iter_mut().zip(values) {
        // Halves away from zero, as C's roundf.
        *byte = (value * inverse).round() as i8 as u8;
    }
    Ok(out)
}

/// A value is its five bits times the scale, plus the minimum. Value 0 shares a byte of lower bits with value 16,
/// which has the upper half of it, value 1 with 17, and so on; bit n of the word before them is value n's fifth.
pub(super) fn q5_1(values: &[f32; BLOCK]) -> Result<[u8; Q5_1_BYTES], QuantizeError> {
    let (min, max) = range(values)?;
    let scale = (max - min) / Q5_1_STEPS;
    let mut out = [0; Q5_1_BYTES];
    out[..2].copy_from_slice(&half(scale)?.to_le_bytes());
    out[2..4].copy_from_slice(&half(min)?.to_le_bytes());
    let inverse = inverse(scale);
    let bits = values.map(|value| ((value - min) * inverse + 0.5) as u8);
    let fifths = bits.iter().enumerate().fold(0u32, |word, (n, bits)| word | (u32::from((bits >> 4) & 1) << n));
    out[4..8].copy_from_slice(&fifths.to_le_bytes());
    let (first, second) = bits.split_at(BLOCK / 2);
    for ((byte, low), high) in out[8..].iter_mut().zip(first).zip(second) {
        *byte = (low & 0x0f) | ((high & 0x0f) << 4);
    }
    Ok(out)
}

fn range(values: &[f32; BLOCK]) -> Result<(f32, f32), QuantizeError> {
    if values.iter().any(|value| !value.is_finite()) {
        return Err(QuantizeError::NotFinite);
    }
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    Ok((min, max))
}

/// Values are divided by the scale before it is rounded, as ggml does; all are the same where it is zero.
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

fn half(value: f32) -> Result<f16, QuantizeError> {
    let half = f16::from_f32(value);
    if half.is_finite() { Ok(half) } else { Err(QuantizeError::TooLarge) }
}

#[cfg(test)]
mod tests;
