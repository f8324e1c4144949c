//! Vitals: scores what monitors observe, and raises alarms. What follows from the log is worked out by [`Bedside`];
//! this actor records it, and wakes when time alone calls for something.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::supervise::Lease;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, SpawnHandle, StreamHandler, WrapFuture};
use healthsync_events::{Event, Seq, Timestamp, consultation::Component};
use healthsync_models::risk::Bedside;
use std::{sync::Arc, time::Duration};

pub(super) struct Vitals {
    follower: Follower,
    bedside: Bedside,
    /// The newest event folded.
    head: Seq,
    at: Timestamp,
    /// The newest event of its own that has been recorded and not been folded. What is owed is looked at again only
    /// then: until then it would be owed twice.
    recorded: Seq,
    /// Wakes the actor when time alone calls for something.
    alarm_clock: Option<(Timestamp, SpawnHandle)>,
}

impl Vitals {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        let bedside = Bedside::new(cell.id, Arc::clone(&cell.models.monitoring.policy));
        Self {
            follower: Follower::new(cell, lease),
            bedside,
            head: Seq(0),
            at: Timestamp::from_millis(0),
            recorded: Seq(0),
            alarm_clock: None,
        }
    }

    /// Records what is owed, in order and before the next event is looked at.
    fn act(&mut self, now: Timestamp, context: &mut Context<Self>) {
        if self.recorded > self.head {
            return;
        }
        let due = self.bedside.due(now);
        if due.is_empty() {
            return self.set_alarm_clock(now, context);
        }
        let cell = Arc::clone(&self.follower.cell);
        let record = async move {
            let mut recorded = Vec::with_capacity(due.len());
            for body in due {
                let receipt = cell.record_surely(Component::Vitals, body.clone()).await;
                recorded.push((body, receipt));
            }
            recorded
        };
        context.wait(record.into_actor(self).map(move |recorded, actor, context| {
            for (body, receipt) in recorded {
                match receipt {
                    Some(receipt) if receipt.seq > actor.head => actor.recorded = actor.recorded.max(receipt.seq),
                    // Lost, or recorded long ago: it will not come by again.
                    _ => actor.bedside.forget(&body),
                }
            }
            if actor.recorded <= actor.head {
                actor.set_alarm_clock(now, context);
            }
        }));
    }

    fn set_alarm_clock(&mut self, now: Timestamp, context: &mut Context<Self>) {
        let due = self.bedside.next_due(now);
        if self.alarm_clock.map(|(at, _)| at) == due {
            return;
        }
        if let Some((_, handle)) = self.alarm_clock.take() {
            context.cancel_future(handle);
        }
        let Some(at) = due else { return };
        let pace = self.follower.cell.models.monitoring.pace.clone();
        // Folding may have taken a while since `now`.
        let from_now = at.millis() - self.time().millis();
        let wait = Duration::from_millis(from_now.max(0).unsigned_abs());
        let slept = async move { pace.sleep_until(pace.now() + wait).await };
        let handle = context.spawn(slept.into_actor(self).map(move |(), actor, context| {
            actor.alarm_clock = None;
            // It is that time now, whatever a wall clock says that was set back meanwhile.
            let now = actor.time().max(at);
            actor.act(now, context);
        }));
        self.alarm_clock = Some((at, handle));
    }

    /// The time of the session: the wall clock may step back, the log's never does.
    fn time(&self) -> Timestamp {
        self.follower.cell.clock.now().max(self.at)
    }
}

impl Fold for Vitals {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        (self.head, self.at) = (event.seq, event.at);
        self.bedside.apply(event);
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        // Time has passed since the newest event where anything waits for time.
        let waits = self.bedside.next_due(self.at).is_some();
        let now = if waits { self.time() } else { self.at };
        self.act(now, context);
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        if Bedside::concerns(&event.body) {
            self.act(event.at, context);
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
