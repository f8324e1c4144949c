//! Results to a topic, from the log.
//!
//! Nothing is held for a broker that is slow or away: the log has it, and a durable position per session says from where.
//! Per session events are sent in order by an idempotent producer and count as sent when all replicas have them. After a
//! crash the events of the last moments may be sent again, each under the id it had before.

mod ledger;
mod publisher;
mod record;
mod work;

pub use record::Key;

use crate::{
    Door,
    connection::{Connection, StartError},
    link::LinkMonitor,
};
use healthsync_events::EventFeed;
use publisher::Publisher;
use std::{collections::BTreeSet, sync::Arc};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub struct ResultsSettings {
    pub topic: String,
    /// Types of the events to send, as on the wire.
    pub kinds: BTreeSet<String>,
    pub key: Key,
}

/// Sends until `stop` is cancelled. Call within a tokio runtime. That no broker can be reached is no error: it is tried
/// on, and the link says so.
pub fn start(
    connection: &Connection,
    settings: ResultsSettings,
    feed: Arc<dyn EventFeed>,
    stop: CancellationToken,
) -> Result<Door, StartError> {
    let (monitor, link) = LinkMonitor::new("results");
    let publisher = Publisher::new(connection, settings, feed, monitor)?;
    Ok(Door { link, task: tokio::spawn(publisher.run(stop)) })
}
