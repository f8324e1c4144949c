//! HL7 v2 over MLLP: what bedside monitors and interface engines speak.
//!
//! Pure: [`frame`] cuts the byte stream into messages; [`charset`], [`message`] and [`escape`] read one; [`header`] is
//! its MSH, [`oru`] makes vital signs of observations, [`adt`] reads what the administration says, [`ack`] and
//! [`problem`] write answers, [`write`] writes messages; [`memory`] knows repeats and [`clock`] a sender's clock.
//!
//! [`intake`] takes a message from its bytes to its answers, [`server`] serves connections, with [`tls`] if asked;
//! [`client`] is a monitor.

pub mod ack;
pub mod adt;
pub mod charset;
pub mod client;
pub mod clock;
pub mod error;
pub mod escape;
pub mod frame;
pub mod header;
pub mod intake;
pub mod memory;
pub mod message;
pub mod oru;
pub mod problem;
pub mod server;
pub mod time;
pub mod tls;
pub mod write;

pub use error::Hl7Error;
pub use message::Message;
