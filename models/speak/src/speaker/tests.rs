use super::*;
use healthsync_models::registry::Registry;

fn speaker() -> NeuralSpeaker {
    let registry = Registry::from_env().unwrap();
    let open = |name: &str| registry.open(name).unwrap_or_else(|e| panic!("{e}: run `make models`"));
    let (runtime, kokoro, voices, piper) =
        (open("onnxruntime"), open("kokoro-82m-int8"), open("kokoro-voices"), open("piper-joe-en"));
    let names = ["pf_dora", "am_michael"];
    NeuralSpeaker::load(SpeakerFiles {
        onnxruntime: runtime.file("libonnxruntime.so").unwrap().into(),
        kokoro: KokoroFiles {
            model: kokoro.file("kokoro-v1.0.int8.onnx").unwrap().into(),
            voices: names.map(|n| (n.to_owned(), voices.file(&format!("{n}.bin")).unwrap().into())).into(),
            info: kokoro.info,
        },
        piper: Some(PiperFiles {
            model: piper.file("en_US-joe-medium.onnx").unwrap().into(),
            config: piper.file("en_US-joe-medium.onnx.json").unwrap().into(),
            info: piper.info,
        }),
        threads: 2,
    })
    .unwrap()
}

fn request(text: &str, language: &str, voice: Option<&str>) -> SpeakRequest {
    SpeakRequest { text: text.into(), language: language.parse().unwrap(), voice: voice.map(Into::into), speed: 1.0 }
}

#[test]
fn each_voice_speaks_at_a_plausible_pace_and_level() {
    let mut speaker = speaker();
    for (text, language, voice, rate) in [
        ("Estou com dor no peito desde ontem à noite.", "pt-BR", None, 24_000),
        ("I have had a chest pain since last night.", "en", None, 22_050),
        ("I have had a chest pain since last night.", "en", Some("am_michael"), 24_000),
    ] {
        let spoken = speaker.run(&[request(text, language, voice)]).remove(0).unwrap();
        assert_eq!(spoken.sample_rate, rate);
        let seconds = spoken.samples.len() as f32 / rate as f32;
        assert!((1.2..6.0).contains(&seconds), "{voice:?}: {seconds} s");
        assert!(spoken.samples.iter().all(|s| s.abs() <= 0.9), "no clipping");
        let rms = (spoken.samples.iter().map(|s| s * s).sum::<f32>() / spoken.samples.len() as f32).sqrt();
        assert!((0.03..0.15).contains(&rms), "{voice:?}: {rms}");
        assert_eq!(spoken.model.weights_sha256.len(), 64);
    }
}

#[test]
fn what_cannot_be_spoken_is_refused() {
    let mut speaker = speaker();
    let long = "a".repeat(MAX_CHARS + 1);
    for bad in [request("Ja.", "de", None), request("Sim.", "pt", Some("nobody")), request(&long, "pt", None)] {
        assert!(matches!(speaker.run(&[bad]).remove(0), Err(ModelError::Input { .. })));
    }
    let fast = SpeakRequest { speed: 9.0, ..request("Sim.", "pt", None) };
    assert!(matches!(speaker.run(&[fast]).remove(0), Err(ModelError::Input { .. })));
}

#[test]
fn text_without_words_is_silence_and_markup_is_harmless() {
    let mut speaker = speaker();
    assert!(speaker.run(&[request("…", "pt", None)]).remove(0).unwrap().samples.is_empty());
    let marked = request("<speak><break time=\"60s\"/>Sim\u{0}.</speak>", "pt", None);
    assert!(speaker.run(&[marked]).remove(0).unwrap().samples.len() < 24_000 * 10);
}
