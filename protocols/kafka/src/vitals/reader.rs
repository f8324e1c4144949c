//! The thread that reads the topic. librdkafka wants to be polled, calls back from there, and may block while it
//! commits or leaves its group: none of that happens on a thread that anybody else waits for.

use super::{VitalsSettings, assignment::Assignment, chains::Chains, clock::CommitClock, take::Incoming};
use crate::{
    connection::{Connection, StartError, label},
    link::LinkMonitor,
    reading::MAX_BYTES,
};
use rdkafka::{
    ClientContext, Message as _, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult},
    message::{BorrowedMessage, Headers as _},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The longest a poll waits: commits, pauses and stopping are looked at in between.
const POLL: Duration = Duration::from_millis(50);

/// How long reading waits for room before partitions are paused: a pause costs what was fetched ahead.
const ROOM: Duration = Duration::from_millis(100);

/// How long messages in work may take when their partition is taken away, and when the server stops.
const DRAIN: Duration = Duration::from_secs(3);

/// Before a client that had to be given up is made anew.
const ANEW: Duration = Duration::from_secs(5);

/// What librdkafka calls back.
pub(super) struct Context {
    topic: String,
    assignment: Arc<Assignment>,
    link: Arc<LinkMonitor>,
    clock: Mutex<CommitClock>,
}

pub(super) type Consumer = BaseConsumer<Context>;

/// What the thread has; the consumer is made before it starts, so that a wrong property is found at the start.
pub(super) struct Reader {
    pub connection: Connection,
    pub settings: VitalsSettings,
    pub assignment: Arc<Assignment>,
    pub link: Arc<LinkMonitor>,
    pub chains: Chains,
    pub stop: CancellationToken,
}

impl Reader {
    pub(super) fn consumer(&self) -> Result<Consumer, StartError> {
        let mut config = self.connection.client()?;
        // Properties of the deployment come over these, but not over what the guarantees rest on.
        for (name, value) in [
            ("auto.offset.reset", "earliest"),
            ("session.timeout.ms", "10000"),
            ("queued.max.messages.kbytes", "4096"),
            ("fetch.message.max.bytes", "1048576"),
            ("fetch.wait.max.ms", "100"),
        ] {
            if !self.connection.properties.contains_key(name) {
                config.set(name, value);
            }
        }
        config
            .set("group.id", &self.settings.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        let context = Context {
            topic: self.settings.topic.clone(),
            assignment: Arc::clone(&self.assignment),
            link: Arc::clone(&self.link),
            clock: Mutex::new(CommitClock::new(self.settings.commit_interval, Instant::now())),
        };
        let consumer: Consumer = config.create_with_context(context)?;
        consumer.subscribe(&[&self.settings.topic])?;
        Ok(consumer)
    }

    /// Reads until the stop token is cancelled.
    pub(super) fn run(mut self, first: Consumer) {
        let mut next = Some(first);
        while !self.stop.is_cancelled() {
            let Some(consumer) = next.take() else {
                self.assignment.wait(ANEW);
                next = self.consumer().inspect_err(|error| tracing::error!(%error, "no Kafka client")).ok();
                continue;
            };
            while !self.stop.is_cancelled() && self.turn(&consumer) {}
            self.leave(consumer);
        }
    }

    /// One round: what is due, then a message. `false` when the client is of no more use.
    fn turn(&mut self, consumer: &Consumer) -> bool {
        self.assignment.regulate(ROOM);
        consumer.context().pause_and_resume(consumer);
        consumer.context().commit_what_is_due(consumer);
        match consumer.poll(POLL) {
            None => true,
            Some(Ok(message)) => {
                self.link.up();
                if let Some(ticket) = self.assignment.begin(message.partition(), message.offset()) {
                    self.chains.add(incoming(&message), ticket);
                }
                true
            }
            // The callback has told of it.
            Some(Err(error)) => !matches!(error, KafkaError::MessageConsumptionFatal(_)),
        }
    }

    /// Lets what is in work end, commits it, and leaves the group, so that the next reader need not wait for this one's
    /// session to time out.
    fn leave(&self, consumer: Consumer) {
        let partitions = self.assignment.partitions();
        let list = consumer.context().list(&partitions);
        let _ = consumer.pause(&list);
        consumer.context().give_up(&consumer, &partitions);
        if self.link.is_up() && self.stop.is_cancelled() {
            drop(consumer);
        } else {
            // Closing waits for brokers, which may be for good. If the thread cannot be had, it is closed here.
            let close = std::thread::Builder::new().name("kafka-close".into());
            let _ = close.spawn(move || drop(consumer));
            self.link.down();
        }
        self.assignment.revoke(&partitions);
    }
}

impl Context {
    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        list
    }

