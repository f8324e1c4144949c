//! One message: into its patient's session, or kept as it is; back only when that is durable.

use crate::reading::{self, Decoder, Envelope, MAX_BYTES, Reading, Said, Unmapped};
use healthsync_events::{EventBody, KeptBecause, PatientId, Refusal, Sessions, Timestamp, UnmatchedMessage};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio_util::sync::CancellationToken;

/// Wait before the first try again, doubling from there.
const FIRST_WAIT: Duration = Duration::from_millis(50);

const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Patients whose sessions refuse, remembered at a time: as many as there can be messages in work, with room. Forgetting
/// them costs patience, nothing else.
const MAX_REFUSING: usize = 4_096;

/// A message as read from the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incoming {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub content_type: Option<String>,
    /// One byte more than may be taken at most: enough to see that it is too large, and memory stays bounded.
    pub payload: Vec<u8>,
}

/// What became of a message. It is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Recorded,
    /// It had been recorded before.
    Repeated,
    /// Kept: its patient has no session.
    Unmatched,
    /// Kept: it cannot be recorded.
    Unmapped,
}

impl Outcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Repeated => "repeated",
            Self::Unmatched => "unmatched",
            Self::Unmapped => "unmapped",
        }
    }
}

pub(super) struct Taker {
    pub sessions: Arc<dyn Sessions>,
    pub hl7: Decoder,
    pub topic: String,
    pub patience: Patience,
    pub stop: CancellationToken,
}

/// How long sessions may refuse what they are sent before it is kept instead: one session must not stop its partition,
/// for one message or for each.
pub(super) struct Patience {
    give_up: Duration,
    /// Since when each patient's session has taken nothing.
    refusing: Mutex<HashMap<PatientId, Instant>>,
}

impl Patience {
    pub(super) fn new(give_up: Duration) -> Self {
        Self { give_up, refusing: Mutex::default() }
    }

    /// The session refused at `now`; whether it has for too long.
    fn refused(&self, patient: &PatientId, now: Instant) -> bool {
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        if refusing.len() >= MAX_REFUSING {
            refusing.clear();
        }
        let since = *refusing.entry(patient.clone()).or_insert(now);
        now.duration_since(since) >= self.give_up
    }

    fn taken(&self, patient: &PatientId) {
        self.refusing.lock().unwrap_or_else(PoisonError::into_inner).remove(patient);
    }
}

/// What is still to be tried.
enum Aim {
    Record(Reading),
    Keep(Option<Unmapped>, Option<Reading>),
}

impl Taker {
    /// Returns when the message is durable; `None` when the server stops before that. `stalled` is called once, before
    /// the first wait, and its result held until the end.
    pub(super) async fn take<S>(&self, incoming: &Incoming, stalled: impl FnOnce() -> S) -> Option<Outcome> {
        let envelope = Envelope {
            key: incoming.key.as_deref(),
            content_type: incoming.content_type.as_deref(),
            payload: &incoming.payload,
        };
        let aim = match reading::read(envelope, &self.hl7, now()) {
            Ok(reading) => Aim::Record(reading),
            Err(unmapped) => Aim::Keep(Some(unmapped), None),
        };
        self.settle(incoming, aim, stalled).await
    }

    /// Keeps a message whose reading failed in a way that must not happen.
    pub(super) async fn keep_panicked(&self, incoming: &Incoming) -> Option<Outcome> {
        self.settle(incoming, Aim::Keep(Some(Unmapped::Panicked), None), || ()).await
    }

