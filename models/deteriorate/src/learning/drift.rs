//! Whether the patients are still those that the model was made for.

use crate::calibrate::Platt;
use serde::{Deserialize, Serialize};

/// Bins of a distribution: tenths of the reference.
const BINS: usize = 10;

/// Share that an empty bin is taken to have, so that its logarithm exists.
const EMPTY: f64 = 1e-4;

/// A population stability index from here on is a shift to look into, and one that forbids changes; the customary
/// thresholds (Siddiqi, *Credit Risk Scorecards*, 2006).
const MODERATE: f64 = 0.10;
const MAJOR: f64 = 0.25;

/// The distribution of scores that others are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Upper ends of all bins but the last.
    edges: Vec<f64>,
    shares: Vec<f64>,
}

/// How far scores have moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    None,
    Moderate,
    Major,
}

impl Drift {
    pub fn of(index: f64) -> Self {
        if index >= MAJOR {
            Self::Major
        } else if index >= MODERATE {
            Self::Moderate
        } else {
            Self::None
        }
    }
}

impl Reference {
    /// `None` without scores.
    pub fn of(scores: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |bin: usize| sorted.get((sorted.len() * bin / BINS).min(sorted.len().saturating_sub(1))).copied();
        let edges = (1..BINS).map(at).collect::<Option<Vec<f64>>>()?;
        let mut reference = Self { edges, shares: Vec::new() };
        reference.shares = reference.spread(&sorted);
        Some(reference)
    }

    fn spread(&self, scores: &[f64]) -> Vec<f64> {
        let mut counts = [0.0; BINS];
        for score in scores {
            counts[self.edges.partition_point(|edge| edge < score)] += 1.0;
        }
        let all = scores.len().max(1) as f64;
        counts.iter().map(|count| count / all).collect()
    }
}

/// The population stability index: the sum over bins of (now − then) · ln(now / then); 0 where nothing has moved.
pub fn population_stability(reference: &Reference, scores: &[f64]) -> f64 {
    let now = reference.spread(scores);
    let one = |(now, then): (&f64, &f64)| {
        let (now, then) = (now.max(EMPTY), then.max(EMPTY));
        (now - then) * (now / then).ln()
    };
    now.iter().zip(&reference.shares).map(one).sum()
}

/// Outcomes that a calibration led to expect, over those that came: 1 is right, above too many. `None` without any.
pub fn expected_to_observed(calibration: &Platt, scores: &[f64], happened: &[bool]) -> Option<f64> {
    let expected: f64 = scores.iter().map(|score| calibration.probability(*score as f32)).sum();
    let observed = happened.iter().filter(|happened| **happened).count();
    (observed > 0).then(|| expected / observed as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn normal(seed: u64, mean: f64) -> Vec<f64> {
        let mut rng = Rng::seeded(seed);
        (0..5_000).map(|_| mean + f64::from(rng.normal())).collect()
    }

    #[test]
    fn the_same_patients_show_no_drift_and_others_do() {
        let reference = Reference::of(&normal(1, 0.0)).unwrap();
        let drift = |mean: f64| Drift::of(population_stability(&reference, &normal(2, mean)));
        assert_eq!([drift(0.0), drift(0.4), drift(1.0)], [Drift::None, Drift::Moderate, Drift::Major]);
        assert_eq!(Reference::of(&[]), None);
    }

    #[test]
    fn the_index_by_hand() {
        // Half of the scores in the first bin, half in the last, where each had a tenth; eight bins are empty.
        let reference = Reference::of(&(0..100).map(f64::from).collect::<Vec<_>>()).unwrap();
        let scores: Vec<f64> = (0..10).map(|n| if n % 2 == 0 { 0.0 } else { 99.0 }).collect();
        let empty = (EMPTY - 0.1) * (EMPTY / 0.1f64).ln();
        let tenth = |share: f64| (0.5 - share) * (0.5 / share).ln();
        // An edge belongs to the bin below it, so that the first has 11 of the hundred and the last 9.
        let expected = 8.0 * empty + tenth(0.11) + tenth(0.09);
        assert!((population_stability(&reference, &scores) - expected).abs() < 1e-9);
    }

    #[test]
    fn expecting_twice_what_comes_is_two() {
        let told = expected_to_observed(&Platt::default(), &[0.0; 4], &[true, false, false, false]);
        assert_eq!(told, Some(2.0));
        assert_eq!(expected_to_observed(&Platt::default(), &[0.0], &[false]), None);
    }
}
