//! What monitors and the administration say, beside the sessions: messages kept, observations that could not be used,
//! patients and their identifiers.

use super::{execute, storage};
use crate::log::LogError;
use healthsync_events::{
    PatientChanged, PatientId, SessionId, Timestamp, UnmatchedMessage,
    clinical::RejectedObservation,
    limits::{MAX_UNMAPPED, MAX_UNMATCHED},
};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// Patients remembered, and identifiers that are not used any more; those without news for longest give way. A large
/// hospital admits 100,000 a year.
const MAX_PATIENTS: i64 = 200_000;

pub(super) fn keep_unmatched(db: &Connection, message: &UnmatchedMessage) -> Result<(), LogError> {
    let because = serde_json::to_string(&message.because).map_err(|e| LogError::Storage(e.to_string()))?;
    execute(
        db,
        "INSERT OR IGNORE INTO kept (received_at, patient, message_id, raw, because, problem, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            message.received_at.millis(),
            message.patient.as_ref().map(PatientId::as_str),
            message.message_id,
            message.raw,
            because,
            message.problem,
            digest(message).as_slice(),
        ],
    )?;
    execute(db, "DELETE FROM kept WHERE id <= (SELECT MAX(id) FROM kept) - ?1", params![MAX_UNMATCHED as i64])
}

/// The same message has the same; the patient and the number may stand outside of what was sent.
fn digest(message: &UnmatchedMessage) -> [u8; 32] {
    let patient = message.patient.as_ref().map_or("", PatientId::as_str);
    let parts = [patient, message.message_id.as_str(), message.raw.as_str()];
    let all = parts.iter().fold(Sha256::new(), |digest, part| {
        // With its length, so that no part runs into the next.
        digest.chain_update((part.len() as u64).to_le_bytes()).chain_update(part)
    });
    all.finalize().into()
}

pub(super) fn count_unmapped(
    db: &Connection,
    session: SessionId,
    at: Timestamp,
    rejected: &RejectedObservation,
) -> Result<(), LogError> {
    let reason = rejected.reason.as_str();
    let (session, at) = (session.0.as_bytes(), at.millis());
    let counted = db
        .prepare_cached(
            "UPDATE unmapped SET count = count + 1, last_at = ?3, session = ?4, raw = ?5
             WHERE code = ?1 AND reason = ?2",
        )
        .and_then(|mut update| update.execute(params![rejected.code, reason, at, session, rejected.raw]))
        .map_err(storage)?;
    if counted > 0 {
        return Ok(());
    }
    execute(
        db,
        "INSERT INTO unmapped (code, reason, count, last_at, session, raw) VALUES (?1, ?2, 1, ?3, ?4, ?5)",
        params![rejected.code, reason, at, session, rejected.raw],
    )?;
    execute(db, "DELETE FROM unmapped WHERE id <= (SELECT MAX(id) FROM unmapped) - ?1", params![MAX_UNMAPPED as i64])
}

pub(super) fn patient_changed(db: &Connection, changed: &PatientChanged) -> Result<(), LogError> {
    if let Some(former) = &changed.merged_from {
        merge(db, former, &changed.patient)?;
    }
    let mut changed = changed.clone();
    let current = current(db, &changed.patient)?;
    let of = |id: &str| known(db, id);
    let earlier = match of(&current)? {
        Some(earlier) => Some(earlier),
        None => changed.merged_from.as_ref().map(|former| of(former.as_str())).transpose()?.flatten(),
    };
    if let Some(earlier) = &earlier {
        if earlier.occurred_at > changed.occurred_at {
            // Old news, sent late or again.
            return Ok(());
        }
        changed.completed_by(earlier);
    }
    let body = serde_json::to_string(&changed).map_err(|e| LogError::Storage(e.to_string()))?;
    execute(db, "INSERT OR REPLACE INTO patients (patient, body) VALUES (?1, ?2)", params![current, body])?;
    execute(db, "DELETE FROM patients WHERE id <= (SELECT MAX(id) FROM patients) - ?1", params![MAX_PATIENTS])?;
    execute(db, "DELETE FROM aliases WHERE id <= (SELECT MAX(id) FROM aliases) - ?1", params![MAX_PATIENTS])
}

/// From now on `former` means `current`, and so does whatever meant `former`.
fn merge(db: &Connection, former: &PatientId, current: &PatientId) -> Result<(), LogError> {
    let pair = params![former.as_str(), current.as_str()];
    execute(db, "DELETE FROM aliases WHERE former = ?1", params![current.as_str()])?;
    execute(db, "UPDATE aliases SET current = ?2 WHERE current = ?1", pair)?;
    execute(db, "INSERT OR REPLACE INTO aliases (former, current) VALUES (?1, ?2)", pair)?;
    execute(db, "UPDATE sessions SET patient = ?2 WHERE patient = ?1 AND ended = 0", pair)
}

fn current(db: &Connection, patient: &PatientId) -> Result<String, LogError> {
    db.prepare_cached("SELECT current FROM aliases WHERE former = ?1")
        .and_then(|mut select| select.query_row([patient.as_str()], |row| row.get(0)).optional())
        .map(|current| current.unwrap_or_else(|| patient.as_str().to_owned()))
        .map_err(storage)
}

fn known(db: &Connection, patient: &str) -> Result<Option<PatientChanged>, LogError> {
    let body: Option<String> = db
        .prepare_cached("SELECT body FROM patients WHERE patient = ?1")
        .and_then(|mut select| select.query_row([patient], |row| row.get(0)).optional())
        .map_err(storage)?;
    // What an older version wrote and this one cannot read is replaced by the news.
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
}
