//! What the actors beside the session have in common: each folds the session's log from its first event,
//! acts on what was left undone when it reaches the head, and from there on acts on events as they come.

use super::cell::SessionCell;
use crate::supervise::Lease;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{Event, EventBody, Refusal, Seq};
use std::sync::Arc;

pub(super) type Item = Result<Arc<Event>, Refusal>;

/// Where a folding actor is in the log.
pub(super) struct Follower {
    pub cell: Arc<SessionCell>,
    lease: Lease,
    /// The head when the actor started: up to here, what had to be done may have been done already.
    replay_until: Option<Seq>,
}

impl Follower {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        Self { cell, lease, replay_until: None }
    }
}

pub(super) trait Fold: Actor<Context = Context<Self>> + StreamHandler<Item> {
    fn follower(&mut self) -> &mut Follower;

    /// Takes an event into the actor's state. No effects: it may be a replay.
    fn fold(&mut self, event: &Event);

    /// Does what the state says was left undone.
    fn recover(&mut self, context: &mut Context<Self>);

    /// Acts on an event that happened while the actor was watching; it has been folded.
    fn react(&mut self, event: &Event, context: &mut Context<Self>);
}

/// Call from `Actor::started`.
pub(super) fn start<A: Fold>(actor: &mut A, context: &mut Context<A>) {
    let cell = Arc::clone(&actor.follower().cell);
    let store = Arc::clone(&cell.store);
    let head = async move { store.head(cell.id).await };
    context.wait(head.into_actor(actor).map(|head, actor, context| {
        let Ok(head) = head else { return context.stop() };
        actor.follower().replay_until = Some(head);
        if head == Seq(0) {
            actor.recover(context);
        }
        let events = actor.follower().cell.tail(Seq::FIRST, None);
        context.add_stream(events.stream());
    }));
}

/// Call from `StreamHandler::handle`.
pub(super) fn handle<A: Fold>(actor: &mut A, item: Item, context: &mut Context<A>) {
    let Ok(event) = item else {
        // The log could not be read: start again.
        return context.stop();
    };
    actor.fold(&event);
    if matches!(event.body, EventBody::SessionEnded(_)) {
        actor.follower().lease.finish();
        return context.stop();
    }
    match actor.follower().replay_until {
        Some(until) if event.seq < until => {}
        Some(until) if event.seq == until => actor.recover(context),
        _ => actor.react(&event, context),
    }
}
