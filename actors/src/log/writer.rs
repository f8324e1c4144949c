//! The one thread that writes. It takes whatever has queued up while the last transaction was being synced
//! and commits it as one (group commit), so that durability costs one sync for many appends.

mod monitors;

use super::{ImagePart, LogError, checkpoint::Checkpointer, positions::APPENDS, sqlite};
use healthsync_events::{EventBody, ImageId, NewEvent, PatientChanged, Seq, SessionId, UnmatchedMessage};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::{
    collections::HashMap,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};
use tokio::sync::{broadcast, oneshot};

/// Writes waiting for the next transaction. At 2 ms a commit this is far over a second of work: more than
/// that is an overload to refuse, not to hide.
const QUEUE: usize = 4_096;

/// Writes in one transaction, so that the first of them is not kept waiting by a flood behind it.
const MAX_GROUP: usize = 512;

pub(super) enum Write {
    Append { session: SessionId, expected: Seq, events: Vec<NewEvent> },
    PutImage { session: SessionId, image: ImageId, part: ImagePart, bytes: Vec<u8> },
    DeleteImage { session: SessionId, image: ImageId, part: ImagePart },
    KeepUnmatched(UnmatchedMessage),
    PatientChanged(PatientChanged),
    PutDocument { place: &'static str, name: String, body: String },
    RemoveDocument { place: &'static str, name: String },
    Advance { reader: String, positions: Vec<(SessionId, Seq)> },
}

type Reply = oneshot::Sender<Result<(), LogError>>;

/// The head of each session's log as it grows.
type Appended = broadcast::Sender<(SessionId, Seq)>;

pub(super) struct Writer {
    queue: Option<SyncSender<(Write, Reply)>>,
    thread: Option<JoinHandle<()>>,
    /// The head of each session's log as it grows. The thread holds the only sender, so that listeners learn of its end.
    appended: broadcast::WeakSender<(SessionId, Seq)>,
}

impl Writer {
    pub(super) fn start(connection: Connection, checkpointer: Checkpointer) -> Result<Self, LogError> {
        let (queue, waiting) = sync_channel(QUEUE);
        let sender = broadcast::Sender::new(APPENDS);
        let appended = sender.downgrade();
        let thread = std::thread::Builder::new()
            .name("session-log".into())
            .spawn(move || run(connection, checkpointer, &waiting, &sender))
            .map_err(|e| LogError::Storage(e.to_string()))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), appended })
    }

    pub(super) async fn write(&self, write: Write) -> Result<(), LogError> {
        let (reply, done) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(LogError::Closed)?;
        queue.try_send((write, reply)).map_err(|e| match e {
            TrySendError::Full(_) => LogError::Overloaded,
            TrySendError::Disconnected(_) => LogError::Closed,
        })?;
        done.await.unwrap_or(Err(LogError::Closed))
    }

    pub(super) fn appended(&self) -> broadcast::Receiver<(SessionId, Seq)> {
        // Without the thread there will be nothing to tell: a channel that has ended says so.
        self.appended.upgrade().unwrap_or_else(|| broadcast::Sender::new(1)).subscribe()
    }
}

impl Drop for Writer {
    /// Writes what is queued, then closes the database.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The newest sequence number of sessions written lately: nobody else writes, so asking the file for it each time
/// would only cost time. Forgotten whenever a transaction does not come about.
type Heads = HashMap<SessionId, Seq>;

/// Sessions whose newest number is remembered: more than are open at a time.
const MAX_HEADS: usize = 8_192;

fn run(
    mut connection: Connection,
    checkpointer: Checkpointer,
    waiting: &Receiver<(Write, Reply)>,
    appended: &Appended,
) {
    let mut heads = Heads::new();
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        metrics::histogram!("healthsync_log_group_size").record(group.len() as f64);
        commit(&mut connection, &mut heads, group, appended);
        checkpointer.help(&connection);
    }
    drop(checkpointer);
    // Leaves one file behind rather than three.
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
}

fn commit(connection: &mut Connection, heads: &mut Heads, group: Vec<(Write, Reply)>, appended: &Appended) {
    let started = std::time::Instant::now();
    if heads.len() > MAX_HEADS {
        heads.clear();
    }
    match try_commit(connection, heads, &group) {
        Ok(results) => {
            metrics::histogram!("healthsync_log_commit_seconds").record(started.elapsed().as_secs_f64());
            for ((write, reply), result) in group.into_iter().zip(results) {
                if let (Write::Append { session, expected, events }, Ok(())) = (&write, &result) {
                    // Nobody listening is no failure.
                    let _ = appended.send((*session, Seq(expected.0 + events.len() as u64 - 1)));
                }
                let _ = reply.send(result);
            }
        }
        Err(error) => {
            heads.clear();
            tracing::error!(%error, "the session log could not commit");
            for (_, reply) in group {
                let _ = reply.send(Err(LogError::Storage(error.to_string())));
            }
        }
    }
}

/// One result per write. A write that fails is undone alone; only a failing commit fails them all.
fn try_commit(
    connection: &mut Connection,
    heads: &mut Heads,
    group: &[(Write, Reply)],
) -> rusqlite::Result<Vec<Result<(), LogError>>> {
    if let Some(results) = all_together(connection, heads, group)? {
        return Ok(results);
    }
    heads.clear();
    each_alone(connection, heads, group)
}

