//! The composition root: configuration, wiring, HTTP routes, shutdown, telemetry. Nothing imports it but the
//! `healthsync` command and the tests that run the server in their own process.

pub mod commands;
pub mod config;
pub mod http;
pub mod kserve;
pub mod readiness;
pub mod server;
pub mod telemetry;
pub mod wiring;
