//! One list of words laid over another: what a later hypothesis says of words that were committed from an earlier one.

use crate::guard::normalise;

/// Words with less in common than this are different words, rather than one word heard in two ways.
const SIMILAR: f64 = 0.5;

/// Cost of a word added or left out.
const ONE_WORD: usize = 2;

/// Lays `promised` over the beginning of `heard` with the fewest words changed, added or left out. Returns for each
/// promised word the heard one that is the same, and how many heard words are covered. In doubt it covers fewer: a
/// word too many is read over, a word lost may be the one that mattered.
pub(crate) fn align(promised: &[&str], heard: &[&str]) -> (Vec<Option<usize>>, usize) {
    let key = |words: &[&str]| words.iter().map(|word| normalise(word)).collect::<Vec<_>>();
    let (promised, heard) = (key(promised), key(heard));
    // costs[i][j] is the cost between the first i promised and the first j heard words.
    let mut costs = vec![(0..=heard.len()).map(|j| j * ONE_WORD).collect::<Vec<usize>>()];
    for (i, word) in promised.iter().enumerate() {
        let above = &costs[i];
        let mut row = vec![(i + 1) * ONE_WORD];
        for (j, other) in heard.iter().enumerate() {
            let changed = above[j] + change(word, other);
            row.push(changed.min(above[j + 1] + ONE_WORD).min(row[j] + ONE_WORD));
        }
        costs.push(row);
    }
    let last = &costs[promised.len()];
    let covered = (0..=heard.len()).min_by_key(|j| last[*j]).unwrap_or_default();
    let mut matches = vec![None; promised.len()];
    let (mut i, mut j) = (promised.len(), covered);
    while i > 0 && j > 0 {
        let cost = change(&promised[i - 1], &heard[j - 1]);
        if costs[i][j] == costs[i - 1][j - 1] + cost {
            (i, j) = (i - 1, j - 1);
            matches[i] = (cost == 0).then_some(j);
        } else if costs[i][j] == costs[i - 1][j] + ONE_WORD {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    (matches, covered)
}

/// Cost of one word for another: half a word's when it is the same word heard in two ways; no less than out with one
/// and in with the other when it is not.
fn change(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    if strsim::normalized_levenshtein(a, b) >= SIMILAR { ONE_WORD / 2 } else { 2 * ONE_WORD }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covered(promised: &str, heard: &str) -> usize {
        let promised: Vec<&str> = promised.split_whitespace().collect();
        let heard: Vec<&str> = heard.split_whitespace().collect();
        align(&promised, &heard).1
    }

    #[test]
    fn words_heard_in_another_way_are_covered() {
        assert_eq!(covered("Estou com dor", "Estou com dores no peito"), 3);
        assert_eq!(covered("quando o", "quando subo escadas"), 1);
    }

    #[test]
    fn nothing_promised_covers_nothing() {
        assert_eq!(covered("", "Sim."), 0);
    }

    proptest! {
        #[test]
        fn matches_are_equal_words_in_rising_order(promised in "[ab ]{0,12}", heard in "[abc ]{0,16}") {
            let promised: Vec<&str> = promised.split_whitespace().collect();
            let heard: Vec<&str> = heard.split_whitespace().collect();
            let (matches, covered) = align(&promised, &heard);
            prop_assert!(covered <= heard.len());
            let found: Vec<usize> = matches.iter().flatten().copied().collect();
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
            for (word, same) in promised.iter().zip(matches) {
                prop_assert!(same.is_none_or(|index| index < covered && heard[index] == *word));
            }
        }
    }
}
