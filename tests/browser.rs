//! A call from a real browser: microphone in, captions on the page.

mod common;

use common::{Server, all_events, recall};
use healthsync::{config::Config, wiring};
use healthsync_events::EventBody;
use healthsync_models::{Model, tasks::SpeakRequest};
use serde_json::Value;
use std::{ffi::OsStr, path::Path, process::Command};

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

/// Runs a script of `tests/browser` and gives the one JSON object that it prints.
fn browse(script: &str, arguments: &[&OsStr]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let output = Command::new("node").arg(script).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_and_hear_each_other_and_the_clinician_reads_what_the_patient_says() {
    let server = Server::start().await;
    let folder = server.folder.path().to_owned();
    let url = server.http.clone();
    let seen = tokio::task::spawn_blocking(move || {
        let (clinician, patient) = (folder.join("clinician.wav"), folder.join("patient.wav"));
        record(&clinician, ASKED, "joe", "en", 12);
        record(&patient, SAID, "pf_dora", "pt", 6);
        let shots = folder.join("shots");
        browse("two-pages.mjs", &[url.as_ref(), clinician.as_ref(), patient.as_ref(), shots.as_ref(), "chest".as_ref()])
    })
    .await
    .unwrap();

    assert_eq!(seen["invitedAs"], "Convite para entrar como Paciente", "the link opens in the patient's language");
    for picture in ["clinicianSees", "patientSees", "movesAgain", "renewed", "rejoined", "rejoinedSees"] {
        let number = |field: &str| seen[picture][field].as_f64().unwrap();
        assert!(number("width") > 0.0 && number("moved") > 1.0, "{picture}: {seen}");
    }
    for sound in ["clinicianHears", "patientHears"] {
        assert!(seen[sound]["bytes"].as_f64().unwrap() > 0.0, "{sound}: {seen}");
        assert!(seen[sound]["energy"].as_f64().unwrap() > 1e-4, "{sound}: {seen}");
    }
    assert!(seen["overlay"].as_str().unwrap().to_lowercase().contains("chest"), "{seen}");
    assert_eq!(seen["language"], "en");
    assert!(recall(SAID, seen["original"].as_str().unwrap()) >= 0.5, "what was said stands beneath: {seen}");
    for flag in ["muteSeen", "cameraOffSeen", "leavingSeen"] {
        assert_eq!(seen[flag], true, "{flag}: {seen}");
    }
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "the pages log no errors: {seen}");

    let session = seen["session"].as_str().unwrap().parse().unwrap();
    let events = all_events(&server.http, session).await;
    let came =
        |body: &EventBody| matches!(body, EventBody::ParticipantJoined(p) if p.participant.to_string() == "patient");
    assert!(events.iter().filter(|e| came(&e.body)).count() >= 2, "the patient came back");
    assert!(events.iter().any(|e| matches!(&e.body, EventBody::ParticipantInvited(_))));
}
