//! The interpreter: captions into the session's other languages, and aloud for those who listen.

mod floor;
mod lane;
mod packets;
mod translating;
mod turn;

use self::{
    floor::Floor,
    lane::{Line, MAX_UNSPOKEN, skip, speak_all},
    translating::{Partials, Task, translate_all},
};
use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::{pool::Dropped, supervise::Lease};
use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{
    Event, EventBody, ParticipantId, Refusal, Seq, SessionState,
    consultation::Component,
    speech::{Preservation, SpeechSkipReason, TranslationFinal},
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{mpsc, watch};

/// Captions waiting for translation. At 5 to 50 ms each, more than this means that translation has stopped.
const MAX_WAITING: usize = 256;

pub(super) struct Interpreter {
    follower: Follower,
    /// Of what is said, and by whom; nothing else is folded.
    state: SessionState,
    head: Seq,
    floor: watch::Sender<Floor>,
    partials: Partials,
    /// Whose words have been translated into each language, in the order of their first time: by this they get voices.
    translated: HashMap<String, Vec<ParticipantId>>,
    /// The head when this life began: nobody is waiting to hear what was said before.
    live_since: Seq,
    work: Option<mpsc::Sender<Task>>,
    /// By the primary subtag of the language spoken: at most one for each language of the session.
    lanes: HashMap<String, mpsc::Sender<Box<Line>>>,
}

impl Interpreter {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        Self {
            state: SessionState::new(cell.id),
            follower: Follower::new(cell, lease),
            head: Seq(0),
            floor: watch::Sender::new(Floor::default()),
            partials: Partials::default(),
            translated: HashMap::new(),
            live_since: Seq(0),
            work: None,
            lanes: HashMap::new(),
        }
    }

    /// Queues what the utterance at `index` still needs.
    fn queue(&mut self, index: usize, context: &mut Context<Self>) {
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

    /// Has a translation spoken, if somebody listens and it may be.
    fn speak(&mut self, seq: Seq, translation: &TranslationFinal, context: &mut Context<Self>) {
        let cell = Arc::clone(&self.follower.cell);
        let language = &translation.target_language;
        let Some(line) = self.line(seq, translation).filter(|_| cell.speech.has_listener(language)) else { return };
        let preserved = translation.preservation.as_ref().is_none_or(Preservation::passed);
        let refused = if preserved { self.enter_lane(line) } else { Some((line, SpeechSkipReason::NotPreserved)) };
        if let Some((line, reason)) = refused {
            context.spawn(async move { skip(&cell, &line, reason).await }.into_actor(self));
        }
    }

    /// `None` for what was said before this life began.
    fn line(&self, seq: Seq, translation: &TranslationFinal) -> Option<Box<Line>> {
        let settings = &self.follower.cell.models.speech;
        let utterances = self.state.utterances.iter().rev();
        let caption = &utterances.map(|u| &u.caption).find(|c| c.value.utterance == translation.utterance)?;
        let language = &translation.target_language;
        let people = self.translated.get(&language.primary());
        let place = people.and_then(|people| people.iter().position(|who| *who == translation.participant));
        let line = |place: usize| Line {
            translation: seq,
            utterance: translation.utterance,
            speaker: translation.participant.clone(),
            language: language.clone(),
            text: translation.text.clone(),
            voice: settings.voice(language, place).map(str::to_owned),
            spoken_at: caption.at.millis() - caption.value.latency_ms as i64,
            queued: settings.pace.now(),
        };
        (caption.seq > self.live_since).then(|| Box::new(line(place.unwrap_or_default())))
    }

    /// Queues a line in its language's lane; hands it back when the lane is full.
    fn enter_lane(&mut self, line: Box<Line>) -> Option<(Box<Line>, SpeechSkipReason)> {
        let key = line.language.primary();
        // A lane that died, or was never needed, is opened.
        if self.lanes.get(&key).is_none_or(mpsc::Sender::is_closed) {
            let (send, receive) = mpsc::channel(MAX_UNSPOKEN);
            let cell = Arc::clone(&self.follower.cell);
            let home = cell.home.clone();
            home.spawn(speak_all(cell, receive, self.floor.subscribe()));
            self.lanes.insert(key.clone(), send);
        }
        let refused = self.lanes.get(&key)?.try_send(line).err()?;
        Some((refused.into_inner(), SpeechSkipReason::Backlog))
    }
}

fn concerns_speech(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::SessionStarted(_)
            | EventBody::UtteranceStarted(_)
            | EventBody::CaptionFinal(_)
            | EventBody::CaptionDropped(_)
            | EventBody::TranslationFinal(_)
    )
}

impl Fold for Interpreter {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        self.head = event.seq;
        if concerns_speech(&event.body) {
            self.state.apply(event);
        }
        self.floor.send_if_modified(|floor| floor.fold(event));
        if let EventBody::TranslationFinal(translation) = &event.body {
            let people = self.translated.entry(translation.target_language.primary()).or_default();
            if !people.contains(&translation.participant) {
                people.push(translation.participant.clone());
            }
        }
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        self.live_since = self.head;
        for index in 0..self.state.utterances.len() {
            self.queue(index, context);
        }
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        match &event.body {
            EventBody::CaptionPartial(partial) => self.translate_partial(event.seq, partial, context),
            EventBody::CaptionFinal(caption) => {
                self.end_partials(caption.utterance, context);
                self.queue(self.state.utterances.len() - 1, context);
            }
            EventBody::CaptionDropped(dropped) => self.end_partials(dropped.utterance, context),
            EventBody::TranslationFinal(translation) => self.speak(event.seq, translation, context),
            _ => {}
        }
    }
}

impl Actor for Interpreter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (work, tasks) = mpsc::channel(MAX_WAITING);
        self.work = Some(work);
        context.spawn(translate_all(Arc::clone(&self.follower.cell), tasks).into_actor(self));
        fold::start(self, context);
    }
}

impl StreamHandler<Item> for Interpreter {
    fn handle(&mut self, item: Item, context: &mut Context<Self>) {
        fold::handle(self, item, context);
    }
}

fn refusal_of(what: &str, dropped: &Dropped) -> Refusal {
    match dropped {
        Dropped::Failed(healthsync_models::ModelError::Input { reason, .. }) => Refusal::invalid(what, reason.clone()),
        _ => Refusal::unavailable(what),
    }
}
