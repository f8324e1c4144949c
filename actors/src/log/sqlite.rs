//! The log in one `SQLite` file: a single writer thread, readers beside it (write-ahead logging).

mod monitors;
mod positions;

pub(super) use positions::advance;

use super::{
    ImagePart, LogError, SessionLog, SessionRow, Store,
    checkpoint::Checkpointer,
    writer::{Write, Writer},
};
use healthsync_events::{
    BoxFuture, Event, EventBody, ImageId, NewEvent, PatientChanged, PatientId, Seq, SessionId, Timestamp, UnmappedCode,
    UnmatchedMessage, VERSION,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS events (
        session BLOB NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (session, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
        session BLOB PRIMARY KEY, patient TEXT NOT NULL, started_at INTEGER NOT NULL, ended INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS sessions_by_patient ON sessions (patient, ended, started_at);
    CREATE TABLE IF NOT EXISTS images (
        session BLOB NOT NULL, image BLOB NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (session, image, part));
    CREATE TABLE IF NOT EXISTS kept (
        id INTEGER PRIMARY KEY AUTOINCREMENT, received_at INTEGER NOT NULL, patient TEXT, message_id TEXT NOT NULL,
        raw TEXT NOT NULL, because TEXT NOT NULL, problem TEXT, digest BLOB UNIQUE);
    CREATE TABLE IF NOT EXISTS unmapped (
        id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
        last_at INTEGER NOT NULL, session BLOB NOT NULL, raw TEXT, UNIQUE (code, reason));
    CREATE TABLE IF NOT EXISTS patients (
        id INTEGER PRIMARY KEY AUTOINCREMENT, patient TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS aliases (
        id INTEGER PRIMARY KEY AUTOINCREMENT, former TEXT NOT NULL UNIQUE, current TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS aliases_by_current ON aliases (current);
    CREATE TABLE IF NOT EXISTS documents (
        place TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (place, name)) WITHOUT ROWID;
";

/// Takes over what earlier versions kept in `unmatched`.
const MIGRATION: &str = "
    INSERT INTO kept (received_at, patient, message_id, raw, because)
        SELECT received_at, patient, message_id, raw, '\"no_session\"' FROM unmatched ORDER BY id;
    DROP TABLE unmatched;
";

/// Statements kept prepared: there are fewer than this.
const STATEMENTS: usize = 64;

/// Idle read connections kept open; more are opened when needed and closed after.
const IDLE_READERS: usize = 4;

/// The writer's page cache, in KiB: the newest pages of more sessions than are open.
const CACHE_KIB: i32 = 16 * 1_024;

/// A [`Store`] in one `SQLite` file.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteStore {
    /// Opens or creates the file. `synchronous = FULL` makes a commit survive a power cut, not only a crash.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // The checkpointer does that.
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.execute_batch(SCHEMA)?;
            if connection.table_exists(None, "unmatched")? {
                connection.execute_batch(MIGRATION)?;
            }
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.execute_batch(positions::SCHEMA)?;
            Ok(connection)
        };
        let connection = open().map_err(storage)?;
        let checkpointer = open().map_err(storage)?;
        let checkpointer = Checkpointer::start(checkpointer).map_err(|e| LogError::Storage(e.to_string()))?;
        let writer = Writer::start(connection, checkpointer)?;
        let readers = Arc::new(Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()) });
        Ok(Self { writer, readers })
    }

    fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, LogError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, LogError>> {
        let readers = Arc::clone(&self.readers);
        Box::pin(async move {
            tokio::task::spawn_blocking(move || readers.with(query))
                .await
                .unwrap_or_else(|e| Err(LogError::Storage(e.to_string())))
        })
    }
}

impl Readers {
    fn with<T>(&self, query: impl FnOnce(&Connection) -> Result<T, LogError>) -> Result<T, LogError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().map_err(storage)?,
        };
        let result = query(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        Ok(result)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    }
}

