//! The final text of an utterance.

use super::{
    recognise::{Asked, Spoken, ask_final, final_text, ms},
    voice::Voice,
};
use crate::{pool::Answer, session::cell::SessionCell};
use healthsync_events::{
    EventBody, Language, ModelInfo, Refusal, Seq, UtteranceId,
    consultation::{Component, SpeechBoundary},
    speech::{CaptionDropReason, CaptionDropped, CaptionFinal, CaptionWord},
};
use healthsync_models::tasks::{Transcription, Word};
use healthsync_transcribe::{Doubt, UtteranceText, doubt, echoes, join};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// An utterance that has ended and waits for its text.
pub(super) struct FinalJob {
    pub utterance: UtteranceId,
    pub started: watch::Receiver<Option<Seq>>,
    /// What partials have promised.
    pub text: UtteranceText,
    /// The language it was last taken for, and by which model.
    pub heard: Option<(Language, ModelInfo)>,
    /// The same audio's recognition, asked for before it was known that the utterance had ended.
    pub ahead: Option<Asked>,
    pub spoken: Spoken,
    pub ended_at: Instant,
}

/// Finals, one at a time in the order they were spoken, until the queue is closed and empty.
pub(super) async fn finalize_all(
    cell: Arc<SessionCell>,
    voice: Arc<Voice>,
    mut jobs: mpsc::Receiver<FinalJob>,
    drained: oneshot::Sender<()>,
) {
    while let Some(job) = jobs.recv().await {
        finalize(&cell, &voice, job).await;
    }
    let _ = drained.send(());
}

async fn finalize(cell: &SessionCell, voice: &Voice, mut job: FinalJob) {
    // Boundaries are recorded in a few milliseconds; a caption does not wait longer for its input's number.
    let known = tokio::time::timeout(Duration::from_secs(1), job.started.wait_for(Option::is_some)).await;
    let inputs: Vec<Seq> = known.ok().and_then(|seq| seq.ok().and_then(|seq| *seq)).into_iter().collect();
    let boundary = SpeechBoundary {
        participant: voice.participant.clone(),
        utterance: job.utterance,
        at_ms: job.spoken.span().end_ms,
    };
    // Boundaries are a courtesy to whoever watches: the caption carries the same times.
    let _ = cell.record(EventBody::UtteranceEnded(boundary)).await;
    let ahead = job.ahead.take();
    let body = match believed(cell, voice, &job.spoken, ahead).await {
        Ok((answer, doubted)) => {
            let detected = doubted.is_none() && voice.final_tells(&answer.output);
            if detected {
                let found = voice.detected(job.utterance, &answer.output, answer.model.with_inputs(inputs.clone()));
                let _ = cell.record(EventBody::LanguageDetected(found)).await;
            }
            conclude(voice, &job, &answer, doubted, inputs)
        }
        Err(error) => {
            cell.raise(Component::Transcribe, error, inputs.first().copied()).await;
            given_up(voice, &job, inputs)
        }
    };
    cell.record_surely(Component::AudioTrack, body).await;
}

/// The final text and whether to believe it. One that repeats what the recogniser was told beforehand, or is implausible,
/// is asked for once more, told nothing of the utterance before; a beam search that drew badly draws anew.
async fn believed(
    cell: &SessionCell,
    voice: &Voice,
    spoken: &Spoken,
    ahead: Option<Asked>,
) -> Result<(Answer<Transcription>, Option<Doubt>), Refusal> {
    let told = voice.prompt(ms(spoken.start), &spoken.window.before);
    let mut answer = final_text(cell, voice, spoken, ahead).await?;
    let mut doubted = doubt(&answer.output, &spoken.samples);
    let misled = doubted == Some(Doubt::Implausible) || told.is_some_and(|told| echoes(&told, &answer.output.text));
    if misled {
        metrics::counter!("healthsync_captions_misled_total").increment(1);
        voice.forget();
        if let Ok(asked) = ask_final(cell, voice, spoken)
            && let Ok(again) = asked.answer().await
        {
            doubted = doubt(&again.output, &spoken.samples);
            answer = again;
        }
    }
    Ok((answer, doubted))
}

fn conclude(
    voice: &Voice,
    job: &FinalJob,
    answer: &Answer<Transcription>,
    doubted: Option<Doubt>,
    inputs: Vec<Seq>,
) -> EventBody {
    let heard = &answer.output;
    let words = match doubted {
        None => job.text.conclude(&job.spoken.window, heard),
        // What was committed stays, whatever became of the rest.
        Some(_) => job.text.committed_words().to_vec(),
    };
    if let Some(doubt) = doubted {
        voice.forget();
        let lost = heard.text.split_whitespace().count() as u32;
        count_dropped(doubt, lost);
        if words.is_empty() {
            return dropped(voice, job, reason(doubt), lost);
        }
    }
    let text = join(words.iter().map(|word| word.text.as_str()));
    voice.remember(&text, heard.confidence, ms(job.spoken.end));
    caption(voice, job, &words, heard.language.clone(), answer.model.with_inputs(inputs))
}

/// Without an answer, what was committed is the text.
pub(super) fn given_up(voice: &Voice, job: &FinalJob, inputs: Vec<Seq>) -> EventBody {
    match (&job.heard, job.text.committed_words()) {
        (Some((language, model)), words) if !words.is_empty() => {
            caption(voice, job, words, language.clone(), model.with_inputs(inputs))
        }
        _ => dropped(voice, job, CaptionDropReason::ModelFailed, 0),
    }
}

fn caption(
    voice: &Voice,
    job: &FinalJob,
    words: &[Word],
    language: Language,
    provenance: healthsync_events::Provenance,
) -> EventBody {
    let latency = job.ended_at.elapsed();
    metrics::histogram!("healthsync_caption_latency_seconds").record(latency.as_secs_f64());
    let start_ms = ms(job.spoken.start);
    let probability: f32 = words.iter().map(|word| word.probability).sum();
    EventBody::CaptionFinal(CaptionFinal {
        utterance: job.utterance,
        participant: voice.participant.clone(),
        language,
        text: join(words.iter().map(|word| word.text.as_str())),
        span: job.spoken.span(),
        latency_ms: latency.as_millis() as u64,
        confidence: probability / words.len().max(1) as f32,
        words: words.iter().map(|word| placed(word, start_ms)).collect(),
        provenance,
    })
}

fn placed(word: &Word, start_ms: u64) -> CaptionWord {
    CaptionWord {
        text: word.text.clone(),
        start_ms: start_ms + u64::from(word.start_ms),
        end_ms: start_ms + u64::from(word.end_ms),
        probability: word.probability,
    }
}

fn reason(doubt: Doubt) -> CaptionDropReason {
    match doubt {
        Doubt::NoSpeech => CaptionDropReason::NoSpeech,
        Doubt::Implausible => CaptionDropReason::Implausible,
    }
}

fn count_dropped(doubt: Doubt, words: u32) {
    let reason = match doubt {
        Doubt::NoSpeech => "no_speech",
        Doubt::Implausible => "implausible",
    };
    metrics::counter!("healthsync_captions_dropped_total", "reason" => reason).increment(1);
    metrics::counter!("healthsync_caption_words_dropped_total", "reason" => reason).increment(u64::from(words));
}

fn dropped(voice: &Voice, job: &FinalJob, reason: CaptionDropReason, words: u32) -> EventBody {
    let (utterance, participant, span) = (job.utterance, voice.participant.clone(), job.spoken.span());
    EventBody::CaptionDropped(CaptionDropped { utterance, participant, span, reason, words })
}
