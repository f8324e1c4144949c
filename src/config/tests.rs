use super::*;

fn load(toml: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, toml).unwrap();
    Config::load(Some(&file))
}

#[test]
fn what_the_file_leaves_out_keeps_its_default() {
    let config = load("[http]\nlisten = '127.0.0.1:9000'\n").unwrap();
    assert_eq!(config.http.listen.port(), 9000);
    assert_eq!(config.mllp.listen.port(), 2575);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = load("[http]\nlissten = '127.0.0.1:9000'\n").unwrap_err();
    assert!(error.to_string().contains("lissten"), "{error}");
}

#[test]
fn the_pools_are_not_opened_without_a_token() {
    assert!(!load("").unwrap().kserve.enabled);
    let error = load("[kserve]\nenabled = true\n").unwrap_err();
    assert_eq!(error.to_string(), "kserve.token_file must be given where kserve.enabled is true");
    assert!(load("[kserve]\nenabled = true\ntoken_file = 'token'\n").is_ok());
}

#[test]
fn a_zero_that_would_stop_everything_is_refused() {
    let error = load("[sessions]\nmax_open = 0\n").unwrap_err();
    assert_eq!(error.to_string(), "sessions.max_open must be at least 1");
}

#[test]
fn the_door_for_monitors_may_speak_tls_and_has_a_zone_on_earth() {
    let config = load("[mllp]\nutc_offset_minutes = -180\ntls = { certificate = 'a.pem', key = 'a.key' }\n").unwrap();
    assert_eq!(config.mllp.tls.unwrap().key, PathBuf::from("a.key"));
    assert!(load("[mllp]\ntls = { certificate = 'a.pem' }\n").is_err(), "a key is missing");
    let error = load("[mllp]\nutc_offset_minutes = 1000\n").unwrap_err();
    assert_eq!(error.to_string(), "mllp.utc_offset_minutes must be -720 to 840");
}

#[test]
fn a_language_has_one_voice_or_several() {
    let config = load("[speech]\nspeed = 1.2\nvoices = { pt = ['pf_dora', 'pm_alex'], en = 'am_michael' }\n").unwrap();
    assert_eq!(config.speech.voices["pt"].names(), ["pf_dora", "pm_alex"]);
    assert_eq!(config.speech.voices["en"].names(), ["am_michael"]);
    assert_eq!(config.speech.voices["es"].names(), ["ef_dora"], "left out, so as before");
}

#[test]
fn voices_that_cannot_be_used_are_refused_with_what_is_wrong() {
    for (toml, says) in [
        ("voices = { pt = 'joe' }", "speech.voices.pt names \"joe\", which is no voice of that language"),
        (
            "voices = { en = ['joe', 'nobody'] }",
            "speech.voices.en names \"nobody\", which is no voice of that language",
        ),
        ("voices = { pt = [] }", "speech.voices.pt must be the name of a voice, or a list of at least one"),
        (
            "voices = { pt-BR = 'pf_dora' }",
            "speech.voices.pt-BR must be under the language's primary subtag in lower case, such as 'pt'",
        ),
        ("speed = 3.0", "speech.speed must be 0.5 to 2.0"),
    ] {
        assert_eq!(load(&format!("[speech]\n{toml}\n")).unwrap_err().to_string(), says);
    }
}

#[test]
fn apertium_is_chosen_by_a_word_or_by_its_directions() {
    let apertium = |toml: &str| load(toml).map(|config| config.translation.apertium);
    assert_eq!(apertium("").unwrap(), Apertium::Choice(ApertiumChoice::Auto));
    assert_eq!(apertium("[translation]\napertium = 'off'\n").unwrap(), Apertium::Choice(ApertiumChoice::Off));
    let listed = apertium("[translation]\napertium = ['en-es']\n").unwrap();
    assert_eq!(listed, Apertium::Directions(vec!["en-es".into()]));
    assert!(apertium("[translation]\napertium = 'some'\n").is_err());
}

#[test]
fn recognition_is_chosen_by_engine_and_precision() {
    let models = |toml: &str| load(&format!("[models]\n{toml}\n")).map(|config| config.models);
    let default = models("").unwrap();
    assert_eq!((default.transcribe_engine, default.transcribe_precision), Default::default());
    assert_eq!(models("transcribe_precision = 'q5_1'").unwrap().transcribe_precision, Precision::Q5_1);
    assert!(models("transcribe_precision = 'q4_0'").is_err());
    let refusal = |toml: &str| models(toml).err().map(|error| error.to_string());
    let told = refusal("transcribe_gpu = 0").unwrap();
    assert_eq!(told, "models.transcribe_gpu must be left out where the engine is not candle");
    let candle = refusal("transcribe_engine = 'candle'");
    assert_eq!(candle.is_none(), cfg!(feature = "candle"), "{candle:?}");
    assert!(refusal("transcribe_engine = 'candle'\ntranscribe_precision = 'q8_0'").is_some());
    let gpu = refusal("transcribe_engine = 'candle'\ntranscribe_gpu = 0");
    assert_eq!(gpu.is_none(), cfg!(feature = "cuda"), "{gpu:?}");
}

#[test]
fn a_file_that_is_named_but_missing_is_an_error() {
    assert!(matches!(Config::load(Some(Path::new("/nowhere.toml"))), Err(ConfigError::Missing(_))));
}
