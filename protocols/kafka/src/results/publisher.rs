//! Sends what the log has and the topic has not.

use super::{
    ResultsSettings,
    ledger::{Ledger, MAX_KNOWN, Worked},
    work::{Context, Producer, Sender},
};
use crate::{
    connection::{Connection, StartError},
    link::LinkMonitor,
};
use futures_util::StreamExt as _;
use healthsync_events::{Appended, EventFeed, Seq, SessionId};
use rdkafka::producer::{Producer as _, PurgeConfig};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

/// Sessions sent from at a time: with [`super::ledger::WINDOW`] events each, some thousand are on their way at most.
const MAX_AT_A_TIME: usize = 32;

/// Between what is durable of the positions: a crash sends again at most what was sent within it.
const TICK: Duration = Duration::from_millis(250);

/// The log is asked what is left so often even when nothing says that it should be.
const SCAN: Duration = Duration::from_mins(10);

/// How long nothing may be sent while a broker is there: longer than librdkafka waits for an answer (30 s).
const STUCK: Duration = Duration::from_secs(35);

/// How long what is on its way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) struct Publisher {
    connection: Connection,
    sender: Sender,
    ledger: Ledger,
    work: JoinSet<Worked>,
    /// Positions that are not durable yet.
    positions: HashMap<SessionId, Seq>,
    scanned: Instant,
    /// When something was last sent, or nothing could be.
    moved: Instant,
}

impl Publisher {
    /// Makes the client, so that a wrong property is found at the start.
    pub(super) fn new(
        connection: &Connection,
        settings: ResultsSettings,
        feed: Arc<dyn EventFeed>,
        link: LinkMonitor,
    ) -> Result<Self, StartError> {
        let link = Arc::new(link);
        let producer = producer(connection, &link)?;
        // Another topic starts from the first event.
        let reader = format!("kafka:{}", settings.topic).into();
        let sender = Sender { feed, producer, settings: Arc::new(settings), link, reader };
        Ok(Self {
            connection: connection.clone(),
            sender,
            ledger: Ledger::default(),
            work: JoinSet::new(),
            positions: HashMap::new(),
            scanned: Instant::now(),
            moved: Instant::now(),
        })
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        // From before the first scan, so that nothing falls between.
        let mut appended = self.sender.feed.appended();
        self.ledger.missed();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.fill();
            tokio::select! {
                told = appended.next() => match told {
                    Some(Appended::To(session, head)) => self.ledger.appended(session, head),
                    Some(Appended::Missed) => self.ledger.missed(),
                    None => break,
                },
                Some(worked) = self.work.join_next() => self.worked(worked),
                _ = tick.tick() => self.tick().await,
                () = stop.cancelled() => break,
            }
        }
        self.finish().await;
    }

    /// Starts work on as many sessions as may be worked on at a time.
    fn fill(&mut self) {
        while self.work.len() < MAX_AT_A_TIME
            && let Some(job) = self.ledger.next()
        {
            self.work.spawn(self.sender.clone().work(job));
        }
    }

    fn worked(&mut self, worked: Result<Worked, tokio::task::JoinError>) {
        self.moved = Instant::now();
        // It fails only when it is ended from here.
        let Ok(worked) = worked else { return };
        if let Some(position) = worked.position {
            self.positions.insert(worked.session, position);
        }
        if !worked.sent {
            metrics::counter!("healthsync_kafka_results_retries_total").increment(1);
        }
        self.ledger.worked(worked, Instant::now());
    }

    async fn tick(&mut self) {
        self.look_after_client();
        self.ledger.wake(Instant::now());
        self.keep_positions().await;
        metrics::gauge!("healthsync_kafka_results_lag").set(self.ledger.left() as f64);
        if !self.ledger.wants_scan() && self.scanned.elapsed() < SCAN {
            return;
        }
        // What is sent and not durable yet would be found again.
        if !self.positions.is_empty() {
            return;
        }
        match self.sender.feed.backlog(&self.sender.reader, MAX_KNOWN / 2).await {
            Ok(backlog) => {
                self.ledger.found(backlog);
                self.scanned = Instant::now();
            }
            Err(refusal) => tracing::debug!(%refusal, "the log was not asked what is left"),
        }
    }

    /// A client with a fatal error sends nothing more; one that a broker does not know any more, after it has forgotten
    /// whom it knew, asks again for ever.
    fn look_after_client(&mut self) {
        if self.work.is_empty() || !self.sender.link.is_up() {
            self.moved = Instant::now();
        }
        if let Some((code, reason)) = self.sender.producer.client().fatal_error() {
            tracing::error!(?code, reason, "the Kafka producer is made anew");
            self.renew();
        } else if self.moved.elapsed() > STUCK {
            tracing::error!("the broker takes no results; the Kafka producer is made anew");
            self.renew();
        }
    }

    /// What the client had is sent again by the next.
    fn renew(&mut self) {
        self.moved = Instant::now();
        match producer(&self.connection, &self.sender.link) {
            Ok(producer) => {
                let old = std::mem::replace(&mut self.sender.producer, producer);
                // Those who wait for a delivery learn that there will be none.
                old.purge(PurgeConfig::default().queue().inflight());
                drop_aside(old);
            }
            Err(error) => tracing::error!(%error, "no Kafka producer"),
        }
    }

    async fn keep_positions(&mut self) {
        if self.positions.is_empty() {
            return;
        }
        let positions = self.positions.iter().map(|(session, seq)| (*session, *seq)).collect();
        match self.sender.feed.advance(&self.sender.reader, positions).await {
            Ok(()) => self.positions.clear(),
            Err(refusal) => tracing::debug!(%refusal, "positions are not durable yet"),
        }
    }

    async fn finish(mut self) {
        let drain = async {
            while let Some(worked) = self.work.join_next().await {
                self.worked(worked);
            }
        };
        if timeout(DRAIN, drain).await.is_err() {
            tracing::warn!("results were on their way when the server stopped; they are sent again when it starts");
        }
        self.work.shutdown().await;
        self.keep_positions().await;
        drop_aside(self.sender.producer);
    }
}

fn producer(connection: &Connection, link: &Arc<LinkMonitor>) -> Result<Producer, StartError> {
    let mut config = connection.client()?;
    for (name, value) in [
        ("compression.type", "lz4"),
        ("linger.ms", "2"),
        // What is on its way is bounded by the windows of the sessions worked on.
        ("queue.buffering.max.messages", "10000"),
        ("queue.buffering.max.kbytes", "65536"),
    ] {
        if !connection.properties.contains_key(name) {
            config.set(name, value);
        }
    }
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // An event that fails stops the client rather than letting those after it go first.
        .set("enable.gapless.guarantee", "true")
        // A broker that is away is waited for: what waits is bounded, and everything else is in the log.
        .set("message.timeout.ms", "0")
        // As the Java client does it: records of one key are in one partition, whoever sends them.
        .set("partitioner", "murmur2_random");
    Ok(config.create_with_context(Context(Arc::clone(link)))?)
}

/// Dropping a client joins its thread, and may wait for a broker.
fn drop_aside(producer: Producer) {
    tokio::task::spawn_blocking(move || drop(producer));
}
