//! From encoded recordings to tokens, all recordings of a batch together.

use super::{
    network::{Network, State},
    search::{Candidate, Hypothesis, Search},
    vocabulary::Vocabulary,
};
use candle_core::{Result, Tensor};
use rayon::prelude::*;

/// Most tokens of a text, as in whisper.cpp: with the longest prompt they fill the decoder's 448 positions.
pub(super) const MAX_TOKENS: usize = 220;

/// Tokens of earlier text that fit before that: 448 without those, and five that open a transcript.
pub(super) const MAX_PROMPT: usize = 223;

/// What is asked of one recording.
pub(super) struct Job {
    /// Tokens of earlier text, at most [`MAX_PROMPT`].
    pub prompt: Vec<u32>,
    pub language: u32,
    /// Hypotheses kept at a time.
    pub beams: usize,
    /// Most tokens of the text, at most [`MAX_TOKENS`].
    pub limit: usize,
}

pub(super) struct Decoded {
    pub text: Hypothesis,
    pub no_speech: f32,
}

/// How likely each recording is in each of its candidate languages, given as their tokens: they add up to one.
pub(super) fn languages(
    network: &Network,
    vocabulary: &Vocabulary,
    state: &mut State,
    candidates: &[Vec<u32>],
) -> Result<Vec<Vec<f32>>> {
    let texts = vec![vec![vocabulary.start]; candidates.len()];
    let hidden = network.begin(state, &texts)?;
    let logits = network.logits(&hidden, 0)?;
    let rows = candidates.len();
    let share = |(row, tokens): (usize, &Vec<u32>)| {
        let of = |token: &u32| logits.get(*token as usize * rows + row).copied().unwrap_or(f32::MIN);
        let most = tokens.iter().map(of).fold(f32::MIN, f32::max);
        let sum: f32 = tokens.iter().map(|token| (of(token) - most).exp()).sum();
        tokens.iter().map(|token| (of(token) - most).exp() / sum).collect()
    };
    Ok(candidates.iter().enumerate().map(share).collect())
}

/// The likeliest text of each recording. Rows of the decoder's batch are hypotheses; a recording whose search is over
/// leaves it.
pub(super) fn decode(
    network: &Network,
    vocabulary: &Vocabulary,
    state: &mut State,
    jobs: &[Job],
) -> Result<Vec<Decoded>> {
    let texts: Vec<Vec<u32>> = jobs.iter().map(|job| opening(vocabulary, job)).collect();
    let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
    let mut hidden = network.begin(state, &texts)?;
    // Language, task and timestamps follow the token that starts a transcript, and there silence shows.
    let no_speech = shares(&network.logits(&hidden, longest - 4)?, jobs.len(), vocabulary.no_speech);
    let mut searches: Vec<Search> =
        jobs.iter().map(|job| Search::new(job.beams, job.limit.min(MAX_TOKENS), vocabulary.end)).collect();
    let mut last = longest - 1;
    let mut first = true;
    loop {
        let kept = advance(network, vocabulary, &hidden, last, first, &mut searches)?;
        if kept.is_empty() {
            break;
        }
        network.keep(state, &kept)?;
        let tokens: Vec<u32> = searches.iter().flat_map(Search::newest).collect();
        hidden = network.step(state, &tokens)?;
        (last, first) = (0, false);
    }
    let decoded = |(search, no_speech): (Search, f32)| Decoded { text: search.best(), no_speech };
    Ok(searches.into_iter().zip(no_speech).map(decoded).collect())
}

/// One token further for every search. Returns the rows that the next ones come from.
fn advance(
    network: &Network,
    vocabulary: &Vocabulary,
    hidden: &Tensor,
    column: usize,
    first: bool,
    searches: &mut [Search],
) -> Result<Vec<usize>> {
    let wanted: Vec<usize> =
        searches.iter().flat_map(|search| std::iter::repeat_n(search.wanted(), search.rows())).collect();
    let logits = network.logits(hidden, column)?;
    let mut likeliest = likeliest(&logits, &wanted, vocabulary.allowed(first)).into_iter();
    let (mut kept, mut before) = (Vec::new(), 0);
    for search in searches {
        let rows = search.rows();
        let of_row = |(row, tokens): (usize, Vec<(u32, f32)>)| {
            tokens.into_iter().map(move |(token, log_probability)| Candidate { row, token, log_probability })
        };
        let candidates = likeliest.by_ref().take(rows).enumerate().flat_map(of_row).collect();
        kept.extend(search.advance(candidates).into_iter().map(|row| before + row));
        before += rows;
    }
    Ok(kept)
}

