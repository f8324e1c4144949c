//! What operators ask: is it alive, is it ready, what does it do.

use super::App;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

/// Alive: the process answers.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "Alive")))]
pub async fn livez() -> &'static str {
    "alive\n"
}

/// Ready: every model is loaded and the server is not shutting down. Names what is missing otherwise, and what is
/// degraded: not working at the moment, and not needed for the rest.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "Ready"), (status = 503, description = "Not ready, and why")))]
pub async fn readyz(State(app): State<App>) -> impl IntoResponse {
    let parts = app.readiness.parts();
    let ready = parts.iter().all(|part| part.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let degraded = parts.iter().any(|part| part.degraded.is_some());
    (status, Json(serde_json::json!({ "ready": ready, "degraded": degraded, "parts": parts })))
}

/// Metrics in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Prometheus text format", content_type = "text/plain")))]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render())
}
