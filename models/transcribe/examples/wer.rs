//! Word error rate and speed over recordings listed in an `index.tsv` (columns `file`, `language`,
//! `transcript`; files are 16 kHz or 24 kHz mono WAV, others are passed over).
//!
//! `cargo run -p healthsync-transcribe --example wer -- FOLDER [ENGINE [THREADS [BATCH [EFFORT]]]]`, ENGINE `whisper`
//! (whisper.cpp), `candle` or `candle-cuda`, EFFORT `full` or `draft`. BATCH recordings are given at a time.

use healthsync_models::{
    Model,
    registry::Registry,
    tasks::{Effort, SpokenLanguage, TranscribeRequest, Transcriber},
};
use healthsync_transcribe::{
    CandleConfig, CandleDevice, CandleFiles, CandleTranscriber, WhisperConfig, WhisperTranscriber,
};
use std::{collections::BTreeMap, path::Path, time::Instant};

struct Recording {
    file: String,
    transcript: String,
    request: TranscribeRequest,
}

#[derive(Default)]
struct Sum {
    errors: usize,
    words: usize,
    took: f64,
    seconds: f64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder with an index.tsv");
    let engine = arguments.next().unwrap_or_else(|| "whisper".into());
    let threads = arguments.next().map_or(2, |n| n.parse().unwrap());
    let batch = arguments.next().map_or(1, |n| n.parse().unwrap());
    let effort = if arguments.next().as_deref() == Some("draft") { Effort::Draft } else { Effort::Full };
    let mut model = load(&engine, threads);
    let mut recordings = recordings(Path::new(&folder), effort);
    recordings.sort_by_key(group);
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for recordings in recordings.chunk_by(|a, b| group(a) == group(b)).flat_map(|kind| kind.chunks(batch)) {
        let requests: Vec<_> = recordings.iter().map(|recording| recording.request.clone()).collect();
        let begun = Instant::now();
        let answers = model.run(&requests);
        let took = begun.elapsed().as_secs_f64() / recordings.len() as f64;
        for (recording, heard) in recordings.iter().zip(answers) {
            let heard = heard.unwrap();
            let seconds = recording.request.samples.len() as f64 / 16_000.0;
            let (errors, words) = word_errors(&recording.transcript, &heard.text);
            let (file, confidence) = (&recording.file, heard.confidence);
            println!("{file}\t{errors}/{words}\t{took:.2} s for {seconds:.1} s\tp={confidence:.2}\t{}", heard.text);
            for name in [group(recording), "all".into()] {
                let sum = sums.entry(name).or_default();
                sum.errors += errors;
                sum.words += words;
                sum.took += took;
                sum.seconds += seconds;
            }
        }
    }
    for (group, sum) in sums {
        let (rate, factor) = (100.0 * sum.errors as f64 / sum.words as f64, sum.took / sum.seconds);
        println!("{group}: {} words, word error rate {rate:.1} %, real-time factor {factor:.3}", sum.words);
    }
}

fn load(engine: &str, threads: usize) -> Transcriber {
    let registry = Registry::from_env().unwrap();
    if engine == "whisper" {
        let files = registry.open_files("whisper-base", &["ggml-base.bin"]).expect("run `make models`");
        let ggml = files.file("ggml-base.bin").unwrap();
        return Box::new(WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads }).unwrap());
    }
    let device = if engine == "candle-cuda" { CandleDevice::Cuda(0) } else { CandleDevice::Cpu };
    let names = ["model.safetensors", "tokenizer.json", "config.json"];
    let files = registry.open_files("whisper-base", &names).expect("run `make models`");
    let [weights, tokenizer, config] = names.map(|name| files.file(name).unwrap().into());
    let paths = CandleFiles { weights, tokenizer, config };
    Box::new(CandleTranscriber::load(&paths, files.info.clone(), CandleConfig { threads, device }).unwrap())
}

fn recordings(folder: &Path, effort: Effort) -> Vec<Recording> {
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let recording = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, language, transcript, ..] = columns[..] else { return None };
        let samples = read(&folder.join(file))?.into();
        let language = SpokenLanguage::Known(language.parse().unwrap());
        let request = TranscribeRequest { samples, language, prompt: None, effort };
        Some(Recording { file: file.into(), transcript: transcript.into(), request })
    };
    index.lines().skip(1).filter_map(recording).collect()
}

/// Folder and language.
fn group(recording: &Recording) -> String {
    let SpokenLanguage::Known(language) = &recording.request.language else { return String::new() };
    format!("{} {language}", recording.file.split('/').next().unwrap_or_default())
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
