//! Supervised actors, the session log they fold, and the inference pools they share.
//!
//! An input becomes an event in its session's log, durable, then acknowledged; a model's result becomes an
//! event; every actor is a fold over the log from the first event on, so that one that died comes back with
//! its state. Transports reach all of it through [`healthsync_events::Sessions`], which [`Directory`]
//! implements.

pub mod clock;
pub mod directory;
mod feed;
pub mod log;
pub mod monitoring;
pub mod pool;
pub mod session;
pub mod speech;
pub mod supervise;
pub mod ward;

pub use clock::{Clock, Pace};
pub use directory::{Directory, DirectoryConfig, Models};
pub use log::{LogError, Positions, SessionLog, SqliteStore, Store};
pub use monitoring::MonitoringSettings;
pub use pool::{Class, Pool, PoolConfig};
pub use speech::SpeechSettings;
pub use supervise::{ActorThreads, RestartPolicy};
pub use ward::WardBoard;
