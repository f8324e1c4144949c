use super::*;
use healthsync_models::registry::Registry;

fn direction(name: &str, source: &str, target: &str) -> Direction {
    let files = Registry::from_env().unwrap().open(name).unwrap_or_else(|e| panic!("{e}: run `make models`"));
    let pair = format!("{source}{target}");
    let file = |name: String| files.file(&name).unwrap().to_owned();
    Direction {
        source: source.parse().unwrap(),
        target: target.parse().unwrap(),
        model: file(format!("model.{pair}.intgemm.alphas.bin")),
        source_vocabulary: file(format!("vocab.{pair}.spm")),
        target_vocabulary: file(format!("vocab.{pair}.spm")),
        shortlist: Some(file(format!("lex.50.50.{pair}.s2t.bin"))),
        info: files.info,
    }
}

fn translator() -> FirefoxTranslator {
    FirefoxTranslator::load(vec![direction("firefox-pten", "pt", "en"), direction("firefox-enpt", "en", "pt")]).unwrap()
}

fn request(text: &str, source: &str, target: &str) -> TranslateRequest {
    TranslateRequest { text: text.into(), source: source.parse().unwrap(), target: target.parse().unwrap() }
}

fn translated(translator: &mut FirefoxTranslator, text: &str, source: &str, target: &str) -> String {
    translator.run(&[request(text, source, target)]).remove(0).unwrap().text
}

#[test]
fn clinical_sentences_keep_what_matters_in_both_directions() {
    let mut translator = translator();
    for (text, source, target, keys) in [
        ("Estou com dor no peito desde ontem à noite.", "pt-BR", "en", &["chest", "night"][..]),
        ("Não tenho febre.", "pt", "en", &["fever"]),
        ("Tomo losartana 50 mg uma vez por dia.", "pt", "en", &["50", "losartan", "day"]),
        ("A dor vai do peito para o braço esquerdo.", "pt", "en", &["left", "arm"]),
        ("Are you allergic to penicillin?", "en", "pt-BR", &["penicilina"]),
        ("You do not need surgery.", "en", "pt", &["não", "cirurgia"]),
    ] {
        let output = translated(&mut translator, text, source, target).to_lowercase();
        for key in keys {
            assert!(output.contains(key), "'{key}' is not in '{output}'");
        }
    }
}

#[test]
fn a_negation_stays_one() {
    let output = translated(&mut translator(), "Não tenho febre.", "pt", "en").to_lowercase();
    assert!(["not", "n't", "no "].iter().any(|negation| output.contains(negation)), "{output}");
}

#[test]
fn a_batch_says_what_its_members_say_alone() {
    let mut translator = translator();
    let requests = ["Bom dia, doutora.", "Sinto falta de ar."].map(|text| request(text, "pt", "en"));
    let together: Vec<_> = translator.run(&requests).into_iter().map(|r| r.unwrap().text).collect();
    let alone: Vec<_> = requests.iter().map(|r| translator.run(std::slice::from_ref(r)).remove(0).unwrap().text).collect();
    assert_eq!(together, alone);
}

#[test]
fn the_weights_named_are_those_of_the_direction() {
    let mut translator = translator();
    let there = translator.run(&[request("Sim.", "pt", "en")]).remove(0).unwrap().model;
    let back = translator.run(&[request("Yes.", "en", "pt")]).remove(0).unwrap().model;
    assert_eq!((there.name.as_str(), back.name.as_str()), ("firefox-pten", "firefox-enpt"));
    assert_ne!(there.weights_sha256, back.weights_sha256);
}

#[test]
fn what_cannot_be_translated_is_refused_or_left_alone() {
    let mut translator = translator();
    let input = |r: &Result<Translation, ModelError>| matches!(r, Err(ModelError::Input { .. }));
    assert!(input(&translator.run(&[request("Ja.", "de", "en")])[0]));
    assert!(input(&translator.run(&[request("Sim.", "pt", "pt-PT")])[0]));
    assert!(input(&translator.run(&[request(&"a".repeat(MAX_CHARS + 1), "pt", "en")])[0]));
    assert_eq!(translated(&mut translator, "120/80", "pt", "en"), "120/80");
    assert_eq!(translated(&mut translator, "", "pt", "en"), "");
}

#[test]
fn several_sentences_are_all_translated() {
    let text = "Estou com dor de cabeça há três dias. A luz me incomoda. Não tenho febre. Tomo losartana.";
    let output = translated(&mut translator(), text, "pt", "en").to_lowercase();
    for key in ["head", "light", "fever", "losartan"] {
        assert!(output.contains(key), "'{key}' is not in '{output}'");
    }
}
