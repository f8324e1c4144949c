//! Areas under the curves, over hours that may each count several times: drawing patients anew is then a matter of
//! weights, and sorting is done once.

/// Hours in the order of their scores.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// Index of the hour, whether it is positive, and whether the next score differs from this one.
    order: Vec<(u32, bool, bool)>,
}

impl Ranked {
    /// Scores that are not numbers rank lowest.
    pub fn new(scores: &[f32], labels: &[bool]) -> Self {
        let finite = |index: u32| {
            let score = scores[index as usize];
            if score.is_nan() { f32::NEG_INFINITY } else { score }
        };
        let mut order: Vec<u32> = (0..scores.len().min(labels.len()) as u32).collect();
        order.sort_by(|a, b| finite(*b).total_cmp(&finite(*a)));
        let tied = |a: u32, b: u32| finite(a).total_cmp(&finite(b)).is_eq();
        let last = |place: usize| order.get(place + 1).is_none_or(|next| !tied(*next, order[place]));
        let order = order.iter().enumerate().map(|(place, at)| (*at, labels[*at as usize], last(place))).collect();
        Self { order }
    }

    /// Area under the ROC curve: the chance that a positive hour ranks above a negative one, ties counting a half
    /// (Mann and Whitney 1947). `None` unless both kinds are there.
    pub fn auroc(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut positive, mut negative, mut area) = (0.0, 0.0, 0.0);
        let (mut tied_positive, mut tied_negative) = (0.0, 0.0);
        for (at, label, last) in &self.order {
            let weight = weight(*at as usize);
            if *label {
                tied_positive += weight;
            } else {
                tied_negative += weight;
            }
            if *last {
                area += tied_negative * (positive + 0.5 * tied_positive);
                positive += tied_positive;
                negative += tied_negative;
                (tied_positive, tied_negative) = (0.0, 0.0);
            }
        }
        (positive > 0.0 && negative > 0.0).then(|| area / (positive * negative))
    }

    /// Area under the precision-recall curve as average precision: the mean precision at each positive hour, hours of
    /// equal scores taken together. `None` without positive hours.
    pub fn average_precision(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut positive, mut all, mut sum) = (0.0, 0.0, 0.0);
        let mut tied = 0.0;
        for (at, label, last) in &self.order {
            let weight = weight(*at as usize);
            all += weight;
            if *label {
                tied += weight;
            }
            if *last && all > 0.0 {
                positive += tied;
                sum += tied * positive / all;
                tied = 0.0;
            }
        }
        (positive > 0.0).then(|| sum / positive)
    }
}

/// Area under the ROC curve within strata, averaged by their positive hours: how well hours are told apart that are
/// alike in the stratum, such as the hour of the stay.
pub fn stratified_auroc(scores: &[f32], labels: &[bool], strata: &[u32]) -> Option<f64> {
    let mut order: Vec<usize> = (0..strata.len()).collect();
    order.sort_by_key(|at| strata[*at]);
    let (mut sum, mut count) = (0.0, 0.0);
    for stratum in order.chunk_by(|a, b| strata[*a] == strata[*b]) {
        let (inside, truth): (Vec<f32>, Vec<bool>) = stratum.iter().map(|at| (scores[*at], labels[*at])).unzip();
        let positive = truth.iter().filter(|label| **label).count() as f64;
        if let Some(area) = Ranked::new(&inside, &truth).auroc(|_| 1.0) {
            sum += area * positive;
            count += positive;
        }
    }
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn auroc(scores: &[f32], labels: &[bool]) -> Option<f64> {
        Ranked::new(scores, labels).auroc(|_| 1.0)
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        let labels = [true, false, true, false];
        assert_eq!(auroc(&[4.0, 1.0, 3.0, 2.0], &labels), Some(1.0));
        assert_eq!(auroc(&[1.0; 4], &labels), Some(0.5));
        // Pairs by hand: (0.9, 0.1) (0.9, 0.5) (0.4, 0.1) are in order, (0.4, 0.5) is not.
        assert_eq!(auroc(&[0.9, 0.1, 0.4, 0.5], &labels), Some(0.75));
        assert_eq!(auroc(&[1.0, 2.0], &[true, true]), None);
    }

    #[test]
    fn average_precision_by_hand() {
        // Ranks: positive, negative, positive, negative: (1/1 + 2/3) / 2.
        let ranked = Ranked::new(&[4.0, 3.0, 2.0, 1.0], &[true, false, true, false]);
        assert!((ranked.average_precision(|_| 1.0).unwrap() - 5.0 / 6.0).abs() < 1e-12);
        // All tied: precision is the share of positives.
        let tied = Ranked::new(&[1.0; 4], &[true, false, false, false]);
        assert_eq!(tied.average_precision(|_| 1.0), Some(0.25));
    }

    #[test]
    fn a_score_that_only_tells_the_stratum_is_worth_nothing_within_it() {
        let scores = [1.0, 1.0, 2.0, 2.0, 2.0];
        let (labels, strata) = ([false, true, true, true, false], [1, 1, 2, 2, 2]);
        assert_eq!(stratified_auroc(&scores, &labels, &strata), Some(0.5));
    }

    proptest! {
        #[test]
        fn a_weight_of_two_is_as_good_as_being_there_twice(
            hours in proptest::collection::vec((0u8..6, any::<bool>(), 0usize..3), 1..30)
        ) {
            let (scores, rest): (Vec<f32>, Vec<_>) = hours.iter().map(|(s, l, w)| (f32::from(*s), (*l, *w))).unzip();
            let (labels, weights): (Vec<bool>, Vec<usize>) = rest.into_iter().unzip();
            let ranked = Ranked::new(&scores, &labels);
            let repeated = (0..scores.len()).flat_map(|at| std::iter::repeat_n((scores[at], labels[at]), weights[at]));
            let (scores, labels): (Vec<f32>, Vec<bool>) = repeated.unzip();
            let plain = Ranked::new(&scores, &labels);
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                (a, b) => a == b,
            };
            let weight = |at: usize| weights[at] as f64;
            prop_assert!(near(ranked.auroc(weight), plain.auroc(|_| 1.0)));
            prop_assert!(near(ranked.average_precision(weight), plain.average_precision(|_| 1.0)));
        }
    }
}
