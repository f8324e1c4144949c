//! Logs and metrics. Neither holds patient data: events are logged by type and number, never by content.

use crate::config::{LogFormat, Telemetry};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Seconds: from a cache hit to a report, in steps a latency target can be read from.
const SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.8, 1.5, 3.0, 6.0, 12.0];

/// Seconds in a pool: from an idle one's own overhead to a background batch.
const POOL_SECONDS: [f64; 16] =
    [0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.0, 10.0];

const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0];

/// Starts logging to standard error.
pub fn init_logs(config: &Telemetry) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).try_init()?;
        }
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()?,
    }
    Ok(())
}

/// Installs the process's metrics recorder.
pub fn init_metrics() -> anyhow::Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("healthsync_pool_wait_seconds".into()), &POOL_SECONDS)?
        .set_buckets_for_metric(Matcher::Full("healthsync_pool_service_seconds".into()), &POOL_SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".into()), &SIZES)?;
    Ok(builder.install_recorder()?)
}
