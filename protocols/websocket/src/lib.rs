//! The event stream out, and commands in: WebSocket or NDJSON, resumable from a sequence number. Vital signs in, as
//! lines of JSON.

mod coalesce;
mod command;
mod ndjson;
mod observations;
mod socket;

pub use ndjson::ndjson;
pub use observations::{Coded, LineResult, ObservationLine, decode as observation_line, lines as observation_lines};
pub use socket::{StreamParams, limits, serve_socket};
