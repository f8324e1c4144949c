//! From a track's samples to captions: when the recogniser is asked, and what becomes of its answers.

mod common;

use common::{Rig, pool, wait_for};
use healthsync_events::{AudioFrame, AudioTrackSpec, EventBody, EventStream, Seq, Sessions, speech::CaptionFinal};
use healthsync_models::{
    ModelError,
    tasks::{TranscribeRequest, Transcription, VoiceActivity, VoiceActivityFactory, Word},
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
    _rig: Rig,
    events: EventStream,
    sink: Option<Box<dyn healthsync_events::AudioSink>>,
    asked: Arc<Mutex<Vec<usize>>>,
    at: u64,
    _folder: tempfile::TempDir,
}

impl Track {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        let transcribe = pool("transcribe", move |request: &TranscribeRequest| {
            let ms = request.samples.len() / MS;
            list.lock().unwrap().push(ms);
            let word = Word { text: format!("{ms}ms"), start_ms: 0, end_ms: 1, probability: 1.0 };
            Transcription {
                text: word.text.clone(),
                words: vec![word],
                confidence: 1.0,
                no_speech: 0.0,
                language: "pt".parse().unwrap(),
                language_probability: 1.0,
            }
        });
        let ears: VoiceActivityFactory = Arc::new(|| Ok(Box::new(Loud) as Box<dyn VoiceActivity>));
        let rig = Rig::hearing(&folder.path().join("log.db"), ears, transcribe);
        let session = rig.session().await;
        let events = rig.directory.events(session, Seq(1)).await.unwrap();
        let spec = AudioTrackSpec { participant: "patient".parse().unwrap(), language: "pt".parse().unwrap() };
        let sink = Some(rig.directory.open_audio(session, spec).await.unwrap());
        Self { _rig: rig, events, sink, asked, at: 0, _folder: folder }
    }

    /// So many milliseconds of voice or silence, in frames of 20 ms.
    async fn hear(&mut self, ms: usize, sample: f32) {
        for _ in 0..ms / 20 {
            let frame = AudioFrame { at: self.at, samples: vec![sample; 20 * MS], concealed: false };
            self.at += (20 * MS) as u64;
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
