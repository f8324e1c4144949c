//! A running server: every door open, and how it closes.

use crate::{
    config::Config,
    http::{self, App, ServerLimits},
    kserve,
    readiness::Readiness,
    wiring::LoadedModels,
};
use healthsync_actors::{ActorThreads, Clock, Directory, DirectoryConfig, SqliteStore};
use healthsync_events::{Sessions, limits::MAX_WARD_VIEWERS};
use healthsync_webrtc::WhipServer;
use metrics_exporter_prometheus::PrometheusHandle;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A server with every door open.
pub struct Server {
    pub http: SocketAddr,
    pub mllp: SocketAddr,
    /// Where the pools are reached by the inference protocol, where they are.
    pub kserve: Option<SocketAddr>,
    readiness: Readiness,
    shutdown: CancellationToken,
    doors: Vec<JoinHandle<()>>,
    whip: Arc<WhipServer>,
    fhir: Option<Arc<healthsync_fhir::http::Door>>,
    threads: ActorThreads,
    directory: Arc<Directory>,
}

impl Server {
    /// Opens the log and the doors. The models go on loading; `/readyz` tells when they are there.
    pub async fn start(config: &Config, models: LoadedModels, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        let store = SqliteStore::open(&config.storage.path)
            .map_err(|e| anyhow::anyhow!("the session log {} cannot be opened: {e}", config.storage.path.display()))?;
        let readiness = models.readiness.clone();
        let threads = ActorThreads::start(config.sessions.actor_threads)?;
        let limits = DirectoryConfig { max_open_sessions: config.sessions.max_open, ..DirectoryConfig::default() };
        let directory =
            Arc::new(Directory::new(Arc::new(store), Clock::system(), models.models, threads.clone(), limits));
        let mllp_config = crate::wiring::mllp_config(&config.mllp)?;
        let http = listen(config.http.listen, "http.listen").await?;
        let mllp = listen(config.mllp.listen, "mllp.listen").await?;
        let (http_addr, mllp_addr) = (http.local_addr()?, mllp.local_addr()?);
        let sessions: Arc<dyn Sessions> = directory.clone();
        let whip = Arc::new(crate::wiring::whip_server(config, http_addr.ip(), Arc::clone(&sessions)));
        let shutdown = CancellationToken::new();
        let fhir =
            crate::wiring::fhir_door(&config.fhir, Arc::clone(&sessions), directory.clone(), shutdown.clone()).await?;
        let app = App {
            sessions: Arc::clone(&sessions),
            whip: Arc::clone(&whip),
            fhir: fhir.clone(),
            ward: directory.ward(),
            ward_places: Arc::new(Semaphore::new(MAX_WARD_VIEWERS)),
            readiness: readiness.clone(),
            pools: models.pools,
            metrics,
            shutdown: shutdown.clone(),
        };
        let limits = ServerLimits {
            max_connections: config.http.max_connections,
            header_timeout: Duration::from_secs(config.http.header_timeout_seconds),
        };
        let resume = {
            let (directory, shutdown) = (Arc::clone(&directory), shutdown.clone());
            async move {
                shutdown.run_until_cancelled(directory.resume()).await;
            }
        };
        let kafka = crate::wiring::kafka_doors(config, &directory, &readiness, &shutdown)?;
        let mut doors = vec![
            tokio::spawn(resume),
            tokio::spawn(http::serve(http, http::router(app, config.operations.changes), limits, shutdown.clone())),
            tokio::spawn(healthsync_hl7::server::serve(
                mllp,
                sessions,
                mllp_config,
                shutdown.clone().cancelled_owned(),
            )),
        ];
        doors.extend(kafka);
        let mut kserve_addr = None;
        if let Some(background) = models.background {
            let (listener, token) = kserve::open(&config.kserve).await?;
            kserve_addr = Some(listener.local_addr()?);
            let limits = ServerLimits { max_connections: config.kserve.max_connections, ..limits };
            let router = healthsync_kserve::router(Arc::new(kserve::Pools::new(background)), token);
            doors.push(tokio::spawn(http::serve(listener, router, limits, shutdown.clone())));
        }
        let (http, mllp, kserve) = (http_addr, mllp_addr, kserve_addr);
        Ok(Self { http, mllp, kserve, readiness, shutdown, doors, whip, fhir, threads, directory })
    }

    /// Closes the doors, lets what is under way finish, then closes the log.
    pub async fn stop(self) {
        self.readiness.close();
        self.shutdown.cancel();
        self.whip.close_all().await;
        for door in self.doors {
            let _ = door.await;
        }
        if let Some(fhir) = &self.fhir {
            fhir.service.subscriptions.settle().await;
        }
        self.directory.settle(Duration::from_secs(5)).await;
        self.threads.stop();
        tracing::info!("stopped");
    }
}

pub(crate) async fn listen(addr: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.map_err(|e| {
        anyhow::anyhow!("{addr} cannot be listened on ({e}): stop what uses it, or set {key} to another address")
    })
}
