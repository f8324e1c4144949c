//! Vitals: scores what monitors observe, and raises alarms.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::supervise::Lease;
use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{
    Event, EventBody, Seq, SessionState,
    consultation::Component,
    risk::{RiskScored, Spo2Scale},
};
use healthsync_models::risk::{AlarmLogic, news2};
use std::sync::Arc;

pub(super) struct Vitals {
    follower: Follower,
    state: SessionState,
    alarms: AlarmLogic,
    /// What changed the newest values, and is not scored yet.
    unscored: Option<Seq>,
    /// The newest score, until its alarms are dealt with.
    unalarmed: Option<(Seq, RiskScored)>,
}

impl Vitals {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        let state = SessionState::new(cell.id);
        Self {
            follower: Follower::new(cell, lease),
            state,
            alarms: AlarmLogic::default(),
            unscored: None,
            unalarmed: None,
        }
    }

    fn score(&mut self, context: &mut Context<Self>) {
        let Some(because) = self.unscored.take() else { return };
        let scale = self.state.started.as_ref().map_or(Spo2Scale::default(), |s| s.value.spo2_scale);
        let Some(scored) = news2::score(&self.state.vitals, scale) else { return };
        // A withdrawal gives no value, and is a reason all the same.
        let mut inputs: Vec<Seq> = self.state.vital_sources().map(|(_, seq)| seq).chain([because]).collect();
        inputs.sort_unstable();
        inputs.dedup();
        self.record(vec![EventBody::RiskScored(scored.into_scored(inputs))], context);
    }

    fn alarm(&mut self, context: &mut Context<Self>) {
        let Some((seq, scored)) = self.unalarmed.take() else { return };
        let due = self.alarms.due(self.follower.cell.id, seq, &scored);
        self.record(due, context);
    }

    /// In order, and before the next observation is looked at.
    fn record(&self, bodies: Vec<EventBody>, context: &mut Context<Self>) {
        let cell = Arc::clone(&self.follower.cell);
        let record = async move {
            for body in bodies {
                cell.record_surely(Component::Vitals, body).await;
            }
        };
        context.wait(record.into_actor(self));
    }
}

impl Fold for Vitals {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        self.state.apply(event);
        self.alarms.apply(event);
        match &event.body {
            // What comes late and changes none of the newest values gives the score there is.
            EventBody::VitalsObserved(_) | EventBody::VitalsAmended(_)
                if self.state.last_vitals.as_ref().is_some_and(|last| last.seq == event.seq) =>
            {
                self.unscored = Some(event.seq);
            }
            EventBody::RiskScored(scored) => {
                // An observation that came while this score was being recorded is not part of it.
                if self.unscored.is_some_and(|seq| scored.provenance.inputs.contains(&seq)) {
                    self.unscored = None;
                }
                self.unalarmed = Some((event.seq, scored.clone()));
            }
            _ => {}
        }
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        self.alarm(context);
        self.score(context);
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        match &event.body {
            EventBody::VitalsObserved(_) | EventBody::VitalsAmended(_) => self.score(context),
            EventBody::RiskScored(_) => self.alarm(context),
            _ => {}
        }
    }
}

impl Actor for Vitals {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Context<Self>) {
        fold::start(self, context);
    }
}

impl StreamHandler<Item> for Vitals {
    fn handle(&mut self, item: Item, context: &mut Context<Self>) {
        fold::handle(self, item, context);
    }
}
