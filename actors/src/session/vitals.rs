//! Vitals: scores what monitors observe, and raises alarms. What follows from the log is worked out by [`Bedside`];
//! this actor records it, and wakes when time alone calls for something.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
    ration::Ration,
};
use crate::supervise::Lease;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, SpawnHandle, StreamHandler, WrapFuture};
use healthsync_events::{Event, EventBody, Seq, Timestamp, consultation::Component};
use healthsync_models::risk::Bedside;
use std::{sync::Arc, time::Duration};

/// Monitors measure once a second at most, which gives two events of scores, and several of them may watch one patient.
/// What floods a session is recorded as it comes and scored together, each event of scores this often once the burst is
/// used up.
const SCORE_EVERY: Duration = Duration::from_millis(200);
const SCORES_AT_ONCE: u32 = 10;

pub(super) struct Vitals {
    follower: Follower,
    bedside: Bedside,
    /// The newest event folded.
    head: Seq,
    at: Timestamp,
    /// The newest event of its own that has been recorded and not been folded. What is owed is looked at again only
    /// then: until then it would be owed twice.
    recorded: Seq,
    scores: Ration,
    /// Whether the actor will be woken to record scores that had to wait.
    scores_wait: bool,
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
            scores: Ration::new(SCORE_EVERY, SCORES_AT_ONCE),
            scores_wait: false,
            alarm_clock: None,
        }
    }

    /// Records what is owed, in order and before the next event is looked at.
    fn act(&mut self, now: Timestamp, context: &mut Context<Self>) {
        if self.recorded > self.head {
            return;
        }
        let mut due = self.bedside.due(now);
        if due.iter().any(is_score) {
            due = self.ration_scores(due, now, context);
        }
        if due.is_empty() {
            return self.set_alarm_clock(now, context);
        }
        let cell = Arc::clone(&self.follower.cell);
        let record = async move { cell.record_all_surely(Component::Vitals, due).await };
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

    /// Leaves out scores for which newer ones stand, and the newest for later, where there have been too many lately.
    /// Alarms that rest on measured values do not wait.
    fn ration_scores(
        &mut self,
        mut due: Vec<EventBody>,
        now: Timestamp,
        context: &mut Context<Self>,
    ) -> Vec<EventBody> {
        let pace = self.follower.cell.models.monitoring.pace.clone();
        let time = pace.now();
        let left = self.scores.left(time);
        if left > 0 {
            // What was held back is the newest.
            self.bedside.release_scores();
            due = self.bedside.due(now);
        }
        let count = |due: &[EventBody]| due.iter().filter(|body| is_score(body)).count() as u32;
        if count(&due) > left {
            self.bedside.supersede_scores();
            due = self.bedside.due(now);
        }
        if left > 0 {
            self.scores.take(count(&due), time);
            return due;
        }
        due.retain(|body| !is_score(body));
        self.bedside.hold_scores();
        let next = self.scores.next(time).unwrap_or(time);
        if !std::mem::replace(&mut self.scores_wait, true) {
            let slept = async move { pace.sleep_until(next).await };
            context.spawn(slept.into_actor(self).map(|(), actor, context| {
                actor.scores_wait = false;
                actor.bedside.release_scores();
                let now = actor.time();
                actor.act(now, context);
            }));
        }
        due
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
        let slept = self.follower.cell.models.monitoring.pace.sleep_until_time(at, || self.time());
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

fn is_score(body: &EventBody) -> bool {
    matches!(body, EventBody::RiskScored(_) | EventBody::ScoresComputed(_))
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
