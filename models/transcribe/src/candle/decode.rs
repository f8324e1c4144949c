//! From encoded recordings to tokens, all recordings of a batch together.

use super::{
    network::{Network, State},
    search::{Candidate, Frame, Hypothesis, Next, Search},
    vocabulary::Vocabulary,
};
use candle_core::Result;
use healthsync_models::tasks::Cancel;
use rayon::prelude::*;

/// Most tokens of a text and its stamps, as in whisper.cpp: with the longest prompt they fit the decoder's 448 positions.
pub(super) const MAX_TOKENS: usize = 220;

/// Tokens of earlier text that fit before that: 448 without those, and five that open a transcript.
pub(super) const MAX_PROMPT: usize = 223;

/// Tokens that open a transcript: start, language, task. Where the first is read, silence shows.
const OPENING: usize = 3;

/// What is asked of one recording.
pub(super) struct Job {
    /// Tokens of earlier text, at most [`MAX_PROMPT`].
    pub prompt: Vec<u32>,
    pub language: u32,
    /// Hypotheses kept at a time.
    pub beams: usize,
    /// Most tokens of the text and its stamps, at most [`MAX_TOKENS`].
    pub limit: usize,
    /// Steps of 20 ms that hold the audio.
    pub positions: usize,
    /// Looked at before every token.
    pub cancel: Cancel,
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
/// leaves it, and one that nobody waits for any more.
pub(super) fn decode(
    network: &Network,
    vocabulary: &Vocabulary,
    state: &mut State,
    jobs: &[Job],
) -> Result<Vec<Decoded>> {
    let Opened { mut searches, no_speech, mut logits } = open(network, vocabulary, state, jobs)?;
    loop {
        let kept = advance(vocabulary, &logits, &mut searches, jobs);
        if kept.is_empty() {
            break;
        }
        network.keep(state, &kept)?;
        let tokens: Vec<u32> = searches.iter().flat_map(Search::newest).collect();
        let hidden = network.step(state, &tokens)?;
        logits = network.logits(&hidden, 0)?;
    }
    let decoded = |(search, no_speech): (Search, f32)| Decoded { text: search.best(), no_speech };
    Ok(searches.into_iter().zip(no_speech).map(decoded).collect())
}

/// Recordings whose openings have been read.
pub(super) struct Opened {
    pub searches: Vec<Search>,
    pub no_speech: Vec<f32>,
    /// What may come first.
    pub logits: Vec<f32>,
}

/// Reads what comes before each text, one row a recording.
pub(super) fn open(network: &Network, vocabulary: &Vocabulary, state: &mut State, jobs: &[Job]) -> Result<Opened> {
    let texts: Vec<Vec<u32>> = jobs.iter().map(|job| opening(vocabulary, job)).collect();
    let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
    let hidden = network.begin(state, &texts)?;
    let no_speech = shares(&network.logits(&hidden, longest - OPENING)?, jobs.len(), vocabulary.no_speech);
    let search = |job: &Job| {
        let (first_stamp, last_stamp) = vocabulary.stamps();
        let last_stamp = last_stamp.min(first_stamp + job.positions as u32);
        let frame = Frame { end: vocabulary.end, first_stamp, last_stamp };
        Search::new(job.beams, job.limit.min(MAX_TOKENS), frame)
    };
    let searches = jobs.iter().map(search).collect();
    Ok(Opened { searches, no_speech, logits: network.logits(&hidden, longest - 1)? })
}

/// One token further for every search. Returns the rows that the next ones come from.
pub(super) fn advance(vocabulary: &Vocabulary, logits: &[f32], searches: &mut [Search], jobs: &[Job]) -> Vec<usize> {
    let next: Vec<Next> = searches.iter().flat_map(Search::next).collect();
    let mut likeliest = likeliest(logits, &next, vocabulary).into_iter();
    let (mut kept, mut before) = (Vec::new(), 0);
    for (search, job) in searches.iter_mut().zip(jobs) {
        let rows = search.rows();
        let of_row = |(row, tokens): (usize, Vec<(u32, f32)>)| {
            tokens.into_iter().map(move |(token, log_probability)| Candidate { row, token, log_probability })
        };
        let candidates = likeliest.by_ref().take(rows).enumerate().flat_map(of_row).collect();
        if job.cancel.is_cancelled() {
            search.abandon();
        } else {
            kept.extend(search.advance(candidates).into_iter().map(|row| before + row));
        }
        before += rows;
    }
    kept
}

/// What the decoder reads before it writes.
fn opening(vocabulary: &Vocabulary, job: &Job) -> Vec<u32> {
    let mut tokens = Vec::new();
    if !job.prompt.is_empty() {
        tokens.push(vocabulary.previous);
        tokens.extend(&job.prompt[job.prompt.len().saturating_sub(MAX_PROMPT)..]);
    }
    tokens.extend([vocabulary.start, job.language, vocabulary.transcribe]);
    tokens
}

/// How a transcript without stamps begins.
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

/// For each row the likeliest tokens that may come next, with the logarithm of their probability among those. Stamps
/// stand together as one candidate, the likeliest of them with the probability of all: that a stretch begins or ends here
/// is one thing to say, and hypotheses of the same words would crowd the beam. It is the only one where it is likelier
/// than any other token (`ApplyTimestampRules` of `whisper/decoding.py`).
fn likeliest(logits: &[f32], next: &[Next], vocabulary: &Vocabulary) -> Vec<Vec<(u32, f32)>> {
    let rows = next.len();
    (0..rows)
        .into_par_iter()
        .map(|row| {
            let column = logits.iter().skip(row).step_by(rows).copied();
            of_row(column, &next[row], vocabulary.end, vocabulary.allowed(next[row].first))
        })
        .collect()
}

/// `column`: the logit of every token.
fn of_row(column: impl Iterator<Item = f32>, next: &Next, end: u32, allowed: &[bool]) -> Vec<(u32, f32)> {
    let mut words = Sum::default();
    let mut stamps = Sum::default();
    let mut top: Vec<(u32, f32)> = Vec::with_capacity(next.wanted + 1);
    for (token, logit) in (0u32..).zip(column) {
        if next.stamps.contains(&token) {
            stamps.add(token, logit);
            continue;
        }
        let may = if token == end { next.end } else { next.text && token < end };
        if !may || !allowed.get(token as usize).is_some_and(|allowed| *allowed) {
            continue;
        }
        words.add(token, logit);
        if top.len() < next.wanted || top.last().is_some_and(|(_, least)| logit > *least) {
            let at = top.partition_point(|(_, other)| *other >= logit);
            top.insert(at, (token, logit));
            top.truncate(next.wanted);
        }
    }
    if stamps.logarithm() > words.most {
        return vec![(stamps.likeliest, 0.0)];
    }
    let all = words.and(&stamps).logarithm();
    if stamps.relative > 0.0 {
        let at = top.partition_point(|(_, other)| *other >= stamps.logarithm());
        top.insert(at, (stamps.likeliest, stamps.logarithm()));
        top.truncate(next.wanted);
    }
    for (_, logit) in &mut top {
        *logit -= all;
    }
    top
}

/// A sum of exponentials of logits, kept relative to the largest.
#[derive(Clone, Copy)]
struct Sum {
    likeliest: u32,
    most: f32,
    /// By that of the largest.
    relative: f32,
}

impl Default for Sum {
    fn default() -> Self {
        Self { likeliest: 0, most: f32::NEG_INFINITY, relative: 0.0 }
    }
}

impl Sum {
    fn add(&mut self, token: u32, logit: f32) {
        if logit > self.most {
            self.relative = self.relative * (self.most - logit).exp() + 1.0;
            (self.likeliest, self.most) = (token, logit);
        } else {
            self.relative += (logit - self.most).exp();
        }
    }

