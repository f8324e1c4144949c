//! From a recording to words with the real weights: voice activity, utterances, recognition.

use healthsync_models::{
    Model,
    registry::Registry,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest},
};
use healthsync_transcribe::{
    EarshotActivity, Segment, SegmentEvent, Segmenter, SegmenterConfig, WhisperConfig, WhisperTranscriber, doubt,
};

const SAID: &str = "and so my fellow americans ask not what your country can do for you ask what you can do for your \
                    country";

/// Of 22 words. The audience's noise before a clause is sometimes heard as a word.
const MAX_ERRORS: usize = 2;

/// 20 ms at 16 kHz, as a call delivers audio.
const FRAME: usize = 320;

fn recording() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/speech/address-1961.wav");
    let mut wav = hound::WavReader::open(path).unwrap();
    wav.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect()
}

fn whisper() -> WhisperTranscriber {
    let files =
        Registry::from_env().unwrap().open_files("whisper-base", &["ggml-base.bin"]).expect("run `make models`");
    let ggml = files.file("ggml-base.bin").unwrap();
    WhisperTranscriber::load(ggml, files.info.clone(), WhisperConfig { threads: 2 }).unwrap()
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

fn utterances(samples: &[f32]) -> Vec<Segment> {
    let mut segmenter = Segmenter::new(SegmenterConfig::default(), Box::new(EarshotActivity::default()));
    let mut events = Vec::new();
    for (index, frame) in samples.chunks(FRAME).enumerate() {
        events.extend(segmenter.push((index * FRAME) as u64, frame).unwrap());
    }
    events.extend(segmenter.finish());
    let ended = |event| if let SegmentEvent::Ended(segment) = event { Some(segment) } else { None };
    events.into_iter().filter_map(ended).collect()
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

#[test]
fn a_speech_is_cut_at_its_pauses_and_its_words_are_recognised_in_order() {
    let utterances = utterances(&recording());
    assert!((2..=5).contains(&utterances.len()), "{} utterances", utterances.len());
    assert!(utterances.windows(2).all(|pair| pair[0].end <= pair[1].start));
    let mut whisper = whisper();
    let heard: Vec<String> = utterances
        .iter()
        .flat_map(|utterance| words(&whisper.run(&[request(&utterance.samples)]).remove(0).unwrap().text))
        .collect();
    let errors = edits(&words(SAID), &heard);
    assert!(errors <= MAX_ERRORS, "{errors} word errors in {heard:?}");
}

#[test]
fn word_times_rise_and_lie_within_what_was_said() {
    let samples = recording();
    let heard = whisper().run(&[request(&samples)]).remove(0).unwrap();
    assert!(heard.confidence > 0.7 && heard.no_speech < 0.5, "{} {}", heard.confidence, heard.no_speech);
    assert!(heard.words.iter().all(|word| word.start_ms <= word.end_ms && word.end_ms <= 11_500));
    assert!(heard.words.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms));
}

#[test]
fn silence_and_hum_are_not_utterances_and_what_whisper_makes_of_them_is_not_believed() {
    let hum: Vec<f32> = (0..48_000_u16).map(|n| (f32::from(n) * 0.02).sin() * 0.01).collect();
    assert_eq!(utterances(&vec![0.0; 80_000]), []);
    assert_eq!(utterances(&hum), []);
    for noise in [vec![0.0; 32_000], hum] {
        let heard = whisper().run(&[request(&noise)]).remove(0).unwrap();
        assert!(doubt(&heard, &noise).is_some(), "{heard:?}");
    }
}
