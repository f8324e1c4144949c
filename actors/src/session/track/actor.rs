//! The actor that owns a track: voice activity, partials while someone speaks, finals when they pause.

use super::{
    finals::{FinalJob, finalize_all, given_up},
    recognise::{Asked, Spoken, ask_final, ask_partial, ms},
    voice::Voice,
};
use crate::{
    pool::Answer,
    session::{cell::SessionCell, fold::Item},
    supervise::Lease,
};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, StreamHandler,
    WrapFuture,
};
use healthsync_events::{
    AudioFrame, AudioTrackSpec, EventBody, Language, ModelInfo, ParticipantId, Refusal, Seq, UtteranceId,
    audio::SAMPLE_RATE,
    consultation::{Component, SpeechBoundary},
    speech::{CaptionDropReason, CaptionDropped, CaptionPartial, MediaSpan},
};
use healthsync_models::{
    ModelError,
    tasks::{Cancel, Transcription},
};
use healthsync_transcribe::{SegmentEvent, Segmenter, SegmenterConfig, UtteranceText, Window, doubt};
use std::{sync::Arc, time::Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Frames waiting for voice activity detection: 5 s at 20 ms. More means that the core is hopelessly behind.
const MAILBOX: usize = 256;

/// Utterances waiting for their final caption.
const MAX_FINALS: usize = 16;

/// New audio after which the open utterance is recognised again.
const PARTIAL_EVERY: u64 = SAMPLE_RATE as u64 / 2;

/// Silence from which a pause has begun: stops and gaps between words are shorter.
const LULL: u64 = SAMPLE_RATE as u64 * 80 / 1_000;

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Frame(pub AudioFrame);

/// Finishes the open utterance; answers when its caption is final and the actor about to stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Close;

/// An utterance being spoken.
struct Open {
    id: UtteranceId,
    started: watch::Receiver<Option<Seq>>,
    /// Media time up to which a partial has been asked for.
    asked_until: u64,
    text: UtteranceText,
    /// The language it was last taken for, and by which model.
    heard: Option<(Language, ModelInfo)>,
    /// Stops the partial being made.
    partial: Cancel,
    /// Its final text, asked for while the pause that may end it goes on.
    ahead: Option<Ahead>,
}

/// Recognition of an utterance whose last voice ended at `voiced_end`, if the recogniser took it in.
struct Ahead {
    voiced_end: u64,
    window: Window,
    asked: Option<Asked>,
}

pub(super) struct AudioTrack {
    cell: Arc<SessionCell>,
    lease: Lease,
    voice: Arc<Voice>,
    segmenter: Option<Segmenter>,
    open: Option<Open>,
    finals: Option<mpsc::Sender<FinalJob>>,
    drained: Option<oneshot::Receiver<()>>,
    /// When the newest sample came, and its media time.
    newest: (Instant, u64),
}

impl AudioTrack {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease, spec: &AudioTrackSpec) -> Self {
        let (voice, newest) = (Arc::new(Voice::new(spec)), (Instant::now(), 0));
        Self { cell, lease, voice, segmenter: None, open: None, finals: None, drained: None, newest }
    }

    /// When the sample at media time `at` came.
    fn arrival(&self, at: u64) -> Instant {
        let (arrived, newest) = self.newest;
        let behind = std::time::Duration::from_millis(ms(newest.saturating_sub(at)));
        arrived.checked_sub(behind).unwrap_or(arrived)
    }

    fn heard(&mut self, event: SegmentEvent, context: &mut Context<Self>) {
        match event {
            SegmentEvent::Started { at } => self.begin(at, context),
            SegmentEvent::Ended(segment) => {
                let Some(mut open) = self.open.take() else { return };
                open.partial.cancel();
                let ahead = open.ahead.filter(|ahead| ahead.voiced_end == segment.end);
                let (window, asked) = match ahead {
                    Some(ahead) => (ahead.window, ahead.asked),
                    None => (open.text.window(segment.samples.len()), None),
                };
                let samples = segment.samples.get(window.from..).unwrap_or_default().into();
                let job = FinalJob {
                    utterance: open.id,
                    started: open.started,
                    text: open.text,
                    heard: open.heard,
                    ahead: asked,
                    spoken: Spoken { samples, window, start: segment.start, end: segment.end },
                    ended_at: self.arrival(segment.end),
                };
                self.end(job, context);
            }
        }
    }

    fn begin(&mut self, at: u64, context: &mut Context<Self>) {
        let id = UtteranceId(uuid::Uuid::now_v7());
        let (know, started) = watch::channel(None);
        self.open = Some(Open {
            id,
            started,
            asked_until: at,
            text: UtteranceText::default(),
            heard: None,
            partial: Cancel::default(),
            ahead: None,
        });
        let participant = self.voice.participant.clone();
        let boundary = SpeechBoundary { participant, utterance: id, at_ms: ms(at) };
        let cell = Arc::clone(&self.cell);
        let record = async move {
            if let Ok(receipt) = cell.record(EventBody::UtteranceStarted(boundary)).await {
                know.send_replace(Some(receipt.seq));
            }
        };
        context.spawn(record.into_actor(self));
    }

    /// Hands a finished utterance to be put into words; says so when there are too many.
    fn end(&mut self, job: FinalJob, context: &mut Context<Self>) {
        let Some(finals) = &self.finals else { return };
        let Err(mpsc::error::TrySendError::Full(job)) = finals.try_send(job) else { return };
        let (cell, voice) = (Arc::clone(&self.cell), Arc::clone(&self.voice));
        let give_up = async move {
            let full = Refusal::Overloaded { queue: "captions".into(), retry_after_ms: 5_000 };
            let of = *job.started.borrow();
            cell.raise(Component::AudioTrack, full, of).await;
            let body = given_up(&voice, &job, of.into_iter().collect());
            cell.record_surely(Component::AudioTrack, body).await;
        };
        context.spawn(give_up.into_actor(self));
    }

    /// Has the utterance recognised as if the pause ended it: when it does, its text is nearly there. `true` while
    /// the pause goes on. Who speaks on makes the answer pointless, and dropping it says so.
    fn recognise_ahead(&mut self) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Some(pausing) = self.segmenter.as_ref().and_then(Segmenter::pausing) else {
            open.ahead = None;
            return false;
        };
        let voiced_end = pausing.voiced_end;
        if open.ahead.as_ref().is_none_or(|ahead| ahead.voiced_end != voiced_end) {
            // What a partial would say, the final says better: the recogniser had better be free for it.
            open.partial.cancel();
            let window = open.text.window(pausing.samples.len());
            let samples = pausing.samples.get(window.from..).unwrap_or_default().into();
            let spoken = Spoken { samples, window: window.clone(), start: pausing.start, end: voiced_end };
            let asked = ask_final(&self.cell, &self.voice, &spoken).ok();
            open.ahead = Some(Ahead { voiced_end, window, asked });
        }
        true
    }

    /// Asks for a partial when enough new audio has come since the last one.
    fn ask_for_partial(&mut self, context: &mut Context<Self>) {
        let (Some(open), Some(heard)) = (&mut self.open, self.segmenter.as_ref().and_then(Segmenter::open)) else {
            return;
        };
        let until = heard.start + heard.samples.len() as u64;
        // In a pause nothing new is said, and the recogniser had better be free when it turns out to be the end.
        if until < open.asked_until + PARTIAL_EVERY || until > heard.voiced_end + LULL {
            return;
        }
        open.asked_until = until;
        let id = open.id;
        let window = open.text.window(heard.samples.len());
        let samples = heard.samples.get(window.from..).unwrap_or_default().into();
        let spoken = Spoken { samples, window, start: heard.start, end: until };
        let Ok(asked) = ask_partial(&self.cell, &self.voice, &spoken) else { return };
        open.partial = asked.canceller();
        let show = asked.answer().into_actor(self).map(move |answer, actor, context| {
            if let Ok(answer) = answer {
                actor.show_partial(id, &spoken, &answer, context);
            }
        });
        context.spawn(show);
    }

    fn show_partial(
        &mut self,
        id: UtteranceId,
        spoken: &Spoken,
        answer: &Answer<Transcription>,
        context: &mut Context<Self>,
    ) {
        // A partial that comes after its utterance ended says nothing any more.
        let Some(open) = self.open.as_mut().filter(|open| open.id == id) else { return };
        let heard = &answer.output;
        if doubt(heard, &spoken.samples).is_some() {
            return;
        }
        let inputs: Vec<Seq> = open.started.borrow().iter().copied().collect();
        let detected = self.voice.partial_tells(heard, ms(spoken.end - spoken.start)).then(|| {
            EventBody::LanguageDetected(self.voice.detected(id, heard, answer.model.with_inputs(inputs.clone())))
        });
        let agreed = open.text.take_in(&spoken.window, heard, spoken.samples.len());
        open.heard = Some((heard.language.clone(), answer.model.clone()));
        if let Some(segmenter) = &mut self.segmenter {
            segmenter.keep_until(spoken.start + open.text.committed_samples());
        }
        let caption = EventBody::CaptionPartial(CaptionPartial {
            utterance: id,
            participant: self.voice.participant.clone(),
            language: heard.language.clone(),
            committed: agreed.committed,
            tentative: agreed.tentative,
            span: spoken.span(),
            provenance: answer.model.with_inputs(inputs),
        });
        let cell = Arc::clone(&self.cell);
        let record = async move {
            // A partial is superseded by the next one, and a detected language told with the next caption: losing
            // either loses nothing.
            for body in detected.into_iter().chain([caption]) {
                let _ = cell.record(body).await;
            }
        };
        context.spawn(record.into_actor(self));
    }

    /// Learns what the session says of its languages, its terms, and this participant; then hears when somebody sets
    /// the participant's language.
    fn learn(&mut self, context: &mut Context<Self>) {
        let cell = Arc::clone(&self.cell);
        let state = async move { cell.state().await };
        context.wait(state.into_actor(self).map(|state, actor, context| {
            let Ok(state) = state else { return context.stop() };
            let terms = state.started.as_ref().map_or(&[][..], |started| &started.value.terms);
            // A track that starts again goes on from what its earlier life had found.
            let known =
                (actor.lease.restarts() > 0).then(|| state.participants.get(&actor.voice.participant)).flatten();
            actor.voice.tell(state.languages(), terms, known);
            context.add_stream(actor.cell.tail(state.head.next(), None).stream());
        }));
    }

    /// Without voice activity detection there is nothing this actor can do: it starts again.
    fn give_up(&mut self, error: &ModelError, context: &mut Context<Self>) {
        tracing::error!(session = %self.cell.id, %error, "voice activity detection failed");
        context.stop();
    }
}

