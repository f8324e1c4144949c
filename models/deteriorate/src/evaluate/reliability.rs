//! Whether probabilities can be taken at their word.

use serde::Serialize;

/// Bins of equal numbers of hours: with bins of equal widths nearly all hours would lie in the first.
const BINS: usize = 10;

/// Hours of alike probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    pub hours: usize,
    /// Mean probability stated.
    pub stated: f64,
    /// Share of hours that were positive.
    pub observed: f64,
}

/// A reliability curve and its mean distance from the diagonal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    pub bins: Vec<Bin>,
    /// Expected calibration error: the mean distance between stated and observed, each bin by its hours.
    pub error: f64,
}

impl Reliability {
    pub fn of(probabilities: &[f64], labels: &[bool]) -> Self {
        let mut order: Vec<usize> = (0..probabilities.len().min(labels.len())).collect();
        order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
        let size = order.len().div_ceil(BINS).max(1);
        let bin = |hours: &[usize]| {
            let count = hours.len() as f64;
            let stated = hours.iter().map(|at| probabilities[*at]).sum::<f64>() / count;
            let observed = hours.iter().filter(|at| labels[**at]).count() as f64 / count;
            Bin { hours: hours.len(), stated, observed }
        };
        let bins: Vec<Bin> = order.chunks(size).map(bin).collect();
        let all = order.len().max(1) as f64;
        let error = bins.iter().map(|bin| bin.hours as f64 / all * (bin.stated - bin.observed).abs()).sum();
        Self { bins, error }
    }
}

/// Mean squared distance of probabilities from what came (Brier 1950); 0 is perfect.
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    let squares = probabilities.iter().zip(labels).map(|(p, label)| (p - f64::from(u8::from(*label))).powi(2));
    let (count, sum) = squares.fold((0usize, 0.0), |(count, sum), square| (count + 1, sum + square));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_that_come_true_lie_on_the_diagonal() {
        let probabilities: Vec<f64> = (0..100).map(|n| if n < 50 { 0.2 } else { 0.8 }).collect();
        let labels: Vec<bool> = (0..100).map(|n| n % 5 == 0 || (n >= 50 && n % 5 != 4)).collect();
        let told = Reliability::of(&probabilities, &labels);
        assert_eq!(told.bins.len(), 10);
        assert!(told.error < 1e-9, "{told:?}");
    }

    #[test]
    fn saying_a_half_of_what_never_comes_is_half_wrong() {
        let told = Reliability::of(&[0.5; 20], &[false; 20]);
        assert!((told.error - 0.5).abs() < 1e-9);
        assert_eq!(brier(&[0.5; 20], &[false; 20]), Some(0.25));
        assert_eq!(brier(&[], &[]), None);
    }
}
