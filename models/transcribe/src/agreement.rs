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

/// The final text of an utterance: what was committed, then what the final transcription says after as many
/// words. With nothing committed it is the transcription itself.
pub fn honour(committed: &str, transcription: &Transcription) -> String {
    let text = transcription.text.trim();
    let promised: Vec<&str> = committed.split_whitespace().collect();
    if promised.is_empty() {
        return text.to_owned();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let rest = words.get(promised.len()..).unwrap_or_default();
    promised.iter().chain(rest).copied().collect::<Vec<_>>().join(" ")
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
        assert_eq!(honour("Bom dia,", &heard("Bom dia doutora.")), "Bom dia, doutora.");
        assert_eq!(honour("", &heard(" Sim. ")), "Sim.");
        assert_eq!(honour("Bom dia, doutora", &heard("Bom")), "Bom dia, doutora");
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
        }
    }
}
