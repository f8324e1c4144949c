//! Answers, and failures as answers.

use crate::{issue::Failure, resource::version};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;

const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

#[derive(Debug)]
pub struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Option<Value>,
}

impl Reply {
    pub fn empty(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: None }
    }

    pub fn ok(body: Value) -> Self {
        Self { body: Some(body), ..Self::empty(200) }
    }

    /// One resource, with its version.
    pub fn resource(body: Value) -> Self {
        let mut reply = Self::empty(200);
        reply.versioned(&body);
        reply.with(body)
    }

    /// A resource that is at `address` now, or was before.
    pub fn made(address: String, repeated: bool, resource: &Value) -> Self {
        let mut reply = Self::empty(if repeated { 200 } else { 201 });
        reply.header(header::LOCATION, &address);
        reply.versioned(resource);
        reply
    }

    #[must_use]
    pub fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn versioned(&mut self, resource: &Value) {
        let (etag, changed) = version(resource);
        self.header(header::ETAG, &etag);
        if let Some(date) = changed.and_then(http_date) {
            self.header(header::LAST_MODIFIED, &date);
        }
    }

    fn header(&mut self, name: HeaderName, text: &str) {
        if let Ok(value) = HeaderValue::from_str(text) {
            self.headers.insert(name, value);
        }
    }
}

/// As RFC 9110 writes dates.
fn http_date(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let class = match self.status {
            200..=299 => "2xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        metrics::counter!("healthsync_fhir_requests_total", "status" => class).increment(1);
        let mut headers = self.headers;
        // Resources are a patient's: no cache between keeps them.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.body {
            Some(body) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
                (status, headers, body.to_string()).into_response()
            }
            None => (status, headers).into_response(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut reply = Reply::empty(self.status).with(self.outcome());
        if let Some(milliseconds) = self.retry_after_ms {
            reply.header(header::RETRY_AFTER, &milliseconds.div_ceil(1_000).to_string());
        }
        reply.into_response()
    }
}
