//! The FHIR door.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// FHIR R4 under `/fhir`, where the rest of HTTP is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fhir {
    pub enabled: bool,
    /// Address of `/fhir` as clients know it, for example behind a proxy; what their requests say when absent.
    pub base_url: Option<String>,
    pub max_subscriptions: usize,
    /// Addresses that notifications may be posted to, each with all below it. Empty: none.
    pub rest_hook_endpoints: Vec<String>,
    /// Authorities whose certificates endpoints may show, in PEM.
    pub authorities: PathBuf,
    /// Attempts for one notification, the first included; then the subscription is in error.
    pub delivery_attempts: u32,
    /// Between the first two attempts; doubles from then on, up to a minute.
    pub delivery_backoff_ms: u64,
    /// Seconds that an endpoint may take to answer.
    pub delivery_timeout_seconds: u64,
}

impl Default for Fhir {
    fn default() -> Self {
        Self {
            enabled: true,
            base_url: None,
            max_subscriptions: 64,
            rest_hook_endpoints: Vec::new(),
            authorities: "/etc/ssl/certs/ca-certificates.crt".into(),
            delivery_attempts: 8,
            delivery_backoff_ms: 1_000,
            delivery_timeout_seconds: 10,
        }
    }
}
