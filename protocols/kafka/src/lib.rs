//! Kafka: vital signs from a topic, results to a topic. What stands in the topics is described in `README.md`.
//!
//! - [`reading`] makes vital signs of a message. Pure.
//! - [`vitals`] reads a topic: at least once, in order per patient, and an offset is committed only when what was said
//!   there is durable, in its session's log or among the messages kept.
//! - [`results`] writes a topic: from the log, with a durable position per session, so that what could not be sent yet
//!   costs no memory.
//! - [`client`] is the other side of both.
//! - [`connection`] says how brokers are reached, [`link`] whether they are.
//!
//! The client library is librdkafka, linked statically. Whatever in it may block has a thread of its own: a broker that
//! is slow or away delays nothing but Kafka.

pub mod client;
pub mod connection;
pub mod link;
pub mod reading;
pub mod results;
pub mod vitals;

pub use connection::{Connection, StartError};
pub use link::Link;
pub use reading::{Decoder, Reading, Said, Unmapped};
pub use results::{Key, ResultsSettings};
pub use vitals::VitalsSettings;

use tokio::{sync::watch, task::JoinHandle};

/// One direction, running until its stop token is cancelled.
pub struct Door {
    pub link: watch::Receiver<Link>,
    pub task: JoinHandle<()>,
}
