//! BLEU (Papineni et al. 2002) with the tokens of mteval-v13a and exponential smoothing, as sacreBLEU scores by
//! default (Post 2018): signature `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp`.

use crate::patterns::Rules;
use std::{collections::HashMap, iter::Sum, sync::LazyLock};

/// Longest n-gram.
const ORDERS: usize = 4;

static TOKENS: LazyLock<Rules> = LazyLock::new(|| {
    Rules::new([
        // Punctuation and symbols of ASCII, but for apostrophe, comma, hyphen and full stop.
        (r"([\{-\~\[-` -\&\(-\+:-@/])", " $1 "),
        // A full stop or comma, unless it stands between figures.
        (r"([^0-9])([\.,])", "$1 $2 "),
        (r"([\.,])([^0-9])", " $1 $2"),
        // A hyphen after a figure.
        (r"([0-9])(-)", "$1 $2 "),
    ])
});

/// What a corpus score is computed from. Statistics of several sentences are added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    matches: [u64; ORDERS],
    totals: [u64; ORDERS],
    translation: u64,
    reference: u64,
}

/// Words as mteval-v13a cuts them.
pub fn tokens(text: &str) -> Vec<String> {
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    TOKENS.apply(&format!(" {text} ")).split_whitespace().map(str::to_owned).collect()
}

/// Statistics of one sentence.
pub fn statistics(translation: &str, reference: &str) -> Statistics {
    let (translation, reference) = (tokens(translation), tokens(reference));
    let mut found = Statistics {
        translation: translation.len() as u64,
        reference: reference.len() as u64,
        ..Statistics::default()
    };
    for order in 1..=ORDERS {
        let mut available: HashMap<&[String], u64> = HashMap::new();
        for gram in reference.windows(order) {
            *available.entry(gram).or_default() += 1;
        }
        for gram in translation.windows(order) {
            found.totals[order - 1] += 1;
            if let Some(left) = available.get_mut(gram).filter(|left| **left > 0) {
                *left -= 1;
                found.matches[order - 1] += 1;
            }
        }
    }
    found
}

impl Sum for Statistics {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            for order in 0..ORDERS {
                sum.matches[order] += one.matches[order];
                sum.totals[order] += one.totals[order];
            }
            sum.translation += one.translation;
            sum.reference += one.reference;
            sum
        })
    }
}

impl Statistics {
    /// 0 to 100.
    pub fn score(&self) -> f64 {
        let mut smoothing = 1.0;
        let mut logarithms = 0.0;
        for (matches, total) in self.matches.iter().zip(self.totals) {
            // Without any match at all, and without n-grams of every order, there is no score.
            if total == 0 || self.matches[0] == 0 {
                return 0.0;
            }
            let precision = if *matches == 0 {
                smoothing *= 2.0;
                1.0 / (smoothing * total as f64)
            } else {
                *matches as f64 / total as f64
            };
            logarithms += precision.ln();
        }
        let brevity = (1.0 - self.reference as f64 / self.translation as f64).min(0.0);
        100.0 * (brevity + logarithms / ORDERS as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_words_with_hyphens_stay_whole() {
        assert_eq!(
            tokens("Take 1,000.5 mg (twice) a day, please."),
            ["Take", "1,000.5", "mg", "(", "twice", ")", "a", "day", ",", "please", "."]
        );
        assert_eq!(tokens("X-ray at 3-4"), ["X-ray", "at", "3", "-", "4"]);
    }

    #[test]
    fn a_short_translation_is_worked_out_by_hand() {
        // "I have a pain" against "I have a pain here": all its n-grams match; brevity exp(1 - 5/4).
        let score = statistics("I have a pain", "I have a pain here").score();
        assert!((score - 100.0 * (-0.25f64).exp()).abs() < 1e-9, "{score}");
    }

    #[test]
    fn an_order_without_matches_is_smoothed_by_halves() {
        // Precisions 3/4, 1/3, then 1/(2*2) and 1/(4*1).
        let score = statistics("I have one pain", "I have a pain").score();
        let expected = 100.0 * ((0.75f64 / 3.0 / 4.0 / 4.0).ln() / 4.0).exp();
        assert!((score - expected).abs() < 1e-9, "{score} {expected}");
    }

    proptest! {
        #[test]
        fn a_score_lies_between_0_and_100_and_a_text_against_itself_has_100(a in "[a-d .,]{0,40}", b in "[a-d .,]{0,40}") {
            let score = statistics(&a, &b).score();
            prop_assert!((0.0..=100.0 + 1e-9).contains(&score));
            if tokens(&a).len() >= ORDERS {
                prop_assert!((statistics(&a, &a).score() - 100.0).abs() < 1e-9);
            }
        }
    }
}