/// Without savepoints, which cost as much as an insert; `None`, and nothing written, where a write failed halfway.
fn all_together(
    connection: &mut Connection,
    heads: &mut Heads,
    group: &[(Write, Reply)],
) -> rusqlite::Result<Option<Vec<Result<(), LogError>>>> {
    let transaction = connection.transaction()?;
    let mut results = Vec::with_capacity(group.len());
    for (write, _) in group {
        match apply(&transaction, heads, write) {
            // A conflict is seen before anything of the write is written.
            result @ (Ok(()) | Err(LogError::Conflict { .. })) => results.push(result),
            Err(_) => return Ok(None),
        }
    }
    transaction.commit()?;
    Ok(Some(results))
}

fn each_alone(
    connection: &mut Connection,
    heads: &mut Heads,
    group: &[(Write, Reply)],
) -> rusqlite::Result<Vec<Result<(), LogError>>> {
    let mut transaction = connection.transaction()?;
    let mut results = Vec::with_capacity(group.len());
    for (write, _) in group {
        let savepoint = transaction.savepoint()?;
        let result = apply(&savepoint, heads, write);
        if result.is_ok() {
            savepoint.commit()?;
        } else if let Write::Append { session, .. } = write {
            heads.remove(session);
        }
        results.push(result);
    }
    Transaction::commit(transaction)?;
    Ok(results)
}

fn apply(db: &Connection, heads: &mut Heads, write: &Write) -> Result<(), LogError> {
    match write {
        Write::Append { session, expected, events } => append(db, heads, *session, *expected, events),
        Write::PutImage { session, image, part, bytes } => execute(
            db,
            "INSERT OR REPLACE INTO images (session, image, part, bytes) VALUES (?1, ?2, ?3, ?4)",
            params![session.0.as_bytes(), image.0.as_bytes(), *part as i64, bytes],
        ),
        Write::DeleteImage { session, image, part } => execute(
            db,
            "DELETE FROM images WHERE session = ?1 AND image = ?2 AND part = ?3",
            params![session.0.as_bytes(), image.0.as_bytes(), *part as i64],
        ),
        Write::KeepUnmatched(message) => monitors::keep_unmatched(db, message),
        Write::PatientChanged(changed) => monitors::patient_changed(db, changed),
        Write::PutDocument { place, name, body } => execute(
            db,
            "INSERT OR REPLACE INTO documents (place, name, body) VALUES (?1, ?2, ?3)",
            params![place, name, body],
        ),
        Write::RemoveDocument { place, name } => {
            execute(db, "DELETE FROM documents WHERE place = ?1 AND name = ?2", params![place, name])
        }
        Write::Advance { reader, positions } => sqlite::advance(db, reader, positions),
    }
}

fn append(
    db: &Connection,
    heads: &mut Heads,
    session: SessionId,
    expected: Seq,
    events: &[NewEvent],
) -> Result<(), LogError> {
    let head = match heads.get(&session) {
        Some(head) => *head,
        None => head_of(db, session)?,
    };
    let found = head.next();
    if found != expected {
        return Err(LogError::Conflict { expected, found });
    }
    let mut seq = head;
    for event in events {
        seq = seq.next();
        let body = serde_json::to_string(&event.body).map_err(|e| LogError::Storage(e.to_string()))?;
        execute(
            db,
            "INSERT INTO events (session, seq, at, body) VALUES (?1, ?2, ?3, ?4)",
            params![session.0.as_bytes(), seq.0 as i64, event.at.millis(), body],
        )?;
        index(db, session, event)?;
    }
    heads.insert(session, seq);
    Ok(())
}

fn head_of(db: &Connection, session: SessionId) -> Result<Seq, LogError> {
    let head: Option<i64> = db
        .prepare_cached("SELECT seq FROM events WHERE session = ?1 ORDER BY seq DESC LIMIT 1")
        .and_then(|mut select| select.query_row([session.0.as_bytes()], |row| row.get(0)).optional())
        .map_err(storage)?;
    Ok(Seq(head.unwrap_or(0) as u64))
}

/// Keeps the tables that find a patient's session, and count what could not be used, in step with the events that say
/// so.
fn index(db: &Connection, session: SessionId, event: &NewEvent) -> Result<(), LogError> {
    match &event.body {
        EventBody::SessionStarted(started) => execute(
            db,
            "INSERT INTO sessions (session, patient, started_at, ended)
             VALUES (?1, COALESCE((SELECT current FROM aliases WHERE former = ?2), ?2), ?3, 0)",
            params![session.0.as_bytes(), started.patient.as_str(), event.at.millis()],
        ),
        EventBody::SessionEnded(_) => {
            execute(db, "UPDATE sessions SET ended = 1 WHERE session = ?1", params![session.0.as_bytes()])
        }
        EventBody::VitalsObserved(observed) => {
            observed.rejected.iter().try_for_each(|rejected| monitors::count_unmapped(db, session, event.at, rejected))
        }
        _ => Ok(()),
    }
}

fn execute(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<(), LogError> {
    db.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map(|_| ()).map_err(storage)
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn storage(error: rusqlite::Error) -> LogError {
    LogError::Storage(error.to_string())
}
