//! Whisper's encoder and decoder (Radford et al. 2022), over batches of recordings of different lengths.

use super::layers::{Cache, CrossAttention, FeedForward, SelfAttention, causal_mask, gelu, length_mask, norm};
use crate::convert::{
    mel::MELS,
    safetensors::{Layout, METADATA},
};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv1d, Conv1dConfig, LayerNorm, Module, VarBuilder};
use safetensors::SafeTensors;

/// Elements of the encoder's attention scores at a time: half a gigabyte in single precision.
const MAX_SCORES: usize = 1 << 27;

struct EncoderBlock {
    norm: LayerNorm,
    attention: SelfAttention,
    rest: FeedForward,
}

struct DecoderBlock {
    norm: LayerNorm,
    attention: SelfAttention,
    cross_norm: LayerNorm,
    cross: CrossAttention,
    rest: FeedForward,
}

pub(super) struct Network {
    pub(super) device: Device,
    dtype: DType,
    heads: usize,
    conv1: Conv1d,
    conv2: Conv1d,
    audio_positions: Tensor,
    encoder: Vec<EncoderBlock>,
    encoder_norm: LayerNorm,
    /// `[vocabulary, width]`: both how tokens come in and how they go out.
    embedding: Tensor,
    text_positions: Tensor,
    decoder: Vec<DecoderBlock>,
    decoder_norm: LayerNorm,
}

/// What the decoder knows: the audio, and the tokens so far. Rows of the same recording follow each other.
#[derive(Clone)]
pub(super) struct State {
    pub(super) audio: Vec<(Tensor, Tensor)>,
    pub(super) audio_lengths: Vec<usize>,
    pub(super) audio_mask: Option<Tensor>,
    pub(super) cache: Vec<Cache>,
    /// Of each row, the recording it belongs to, and columns at its start that hold nothing.
    pub(super) recordings: Vec<usize>,
    pub(super) pads: Vec<usize>,
    pub(super) time: usize,
}

/// Heads of the decoder, by layer and head, and where their attention to the audio is noted.
type Watch<'a> = (&'a [(usize, usize)], &'a mut Vec<Tensor>);