/// Says of utterances that an earlier life of this track left behind that they are lost.
async fn bury(cell: Arc<SessionCell>, participant: ParticipantId) {
    let Ok(state) = cell.state().await else { return };
    for (utterance, _) in state.open_utterances.iter().filter(|(_, who)| **who == participant) {
        let dropped = CaptionDropped {
            utterance: *utterance,
            participant: participant.clone(),
            span: MediaSpan { start_ms: 0, end_ms: 0 },
            reason: CaptionDropReason::Interrupted,
            words: 0,
        };
        cell.record_surely(Component::AudioTrack, EventBody::CaptionDropped(dropped)).await;
    }
}

impl Actor for AudioTrack {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(MAILBOX);
        match (self.cell.models.voice_activity)() {
            Ok(activity) => self.segmenter = Some(Segmenter::new(SegmenterConfig::default(), activity)),
            Err(error) => return self.give_up(&error, context),
        }
        let (finals, jobs) = mpsc::channel(MAX_FINALS);
        let (drained, wait) = oneshot::channel();
        self.finals = Some(finals);
        self.drained = Some(wait);
        // Not bound to the actor's life: what was said completely gets its caption even if the actor dies.
        let work = finalize_all(Arc::clone(&self.cell), Arc::clone(&self.voice), jobs, drained);
        self.cell.home.spawn(work);
        if self.lease.restarts() > 0 {
            let participant = self.voice.participant.clone();
            context.spawn(bury(Arc::clone(&self.cell), participant).into_actor(self));
        }
        self.learn(context);
    }
}