impl SessionLog for SqliteStore {
    fn append(&self, session: SessionId, expected: Seq, events: Vec<NewEvent>) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::Append { session, expected, events }))
    }

    fn read(&self, session: SessionId, from: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, LogError>> {
        self.query(move |db| {
            let mut select = db
                .prepare_cached(
                    "SELECT seq, at, body FROM events WHERE session = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
                )
                .map_err(storage)?;
            let rows = select
                .query_map(params![session.0.as_bytes(), from.0 as i64, limit as i64], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
                })
                .map_err(storage)?;
            rows.map(|row| {
                let (seq, at, body) = row.map_err(storage)?;
                // serde_json's message would quote the entry, which holds patient data.
                let body: EventBody = serde_json::from_str(&body)
                    .map_err(|e| LogError::Corrupt(format!("sequence number {seq}, column {}", e.column())))?;
                let at = Timestamp::from_millis(at);
                Ok(Event { v: VERSION, session, seq: Seq(seq as u64), at, body })
            })
            .collect()
        })
    }

    fn head(&self, session: SessionId) -> BoxFuture<'_, Result<Seq, LogError>> {
        self.query(move |db| {
            db.query_row(
                "SELECT seq FROM events WHERE session = ?1 ORDER BY seq DESC LIMIT 1",
                [session.0.as_bytes()],
                |row| row.get::<_, i64>(0),
            )
            .optional()
            .map(|seq| Seq(seq.unwrap_or(0) as u64))
            .map_err(storage)
        })
    }

    fn sessions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<SessionRow>, LogError>> {
        self.query(move |db| {
            let mut select = db
                .prepare_cached(
                    "SELECT session, patient, ended,
                            (SELECT MAX(seq) FROM events WHERE events.session = sessions.session)
                     FROM sessions ORDER BY started_at DESC, session DESC LIMIT ?1",
                )
                .map_err(storage)?;
            let rows = select.query_map([limit as i64], session_row).map_err(storage)?;
            rows.collect::<rusqlite::Result<_>>().map_err(storage)
        })
    }

    fn open_sessions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<SessionId>, LogError>> {
        self.query(move |db| {
            let mut select = db
                .prepare_cached(
                    "SELECT session FROM sessions WHERE ended = 0 ORDER BY started_at DESC, session DESC LIMIT ?1",
                )
                .map_err(storage)?;
            let rows = select.query_map([limit as i64], |row| session_id(row, 0)).map_err(storage)?;
            rows.collect::<rusqlite::Result<_>>().map_err(storage)
        })
    }

    fn open_session_of(&self, patient: PatientId) -> BoxFuture<'_, Result<Option<SessionId>, LogError>> {
        self.query(move |db| {
            db.prepare_cached(
                "SELECT session FROM sessions
                 WHERE patient = COALESCE((SELECT current FROM aliases WHERE former = ?1), ?1) AND ended = 0
                 ORDER BY started_at DESC, session DESC LIMIT 1",
            )
            .and_then(|mut select| select.query_row([patient.as_str()], |row| session_id(row, 0)).optional())
            .map_err(storage)
        })
    }
}

impl Store for SqliteStore {
    fn put_image(
        &self,
        session: SessionId,
        image: ImageId,
        part: ImagePart,
        bytes: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::PutImage { session, image, part, bytes }))
    }

    fn image(
        &self,
        session: SessionId,
        image: ImageId,
        part: ImagePart,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, LogError>> {
        self.query(move |db| {
            db.query_row(
                "SELECT bytes FROM images WHERE session = ?1 AND image = ?2 AND part = ?3",
                params![session.0.as_bytes(), image.0.as_bytes(), part as i64],
                |row| row.get(0),
            )
            .optional()
            .map_err(storage)
        })
    }

    fn delete_image(&self, session: SessionId, image: ImageId, part: ImagePart) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::DeleteImage { session, image, part }))
    }

    fn keep_unmatched(&self, message: UnmatchedMessage) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::KeepUnmatched(message)))
    }

    fn unmatched(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmatchedMessage>, LogError>> {
        self.query(move |db| monitors::unmatched(db, limit))
    }

    fn unmapped(&self, limit: usize) -> BoxFuture<'_, Result<Vec<UnmappedCode>, LogError>> {
        self.query(move |db| monitors::unmapped(db, limit))
    }

    fn patient_changed(&self, changed: PatientChanged) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::PatientChanged(changed)))
    }

    fn patient(&self, patient: PatientId) -> BoxFuture<'_, Result<Option<PatientChanged>, LogError>> {
        self.query(move |db| monitors::patient(db, &patient))
    }

    fn put_document(&self, place: &'static str, name: String, body: String) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::PutDocument { place, name, body }))
    }

    fn remove_document(&self, place: &'static str, name: String) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::RemoveDocument { place, name }))
    }

    fn documents(&self, place: &'static str, limit: usize) -> BoxFuture<'_, Result<Vec<(String, String)>, LogError>> {
        self.query(move |db| {
            let mut select = db
                .prepare_cached("SELECT name, body FROM documents WHERE place = ?1 ORDER BY name LIMIT ?2")
                .map_err(storage)?;
            let rows = select.query_map(params![place, limit as i64], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.map_err(storage)?.collect::<rusqlite::Result<_>>().map_err(storage)
        })
    }
}

fn session_id(row: &Row<'_>, column: usize) -> rusqlite::Result<SessionId> {
    row.get::<_, [u8; 16]>(column).map(|bytes| SessionId(Uuid::from_bytes(bytes)))
}

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    let patient: String = row.get(1)?;
    Ok(SessionRow {
        session: session_id(row, 0)?,
        patient: PatientId::new(patient).map_err(|_| rusqlite::Error::InvalidQuery)?,
        ended: row.get(2)?,
        head: Seq(row.get::<_, Option<i64>>(3)?.unwrap_or(0) as u64),
    })
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn storage(error: rusqlite::Error) -> LogError {
    LogError::Storage(error.to_string())
}

#[cfg(test)]
mod tests;
