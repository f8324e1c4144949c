use super::*;
use healthsync_models::registry::Registry;
use proptest::prelude::*;
use std::{cell::RefCell, sync::LazyLock};

fn direction(name: &str) -> Direction {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::from_env().unwrap());
    Direction::from_files(&REGISTRY.open(name).unwrap_or_else(|e| panic!("{e}: run `make models`"))).unwrap()
}

fn translator() -> FirefoxTranslator {
    FirefoxTranslator::load(vec![direction("firefox-pten"), direction("firefox-enpt")]).unwrap()
}

fn request(text: &str, source: &str, target: &str) -> TranslateRequest {
    TranslateRequest { text: text.into(), source: source.parse().unwrap(), target: target.parse().unwrap() }
}

fn translated(translator: &mut FirefoxTranslator, text: &str, source: &str, target: &str) -> String {
    translator.run(&[request(text, source, target)]).remove(0).unwrap().text
}

/// Runs one request and gives its refusal's text.
fn refusal(translator: &mut FirefoxTranslator, request: TranslateRequest) -> String {
    match translator.run(&[request]).remove(0) {
        Err(ModelError::Input { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clinical_sentences_keep_what_matters_in_both_directions() {
    let mut translator = translator();
    for (text, source, target, keys) in [
        ("Estou com dor no peito desde ontem à noite.", "pt-BR", "en", &["chest pain", "last night"][..]),
        (
            "Tomo losartana para pressão alta e sou alérgico à penicilina.",
            "pt",
            "en",
            &["losartan", "allergic", "penicillin"],
        ),
        ("A dor vai do peito para o braço esquerdo.", "pt", "en", &["chest", "left", "arm"]),
        ("Sinto falta de ar quando subo escadas.", "pt", "en", &["breath", "stairs"]),
        ("Are you allergic to penicillin?", "en", "pt-BR", &["penicilina", "?"]),
        ("How long have you had the chest pain?", "en", "pt", &["dor no peito"]),
        ("Take this tablet twice a day after meals.", "en-US", "pt", &["duas vezes", "dia", "refeições"]),
    ] {
        let output = translated(&mut translator, text, source, target).to_lowercase();
        for key in keys {
            assert!(output.contains(key), "'{key}' is not in '{output}'");
        }
    }
}

#[test]
fn a_negation_stays_one() {
    let mut translator = translator();
    for (text, source, target, negations) in [
        ("Não tenho febre.", "pt", "en", &["not ", "n't ", "no "][..]),
        ("Não, nunca fiz cirurgia e não fumo.", "pt", "en", &["never"]),
        ("Não estou tomando nenhum remédio agora.", "pt", "en", &["not ", "n't "]),
        ("You do not need surgery.", "en", "pt", &["não "]),
        ("There is no sign of infection.", "en", "pt", &["não ", "nenhum", "sem "]),
    ] {
        let output = translated(&mut translator, text, source, target).to_lowercase();
        assert!(negations.iter().any(|negation| output.contains(negation)), "{output}");
    }
}

#[test]
fn doses_and_readings_keep_their_numbers() {
    let mut translator = translator();
    for (text, source, target, numbers) in [
        ("Tomo losartana de 50 mg uma vez por dia.", "pt", "en", &["50 mg"][..]),
        ("Minha pressão estava 120 por 80 ontem.", "pt", "en", &["120", "80"]),
        ("A febre chegou a 39 graus.", "pt", "en", &["39"]),
        ("Take 500 mg every 8 hours for 7 days.", "en", "pt", &["500 mg", "8 horas", "7 dias"]),
        ("Your oxygen saturation is 91%.", "en", "pt", &["91%"]),
    ] {
        let output = translated(&mut translator, text, source, target);
        for number in numbers {
            assert!(output.contains(number), "'{number}' is not in '{output}'");
        }
    }
}

#[test]
fn a_batch_of_both_directions_says_what_its_members_say_alone() {
    let mut translator = translator();
    let requests = [
        request("Bom dia, doutora. Estou com dor de cabeça há três dias e a luz me incomoda.", "pt", "en"),
        request("Where does it hurt?", "en", "pt"),
        request("Sim.", "pt", "en"),
        request("Ja.", "de", "en"),
        request("", "pt", "en"),
        request("Meu filho teve febre ontem à noite e vomitou duas vezes.", "pt", "en"),
    ];
    let alone: Vec<_> = requests.iter().map(|r| translator.run(std::slice::from_ref(r)).remove(0)).collect();
    assert_eq!(translator.run(&requests), alone);
}

#[test]
fn the_weights_named_are_those_of_the_direction() {
    let mut translator = translator();
    let there = translator.run(&[request("Sim.", "pt", "en")]).remove(0).unwrap();
    let back = translator.run(&[request("Yes.", "en", "pt")]).remove(0).unwrap();
    assert_eq!((there.model.name.as_str(), back.model.name.as_str()), ("firefox-pten", "firefox-enpt"));
    assert_ne!(there.model.weights_sha256, back.model.weights_sha256);
    assert_eq!((there.engine.as_str(), there.review), (ENGINE, ReviewStatus::Unreviewed));
}

#[test]
fn a_pair_without_a_model_is_refused_and_so_is_a_language_into_itself() {
    let mut translator = translator();
    assert!(refusal(&mut translator, request("Ja.", "de", "en")).contains("no model"));
    assert!(refusal(&mut translator, request("Sim.", "pt", "de")).contains("no model"));
    assert!(refusal(&mut translator, request("Sim.", "pt", "pt-PT")).contains("same language"));
    let too_long = refusal(&mut translator, request(&"ã".repeat(MAX_CHARS + 1), "pt", "en"));
    assert!(too_long.contains("4000 characters"), "{too_long}");
}

#[test]
fn what_has_no_words_is_left_as_it_is() {
    let mut translator = translator();
    for text in ["120/80", "38,5", "50%", "…", ""] {
        assert_eq!(translated(&mut translator, text, "pt", "en"), text);
    }
    assert_eq!(translated(&mut translator, "  \n ", "pt", "en"), "");
    let mixed = translated(&mut translator, "120/80. Obrigado.", "pt", "en");
    assert!(mixed.starts_with("120/80. T"), "{mixed}");
}

#[test]
fn a_title_does_not_cut_a_sentence_in_two() {
    let output = translated(&mut translator(), "O Dr. Silva receitou 0,5 mg de clonazepam.", "pt", "en");
    assert!(output.contains("Dr. Silva") && output.matches(". ").count() == 1, "{output}");
}

#[test]
fn the_last_sentence_of_the_longest_text_is_translated_too() {
    let mut translator = translator();
    let filler = "Estou com dor de cabeça há três dias e a luz me incomoda muito. ";
    let end = "Tomo losartana.";
    let text = filler.repeat((MAX_CHARS - end.len()) / filler.chars().count()) + end;
    let output = translated(&mut translator, &text, "pt", "en").to_lowercase();
    assert!(output.ends_with("losartan.") || output.ends_with("losartana."), "{}", &output[output.len() - 60..]);
    assert_eq!(output.matches("light").count(), text.matches("luz").count());
}

#[test]
fn a_sentence_longer_than_the_model_takes_is_translated_to_its_end() {
    let text = "sinto dor no braço, tenho febre alta, ".repeat(30) + "e tomo losartana.";
    let output = translated(&mut translator(), &text, "pt", "en").to_lowercase();
    assert!(output.contains("losartan"), "{output}");
    assert!(output.matches("fever").count() >= 25, "{output}");
}

#[test]
fn files_that_are_no_model_are_refused_at_loading() {
    let wrong = Direction { model: "Cargo.toml".into(), ..direction("firefox-pten") };
    assert!(matches!(FirefoxTranslator::load(vec![wrong]), Err(ModelError::Load { .. })));
    let absent = Direction { shortlist: Some("absent.bin".into()), ..direction("firefox-pten") };
    assert!(matches!(FirefoxTranslator::load(vec![absent]), Err(ModelError::Load { .. })));
    assert!(matches!(FirefoxTranslator::load(Vec::new()), Err(ModelError::Load { .. })));
}

thread_local! {
    /// Loaded once for all cases of a property.
    static SHARED: RefCell<FirefoxTranslator> = RefCell::new(translator());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Captions are whatever a recogniser or a person writes: no text may bring the engine down.
    #[test]
    fn any_text_gets_an_answer(text in "(?s).{0,120}", from_portuguese: bool) {
        let (source, target) = if from_portuguese { ("pt", "en") } else { ("en", "pt") };
        let answer = SHARED.with_borrow_mut(|translator| translator.run(&[request(&text, source, target)]).remove(0));
        prop_assert!(answer.is_ok());
    }
}

#[test]
fn asked_to_make_way_it_answers_so_and_then_translates_the_same_once_it_is_not() {
    let mut translator = translator();
    let (asked, preempt) = (request("Não tenho febre.", "pt", "en"), Preempt::default());
    translator.heed(preempt.clone());
    preempt.ask();
    let numbers = request("120/80", "pt", "en");
    let outcomes = translator.run(&[asked.clone(), numbers]);
    assert!(matches!(outcomes[0], Err(ModelError::Preempted { .. })), "{:?}", outcomes[0]);
    assert!(outcomes[1].is_ok(), "there was nothing to do for it");
    preempt.forget();
    assert!(translator.run(&[asked]).remove(0).is_ok());
}
