//! From captions to translations: finals one after the other, and what is complete of an utterance being spoken.

use super::{Interpreter, refusal_of};
use crate::{
    pool::{Answer, Class, Request},
    session::cell::SessionCell,
};
use actix::{ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture};
use healthsync_events::{
    EventBody, Language, ParticipantId, Refusal, Seq, UtteranceId,
    consultation::Component,
    speech::{CaptionPartial, TranslationFinal, TranslationPartial},
};
use healthsync_models::tasks::{TranslateRequest, Translation};
use healthsync_translate::stable_prefix;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long a partial may wait for finals before it is not worth showing any more: the next one comes sooner.
const PARTIAL_DEADLINE: Duration = Duration::from_secs(2);

/// A caption to be translated into one language.
pub(super) struct Task {
    pub caption: Seq,
    pub utterance: UtteranceId,
    pub participant: ParticipantId,
    pub source: Language,
    pub target: Language,
    pub text: String,
}

/// One caption at a time, so that translations come in the order of their captions.
pub(super) async fn translate_all(cell: Arc<SessionCell>, mut tasks: mpsc::Receiver<Task>) {
    while let Some(task) = tasks.recv().await {
        let input =
            TranslateRequest { text: task.text.clone(), source: task.source.clone(), target: task.target.clone() };
        let answer = match translate(&cell, input, None).await {
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
        cell.record_surely(Component::Translate, EventBody::TranslationFinal(body)).await;
    }
}

async fn translate(
    cell: &SessionCell,
    input: TranslateRequest,
    deadline: Option<Instant>,
) -> Result<Answer<Translation>, Refusal> {
    let ticket = loop {
        // Partials too are read along; finals, due sooner, go first.
        let class = Class::Live;
        let request = Request { session: cell.id, class, input: input.clone(), deadline, supersedes: None };
        match cell.models.translate.submit(request) {
            Ok(ticket) => break ticket,
            // A final is never dropped for want of room: it comes again when it is told there will be some.
            Err(Refusal::Overloaded { retry_after_ms, .. }) if deadline.is_none() && !cell.is_over() => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
            }
            Err(refusal) => return Err(refusal),
        }
    };
    ticket.answer().await.map_err(|dropped| refusal_of("translation", &dropped))
}

/// The partials of open utterances, by utterance and target language: of each, one is translated and the newest
/// waits, so that the pool's queue never holds two. The pool's own superseding goes by participant, where several
/// target languages would take each other's place.
#[derive(Default)]
pub(super) struct Partials(HashMap<(UtteranceId, String), Progress>);

/// How far an utterance's translation has come.
#[derive(Default)]
struct Progress {
    /// Bytes of the longest prefix taken up.
    taken_up: usize,
    running: Option<SpawnHandle>,
    waiting: Option<Prefix>,
}

/// What is complete of an utterance.
struct Prefix {
    caption: Seq,
    text: String,
    utterance: UtteranceId,
    participant: ParticipantId,
    source: Language,
    target: Language,
}

impl Interpreter {
    /// Takes up what a partial caption has that earlier ones had not.
    pub(super) fn translate_partial(&mut self, seq: Seq, partial: &CaptionPartial, context: &mut Context<Self>) {
        let Some(text) = stable_prefix(&partial.committed) else { return };
        if partial.language.is_undetermined() {
            return;
        }
        for target in self.state.languages().to_vec() {
            if target.same_language(&partial.language) {
                continue;
            }
            let progress = self.partials.0.entry((partial.utterance, target.primary())).or_default();
            if text.len() <= progress.taken_up {
                continue;
            }
            progress.taken_up = text.len();
            progress.waiting = Some(Prefix {
                caption: seq,
                text: text.to_owned(),
                utterance: partial.utterance,
                participant: partial.participant.clone(),
                source: partial.language.clone(),
                target: target.clone(),
            });
            if progress.running.is_none() {
                self.next_partial(partial.utterance, &target, context);
            }
        }
    }

    fn next_partial(&mut self, utterance: UtteranceId, target: &Language, context: &mut Context<Self>) {
        let key = (utterance, target.primary());
        let Some(progress) = self.partials.0.get_mut(&key) else { return };
        progress.running = None;
        let Some(prefix) = progress.waiting.take() else { return };
        let target = target.clone();
        let work = show_prefix(Arc::clone(&self.follower.cell), prefix).into_actor(self);
        let work = work.map(move |(), actor, context| actor.next_partial(utterance, &target, context));
        let running = context.spawn(work);
        self.partials.0.entry(key).or_default().running = Some(running);
    }

    /// The utterance is over: from here on there is its final, and no partial may follow that.
    pub(super) fn end_partials(&mut self, utterance: UtteranceId, context: &mut Context<Self>) {
        let ended = self.partials.0.extract_if(|(of, _), _| *of == utterance);
        for (_, progress) in ended {
            if let Some(running) = progress.running {
                context.cancel_future(running);
            }
        }
    }
}

/// A partial that cannot be had is not missed: its final comes. One in which something did not survive is not shown,
/// for it could not be shown flagged.
async fn show_prefix(cell: Arc<SessionCell>, prefix: Prefix) {
    let input = TranslateRequest { text: prefix.text, source: prefix.source.clone(), target: prefix.target.clone() };
    let deadline = Instant::now() + PARTIAL_DEADLINE;
    let Ok(answer) = translate(&cell, input, Some(deadline)).await else { return };
    if !answer.output.preservation.passed() {
        return;
    }
    let shown = TranslationPartial {
        utterance: prefix.utterance,
        participant: prefix.participant,
        source_language: prefix.source,
        target_language: prefix.target,
        text: answer.output.text,
        engine: answer.output.engine,
        review: answer.output.review,
        provenance: answer.output.model.with_inputs(vec![prefix.caption]),
    };
    let _ = cell.record(EventBody::TranslationPartial(shown)).await;
}
