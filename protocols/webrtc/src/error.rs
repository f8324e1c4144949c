//! Why a WHIP or WHEP request is refused.

use std::time::Duration;

/// A refusal with the HTTP status that RFC 9725 gives it. Texts say what rule was broken and never repeat
/// what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhipError {
    /// The body is not SDP, or lacks what WebRTC cannot do without.
    #[error("malformed session description: {0}")]
    Malformed(&'static str),
    /// The body is SDP, and asks for what is not done here (RFC 9725, sections 4.4.2 to 4.4.4).
    #[error("unacceptable session description: {0}")]
    Unacceptable(&'static str),
    #[error("the body exceeds {limit} bytes")]
    TooLarge { limit: usize },
    #[error("no such WHIP or WHEP session")]
    UnknownResource,
    #[error("expected a body of type {expected}")]
    UnsupportedMediaType { expected: &'static str },
    /// PATCH without If-Match (RFC 9725, section 4.3.1).
    #[error("If-Match is required")]
    PreconditionRequired,
    /// PATCH for another ICE session than the current one (RFC 9725, section 4.3.1).
    #[error("If-Match does not name the current ICE session")]
    PreconditionFailed,
    /// More candidates than any client has.
    #[error("more than {limit} ICE candidates")]
    TooManyCandidates { limit: usize },
    /// Every connection, or every port, is taken (RFC 9725, section 4.5).
    #[error("all {what} are taken, try again in {} s", retry_after.as_secs())]
    Full { what: &'static str, retry_after: Duration },
    #[error("shutting down")]
    ShuttingDown,
    /// No answer could be made in time, or the media stack failed.
    #[error("{0}")]
    Failed(&'static str),
}

/// What a client refused for want of room is told to wait: a connection that nobody answers for is given up within
/// seconds.
const RETRY_AFTER: Duration = Duration::from_secs(10);

impl WhipError {
    pub(crate) fn full(what: &'static str) -> Self {
        Self::Full { what, retry_after: RETRY_AFTER }
    }

    /// The HTTP status of the response.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::UnknownResource => 404,
            Self::PreconditionFailed => 412,
            Self::TooLarge { .. } => 413,
            Self::UnsupportedMediaType { .. } => 415,
            Self::Unacceptable(_) | Self::TooManyCandidates { .. } => 422,
            Self::PreconditionRequired => 428,
            Self::Failed(_) => 500,
            Self::Full { .. } | Self::ShuttingDown => 503,
        }
    }

    /// The value of the Retry-After header, where the response should have one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}
