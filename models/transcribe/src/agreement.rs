//! LocalAgreement-2 (Liu et al. 2020; Macháček et al. 2023): the longest common prefix of two successive
//! hypotheses is committed, and never changes again.

use crate::plausible::normalise;
use healthsync_models::tasks::{Transcription, Word};

/// A partial text in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    pub committed: String,
    pub tentative: String,
}

/// Successive hypotheses of one utterance.
#[derive(Debug, Default)]
pub struct LocalAgreement {
    committed: Vec<String>,
    previous: Vec<String>,
}

impl LocalAgreement {
    /// Takes the next hypothesis in. Case and punctuation do not keep words from agreeing, since both depend
    /// on how the sentence goes on.
    pub fn take_in(&mut self, hypothesis: &[Word]) -> Agreed {
        let words: Vec<String> = hypothesis.iter().map(|word| word.text.trim().to_owned()).collect();
        let agreed = self.previous.iter().zip(&words).take_while(|(a, b)| normalise(a) == normalise(b)).count();
        if agreed > self.committed.len() {
            let newly = words[self.committed.len()..agreed].to_vec();
            self.committed.extend(newly);
        }
        self.previous = words;
        let tentative = self.previous.get(self.committed.len()..).unwrap_or_default();
        Agreed { committed: self.committed(), tentative: tentative.join(" ") }
    }

    pub fn committed(&self) -> String {
        self.committed.join(" ")
    }
}

/// The final text of an utterance: the words that were committed, then what the final transcription says after
/// them. Case and punctuation are the final transcription's, which has heard how the sentence ends. With nothing
/// committed it is the transcription itself.
pub fn honour(committed: &str, transcription: &Transcription) -> String {
    let promised: Vec<&str> = committed.split_whitespace().collect();
    let heard: Vec<&str> = transcription.text.split_whitespace().collect();
    let (matches, covered) = align(&promised, &heard);
    let kept = promised.iter().zip(matches).map(|(word, same)| same.map_or(*word, |index| heard[index]));
    kept.chain(heard[covered..].iter().copied()).collect::<Vec<_>>().join(" ")
}

/// Lays `promised` over the beginning of `heard` with the fewest words changed, added or left out. Returns for each
/// promised word the heard one that is the same, and how many heard words are covered.
fn align(promised: &[&str], heard: &[&str]) -> (Vec<Option<usize>>, usize) {
    let key = |words: &[&str]| words.iter().map(|word| normalise(word)).collect::<Vec<_>>();
    let (promised, heard) = (key(promised), key(heard));
    // costs[i][j] is the number of edits between the first i promised and the first j heard words.
    let mut costs = vec![(0..=heard.len()).collect::<Vec<usize>>()];
    for (i, word) in promised.iter().enumerate() {
        let above = &costs[i];
        let mut row = vec![i + 1];
        for (j, other) in heard.iter().enumerate() {
            let changed = above[j] + usize::from(word != other);
            row.push(changed.min(above[j + 1] + 1).min(row[j] + 1));
        }
        costs.push(row);
    }
    let last = &costs[promised.len()];
    let covered = (0..=heard.len()).min_by_key(|j| (last[*j], j.abs_diff(promised.len()))).unwrap_or_default();
    let mut matches = vec![None; promised.len()];
    let (mut i, mut j) = (promised.len(), covered);
    while i > 0 && j > 0 {
        let same = promised[i - 1] == heard[j - 1];
        if costs[i][j] == costs[i - 1][j - 1] + usize::from(!same) {
            (i, j) = (i - 1, j - 1);
            matches[i] = same.then_some(j);
        } else if costs[i][j] == costs[i - 1][j] + 1 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    (matches, covered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<Word> {
        text.split_whitespace()
            .map(|text| Word { text: text.into(), start_ms: 0, end_ms: 0, probability: 1.0 })
            .collect()
    }

    fn heard(text: &str) -> Transcription {
        Transcription { text: text.into(), words: words(text), confidence: 1.0, no_speech: 0.0 }
    }

    #[test]
    fn what_two_hypotheses_agree_on_is_committed() {
        let mut agreement = LocalAgreement::default();
        assert_eq!(agreement.take_in(&words("Estou com")).committed, "");
        let agreed = agreement.take_in(&words("Estou com dor no"));
        assert_eq!((agreed.committed.as_str(), agreed.tentative.as_str()), ("Estou com", "dor no"));
    }

    #[test]
    fn punctuation_that_comes_later_does_not_keep_words_from_agreeing() {
        let mut agreement = LocalAgreement::default();
        agreement.take_in(&words("Bom dia."));
        assert_eq!(agreement.take_in(&words("Bom dia, doutora")).committed, "Bom dia,");
    }

    #[test]
    fn a_final_text_keeps_what_was_committed() {
        assert_eq!(honour("Boa tarde,", &heard("Boa noite, doutora.")), "Boa tarde, doutora.");
        assert_eq!(honour("", &heard(" Sim. ")), "Sim.");
        assert_eq!(honour("Bom dia, doutora", &heard("Bom")), "Bom dia, doutora");
    }

    #[test]
    fn a_final_text_has_the_punctuation_of_the_whole_sentence() {
        assert_eq!(honour("I'm sorry.", &heard("I'm sorry to hear that.")), "I'm sorry to hear that.");
        assert_eq!(honour("Good morning. what", &heard("Good morning. What is it?")), "Good morning. What is it?");
    }

    #[test]
    fn words_heard_differently_in_the_end_are_neither_lost_nor_doubled() {
        assert_eq!(honour("Ador vai do", &heard("A dor vai do peito.")), "Ador vai do peito.");
        let heard_in_the_end = heard("Tomo losartana de 50mg, uma vez por dia para pressão.");
        let kept = "Tomo losartana de 50 miligramas uma vez por";
        assert_eq!(honour(kept, &heard_in_the_end), "Tomo losartana de 50 miligramas uma vez por dia para pressão.");
    }

    proptest! {
        #[test]
        fn committed_text_only_grows_and_the_final_begins_with_it(
            hypotheses in proptest::collection::vec(proptest::collection::vec("[ab]", 0..6), 1..8),
        ) {
            let mut agreement = LocalAgreement::default();
            let mut before = String::new();
            for hypothesis in &hypotheses {
                let agreed = agreement.take_in(&words(&hypothesis.join(" ")));
                prop_assert!(agreed.committed.starts_with(&before));
                before = agreed.committed;
            }
            let last = heard(&hypotheses[hypotheses.len() - 1].join(" "));
            prop_assert!(honour(&before, &last).starts_with(&before));
            prop_assert!(honour("", &last) == last.text);
        }
    }
}
