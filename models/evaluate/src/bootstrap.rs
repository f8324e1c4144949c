//! How far a corpus figure can be trusted, by drawing recordings anew (Bisani and Ney 2004).

use crate::random::Random;
use serde::Serialize;

/// Draws of the whole list. The ends of a 95 % interval then rest on 50 draws each.
const DRAWS: usize = 2_000;

const SEED: u64 = 20_260_101;

/// Where 95 % of the draws lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// The 95 % interval of `figure` over lists of as many items drawn from `items` with replacement; `None` with fewer
/// than two items, which say nothing of how they vary.
pub fn interval<T>(items: &[T], figure: impl Fn(&mut dyn Iterator<Item = &T>) -> f64) -> Option<Interval> {
    if items.len() < 2 {
        return None;
    }
    let mut random = Random::seeded(SEED);
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn: Vec<usize> = items.iter().map(|_| random.below(items.len())).collect();
            figure(&mut drawn.into_iter().filter_map(|index| items.get(index)))
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| draws.get(((DRAWS - 1) as f64 * share).round() as usize).copied();
    Some(Interval { low: at(0.025)?, high: at(0.975)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mean(items: &mut dyn Iterator<Item = &f64>) -> f64 {
        let all: Vec<f64> = items.copied().collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    #[test]
    fn equal_recordings_leave_no_doubt_and_one_recording_says_nothing() {
        assert_eq!(interval(&[0.25; 8], mean), Some(Interval { low: 0.25, high: 0.25 }));
        assert_eq!(interval(&[0.25], mean), None);
    }

    #[test]
    fn the_mean_of_a_coin_lies_within_two_standard_errors() {
        let coin: Vec<f64> = (0..100).map(|n| f64::from(n % 2)).collect();
        let found = interval(&coin, mean).unwrap();
        // The standard error is 0.05, so that the interval reaches about 0.098 to each side.
        assert!((found.low - 0.402).abs() < 0.015 && (found.high - 0.598).abs() < 0.015, "{found:?}");
    }

    proptest! {
        #[test]
        fn an_interval_lies_within_the_values(values in proptest::collection::vec(0.0f64..1.0, 2..30)) {
            let found = interval(&values, mean).unwrap();
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(lowest - 1e-9 <= found.low && found.low <= found.high && found.high <= highest + 1e-9);
        }
    }
}
