//! When each token was said: dynamic time warping over the attention of the decoder's alignment heads.
//!
//! The method and its constants are those OpenAI published with `whisper/timing.py`, with two differences: every token
//! takes at least one position, so that times rise, and what precedes the first token is nobody's.

/// Positions the attention is smoothed over by their median.
const MEDIAN: usize = 7;

/// Attention of the alignment heads before its softmax: of `heads`, `tokens` rows of `stride` positions, of which the
/// first `positions` hold the audio.
pub(super) struct Attention<'a> {
    pub scores: &'a [f32],
    pub heads: usize,
    pub tokens: usize,
    pub stride: usize,
    pub positions: usize,
}

/// The position where each of the rows from `first` on begins, rising; or fewer when the audio has fewer positions.
pub(super) fn begins(attention: &Attention<'_>, first: usize) -> Vec<usize> {
    let rows = attention.tokens.saturating_sub(first);
    if rows == 0 || attention.positions < rows {
        return (0..rows.min(attention.positions)).collect();
    }
    warp(&follow(attention, first), rows, attention.positions)
}

/// How much each row from `first` on follows each position: the mean of the heads' standardised attention.
fn follow(attention: &Attention<'_>, first: usize) -> Vec<f32> {
    let (tokens, positions) = (attention.tokens, attention.positions);
    let mut mean = vec![0.0; (tokens - first) * positions];
    for head in 0..attention.heads {
        let mut weights = Vec::with_capacity(tokens * positions);
        for token in 0..tokens {
            let at = (head * tokens + token) * attention.stride;
            weights.extend(softmax(&attention.scores[at..at + positions]));
        }
        standardise(&mut weights, positions);
        for token in first..tokens {
            let smooth = median(&weights[token * positions..(token + 1) * positions]);
            let sums = &mut mean[(token - first) * positions..];
            sums.iter_mut().zip(smooth).for_each(|(sum, value)| *sum += value / attention.heads as f32);
        }
    }
    mean
}

fn softmax(scores: &[f32]) -> impl Iterator<Item = f32> {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = scores.iter().map(|score| (score - most).exp()).sum();
    scores.iter().map(move |score| (score - most).exp() / sum)
}

/// To mean zero and deviation one over the tokens, at each position.
fn standardise(weights: &mut [f32], positions: usize) {
    let tokens = (weights.len() / positions) as f32;
    for position in 0..positions {
        let column = || weights.iter().skip(position).step_by(positions);
        let mean = column().sum::<f32>() / tokens;
        let deviation = (column().map(|weight| (weight - mean).powi(2)).sum::<f32>() / tokens).sqrt().max(1e-9);
        weights.iter_mut().skip(position).step_by(positions).for_each(|w| *w = (*w - mean) / deviation);
    }
}

/// Mirrored at both ends.
fn median(row: &[f32]) -> impl Iterator<Item = f32> {
    let (last, half) = (row.len() as isize - 1, (MEDIAN / 2) as isize);
    (0..=last).map(move |at| {
        let mut near: [f32; MEDIAN] = std::array::from_fn(|n| {
            let index = (at + n as isize - half).abs();
            let index = if index > last { (2 * last - index).max(0) } else { index };
            row[index as usize]
        });
        near.sort_by(f32::total_cmp);
        near[MEDIAN / 2]
    })
}

/// The best path: rows in their order, each at least one position long, the first from anywhere on.
fn warp(follow: &[f32], rows: usize, positions: usize) -> Vec<usize> {
    let mut best = vec![f32::MIN; rows * positions];
    // Whether the row begins here on the best path to here.
    let mut begins = vec![false; rows * positions];
    for row in 0..rows {
        for position in row..positions {
            let at = row * positions + position;
            let stay = if position > row { best[at - 1] } else { f32::MIN };
            let come = match row {
                0 => 0.0,
                _ => best[at - positions - 1],
            };
            begins[at] = come >= stay;
            best[at] = come.max(stay) + follow[at];
        }
    }
    let mut path = vec![0; rows];
    let mut position = positions - 1;
    for row in (0..rows).rev() {
        while position > row && !begins[row * positions + position] {
            position -= 1;
        }
        path[row] = position;
        position = position.saturating_sub(1);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One head that looks at the 20 positions from `seen[row]` on.
    fn looking(seen: &[usize], positions: usize) -> Vec<f32> {
        let mut scores = vec![0.0; seen.len() * positions];
        for (row, at) in seen.iter().enumerate() {
            (*at..at + 20).for_each(|at| scores[row * positions + at] = 8.0);
        }
        scores
    }

    #[test]
    fn tokens_begin_where_attention_moves_to() {
        let scores = looking(&[0, 20, 40, 60], 80);
        let attention = Attention { scores: &scores, heads: 1, tokens: 4, stride: 80, positions: 80 };
        let begins = begins(&attention, 1);
        assert_eq!(begins.len(), 3);
        for (begin, expected) in begins.iter().zip([20, 40, 60]) {
            assert!(begin.abs_diff(expected) <= 3, "{begins:?}");
        }
    }

    #[test]
    fn more_tokens_than_positions_are_not_all_placed() {
        let attention = Attention { scores: &[0.0; 12], heads: 1, tokens: 4, stride: 3, positions: 3 };
        assert_eq!(begins(&attention, 0), [0, 1, 2]);
    }

    proptest::proptest! {
        #[test]
        fn begins_rise_and_lie_within_the_audio(
            scores in proptest::collection::vec(-20.0f32..20.0, 2 * 6 * 30), positions in 1usize..30, first in 0usize..6,
        ) {
            let attention = Attention { scores: &scores, heads: 2, tokens: 6, stride: 30, positions };
            let begins = begins(&attention, first);
            proptest::prop_assert_eq!(begins.len(), (6 - first).min(positions));
            proptest::prop_assert!(begins.windows(2).all(|pair| pair[0] < pair[1]));
            proptest::prop_assert!(begins.iter().all(|at| *at < positions));
        }
    }
}
