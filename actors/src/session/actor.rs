//! The session actor: the one that numbers events.

use super::cell::SessionCell;
use crate::{
    log::{LogError, Store},
    supervise::Lease,
};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture,
    WrapFuture,
};
use healthsync_events::{
    Event, EventBody, NewEvent, Receipt, Refusal, SessionId, SessionState, Timestamp, limits::MAX_PARTICIPANTS,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Inputs waiting for the commit before theirs. One commit takes milliseconds; more waiting than this means
/// that the disk is stuck, and the doors should say so.
const MAX_PENDING: usize = 512;

/// Events read from the log at a time when starting.
const READ_CHUNK: usize = 1_000;

/// Records an input; answers when it is durable.
#[derive(Message)]
#[rtype(result = "Result<Receipt, Refusal>")]
pub(super) struct Record(pub EventBody);

/// The session's state as of now.
#[derive(Message)]
#[rtype(result = "Arc<SessionState>")]
pub(super) struct Snapshot;

/// Commits what is pending. It comes after the inputs that are in the mailbox already, so that they are one commit.
#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

type Reply = oneshot::Sender<Result<Receipt, Refusal>>;

struct Pending {
    at: Timestamp,
    body: EventBody,
    replies: Vec<Reply>,
}

pub(super) struct Session {
    cell: Arc<SessionCell>,
    lease: Lease,
    state: Arc<SessionState>,
    last_at: Timestamp,
    pending: Vec<Pending>,
    /// What the commit under way will answer.
    committing: Vec<Pending>,
}

impl Session {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        let state = Arc::new(SessionState::new(cell.id));
        let last_at = Timestamp::from_millis(0);
        Self { cell, lease, state, last_at, pending: Vec::new(), committing: Vec::new() }
    }

    fn admit(&self, body: &EventBody) -> Result<(), Refusal> {
        let ending = |p: &Pending| matches!(p.body, EventBody::SessionEnded(_));
        if self.state.ended.is_some() || self.pending.iter().chain(&self.committing).any(ending) {
            return Err(Refusal::SessionEnded);
        }
        if self.pending.len() >= MAX_PENDING {
            return Err(Refusal::Overloaded { queue: "session".into(), retry_after_ms: 250 });
        }
        if let EventBody::ParticipantJoined(joined) = body
            && self.state.participants.len() >= MAX_PARTICIPANTS
            && !self.state.participants.contains_key(&joined.participant)
        {
            return Err(Refusal::TooLarge { what: "participants".into(), limit: MAX_PARTICIPANTS as u64 });
        }
        let answered = match body {
            EventBody::AlarmAcknowledged(acknowledged) => Some(acknowledged.alarm),
            EventBody::AlarmSilenced(silenced) => silenced.alarm,
            _ => None,
        };
        if answered.is_some_and(|alarm| !self.state.alarms.contains_key(&alarm)) {
            return Err(Refusal::NotFound { what: "standing alarm".into() });
        }
        Ok(())
    }

    /// Joins a repeat of an input that is not durable yet to the first of it.
    fn join_repeat(&mut self, body: &EventBody, reply: Reply) -> Option<Reply> {
        let identity = body.identity();
        let mut waiting = self.pending.iter_mut().chain(&mut self.committing);
        match waiting.find(|p| identity.is_some() && p.body.identity() == identity) {
            Some(first) => {
                first.replies.push(reply);
                None
            }
            None => Some(reply),
        }
    }

    /// Starts committing what is pending, unless a commit is under way already.
    fn flush(&mut self, context: &mut Context<Self>) {
        if self.pending.is_empty() || !self.committing.is_empty() {
            return;
        }
        self.committing = std::mem::take(&mut self.pending);
        let events = self.committing.iter().map(|p| NewEvent { at: p.at, body: p.body.clone() }).collect();
        let (store, id, first) = (Arc::clone(&self.cell.store), self.cell.id, self.state.head.next());
        let append = async move { store.append(id, first, events).await };
        context.spawn(append.into_actor(self).map(|result, actor, context| actor.committed(result, context)));
    }

    fn committed(&mut self, result: Result<(), LogError>, context: &mut Context<Self>) {
        let batch = std::mem::take(&mut self.committing);
        if let Err(error) = result {
            return self.not_committed(error, batch, context);
        }
        for pending in batch {
            let seq = self.state.head.next();
            let event = NewEvent { at: pending.at, body: pending.body }.sequenced(self.cell.id, seq);
            Arc::make_mut(&mut self.state).apply(&event);
            self.cell.publish(Arc::new(event));
            for (index, reply) in pending.replies.into_iter().enumerate() {
                let _ = reply.send(Ok(Receipt { seq, at: pending.at, repeated: index > 0 }));
            }
        }
        if self.state.ended.is_some() {
            self.lease.finish();
            context.stop();
            return;
        }
        self.flush(context);
    }

    fn not_committed(&mut self, error: LogError, batch: Vec<Pending>, context: &mut Context<Self>) {
        tracing::warn!(session = %self.cell.id, %error, "events were not recorded");
        let fenced = matches!(error, LogError::Conflict { .. });
        let refusal = Refusal::from(error);
        for reply in batch.into_iter().flat_map(|p| p.replies) {
            let _ = reply.send(Err(refusal.clone()));
        }
        if fenced {
            // Another actor writes this session's log. Starting again reads what it wrote.
            context.stop();
            return;
        }
        self.flush(context);
    }

    fn loaded(&mut self, result: Result<SessionState, LogError>, context: &mut Context<Self>) {
        match result {
            Ok(state) => self.state = Arc::new(state),
            Err(error) => {
                tracing::error!(session = %self.cell.id, %error, "the session's log cannot be read");
                context.stop();
            }
        }
    }
}

/// Folds a session's whole log.
pub(crate) async fn load(store: &dyn Store, session: SessionId) -> Result<SessionState, LogError> {
    let mut state = SessionState::new(session);
    loop {
        let events: Vec<Event> = store.read(session, state.head.next(), READ_CHUNK).await?;
        for event in &events {
            state.apply(event);
        }
        if events.len() < READ_CHUNK {
            return Ok(state);
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(256);
        let cell = Arc::clone(&self.cell);
        let replay = async move { load(&*cell.store, cell.id).await };
        context.wait(replay.into_actor(self).map(|state, actor, context| actor.loaded(state, context)));
    }
}

impl Handler<Record> for Session {
    type Result = ResponseFuture<Result<Receipt, Refusal>>;

    fn handle(&mut self, Record(body): Record, context: &mut Context<Self>) -> Self::Result {
        if let Some((seq, at)) = self.state.already(&body) {
            return Box::pin(async move { Ok(Receipt { seq, at, repeated: true }) });
        }
        if let Err(refusal) = self.admit(&body) {
            return Box::pin(async move { Err(refusal) });
        }
        let (reply, receipt) = oneshot::channel();
        if let Some(reply) = self.join_repeat(&body, reply) {
            // The wall clock may step back; the log's never does.
            self.last_at = self.last_at.max(self.cell.clock.now());
            self.pending.push(Pending { at: self.last_at, body, replies: vec![reply] });
            context.notify(Flush);
        }
        Box::pin(async move { receipt.await.unwrap_or_else(|_| Err(Refusal::unavailable("session"))) })
    }
}

impl Handler<Flush> for Session {
    type Result = ();

    fn handle(&mut self, _: Flush, context: &mut Context<Self>) {
        self.flush(context);
    }
}

impl Handler<Snapshot> for Session {
    type Result = MessageResult<Snapshot>;

    fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Arc::clone(&self.state))
    }
}
