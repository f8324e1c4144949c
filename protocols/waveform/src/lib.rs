//! Waveforms: ECG, pleth, pressures, up to 500 samples a second and channel.
//!
//! - [`block`] is the binary message that carries a stretch of one channel. Pure.
//! - [`continuity`] tells from numbers and times what was lost or repeated. Pure.
//! - [`recorder`] sums stretches of 10 s up for the session's log. Pure.
//! - [`server`] takes blocks from sources and gives them to those who watch, over WebSocket.
//! - [`wfdb`] reads records of the Waveform Database, and [`cut`] makes blocks of them. Pure.

pub mod block;
pub mod continuity;
pub mod cut;
pub mod recorder;
pub mod server;
pub mod wfdb;

pub use block::{BlockError, decode, encode};
pub use continuity::{Continuity, Verdict};
pub use recorder::Recorder;
