//! From a track's samples to captions: when the recogniser is asked, and what becomes of its answers.

use crate::common::{Rig, pool, wait_for};
use healthsync_events::{
    AudioFrame, AudioTrackSpec, EventBody, EventStream, Seq, SessionId, Sessions,
    speech::{CaptionFinal, CaptionPartial, LanguageSet},
};
use healthsync_models::{
    ModelError,
    tasks::{Effort, SpokenLanguage, TranscribeRequest, Transcription, VoiceActivity, VoiceActivityFactory, Word},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const MS: usize = 16;

/// Takes every sample that is not zero for voice.
struct Loud;

impl VoiceActivity for Loud {
    fn frame_len(&self) -> usize {
        256
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ModelError> {
        Ok(if frame.iter().any(|sample| *sample != 0.0) { 1.0 } else { 0.0 })
    }
}

/// A track whose recogniser says how many milliseconds it was given, and of which the test keeps a list.
struct Track {
    rig: Rig,
    session: SessionId,
    events: EventStream,
    sink: Option<Box<dyn healthsync_events::AudioSink>>,
    asked: Arc<Mutex<Vec<usize>>>,
    at: u64,
    _folder: tempfile::TempDir,
}

/// A text of these words, heard in Portuguese.
fn text(words: Vec<Word>) -> Transcription {
    Transcription {
        text: words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
        words,
        confidence: 1.0,
        no_speech: 0.0,
        language: "pt".parse().unwrap(),
        language_probability: 1.0,
    }
}

fn word(text: &str, start_ms: u32, end_ms: u32) -> Word {
    Word { text: text.into(), start_ms, end_ms, probability: 1.0 }
}

impl Track {
    /// A recogniser that says how long what it was given is.
    async fn open() -> Self {
        Self::with("pt", |request| text(vec![word(&format!("{}ms", request.samples.len() / MS), 0, 1)])).await
    }

    async fn with(
        language: &str,
        answer: impl Fn(&TranscribeRequest) -> Transcription + Send + Sync + Clone + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        let transcribe = pool("transcribe", move |request: &TranscribeRequest| {
            list.lock().unwrap().push(request.samples.len() / MS);
            answer(request)
        });
        let ears: VoiceActivityFactory = Arc::new(|| Ok(Box::new(Loud) as Box<dyn VoiceActivity>));
        let rig = Rig::hearing(&folder.path().join("log.db"), ears, transcribe);
        let session = rig.session().await;
        let events = rig.directory.events(session, Seq(1)).await.unwrap();
        let spec = AudioTrackSpec { participant: "patient".parse().unwrap(), language: language.parse().unwrap() };
        let sink = Some(rig.directory.open_audio(session, spec).await.unwrap());
        Self { rig, session, events, sink, asked, at: 0, _folder: folder }
    }

    /// Waits until a partial caption says what is wanted.
    async fn partial(&mut self, wanted: impl Fn(&CaptionPartial) -> bool) -> CaptionPartial {
        let wanted = |body: &EventBody| matches!(body, EventBody::CaptionPartial(partial) if wanted(partial));
        let event = wait_for(&mut self.events, wanted).await;
        let EventBody::CaptionPartial(partial) = event.body.clone() else { unreachable!() };
        partial
    }

    /// So many milliseconds of voice or silence, in frames of 20 ms.
    async fn hear(&mut self, ms: usize, sample: f32) {
        self.hear_all(&vec![sample; ms * MS]).await;
    }

    async fn hear_all(&mut self, samples: &[f32]) {
        for samples in samples.chunks(20 * MS) {
            let frame = AudioFrame { at: self.at, samples: samples.to_vec(), concealed: false };
            self.at += samples.len() as u64;
            while let Err(refusal) = self.sink.as_mut().unwrap().push(frame.clone()) {
                assert!(refusal.retryable(), "{refusal}");
                tokio::task::yield_now().await;
            }
        }
    }

    async fn final_caption(&mut self) -> CaptionFinal {
        let event = wait_for(&mut self.events, |body| matches!(body, EventBody::CaptionFinal(_))).await;
        let EventBody::CaptionFinal(caption) = event.body.clone() else { unreachable!() };
        caption
    }

    /// Waits until the recogniser was given about so many milliseconds; returns how many exactly.
    async fn asked_about(&self, ms: usize) -> usize {
        let search = async {
            loop {
                let found = self.asked.lock().unwrap().iter().copied().find(|asked| asked.abs_diff(ms) <= 40);
                match found {
                    Some(asked) => return asked,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), search).await.expect("the recogniser was asked")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_recognised_before_it_has_ended_the_utterance_and_only_once() {
    let mut track = Track::open().await;
    track.hear(2_000, 0.5).await;
    track.hear(260, 0.0).await;
    // 200 ms of the pause belong to the utterance; it ends after 560 ms.
    let asked = track.asked_about(2_200).await;
    track.hear(400, 0.0).await;
    let caption = track.final_caption().await;
    assert_eq!(caption.text, format!("{asked}ms"));
    assert_eq!(track.asked.lock().unwrap().iter().filter(|ms| **ms == asked).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_on_after_a_pause_has_one_caption_of_everything() {
    let mut track = Track::open().await;
    track.hear(1_000, 0.5).await;
    track.hear(300, 0.0).await;
    track.asked_about(1_200).await;
    track.hear(1_000, 0.5).await;
    track.hear(600, 0.0).await;
    let whole = track.asked_about(2_500).await;
    assert_eq!(track.final_caption().await.text, format!("{whole}ms"));
    track.sink = None;
    let left = |body: &EventBody| {
        assert!(!matches!(body, EventBody::CaptionFinal(_)), "a second caption");
        matches!(body, EventBody::ParticipantLeft(_))
    };
    wait_for(&mut track.events, left).await;
}

/// A word is 500 ms of one sample value: which one says which word.
const WORD: usize = 500 * MS;

fn spoken(words: std::ops::Range<usize>) -> Vec<f32> {
    words.flat_map(|index| std::iter::repeat_n(0.1 + index as f32 / 1_000.0, WORD)).collect()
}

/// Hears the words of which at least half is there.
fn understand(request: &TranscribeRequest) -> Transcription {
    let mut words: Vec<(usize, usize, usize)> = Vec::new();
    for (at, sample) in request.samples.iter().enumerate().filter(|(_, sample)| **sample != 0.0) {
        let index = ((sample - 0.1) * 1_000.0).round() as usize;
        match words.last_mut() {
            Some((last, _, end)) if *last == index => *end = at + 1,
            _ => words.push((index, at, at + 1)),
        }
    }
    let whole = words.into_iter().filter(|(_, start, end)| end - start > WORD / 2);
    text(whole.map(|(n, start, end)| word(&format!("w{n}"), (start / MS) as u32, (end / MS) as u32)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_without_a_pause_loses_no_word_and_doubles_none() {
    let mut track = Track::with("pt", understand).await;
    for index in 0..120 {
        track.hear_all(&spoken(index..index + 1)).await;
        if index % 4 == 3 {
            // As fast as the recogniser, whatever the machine: a live recogniser keeps up too.
            let heard = format!("w{}", index - 1);
            track.partial(|partial| partial.tentative.split(' ').any(|word| word == heard)).await;
        }
    }
    track.hear(600, 0.0).await;
    track.events = track.rig.directory.events(track.session, Seq(1)).await.unwrap();
    let (mut all, mut captions) = (Vec::new(), Vec::new());
    while all.last() != Some(&"w119".to_owned()) {
        let caption = track.final_caption().await;
        all.extend(caption.words.iter().map(|word| word.text.clone()));
        captions.push(caption);
    }
    assert_eq!(all, (0..120).map(|n| format!("w{n}")).collect::<Vec<_>>());
    assert!(captions.len() >= 3, "{}", captions.len());
    // Windows leave committed words behind: none was as long as its utterance.
    assert!(track.asked.lock().unwrap().iter().all(|ms| *ms < 15_000), "{:?}", track.asked.lock().unwrap());
    for (n, word) in captions.iter().flat_map(|caption| &caption.words).enumerate() {
        assert!(word.start_ms.abs_diff(n as u64 * 500) <= 300, "{n}: {word:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_begins_with_what_partials_committed_even_when_the_recogniser_fails() {
    let mut track = Track::with("pt", |request| {
        assert_eq!(request.effort, Effort::Draft, "finals fail");
        understand(request)
    })
    .await;
    let mut committed = String::new();
    for index in 0..8 {
        track.hear_all(&spoken(index..index + 1)).await;
        if index > 1 {
            let heard = format!("w{}", index - 1);
            let wanted = |partial: &CaptionPartial| partial.tentative.contains(&heard);
            committed = track.partial(wanted).await.committed;
        }
    }
    assert!(!committed.is_empty());
    track.hear(600, 0.0).await;
    let text = track.final_caption().await.text;
    assert!(text.starts_with(&committed), "{text} does not begin with {committed}");
}

/// Takes everything for English, unless it is told.
fn english(request: &TranscribeRequest) -> Transcription {
    let mut heard = understand(request);
    match &request.language {
        SpokenLanguage::Known(language) => heard.language = language.clone(),
        SpokenLanguage::OneOf(candidates) => {
            assert_eq!(candidates.len(), 2, "the session's languages");
            heard.language = "en".parse().unwrap();
            heard.language_probability = 0.95;
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_nobody_named_is_found_out_once_and_can_be_set() {
    let mut track = Track::with("und", english).await;
    track.hear_all(&spoken(0..3)).await;
    track.hear(600, 0.0).await;
    let found = wait_for(&mut track.events, |body| matches!(body, EventBody::LanguageDetected(_))).await;
    let EventBody::LanguageDetected(found) = &found.body else { unreachable!() };
    assert_eq!((found.language.primary().as_str(), found.probability), ("en", 0.95));
    assert_eq!(track.final_caption().await.language.primary(), "en");
    let state = track.rig.directory.state(track.session).await.unwrap();
    assert_eq!(state.participants[&"patient".parse().unwrap()].primary(), "en");

    let set = LanguageSet { participant: "patient".parse().unwrap(), language: "pt".parse().unwrap() };
    track.rig.directory.record(track.session, EventBody::LanguageSet(set)).await.unwrap();
    loop {
        track.hear_all(&spoken(0..2)).await;
        track.hear(600, 0.0).await;
        let heard = wait_for(&mut track.events, |body| {
            matches!(body, EventBody::CaptionFinal(_) | EventBody::LanguageDetected(_))
        })
        .await;
        let EventBody::CaptionFinal(caption) = &heard.body else { panic!("the language is known: {heard:?}") };
        if caption.language.primary() == "pt" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_talk_at_once_have_a_caption_each() {
    let mut track = Track::with("pt", understand).await;
    let spec = AudioTrackSpec { participant: "clinician".parse().unwrap(), language: "en".parse().unwrap() };
    let mut other = track.rig.directory.open_audio(track.session, spec).await.unwrap();
    let (mine, theirs) = (spoken(0..4), spoken(50..54));
    for (n, samples) in theirs.chunks(20 * MS).chain(vec![0.0; 600 * MS].chunks(20 * MS)).enumerate() {
        let frame = AudioFrame { at: (n * 20 * MS) as u64, samples: samples.to_vec(), concealed: false };
        while let Err(refusal) = other.push(frame.clone()) {
            assert!(refusal.retryable(), "{refusal}");
            tokio::task::yield_now().await;
        }
        let from = (n * 20 * MS).min(mine.len());
        track.hear_all(&mine[from..(from + 20 * MS).min(mine.len())]).await;
    }
    track.hear(600, 0.0).await;
    let mut texts = vec![];
    for _ in 0..2 {
        let caption = track.final_caption().await;
        texts.push((caption.participant.to_string(), caption.text));
    }
    texts.sort();
    let expected = [("clinician", "w50 w51 w52 w53"), ("patient", "w0 w1 w2 w3")];
    assert_eq!(texts, expected.map(|(who, text)| (who.to_owned(), text.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_hour_of_talk_has_every_utterance_once_in_its_place() {
    let mut track = Track::with("pt", understand).await;
    for turn in 0..360_usize {
        let began = track.at / MS as u64;
        track.hear_all(&spoken(turn..turn + 4)).await;
        track.hear(3_000, 0.0).await;
        // As fast as the recogniser, whatever the machine.
        let caption = track.final_caption().await;
        let expected: Vec<String> = (turn..turn + 4).map(|n| format!("w{n}")).collect();
        assert_eq!(caption.text, expected.join(" "), "after {began} ms");
        for (n, word) in caption.words.iter().enumerate() {
            assert!(word.start_ms.abs_diff(began + n as u64 * 500) <= 300, "{began}: {word:?}");
        }
    }
    assert_eq!(track.at, 30 * 60 * 16_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_silence_costs_the_recogniser_nothing_and_the_next_word_is_heard() {
    let mut track = Track::with("pt", understand).await;
    let before = track.rig.directory.state(track.session).await.unwrap().head;
    for _ in 0..60 {
        track.hear(60_000, 0.0).await;
    }
    track.hear_all(&spoken(5..8)).await;
    track.hear(600, 0.0).await;
    let caption = track.final_caption().await;
    assert_eq!(caption.text, "w5 w6 w7");
    assert!(caption.span.start_ms.abs_diff(3_600_000) <= 500, "{:?}", caption.span);
    // Nothing before the words reached the recogniser, and an hour left nothing in the log.
    let asked = track.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|ms| *ms <= 2_500), "{asked:?}");
    let after = track.rig.directory.state(track.session).await.unwrap().head;
    assert!(after.0 - before.0 < 20, "{before:?} to {after:?}");
}
