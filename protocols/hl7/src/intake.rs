//! One message from its bytes to its answers: read, checked against what was answered lately, taken into its patients'
//! sessions or kept, and only then answered.

use crate::{
    ack::{self, Answer, Outcome},
    adt, charset,
    error::Hl7Error,
    header::Header,
    memory::Memory,
    message::Message,
    oru::{self, Clock, OfPatient, Oru},
    problem::Problem,
    time::Zone,
};
use healthsync_events::{
    EventBody, KeptBecause, PatientId, Refusal, SessionId, Sessions, Timestamp, UnmatchedMessage,
    clinical::{ClockJump, MonitorClockJumped},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// What connections share.
pub struct Intake {
    sessions: Arc<dyn Sessions>,
    /// Of times without a zone, in messages that name none.
    zone: Zone,
    memory: Mutex<Memory>,
    /// Makes MSH-10 of an answer unique across restarts.
    started: Timestamp,
    answers: AtomicU64,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Message(#[from] Hl7Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Intake {
    pub fn new(sessions: Arc<dyn Sessions>, zone: Zone, now: Timestamp) -> Self {
        Self { sessions, zone, memory: Mutex::default(), started: now, answers: AtomicU64::new(0) }
    }

    /// Takes a message that came at `received`; returns the answers its sender asks for, which say `AA` or `CA` only
    /// of what is durable.
    pub async fn take(&self, frame: &[u8], received: Timestamp) -> Vec<Vec<u8>> {
        let (header, answer) = match Message::parse(frame) {
            Ok(message) => {
                let header = Header::read(&message, self.zone);
                let answer = self.answer(&message, &header, frame, received).await;
                (header, answer)
            }
            Err(error) => (ack::unreadable(), Arc::new(self.keep(error, &ack::unreadable(), frame, received).await)),
        };
        self.write(&header, &answer, received)
    }

    /// Answers a message that is too long by its beginning.
    pub fn refuse_length(&self, head: &[u8], received: Timestamp) -> Vec<Vec<u8>> {
        let header =
            Message::parse(head).map_or_else(|_| ack::unreadable(), |message| Header::read(&message, self.zone));
        let problems = vec![Problem::of_message(Hl7Error::TooLong)];
        self.write(&header, &Answer { outcome: Outcome::Refused, problems }, received)
    }

    fn write(&self, header: &Header, answer: &Answer, at: Timestamp) -> Vec<Vec<u8>> {
        metrics::counter!("healthsync_mllp_messages_total", "ack" => answer.outcome.application_code()).increment(1);
        let next_id = || format!("{:X}-{:X}", self.started.millis(), self.answers.fetch_add(1, Ordering::Relaxed));
        ack::write(header, answer, at, next_id)
    }

    async fn answer(&self, message: &Message<'_>, header: &Header, frame: &[u8], received: Timestamp) -> Arc<Answer> {
        let sender = (header.application.as_str(), header.facility.as_str());
        let seen = self.memory().look(sender, &header.control_id, frame, received, header.sent_at);
        if let Some(answer) = seen.answer {
            metrics::counter!("healthsync_mllp_repeats_total").increment(1);
            return answer;
        }
        let taken = match header.check(message) {
            Ok(()) => self.read(message, header, frame, received, seen.jump).await,
            Err(error) => Err(error.into()),
        };
        let answer = match taken {
            Ok(problems) => Answer { outcome: Outcome::Accepted, problems },
            Err(Failure::Message(error)) if error.refuses() => {
                Answer { outcome: Outcome::Refused, problems: vec![Problem::of_message(error)] }
            }
            Err(Failure::Message(error)) => self.keep(error, header, frame, received).await,
            Err(Failure::Refused(refusal)) => failed(&refusal),
        };
        let answer = Arc::new(answer);
        // What failed may be sent again, and be taken then.
        if answer.outcome != Outcome::Failed && !header.control_id.is_empty() {
            self.memory().remember(sender, &header.control_id, seen.digest, Arc::clone(&answer));
        }
        answer
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(
        &self,
        message: &Message<'_>,
        header: &Header,
        frame: &[u8],
        received: Timestamp,
        jump: Option<ClockJump>,
    ) -> Result<Vec<Problem>, Failure> {
        let clock = Clock { received, zone: self.zone };
        if header.kind == "ADT" {
            for changed in adt::decode(message, header, clock)? {
                self.sessions.patient_changed(changed).await?;
            }
            return Ok(Vec::new());
        }
        let Oru { patients, mut problems } = oru::decode(message, header, clock)?;
        let alone = if let [only] = &patients[..] { Some(only.patient.clone()) } else { None };
        let jumped = jump.zip(header.sent_at).map(|(jump, sent_at)| {
            metrics::counter!("healthsync_mllp_clock_jumps_total").increment(1);
            MonitorClockJumped { source: header.source(), sent_at, received_at: received, jump }
        });
        let mut without_session = false;
        for said in patients {
            without_session |= !self.record(said, jumped.clone()).await?;
        }
        if without_session {
            let kept = unmatched(header, frame, received, KeptBecause::NoSession, alone);
            self.sessions.keep_unmatched(kept).await?;
            metrics::counter!("healthsync_mllp_unmatched_total").increment(1);
            problems.insert(0, Problem::no_session());
        }
        Ok(problems)
    }

    /// Records what is said of a patient in their session; whether they have one.
    async fn record(&self, said: OfPatient, jumped: Option<MonitorClockJumped>) -> Result<bool, Refusal> {
        let Some(session) = self.sessions.of_patient(&said.patient).await? else { return Ok(false) };
        let jumped = jumped.map(EventBody::MonitorClockJumped);
        let observed = said.observed.map(EventBody::VitalsObserved);
        let amended = said.amended.map(EventBody::VitalsAmended);
        let alarm = said.alarm.map(EventBody::DeviceAlarm);
        for body in [jumped, observed, amended, alarm].into_iter().flatten() {
            if !self.record_in(session, body).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the session had not ended in between.
    async fn record_in(&self, session: SessionId, body: EventBody) -> Result<bool, Refusal> {
        match self.sessions.record(session, body).await {
            Ok(_) => Ok(true),
            Err(Refusal::SessionEnded) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    /// Keeps a message that cannot be understood.
    async fn keep(&self, error: Hl7Error, header: &Header, frame: &[u8], received: Timestamp) -> Answer {
        let mut kept = unmatched(header, frame, received, KeptBecause::Content, None);
        kept.problem = Some(error.to_string());
        match self.sessions.keep_unmatched(kept).await {
            Ok(()) => {
                metrics::counter!("healthsync_mllp_unreadable_total").increment(1);
                Answer { outcome: Outcome::Kept, problems: vec![Problem::of_message(error)] }
            }
            Err(refusal) => failed(&refusal),
        }
    }
}

fn failed(refusal: &Refusal) -> Answer {
    Answer { outcome: Outcome::Failed, problems: vec![Problem::of_refusal(refusal)] }
}

fn unmatched(
    header: &Header,
    frame: &[u8],
    received_at: Timestamp,
    because: KeptBecause,
    patient: Option<PatientId>,
) -> UnmatchedMessage {
    let raw = match std::str::from_utf8(frame) {
        Ok(text) => text.to_owned(),
        Err(_) => charset::latin_1(frame).into_owned(),
    };
    UnmatchedMessage { received_at, patient, message_id: header.control_id.clone(), raw, because, problem: None }
}
