//! One recording, pushed into a session at the pace it was spoken, and what the session made of it.

use futures_util::StreamExt as _;
use healthsync_actors::Directory;
use healthsync_evaluate::{
    latency::{Shown, Stability},
    list::Recording,
};
use healthsync_events::{
    AudioFrame, AudioSink, AudioTrackSpec, EventBody, EventStream, Language, NewSession, Refusal, Seq, Sessions as _,
    UtteranceId,
    audio::SAMPLE_RATE,
    consultation::{SessionEndReason, SessionEnded},
    risk::Spo2Scale,
    speech::CaptionFinal,
};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// As a call delivers audio.
const FRAME: usize = SAMPLE_RATE as usize / 50;
const FRAME_TIME: Duration = Duration::from_millis(20);

/// Silence after the recording: more than any pause that ends an utterance.
const SILENCE: usize = SAMPLE_RATE as usize * 3 / 2;

/// How long captions and translations may take after the last of the audio.
const PATIENCE: Duration = Duration::from_mins(2);

/// Languages that translation is loaded for: without a translation in the list, a caption is still translated, as it
/// would be in a consultation.
const OTHER: [(&str, &str); 2] = [("pt", "en"), ("en", "pt")];

/// What came of a recording.
#[derive(Default)]
pub(super) struct Heard {
    pub utterances: Vec<Utterance>,
    /// In the order of their captions, and whether each was flagged.
    pub translations: Vec<(String, bool)>,
    pub errors: Vec<String>,
    /// Frames the track did not take.
    pub frames_lost: u64,
}

/// An utterance of it, in the order they began.
pub(super) struct Utterance {
    id: UtteranceId,
    pub shown: Shown,
    pub outcome: Option<Outcome>,
}

pub(super) enum Outcome {
    /// Milliseconds after the audio began to arrive at which it came.
    Final(f64, Box<CaptionFinal>),
    Dropped,
}

impl Heard {
    fn utterance(&mut self, id: UtteranceId) -> &mut Utterance {
        let index = self.utterances.iter().position(|utterance| utterance.id == id);
        let index = index.unwrap_or_else(|| {
            self.utterances.push(Utterance { id, shown: Shown::default(), outcome: None });
            self.utterances.len() - 1
        });
        &mut self.utterances[index]
    }

    /// Final captions and when they came.
    pub fn finals(&self) -> impl Iterator<Item = (f64, &CaptionFinal, &Utterance)> {
        self.utterances.iter().filter_map(|utterance| match &utterance.outcome {
            Some(Outcome::Final(at, caption)) => Some((*at, &**caption, utterance)),
            _ => None,
        })
    }

    pub fn dropped(&self) -> usize {
        self.utterances.iter().filter(|u| matches!(u.outcome, Some(Outcome::Dropped))).count()
    }

    pub fn text(&self) -> String {
        self.finals().map(|(_, caption, _)| caption.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub fn translation(&self) -> String {
        self.translations.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// When each word of the final captions came to be committed.
    pub fn emitted(&self) -> Vec<f64> {
        self.finals().flat_map(|(_, _, utterance)| utterance.shown.emitted().iter().copied()).collect()
    }

    pub fn stability(&self) -> Stability {
        let mut sum = Stability::default();
        self.utterances.iter().for_each(|utterance| sum.add(utterance.shown.stability()));
        sum
    }

    /// Takes an event in that came at `at` milliseconds. `true` once nothing more can come of the track itself.
    fn take_in(&mut self, at: f64, body: &EventBody) -> bool {
        match body {
            EventBody::UtteranceStarted(started) => {
                self.utterance(started.utterance);
            }
            EventBody::CaptionPartial(partial) => {
                self.utterance(partial.utterance).shown.partial(at, &partial.committed, &partial.tentative);
            }
            EventBody::CaptionFinal(caption) => {
                let utterance = self.utterance(caption.utterance);
                utterance.shown.finished(at, &caption.text);
                utterance.outcome = Some(Outcome::Final(at, Box::new(caption.clone())));
            }
            EventBody::CaptionDropped(dropped) => {
                self.utterance(dropped.utterance).outcome = Some(Outcome::Dropped);
            }
            EventBody::TranslationFinal(translation) => {
                let flagged = translation.preservation.as_ref().is_some_and(|found| !found.passed());
                self.translations.push((translation.text.clone(), flagged));
            }
            EventBody::ErrorRaised(raised) => self.errors.push(format!("{:?}: {}", raised.component, raised.error)),
            EventBody::ParticipantLeft(_) => return true,
            _ => {}
        }
        false
    }
}

/// Streams a recording through a session of its own.
pub(super) async fn play(
    directory: &Directory,
    recording: &Recording,
    mut samples: Vec<f32>,
) -> Result<Heard, anyhow::Error> {
    let length = samples.len() + SILENCE;
    samples.resize(length, 0.0);
    let languages = languages(recording);
    let translates = languages.len() > 1;
    let new =
        NewSession { patient: "EVALUATION".parse()?, languages, spo2_scale: Spo2Scale::default(), terms: Vec::new() };
    let session = directory.create(new).await?.session;
    let events = directory.events(session, Seq::FIRST).await?;
    let spec = AudioTrackSpec { participant: "speaker".parse()?, language: recording.language.clone() };
    let sink = directory.open_audio(session, spec).await?;
    let begun = Instant::now();
    let limit = Duration::from_secs_f64(length as f64 / f64::from(SAMPLE_RATE)) + PATIENCE;
    let (lost, followed) =
        tokio::join!(push(sink, &samples, begun), tokio::time::timeout(limit, follow(events, begun, translates)));
    let mut heard =
        followed.map_err(|_| anyhow::anyhow!("captions were still missing {PATIENCE:?} after its end"))??;
    heard.frames_lost = lost?;
    directory.record(session, EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended })).await?;
    Ok(heard)
}

fn languages(recording: &Recording) -> Vec<Language> {
    let spoken = &recording.language;
    let other = OTHER.iter().find(|(from, _)| *from == spoken.primary());
    let wanted = recording.translation.as_ref().map(|translation| translation.language.clone());
    let other = wanted.or_else(|| other.and_then(|(_, to)| to.parse().ok()));
    [Some(spoken.clone()), other.filter(|other| !other.same_language(spoken))].into_iter().flatten().collect()
}

/// Pushes each frame when its last sample has been spoken. Returns how many the track did not take.
async fn push(mut sink: Box<dyn AudioSink>, samples: &[f32], begun: Instant) -> Result<u64, Refusal> {
    let mut clock = tokio::time::interval_at(begun + FRAME_TIME, FRAME_TIME);
    // A late frame is followed by the next at once: whoever speaks does not wait.
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut lost = 0;
    for (index, frame) in samples.chunks(FRAME).enumerate() {
        clock.tick().await;
        let frame = AudioFrame { samples: frame.to_vec(), at: (index * FRAME) as u64, concealed: false };
        match sink.push(frame) {
            Ok(()) => {}
            Err(refusal) if refusal.retryable() => lost += 1,
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(lost)
}

/// Follows the session until the speaker has left and what they said is translated.
async fn follow(mut events: EventStream, begun: Instant, translates: bool) -> Result<Heard, Refusal> {
    let mut heard = Heard::default();
    let mut left = false;
    while let Some(event) = events.next().await {
        let event = event?;
        left |= heard.take_in(begun.elapsed().as_secs_f64() * 1_000.0, &event.body);
        let all_translated = !translates || heard.translations.len() + heard.errors.len() >= heard.finals().count();
        if left && all_translated {
            break;
        }
    }
    Ok(heard)
}

#[cfg(test)]
mod tests;
