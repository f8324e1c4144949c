//! Vital signs from a topic.
//!
//! At least once in, once in the log: an offset is committed only when every message up to it is durable, and a message
//! that comes again is recognised by its id. Of a patient's messages one is taken after the other. A session that is
//! overloaded pauses its partition; what it refuses for longer than [`VitalsSettings::give_up`] is kept instead, so that
//! it cannot stop its partition for good. What cannot be mapped, and what has no session, is kept as it came.

mod assignment;
mod chains;
mod clock;
mod reader;
mod take;
mod window;

use crate::{
    Door,
    connection::{Connection, StartError},
    link::LinkMonitor,
    reading::Decoder,
};
use assignment::Assignment;
use chains::Chains;
use healthsync_events::Sessions;
use reader::Reader;
use std::{sync::Arc, time::Duration};
use take::{Patience, Taker};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How long the thread may take to commit and leave its group once the server stops.
const LEAVE: Duration = Duration::from_secs(8);

#[derive(Debug, Clone)]
pub struct VitalsSettings {
    pub topic: String,
    pub group: String,
    /// Messages in work before partitions are held to their share of it, which may come to twice as many.
    pub max_in_flight: usize,
    /// Between commits, unless a partition waits for one.
    pub commit_interval: Duration,
    /// How long a session may refuse a message before it is kept outside it.
    pub give_up: Duration,
}

impl Default for VitalsSettings {
    fn default() -> Self {
        Self {
            topic: "healthsync.vitals".into(),
            group: "healthsync".into(),
            max_in_flight: 256,
            commit_interval: Duration::from_secs(1),
            give_up: Duration::from_mins(1),
        }
    }
}

/// Reads until `stop` is cancelled. Call within a tokio runtime. That no broker can be reached is no error: it is tried
/// on, and the link says so.
pub fn start(
    connection: &Connection,
    settings: VitalsSettings,
    sessions: Arc<dyn Sessions>,
    hl7: Decoder,
    stop: CancellationToken,
) -> Result<Door, StartError> {
    let (monitor, link) = LinkMonitor::new("vitals");
    let assignment = Arc::new(Assignment::new(settings.max_in_flight));
    let topic = settings.topic.clone();
    let patience = Patience::new(settings.give_up);
    let taker = Arc::new(Taker { sessions, hl7, topic, patience, stop: stop.clone() });
    let chains = Chains::new(tokio::runtime::Handle::current(), taker, Arc::clone(&assignment));
    let connection = connection.clone();
    let reader = Reader { connection, settings, assignment, link: Arc::new(monitor), chains, stop: stop.clone() };
    let consumer = reader.consumer()?;
    let (ended, end) = oneshot::channel::<()>();
    std::thread::Builder::new()
        .name("kafka-vitals".into())
        .spawn(move || {
            reader.run(consumer);
            drop(ended);
        })
        .map_err(|error| StartError::Thread(error.to_string()))?;
    let task = tokio::spawn(until(end, stop));
    Ok(Door { link, task })
}

/// Until the thread has ended, which may take until librdkafka gives up on a broker: then it is left alone.
async fn until(end: oneshot::Receiver<()>, stop: CancellationToken) {
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(LEAVE).await;
    };
    tokio::select! {
        // It ends by being dropped.
        _ = end => {}
        () = too_long => tracing::warn!("the Kafka group was not left in time; the broker will notice"),
    }
}
