//! Putting one utterance into words: partial hypotheses while it is spoken, one final text after.

use crate::{
    pool::{Answer, Class, Dropped, Request, Ticket},
    session::cell::SessionCell,
};
use healthsync_events::{
    AudioTrackSpec, EventBody, ModelInfo, Provenance, Refusal, Seq, UtteranceId,
    audio::SAMPLE_RATE,
    consultation::{Component, SpeechBoundary},
    speech::{CaptionDropReason, CaptionDropped, CaptionFinal, CaptionPartial, MediaSpan},
};
use healthsync_models::tasks::{Effort, SpokenLanguage, TranscribeRequest, Transcription};
use healthsync_transcribe::{LocalAgreement, implausible};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// A partial is not worth showing when the next one is due.
const PARTIAL_DEADLINE: Duration = Duration::from_secs(1);

/// Wait before a refused final is tried again, doubling up to a second.
const FINAL_RETRY: Duration = Duration::from_millis(50);

/// Probability of no speech from which an empty-sounding text is not believed (Radford et al. 2022, 4.5).
const NO_SPEECH: f32 = 0.6;

/// Audio with its place on the track's media clock, in samples.
pub(super) struct Spoken {
    pub samples: Arc<[f32]>,
    pub start: u64,
    pub end: u64,
}

impl Spoken {
    pub(super) fn span(&self) -> MediaSpan {
        let ms = |samples: u64| samples * 1_000 / u64::from(SAMPLE_RATE);
        MediaSpan { start_ms: ms(self.start), end_ms: ms(self.end) }
    }
}

/// An utterance that has ended and waits for its text.
pub(super) struct FinalJob {
    pub utterance: UtteranceId,
    pub started: watch::Receiver<Option<Seq>>,
    /// What partials have promised.
    pub committed: String,
    /// The same audio's recognition, asked for before it was known that the utterance had ended.
    pub ahead: Option<Ticket<Transcription>>,
    pub spoken: Spoken,
    pub ended_at: Instant,
}

/// Successive hypotheses of one utterance, and what they agree on.
#[derive(Default)]
pub(super) struct Hypotheses(LocalAgreement);

/// A partial's text.
pub(super) struct PartialText {
    committed: String,
    tentative: String,
}

impl Hypotheses {
    /// The text to show now; `None` for a hypothesis not worth showing.
    pub(super) fn take_in(&mut self, transcription: &Transcription, span: MediaSpan) -> Option<PartialText> {
        if implausible(transcription) || transcription.text.trim().is_empty() {
            return None;
        }
        let agreed = self.0.take_in(&transcription.words, (span.end_ms - span.start_ms) as u32);
        Some(PartialText { committed: agreed.committed, tentative: agreed.tentative })
    }

    pub(super) fn committed(&self) -> String {
        self.0.committed()
    }
}

impl PartialText {
    pub(super) fn caption(
        self,
        utterance: UtteranceId,
        spec: &AudioTrackSpec,
        span: MediaSpan,
        provenance: Provenance,
    ) -> CaptionPartial {
        CaptionPartial {
            utterance,
            participant: spec.participant.clone(),
            language: spec.language.clone(),
            committed: self.committed,
            tentative: self.tentative,
            span,
            provenance,
        }
    }
}

/// Recognises what has been said so far; `None` when something newer made it pointless.
pub(super) async fn partial(
    cell: Arc<SessionCell>,
    spec: AudioTrackSpec,
    spoken: Spoken,
) -> Option<(Transcription, ModelInfo, MediaSpan)> {
    let span = spoken.span();
    let request = Request {
        session: cell.id,
        class: Class::Live,
        input: TranscribeRequest {
            samples: spoken.samples,
            language: SpokenLanguage::Known(spec.language),
            prompt: None,
            effort: Effort::Full,
        },
        deadline: Some(Instant::now() + PARTIAL_DEADLINE),
        supersedes: Some((cell.id, spec.participant)),
    };
    let answer = cell.models.transcribe.submit(request).ok()?.answer().await.ok()?;
    Some((answer.output, answer.model, span))
}

/// Finals, one at a time in the order they were spoken, until the queue is closed and empty.
pub(super) async fn finalize_all(
    cell: Arc<SessionCell>,
    spec: AudioTrackSpec,
    mut jobs: mpsc::Receiver<FinalJob>,
    drained: oneshot::Sender<()>,
) {
    while let Some(job) = jobs.recv().await {
        finalize(&cell, &spec, job).await;
    }
    let _ = drained.send(());
}

