//! From captions to translations and voices: what is shown, what is said, and when nothing is.

use crate::common::{Rig, info, models, next, pool, wait_for};
use futures_util::{FutureExt, StreamExt};
use healthsync_actors::{Models, Pace, SpeechSettings};
use healthsync_events::{
    EventBody, EventStream, ParticipantId, Seq, SessionId, Sessions, SpeechStream, UtteranceId,
    consultation::SpeechBoundary,
    speech::{
        AudioCodec, CaptionDropReason, CaptionDropped, CaptionFinal, CaptionPartial, MediaSpan, Preservation,
        PreservationFinding, PreservationProblem, PreservedKind, ReviewStatus, SpeechAnnounced, SpeechCompleted,
        SpeechFrame, SpeechSkipReason,
    },
};
use healthsync_models::tasks::{SpeakRequest, SpokenAudio, TranslateRequest, Translation};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Milliseconds of sound for every character, so that a line lasts some seconds of the test's own time.
const MS_PER_CHARACTER: usize = 40;

/// Time that passes when the test says so.
#[derive(Clone)]
struct Time {
    origin: Instant,
    passed: watch::Sender<Duration>,
}

impl Time {
    fn new() -> Self {
        Self { origin: Instant::now(), passed: watch::Sender::new(Duration::ZERO) }
    }

    fn pass(&self, ms: u64) {
        self.passed.send_modify(|passed| *passed += Duration::from_millis(ms));
    }

    fn pace(&self) -> Pace {
        let (now, sleep) = (self.clone(), self.clone());
        Pace::from_fns(
            move || now.origin + *now.passed.borrow(),
            move |at| {
                let (mut passed, origin) = (sleep.passed.subscribe(), sleep.origin);
                Box::pin(async move {
                    let _ = passed.wait_for(|passed| origin + *passed >= at).await;
                })
            },
        )
    }
}

/// A session of two languages in which somebody listens to English.
struct Stage {
    rig: Rig,
    session: SessionId,
    events: EventStream,
    heard: SpeechStream,
    time: Time,
    asked: Arc<Mutex<Vec<SpeakRequest>>>,
    signs: u128,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn open() -> Self {
        Self::with_voices(&[]).await
    }

    async fn with_voices(english: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let time = Time::new();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        let speak = pool("speak", move |request: &SpeakRequest| {
            list.lock().unwrap().push(request.clone());
            let samples = vec![0.1; request.text.chars().count() * MS_PER_CHARACTER * 24];
            SpokenAudio {
                samples,
                sample_rate: 24_000,
                voice: request.voice.clone().unwrap_or_default(),
                model: info(),
            }
        });
        let translate = pool("translate", |request: &TranslateRequest| {
            let finding = PreservationFinding {
                kind: PreservedKind::Number,
                problem: PreservationProblem::Missing,
                source: Some("5".into()),
                target: None,
            };
            let findings = if request.text.contains("5 mg") { vec![finding] } else { vec![] };
            Translation {
                text: format!("English of {}", request.text),
                engine: "fake".into(),
                review: ReviewStatus::Unreviewed,
                preservation: Preservation { findings },
                model: info(),
            }
        });
        let voices = BTreeMap::from([("en".to_owned(), english.iter().map(|v| (*v).to_owned()).collect())]);
        let speech = SpeechSettings { voices, speed: 1.0, pace: time.pace() };
        let rig = Rig::with(&folder.path().join("log.db"), Models { speak, translate, speech, ..models() });
        let session = rig.session().await;
        let events = rig.directory.events(session, Seq(1)).await.unwrap();
        let heard = rig.directory.speech(session, "en".parse().unwrap()).await.unwrap();
        let mut stage = Self { rig, session, events, heard, time, asked, signs: 0, _folder: folder };
        // What is said before the interpreter listens is translated and not spoken.
        stage.dealt_with().await;
        stage
    }

    async fn record(&self, body: EventBody) {
        self.rig.directory.record(self.session, body).await.unwrap();
    }

    /// Waits for frames, letting time pass for as long as they are not there.
    async fn hear(&mut self, count: usize) -> Vec<Arc<SpeechFrame>> {
        let mut frames = Vec::new();
        while frames.len() < count {
            frames.push(next_frame(&mut self.heard).await);
            self.time.pass(20);
        }
        frames
    }

