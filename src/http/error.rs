//! Refusals as HTTP answers: `application/json` with `code` and `message`, and the status that says the same.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::Refusal;
use serde::Serialize;

/// The body of every error answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Machine-readable reason, for example `unknown_session`.
    #[schema(example = "unknown_session")]
    pub code: String,
    /// A sentence for a person. Holds no patient data.
    pub message: String,
}

/// A refusal on its way out of a handler.
#[derive(Debug)]
pub struct Error(pub Refusal);

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = serde_json::to_value(&self.0).ok().and_then(|v| v["code"].as_str().map(str::to_owned));
        let problem = Problem { code: code.unwrap_or_default(), message: self.0.to_string() };
        let mut response = (status, Json(problem)).into_response();
        if let Refusal::Overloaded { retry_after_ms, .. } = self.0 {
            let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
