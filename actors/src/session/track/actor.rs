//! The actor that owns a track: voice activity, partials while someone speaks, finals when they pause.

use super::utterance::{FinalJob, Hypotheses, Spoken, finalize_all, partial, request_final};
use crate::{pool::Ticket, session::cell::SessionCell, supervise::Lease};
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use healthsync_events::{
    AudioFrame, AudioTrackSpec, EventBody, Refusal, Seq, UtteranceId,
    audio::SAMPLE_RATE,
    consultation::{Component, SpeechBoundary},
    speech::{CaptionDropReason, CaptionDropped, MediaSpan},
};
use healthsync_models::{ModelError, tasks::Transcription};
use healthsync_transcribe::{SegmentEvent, Segmenter, SegmenterConfig};
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
    hypotheses: Hypotheses,
    /// Its final text, asked for while the pause that may end it goes on.
    ahead: Option<Ahead>,
}

/// Recognition of an utterance whose last voice ended at `voiced_end`, if the recogniser took it in.
struct Ahead {
    voiced_end: u64,
    ticket: Option<Ticket<Transcription>>,
}

pub(super) struct AudioTrack {
    cell: Arc<SessionCell>,
    lease: Lease,
    spec: AudioTrackSpec,
    segmenter: Option<Segmenter>,
    open: Option<Open>,
    finals: Option<mpsc::Sender<FinalJob>>,
    drained: Option<oneshot::Receiver<()>>,
    /// When the newest sample came, and its media time.
    newest: (Instant, u64),
}

impl AudioTrack {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease, spec: AudioTrackSpec) -> Self {
        let newest = (Instant::now(), 0);
        Self { cell, lease, spec, segmenter: None, open: None, finals: None, drained: None, newest }
    }

    /// When the sample at media time `at` came.
    fn arrival(&self, at: u64) -> Instant {
        let (arrived, newest) = self.newest;
        let behind = newest.saturating_sub(at) * 1_000 / u64::from(SAMPLE_RATE);
        arrived.checked_sub(std::time::Duration::from_millis(behind)).unwrap_or(arrived)
    }

    fn heard(&mut self, event: SegmentEvent, context: &mut Context<Self>) {
        match event {
            SegmentEvent::Started { at } => self.begin(at, context),
            SegmentEvent::Ended(segment) => {
                let Some(open) = self.open.take() else { return };
                let job = FinalJob {
                    utterance: open.id,
                    started: open.started,
                    committed: open.hypotheses.committed(),
                    ahead: open.ahead.filter(|ahead| ahead.voiced_end == segment.end).and_then(|ahead| ahead.ticket),
                    spoken: Spoken { samples: segment.samples.into(), start: segment.start, end: segment.end },
                    ended_at: self.arrival(segment.end),
                };
                self.end(job, context);
            }
        }
    }

    fn begin(&mut self, at: u64, context: &mut Context<Self>) {
        let id = UtteranceId(uuid::Uuid::now_v7());
        let (know, started) = watch::channel(None);
        self.open = Some(Open { id, started, asked_until: at, hypotheses: Hypotheses::default(), ahead: None });
        let boundary = SpeechBoundary {
            participant: self.spec.participant.clone(),
            utterance: id,
            at_ms: at * 1_000 / u64::from(SAMPLE_RATE),
        };
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
        let cell = Arc::clone(&self.cell);
        let participant = self.spec.participant.clone();
        let give_up = async move {
            let full = Refusal::Overloaded { queue: "captions".into(), retry_after_ms: 5_000 };
            cell.raise(Component::AudioTrack, full, *job.started.borrow()).await;
            let dropped = CaptionDropped {
                utterance: job.utterance,
                participant,
                span: job.spoken.span(),
                reason: CaptionDropReason::ModelFailed,
                words: 0,
            };
            cell.record_surely(Component::AudioTrack, EventBody::CaptionDropped(dropped)).await;
        };
        context.spawn(give_up.into_actor(self));
    }

    /// Has the utterance recognised as if the pause ended it: when it does, its text is nearly there. `true` while
    /// the pause goes on. Who speaks on makes the answer pointless, and dropping its ticket says so.
    fn recognise_ahead(&mut self) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Some(pausing) = self.segmenter.as_ref().and_then(Segmenter::pausing) else {
            open.ahead = None;
            return false;
        };
        let voiced_end = pausing.voiced_end;
        if open.ahead.as_ref().is_none_or(|ahead| ahead.voiced_end != voiced_end) {
            let ticket = request_final(&self.cell, &self.spec, pausing.samples.into()).ok();
            open.ahead = Some(Ahead { voiced_end, ticket });
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
        let spoken = Spoken { samples: heard.samples.into(), start: heard.start, end: until };
        let request = partial(Arc::clone(&self.cell), self.spec.clone(), spoken);
        let show = request.into_actor(self).map(move |transcribed, actor, context| {
            let Some((transcription, model, span)) = transcribed else { return };
            // A partial that comes after its utterance ended says nothing any more.
            let Some(open) = actor.open.as_mut().filter(|open| open.id == id) else { return };
            let started = *open.started.borrow();
            let Some(text) = open.hypotheses.take_in(&transcription, span) else { return };
            let caption = text.caption(id, &actor.spec, span, model.with_inputs(started.into_iter().collect()));
            let cell = Arc::clone(&actor.cell);
            let record = async move {
                // A partial is superseded by the next one; losing it loses nothing.
                let _ = cell.record(EventBody::CaptionPartial(caption)).await;
            };
            context.spawn(record.into_actor(actor));
        });
        context.spawn(show);
    }

    /// Without voice activity detection there is nothing this actor can do: it starts again.
    fn give_up(&mut self, error: &ModelError, context: &mut Context<Self>) {
        tracing::error!(session = %self.cell.id, %error, "voice activity detection failed");
        context.stop();
    }
}

/// Says of utterances that an earlier life of this track left behind that they are lost.
async fn bury(cell: Arc<SessionCell>, spec: AudioTrackSpec) {
    let Ok(state) = cell.state().await else { return };
    for (utterance, _) in state.open_utterances.iter().filter(|(_, who)| **who == spec.participant) {
        let dropped = CaptionDropped {
            utterance: *utterance,
            participant: spec.participant.clone(),
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
        let work = finalize_all(Arc::clone(&self.cell), self.spec.clone(), jobs, drained);
        self.cell.home.spawn(work);
        if self.lease.restarts() > 0 {
            context.spawn(bury(Arc::clone(&self.cell), self.spec.clone()).into_actor(self));
        }
    }
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