    /// Lets time pass until the speech is over; its frames from here on.
    async fn hear_out(&mut self) -> Vec<Arc<SpeechFrame>> {
        let mut frames = Vec::new();
        loop {
            let frame = next_frame(&mut self.heard).await;
            self.time.pass(20);
            frames.push(Arc::clone(&frame));
            if frame.last {
                return frames;
            }
        }
    }

    async fn announced(&mut self) -> SpeechAnnounced {
        let event = wait_for(&mut self.events, |body| matches!(body, EventBody::SpeechAnnounced(_))).await;
        let EventBody::SpeechAnnounced(announced) = event.body.clone() else { unreachable!() };
        announced
    }

    async fn completed(&mut self) -> SpeechCompleted {
        let event = wait_for(&mut self.events, |body| matches!(body, EventBody::SpeechCompleted(_))).await;
        let EventBody::SpeechCompleted(completed) = event.body.clone() else { unreachable!() };
        completed
    }

    /// The next translation that stays text: of which utterance, and why.
    async fn skipped(&mut self) -> (UtteranceId, SpeechSkipReason) {
        let event = wait_for(&mut self.events, |body| matches!(body, EventBody::SpeechSkipped(_))).await;
        let EventBody::SpeechSkipped(skipped) = event.body.clone() else { unreachable!() };
        (skipped.utterance, skipped.reason)
    }

    /// Waits until the interpreter has acted on everything so far: it takes events in order, and there is the
    /// translation of one that it has got only now and that nobody hears.
    async fn dealt_with(&mut self) {
        self.signs += 1;
        let sign = 1_000 + self.signs;
        self.record(said(sign, "patient", "en", "a sign")).await;
        self.until_translated(sign).await;
    }

    async fn until_translated(&mut self, n: u128) {
        let of = |body: &EventBody| matches!(body, EventBody::TranslationFinal(t) if t.utterance == utterance(n));
        wait_for(&mut self.events, of).await;
    }
}

async fn next_frame(heard: &mut SpeechStream) -> Arc<SpeechFrame> {
    tokio::time::timeout(Duration::from_secs(10), heard.next()).await.expect("a frame").unwrap()
}

fn utterance(n: u128) -> UtteranceId {
    UtteranceId(uuid::Uuid::from_u128(n))
}

fn who(name: &str) -> ParticipantId {
    name.parse().unwrap()
}

const SPAN: MediaSpan = MediaSpan { start_ms: 0, end_ms: 1 };

fn begins(n: u128, name: &str) -> EventBody {
    EventBody::UtteranceStarted(SpeechBoundary { participant: who(name), utterance: utterance(n), at_ms: 0 })
}

fn partial(n: u128, name: &str, language: &str, committed: &str) -> EventBody {
    EventBody::CaptionPartial(CaptionPartial {
        utterance: utterance(n),
        participant: who(name),
        language: language.parse().unwrap(),
        committed: committed.into(),
        tentative: String::new(),
        span: SPAN,
        provenance: info().with_inputs(vec![]),
    })
}

fn said(n: u128, name: &str, language: &str, text: &str) -> EventBody {
    EventBody::CaptionFinal(CaptionFinal {
        utterance: utterance(n),
        participant: who(name),
        language: language.parse().unwrap(),
        text: text.into(),
        span: SPAN,
        latency_ms: 1,
        confidence: 1.0,
        words: vec![],
        provenance: info().with_inputs(vec![]),
    })
}

fn nothing(n: u128, name: &str) -> EventBody {
    let reason = CaptionDropReason::NoSpeech;
    let (utterance, participant) = (utterance(n), who(name));
    EventBody::CaptionDropped(CaptionDropped { utterance, participant, span: SPAN, reason, words: 0 })
}