    async fn settle<S>(&self, incoming: &Incoming, mut aim: Aim, stalled: impl FnOnce() -> S) -> Option<Outcome> {
        let (mut wait, mut stalled, mut held) = (FIRST_WAIT, Some(stalled), None);
        loop {
            let refusal = match self.attempt(incoming, &mut aim).await {
                Ok(outcome) => {
                    metrics::counter!("healthsync_kafka_vitals_messages_total", "outcome" => outcome.label())
                        .increment(1);
                    return Some(outcome);
                }
                Err(refusal) => refusal,
            };
            aim = match aim {
                Aim::Record(reading) if self.is_hopeless(&reading, &refusal) => {
                    aim = Aim::Keep(Some(Unmapped::Refused(refusal.to_string())), Some(reading));
                    continue;
                }
                other => other,
            };
            if let Some(stalled) = stalled.take() {
                held = Some(stalled());
            }
            let asked = match refusal {
                Refusal::Overloaded { retry_after_ms, .. } => Duration::from_millis(retry_after_ms).min(LONGEST_WAIT),
                _ => Duration::ZERO,
            };
            tokio::select! {
                () = tokio::time::sleep(wait.max(asked)) => {}
                () = self.stop.cancelled() => {
                    drop(held);
                    return None;
                }
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn is_hopeless(&self, reading: &Reading, refusal: &Refusal) -> bool {
        // Of several patients in one message the first stands for all.
        let patient = reading.patients().next();
        !refusal.retryable() || patient.is_some_and(|patient| self.patience.refused(patient, Instant::now()))
    }

    async fn attempt(&self, incoming: &Incoming, aim: &mut Aim) -> Result<Outcome, Refusal> {
        if let Aim::Record(reading) = aim {
            if let Some(outcome) = self.record(reading).await? {
                return Ok(outcome);
            }
            *aim = match std::mem::replace(aim, Aim::Keep(None, None)) {
                Aim::Record(reading) => Aim::Keep(None, Some(reading)),
                keep @ Aim::Keep(..) => keep,
            };
        }
        match aim {
            Aim::Keep(unmapped, reading) => self.keep(incoming, unmapped.as_ref(), reading.as_ref()).await,
            Aim::Record(_) => Err(Refusal::unavailable("session")),
        }
    }

    /// `None` where somebody that it is about has no session.
    async fn record(&self, reading: &Reading) -> Result<Option<Outcome>, Refusal> {
        for changed in &reading.changes {
            self.sessions.patient_changed(changed.clone()).await?;
        }
        let (mut repeated, mut missing) = (!reading.said.is_empty(), false);
        for Said { patient, events } in &reading.said {
            match self.record_of(patient, events).await? {
                Some(again) => repeated &= again,
                None => missing = true,
            }
        }
        if missing {
            return Ok(None);
        }
        reading.patients().for_each(|patient| self.patience.taken(patient));
        Ok(Some(if repeated { Outcome::Repeated } else { Outcome::Recorded }))
    }

    /// Whether all of it had been recorded before; `None` where the patient has no session.
    async fn record_of(&self, patient: &PatientId, events: &[EventBody]) -> Result<Option<bool>, Refusal> {
        let Some(session) = self.sessions.of_patient(patient).await? else { return Ok(None) };
        let mut repeated = true;
        for event in events {
            match self.sessions.record(session, event.clone()).await {
                Ok(receipt) => repeated &= receipt.repeated,
                // It ended in between: the message is kept as for any patient without a session.
                Err(Refusal::SessionEnded | Refusal::UnknownSession) => return Ok(None),
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(Some(repeated))
    }

    async fn keep(
        &self,
        incoming: &Incoming,
        unmapped: Option<&Unmapped>,
        reading: Option<&Reading>,
    ) -> Result<Outcome, Refusal> {
        let patient = match reading {
            Some(reading) => reading.patient().cloned(),
            None => reading::patient_of(incoming.key.as_deref()).ok().flatten(),
        };
        let place = || format!("{}/{}@{}", self.topic, incoming.partition, incoming.offset);
        let message_id = reading.map_or_else(place, |reading| reading.message_id.clone());
        // Of a message that is too large to be one, the topic has the whole, at the place that `message_id` names.
        let kept = incoming.payload.len().min(MAX_BYTES);
        let raw = reading::text(&incoming.payload[..kept]);
        let because = if unmapped.is_some() { KeptBecause::Content } else { KeptBecause::NoSession };
        let problem = unmapped.map(Unmapped::to_string);
        let message = UnmatchedMessage { received_at: now(), patient, message_id, raw, because, problem };
        self.sessions.keep_unmatched(message).await?;
        let Some(unmapped) = unmapped else { return Ok(Outcome::Unmatched) };
        metrics::counter!("healthsync_kafka_vitals_unmapped_total", "reason" => unmapped.label()).increment(1);
        tracing::debug!(
            topic = self.topic, partition = incoming.partition, offset = incoming.offset, %unmapped,
            "a message was kept instead of recorded"
        );
        Ok(Outcome::Unmapped)
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}
