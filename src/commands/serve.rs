//! `healthsync serve`.

use crate::{config::Config, server::Server, telemetry, wiring::LoadedModels};
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGINT or SIGTERM, then shuts down in order.
pub fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init_logs(&config.telemetry)?;
    let metrics = telemetry::init_metrics()?;
    super::runtime()?.block_on(async move {
        let models = LoadedModels::start(&config)?;
        let server = Server::start(&config, models, metrics).await?;
        if let Some(kserve) = server.kserve {
            eprintln!("The pools answer KServe v2 at http://{kserve}/v2");
        }
        eprintln!("HealthSync is at http://{} and takes HL7 v2 over MLLP at {}", server.http, server.mllp);
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result?,
        }
        server.stop().await;
        Ok(())
    })
}
