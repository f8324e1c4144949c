use super::*;
use proptest::prelude::*;

fn compared(source: &str, from: &str, target: &str, to: &str) -> Vec<PreservedKind> {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let found = check(source, &from, target, &to, &Terms::default());
    found.findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_finding_names_the_words_on_both_sides() {
    let (pt, en) = ("pt".parse().unwrap(), "en".parse().unwrap());
    let found = check("Tome 50 mg por dia.", &pt, "Take 50 g a day.", &en, &Terms::default()).findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind, found[0].problem), (PreservedKind::Unit, PreservationProblem::Changed));
    assert_eq!((found[0].source.as_deref(), found[0].target.as_deref()), (Some("50 mg por dia"), Some("50 g a day")));
}

#[test]
fn in_a_language_whose_words_are_not_known_digits_are_still_compared() {
    assert_eq!(compared("Take 50 mg.", "en", "Nehmen Sie 50 mg.", "de"), []);
    assert_eq!(compared("Take 50 mg.", "en", "Nehmen Sie 15 mg.", "de"), [PreservedKind::Number]);
    assert_eq!(compared("Do not take it.", "en", "Nicht nehmen.", "de"), []);
}

#[test]
fn findings_are_bounded() {
    let many = (1..200).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    assert!(compared(&many, "en", "", "pt").len() <= MAX_FINDINGS);
}

/// Clinical words without anything to be preserved, and each of what is.
const PLAIN: [&str; 8] = ["dor", "peito", "ontem", "febre", "estou", "cansada", "muito", "tosse"];
const KEPT: [&str; 6] = ["não", "50 mg", "esquerdo", "losartana", "3", "direito"];

proptest! {
    #[test]
    fn a_text_is_preserved_in_itself(words in proptest::collection::vec(0usize..14, 0..24)) {
        let word = |index: &usize| PLAIN.iter().chain(&KEPT).nth(*index).copied().unwrap();
        let text = words.iter().map(word).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(compared(&text, "pt", &text, "pt-BR"), []);
    }

    #[test]
    fn a_number_that_changes_is_found(before in 0usize..8, number in 2u32..400, other in 2u32..400) {
        prop_assume!(number != other);
        let of = |number: u32| format!("{} {number} mg {}", PLAIN[before], PLAIN[7 - before]);
        prop_assert!(!compared(&of(number), "pt", &of(other), "pt").is_empty());
    }

    #[test]
    fn a_negation_that_comes_or_goes_is_found(at in 0usize..4, words in proptest::collection::vec(0usize..8, 4..9)) {
        let plain: Vec<&str> = words.iter().map(|index| PLAIN[*index]).collect();
        let mut negated = plain.clone();
        negated.insert(at, "não");
        let (plain, negated) = (plain.join(" "), negated.join(" "));
        prop_assert!(compared(&plain, "pt", &negated, "pt").contains(&PreservedKind::Negation));
        prop_assert!(compared(&negated, "pt", &plain, "pt").contains(&PreservedKind::Negation));
    }

    #[test]
    fn any_texts_are_compared_without_a_panic(source in "\\PC{0,120}", target in "\\PC{0,120}") {
        compared(&source, "pt", &target, "en");
    }
}
