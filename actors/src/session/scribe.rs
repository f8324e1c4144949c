//! The scribe: writes the report a patient understands.

use super::{
    actor::load,
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::supervise::Lease;
use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{Event, EventBody, consultation::Component, scribe::ReportRequested};
use healthsync_models::report;
use std::sync::Arc;

pub(super) struct Scribe {
    follower: Follower,
    /// Asked for and not yet written.
    requested: Option<ReportRequested>,
}

impl Scribe {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        Self { follower: Follower::new(cell, lease), requested: None }
    }

    fn write(&mut self, context: &mut Context<Self>) {
        let Some(request) = self.requested.take() else { return };
        let cell = Arc::clone(&self.follower.cell);
        context.spawn(async move { write(&cell, &request).await }.into_actor(self));
    }
}

/// Writes the report from the state that the session's actor holds: it had taken the request in before anybody saw it.
async fn write(cell: &SessionCell, request: &ReportRequested) {
    let state = match cell.state().await {
        Ok(state) => state,
        // That actor has just died. The log has the same.
        Err(_) => match load(&*cell.store, cell.id).await {
            Ok(state) => Arc::new(state),
            Err(error) => return cell.raise(Component::Scribe, error.into(), None).await,
        },
    };
    let languages = if request.languages.is_empty() { state.languages() } else { &request.languages };
    let body = EventBody::ReportReady(report::write(&state, languages));
    cell.record_surely(Component::Scribe, body).await;
}

impl Fold for Scribe {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
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
