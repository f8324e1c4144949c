//! Which engine does which task, with which weights, on how many threads.

use crate::{config::Config, readiness::Readiness};
use anyhow::Context as _;
use healthsync_actors::{
    Models, Pool, PoolConfig,
    pool::ModelFactory,
};
use healthsync_events::Sessions;
use healthsync_models::{Model, ModelError};
use healthsync_webrtc::{WhipConfig, WhipServer};
use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// Images decoded at a time: each may take several hundred megabytes while it is.
const IMAGE_TURNS: usize = 2;

/// The models, loading on their own threads, and who tells when they are ready.
pub struct LoadedModels {
    pub models: Models,
    pub readiness: Readiness,
}
