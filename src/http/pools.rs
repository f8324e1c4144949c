//! The models' pools: what they are doing, and, where the configuration allows it, how they do it.

use super::{
    App,
    error::{Error, Problem},
    extract::{Body, Params},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use healthsync_actors::pool::{PoolControl, PoolStats, RolloutError, SettingsPatch};
use healthsync_events::{ModelInfo, Refusal};
use serde::Deserialize;
use std::sync::Arc;

/// What each pool is doing: queues, batches, times, what was dropped and why.
#[utoipa::path(get, path = "/api/v1/pools", tag = "operations",
    responses((status = 200, description = "Every pool's figures since it started", content_type = "application/json")))]
pub async fn list(State(app): State<App>) -> Json<Vec<PoolStats>> {
    Json(app.pools.iter().map(|pool| pool.stats()).collect())
}

/// What one pool is doing.
#[utoipa::path(get, path = "/api/v1/pools/{name}", tag = "operations",
    params(("name" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "Its figures since it started", content_type = "application/json"),
              (status = 404, description = "No such pool", body = Problem)))]
pub async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json<PoolStats>, Trouble> {
    Ok(Json(find(&app, &name)?.stats()))
}

/// Changes a pool's settings; what is left out stays. Needs `operations.changes`.
#[utoipa::path(patch, path = "/api/v1/pools/{name}", tag = "operations",
    params(("name" = String, Path, description = "Name of the pool")),
    request_body(content_type = "application/json", description = "Settings as `pools.NAME` in the configuration"),
    responses((status = 200, description = "All of its settings now", content_type = "application/json"),
              (status = 404, description = "No such pool", body = Problem),
              (status = 422, description = "Which setting cannot be so", body = Problem)))]
pub async fn change(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(patch): Body<SettingsPatch>,
) -> Result<Json<SettingsPatch>, Trouble> {
    Ok(Json(find(&app, &name)?.reconfigure(&patch)?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reload {
    /// Share of the requests it gets until it is promoted or rolled back: above 0, at most 1.
    #[serde(default = "everything")]
    share: f32,
}

fn everything() -> f32 {
    1.0
}

/// Loads a pool's model anew beside the one that serves; answers when it has taken over or serves its share. Needs
/// `operations.changes`.
#[utoipa::path(post, path = "/api/v1/pools/{name}/reload", tag = "operations",
    params(("name" = String, Path, description = "Name of the pool"),
           ("share" = Option<f32>, Query, description = "Share of the requests it gets at first; all when absent")),
    responses((status = 200, description = "The model that was loaded", content_type = "application/json"),
              (status = 409, description = "Another version is being loaded or tried", body = Problem),
              (status = 503, description = "It cannot be loaded; the old one serves", body = Problem)))]
pub async fn reload(
    State(app): State<App>,
    Path(name): Path<String>,
    Params(reload): Params<Reload>,
) -> Result<Json<ModelInfo>, Trouble> {
    let pool = find(&app, &name)?;
    Ok(Json(pool.reload(reload.share).await?))
}

/// Lets the version that serves a share serve everything. Needs `operations.changes`.
#[utoipa::path(post, path = "/api/v1/pools/{name}/promote", tag = "operations",
    params(("name" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "The model that serves", content_type = "application/json"),
              (status = 409, description = "None is being tried", body = Problem)))]
pub async fn promote(State(app): State<App>, Path(name): Path<String>) -> Result<Json<ModelInfo>, Trouble> {
    Ok(Json(find(&app, &name)?.promote()?))
}

/// Takes the version that serves a share away again. Needs `operations.changes`.
#[utoipa::path(post, path = "/api/v1/pools/{name}/roll-back", tag = "operations",
    params(("name" = String, Path, description = "Name of the pool")),
    responses((status = 204, description = "It serves nothing any more"),
              (status = 409, description = "None is being tried", body = Problem)))]
pub async fn roll_back(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Trouble> {
    find(&app, &name)?.roll_back()?;
    Ok(StatusCode::NO_CONTENT)
}

fn find(app: &App, name: &str) -> Result<Arc<dyn PoolControl>, Trouble> {
    app.pools.iter().find(|pool| pool.name() == name).cloned().ok_or(Trouble::NoPool)
}

/// Why something was not done with a pool.
#[derive(Debug)]
pub enum Trouble {
    NoPool,
    Refused(Refusal),
    Rollout(RolloutError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<RolloutError> for Trouble {
    fn from(error: RolloutError) -> Self {
        Self::Rollout(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Refused(refusal) => return Error(refusal).into_response(),
            Self::NoPool => (StatusCode::NOT_FOUND, "not_found", "no such pool".to_owned()),
            Self::Rollout(error) => {
                let (status, code) = match error {
                    RolloutError::InProgress | RolloutError::NoCanary => (StatusCode::CONFLICT, "conflict"),
                    RolloutError::Share => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
                    RolloutError::Load(_) | RolloutError::Closed => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
                };
                (status, code, error.to_string())
            }
        };
        (status, Json(Problem { code: code.to_owned(), message })).into_response()
    }
}
