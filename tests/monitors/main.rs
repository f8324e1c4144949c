//! What comes from monitors and hospitals, and what is made of it. One program: linking is most of what a test file costs.

#[path = "../common/mod.rs"]
mod common;

mod alarms;
mod fhir;
mod interface_engine;
mod kafka;
mod learning;
mod mllp_tls;
mod monitor;
mod mutations;
mod ward;
mod waveforms;
