use super::*;
use PreservationProblem::{Added, Changed, Missing};
use proptest::prelude::*;

fn language(tag: &str) -> Language {
    tag.parse().unwrap()
}

fn between(from: &str, source: &str, to: &str, target: &str) -> Preservation {
    check(source, &language(from), target, &language(to), &Terms::default())
}

fn found(from: &str, source: &str, to: &str, target: &str) -> Vec<(PreservedKind, PreservationProblem)> {
    between(from, source, to, target).findings.into_iter().map(|it| (it.kind, it.problem)).collect()
}

#[test]
fn a_finding_quotes_both_texts() {
    let outcome = between("pt", "Tomo losartana de 50 mg.", "en", "I take losartan 50 g.");
    let unit = finding(PreservedKind::Unit, Changed, Some("50 mg".into()), Some("50 g".into()));
    assert_eq!(outcome.findings, [unit]);
    let outcome = between("pt", "Não tenho febre.", "en", "I have a fever.");
    assert_eq!(outcome.findings, [finding(PreservedKind::Negation, Missing, Some("Não tenho".into()), None)]);
}

#[test]
fn a_change_is_told_from_a_loss_and_an_addition() {
    assert_eq!(found("pt", "Dói o pé direito.", "en", "The left foot hurts."), [(PreservedKind::Laterality, Changed)]);
    assert_eq!(found("pt", "Dói o pé direito.", "en", "The foot hurts."), [(PreservedKind::Laterality, Missing)]);
    assert_eq!(found("pt", "Dói o pé.", "en", "The left foot hurts."), [(PreservedKind::Laterality, Added)]);
    assert_eq!(found("pt", "Sou alérgico.", "en", "I am allergic to penicillin."), [(PreservedKind::Drug, Added)]);
    assert_eq!(found("pt", "Tenho febre.", "en", "I have no fever."), [(PreservedKind::Negation, Added)]);
    assert_eq!(found("pt", "Vomitei.", "en", "I vomited three times."), [(PreservedKind::Number, Added)]);
}

#[test]
fn the_same_amount_in_another_unit_is_the_same() {
    for (source, target) in [
        ("Tomei 0,5 g.", "I took 500 mg."),
        ("Há uma semana e sete dias.", "A week and 7 days ago."),
        ("Por 14 dias.", "For two weeks."),
        ("Por uma hora e meia.", "For 90 minutes."),
    ] {
        assert_eq!(found("pt", source, "en", target), [], "{source}");
    }
}

#[test]
fn in_another_language_digits_drugs_and_terms_are_compared_and_words_are_not() {
    assert_eq!(found("de", "Ich nehme nicht zwei Tabletten.", "en", "I take three tablets."), []);
    assert_eq!(found("de", "Ich nehme 50 mg.", "en", "I take 15 mg."), [(PreservedKind::Number, Changed)]);
    let drug = [(PreservedKind::Drug, Changed)];
    assert_eq!(found("de", "Ich nehme Losartan.", "en", "I take valsartan."), drug);
}

#[test]
fn a_term_of_the_deployment_must_be_there() {
    let terms = crate::terms::list(&["pt\tUTI\ten\tICU"]);
    let outcome = check("Ela está na UTI.", &language("pt"), "She is inside.", &language("en"), &terms);
    assert_eq!(outcome.findings, [finding(PreservedKind::Term, Missing, Some("UTI".into()), None)]);
}

#[test]
fn findings_have_a_bound() {
    let many = (10..200).map(|n| format!("{n} mg.")).collect::<Vec<_>>().join(" ");
    assert_eq!(between("pt", &many, "en", "Nothing.").findings.len(), MAX_FINDINGS);
}

/// Pieces that sentences are made of, in English and Portuguese.
const PIECES: [(&str, &str); 14] = [
    ("I take losartan", "tomo losartana"),
    ("50 mg", "50 mg"),
    ("twice a day", "duas vezes por dia"),
    ("every 8 hours", "de 8 em 8 horas"),
    ("I have no fever", "não tenho febre"),
    ("pain in the left arm", "dor no braço esquerdo"),
    ("my right knee hurts", "meu joelho direito dói"),
    ("since yesterday", "desde ontem"),
    ("half a tablet", "meio comprimido"),
    ("38.5 degrees", "38,5 graus"),
    ("I never smoked", "nunca fumei"),
    ("for three weeks", "por três semanas"),
    ("I am allergic to penicillin", "sou alérgica à penicilina"),
    ("at 8:30", "às 8h30"),
];

fn texts(pieces: &[usize]) -> (String, String) {
    let join = |texts: Vec<&str>| format!("{}.", texts.join(", "));
    let english = join(pieces.iter().map(|index| PIECES[*index].0).collect());
    (english, join(pieces.iter().map(|index| PIECES[*index].1).collect()))
}

fn some_pieces() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..PIECES.len(), 1..6)
}

proptest! {
    #[test]
    fn a_text_preserves_itself(text in "(?s).{0,120}", tag in "en|pt|es|de") {
        prop_assert_eq!(found(&tag, &text, &tag, &text), []);
    }

    #[test]
    fn a_text_of_clinical_words_preserves_itself(
        words in proptest::collection::vec("não|no|nem|sem|two|dois|half|meia|e|and|às|a|8|30|1/2|:|,|mg|h|day|dias|left|direito|arm|braço|both|de|em|once|may|5|por|/", 0..14),
        tag in "en|pt|es"
    ) {
        let text = words.join(" ");
        prop_assert_eq!(found(&tag, &text, &tag, &text), []);
    }

    #[test]
    fn pieces_that_are_translated_one_by_one_pass(pieces in some_pieces()) {
        let (english, portuguese) = texts(&pieces);
        prop_assert_eq!(found("en", &english, "pt", &portuguese), []);
        prop_assert_eq!(found("pt", &portuguese, "en", &english), []);
    }

    #[test]
    fn a_negation_put_in_or_taken_out_is_found(pieces in some_pieces()) {
        let (english, portuguese) = texts(&pieces);
        let negated = format!("Não vou, {portuguese}");
        prop_assert!(found("en", &english, "pt", &negated).contains(&(PreservedKind::Negation, Added)));
        prop_assert!(found("pt", &negated, "en", &english).contains(&(PreservedKind::Negation, Missing)));
    }

    #[test]
    fn a_changed_number_is_found(pieces in some_pieces(), before in 0u32..100_000, after in 0u32..100_000) {
        prop_assume!(before != after);
        let (english, portuguese) = texts(&pieces);
        let (english, portuguese) = (format!("{before} ml, {english}"), format!("{after} ml, {portuguese}"));
        prop_assert!(!found("en", &english, "pt", &portuguese).is_empty());
        prop_assert!(!found("pt", &portuguese, "en", &english).is_empty());
    }

    #[test]
    fn a_changed_decimal_is_found(whole in 1u32..1_000, before in 0u32..10, after in 0u32..10) {
        let found = found("pt", &format!("Mediu {whole},{before} mg"), "en", &format!("It was {whole}.{after} mg"));
        prop_assert_eq!(found.is_empty(), before == after);
    }

    #[test]
    fn any_two_texts_are_compared(source in "(?s).{0,100}", target in "[0-9a-zé,.:/ ]{0,60}", tags in "(en|pt|es|de)-(en|pt|es|de)") {
        let (from, to) = tags.split_once('-').unwrap();
        let _ = between(from, &source, to, &target);
    }
}
