use super::*;
use std::{path::Path, process::Command};

fn apertium(source: &str, target: &str) -> Apertium {
    let modes = installed(Path::new(DEFAULT_MODES));
    let mode = modes.into_iter().find(|it| it.source.primary() == source && it.target.primary() == target);
    Apertium::load(mode.expect("install the Apertium packages: deploy/setup.sh test")).unwrap()
}

fn request(text: &str, source: &str, target: &str) -> TranslateRequest {
    TranslateRequest { text: text.into(), source: source.parse().unwrap(), target: target.parse().unwrap() }
}

fn translated(apertium: &mut Apertium, text: &str) -> Translation {
    let (source, target) = (apertium.mode.source.clone(), apertium.mode.target.clone());
    apertium.run(&[TranslateRequest { text: text.into(), source, target }]).remove(0).unwrap()
}

#[test]
fn clinical_sentences_come_out_of_every_installed_direction() {
    for (source, target, text, keys) in [
        ("es", "en", "No tengo fiebre.", &["not", "fever"][..]),
        ("en", "es", "The patient has no fever.", &["paciente", "fiebre"]),
        ("en", "es", "No. I am fine.", &["No. "]),
        ("es", "pt", "No tengo fiebre.", &["Não tenho febre."]),
        ("pt", "es", "Estou com dor no peito.", &["dolor", "pecho"]),
    ] {
        let output = translated(&mut apertium(source, target), text);
        assert!(keys.iter().all(|key| output.text.contains(key)), "{}", output.text);
    }
}

#[test]
fn a_translation_names_its_engine_and_data_and_is_unreviewed() {
    let mut one = apertium("es", "pt");
    let output = translated(&mut one, "Hola.");
    assert!(output.engine.starts_with("apertium es-pt_BR (lttoolbox "), "{}", output.engine);
    assert_eq!((output.review, output.model.name.as_str()), (ReviewStatus::Unreviewed, "apertium-es-pt_BR"));
    assert_eq!(output.model.weights_sha256.len(), 64);
    assert_ne!(output.model.weights_sha256, apertium("pt", "es").info.weights_sha256);
}

#[test]
fn unknown_words_stay_and_are_counted() {
    let mut apertium = apertium("es", "en");
    let output = translated(&mut apertium, "Tomo zxcvbn y *qwrtp* [nada] a@b #1");
    assert!(output.text.contains("zxcvbn") && output.text.contains("*qwrtp*"), "{}", output.text);
    assert!(output.text.contains('[') && output.text.contains("#1"), "{}", output.text);
    assert!(apertium.unknown_words() >= 2);
}

#[test]
fn answers_belong_to_their_requests() {
    let mut apertium = apertium("es", "pt");
    let batch: Vec<_> = (0..40).map(|n| request(&format!("Tengo {n} años. No tengo fiebre."), "es", "pt")).collect();
    for (n, output) in apertium.run(&batch).into_iter().enumerate() {
        let text = output.unwrap().text;
        assert!(text.contains(&format!(" {n} ")), "{n}: {text}");
    }
}

#[test]
fn what_cannot_be_handled_is_refused() {
    let mut apertium = apertium("es", "en");
    let outcomes = apertium.run(&[
        request("Ja.", "de", "en"),
        request(&"ñ".repeat(MAX_CHARS + 1), "es", "en"),
        request("120/80", "es", "en"),
        request("", "es", "en"),
        request("a\0b\u{1b}[31m", "es", "en"),
    ]);
    assert!(matches!(&outcomes[0], Err(ModelError::Input { reason, .. }) if reason.contains("no model")));
    assert!(matches!(&outcomes[1], Err(ModelError::Input { reason, .. }) if reason.contains("4000 characters")));
    let texts: Vec<_> = outcomes[2..4].iter().map(|it| it.as_ref().unwrap().text.as_str()).collect();
    assert_eq!(texts, ["120/80", ""]);
    assert!(outcomes[4].is_ok());
}

#[test]
fn the_longest_text_is_translated_to_its_end() {
    let text = "No tengo fiebre. ".repeat(MAX_CHARS / 17);
    let output = translated(&mut apertium("es", "pt"), &text);
    assert_eq!(output.text.matches("febre").count(), MAX_CHARS / 17);
}

#[test]
fn a_program_that_ended_is_started_again() {
    let mut apertium = apertium("es", "pt");
    let before = translated(&mut apertium, "No tengo fiebre.");
    let stages = apertium.stages.len();
    for stage in [0, stages / 2, stages - 1] {
        let child = &mut apertium.pipeline.as_mut().unwrap().stages[stage];
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(translated(&mut apertium, "No tengo fiebre."), before);
    }
}

#[test]
fn a_program_that_hangs_is_given_up_and_replaced() {
    let mut apertium = apertium("es", "pt");
    let before = translated(&mut apertium, "No tengo fiebre.");
    let child = apertium.pipeline.as_ref().unwrap().stages[1].id();
    assert!(Command::new("kill").args(["-STOP", &child.to_string()]).status().unwrap().success());
    apertium.timeout = Duration::from_millis(50);
    let refused = apertium.run(&[request("No tengo fiebre.", "es", "pt")]).remove(0);
    assert!(matches!(refused, Err(ModelError::Engine { reason, .. }) if reason.contains("within 50 ms")));
    apertium.timeout = TIMEOUT;
    assert_eq!(translated(&mut apertium, "No tengo fiebre."), before);
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let mut apertium = apertium("es", "pt");
    apertium.stages[1].program = "lt-absent".into();
    let refused = apertium.run(&[request("Hola.", "es", "pt")]).remove(0);
    assert!(matches!(refused, Err(ModelError::Engine { reason, .. }) if reason.contains("lt-absent")));
}