const LINE: &str = "tenho dor no peito desde ontem à noite";

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_is_spoken_in_opus_packets_from_its_first_clause_on() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", "bom dia. tenho dor no peito")).await;
    let announced = stage.announced().await;
    assert_eq!((announced.codec, announced.sample_rate), (AudioCodec::Opus, 24_000));
    let frames = stage.hear_out().await;
    assert!(frames.iter().enumerate().all(|(index, frame)| frame.index == index as u32));
    assert!(frames.iter().all(|frame| frame.speech == announced.speech && !frame.interrupted));
    assert!(
        frames
            .iter()
            .all(|frame| opus::packet::get_nb_samples(&frame.payload, 24_000).is_ok_and(|samples| samples == 480))
    );
    let completed = stage.completed().await;
    assert_eq!((completed.duration_ms, completed.interrupted), (frames.len() as u64 * 20, false));
    let asked: Vec<String> = stage.asked.lock().unwrap().iter().map(|request| request.text.clone()).collect();
    assert_eq!(asked, ["English of bom dia.", "tenho dor no peito"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_sent_than_is_about_to_be_heard() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", LINE)).await;
    let mut ahead = 0;
    // 200 ms, and the frame that is being heard.
    for _ in 0..=10 {
        next_frame(&mut stage.heard).await;
        ahead += 1;
    }
    stage.dealt_with().await;
    assert!(stage.heard.next().now_or_never().is_none(), "more than {ahead} frames");
    stage.time.pass(40);
    next_frame(&mut stage.heard).await;
    next_frame(&mut stage.heard).await;
    assert!(stage.heard.next().now_or_never().is_none(), "two frames for 40 ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn translations_come_and_are_spoken_in_the_order_of_their_captions() {
    let mut stage = Stage::open().await;
    for n in 1..=4 {
        stage.record(said(n, "patient", "pt", "sim")).await;
    }
    for n in 1..=4 {
        assert_eq!(stage.announced().await.utterance, utterance(n));
        stage.hear_out().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_holds_the_voice_and_what_was_no_speech_lets_it_go_on() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", LINE)).await;
    let before = stage.hear(20).await.len();
    stage.record(begins(2, "clinician")).await;
    let held = drain_until_still(&mut stage).await;
    stage.time.pass(1_000);
    assert!(stage.heard.next().now_or_never().is_none(), "held");
    stage.record(nothing(2, "clinician")).await;
    let rest = stage.hear_out().await;
    assert_eq!(rest[0].index as usize, before + held, "nothing was left out");
    assert!(!stage.completed().await.interrupted);
}

/// Takes what was sent before a hold took effect.
async fn drain_until_still(stage: &mut Stage) -> usize {
    stage.dealt_with().await;
    let mut drained = 0;
    while stage.heard.next().now_or_never().flatten().is_some() {
        drained += 1;
    }
    drained
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_somebody_else_interrupt_and_what_was_queued_stays_text() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", LINE)).await;
    stage.record(said(2, "patient", "pt", "e falta de ar")).await;
    stage.until_translated(2).await;
    stage.hear(20).await;
    stage.record(begins(3, "clinician")).await;
    stage.record(partial(3, "clinician", "en", "since")).await;
    let frames = stage.hear_out().await;
    let last = frames.last().unwrap();
    assert!(last.interrupted && last.payload.is_empty());
    let completed = stage.completed().await;
    assert!(completed.interrupted);
    assert_eq!(completed.duration_ms, u64::from(last.index) * 20, "of what was sent");
    assert_eq!(stage.skipped().await, (utterance(2), SpeechSkipReason::TurnTaken));
    // What comes when the turn is over is spoken again.
    stage.record(said(3, "clinician", "en", "since when?")).await;
    stage.record(said(4, "patient", "pt", "desde ontem")).await;
    assert_eq!(stage.announced().await.utterance, utterance(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn speaking_on_does_not_interrupt_ones_own_interpretation() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", LINE)).await;
    stage.hear(20).await;
    stage.record(begins(2, "patient")).await;
    stage.record(partial(2, "patient", "pt", "e também")).await;
    stage.hear_out().await;
    assert!(!stage.completed().await.interrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_by_itself() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", LINE)).await;
    stage.hear(20).await;
    stage.record(begins(2, "clinician")).await;
    drain_until_still(&mut stage).await;
    stage.time.pass(3_000);
    stage.hear_out().await;
    assert!(!stage.completed().await.interrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_already_is_waited_for_and_not_talked_over() {
    let mut stage = Stage::open().await;
    stage.record(begins(1, "clinician")).await;
    stage.record(partial(1, "clinician", "en", "let me see")).await;
    stage.record(said(2, "patient", "pt", "dói muito")).await;
    stage.until_translated(2).await;
    stage.record(said(1, "clinician", "en", "let me see")).await;
    assert_eq!(stage.announced().await.utterance, utterance(2), "spoken when the other was done");
    stage.hear_out().await;
    stage.record(begins(3, "clinician")).await;
    stage.record(partial(3, "clinician", "en", "does it hurt")).await;
    stage.record(said(4, "patient", "pt", "dói")).await;
    stage.until_translated(4).await;
    let time = stage.time.clone();
    let passing = tokio::spawn(async move {
        // The lane may not have begun to wait yet: time goes on until it has waited long enough.
        loop {
            time.pass(100);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(stage.skipped().await, (utterance(4), SpeechSkipReason::TurnTaken), "the other goes on speaking");
    passing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_survive_translation_is_shown_and_not_spoken() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", "tomo 5 mg")).await;
    stage.record(said(2, "patient", "pt", "sim")).await;
    stage.until_translated(1).await;
    assert_eq!(stage.skipped().await, (utterance(1), SpeechSkipReason::NotPreserved));
    assert_eq!(stage.announced().await.utterance, utterance(2));
    assert!(stage.asked.lock().unwrap().iter().all(|request| !request.text.contains("5 mg")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_heard_too_late_is_recorded_as_such() {
    let mut stage = Stage::open().await;
    stage.record(said(1, "patient", "pt", LINE)).await;
    stage.announced().await;
    for n in 2..=10 {
        stage.record(said(n, "patient", "pt", "sim")).await;
    }
    assert_eq!(stage.skipped().await, (utterance(10), SpeechSkipReason::Backlog), "eight wait");
    stage.time.pass(30_000);
    stage.hear_out().await;
    for n in 2..=9 {
        assert_eq!(stage.skipped().await, (utterance(n), SpeechSkipReason::Backlog), "they have waited too long");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_synthesised_for_nobody_and_who_comes_back_hears_what_comes_then() {
    let mut stage = Stage::open().await;
    stage.heard = Box::pin(futures_util::stream::empty());
    stage.record(said(1, "patient", "pt", "primeiro")).await;
    stage.until_translated(1).await;
    stage.dealt_with().await;
    stage.heard = stage.rig.directory.speech(stage.session, "en-GB".parse().unwrap()).await.unwrap();
    stage.record(said(2, "patient", "pt", "segundo")).await;
    loop {
        let event = next(&mut stage.events).await;
        assert!(!matches!(event.body, EventBody::SpeechSkipped(_)), "nobody would have heard it");
        if let EventBody::SpeechAnnounced(announced) = &event.body {
            assert_eq!(announced.utterance, utterance(2));
            break;
        }
    }
    assert!(stage.asked.lock().unwrap().iter().all(|request| request.text.contains("segundo")));
    stage.hear_out().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_translated_into_a_language_have_voices_of_their_own() {
    let mut stage = Stage::with_voices(&["joe", "am_michael"]).await;
    for (n, name, voice) in [(1, "patient", "joe"), (2, "daughter", "am_michael"), (3, "patient", "joe")] {
        stage.record(said(n, name, "pt", "sim")).await;
        assert_eq!(stage.announced().await.voice, voice);
        stage.hear_out().await;
        stage.completed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_complete_of_an_utterance_is_translated_while_it_is_spoken() {
    let mut stage = Stage::open().await;
    let shown = async |stage: &mut Stage, text: &str| {
        stage.record(partial(1, "patient", "pt", text)).await;
        let is_partial = |body: &EventBody| matches!(body, EventBody::TranslationPartial(_));
        let event = wait_for(&mut stage.events, is_partial).await;
        let EventBody::TranslationPartial(partial) = event.body.clone() else { unreachable!() };
        partial.text
    };
    stage.record(begins(1, "patient")).await;
    assert_eq!(shown(&mut stage, "tenho dor no peito, mas").await, "English of tenho dor no peito,");
    let longer = "tenho dor no peito, mas não tenho febre. e";
    stage.record(partial(1, "patient", "pt", "tenho dor no peito, mas não")).await;
    assert_eq!(shown(&mut stage, longer).await, "English of tenho dor no peito, mas não tenho febre.");
    stage.record(said(1, "patient", "pt", "tenho dor no peito, mas não tenho febre.")).await;
    stage.until_translated(1).await;
    stage.record(said(2, "patient", "pt", "sim")).await;
    let second = |body: &EventBody| {
        assert!(!matches!(body, EventBody::TranslationPartial(_)), "a partial after its final");
        matches!(body, EventBody::TranslationFinal(t) if t.utterance == utterance(2))
    };
    wait_for(&mut stage.events, second).await;
}
