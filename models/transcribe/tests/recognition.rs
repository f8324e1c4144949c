//! From a recording to words with the real weights: voice activity, utterances, recognition. Every test of recognition
//! runs against every engine.

mod common;
#[cfg(feature = "candle")]
mod staggered;

use common::utterances;
use healthsync_models::{
    Model, ModelError, Preempt,
    registry::Registry,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest, Transcriber, Transcription},
};
#[cfg(feature = "candle")]
use healthsync_transcribe::{CandleConfig, CandleDevice, CandleFiles, CandleTranscriber, ct2_to_safetensors};
use healthsync_transcribe::{Precision, WhisperConfig, WhisperTranscriber, ct2_to_ggml, doubt};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

const SAID: &str = "and so my fellow americans ask not what your country can do for you ask what you can do for your \
                    country";

/// Of 22 words. The audience's noise before a clause is sometimes heard as a word.
const MAX_ERRORS: usize = 2;

const SECOND: usize = 16_000;

fn recording() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/speech/address-1961.wav");
    let mut wav = hound::WavReader::open(path).unwrap();
    wav.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect()
}

fn whisper() -> Transcriber {
    let files =
        Registry::from_env().unwrap().open_files("whisper-base", &["ggml-base.bin"]).expect("run `make models`");
    let ggml = files.file("ggml-base.bin").unwrap();
    Box::new(WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads: 2 }).unwrap())
}

/// A derived file that a plain pull does not make, made once for all tests.
fn made(name: &str, inputs: [&str; 2], make: impl FnOnce([&Path; 2], &Path)) -> PathBuf {
    static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut all = MADE.lock().unwrap();
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if all.insert(name.to_owned()) {
        let files = Registry::from_env().unwrap().open_files("whisper-base", &inputs).expect("run `make models`");
        make(inputs.map(|input| files.file(input).unwrap()), &out);
    }
    out
}

fn quantized(precision: Precision) -> Transcriber {
    let inputs = ["model.bin", "tokenizer.json"];
    let ggml = made(precision.step(), inputs, |[m, t], out| ct2_to_ggml(m, t, precision, out).unwrap());
    let info = Registry::from_env().unwrap().open_files("whisper-base", &["config.json"]).unwrap().info;
    Box::new(WhisperTranscriber::load(&ggml, info, WhisperConfig { threads: 2 }).unwrap())
}

#[cfg(feature = "candle")]
fn candle() -> Transcriber {
    Box::new(load_candle())
}

/// Recordings that join and leave between two tokens.
#[cfg(feature = "candle")]
fn continuous() -> Transcriber {
    let model = healthsync_transcribe::CandleSequences::new(load_candle());
    Box::new(staggered::Staggered { model, generation: 0 })
}

#[cfg(feature = "candle")]
fn load_candle() -> CandleTranscriber {
    let names = ["tokenizer.json", "config.json"];
    let files = Registry::from_env().unwrap().open_files("whisper-base", &names).expect("run `make models`");
    let [tokenizer, config] = names.map(|name| files.file(name).unwrap().into());
    let weights = made("safetensors", ["model.bin", "config.json"], |[m, _], out| ct2_to_safetensors(m, out).unwrap());
    let files_of_model = CandleFiles { weights, tokenizer, config };
    let config = CandleConfig { threads: 2, device: CandleDevice::Cpu };
    CandleTranscriber::load(&files_of_model, files.info.clone(), config).unwrap()
}

