//! From log-odds to probabilities that can be taken at their word.

use serde::{Deserialize, Serialize};

/// Steps of Newton's method; it settles in under ten.
const STEPS: usize = 50;

/// Times a step is halved at most.
const HALVINGS: i32 = 40;

/// Platt's scaling of log-odds (Platt 1999): `σ(slope · x + offset)`. With the offset at nought it is the temperature
/// scaling of Guo et al. 2017, the temperature being one over the slope.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    pub slope: f64,
    pub offset: f64,
}

impl Default for Platt {
    fn default() -> Self {
        Self { slope: 1.0, offset: 0.0 }
    }
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub fn log_odds(probability: f64) -> f64 {
    let probability = probability.clamp(1e-9, 1.0 - 1e-9);
    (probability / (1.0 - probability)).ln()
}

impl Platt {
    /// Fitted by maximum likelihood; `None` where the labels are all alike or the scores say nothing.
    pub fn fit(scores: &[f32], labels: &[bool]) -> Option<Self> {
        let positive = labels.iter().filter(|label| **label).count();
        if scores.len() != labels.len() || positive == 0 || positive == labels.len() {
            return None;
        }
        let mut fitted = Self::default();
        for steps in 0..STEPS {
            let Some((step, size)) = fitted.newton(scores, labels) else {
                // Scores that part the labels altogether have no best slope: one so steep will do.
                if steps > 0 {
                    break;
                }
                return None;
            };
            let whole = fitted.moved(step, 1.0);
            // Far from the end, where the curve is all but flat, a whole step may lead beyond it.
            fitted = if size < 1.0 { whole } else { fitted.descend(step, scores, labels) };
            if size < 1e-9 {
                break;
            }
        }
        fitted.is_usable().then_some(fitted)
    }

