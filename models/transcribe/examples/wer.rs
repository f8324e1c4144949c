//! Word error rate and speed over recordings listed in an `index.tsv` (columns `file`, `language`,
//! `transcript`; files are 16 kHz or 24 kHz mono WAV, others are passed over).
//!
//! `cargo run -p healthsync-transcribe --example wer -- FOLDER [THREADS]`

use healthsync_models::{
    Model,
    registry::Registry,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest},
};
use healthsync_transcribe::{WhisperConfig, WhisperTranscriber};
use std::{collections::BTreeMap, path::Path, time::Instant};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder with an index.tsv");
    let threads = arguments.next().map_or(2, |n| n.parse().unwrap());
    let files =
        Registry::from_env().unwrap().open_files("whisper-base", &["ggml-base.bin"]).expect("run `make models`");
    let ggml = files.file("ggml-base.bin").unwrap();
    let mut model = WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads }).unwrap();
    let index = std::fs::read_to_string(Path::new(&folder).join("index.tsv")).unwrap();
    let mut sums: BTreeMap<String, (usize, usize, f64, f64)> = BTreeMap::new();
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, language, transcript, ..] = columns[..] else { continue };
        let Some(samples) = read(&Path::new(&folder).join(file)) else { continue };
        let seconds = samples.len() as f64 / 16_000.0;
        let begun = Instant::now();
        let language = SpokenLanguage::Known(language.parse().unwrap());
        let request = TranscribeRequest {
            samples: samples.into(),
            language,
            prompt: None,
            effort: Effort::Full,
            cancel: Cancel::default(),
        };
        let heard = model.run(&[request]).remove(0).unwrap();
        let took = begun.elapsed().as_secs_f64();
        let (errors, words) = word_errors(transcript, &heard.text);
        println!("{file}\t{errors}/{words}\t{took:.2} s for {seconds:.1} s\tp={:.2}\t{}", heard.confidence, heard.text);
        let group = format!("{} {}", file.split('/').next().unwrap_or_default(), heard.language);
        let sum = sums.entry(group).or_default();
        *sum = (sum.0 + errors, sum.1 + words, sum.2 + took, sum.3 + seconds);
    }
    for (group, (errors, words, took, seconds)) in sums {
        println!(
            "{group}: word error rate {:.1} %, real-time factor {:.3}",
            100.0 * errors as f64 / words as f64,
            took / seconds
        );
    }
}

/// Mono WAV at 16 kHz, or at 24 kHz taken two samples for three.
fn read(path: &Path) -> Option<Vec<f32>> {
    let mut wav = hound::WavReader::open(path).ok()?;
    let spec = wav.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Int => wav.samples::<i32>().map(|s| s.unwrap() as f32 / f32::from(i16::MAX)).collect(),
        hound::SampleFormat::Float => wav.samples::<f32>().map(Result::unwrap).collect(),
    };
    let rate = f64::from(spec.sample_rate) / 16_000.0;
    let resampled = (0..(samples.len() as f64 / rate) as usize).map(|n| {
        let at = n as f64 * rate;
        let (left, share) = (at as usize, at.fract() as f32);
        samples[left] * (1.0 - share) + samples.get(left + 1).copied().unwrap_or(0.0) * share
    });
    (spec.channels == 1).then(|| resampled.collect())
}

/// Levenshtein distance over lower-case words without punctuation, and the reference's length.
fn word_errors(reference: &str, heard: &str) -> (usize, usize) {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(Into::into).collect()
    };
    let (reference, heard) = (words(reference), words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, expected) in reference.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, word) in heard.iter().enumerate() {
            let substituted = diagonal + usize::from(word != expected);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    (row[heard.len()], reference.len())
}
