//! A log in memory.

use futures_util::{StreamExt as _, stream};
use healthsync_events::{
    AppendStream, Appended, Backlog, BoxFuture, Event, EventBody, EventFeed, NewEvent, Refusal, Seq, SessionId,
    Standing, Timestamp, consultation::ChatMessage, scribe::ReportRequested,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::sync::{broadcast, watch};

pub struct Log {
    sessions: Mutex<BTreeMap<SessionId, Vec<Event>>>,
    positions: Mutex<BTreeMap<SessionId, Seq>>,
    appended: broadcast::Sender<Appended>,
    advanced: watch::Sender<u64>,
}

impl Log {
    pub fn new() -> Arc<Self> {
        let appended = broadcast::Sender::new(4_096);
        Arc::new(Self {
            sessions: Mutex::default(),
            positions: Mutex::default(),
            appended,
            advanced: watch::Sender::new(0),
        })
    }

    pub fn session(n: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(n))
    }

    /// Appends and tells of it.
    pub fn append(&self, session: SessionId, body: EventBody) -> Seq {
        let seq = self.append_untold(session, body);
        let _ = self.appended.send(Appended::To(session, seq));
        seq
    }

    pub fn append_untold(&self, session: SessionId, body: EventBody) -> Seq {
        let mut sessions = self.sessions.lock().unwrap();
        let events = sessions.entry(session).or_default();
        let seq = Seq(events.len() as u64 + 1);
        events.push(NewEvent { at: Timestamp::from_millis(0), body }.sequenced(session, seq));
        seq
    }

    pub fn tell_missed(&self) {
        let _ = self.appended.send(Appended::Missed);
    }

    pub async fn until_durable(&self, session: SessionId, seq: Seq) {
        let mut advanced = self.advanced.subscribe();
        super::in_time("the position was durable", async {
            while self.positions.lock().unwrap().get(&session) < Some(&seq) {
                advanced.changed().await.unwrap();
            }
        })
        .await;
    }

    fn standing_of(&self, session: SessionId, head: u64) -> Standing {
        let position = self.positions.lock().unwrap().get(&session).copied().unwrap_or_default();
        Standing { session, patient: format!("P{}", session.0.as_u128()).parse().unwrap(), position, head: Seq(head) }
    }
}

/// An event that is sent.
pub fn selected() -> EventBody {
    EventBody::ReportRequested(ReportRequested { languages: Vec::new() })
}

/// One that is not.
pub fn other(text: &str) -> EventBody {
    let (participant, language) = ("patient".parse().unwrap(), "pt".parse().unwrap());
    EventBody::ChatMessage(ChatMessage { participant, language, text: text.into() })
}

impl EventFeed for Log {
    fn backlog(&self, _: &str, limit: usize) -> BoxFuture<'_, Result<Backlog, Refusal>> {
        let sessions = self.sessions.lock().unwrap();
        let standings = sessions.iter().map(|(session, events)| self.standing_of(*session, events.len() as u64));
        let left: Vec<Standing> = standings.filter(|standing| standing.head > standing.position).collect();
        let events = left.iter().map(|standing| standing.head.0 - standing.position.0).sum();
        let sessions = left.into_iter().take(limit).collect();
        Box::pin(std::future::ready(Ok(Backlog { sessions, events })))
    }

    fn standing(&self, _: &str, session: SessionId) -> BoxFuture<'_, Result<Standing, Refusal>> {
        let head = self.sessions.lock().unwrap().get(&session).map(Vec::len);
        let standing = head.map(|head| self.standing_of(session, head as u64)).ok_or(Refusal::UnknownSession);
        Box::pin(std::future::ready(standing))
    }

    fn read(&self, session: SessionId, from: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, Refusal>> {
        let sessions = self.sessions.lock().unwrap();
        let events = sessions
            .get(&session)
            .map(|events| events.iter().filter(|event| event.seq >= from).take(limit).cloned().collect());
        Box::pin(std::future::ready(Ok(events.unwrap_or_default())))
    }

    fn advance(&self, _: &str, positions: Vec<(SessionId, Seq)>) -> BoxFuture<'_, Result<(), Refusal>> {
        self.positions.lock().unwrap().extend(positions);
        self.advanced.send_modify(|version| *version += 1);
        Box::pin(std::future::ready(Ok(())))
    }

    fn appended(&self) -> AppendStream {
        stream::unfold(self.appended.subscribe(), |mut appended| async move {
            appended.recv().await.ok().map(|told| (told, appended))
        })
        .boxed()
    }
}
