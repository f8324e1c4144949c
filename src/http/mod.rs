//! The HTTP door: REST, WHIP and WHEP, the event stream, the page, and what operators need.

mod error;
mod events;
mod extract;
mod fhir;
mod images;
mod invitations;
mod monitoring;
mod observations;
mod openapi;
mod ops;
mod pools;
mod server;
mod sessions;
mod ward;
mod waveforms;
mod web;
mod whep;
mod whip;

pub use server::{ServerLimits, serve};

use crate::{readiness::Readiness, wiring::Pools};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    response::Response,
    routing::{get, patch, post},
};
use healthsync_actors::WardBoard;
use healthsync_events::{
    Sessions,
    limits::{MAX_IMAGE_BYTES, MAX_JSON_BYTES, MAX_OBSERVATIONS_BYTES, MAX_SDP_BYTES},
};
use healthsync_webrtc::WhipServer;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Multipart framing around an image: boundaries and part headers.
const MULTIPART_OVERHEAD: usize = 64 * 1024;

/// What handlers share.
#[derive(Clone)]
pub struct App {
    pub sessions: Arc<dyn Sessions>,
    pub whip: Arc<WhipServer>,
    /// FHIR, where it is served.
    pub fhir: Option<Arc<healthsync_fhir::http::Door>>,
    pub ward: Arc<WardBoard>,
    /// Places of those who watch the ward.
    pub ward_places: Arc<Semaphore>,
    pub readiness: Readiness,
    pub pools: Pools,
    pub metrics: PrometheusHandle,
    /// Cancelled when the server begins to shut down.
    pub shutdown: CancellationToken,
}

/// `changes`: whether pools may be changed over HTTP.
pub fn router(app: App, changes: bool) -> Router {
    let media = Router::new()
        .route("/api/v1/sessions/{id}/whip", post(whip::offer))
        .route("/api/v1/whip/{resource}", patch(whip::trickle).delete(whip::close))
        .route("/api/v1/sessions/{id}/whep", post(whep::offer))
        .route("/api/v1/whep/{resource}", patch(whep::trickle).delete(whep::close))
        .layer(DefaultBodyLimit::max(MAX_SDP_BYTES));
    let images = Router::new()
        .route("/api/v1/sessions/{id}/images", post(images::upload))
        .layer(DefaultBodyLimit::max(MAX_IMAGE_BYTES + MULTIPART_OVERHEAD));
    let observations = Router::new()
        .route("/api/v1/sessions/{id}/observations", post(observations::record))
        .layer(DefaultBodyLimit::max(MAX_OBSERVATIONS_BYTES));
    let rest = Router::new()
        .route("/api/v1/sessions", post(sessions::create).get(sessions::list))
        .route("/api/v1/sessions/{id}", get(sessions::summary))
        .route("/api/v1/sessions/{id}/end", post(sessions::end))
        .route("/api/v1/sessions/{id}/transcript", get(sessions::transcript))
        .route("/api/v1/sessions/{id}/report", get(sessions::report))
        .route("/api/v1/sessions/{id}/events", get(events::stream))
        .route("/api/v1/sessions/{id}/waveforms", get(waveforms::connect))
        .route("/api/v1/ward", get(ward::snapshot))
        .route("/api/v1/ward/live", get(ward::live))
        .route("/api/v1/sessions/{id}/images/{image}/preview", get(images::preview))
        .route("/api/v1/sessions/{id}/invitations", post(invitations::create))
        .route("/api/v1/sessions/{id}/monitoring", get(monitoring::show).patch(monitoring::change))
        .route("/api/v1/sessions/{id}/alarms", get(monitoring::standing))
        .route("/api/v1/sessions/{id}/alarms/{alarm}/acknowledgement", post(monitoring::acknowledge))
        .route("/api/v1/sessions/{id}/alarms/silence", post(monitoring::silence))
        .route("/api/v1/invitations/{token}", get(invitations::show))
        .route("/api/v1/unmatched", get(observations::unmatched))
        .route("/api/v1/unmapped", get(observations::unmapped))
        .route("/api/v1/pools", get(pools::list))
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES));
    let fhir = app.fhir.clone().map_or_else(Router::new, healthsync_fhir::http::router);
    let operations = if changes {
        Router::new()
            .route("/api/v1/pools/{name}", get(pools::show).patch(pools::change))
            .route("/api/v1/pools/{name}/reload", post(pools::reload))
            .route("/api/v1/pools/{name}/promote", post(pools::promote))
            .route("/api/v1/pools/{name}/roll-back", post(pools::roll_back))
    } else {
        Router::new().route("/api/v1/pools/{name}", get(pools::show))
    };
    rest.merge(media)
        .merge(operations.layer(DefaultBodyLimit::max(MAX_JSON_BYTES)))
        .merge(images)
        .merge(observations)
        .with_state(app)
        .merge(fhir)
        .merge(openapi::page())
        .fallback(web::asset)
        .layer(axum::middleware::map_response(harden))
}

/// Headers that keep a browser from doing what the page never asks for.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}