/// The same tests for each engine.
macro_rules! for_every_engine {
    ($($test:ident)*) => {
        mod whisper_cpp {
            $(#[test] fn $test() { super::$test(super::whisper()); })*
        }
        #[cfg(feature = "candle")]
        mod candle {
            $(#[test] fn $test() { super::$test(super::candle()); })*
        }
        #[cfg(feature = "candle")]
        mod continuous {
            $(#[test] fn $test() { super::$test(super::continuous()); })*
        }
    };
}

for_every_engine! {
    a_speech_is_cut_at_its_pauses_and_its_words_are_recognised_in_order
    word_times_rise_and_lie_within_what_was_said
    words_are_placed_after_the_silence_before_them
    what_is_made_of_silence_and_hum_is_not_believed
    the_language_is_found_among_those_it_may_be
    what_cannot_be_heard_is_refused_and_leaves_the_rest_of_the_batch_alone
    what_is_cancelled_is_given_up_and_leaves_the_rest_of_the_batch_alone
    a_short_answer_is_said_once
    earlier_text_decides_how_words_are_written
}

fn request(samples: &[f32]) -> TranscribeRequest {
    let language = SpokenLanguage::Known("en".parse().unwrap());
    TranscribeRequest {
        samples: samples.into(),
        language,
        prompt: None,
        effort: Effort::Full,
        cancel: Cancel::default(),
    }
}

fn draft(samples: &[f32]) -> TranscribeRequest {
    TranscribeRequest { effort: Effort::Draft, ..request(samples) }
}

fn hear(engine: &mut Transcriber, request: TranscribeRequest) -> Transcription {
    engine.run(&[request]).remove(0).unwrap()
}

/// Words inserted, deleted or replaced between two texts.
fn edits(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let changed = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[heard.len()]
}

fn words(text: &str) -> Vec<String> {
    let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(word).filter(|word| !word.is_empty()).collect()
}

fn hum() -> Vec<f32> {
    (0..48_000_u16).map(|n| (f32::from(n) * 0.02).sin() * 0.01).collect()
}

fn a_speech_is_cut_at_its_pauses_and_its_words_are_recognised_in_order(mut engine: Transcriber) {
    let utterances = utterances(&recording());
    assert!((2..=5).contains(&utterances.len()), "{} utterances", utterances.len());
    assert!(utterances.windows(2).all(|pair| pair[0].end <= pair[1].start));
    let requests: Vec<_> = utterances.iter().map(|utterance| request(&utterance.samples)).collect();
    let heard: Vec<String> =
        engine.run(&requests).into_iter().flat_map(|answer| words(&answer.unwrap().text)).collect();
    let errors = edits(&words(SAID), &heard);
    assert!(errors <= MAX_ERRORS, "{errors} word errors in {heard:?}");
}

fn word_times_rise_and_lie_within_what_was_said(mut engine: Transcriber) {
    let samples = recording();
    for request in [request(&samples), draft(&samples)] {
        let heard = hear(&mut engine, request);
        assert!(heard.confidence > 0.7 && heard.no_speech < 0.5, "{} {}", heard.confidence, heard.no_speech);
        assert!(heard.words.iter().all(|word| word.start_ms <= word.end_ms && word.end_ms <= 11_500));
        assert!(heard.words.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms));
    }
}

/// whisper.cpp places tokens roughly: its first word may begin with the silence.
fn words_are_placed_after_the_silence_before_them(mut engine: Transcriber) {
    let delayed: Vec<f32> = std::iter::repeat_n(0.0, 2 * SECOND).chain(recording()).collect();
    let (early, late) = (hear(&mut engine, request(&recording())), hear(&mut engine, request(&delayed)));
    assert_eq!(words(&early.text), words(&late.text));
    let moved = early.words.iter().zip(&late.words).skip(1).map(|(early, late)| late.start_ms.abs_diff(early.start_ms));
    let mut moved: Vec<u32> = moved.collect();
    moved.sort_unstable();
    let median = moved[moved.len() / 2];
    assert!(median.abs_diff(2_000) <= 300, "words moved by {moved:?} ms");
}

#[test]
fn silence_and_hum_are_not_utterances() {
    assert_eq!(utterances(&vec![0.0; 80_000]), []);
    assert_eq!(utterances(&hum()), []);
}

fn what_is_made_of_silence_and_hum_is_not_believed(mut engine: Transcriber) {
    for noise in [vec![0.0; 32_000], hum()] {
        let heard = hear(&mut engine, request(&noise));
        assert!(doubt(&heard, &noise).is_some(), "{heard:?}");
    }
}

/// From the recording: two words, and eight with a pause after them.
fn a_short_answer_is_said_once(mut engine: Transcriber) {
    let samples = recording();
    for (from, to, said) in [(33, 45, "ask not"), (33, 75, "ask not what your country can do for you")] {
        for request in [
            request(&samples[from * SECOND / 10..to * SECOND / 10]),
            draft(&samples[from * SECOND / 10..to * SECOND / 10]),
        ] {
            let heard = words(&hear(&mut engine, request).text);
            assert!(edits(&words(said), &heard) <= 2, "{heard:?}");
        }
    }
}

fn earlier_text_decides_how_words_are_written(mut engine: Transcriber) {
    let samples = recording();
    let prompt = Some("and so my fellow americans, ask not. ask what. your country. without capitals.".to_owned());
    let heard = hear(&mut engine, TranscribeRequest { prompt, ..request(&samples) });
    assert!(edits(&words(SAID), &words(&heard.text)) <= MAX_ERRORS, "{}", heard.text);
    let long = Some("Long before this. ".repeat(400));
    let heard = hear(&mut engine, TranscribeRequest { prompt: long, ..request(&samples) });
    assert!(edits(&words(SAID), &words(&heard.text)) <= MAX_ERRORS, "{}", heard.text);
}

fn what_is_cancelled_is_given_up_and_leaves_the_rest_of_the_batch_alone(mut engine: Transcriber) {
    let (before, during) = (request(&recording()), request(&recording()));
    before.cancel.cancel();
    let cancel = during.cancel.clone();
    // Recognition takes many times what a thread takes to start.
    thread::spawn(move || cancel.cancel());
    let answers = engine.run(&[before, during, request(&recording())]);
    let given_up = |answer: &Result<_, _>| matches!(answer, Err(ModelError::Cancelled { .. }));
    assert_eq!(answers.iter().map(given_up).collect::<Vec<_>>(), [true, true, false]);
    assert!(edits(&words(SAID), &words(&answers[2].as_ref().unwrap().text)) <= MAX_ERRORS);
}

#[test]
fn asked_to_make_way_while_it_listens_whisper_stops_and_hears_the_same_afterwards() {
    let (mut engine, preempt) = (whisper(), Preempt::default());
    engine.heed(preempt.clone());
    let asks = preempt.clone();
    // Recognition takes many times what a thread takes to start.
    thread::spawn(move || asks.ask());
    let answers = engine.run(&[request(&recording()), request(&recording())]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(ModelError::Preempted { .. }))), "{answers:?}");
    preempt.forget();
    let heard = hear(&mut engine, request(&recording()));
    assert!(edits(&words(SAID), &words(&heard.text)) <= MAX_ERRORS, "{}", heard.text);
}

