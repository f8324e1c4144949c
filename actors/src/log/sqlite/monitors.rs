//! Reading what monitors and the administration said beside the sessions.

use super::{session_id, storage};
use crate::log::LogError;
use healthsync_events::{PatientChanged, PatientId, Timestamp, UnmappedCode, UnmatchedMessage};
use rusqlite::{Connection, OptionalExtension, Row};

pub(super) fn unmatched(db: &Connection, limit: usize) -> Result<Vec<UnmatchedMessage>, LogError> {
    let select = "SELECT received_at, patient, message_id, raw, because, problem FROM kept ORDER BY id DESC LIMIT ?1";
    rows(db, select, limit, |row| {
        Ok(UnmatchedMessage {
            received_at: Timestamp::from_millis(row.get(0)?),
            patient: row.get::<_, Option<String>>(1)?.and_then(|text| PatientId::new(text).ok()),
            message_id: row.get(2)?,
            raw: row.get(3)?,
            because: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
            problem: row.get(5)?,
        })
    })
}

pub(super) fn unmapped(db: &Connection, limit: usize) -> Result<Vec<UnmappedCode>, LogError> {
    let select =
        "SELECT code, reason, count, last_at, session, raw FROM unmapped ORDER BY last_at DESC, id DESC LIMIT ?1";
    rows(db, select, limit, |row| {
        let reason = serde_json::Value::String(row.get(1)?);
        Ok(UnmappedCode {
            code: row.get(0)?,
            reason: serde_json::from_value(reason).map_err(|_| rusqlite::Error::InvalidQuery)?,
            count: row.get::<_, i64>(2)? as u64,
            last_at: Timestamp::from_millis(row.get(3)?),
            session: session_id(row, 4)?,
            raw: row.get(5)?,
        })
    })
}

pub(super) fn patient(db: &Connection, patient: &PatientId) -> Result<Option<PatientChanged>, LogError> {
    let body: Option<String> = db
        .prepare_cached(
            "SELECT body FROM patients
             WHERE patient = COALESCE((SELECT current FROM aliases WHERE former = ?1), ?1)",
        )
        .and_then(|mut select| select.query_row([patient.as_str()], |row| row.get(0)).optional())
        .map_err(storage)?;
    let read = body.map(|body| serde_json::from_str(&body)).transpose();
    // serde_json's message would quote the entry, which holds patient data.
    read.map_err(|e| LogError::Corrupt(format!("a patient, column {}", e.column())))
}

fn rows<T>(
    db: &Connection,
    select: &str,
    limit: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, LogError> {
    let mut select = db.prepare_cached(select).map_err(storage)?;
    let rows = select.query_map([limit as i64], |row| read(row)).map_err(storage)?;
    rows.collect::<rusqlite::Result<_>>().map_err(storage)
}
