//! Sounds of a consultation that are no speech, with the real weights: none may come back as words.

mod common;

use common::utterances;
use healthsync_models::{
    Model,
    registry::Registry,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest},
};
use healthsync_transcribe::{WhisperConfig, WhisperTranscriber, doubt};
use std::f32::consts::TAU;

const RATE: usize = 16_000;

/// Ten seconds by a function of time in seconds.
fn sound(of: impl Fn(f32) -> f32) -> Vec<f32> {
    (0..10 * RATE).map(|i| of(i as f32 / RATE as f32)).collect()
}

/// Of the same seed the same, between -1 and 1.
fn noise(seed: u32) -> impl Fn(f32) -> f32 {
    move |t| {
        let mut x = ((t * RATE as f32) as u32).wrapping_mul(0x9E37_79B9) ^ seed;
        x ^= x >> 16;
        x = x.wrapping_mul(0x85EB_CA6B);
        x ^= x >> 13;
        x as f32 / (u32::MAX / 2) as f32 - 1.0
    }
}

/// A note of a plucked string.
fn note(hertz: f32, t: f32) -> f32 {
    (1..5).map(|k| (TAU * hertz * k as f32 * t).sin() / k as f32).sum()
}

fn chords(beat: f32, volume: f32) -> Vec<f32> {
    let chords = [[220.0, 277.2, 329.6], [196.0, 246.9, 293.7], [174.6, 220.0, 261.6], [164.8, 207.7, 246.9]];
    sound(|t| {
        let since = t % beat;
        let chord = chords[(t / (2.0 * beat)) as usize % chords.len()];
        let drum = (TAU * 60.0 * since).sin() * (-since * 30.0).exp();
        let strings: f32 = chord.iter().map(|hertz| note(*hertz, t)).sum();
        volume * (strings * (-since * 3.0).exp() + 3.0 * drum)
    })
}

fn melody() -> Vec<f32> {
    let scale = [262.0, 294.0, 330.0, 392.0, 440.0, 523.0, 440.0, 392.0, 330.0, 294.0];
    sound(|t| {
        let hertz = scale[(t / 0.35) as usize % scale.len()];
        let vibrato = (TAU * 5.5 * t).sin() * 3.0;
        0.15 * note(hertz + vibrato, t) * (-(t % 0.35) * 2.0).exp()
    })
}

fn sounds() -> Vec<(&'static str, Vec<f32>)> {
    let (white, rain) = (noise(1), noise(7));
    vec![
        ("chords", chords(0.5, 0.08)),
        ("slow chords", chords(0.9, 0.05)),
        ("quick chords", chords(0.3, 0.15)),
        ("melody", melody()),
        ("white noise", sound(|t| 0.1 * white(t))),
        ("gusts", sound(|t| 0.3 * rain(t) * (TAU * 0.7 * t).sin().abs())),
        ("mains hum", sound(|t| 0.2 * note(50.0, t))),
        ("alarm of a monitor", sound(|t| if t % 0.6 < 0.3 { 0.3 * note(960.0, t) } else { 0.0 })),
        (
            "telephone",
            sound(|t| if t % 2.0 < 1.0 { 0.2 * ((TAU * 440.0 * t).sin() + (TAU * 480.0 * t).sin()) } else { 0.0 }),
        ),
        ("siren", sound(|t| 0.3 * (TAU * (900.0 * t + 60.0 * (TAU * 0.5 * t).sin() / 0.5)).sin())),
        ("clicks", sound(|t| if t % 0.25 < 0.004 { 0.8 } else { 0.0 })),
        ("breathing", sound(|t| 0.05 * white(t) * (TAU * 0.25 * t).sin().max(0.0).powi(2))),
    ]
}

#[test]
fn sounds_that_are_no_speech_are_not_put_into_words() {
    let files =
        Registry::from_env().unwrap().open_files("whisper-base", &["ggml-base.bin"]).expect("run `make models`");
    let ggml = files.file("ggml-base.bin").unwrap();
    let mut whisper = WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads: 2 }).unwrap();
    let mut believed = Vec::new();
    for (name, samples) in sounds() {
        for utterance in utterances(&samples) {
            for language in ["en", "pt"] {
                let request = TranscribeRequest {
                    samples: utterance.samples.clone().into(),
                    language: SpokenLanguage::Known(language.parse().unwrap()),
                    prompt: None,
                    effort: Effort::Full,
                    cancel: Cancel::default(),
                };
                let heard = whisper.run(&[request]).pop().unwrap().unwrap();
                let doubt = doubt(&heard, &utterance.samples);
                let ms = utterance.samples.len() / 16;
                println!(
                    "{name} ({ms} ms, {language}): {doubt:?} {:.2} {:.2} {}",
                    heard.confidence, heard.no_speech, heard.text
                );
                if doubt.is_none() {
                    believed.push(format!("{name}: {}", heard.text));
                }
            }
        }
    }
    assert!(believed.is_empty(), "{believed:#?}");
}