async fn finalize(cell: &SessionCell, spec: &AudioTrackSpec, mut job: FinalJob) {
    // Boundaries are recorded in a few milliseconds; a caption does not wait longer for its input's number.
    let known = tokio::time::timeout(Duration::from_secs(1), job.started.wait_for(Option::is_some)).await;
    let inputs: Vec<Seq> = known.ok().and_then(|seq| seq.ok().and_then(|seq| *seq)).into_iter().collect();
    let span = job.spoken.span();
    let boundary =
        SpeechBoundary { participant: spec.participant.clone(), utterance: job.utterance, at_ms: span.end_ms };
    // Boundaries are a courtesy to whoever watches: the caption carries the same times.
    let _ = cell.record(EventBody::UtteranceEnded(boundary)).await;
    let body = match transcribe(cell, spec, &job.spoken, job.ahead.take()).await {
        Ok(answer) => conclude(spec, &job, span, answer, inputs),
        Err(error) => {
            cell.raise(Component::Transcribe, error, inputs.first().copied()).await;
            dropped(spec, job.utterance, span, CaptionDropReason::ModelFailed)
        }
    };
    cell.record_surely(Component::AudioTrack, body).await;
}

fn conclude(
    spec: &AudioTrackSpec,
    job: &FinalJob,
    span: MediaSpan,
    answer: Answer<Transcription>,
    inputs: Vec<Seq>,
) -> EventBody {
    let heard = answer.output;
    if heard.text.trim().is_empty() || (heard.no_speech > NO_SPEECH && heard.confidence < 0.5) {
        return dropped(spec, job.utterance, span, CaptionDropReason::NoSpeech);
    }
    if implausible(&heard) {
        return dropped(spec, job.utterance, span, CaptionDropReason::Implausible);
    }
    let latency = job.ended_at.elapsed();
    metrics::histogram!("healthsync_caption_latency_seconds").record(latency.as_secs_f64());
    EventBody::CaptionFinal(CaptionFinal {
        utterance: job.utterance,
        participant: spec.participant.clone(),
        language: spec.language.clone(),
        text: healthsync_transcribe::honour(&job.committed, &heard),
        span,
        latency_ms: latency.as_millis() as u64,
        confidence: heard.confidence,
        words: Vec::new(),
        provenance: answer.model.with_inputs(inputs),
    })
}

fn dropped(spec: &AudioTrackSpec, utterance: UtteranceId, span: MediaSpan, reason: CaptionDropReason) -> EventBody {
    metrics::counter!("healthsync_captions_dropped_total", "reason" => format!("{reason:?}")).increment(1);
    EventBody::CaptionDropped(CaptionDropped {
        utterance,
        participant: spec.participant.clone(),
        span,
        reason,
        words: 0,
    })
}

/// Asks for an utterance's final text.
pub(super) fn request_final(
    cell: &SessionCell,
    spec: &AudioTrackSpec,
    samples: Arc<[f32]>,
) -> Result<Ticket<Transcription>, Refusal> {
    cell.models.transcribe.submit(Request {
        session: cell.id,
        class: Class::Live,
        input: TranscribeRequest {
            samples,
            language: SpokenLanguage::Known(spec.language.clone()),
            prompt: None,
            effort: Effort::Full,
        },
        deadline: None,
        supersedes: None,
    })
}

/// A final is never dropped for want of room: it is offered again until there is some.
async fn transcribe(
    cell: &SessionCell,
    spec: &AudioTrackSpec,
    spoken: &Spoken,
    ahead: Option<Ticket<Transcription>>,
) -> Result<Answer<Transcription>, Refusal> {
    if let Some(ticket) = ahead
        && let Ok(answer) = ticket.answer().await
    {
        return Ok(answer);
    }
    let mut wait = FINAL_RETRY;
    loop {
        match request_final(cell, spec, Arc::clone(&spoken.samples)) {
            Ok(ticket) => {
                return ticket.answer().await.map_err(|dropped| match dropped {
                    Dropped::Failed(healthsync_models::ModelError::Input { reason, .. }) => {
                        Refusal::invalid("speech", reason)
                    }
                    _ => Refusal::unavailable("speech recognition"),
                });
            }
            Err(refusal) if refusal.retryable() => tokio::time::sleep(wait).await,
            Err(refusal) => return Err(refusal),
        }
        wait = (wait * 2).min(Duration::from_secs(1));
    }
}