fn the_language_is_found_among_those_it_may_be(mut engine: Transcriber) {
    let of = |languages: &[&str]| SpokenLanguage::OneOf(languages.iter().map(|l| l.parse().unwrap()).collect());
    let heard = hear(&mut engine, TranscribeRequest { language: of(&["pt-BR", "en-US"]), ..draft(&recording()) });
    assert_eq!(heard.language, "en-US".parse().unwrap());
    assert!(heard.language_probability > 0.9 && heard.language_probability <= 1.0, "{}", heard.language_probability);
    let heard = hear(&mut engine, TranscribeRequest { language: of(&["pt"]), ..draft(&recording()) });
    assert_eq!((heard.language, heard.language_probability), ("pt".parse().unwrap(), 1.0));
}

fn what_cannot_be_heard_is_refused_and_leaves_the_rest_of_the_batch_alone(mut engine: Transcriber) {
    let unknown = SpokenLanguage::Known("tlh".parse().unwrap());
    let none = SpokenLanguage::OneOf(Vec::new());
    let batch = [
        draft(&[]),
        TranscribeRequest { language: unknown, ..draft(&recording()) },
        draft(&recording()),
        draft(&vec![0.0; 31 * SECOND]),
        TranscribeRequest { language: none, ..draft(&recording()) },
    ];
    let answers = engine.run(&batch);
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, false, true, false, false]);
    assert!(edits(&words(SAID), &words(&answers[2].as_ref().unwrap().text)) <= MAX_ERRORS);
}

