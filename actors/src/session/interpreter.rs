//! The interpreter: every final caption into the session's other languages, and aloud for those who listen.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::{
    pool::{Answer, Class, Dropped, Request},
    supervise::Lease,
};
use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{
    Event, EventBody, Language, ParticipantId, Refusal, Seq, SessionState, SpeechId, UtteranceId,
    consultation::Component,
    speech::{AudioCodec, SpeechAnnounced, SpeechCompleted, SpeechFrame, TranslationFinal},
};
use healthsync_models::tasks::{SpeakRequest, SpokenAudio, TranslateRequest, Translation};
use healthsync_speak::clauses;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Captions waiting for translation. At 5 to 50 ms each, more than this means that translation has stopped.
const MAX_WAITING: usize = 256;

/// Translations waiting to be spoken. Speech takes as long as it takes; what waits behind this many would be
/// heard minutes late, so it stays text.
const MAX_UNSPOKEN: usize = 8;

/// Samples in a frame: 100 ms at 24 kHz. Smaller frames cost more messages, larger ones delay the first sound.
const FRAME_SAMPLES: usize = 2_400;

pub(super) struct Interpreter {
    follower: Follower,
    state: SessionState,
    work: Option<mpsc::Sender<Task>>,
}

/// A caption to be translated into one language.
struct Task {
    caption: Seq,
    utterance: UtteranceId,
    participant: ParticipantId,
    source: Language,
    target: Language,
    text: String,
    /// Wall-clock milliseconds at which its last voiced sample reached the server; `None` for work taken up
    /// again after a restart, which nobody is waiting to hear.
    spoken_at: Option<i64>,
}

impl Interpreter {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        let state = SessionState::new(cell.id);
        Self { follower: Follower::new(cell, lease), state, work: None }
    }

    /// Queues what the utterance at `index` still needs.
    fn queue(&mut self, index: usize, live: bool, context: &mut Context<Self>) {
        let Some(utterance) = self.state.utterances.get(index) else { return };
        let caption = &utterance.caption.value;
        for target in self.state.languages() {
            let done = utterance.translations.iter().any(|t| t.value.target_language.same_language(target));
            if done || target.same_language(&caption.language) {
                continue;
            }
            let task = Task {
                caption: utterance.caption.seq,
                utterance: caption.utterance,
                participant: caption.participant.clone(),
                source: caption.language.clone(),
                target: target.clone(),
                text: caption.text.clone(),
                spoken_at: live.then(|| utterance.caption.at.millis() - caption.latency_ms as i64),
            };
            if self.work.as_ref().is_some_and(|work| work.try_send(task).is_err()) {
                let cell = Arc::clone(&self.follower.cell);
                let seq = utterance.caption.seq;
                let full = Refusal::Overloaded { queue: "interpreter".into(), retry_after_ms: 1_000 };
                context
                    .spawn(async move { cell.raise(Component::Interpreter, full, Some(seq)).await }.into_actor(self));
            }
        }
    }
}

impl Fold for Interpreter {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        self.state.apply(event);
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        for index in 0..self.state.utterances.len() {
            self.queue(index, false, context);
        }
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        if matches!(event.body, EventBody::CaptionFinal(_)) {
            self.queue(self.state.utterances.len() - 1, true, context);
        }
    }
}

impl Actor for Interpreter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (work, tasks) = mpsc::channel(MAX_WAITING);
        let (speak, lines) = mpsc::channel(MAX_UNSPOKEN);
        self.work = Some(work);
        context.spawn(translate_all(Arc::clone(&self.follower.cell), tasks, speak).into_actor(self));
        context.spawn(speak_all(Arc::clone(&self.follower.cell), lines).into_actor(self));
        fold::start(self, context);
    }
}

impl StreamHandler<Item> for Interpreter {
    fn handle(&mut self, item: Item, context: &mut Context<Self>) {
        fold::handle(self, item, context);
    }
}

/// A translation to be spoken.
struct Line {
    translation: Seq,
    body: TranslationFinal,
    spoken_at: i64,
}

