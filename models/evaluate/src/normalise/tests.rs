use super::*;
use crate::{bleu, chrf};
use proptest::prelude::*;

/// Sentences of our own and what the Python package `whisper-normalizer` 0.1.15 made of them.
const NORMALISED: &str = include_str!("../../tests/normalised.tsv");

/// Translations of our own, their references, and what `sacrebleu` 2.6.0 gave them.
const SCORED: &str = include_str!("../../tests/scored.tsv");

fn normaliser() -> Normaliser {
    let map = [
        ("colour", "color"),
        ("oesophagus", "esophagus"),
        ("anaemia", "anemia"),
        ("haemorrhage", "hemorrhage"),
        ("diarrhoea", "diarrhea"),
        ("tumour", "tumor"),
        ("centre", "center"),
        ("practise", "practice"),
    ];
    Normaliser::new(Spellings(map.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect()))
}

#[test]
fn texts_are_normalised_as_the_reference_does() {
    let normaliser = normaliser();
    let mut compared = 0;
    for (index, line) in NORMALISED.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [language, text, expected] = columns[..] else { panic!("line {} of the fixture", index + 1) };
        assert_eq!(normaliser.normalise(&language.parse().unwrap(), text), expected, "line {}: {text}", index + 1);
        compared += 1;
    }
    assert!(compared > 100, "{compared} sentences");
}

#[test]
fn translations_are_scored_as_the_reference_does() {
    let mut sums = (Vec::new(), Vec::new());
    for (index, line) in SCORED.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [translation, reference, bleu_score, chrf_score] = columns[..] else { panic!("line {}", index + 1) };
        let (bleu_expected, chrf_expected): (f64, f64) = (bleu_score.parse().unwrap(), chrf_score.parse().unwrap());
        // The last line is the corpus.
        let (bleu_found, chrf_found) = if translation == "CORPUS" {
            let (bleus, chrfs): (&Vec<bleu::Statistics>, &Vec<chrf::Statistics>) = (&sums.0, &sums.1);
            let bleu_sum: bleu::Statistics = bleus.iter().copied().sum();
            (bleu_sum.score(), chrfs.iter().copied().sum::<chrf::Statistics>().score())
        } else {
            sums.0.push(bleu::statistics(translation, reference));
            sums.1.push(chrf::statistics(translation, reference));
            (sums.0[sums.0.len() - 1].score(), sums.1[sums.1.len() - 1].score())
        };
        assert!((bleu_found - bleu_expected).abs() < 1e-4, "line {}: BLEU {bleu_found} {bleu_expected}", index + 1);
        assert!((chrf_found - chrf_expected).abs() < 1e-4, "line {}: chrF {chrf_found} {chrf_expected}", index + 1);
    }
    assert!(sums.0.len() > 10);
}

#[test]
fn a_lenient_comparison_ignores_how_it_is_written() {
    let (normaliser, language) = (normaliser(), "pt-BR".parse().unwrap());
    let said = normaliser.lenient(&language, "Tomo losartana de cinquenta miligramas: trinta e nove graus, às 8 h.");
    let heard = normaliser.lenient(&language, "tomo Losartana de 50mg 39° as 8h");
    assert_eq!(said, heard);
}

#[test]
fn a_spelling_map_is_read_from_its_file_and_a_wrong_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("english.json");
    std::fs::write(&file, r#"{"colour": "color"}"#).unwrap();
    assert_eq!(Spellings::read(&file).unwrap().american("colour"), "color");
    std::fs::write(&file, "[1]").unwrap();
    assert!(Spellings::read(&file).unwrap_err().to_string().contains("not an object of strings"));
    assert!(matches!(Spellings::read(&folder.path().join("none")), Err(SpellingsError::Read { .. })));
}

proptest! {
    #[test]
    fn any_text_can_be_normalised_and_the_basic_form_is_settled(text in "\\PC{0,60}") {
        let normaliser = normaliser();
        let (en, pt) = ("en".parse().unwrap(), "pt".parse().unwrap());
        let _ = normaliser.normalise(&en, &text);
        let _ = normaliser.lenient(&pt, &text);
        let once = normaliser.normalise(&pt, &text);
        prop_assert!(!once.contains("  ") && once.trim() == once);
    }

    #[test]
    fn number_words_in_any_order_never_panic(words in proptest::collection::vec(
        prop::sample::select(vec!["one", "twenty", "hundred", "million", "decillion", "point", "and", "double", "zero",
            "third", "ninety", "per", "cent", "percent", "dollars", "minus", "12", "3.5", "$4", "hundredths", "oh"]),
        0..14,
    )) {
        let _ = normaliser().normalise(&"en".parse().unwrap(), &words.join(" "));
    }
}
