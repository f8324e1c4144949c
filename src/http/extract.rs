//! Extractors that refuse in the project's own vocabulary.

use super::error::Error;
use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::request::Parts,
};
use healthsync_events::{Refusal, limits::MAX_JSON_BYTES};
use serde::de::DeserializeOwned;

/// A path segment, or 404: a malformed identifier names nothing.
pub struct Segment<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segment<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(value) = Path::<T>::from_request_parts(parts, state).await.map_err(|_| Refusal::UnknownSession)?;
        Ok(Self(value))
    }
}

/// The query string, or 422.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(value) = Query::<T>::from_request_parts(parts, state).await.map_err(|rejection| {
            // The rejection's own text says which field and rule; identifiers never repeat the value.
            Refusal::invalid("query", rejection.body_text())
        })?;
        Ok(Self(value))
    }
}

/// A JSON body, or 415, 413 or 422.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Refusal::UnsupportedMedia { media_type: "anything but application/json".into() }.into())
            }
            Err(JsonRejection::BytesRejection(_)) => {
                Err(Refusal::TooLarge { what: "the body".into(), limit: MAX_JSON_BYTES as u64 }.into())
            }
            Err(JsonRejection::JsonSyntaxError(_)) => Err(Refusal::invalid("body", "is not JSON").into()),
            Err(rejection) => Err(Refusal::invalid("body", rejection.body_text()).into()),
        }
    }
}
