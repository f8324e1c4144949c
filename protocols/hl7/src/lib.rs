//! HL7 v2 over MLLP: what bedside monitors speak.
//!
//! - [`frame`] cuts the byte stream into messages (HL7 v2.9 Transmission Specification: MLLP, release 1). Pure.
//! - [`message`] reads segments, fields, components and repetitions of one message. Pure.
//! - [`oru`] makes vital signs of an ORU^R01. Pure.
//! - [`ack`] writes acknowledgements.
//! - [`server`] answers monitors; [`client`] is one.

pub mod ack;
pub mod client;
pub mod frame;
pub mod message;
pub mod observation;
pub mod oru;
pub mod server;

pub use message::{Hl7Error, Message};
pub use oru::{OruMessage, decode};
