//! The scribe: writes the report a patient understands.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::supervise::Lease;
use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{Event, EventBody, SessionState, consultation::Component, scribe::ReportRequested};
use healthsync_models::report;
use std::sync::Arc;

pub(super) struct Scribe {
    follower: Follower,
    state: SessionState,
    /// Asked for and not yet written.
    requested: Option<ReportRequested>,
}

impl Scribe {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        let state = SessionState::new(cell.id);
        Self { follower: Follower::new(cell, lease), state, requested: None }
    }

    fn write(&mut self, context: &mut Context<Self>) {
        let Some(request) = self.requested.take() else { return };
        let languages = if request.languages.is_empty() { self.state.languages() } else { &request.languages };
        let body = EventBody::ReportReady(report::write(&self.state, languages));
        let cell = Arc::clone(&self.follower.cell);
        let record = async move {
            cell.record_surely(Component::Scribe, body).await;
        };
        context.spawn(record.into_actor(self));
    }
}

impl Fold for Scribe {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        self.state.apply(event);
        match &event.body {
            EventBody::ReportRequested(request) => self.requested = Some(request.clone()),
            EventBody::ReportReady(_) => self.requested = None,
            _ => {}
        }
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        self.write(context);
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        if matches!(event.body, EventBody::ReportRequested(_)) {
            self.write(context);
        }
    }
}

impl Actor for Scribe {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Context<Self>) {
        fold::start(self, context);
    }
}

impl StreamHandler<Item> for Scribe {
    fn handle(&mut self, item: Item, context: &mut Context<Self>) {
        fold::handle(self, item, context);
    }
}