/// One caption at a time, so that translations come in the order of their captions.
async fn translate_all(cell: Arc<SessionCell>, mut tasks: mpsc::Receiver<Task>, speak: mpsc::Sender<Line>) {
    while let Some(task) = tasks.recv().await {
        let answer = match translate(&cell, &task).await {
            Ok(answer) => answer,
            Err(error) => {
                cell.raise(Component::Translate, error, Some(task.caption)).await;
                continue;
            }
        };
        let body = TranslationFinal {
            utterance: task.utterance,
            of: task.caption,
            participant: task.participant,
            source_language: task.source,
            target_language: task.target,
            text: answer.output.text,
            engine: answer.output.engine,
            review: answer.output.review,
            preservation: Some(answer.output.preservation),
            provenance: answer.output.model.with_inputs(vec![task.caption]),
        };
        let event = EventBody::TranslationFinal(body.clone());
        let Some(receipt) = cell.record_surely(Component::Translate, event).await else { continue };
        let Some(spoken_at) = task.spoken_at else { continue };
        if cell.speech.has_listener(&body.target_language)
            && speak.try_send(Line { translation: receipt.seq, body, spoken_at }).is_err()
        {
            metrics::counter!("healthsync_speech_skipped_total").increment(1);
        }
    }
}

async fn translate(cell: &SessionCell, task: &Task) -> Result<Answer<Translation>, Refusal> {
    let input = TranslateRequest { text: task.text.clone(), source: task.source.clone(), target: task.target.clone() };
    let request = Request { session: cell.id, class: Class::Live, input, deadline: None, supersedes: None };
    let ticket = cell.models.translate.submit(request)?;
    ticket.answer().await.map_err(|dropped| refusal_of("translation", &dropped))
}

/// One translation at a time: people hear one voice at a time.
async fn speak_all(cell: Arc<SessionCell>, mut lines: mpsc::Receiver<Line>) {
    while let Some(line) = lines.recv().await {
        if let Err(error) = speak(&cell, &line).await {
            cell.raise(Component::Speak, error, Some(line.translation)).await;
        }
    }
}

/// Synthesises clause by clause, so that the first sound does not wait for the last word.
async fn speak(cell: &SessionCell, line: &Line) -> Result<(), Refusal> {
    let language = &line.body.target_language;
    let mut spoken: Option<Spoken> = None;
    for clause in clauses(&line.body.text) {
        let input = SpeakRequest { text: clause.into(), language: language.clone(), voice: None, speed: 1.0 };
        let request = Request { session: cell.id, class: Class::Live, input, deadline: None, supersedes: None };
        let answer = cell.models.speak.submit(request)?.answer().await;
        let audio = answer.map_err(|dropped| refusal_of("speech synthesis", &dropped))?.output;
        let spoken = match &mut spoken {
            Some(spoken) => spoken,
            None => spoken.insert(announce(cell, line, &audio).await?),
        };
        for samples in audio.samples.chunks(FRAME_SAMPLES) {
            spoken.send(cell, language, samples, false);
        }
    }
    let Some(mut spoken) = spoken else { return Ok(()) };
    spoken.send(cell, language, &[], true);
    let duration_ms = spoken.samples * 1_000 / u64::from(spoken.sample_rate.max(1));
    let completed =
        EventBody::SpeechCompleted(SpeechCompleted { speech: spoken.speech, duration_ms, interrupted: false });
    cell.record(completed).await.map(|_| ())
}

/// A speech under way.
struct Spoken {
    speech: SpeechId,
    sample_rate: u32,
    frames: u32,
    samples: u64,
}

impl Spoken {
    fn send(&mut self, cell: &SessionCell, language: &Language, samples: &[f32], last: bool) {
        let payload = samples.iter().flat_map(|s| ((s.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes()).collect();
        cell.speech
            .send(language, SpeechFrame { speech: self.speech, index: self.frames, last, interrupted: false, payload });
        self.frames += 1;
        self.samples += samples.len() as u64;
    }
}

async fn announce(cell: &SessionCell, line: &Line, audio: &SpokenAudio) -> Result<Spoken, Refusal> {
    let speech = SpeechId(uuid::Uuid::now_v7());
    let latency_ms = (cell.clock.now().millis() - line.spoken_at).max(0) as u64;
    metrics::histogram!("healthsync_speech_latency_seconds").record(latency_ms as f64 / 1_000.0);
    let announced = SpeechAnnounced {
        speech,
        utterance: line.body.utterance,
        of: line.translation,
        language: line.body.target_language.clone(),
        voice: audio.voice.clone(),
        codec: AudioCodec::PcmS16le,
        sample_rate: audio.sample_rate,
        latency_ms,
        provenance: audio.model.with_inputs(vec![line.translation]),
    };
    cell.record(EventBody::SpeechAnnounced(announced)).await?;
    Ok(Spoken { speech, sample_rate: audio.sample_rate, frames: 0, samples: 0 })
}

fn refusal_of(what: &str, dropped: &Dropped) -> Refusal {
    match dropped {
        Dropped::Failed(healthsync_models::ModelError::Input { reason, .. }) => Refusal::invalid(what, reason.clone()),
        _ => Refusal::unavailable(what),
    }
}
