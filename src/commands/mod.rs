//! What the command line offers.

pub mod bench;
pub mod demo;
pub mod eval;
pub mod learn;
pub mod models;
pub mod pools;
pub mod replay;
pub mod serve;
pub mod train;

/// The runtime transports live on; actors have threads of their own.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
