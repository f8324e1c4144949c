//! Speaks a text into a WAV file and says how long it took, with what the first clause of it took by itself.
//!
//! `cargo run -p healthsync-speak --example say -- pt pf_dora 2 "Bom dia." out.wav`

use healthsync_models::{
    Model,
    registry::Registry,
    tasks::{SpeakRequest, SpokenAudio},
};
use healthsync_speak::{KokoroFiles, NeuralSpeaker, PiperFiles, SpeakerFiles, clauses, with_pause};
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [language, voice, threads, text, out] = &arguments[..] else {
        panic!("LANGUAGE VOICE THREADS TEXT OUT.wav");
    };
    let registry = Registry::from_env().unwrap();
    let open = |name: &str| registry.open(name).expect("run `make models`");
    let (runtime, kokoro, voices, piper) =
        (open("onnxruntime"), open("kokoro-82m-int8"), open("kokoro-voices"), open("piper-joe-en"));
    let styles = voices.files.iter().map(|(name, path)| (name.trim_end_matches(".bin").to_owned(), path.clone()));
    let mut speaker = NeuralSpeaker::load(SpeakerFiles {
        onnxruntime: runtime.file("libonnxruntime.so").unwrap().into(),
        kokoro: KokoroFiles {
            model: kokoro.file("kokoro-v1.0.int8.onnx").unwrap().into(),
            voices: styles.collect(),
            info: kokoro.info,
        },
        piper: Some(PiperFiles {
            model: piper.file("en_US-joe-medium.onnx").unwrap().into(),
            config: piper.file("en_US-joe-medium.onnx.json").unwrap().into(),
            info: piper.info,
        }),
        threads: threads.parse().unwrap(),
    })
    .unwrap();
    let request = SpeakRequest {
        text: text.clone(),
        language: language.parse().unwrap(),
        voice: Some(voice.clone()),
        speed: 1.0,
    };
    let cut = clauses(text);
    let first = SpeakRequest { text: with_pause(cut[0], cut.len() == 1), ..request.clone() };
    let mut firsts: Vec<f64> = Vec::new();
    let mut took: Vec<f64> = Vec::new();
    let mut seconds = 0.0;
    for _ in 0..7 {
        let begun = Instant::now();
        speaker.run(std::slice::from_ref(&first)).remove(0).unwrap();
        firsts.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let spoken = speaker.run(std::slice::from_ref(&request)).remove(0).unwrap();
        took.push(begun.elapsed().as_secs_f64());
        seconds = spoken.samples.len() as f64 / f64::from(spoken.sample_rate);
        write(out, &spoken);
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (whole, first_clause) = (median(&mut took), median(&mut firsts));
    println!(
        "{seconds:.1} s of sound in {whole:.2} s (median of 7, best {:.2}): real-time factor {:.2}",
        took[0],
        whole / seconds
    );
    println!(
        "first of {} clauses ({} characters): {first_clause:.2} s, best {:.2}",
        cut.len(),
        cut[0].chars().count(),
        firsts[0]
    );
}

fn write(out: &str, spoken: &SpokenAudio) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: spoken.sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(out, spec).unwrap();
    for sample in &spoken.samples {
        wav.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    wav.finalize().unwrap();
}