impl Network {
    /// `bytes`: safetensors as `ct2-to-safetensors` writes them.
    pub fn load(bytes: &[u8], dtype: DType, device: &Device) -> Result<Self> {
        let unusable = |what: &str| candle_core::Error::Msg(format!("model.safetensors cannot be used: {what}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| unusable(&e.to_string()))?;
        let described =
            header.metadata().as_ref().and_then(|m| m.get(METADATA)).ok_or_else(|| unusable("no layout"))?;
        let layout: Layout = serde_json::from_str(described).map_err(|e| unusable(&e.to_string()))?;
        let tensors = candle_core::safetensors::load_buffer(bytes, device)?;
        let shape = |name: &str| match tensors.get(name) {
            Some(tensor) => tensor.dims2(),
            None => Err(unusable(&format!("{name} is missing"))),
        };
        let (vocabulary, width) = shape("decoder.token_embedding.weight")?;
        let (audio, text) = (shape("encoder.positional_embedding")?.0, shape("decoder.positional_embedding")?.0);
        if layout.encoder_heads == 0 || layout.decoder_heads == 0 || width % layout.encoder_heads != 0 {
            return Err(unusable("its heads do not fit its width"));
        }
        let from = VarBuilder::from_tensors(tensors, dtype, device);
        let (encoder, decoder) = (from.pp("encoder"), from.pp("decoder"));
        let conv = |name: &str, channels: usize, stride: usize| {
            let config = Conv1dConfig { padding: 1, stride, ..Conv1dConfig::default() };
            let (weight, bias) = ((width, channels, 3), width);
            let from = encoder.pp(name);
            Ok::<_, candle_core::Error>(Conv1d::new(from.get(weight, "weight")?, Some(from.get(bias, "bias")?), config))
        };
        Ok(Self {
            device: device.clone(),
            dtype,
            heads: layout.encoder_heads,
            conv1: conv("conv1", MELS, 1)?,
            conv2: conv("conv2", width, 2)?,
            audio_positions: encoder.get((audio, width), "positional_embedding")?,
            encoder: blocks(&encoder, layout.encoder_layers, |from| {
                EncoderBlock::load(width, layout.encoder_heads, from)
            })?,
            encoder_norm: norm(width, &encoder.pp("ln_post"))?,
            embedding: decoder.get((vocabulary, width), "token_embedding.weight")?,
            text_positions: decoder.get((text, width), "positional_embedding")?,
            decoder: blocks(&decoder, layout.decoder_layers, |from| {
                DecoderBlock::load(width, layout.decoder_heads, from)
            })?,
            decoder_norm: norm(width, &decoder.pp("ln"))?,
        })
    }

    /// Encodes recordings, each `MELS` rows of twice its positions, and forgets the mels.
    pub fn encode(&self, mels: Vec<Vec<f32>>, positions: &[usize]) -> Result<State> {
        let longest = positions.iter().copied().max().unwrap_or(0);
        let at_once = (MAX_SCORES / (self.heads * longest * longest).max(1)).max(1);
        let mut audio = Vec::new();
        for (mels, positions) in mels.chunks(at_once).zip(positions.chunks(at_once)) {
            let encoded = self.encode_some(mels, positions)?;
            let missing = longest - encoded.dim(1)?;
            audio.push(encoded.pad_with_zeros(1, 0, missing)?);
        }
        let audio = Tensor::cat(&audio, 0)?;
        let remember = |block: &DecoderBlock| block.cross.remember(&audio);
        Ok(State {
            audio: self.decoder.iter().map(remember).collect::<Result<_>>()?,
            audio_lengths: positions.to_vec(),
            audio_mask: self.mask(length_mask(positions, longest, &self.device)?)?,
            cache: vec![None; self.decoder.len()],
            recordings: Vec::new(),
            pads: Vec::new(),
            time: 0,
        })
    }

    /// What follows a shorter recording is zero, as the convolutions' own padding is; attention does not see it.
    fn encode_some(&self, mels: &[Vec<f32>], positions: &[usize]) -> Result<Tensor> {
        let longest = positions.iter().copied().max().unwrap_or(0);
        let mut batch = vec![0.0; mels.len() * MELS * 2 * longest];
        let rows = mels.iter().zip(positions).flat_map(|(mel, positions)| mel.chunks(2 * positions));
        for (to, from) in batch.chunks_mut(2 * longest).zip(rows) {
            to[..from.len()].copy_from_slice(from);
        }
        let batch = Tensor::from_vec(batch, (mels.len(), MELS, 2 * longest), &self.device)?.to_dtype(self.dtype)?;
        let x = gelu(&self.conv2.forward(&gelu(&self.conv1.forward(&batch)?)?)?)?;
        let x = x.transpose(1, 2)?.contiguous()?;
        let mut x = x.broadcast_add(&self.audio_positions.narrow(0, 0, longest)?)?;
        let mask = self.mask(length_mask(positions, longest, &self.device)?)?;
        for block in &self.encoder {
            x = (&x + block.attention.forward(&block.norm.forward(&x)?, mask.as_ref(), None)?)?;
            x = block.rest.forward(&x)?;
        }
        self.encoder_norm.forward(&x)
    }

    /// Reads one text for each recording, of any lengths: the shorter ones begin later, so that all end together.
    /// Returns `[recordings, longest, width]`.
    pub fn begin(&self, state: &mut State, texts: &[Vec<u32>]) -> Result<Tensor> {
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        state.recordings = (0..texts.len()).collect();
        state.pads = texts.iter().map(|text| longest - text.len()).collect();
        state.cache.fill(None);
        state.time = 0;
        let padded: Vec<u32> = texts
            .iter()
            .flat_map(|text| std::iter::repeat_n(0, longest - text.len()).chain(text.iter().copied()))
            .collect();
        self.decode(state, &padded, None)
    }

    /// Reads one more token for each row. Returns `[rows, 1, width]`.
    pub fn step(&self, state: &mut State, tokens: &[u32]) -> Result<Tensor> {
        self.decode(state, tokens, None)
    }

    /// Reads one text for each recording from the start. Returns the attention of some heads, by layer and head, to
    /// the audio before its softmax: `[recordings, heads, longest, positions]`. Rows beyond a text's end mean nothing.
    pub fn attention(&self, state: &mut State, texts: &[Vec<u32>], heads: &[(usize, usize)]) -> Result<Tensor> {
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        state.recordings = (0..texts.len()).collect();
        state.pads = vec![0; texts.len()];
        state.cache.fill(None);
        state.time = 0;
        let padded: Vec<u32> = texts
            .iter()
            .flat_map(|text| text.iter().copied().chain(std::iter::repeat_n(0, longest - text.len())))
            .collect();
        let mut seen = Vec::new();
        self.decode(state, &padded, Some((heads, &mut seen)))?;
        Tensor::cat(&seen, 1)?.to_dtype(DType::F32)
    }

    fn decode(&self, state: &mut State, tokens: &[u32], mut watch: Option<Watch<'_>>) -> Result<Tensor> {
        let rows = state.recordings.len();
        let new = tokens.len() / rows.max(1);
        let time = state.time + new;
        let positions: Vec<u32> =
            (0..rows * new).map(|n| (state.time + n % new).saturating_sub(state.pads[n / new]) as u32).collect();
        let embed = |table: &Tensor, ids: Vec<u32>| {
            let ids = Tensor::from_vec(ids, rows * new, &self.device)?;
            table.index_select(&ids, 0)?.reshape((rows, new, ()))
        };
        let mut x = (embed(&self.embedding, tokens.to_vec())? + embed(&self.text_positions, positions)?)?;
        let mask = self.mask(causal_mask(&state.pads, new, time, &self.device)?)?;
        let groups = Groups::of(&state.recordings, state.audio_lengths.len(), &self.device)?;
        for (layer, block) in self.decoder.iter().enumerate() {
            let cache = Some(&mut state.cache[layer]);
            x = (&x + block.attention.forward(&block.norm.forward(&x)?, mask.as_ref(), cache)?)?;
            let queries = groups.gather(&block.cross_norm.forward(&x)?)?;
            let (heard, scores) = block.cross.forward(&queries, &state.audio[layer], state.audio_mask.as_ref())?;
            x = (&x + groups.scatter(&heard)?)?;
            x = block.rest.forward(&x)?;
            if let Some((heads, seen)) = &mut watch {
                for (_, head) in heads.iter().filter(|(of, _)| *of == layer) {
                    seen.push(scores.narrow(1, *head, 1)?);
                }
            }
        }
        state.time = time;
        self.decoder_norm.forward(&x)
    }

    /// The column `at` of `[rows, columns, width]`, as logits of every token: `vocabulary` groups of `rows`. The
    /// large matrix first: with few rows, the other way round it would be copied.
    pub fn logits(&self, hidden: &Tensor, at: usize) -> Result<Vec<f32>> {
        let hidden = hidden.narrow(1, at, 1)?.squeeze(1)?.contiguous()?;
        let logits = self.embedding.matmul(&hidden.t()?)?;
        logits.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }

    /// Keeps of a state only some of its rows, each perhaps several times, and only the recordings they belong to.
    pub fn keep(&self, state: &mut State, rows: &[usize]) -> Result<()> {
        let mut recordings: Vec<usize> = rows.iter().map(|row| state.recordings[*row]).collect();
        let identical = rows.len() == state.recordings.len() && rows.iter().enumerate().all(|(n, row)| n == *row);
        if !identical {
            let index = self.index(rows)?;
            for (keys, values) in state.cache.iter_mut().flatten() {
                (*keys, *values) = (keys.index_select(&index, 0)?, values.index_select(&index, 0)?);
            }
        }
        state.pads = rows.iter().map(|row| state.pads[*row]).collect();
        let mut left = recordings.clone();
        left.dedup();
        if left.len() < state.audio_lengths.len() {
            let index = self.index(&left)?;
            for (keys, values) in &mut state.audio {
                (*keys, *values) = (keys.index_select(&index, 0)?, values.index_select(&index, 0)?);
            }
            if let Some(mask) = &mut state.audio_mask {
                *mask = mask.index_select(&index, 0)?;
            }
            state.audio_lengths = left.iter().map(|n| state.audio_lengths[*n]).collect();
            for recording in &mut recordings {
                *recording = left.binary_search(recording).unwrap_or(0);
            }
        }
        state.recordings = recordings;
        Ok(())
    }

    pub(super) fn index(&self, of: &[usize]) -> Result<Tensor> {
        Tensor::from_vec(of.iter().map(|n| *n as u32).collect(), of.len(), &self.device)
    }

    pub(super) fn mask(&self, mask: Option<Tensor>) -> Result<Option<Tensor>> {
        mask.map(|mask| mask.to_dtype(self.dtype)).transpose()
    }
}

/// Rows side by side by recording, so that a recording's keys and values serve all of its rows at once.
struct Groups {
    recordings: usize,
    /// Most rows of a recording.
    width: usize,
    /// From rows to groups and back; None where both are the same.
    index: Option<(Tensor, Tensor)>,
}

impl Groups {
    fn of(recordings: &[usize], count: usize, device: &Device) -> Result<Self> {
        let mut rows = vec![Vec::new(); count];
        recordings.iter().enumerate().for_each(|(row, recording)| rows[*recording].push(row as u32));
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        if rows.iter().all(|rows| rows.len() == width) {
            return Ok(Self { recordings: count, width, index: None });
        }
        let filled = |rows: &Vec<u32>| (0..width).map(|n| rows.get(n).copied().unwrap_or(0)).collect::<Vec<_>>();
        let there: Vec<u32> = rows.iter().flat_map(filled).collect();
        let back: Vec<u32> = rows
            .iter()
            .enumerate()
            .flat_map(|(recording, rows)| (0..rows.len()).map(move |n| (recording * width + n) as u32))
            .collect();
        let (there_len, back_len) = (there.len(), back.len());
        let index = (Tensor::from_vec(there, there_len, device)?, Tensor::from_vec(back, back_len, device)?);
        Ok(Self { recordings: count, width, index: Some(index) })
    }

    /// `[rows, new, width]` as `[recordings, rows of each * new, width]`.
    fn gather(&self, x: &Tensor) -> Result<Tensor> {
        let new = x.dim(1)?;
        let x = match &self.index {
            Some((there, _)) => x.index_select(there, 0)?,
            None => x.clone(),
        };
        x.reshape((self.recordings, self.width * new, ()))
    }

    fn scatter(&self, x: &Tensor) -> Result<Tensor> {
        let (_, columns, width) = x.dims3()?;
        let x = x.reshape((self.recordings * self.width, columns / self.width.max(1), width))?;
        match &self.index {
            Some((_, back)) => x.index_select(back, 0),
            None => Ok(x),
        }
    }
}

impl EncoderBlock {
    fn load(width: usize, heads: usize, from: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self {
            norm: norm(width, &from.pp("attn_ln"))?,
            attention: SelfAttention::load(width, heads, &from.pp("attn"))?,
            rest: FeedForward::load(width, from)?,
        })
    }
}

impl DecoderBlock {
    fn load(width: usize, heads: usize, from: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self {
            norm: norm(width, &from.pp("attn_ln"))?,
            attention: SelfAttention::load(width, heads, &from.pp("attn"))?,
            cross_norm: norm(width, &from.pp("cross_attn_ln"))?,
            cross: CrossAttention::load(width, heads, &from.pp("cross_attn"))?,
            rest: FeedForward::load(width, from)?,
        })
    }
}

fn blocks<B>(from: &VarBuilder<'_>, count: usize, load: impl Fn(&VarBuilder<'_>) -> Result<B>) -> Result<Vec<B>> {
    (0..count).map(|n| load(&from.pp(format!("blocks.{n}")))).collect()
}
