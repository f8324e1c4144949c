//! Why something was not done: one vocabulary for every door.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A typed refusal. Texts hold no patient data: they name fields, limits and components, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("no such session")]
    UnknownSession,
    #[error("the session has ended")]
    SessionEnded,
    #[error("no such {what} in this session")]
    NotFound { what: String },
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        what: String,
        #[ts(type = "number")]
        limit: u64,
    },
    #[error("{media_type} is not accepted here")]
    UnsupportedMedia { media_type: String },
    #[error("{queue} is full, try again in {retry_after_ms} ms")]
    Overloaded {
        queue: String,
        #[ts(type = "number")]
        retry_after_ms: u64,
    },
    #[error("{component} is not available")]
    Unavailable { component: String },
    #[error("the {what} has expired")]
    Expired { what: String },
    #[error("the session already has {what}")]
    Conflict { what: String },
}

impl Refusal {
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    pub fn unavailable(component: &str) -> Self {
        Self::Unavailable { component: component.into() }
    }

    /// Whether the same request may succeed later without being changed.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::Unavailable { .. })
    }

    /// The HTTP status that says the same (RFC 9110).
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownSession | Self::NotFound { .. } => 404,
            Self::SessionEnded | Self::Expired { .. } => 410,
            Self::Invalid { .. } => 422,
            Self::TooLarge { .. } => 413,
            Self::UnsupportedMedia { .. } => 415,
            Self::Overloaded { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::Conflict { .. } => 409,
        }
    }
}