impl StreamHandler<Item> for AudioTrack {
    fn handle(&mut self, item: Item, _: &mut Context<Self>) {
        let Ok(event) = item else { return };
        if let EventBody::LanguageSet(set) = &event.body
            && set.participant == self.voice.participant
        {
            self.voice.set(&set.language);
        }
    }

    /// The session's end closes the track; the end of its stream does not.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Handler<Frame> for AudioTrack {
    type Result = ();

    fn handle(&mut self, Frame(frame): Frame, context: &mut Context<Self>) {
        let Some(segmenter) = &mut self.segmenter else { return };
        self.newest = (Instant::now(), frame.at + frame.samples.len() as u64);
        match segmenter.push(frame.at, &frame.samples) {
            Ok(events) => {
                for event in events {
                    self.heard(event, context);
                }
                if !self.recognise_ahead() {
                    self.ask_for_partial(context);
                }
            }
            Err(error) => self.give_up(&error, context),
        }
    }
}

impl Handler<Close> for AudioTrack {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Close, context: &mut Context<Self>) -> Self::Result {
        if let Some(last) = self.segmenter.take().and_then(|mut segmenter| segmenter.finish()) {
            self.heard(last, context);
        }
        // Closing the queue lets the worker finish what is in it.
        self.finals = None;
        let Some(drained) = self.drained.take() else { return Box::pin(async {}) };
        let (told, closed) = oneshot::channel();
        let wait = async move {
            let _ = drained.await;
        };
        context.spawn(wait.into_actor(self).map(|(), actor, context| {
            actor.lease.finish();
            context.stop();
            let _ = told.send(());
        }));
        Box::pin(async move {
            let _ = closed.await;
        })
    }
}