    fn and(mut self, other: &Self) -> Self {
        let most = self.most.max(other.most);
        let of = |sum: &Self| if sum.relative > 0.0 { sum.relative * (sum.most - most).exp() } else { 0.0 };
        self.relative = of(&self) + of(other);
        self.most = most;
        self
    }

    /// Minus infinity of nothing.
    fn logarithm(&self) -> f32 {
        self.most + self.relative.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u32 = 3;

    #[allow(clippy::reversed_empty_ranges)]
    const NONE: std::ops::RangeInclusive<u32> = 1..=0;

    /// Three words and an end, then four stamps.
    fn of(logits: [f32; 8], next: Next, allowed: [bool; 4]) -> Vec<(u32, f32)> {
        of_row(logits.into_iter(), &next, END, &allowed)
    }

    fn next(wanted: usize, stamps: std::ops::RangeInclusive<u32>) -> Next {
        Next { wanted, text: true, end: true, first: false, stamps }
    }

    fn tokens(top: &[(u32, f32)]) -> Vec<u32> {
        top.iter().map(|(token, _)| *token).collect()
    }

    #[test]
    fn the_likeliest_allowed_tokens_come_in_order_with_their_share() {
        let top = of([3.0, 1.0, 2.0, 9.0, 8.0, 8.0, 8.0, 8.0], next(2, NONE), [true, true, true, false]);
        assert_eq!(tokens(&top), [0, 2]);
        let sum = 3f32.exp() + 1f32.exp() + 2f32.exp();
        assert!((top[0].1.exp() - 3f32.exp() / sum).abs() < 1e-5);
    }

    #[test]
    fn stamps_are_one_candidate_with_the_share_of_all() {
        let top = of([3.0, 1.0, 2.0, 1.5, 9.0, 0.5, 1.0, 0.5], next(5, 5..=7), [true; 4]);
        assert_eq!(tokens(&top), [0, 2, 6, 3, 1]);
        let stamps = 2.0 * 0.5f32.exp() + 1f32.exp();
        let all = stamps + [3.0f32, 1.0, 2.0, 1.5].map(f32::exp).iter().sum::<f32>();
        assert!((top[2].1.exp() - stamps / all).abs() < 1e-5);
    }

    #[test]
    fn stamps_that_are_together_likelier_than_any_word_come_alone() {
        let top = of([3.0, 1.0, 2.0, 1.0, 2.9, 2.5, 2.7, 2.5], next(5, 4..=7), [true; 4]);
        assert_eq!(top, [(4, 0.0)]);
    }

    #[test]
    fn where_only_a_stamp_or_the_end_may_come_no_word_does() {
        let only = Next { text: false, ..next(5, 6..=7) };
        assert_eq!(tokens(&of([9.0, 9.0, 9.0, 2.0, 0.0, 0.0, 0.5, 0.4], only.clone(), [true; 4])), [3, 6]);
        let top = of([9.0, 9.0, 9.0, 2.0, 0.0, 0.0, 0.5, 0.4], Next { end: false, ..only }, [true; 4]);
        assert_eq!(top, [(6, 0.0)]);
    }

    #[test]
    fn where_nothing_may_come_there_is_nothing() {
        let nothing = Next { text: false, end: false, ..next(5, NONE) };
        assert!(of([1.0; 8], nothing, [true; 4]).is_empty());
    }

    #[test]
    fn a_share_is_of_all_tokens() {
        let shares = shares(&[1.0, 0.0, 1.0, 0.0, 1.0, 2.0], 2, 2);
        assert!((shares[0] - 1.0 / 3.0).abs() < 1e-6);
        assert!((shares[1] - 2f32.exp() / (2.0 + 2f32.exp())).abs() < 1e-6);
    }
}