    fn offsets(&self, offsets: &[(i32, i64)]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            // Offsets that a broker gave are in range.
            let _ = list.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset));
        }
        list
    }

    fn pause_and_resume(&self, consumer: &Consumer) {
        let turns = self.assignment.turns();
        // A partition that is no longer there is no failure.
        if !turns.pause.is_empty() {
            let _ = consumer.pause(&self.list(&turns.pause));
        }
        if !turns.resume.is_empty() {
            let _ = consumer.resume(&self.list(&turns.resume));
        }
    }

    fn commit_what_is_due(&self, consumer: &Consumer) {
        let now = Instant::now();
        let urgent = self.assignment.waits_for_commit();
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        if clock.is_overdue(now) {
            clock.answered();
            self.assignment.answered(self.assignment.partitions(), false);
        }
        if !clock.is_due(now, urgent) {
            return;
        }
        let asked = self.assignment.ask();
        if asked.is_empty() {
            return;
        }
        match consumer.commit(&self.offsets(&asked), CommitMode::Async) {
            Ok(()) => clock.asked(now),
            Err(error) => {
                tracing::debug!(%error, "offsets were not committed");
                self.assignment.answered(asked.into_iter().map(|(partition, _)| partition), false);
            }
        }
    }

    /// Lets what is in work of these partitions end and commits it.
    fn give_up(&self, consumer: &Consumer, partitions: &[i32]) {
        self.assignment.wait_until_idle(partitions, DRAIN);
        let last = self.assignment.last(partitions);
        // A commit waits for its broker: without one, or for partitions that are another's already, it would in vain.
        if last.is_empty() || !self.link.is_up() || consumer.assignment_lost() {
            return;
        }
        let result = consumer.commit(&self.offsets(&last), CommitMode::Sync);
        count_commit(&result);
        match result {
            Ok(()) => self.assignment.settled(partitions),
            Err(error) => {
                tracing::warn!(%error, "offsets were not committed: the messages will come again, and be recognised");
            }
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.link.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.link.error(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.link.statistics(&statistics);
        self.assignment.gauge();
        let Some(topic) = statistics.topics.get(&self.topic) else { return };
        // -1 where it is not known; partition -1 stands for messages without one.
        let lags = topic.partitions.values().filter(|p| p.partition >= 0 && p.consumer_lag > 0);
        metrics::gauge!("healthsync_kafka_vitals_lag").set(lags.map(|p| p.consumer_lag).sum::<i64>() as f64);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &Consumer, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = numbers(list);
                tracing::info!(?partitions, "partitions of the vitals topic were assigned");
                self.assignment.assign(partitions);
            }
            Rebalance::Revoke(list) => {
                let partitions = numbers(list);
                self.give_up(consumer, &partitions);
                self.assignment.revoke(&partitions);
            }
            Rebalance::Error(error) => self.link.error(error, "rebalancing"),
        }
    }

    fn post_rebalance(&self, consumer: &Consumer, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            // They may have been paused when they were assigned before.
            let _ = consumer.resume(list);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        count_commit(&result);
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).answered();
        if let Err(error) = &result {
            tracing::debug!(%error, "offsets were not committed");
            return self.assignment.answered(self.assignment.partitions(), false);
        }
        for element in offsets.elements() {
            self.assignment.answered([element.partition()], element.error().is_ok());
        }
    }
}

fn count_commit(result: &KafkaResult<()>) {
    let result = result.as_ref().err().map_or_else(|| "ok".into(), |error| label(error.rdkafka_error_code()));
    metrics::counter!("healthsync_kafka_commits_total", "result" => result).increment(1);
}

fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}

fn incoming(message: &BorrowedMessage<'_>) -> Incoming {
    let content_type = message.headers().and_then(|headers| {
        let found = headers.iter().find(|header| header.key.eq_ignore_ascii_case("content-type"))?;
        found.value.map(|value| String::from_utf8_lossy(value).into_owned())
    });
    let payload = message.payload().unwrap_or_default();
    Incoming {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        content_type,
        payload: payload[..payload.len().min(MAX_BYTES + 1)].to_vec(),
    }
}
