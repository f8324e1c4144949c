//! Readers' positions in the log's own file: they are durable with it, and cannot be lost apart from it.

use super::{SqliteStore, session_id, storage};
use crate::log::{LogError, positions::Positions, writer::Write};
use healthsync_events::{Backlog, BoxFuture, PatientId, Seq, SessionId, Standing};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::broadcast;

pub(in crate::log) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS positions (
        reader TEXT NOT NULL, session BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (reader, session)) WITHOUT ROWID;
";

/// Session, patient, position and head of every session, for the reader ?1.
const STANDINGS: &str = "
    SELECT sessions.session AS session, sessions.patient AS patient, sessions.started_at AS started_at,
           COALESCE(positions.seq, 0) AS position,
           COALESCE((SELECT MAX(seq) FROM events WHERE events.session = sessions.session), 0) AS head
    FROM sessions LEFT JOIN positions ON positions.reader = ?1 AND positions.session = sessions.session";

impl Positions for SqliteStore {
    fn backlog(&self, reader: String, limit: usize) -> BoxFuture<'_, Result<Backlog, LogError>> {
        self.query(move |db| {
            let sql = format!(
                "SELECT session, patient, position, head, SUM(head - position) OVER () FROM ({STANDINGS})
                 WHERE head > position ORDER BY started_at DESC, session DESC LIMIT ?2"
            );
            let mut select = db.prepare_cached(&sql).map_err(storage)?;
            let rows = select
                .query_map(params![reader, limit as i64], |row| Ok((standing(row)?, row.get::<_, i64>(4)?)))
                .map_err(storage)?;
            let mut backlog = Backlog::default();
            for row in rows {
                let (standing, events) = row.map_err(storage)?;
                backlog.sessions.push(standing);
                backlog.events = events as u64;
            }
            Ok(backlog)
        })
    }

    fn standing(&self, reader: String, session: SessionId) -> BoxFuture<'_, Result<Option<Standing>, LogError>> {
        self.query(move |db| {
            let sql = format!("SELECT session, patient, position, head FROM ({STANDINGS} WHERE sessions.session = ?2)");
            db.prepare_cached(&sql)
                .and_then(|mut select| select.query_row(params![reader, session.0.as_bytes()], standing).optional())
                .map_err(storage)
        })
    }

    fn advance(&self, reader: String, positions: Vec<(SessionId, Seq)>) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.writer.write(Write::Advance { reader, positions }))
    }

    fn appended(&self) -> broadcast::Receiver<(SessionId, Seq)> {
        self.writer.appended()
    }
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let patient: String = row.get(1)?;
    Ok(Standing {
        session: session_id(row, 0)?,
        patient: PatientId::new(patient).map_err(|_| rusqlite::Error::InvalidQuery)?,
        position: Seq(row.get::<_, i64>(2)? as u64),
        head: Seq(row.get::<_, i64>(3)? as u64),
    })
}

pub(in crate::log) fn advance(db: &Connection, reader: &str, positions: &[(SessionId, Seq)]) -> Result<(), LogError> {
    let mut upsert = db
        .prepare_cached(
            "INSERT INTO positions (reader, session, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (reader, session) DO UPDATE SET seq = MAX(seq, excluded.seq)",
        )
        .map_err(storage)?;
    for (session, seq) in positions {
        upsert.execute(params![reader, session.0.as_bytes(), seq.0 as i64]).map_err(storage)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::log::{Positions, SessionLog, SqliteStore};
    use healthsync_events::{
        EventBody, NewEvent, Seq, SessionId, Timestamp,
        consultation::{SessionEndReason, SessionEnded, SessionStarted},
    };

    fn started(at: i64, patient: &str) -> NewEvent {
        let body = EventBody::SessionStarted(SessionStarted {
            patient: patient.parse().unwrap(),
            languages: vec!["pt".parse().unwrap()],
            spo2_scale: healthsync_events::risk::Spo2Scale::default(),
            terms: Vec::new(),
        });
        NewEvent { at: Timestamp::from_millis(at), body }
    }

    fn ended(at: i64) -> NewEvent {
        let body = EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended });
        NewEvent { at: Timestamp::from_millis(at), body }
    }

    fn session(n: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(n))
    }

    async fn two_sessions() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
        store.append(session(1), Seq(1), vec![started(1, "P1"), ended(2)]).await.unwrap();
        store.append(session(2), Seq(1), vec![started(3, "P2")]).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_reader_is_shown_what_it_has_not_passed_on_newest_session_first() {
        let (_folder, store) = two_sessions().await;
        let backlog = store.backlog("out".into(), 1).await.unwrap();
        assert_eq!((backlog.sessions.len(), backlog.events), (1, 3), "what is not listed counts");
        let newest = &backlog.sessions[0];
        assert_eq!((newest.session, newest.patient.as_str()), (session(2), "P2"));
        assert_eq!((newest.position, newest.head), (Seq(0), Seq(1)));
    }

    #[tokio::test]
    async fn positions_survive_reopening_and_never_go_back() {
        let (folder, store) = two_sessions().await;
        store.advance("out".into(), vec![(session(1), Seq(2)), (session(2), Seq(1))]).await.unwrap();
        store.advance("out".into(), vec![(session(1), Seq(1))]).await.unwrap();
        drop(store);
        let store = SqliteStore::open(&folder.path().join("log.db")).unwrap();
        assert_eq!(store.backlog("out".into(), 10).await.unwrap(), healthsync_events::Backlog::default());
        assert_eq!(store.backlog("other".into(), 10).await.unwrap().events, 3, "readers do not share positions");
        let standing = store.standing("out".into(), session(1)).await.unwrap().unwrap();
        assert_eq!((standing.position, standing.head), (Seq(2), Seq(2)));
        assert_eq!(store.standing("out".into(), session(9)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_appended_is_told_once_it_is_durable() {
        let (_folder, store) = two_sessions().await;
        let mut appended = store.appended();
        store.append(session(2), Seq(2), vec![ended(4)]).await.unwrap();
        let refused = store.append(session(2), Seq(2), vec![ended(5)]).await;
        assert!(refused.is_err());
        assert_eq!(appended.try_recv().unwrap(), (session(2), Seq(2)));
        assert!(appended.try_recv().is_err(), "what was refused is not told");
    }
}
