//! Why something was not answered. On the wire it is `{"error": "…"}` with the status that says the same.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A typed error. Texts name fields, limits and models, never what a client sent: that may be a patient's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("a bearer token is needed")]
    Unauthorised,
    #[error("there is nothing here")]
    NotFound,
    #[error("there is no such model")]
    UnknownModel,
    #[error("the model has no such version")]
    UnknownVersion,
    #[error("the model is not ready")]
    NotReady,
    #[error("{0}")]
    Invalid(String),
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge { what: &'static str, limit: usize },
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    #[error("the model has too much to do, try again in {retry_after_ms} ms")]
    Overloaded { retry_after_ms: u64 },
    /// The model failed on an input it should handle.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::UnknownModel | Self::UnknownVersion => StatusCode::NOT_FOUND,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Overloaded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<serde_json::Error> for Error {
    /// Where it is wrong, but not what is there: serde's own text repeats it.
    fn from(error: serde_json::Error) -> Self {
        let what = if error.is_data() { "is not as the protocol says" } else { "is not JSON" };
        Self::Invalid(format!("the body {what} at line {}, column {}", error.line(), error.column()))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({ "error": self.to_string() }));
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Overloaded { retry_after_ms } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_ms.div_ceil(1_000)));
            }
            // RFC 6750, section 3.
            Self::Unauthorised => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
