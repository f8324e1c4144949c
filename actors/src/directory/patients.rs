//! Which session a patient has, and what the hospital says of them.

use super::Directory;
use healthsync_events::{EventBody, PatientChanged, PatientId, Refusal, SessionId};
use std::sync::PoisonError;

impl Directory {
    /// The patient's newest session that has not ended. Monitors ask with every message: it is in memory while it runs.
    pub(super) async fn session_of(&self, patient: &PatientId) -> Result<Option<SessionId>, Refusal> {
        let known = self.of_patient.lock().unwrap_or_else(PoisonError::into_inner).get(patient).copied();
        if let Some(session) = known
            && self.running(session).is_some()
        {
            return Ok(known);
        }
        if known.is_some() {
            self.of_patient.lock().unwrap_or_else(PoisonError::into_inner).remove(patient);
        }
        let found = self.store.open_session_of(patient.clone()).await?;
        if let Some(session) = found {
            self.remember_patient(patient.clone(), session, false);
        }
        Ok(found)
    }

    /// `newer`: it has just begun, whatever was known before.
    pub(super) fn remember_patient(&self, patient: PatientId, session: SessionId, newer: bool) {
        let mut known = self.of_patient.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= 2 * self.config.max_open_sessions {
            known.clear();
        }
        if newer {
            known.insert(patient, session);
        } else {
            known.entry(patient).or_insert(session);
        }
    }

    pub(super) async fn change_patient(&self, changed: PatientChanged) -> Result<(), Refusal> {
        self.store.patient_changed(changed.clone()).await?;
        if changed.merged_from.is_some() {
            self.of_patient.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        let Some(session) = self.session_of(&changed.patient).await? else { return Ok(()) };
        let told = async { self.cell(session).await?.record(EventBody::PatientChanged(changed)).await };
        match told.await {
            // It ended in between: the next session will know.
            Ok(_) | Err(Refusal::SessionEnded) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }
}
