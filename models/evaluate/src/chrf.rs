//! chrF2 (Popović 2015, 2016) as sacreBLEU scores by default: character n-grams up to 6, spaces left out, recall
//! counted twice; signature `nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no`.

use std::{collections::HashMap, iter::Sum};

/// Longest n-gram, in characters.
const ORDERS: usize = 6;

/// How much more recall counts than precision, squared.
const BETA_SQUARED: f64 = 4.0;

/// What a corpus score is computed from. Statistics of several sentences are added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    matches: [u64; ORDERS],
    translation: [u64; ORDERS],
    reference: [u64; ORDERS],
}

/// Statistics of one sentence.
pub fn statistics(translation: &str, reference: &str) -> Statistics {
    let characters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<Vec<char>>();
    let (translation, reference) = (characters(translation), characters(reference));
    let mut found = Statistics::default();
    for order in 1..=ORDERS {
        let mut available: HashMap<&[char], u64> = HashMap::new();
        for gram in reference.windows(order) {
            *available.entry(gram).or_default() += 1;
            found.reference[order - 1] += 1;
        }
        for gram in translation.windows(order) {
            found.translation[order - 1] += 1;
            if let Some(left) = available.get_mut(gram).filter(|left| **left > 0) {
                *left -= 1;
                found.matches[order - 1] += 1;
            }
        }
        // n-grams of an order that the reference does not have are not held against the translation.
        if found.reference[order - 1] == 0 {
            found.translation[order - 1] = 0;
        }
    }
    found
}

impl Sum for Statistics {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            for order in 0..ORDERS {
                sum.matches[order] += one.matches[order];
                sum.translation[order] += one.translation[order];
                sum.reference[order] += one.reference[order];
            }
            sum
        })
    }
}

impl Statistics {
    /// 0 to 100.
    pub fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for order in 0..ORDERS {
            if self.translation[order] > 0 && self.reference[order] > 0 {
                precision += self.matches[order] as f64 / self.translation[order] as f64;
                recall += self.matches[order] as f64 / self.reference[order] as f64;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        100.0 * (1.0 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pair_of_short_words_is_worked_out_by_hand() {
        // "dor" against "dores": precision 1, 1, 1; recall 3/5, 2/4, 1/3; mean recall 43/90.
        let recall: f64 = 43.0 / 90.0;
        let expected = 100.0 * 5.0 * recall / (4.0 + recall);
        assert!((statistics("dor", "dores").score() - expected).abs() < 1e-9);
    }

    #[test]
    fn spaces_do_not_count() {
        assert_eq!(statistics("no fever", "nofever"), statistics("nofever", "nofever"));
    }

    proptest! {
        #[test]
        fn a_score_lies_between_0_and_100_and_a_text_against_itself_has_100(a in "[a-d ]{0,40}", b in "[a-d ]{0,40}") {
            let score = statistics(&a, &b).score();
            prop_assert!((0.0..=100.0 + 1e-9).contains(&score));
            if !a.trim().is_empty() {
                prop_assert!((statistics(&a, &a).score() - 100.0).abs() < 1e-9);
            }
        }
    }
}
