//! The layers of Whisper's network, over batches.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder};

/// Added to the score of what must not be attended to. Its exponential is zero in single and in half precision, and
/// unlike infinity it leaves a row that may attend to nothing finite.
pub(super) const MASKED: f32 = -30_000.0;

/// Of the published model, and of PyTorch's default.
const EPSILON: f64 = 1e-5;

pub(super) fn norm(width: usize, from: &VarBuilder<'_>) -> Result<LayerNorm> {
    Ok(LayerNorm::new(from.get(width, "weight")?, from.get(width, "bias")?, EPSILON))
}

/// Queries and keys are scaled when loaded, each by the fourth root of their length, so that the product of two is
/// scaled by the square root and stays within half precision.
pub(super) fn scale(width: usize, heads: usize) -> f64 {
    ((width / heads.max(1)) as f64).powf(-0.25)
}

fn linear(from: &VarBuilder<'_>, rows: usize, columns: usize, bias: bool, scale: f64) -> Result<Linear> {
    let weight = (from.get((rows, columns), "weight")? * scale)?;
    let bias = if bias { Some((from.get(rows, "bias")? * scale)?) } else { None };
    Ok(Linear::new(weight, bias))
}

/// `[rows, time, width]` as `[rows, heads, time, width / heads]`.
fn split(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (rows, time, width) = x.dims3()?;
    x.reshape((rows, time, heads, width / heads))?.transpose(1, 2)?.contiguous()
}

/// The inverse of [`split`].
fn merge(x: &Tensor) -> Result<Tensor> {
    let (rows, heads, time, width) = x.dims4()?;
    x.transpose(1, 2)?.contiguous()?.reshape((rows, time, heads * width))
}

fn scores(queries: &Tensor, keys: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let scores = queries.matmul(&keys.transpose(2, 3)?)?;
    match mask {
        Some(mask) => scores.broadcast_add(mask),
        None => Ok(scores),
    }
}

fn attend(scores: &Tensor, values: &Tensor) -> Result<Tensor> {
    merge(&candle_nn::ops::softmax_last_dim(scores)?.matmul(values)?)
}

/// Keys and values so far, `[rows, heads, time, width / heads]`.
pub(super) type Cache = Option<(Tensor, Tensor)>;

pub(super) struct SelfAttention {
    fused: Linear,
    out: Linear,
    heads: usize,
}

impl SelfAttention {
    pub fn load(width: usize, heads: usize, from: &VarBuilder<'_>) -> Result<Self> {
        let scale = scale(width, heads);
        let query = linear(&from.pp("query"), width, width, true, scale)?;
        let key = linear(&from.pp("key"), width, width, false, scale)?;
        let value = linear(&from.pp("value"), width, width, true, 1.0)?;
        let weight = Tensor::cat(&[query.weight(), key.weight(), value.weight()], 0)?;
        let none = Tensor::zeros(width, weight.dtype(), weight.device())?;
        let bias = |linear: &Linear| linear.bias().cloned().unwrap_or_else(|| none.clone());
        let bias = Tensor::cat(&[bias(&query), none.clone(), bias(&value)], 0)?;
        let out = linear(&from.pp("out"), width, width, true, 1.0)?;
        Ok(Self { fused: Linear::new(weight, Some(bias)), out, heads })
    }

    /// What the cache holds is attended to as well, and what is new is added to it.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>, cache: Option<&mut Cache>) -> Result<Tensor> {
        let fused = self.fused.forward(x)?;
        let width = fused.dim(D::Minus1)? / 3;
        let part = |n: usize| split(&fused.narrow(D::Minus1, n * width, width)?.contiguous()?, self.heads);
        let (queries, mut keys, mut values) = (part(0)?, part(1)?, part(2)?);
        if let Some(cache) = cache {
            if let Some((before_keys, before_values)) = cache.as_ref() {
                keys = Tensor::cat(&[before_keys, &keys], 2)?;
                values = Tensor::cat(&[before_values, &values], 2)?;
            }
            *cache = Some((keys.clone(), values.clone()));
        }
        self.out.forward(&attend(&scores(&queries, &keys, mask)?, &values)?)
    }
}

pub(super) struct CrossAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

impl CrossAttention {
    pub fn load(width: usize, heads: usize, from: &VarBuilder<'_>) -> Result<Self> {
        let scale = scale(width, heads);
        Ok(Self {
            query: linear(&from.pp("query"), width, width, true, scale)?,
            key: linear(&from.pp("key"), width, width, false, scale)?,
            value: linear(&from.pp("value"), width, width, true, 1.0)?,
            out: linear(&from.pp("out"), width, width, true, 1.0)?,
            heads,
        })
    }

    /// Keys and values of the encoded audio.
    pub fn remember(&self, audio: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((split(&self.key.forward(audio)?, self.heads)?, split(&self.value.forward(audio)?, self.heads)?))
    }

    /// `x`: queries grouped by recording. Also returns the scores before their softmax.
    pub fn forward(&self, x: &Tensor, audio: &(Tensor, Tensor), mask: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
        let scores = scores(&split(&self.query.forward(x)?, self.heads)?, &audio.0, mask)?;
        Ok((self.out.forward(&attend(&scores, &audio.1)?)?, scores))
    }
}

/// The part of a block after its attention, with its norm.
pub(super) struct FeedForward {
    norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
}

impl FeedForward {
    pub fn load(width: usize, from: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self {
            norm: norm(width, &from.pp("mlp_ln"))?,
            wide: linear(&from.pp("mlp.0"), 4 * width, width, true, 1.0)?,
            narrow: linear(&from.pp("mlp.2"), width, 4 * width, true, 1.0)?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x + self.narrow.forward(&gelu(&self.wide.forward(&self.norm.forward(x)?)?)?)?
    }
}

pub(super) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.gelu_erf()
}

/// `[rows, 1, 1, time]`: what lies at or beyond each row's length is masked. None when nothing is.
pub(super) fn length_mask(lengths: &[usize], time: usize, device: &Device) -> Result<Option<Tensor>> {
    if lengths.iter().all(|length| *length >= time) {
        return Ok(None);
    }
    let of = |length: usize| (0..time).map(move |at| if at < length { 0.0 } else { MASKED });
    let mask: Vec<f32> = lengths.iter().flat_map(|length| of(*length)).collect();
    Ok(Some(Tensor::from_vec(mask, (lengths.len(), 1, 1, time), device)?))
}

/// `[rows, 1, new, time]` for the newest `new` of `time` columns: what lies ahead is masked, and the first
/// `pads[row]` columns, which hold nothing. None when nothing is.
pub(super) fn causal_mask(pads: &[usize], new: usize, time: usize, device: &Device) -> Result<Option<Tensor>> {
    if new == 1 && pads.iter().all(|pad| *pad == 0) {
        return Ok(None);
    }
    let mut mask = Vec::with_capacity(pads.len() * new * time);
    for pad in pads {
        for query in time - new..time {
            mask.extend((0..time).map(|key| if key > query || key < *pad { MASKED } else { 0.0 }));
        }
    }
    Ok(Some(Tensor::from_vec(mask, (pads.len(), 1, new, time), device)?))
}
