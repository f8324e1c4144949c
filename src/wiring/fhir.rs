//! The FHIR door.

use crate::config::Fhir;
use anyhow::Context as _;
use healthsync_events::{Documents, Sessions, Timestamp};
use healthsync_fhir::{
    Service,
    chart::Charts,
    http::Door,
    subscription::{Allowed, Authorities, Courier, Settings, Subscriptions},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The door with the subscriptions that an earlier run has left; `None` where it is not to be opened.
pub async fn fhir_door(
    config: &Fhir,
    sessions: Arc<dyn Sessions>,
    documents: Arc<dyn Documents>,
    shutdown: CancellationToken,
) -> anyhow::Result<Option<Arc<Door>>> {
    if !config.enabled {
        return Ok(None);
    }
    let charts = Arc::new(Charts::new(Arc::clone(&sessions)));
    let settings = settings(config)?;
    let subscriptions =
        Subscriptions::new(Arc::clone(&sessions), documents, Arc::clone(&charts), settings, shutdown.clone());
    let subscriptions = Arc::new(subscriptions);
    subscriptions.resume().await.context("the FHIR subscriptions cannot be read")?;
    let service = Service::new(sessions, charts, subscriptions);
    let started = Timestamp::from(jiff::Timestamp::now());
    Ok(Some(Arc::new(Door::new(service, config.base_url.clone(), started, shutdown))))
}

fn settings(config: &Fhir) -> anyhow::Result<Settings> {
    let allowed = Allowed::read(&config.rest_hook_endpoints).context("fhir.rest_hook_endpoints")?;
    let tls = config.rest_hook_endpoints.iter().any(|endpoint| endpoint.starts_with("https:"));
    let authorities = if tls {
        Authorities::read(&config.authorities).context("fhir.authorities cannot be used")?
    } else {
        Authorities::none()
    };
    Ok(Settings {
        allowed,
        courier: Courier { authorities, timeout: Duration::from_secs(config.delivery_timeout_seconds) },
        attempts: config.delivery_attempts,
        backoff: Duration::from_millis(config.delivery_backoff_ms),
        max: config.max_subscriptions,
    })
}
