//! LocalAgreement-2 (Liu et al. 2020; Macháček et al. 2023): the longest common prefix of two successive
//! hypotheses is committed, and never changes again.

use crate::plausible::normalise;
use healthsync_models::tasks::{Transcription, Word};

/// Audio after a word before it may be committed. Nearer to where the audio stops, Whisper completes words it has
/// heard half of, and does so alike in successive hypotheses.
const HOLD_BACK_MS: u32 = 800;

/// Words with less in common than this are different words, rather than one word heard in two ways.
const SIMILAR: f64 = 0.5;

/// Cost of a word added or left out.
const ONE_WORD: usize = 2;

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
    /// Takes in the next hypothesis, made from `heard_ms` of audio. Case and punctuation do not keep words from
    /// agreeing, since both depend on how the sentence goes on.
    pub fn take_in(&mut self, hypothesis: &[Word], heard_ms: u32) -> Agreed {
        let words: Vec<String> = hypothesis.iter().map(|word| word.text.trim().to_owned()).collect();
        let settled = hypothesis.iter().take_while(|word| word.end_ms + HOLD_BACK_MS <= heard_ms).count();
        let pairs = self.previous.iter().zip(&words).take(settled);
        let agreed = pairs.take_while(|(a, b)| normalise(a) == normalise(b)).count();
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
/// promised word the heard one that is the same, and how many heard words are covered. In doubt it covers fewer: a
/// word too many is read over, a word lost may be the one that mattered.
fn align(promised: &[&str], heard: &[&str]) -> (Vec<Option<usize>>, usize) {
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

    /// Milliseconds of audio after which every word is settled.
    const LONG: u32 = 60_000;

    fn words(text: &str) -> Vec<Word> {
        text.split_whitespace()
            .map(|text| Word { text: text.into(), start_ms: 0, end_ms: 0, probability: 1.0 })
            .collect()
    }

    fn heard(text: &str) -> Transcription {
        Transcription {
            text: text.into(),
            words: words(text),
            confidence: 1.0,
            no_speech: 0.0,
            language: "pt".parse().unwrap(),
            language_probability: 1.0,
        }
    }

    #[test]
    fn what_two_hypotheses_agree_on_is_committed() {
        let mut agreement = LocalAgreement::default();
        assert_eq!(agreement.take_in(&words("Estou com"), LONG).committed, "");
        let agreed = agreement.take_in(&words("Estou com dor no"), LONG);
        assert_eq!((agreed.committed.as_str(), agreed.tentative.as_str()), ("Estou com", "dor no"));
    }

    #[test]
    fn words_at_the_end_of_the_audio_wait_for_more_of_it() {
        let mut agreement = LocalAgreement::default();
        let mut hypothesis = words("quando o");
        hypothesis[1].end_ms = 1_000;
        agreement.take_in(&hypothesis, 1_100);
        assert_eq!(agreement.take_in(&hypothesis, 1_600).committed, "quando");
        assert_eq!(agreement.take_in(&hypothesis, 1_800).committed, "quando o");
    }

    #[test]
    fn punctuation_that_comes_later_does_not_keep_words_from_agreeing() {
        let mut agreement = LocalAgreement::default();
        agreement.take_in(&words("Bom dia."), LONG);
        assert_eq!(agreement.take_in(&words("Bom dia, doutora"), LONG).committed, "Bom dia,");
    }

    #[test]
    fn a_final_text_keeps_what_was_committed() {
        assert_eq!(honour("Bom dia, doutor", &heard("Bom dia, doutora. Dói.")), "Bom dia, doutor Dói.");
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
        let in_the_end = heard("Sinto falta de ar quando subo escadas. Não tenho febre.");
        let kept = "Sinto falta de ar quando o";
        assert_eq!(honour(kept, &in_the_end), "Sinto falta de ar quando o subo escadas. Não tenho febre.");
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
                let agreed = agreement.take_in(&words(&hypothesis.join(" ")), LONG);
                prop_assert!(agreed.committed.starts_with(&before));
                before = agreed.committed;
            }
            let last = heard(&hypotheses[hypotheses.len() - 1].join(" "));
            prop_assert!(honour(&before, &last).starts_with(&before));
            prop_assert!(honour("", &last) == last.text);
        }
    }
}