/// Eight bits cost next to nothing; six bits a word of 22, at most.
#[test]
fn quantized_weights_hear_the_same_words() {
    let samples = recording();
    let half = words(&hear(&mut whisper(), request(&samples)).text);
    for (precision, most) in [(Precision::Q8_0, 1), (Precision::Q5_1, 2)] {
        let heard = words(&hear(&mut quantized(precision), request(&samples)).text);
        assert!(edits(&half, &heard) <= most, "{precision:?}: {heard:?} and {half:?}");
        assert!(edits(&words(SAID), &heard) <= MAX_ERRORS, "{precision:?}: {heard:?}");
    }
}

/// The engines read the audio alike, but search differently and have no common rounding: one word of 22 may differ.
#[cfg(feature = "candle")]
#[test]
fn the_engines_hear_the_same_words() {
    let (mut whisper, mut candle) = (whisper(), candle());
    let samples = recording();
    for request in [request(&samples), draft(&samples)] {
        let (a, b) = (words(&hear(&mut whisper, request.clone()).text), words(&hear(&mut candle, request).text));
        assert!(edits(&a, &b) <= 1, "{a:?} and {b:?}");
    }
}

/// Utterances of different lengths, efforts, prompts and languages, and the same ones alone.
#[cfg(feature = "candle")]
#[test]
fn what_is_heard_does_not_depend_on_what_it_was_batched_with() {
    independent(candle());
}

/// Nor on who came and went meanwhile.
#[cfg(feature = "candle")]
#[test]
fn what_is_heard_does_not_depend_on_who_joins_and_leaves() {
    independent(continuous());
}

#[cfg(feature = "candle")]
fn independent(mut engine: Transcriber) {
    let samples = recording();
    let cut = |from: usize, to: usize| &samples[from * SECOND / 10..to * SECOND / 10];
    let either = SpokenLanguage::OneOf(vec!["en".parse().unwrap(), "pt".parse().unwrap()]);
    let prompt = Some("A presidential address to the nation.".to_owned());
    let batch = [
        request(&samples),
        draft(cut(0, 25)),
        TranscribeRequest { prompt, ..request(cut(30, 80)) },
        TranscribeRequest { language: either, ..request(cut(75, 110)) },
        draft(cut(75, 82)),
    ];
    let together = engine.run(&batch);
    for (request, together) in batch.into_iter().zip(together) {
        let (alone, together) = (hear(&mut engine, request), together.unwrap());
        assert_eq!((&alone.text, &alone.language), (&together.text, &together.language));
        for (a, b) in [
            (alone.confidence, together.confidence),
            (alone.no_speech, together.no_speech),
            (alone.language_probability, together.language_probability),
        ] {
            assert!((a - b).abs() < 1e-3, "{a} alone, {b} together");
        }
        for (a, b) in alone.words.iter().zip(&together.words) {
            assert!(a.start_ms.abs_diff(b.start_ms) <= 40, "{a:?} alone, {b:?} together");
        }
    }
}

#[cfg(feature = "candle")]
#[test]
fn word_times_of_the_batched_engine_rise_strictly() {
    let heard = hear(&mut candle(), request(&recording()));
    assert!(heard.words.windows(2).all(|pair| pair[0].start_ms < pair[1].start_ms));
    assert!(heard.words.iter().all(|word| word.start_ms < word.end_ms && word.end_ms <= 11_000), "{:?}", heard.words);
}

#[cfg(feature = "candle")]
#[test]
fn weights_that_are_not_there_and_a_gpu_that_is_not_there_are_errors() {
    let none = std::path::PathBuf::from("/nonexistent");
    let files = CandleFiles { weights: none.clone(), tokenizer: none.clone(), config: none };
    let info = Registry::from_env().unwrap().open_files("whisper-base", &["config.json"]).unwrap().info;
    let unusable =
        [(CandleDevice::Cpu, "the weights cannot be read: "), (CandleDevice::Cuda(1_000), "GPU 1000 cannot be used: ")];
    for (device, said) in unusable {
        let config = CandleConfig { threads: 1, device };
        match CandleTranscriber::load(&files, info.clone(), config) {
            Err(ModelError::Load { reason, .. }) => {
                assert!(reason.starts_with(said) && reason.lines().count() == 1, "{reason}");
            }
            other => panic!("{:?}", other.err()),
        }
    }
}
