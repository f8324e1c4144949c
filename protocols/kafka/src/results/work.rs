//! One session's next events, sent in order and acknowledged by all replicas.

use super::{
    ResultsSettings,
    ledger::{Job, Worked},
    record::{self, Key},
};
use crate::link::LinkMonitor;
use futures_util::FutureExt as _;
use healthsync_events::{Event, EventFeed, PatientId, Refusal, Seq};
use rdkafka::{
    ClientContext, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

/// What librdkafka calls back.
#[derive(Clone)]
pub(super) struct Context(pub Arc<LinkMonitor>);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.0.statistics(&statistics);
    }
}

pub(super) type Producer = FutureProducer<Context>;

/// What a job needs.
#[derive(Clone)]
pub(super) struct Sender {
    pub feed: Arc<dyn EventFeed>,
    pub producer: Producer,
    pub settings: Arc<ResultsSettings>,
    pub link: Arc<LinkMonitor>,
    pub reader: Arc<str>,
}

/// An event on its way, or one that need not be sent.
struct Sending {
    seq: Seq,
    kind: &'static str,
    delivery: Option<DeliveryFuture>,
}

/// Why an event is not there.
enum Failure {
    /// No broker will ever take it.
    Event(RDKafkaErrorCode),
    /// It may be taken later.
    Later,
}

impl Sender {
    pub(super) async fn work(self, job: Job) -> Worked {
        let mut worked = Worked { session: job.session, position: job.position, patient: job.patient, sent: false };
        // A panic is this batch's: the session must not be taken for one that is still worked on.
        match AssertUnwindSafe(self.batch(&mut worked, job.window)).catch_unwind().await {
            Ok(Ok(())) => worked.sent = true,
            Ok(Err(refusal)) => tracing::debug!(session = %job.session, %refusal, "results were not sent"),
            Err(_) => tracing::error!(session = %job.session, "sending results panicked"),
        }
        worked
    }

    /// Moves the position over what has been sent.
    async fn batch(&self, worked: &mut Worked, window: usize) -> Result<(), Refusal> {
        let (position, patient) = self.standing(worked).await?;
        let events = self.feed.read(worked.session, position.next(), window).await?;
        let begun = Instant::now();
        let mut sending = Vec::with_capacity(events.len());
        let mut refused = None;
        for event in &events {
            match self.send(event, &patient) {
                Ok(delivery) => sending.push(Sending { seq: event.seq, kind: event.body.kind(), delivery }),
                Err(failure) => {
                    refused = Some((event, failure));
                    break;
                }
            }
        }
        for event in sending {
            if let Some(delivery) = event.delivery {
                if let Err(failure) = delivered(delivery).await {
                    return failed(worked, event.seq, event.kind, window, failure);
                }
                metrics::counter!("healthsync_kafka_results_total", "type" => event.kind).increment(1);
                metrics::histogram!("healthsync_kafka_results_delivery_seconds").record(begun.elapsed().as_secs_f64());
                self.link.up();
            }
            worked.position = Some(event.seq);
        }
        match refused {
            // Nothing after it was sent, so that it can be told at once.
            Some((event, failure)) => failed(worked, event.seq, event.body.kind(), 1, failure),
            None => Ok(()),
        }
    }

    async fn standing(&self, worked: &mut Worked) -> Result<(Seq, PatientId), Refusal> {
        if let (Some(position), Some(patient)) = (worked.position, &worked.patient) {
            return Ok((position, patient.clone()));
        }
        let standing = self.feed.standing(&self.reader, worked.session).await?;
        let position = worked.position.unwrap_or(standing.position);
        (worked.position, worked.patient) = (Some(position), Some(standing.patient.clone()));
        Ok((position, standing.patient))
    }

    /// Hands the event to librdkafka; `None` for one of a kind that is not sent.
    fn send(&self, event: &Event, patient: &PatientId) -> Result<Option<DeliveryFuture>, Failure> {
        if !self.settings.kinds.contains(event.body.kind()) {
            return Ok(None);
        }
        let payload = record::payload(event).map_err(|_| Failure::Event(RDKafkaErrorCode::BadMessage))?;
        let session = event.session.to_string();
        let key = match self.settings.key {
            Key::Session => session.as_str(),
            Key::Patient => patient.as_str(),
        };
        let record = FutureRecord::to(&self.settings.topic)
            .key(key)
            .payload(&payload)
            .headers(record::headers(event))
            .timestamp(event.at.millis());
        self.producer.send_result(record).map(Some).map_err(|(error, _)| failure(&error))
    }
}

/// An event that no broker will take is passed over, once it is certain that it is this one: the session's later results
/// are not held up by it.
fn failed(worked: &mut Worked, seq: Seq, kind: &'static str, window: usize, failure: Failure) -> Result<(), Refusal> {
    let Failure::Event(code) = failure else { return Err(Refusal::unavailable("kafka")) };
    if window > 1 {
        return Err(Refusal::unavailable("kafka"));
    }
    tracing::error!(session = %worked.session, %seq, kind, ?code, "an event is not among the results: refused");
    metrics::counter!("healthsync_kafka_results_refused_total", "type" => kind).increment(1);
    worked.position = Some(seq);
    Ok(())
}

async fn delivered(delivery: DeliveryFuture) -> Result<(), Failure> {
    match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(failure(&error)),
        // The producer is being given up.
        Err(_) => Err(Failure::Later),
    }
}

fn failure(error: &KafkaError) -> Failure {
    match error.rdkafka_error_code() {
        Some(
            code @ (RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessage
            | RDKafkaErrorCode::InvalidMessageSize
            | RDKafkaErrorCode::InvalidRecord),
        ) => Failure::Event(code),
        _ => Failure::Later,
    }
}
