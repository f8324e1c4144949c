//! Comparing what was recognised with what was said. The same words for every system: lower case, cut at everything
//! that is neither letter nor digit.

/// The words of a text.
pub fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(Into::into).collect()
}

/// Which of the reference's words are in a longest common subsequence with what was heard.
pub fn recognised<R: AsRef<str>, H: AsRef<str>>(reference: &[R], heard: &[H]) -> Vec<bool> {
    let width = heard.len() + 1;
    // `longest[i * width + j]`: of the reference from i and of the heard from j.
    let mut longest = vec![0_u32; (reference.len() + 1) * width];
    for (i, expected) in reference.iter().enumerate().rev() {
        for (j, word) in heard.iter().enumerate().rev() {
            longest[i * width + j] = if expected.as_ref() == word.as_ref() {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let mut found = vec![false; reference.len()];
    let (mut i, mut j) = (0, 0);
    while i < reference.len() && j < heard.len() {
        if reference[i].as_ref() == heard[j].as_ref() {
            found[i] = true;
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// Substitutions, deletions and insertions (Levenshtein distance over words).
pub fn word_errors<R: AsRef<str>, H: AsRef<str>>(reference: &[R], heard: &[H]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, expected) in reference.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, word) in heard.iter().enumerate() {
            let substituted = diagonal + usize::from(word.as_ref() != expected.as_ref());
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[heard.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn punctuation_and_case_are_no_difference() {
        assert_eq!(words(" Não, tenho FEBRE."), ["não", "tenho", "febre"]);
    }

    #[test]
    fn a_missing_word_is_the_only_one_not_recognised() {
        let found = recognised(&words("eu não tenho febre"), &words("Eu tenho febre."));
        assert_eq!(found, [true, false, true, true]);
    }

    fn sentence() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[abc]", 0..12)
    }

    proptest! {
        #[test]
        fn what_was_said_is_recognised_completely(said in sentence()) {
            prop_assert!(recognised(&said, &said).into_iter().all(|found| found));
            prop_assert_eq!(word_errors(&said, &said), 0);
        }

        #[test]
        fn every_reference_word_is_recognised_or_an_error(said in sentence(), heard in sentence()) {
            let right = recognised(&said, &heard).into_iter().filter(|found| *found).count();
            prop_assert!(right <= said.len().min(heard.len()));
            let errors = word_errors(&said, &heard);
            prop_assert!(errors + right >= said.len().max(heard.len()));
            prop_assert!(errors <= said.len().max(heard.len()));
        }
    }
}