/// What the decoder reads before it writes.
fn opening(vocabulary: &Vocabulary, job: &Job) -> Vec<u32> {
    let mut tokens = Vec::new();
    if !job.prompt.is_empty() {
        tokens.push(vocabulary.previous);
        tokens.extend(&job.prompt[job.prompt.len().saturating_sub(MAX_PROMPT)..]);
    }
    tokens.extend(transcript(vocabulary, job.language));
    tokens
}

/// How a transcript without timestamps begins.
pub(super) fn transcript(vocabulary: &Vocabulary, language: u32) -> [u32; 4] {
    [vocabulary.start, language, vocabulary.transcribe, vocabulary.no_timestamps]
}

/// The probability of one token among all, for each row. `logits`: for each token, one of each row.
fn shares(logits: &[f32], rows: usize, token: u32) -> Vec<f32> {
    (0..rows)
        .map(|row| {
            let column = || logits.iter().skip(row).step_by(rows);
            let most = column().copied().fold(f32::MIN, f32::max);
            let sum: f32 = column().map(|logit| (logit - most).exp()).sum();
            logits.get(token as usize * rows + row).map_or(0.0, |logit| (logit - most).exp() / sum)
        })
        .collect()
}

/// For each row the `wanted[row]` likeliest of the allowed tokens, with the logarithm of their probability among those.
fn likeliest(logits: &[f32], wanted: &[usize], allowed: &[bool]) -> Vec<Vec<(u32, f32)>> {
    let rows = wanted.len();
    let of_row = |row: usize| {
        let tokens = || {
            let column = logits.iter().skip(row).step_by(rows).zip(allowed).enumerate();
            column.filter(|(_, (_, allowed))| **allowed).map(|(token, (logit, _))| (token as u32, *logit))
        };
        let mut top: Vec<(u32, f32)> = Vec::with_capacity(wanted[row] + 1);
        for (token, logit) in tokens() {
            if top.len() == wanted[row] && top.last().is_none_or(|(_, least)| logit <= *least) {
                continue;
            }
            let at = top.partition_point(|(_, other)| *other >= logit);
            top.insert(at, (token, logit));
            top.truncate(wanted[row]);
        }
        let most = top.first().map_or(0.0, |(_, logit)| *logit);
        let sum = most + tokens().map(|(_, logit)| (logit - most).exp()).sum::<f32>().ln();
        top.iter_mut().for_each(|(_, logit)| *logit -= sum);
        top
    };
    (0..rows).into_par_iter().map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_allowed_tokens_come_in_order_with_their_share() {
        // Four tokens, two rows.
        let logits = [3.0, 0.0, 1.0, 0.0, 2.0, 5.0, 9.0, 1.0];
        let top = likeliest(&logits, &[2, 1], &[true, true, true, false]);
        assert_eq!(top[0].iter().map(|(token, _)| *token).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(top[1].iter().map(|(token, _)| *token).collect::<Vec<_>>(), [2]);
        let sum = 3f32.exp() + 1f32.exp() + 2f32.exp();
        assert!((top[0][0].1.exp() - 3f32.exp() / sum).abs() < 1e-5);
    }

    #[test]
    fn a_share_is_of_all_tokens() {
        let shares = shares(&[1.0, 0.0, 1.0, 0.0, 1.0, 2.0], 2, 2);
        assert!((shares[0] - 1.0 / 3.0).abs() < 1e-6);
        assert!((shares[1] - 2f32.exp() / (2.0 + 2f32.exp())).abs() < 1e-6);
    }
}
