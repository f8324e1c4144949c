//! Asking the recogniser.

use super::voice::Voice;
use crate::{
    pool::{Answer, Class, Dropped, Request, Ticket},
    session::cell::SessionCell,
};
use healthsync_events::{Refusal, audio::SAMPLE_RATE, speech::MediaSpan};
use healthsync_models::{
    ModelError,
    tasks::{Cancel, Effort, TranscribeRequest, Transcription},
};
use healthsync_transcribe::Window;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A partial is not worth showing when the next one is due.
const PARTIAL_DEADLINE: Duration = Duration::from_secs(1);

/// Least and most time before a refused final is tried again: what the pool says, or else doubling.
const FINAL_RETRY: Duration = Duration::from_millis(50);
const MAX_FINAL_RETRY: Duration = Duration::from_secs(1);

/// A window shorter than this is not told of the utterance before: it would be heard as a repeat of it.
const MIN_CONTEXT: usize = SAMPLE_RATE as usize * 3 / 2;

/// Audio of a window, with the place of its utterance on the track's media clock, in samples.
#[derive(Clone)]
pub(super) struct Spoken {
    /// The window's.
    pub samples: Arc<[f32]>,
    pub window: Window,
    /// The utterance's.
    pub start: u64,
    pub end: u64,
}

impl Spoken {
    pub(super) fn span(&self) -> MediaSpan {
        MediaSpan { start_ms: ms(self.start), end_ms: ms(self.end) }
    }
}

pub(super) fn ms(samples: u64) -> u64 {
    samples * 1_000 / u64::from(SAMPLE_RATE)
}

/// A recognition under way. Dropping it says that nobody waits for it any more, and the recogniser gives up.
pub(super) struct Asked {
    ticket: Option<Ticket<Transcription>>,
    effort: &'static str,
    cancel: Cancel,
}

impl Asked {
    pub(super) async fn answer(mut self) -> Result<Answer<Transcription>, Dropped> {
        let Some(ticket) = self.ticket.take() else { return Err(Dropped::Closed) };
        let answer = ticket.answer().await?;
        // What was abandoned is the rest of what the pool counts.
        metrics::histogram!("healthsync_recognition_seconds", "effort" => self.effort)
            .record(answer.service.as_secs_f64());
        Ok(answer)
    }

    pub(super) fn canceller(&self) -> Cancel {
        self.cancel.clone()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Has what was said so far recognised.
pub(super) fn ask_partial(cell: &SessionCell, voice: &Voice, spoken: &Spoken) -> Result<Asked, Refusal> {
    let prompt = voice.draft_prompt(&spoken.window.before);
    let input = request(voice, spoken, prompt, Effort::Draft);
    submit(cell, input, Some(Instant::now() + PARTIAL_DEADLINE), Some((cell.id, voice.participant.clone())))
}

/// Asks for an utterance's final text.
pub(super) fn ask_final(cell: &SessionCell, voice: &Voice, spoken: &Spoken) -> Result<Asked, Refusal> {
    let prompt = if spoken.samples.len() >= MIN_CONTEXT {
        voice.prompt(ms(spoken.start), &spoken.window.before)
    } else {
        voice.draft_prompt(&spoken.window.before)
    };
    submit(cell, request(voice, spoken, prompt, Effort::Full), None, None)
}

fn request(voice: &Voice, spoken: &Spoken, prompt: Option<String>, effort: Effort) -> TranscribeRequest {
    let samples = Arc::clone(&spoken.samples);
    TranscribeRequest { samples, language: voice.language(), prompt, effort, cancel: Cancel::default() }
}

fn submit(
    cell: &SessionCell,
    input: TranscribeRequest,
    deadline: Option<Instant>,
    supersedes: Option<crate::pool::SupersedeKey>,
) -> Result<Asked, Refusal> {
    let cancel = input.cancel.clone();
    let effort = match input.effort {
        Effort::Draft => "draft",
        Effort::Full => "full",
    };
    let request = Request { session: cell.id, class: Class::Live, input, deadline, supersedes };
    Ok(Asked { ticket: Some(cell.models.transcribe.submit(request)?), effort, cancel })
}

/// The final text, asked for before or now. A final is never dropped for want of room: it is offered again until
/// there is some.
pub(super) async fn final_text(
    cell: &SessionCell,
    voice: &Voice,
    spoken: &Spoken,
    ahead: Option<Asked>,
) -> Result<Answer<Transcription>, Refusal> {
    if let Some(asked) = ahead
        && let Ok(answer) = asked.answer().await
    {
        return Ok(answer);
    }
    let mut wait = FINAL_RETRY;
    loop {
        match ask_final(cell, voice, spoken) {
            Ok(asked) => return asked.answer().await.map_err(refusal),
            Err(Refusal::Overloaded { retry_after_ms, .. }) => {
                let told = Duration::from_millis(retry_after_ms);
                tokio::time::sleep(told.clamp(FINAL_RETRY, MAX_FINAL_RETRY)).await;
            }
            Err(refusal) if refusal.retryable() => tokio::time::sleep(wait).await,
            Err(refusal) => return Err(refusal),
        }
        wait = (wait * 2).min(MAX_FINAL_RETRY);
    }
}

fn refusal(dropped: Dropped) -> Refusal {
    match dropped {
        Dropped::Failed(ModelError::Input { reason, .. }) => Refusal::invalid("speech", reason),
        _ => Refusal::unavailable("speech recognition"),
    }
}