    /// One step of Newton's method and how large it is.
    fn newton(self, scores: &[f32], labels: &[bool]) -> Option<((f64, f64), f64)> {
        let (mut gradient, mut hessian) = ([0.0; 2], [0.0; 3]);
        for (score, label) in scores.iter().zip(labels) {
            let x = f64::from(*score);
            let p = sigmoid(self.slope * x + self.offset);
            let (error, weight) = (p - f64::from(u8::from(*label)), p * (1.0 - p));
            gradient = [gradient[0] + error * x, gradient[1] + error];
            hessian = [hessian[0] + weight * x * x, hessian[1] + weight * x, hessian[2] + weight];
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        if determinant.abs() < 1e-12 {
            return None;
        }
        let slope = (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant;
        let offset = (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant;
        Some(((slope, offset), slope.abs() + offset.abs()))
    }

    fn moved(self, step: (f64, f64), part: f64) -> Self {
        Self { slope: self.slope - part * step.0, offset: self.offset - part * step.1 }
    }

    /// As much of a step as makes it better: the whole, a half, a quarter, ….
    fn descend(self, step: (f64, f64), scores: &[f32], labels: &[bool]) -> Self {
        let loss = |platt: Self| -> f64 {
            let of = |(score, label): (&f32, &bool)| {
                let logit = platt.slope * f64::from(*score) + platt.offset;
                // ln(1 + e^x) without overflow.
                let positive = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
                if *label { positive - logit } else { positive }
            };
            scores.iter().zip(labels).map(of).sum()
        };
        let before = loss(self);
        let parts = (0..HALVINGS).map(|halvings| 0.5_f64.powi(halvings));
        parts.map(|part| self.moved(step, part)).find(|moved| loss(*moved) < before).unwrap_or(self)
    }

    pub fn probability(&self, score: f32) -> f64 {
        sigmoid(self.slope * f64::from(score) + self.offset)
    }

    /// Whether it keeps the order of scores and has numbers at all.
    pub fn is_usable(&self) -> bool {
        self.slope.is_finite() && self.offset.is_finite() && self.slope > 0.0
    }
}

/// Isotonic regression: the non-decreasing steps nearest to the labels (pool adjacent violators, Ayer et al. 1955).
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// Lowest score of each step and its probability, both ascending.
    steps: Vec<(f32, f64)>,
}

impl Isotonic {
    /// `None` without scores.
    pub fn fit(scores: &[f32], labels: &[bool]) -> Option<Self> {
        let mut pairs: Vec<(f32, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Start, positives, count.
        let mut blocks: Vec<(f32, f64, f64)> = Vec::new();
        for (score, label) in pairs {
            let label = f64::from(u8::from(label));
            match blocks.last_mut() {
                Some(last) if last.0.total_cmp(&score).is_eq() => *last = (last.0, last.1 + label, last.2 + 1.0),
                _ => blocks.push((score, label, 1.0)),
            }
            while let [.., before, last] = blocks.as_slice() {
                if before.1 * last.2 < last.1 * before.2 {
                    break;
                }
                let merged = (before.0, before.1 + last.1, before.2 + last.2);
                blocks.truncate(blocks.len() - 2);
                blocks.push(merged);
            }
        }
        let steps: Vec<_> = blocks.into_iter().map(|(start, positive, count)| (start, positive / count)).collect();
        (!steps.is_empty()).then_some(Self { steps })
    }

    pub fn probability(&self, score: f32) -> f64 {
        let above = self.steps.partition_point(|(start, _)| *start <= score);
        self.steps[above.saturating_sub(1)].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use proptest::prelude::*;

    #[test]
    fn scaling_finds_a_slope_however_little_the_scores_differ() {
        for spread in [1e-3, 1e-2, 30.0] {
            let mut rng = Rng::seeded(4);
            let labels: Vec<bool> = (0..2_000).map(|_| rng.chance(0.1)).collect();
            let shift = |label: bool| if label { 1.0 } else { -1.0 };
            let scores: Vec<f32> = labels.iter().map(|label| spread * (rng.normal() + shift(*label)) - 0.5).collect();
            let fitted = Platt::fit(&scores, &labels).unwrap();
            // Two normal distributions two standard deviations apart.
            let slope = fitted.slope * f64::from(spread);
            assert!((slope - 2.0).abs() < 0.3, "{spread}: {slope}");
        }
    }

    #[test]
    fn scaling_finds_the_slope_and_offset_that_made_the_labels() {
        let mut rng = Rng::seeded(9);
        let scores: Vec<f32> = (0..40_000).map(|_| 2.0 * rng.normal()).collect();
        let chance = |score: f32| sigmoid(0.5 * f64::from(score) - 1.0) as f32;
        let labels: Vec<bool> = scores.iter().map(|score| rng.chance(chance(*score))).collect();
        let fitted = Platt::fit(&scores, &labels).unwrap();
        assert!((fitted.slope - 0.5).abs() < 0.03 && (fitted.offset + 1.0).abs() < 0.05, "{fitted:?}");
    }

    #[test]
    fn labels_that_are_all_alike_cannot_be_calibrated() {
        assert_eq!(Platt::fit(&[1.0, 2.0], &[true, true]), None);
        assert_eq!(Platt::fit(&[1.0, 1.0], &[true, false]), None, "one score says nothing of a slope");
        assert_eq!(Isotonic::fit(&[], &[]), None);
    }

    #[test]
    fn isotonic_steps_pool_what_is_out_of_order() {
        // By hand: 1→0, 2→1, 3→0 are out of order and pool 2 and 3 to a half; 4→1.
        let fitted = Isotonic::fit(&[1.0, 2.0, 3.0, 4.0], &[false, true, false, true]).unwrap();
        let at = |score| fitted.probability(score);
        assert_eq!([at(0.0), at(1.0), at(2.0), at(3.5), at(4.0), at(9.0)], [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]);
    }

    proptest! {
        #[test]
        fn isotonic_probabilities_never_fall_and_keep_the_mean(
            pairs in proptest::collection::vec((-5.0f32..5.0, any::<bool>()), 1..60)
        ) {
            let (scores, labels): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let fitted = Isotonic::fit(&scores, &labels).unwrap();
            prop_assert!(fitted.steps.is_sorted_by(|a, b| a.1 <= b.1));
            let mean: f64 = scores.iter().map(|s| fitted.probability(*s)).sum::<f64>();
            let truth = labels.iter().filter(|label| **label).count() as f64;
            prop_assert!((mean - truth).abs() < 1e-6);
        }
    }
}
