//! A call from a real browser: microphone in, captions on the page.

mod common;

use common::{Server, all_events, recall};
use healthsync::{config::Config, wiring};
use healthsync_events::EventBody;
use healthsync_models::{Model, tasks::SpeakRequest};
use std::{path::Path, process::Command};

const SAID: &str = "Estou com dor no peito desde ontem à noite e sinto falta de ar quando subo escadas.";

/// Speaks with the registry's voice, between silences: Chromium plays the file from the moment it opens the
/// microphone, before the connection stands.
fn record(path: &Path) {
    let mut speaker = wiring::load_speaker(&Config::default()).unwrap();
    let request =
        SpeakRequest { text: SAID.into(), language: "pt".parse().unwrap(), voice: Some("pf_dora".into()), speed: 1.0 };
    let spoken = speaker.run(std::slice::from_ref(&request)).pop().unwrap().unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: spoken.sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    let silence = std::iter::repeat_n(0.0, 4 * spoken.sample_rate as usize);
    for sample in silence.clone().chain(spoken.samples).chain(silence) {
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
    let output = tokio::task::spawn_blocking(move || {
        record(&wav);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/call.mjs");
        Command::new("node").arg(script).arg(url).arg(wav).arg(screenshot).output().unwrap()
    })
    .await
    .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let caption = seen["caption"].as_str().unwrap();
    assert!(recall(SAID, caption) >= 0.7, "{caption}");
    assert!(seen["translation"].as_str().unwrap().to_lowercase().contains("chest"), "{seen}");
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "the page logs no errors: {seen}");

    let session = seen["session"].as_str().unwrap().parse().unwrap();
    let events = all_events(&server.http, session).await;
    assert!(events.iter().any(|e| matches!(e.body, EventBody::CaptionPartial(_))), "partials came before the final");
}
