use super::*;
use proptest::prelude::*;

/// Samples after which every word is settled.
const LONG: usize = 60_000 * MS;

/// Words of 200 ms each, from `from_ms` of the window.
fn spoken(text: &str, from_ms: u32) -> Transcription {
    let word = |(index, text): (usize, &str)| {
        let start_ms = from_ms + index as u32 * 200;
        Word { text: text.into(), start_ms, end_ms: start_ms + 200, probability: 1.0 }
    };
    Transcription {
        text: text.into(),
        words: text.split_whitespace().enumerate().map(word).collect(),
        language: "pt".parse().unwrap(),
        language_probability: 1.0,
        confidence: 1.0,
        no_speech: 0.0,
    }
}

fn heard(text: &str) -> Transcription {
    spoken(text, 0)
}

/// An utterance after these hypotheses, and its window.
fn after(hypotheses: &[&str]) -> (UtteranceText, Window, Agreed) {
    let mut utterance = UtteranceText::default();
    let window = utterance.window(0);
    let mut agreed = Agreed { committed: String::new(), tentative: String::new() };
    for text in hypotheses {
        agreed = utterance.take_in(&window, &heard(text), LONG);
    }
    (utterance, window, agreed)
}

fn concluded(hypotheses: &[&str], last: &str) -> String {
    let (utterance, window, _) = after(hypotheses);
    join(utterance.conclude(&window, &heard(last)).iter().map(|word| word.text.as_str()))
}

#[test]
fn what_two_hypotheses_agree_on_is_committed() {
    assert_eq!(after(&["Estou com"]).2.committed, "");
    let agreed = after(&["Estou com", "Estou com dor no"]).2;
    assert_eq!((agreed.committed.as_str(), agreed.tentative.as_str()), ("Estou com", "dor no"));
}

#[test]
fn words_at_the_end_of_the_audio_wait_for_more_of_it() {
    let mut utterance = UtteranceText::default();
    let window = utterance.window(0);
    let hypothesis = heard("quando o");
    utterance.take_in(&window, &hypothesis, 500 * MS);
    assert_eq!(utterance.take_in(&window, &hypothesis, 1_000 * MS).committed, "quando");
    assert_eq!(utterance.take_in(&window, &hypothesis, 1_200 * MS).committed, "quando o");
}

#[test]
fn a_full_stop_is_committed_when_the_next_word_has_come() {
    assert_eq!(after(&["Bom dia.", "Bom dia."]).2.committed, "Bom");
    assert_eq!(after(&["Bom dia.", "Bom dia, doutora"]).2.committed, "Bom");
    assert_eq!(after(&["Bom dia. Sim", "Bom dia. Sim"]).2.committed, "Bom dia. Sim");
}

#[test]
fn a_final_text_keeps_what_was_committed_to_the_letter() {
    assert_eq!(concluded(&["Bom dia, doutor", "Bom dia, doutor"], "Bom dia doutora. Dói."), "Bom dia, doutor Dói.");
    assert_eq!(concluded(&[], "Sim."), "Sim.");
    assert_eq!(concluded(&["Bom dia, doutora eu", "Bom dia, doutora eu"], "Bom"), "Bom dia, doutora eu");
}

#[test]
fn words_heard_differently_in_the_end_are_neither_lost_nor_doubled() {
    let in_the_end = "Sinto falta de ar quando subo escadas. Não tenho febre.";
    let kept = "Sinto falta de ar quando o";
    assert_eq!(concluded(&[kept, kept], in_the_end), "Sinto falta de ar quando o subo escadas. Não tenho febre.");
    assert_eq!(concluded(&["Ador vai do", "Ador vai do"], "A dor vai do peito."), "Ador vai do peito.");
    let kept = "Tomo losartana de 50 miligramas uma vez por";
    let in_the_end = "Tomo losartana de 50mg, uma vez por dia para pressão.";
    assert_eq!(concluded(&[kept, kept], in_the_end), "Tomo losartana de 50 miligramas uma vez por dia para pressão.");
}

/// 60 words of 200 ms, of which 12 s have been heard twice.
fn long() -> (UtteranceText, String) {
    let text = (1..=60).map(|n| if n % 10 == 0 { format!("p{n}.") } else { format!("p{n}") });
    let text = text.collect::<Vec<_>>().join(" ");
    let mut utterance = UtteranceText::default();
    let window = utterance.window(8_000 * MS);
    utterance.take_in(&window, &heard(&text), 12_000 * MS);
    utterance.take_in(&window, &heard(&text), 12_000 * MS);
    (utterance, text)
}

#[test]
fn a_long_utterance_is_recognised_from_the_last_committed_sentence_on() {
    let (mut utterance, text) = long();
    assert_eq!(utterance.committed().split(' ').count(), 56);
    let window = utterance.window(12_000 * MS);
    // The newest committed word ends at 11.2 s; sentences end at 2, 4, 6, 8 s; 10 s is too near.
    assert_eq!(window.from, 8_000 * MS);
    assert!(window.before.ends_with("p39 p40.") && window.before.len() <= PROMPT_CHARS, "{}", window.before);
    let rest = format!("{} p61 p62.", text.split(' ').skip(40).collect::<Vec<_>>().join(" "));
    let words = utterance.conclude(&window, &heard(&rest));
    assert_eq!(join(words.iter().map(|word| word.text.as_str())), format!("{text} p61 p62."));
    assert_eq!(words[61].end_ms, 8_000 + 22 * 200);
}

#[test]
fn a_window_without_committed_words_stays_whole() {
    let mut utterance = UtteranceText::default();
    assert_eq!(utterance.window(20_000 * MS).from, 0);
}

#[test]
fn a_prompt_begins_with_a_whole_word() {
    assert_eq!(tail_of("uma dor forte", 8), "forte");
    assert_eq!(tail_of("dor", 8), "dor");
    assert_eq!(tail_of("esternocleidomastoideo", 8), "astoideo");
}

proptest! {
    #[test]
    fn committed_text_only_grows_and_the_final_begins_with_it(
        hypotheses in proptest::collection::vec(proptest::collection::vec("[ab][.]?", 0..6), 1..8),
    ) {
        let mut utterance = UtteranceText::default();
        let mut before = String::new();
        for (index, hypothesis) in hypotheses.iter().enumerate() {
            let window = utterance.window(index * 3_000 * MS);
            let agreed = utterance.take_in(&window, &heard(&hypothesis.join(" ")), LONG);
            prop_assert!(agreed.committed.starts_with(&before));
            before = agreed.committed;
        }
        let window = utterance.window(LONG);
        let words = utterance.conclude(&window, &heard(&hypotheses[hypotheses.len() - 1].join(" ")));
        prop_assert!(join(words.iter().map(|word| word.text.as_str())).starts_with(&before));
        prop_assert!(words.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms));
    }
}
