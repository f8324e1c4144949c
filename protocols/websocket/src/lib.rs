//! The event stream out, and commands in: WebSocket or NDJSON, resumable from a sequence number.

mod coalesce;
mod command;
mod ndjson;
mod socket;

pub use ndjson::ndjson;
pub use socket::{StreamParams, limits, serve_socket};
