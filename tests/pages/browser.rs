//! A call from a real browser: microphone in, captions on the page.

use crate::common::{Server, all_events, browse, recall};
use healthsync::{config::Config, wiring};
use healthsync_events::EventBody;
use healthsync_models::{Model, tasks::SpeakRequest};
use serde_json::Value;
use std::{ffi::OsStr, path::Path};

const SAID: &str = "Estou com dor no peito desde ontem à noite e sinto falta de ar quando subo escadas.";

const ASKED: &str = "Good morning. Do you have any pain in your chest when you breathe?";

/// Speaks with a voice of the registry, after `lead` seconds of silence and before four: Chromium plays the file from
/// the moment it opens the microphone, before the connection stands.
fn record(path: &Path, text: &str, voice: &str, language: &str, lead: usize) {
    let mut speaker = wiring::load_speaker(&Config::default()).unwrap();
    let request =
        SpeakRequest { text: text.into(), language: language.parse().unwrap(), voice: Some(voice.into()), speed: 1.0 };
    let spoken = speaker.run(std::slice::from_ref(&request)).pop().unwrap().unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: spoken.sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    let silence = |seconds: usize| std::iter::repeat_n(0.0, seconds * spoken.sample_rate as usize);
    for sample in silence(lead).chain(spoken.samples.iter().copied()).chain(silence(4)) {
        wav.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_joins_from_a_browser_sees_captions_and_their_translation() {
    let server = Server::start().await;
    let wav = server.folder.path().join("microphone.wav");
    let screenshot = server.folder.path().join("call.png");
    let url = server.http.clone();
    let seen = tokio::task::spawn_blocking(move || {
        record(&wav, SAID, "pf_dora", "pt", 8);
        browse("call.mjs", &[url.as_ref(), wav.as_ref(), screenshot.as_ref()])
    })
    .await
    .unwrap();
    let caption = seen["caption"].as_str().unwrap();
    assert!(recall(SAID, caption) >= 0.7, "{caption}");
    assert!(seen["translation"].as_str().unwrap().to_lowercase().contains("chest"), "{seen}");
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "the page logs no errors: {seen}");

    let session = seen["session"].as_str().unwrap().parse().unwrap();
    let events = all_events(&server.http, session).await;
    assert!(events.iter().any(|e| matches!(e.body, EventBody::CaptionPartial(_))), "partials came before the final");
}

/// Pictures were decoded and moved, voices came, and a muted one did not.
fn assert_seen_and_heard(seen: &Value) {
    let number = |what: &str, field: &str| seen[what][field].as_f64().unwrap();
    for picture in ["clinicianSees", "patientSees", "movesAgain", "renewed", "rejoined", "rejoinedSees", "elsewhere"] {
        assert!(number(picture, "width") > 0.0 && number(picture, "moved") > 1.0, "{picture}: {seen}");
        assert!(number(picture, "frames") > 0.0, "{picture}: {seen}");
    }
    for sound in ["clinicianHears", "patientHears", "interpreter", "rejoinedHeard"] {
        assert!(number(sound, "bytes") > 0.0 && number(sound, "energy") > 1e-4, "{sound}: {seen}");
    }
    // Silence has no energy; this is room for what a decoder makes of its noise.
    assert!(seen["silence"].as_f64().unwrap() < 1e-5, "nothing is heard of who is muted: {seen}");
}

/// Each reads what the other says in their own language, over the picture and in the conversation.
fn assert_read(seen: &Value) {
    assert_eq!(seen["invitedAs"], "Convite para entrar como Paciente", "the link opens in the patient's language");
    for (overlay, language, said, word) in
        [("clinicianOverlay", "en", SAID, "chest"), ("patientOverlay", "pt", ASKED, "peito")]
    {
        let text = |field: &str| seen[overlay][field].as_str().unwrap();
        assert!(text("text").to_lowercase().contains(word), "{overlay}: {seen}");
        assert_eq!(text("language"), language);
        assert!(recall(said, text("original")) >= 0.5, "what was said stands beneath: {seen}");
    }
    let rows = seen["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "both read both: {seen}");
    for (row, said) in rows.iter().zip([SAID, ASKED, SAID, ASKED]) {
        assert!(recall(said, row["original"].as_str().unwrap()) >= 0.5, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_hear_and_read_each_other_whatever_happens_to_the_call() {
    let server = Server::start().await;
    let folder = server.folder.path().to_owned();
    let url = server.http.clone();
    let seen = tokio::task::spawn_blocking(move || {
        let (clinician, patient) = (folder.join("clinician.wav"), folder.join("patient.wav"));
        record(&clinician, ASKED, "joe", "en", 12);
        record(&patient, SAID, "pf_dora", "pt", 6);
        let shots = folder.join("shots");
        let words: [&OsStr; 2] = ["peito".as_ref(), "chest".as_ref()];
        browse(
            "two-pages.mjs",
            &[url.as_ref(), clinician.as_ref(), patient.as_ref(), shots.as_ref(), words[0], words[1]],
        )
    })
    .await
    .unwrap();
    assert_seen_and_heard(&seen);
    assert_read(&seen);
    assert_eq!(seen["hearing"]["translation"]["patient"], 0.0, "only the interpreter: {seen}");
    assert_eq!(seen["hearing"]["original"]["interpreter"], Value::Null, "only the person: {seen}");
    assert_eq!(seen["renewed"]["status"], 200, "ICE is restarted, not begun anew: {seen}");
    assert!(seen["elsewhere"]["said"].as_str().unwrap().starts_with("Você entrou"), "{seen}");
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "the pages log no errors: {seen}");

    let session = seen["session"].as_str().unwrap().parse().unwrap();
    let events = all_events(&server.http, session).await;
    let came =
        |body: &EventBody| matches!(body, EventBody::ParticipantJoined(p) if p.participant.to_string() == "patient");
    assert!(events.iter().filter(|e| came(&e.body)).count() >= 3, "the patient came back, and once more elsewhere");
    assert!(events.iter().any(|e| matches!(&e.body, EventBody::ParticipantInvited(_))));
}
