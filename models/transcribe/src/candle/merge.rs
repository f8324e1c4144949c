//! States of the decoder put together and taken apart, so that recordings can join and leave between two tokens.

use super::{
    layers::{Cache, length_mask},
    network::{Network, State},
};
use candle_core::{Result, Tensor};

impl Network {
    /// The rows of both, as if they had begun together: what began later is moved to the right, where positions do not
    /// count the empty columns on its left.
    pub fn merge(&self, first: State, second: State) -> Result<State> {
        let time = first.time.max(second.time);
        let audio_time = |state: &State| state.audio.first().map_or(Ok(0), |(keys, _)| keys.dim(2));
        let longest = audio_time(&first)?.max(audio_time(&second)?);
        let (before, shifts) = (first.audio_lengths.len(), [&first, &second].map(|state| time - state.time));
        let both = |a: &(Tensor, Tensor), b: &(Tensor, Tensor)| -> Result<(Tensor, Tensor)> {
            let cat = |a: &Tensor, b: &Tensor| Tensor::cat(&[to_right(a, longest)?, to_right(b, longest)?], 0);
            Ok((cat(&a.0, &b.0)?, cat(&a.1, &b.1)?))
        };
        let audio = first.audio.iter().zip(&second.audio).map(|(a, b)| both(a, b)).collect::<Result<_>>()?;
        let cache = first.cache.into_iter().zip(second.cache).map(|(a, b)| caches(a, b, shifts));
        let audio_lengths = [first.audio_lengths, second.audio_lengths].concat();
        let pads = first.pads.iter().map(|pad| pad + shifts[0]).chain(second.pads.iter().map(|pad| pad + shifts[1]));
        let merged = State {
            audio,
            audio_mask: self.mask(length_mask(&audio_lengths, longest, &self.device)?)?,
            audio_lengths,
            cache: cache.collect::<Result<_>>()?,
            recordings: first.recordings.into_iter().chain(second.recordings.iter().map(|n| n + before)).collect(),
            pads: pads.collect(),
            time,
        };
        trim(merged)
    }

    /// Some of a state's recordings, of which nothing has been read yet.
    pub fn fresh(&self, state: &State, recordings: &[usize]) -> Result<State> {
        let index = self.index(recordings)?;
        let some =
            |(keys, values): &(Tensor, Tensor)| Ok((keys.index_select(&index, 0)?, values.index_select(&index, 0)?));
        Ok(State {
            audio: state.audio.iter().map(some).collect::<Result<_>>()?,
            audio_lengths: recordings.iter().map(|n| state.audio_lengths[*n]).collect(),
            audio_mask: state.audio_mask.as_ref().map(|mask| mask.index_select(&index, 0)).transpose()?,
            cache: vec![None; state.cache.len()],
            recordings: Vec::new(),
            pads: Vec::new(),
            time: 0,
        })
    }
}

/// Filled up on the right: audio that is shorter.
fn to_right(x: &Tensor, longest: usize) -> Result<Tensor> {
    x.pad_with_zeros(2, 0, longest - x.dim(2)?)
}

/// What each has read, moved to the right so that both end together.
fn caches(first: Cache, second: Cache, shifts: [usize; 2]) -> Result<Cache> {
    let (Some(first), Some(second)) = (first, second) else { return Ok(None) };
    let cat = |a: &Tensor, b: &Tensor| {
        Tensor::cat(&[a.pad_with_zeros(2, shifts[0], 0)?, b.pad_with_zeros(2, shifts[1], 0)?], 0)
    };
    Ok(Some((cat(&first.0, &second.0)?, cat(&first.1, &second.1)?)))
}

/// Without the columns that are empty in every row: else they would grow with everyone who comes and goes.
fn trim(mut state: State) -> Result<State> {
    let empty = state.pads.iter().copied().min().unwrap_or(0);
    if empty == 0 {
        return Ok(state);
    }
    for (keys, values) in state.cache.iter_mut().flatten() {
        let kept = keys.dim(2)? - empty;
        (*keys, *values) = (keys.narrow(2, empty, kept)?.contiguous()?, values.narrow(2, empty, kept)?.contiguous()?);
    }
    state.pads.iter_mut().for_each(|pad| *pad -= empty);
    state.time -= empty;
    Ok(state)
}
