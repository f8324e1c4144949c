//! WHIP (RFC 9725): a participant's audio.

use super::{
    App,
    error::{Error, Problem},
    extract::{Params, Segment},
    sessions::location,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::{AudioTrackSpec, Language, ParticipantId, Refusal, SessionId, limits::MAX_SDP_BYTES};
use healthsync_webrtc::{WhipError, WhipResourceId};
use serde::Deserialize;

const SDP: &str = "application/sdp";

#[derive(Debug, Deserialize)]
pub struct OfferQuery {
    participant: ParticipantId,
    language: Language,
}

/// A WHIP refusal with the status RFC 9725 gives it.
pub struct Refused(WhipError);

impl From<WhipError> for Refused {
    fn from(error: WhipError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Problem { code: "whip".into(), message: self.0.to_string() };
        let mut response = (status, Json(problem)).into_response();
        if let Some(after) = self.0.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

/// Opens a participant's audio track with an SDP offer. A participant who already has one gets the new one.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/whip", tag = "audio",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("participant" = String, Query, description = "Who speaks, for example `patient`"),
           ("language" = String, Query, description = "BCP 47 tag of what they speak, for example `pt-BR`")),
    request_body(content = String, content_type = "application/sdp", description = "Offer with one Opus track"),
    responses((status = 201, description = "Answer; Location names the WHIP session, ETag its ICE session",
               content_type = "application/sdp"),
              (status = 400, description = "Not SDP", body = Problem),
              (status = 415, description = "Not application/sdp", body = Problem),
              (status = 422, description = "No Opus audio is offered", body = Problem),
              (status = 503, description = "Every connection is taken; see Retry-After", body = Problem)))]
pub async fn offer(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Params(query): Params<OfferQuery>,
    headers: HeaderMap,
    offer: Result<String, axum::extract::rejection::StringRejection>,
) -> Result<Response, Response> {
    if media_type(&headers) != SDP {
        return Err(Refused(WhipError::UnsupportedMediaType { expected: SDP }).into_response());
    }
    let offer = offer.map_err(|rejection| body_refused(rejection.status()))?;
    healthsync_webrtc::sdp::Offer::parse(&offer).map_err(|e| Refused(e).into_response())?;
    let spec = AudioTrackSpec { participant: query.participant, language: query.language };
    let sink = app.sessions.open_audio(id, spec.clone()).await.map_err(|e| Error(e).into_response())?;
    let accepted = app.whip.accept(id, spec, sink, &offer).await.map_err(|e| Refused(e).into_response())?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SDP)),
        (header::LOCATION, location(&format!("/api/v1/whip/{}", accepted.resource))),
        (header::ETAG, location(&accepted.etag)),
    ];
    Ok((StatusCode::CREATED, headers, accepted.answer_sdp).into_response())
}

/// Adds remote ICE candidates (trickle ICE).
#[utoipa::path(patch, path = "/api/v1/whip/{resource}", tag = "audio",
    params(("resource" = String, Path, description = "From the Location of the 201")),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses((status = 204, description = "Taken"),
              (status = 412, description = "If-Match names another ICE session", body = Problem),
              (status = 428, description = "If-Match is missing", body = Problem)))]
pub async fn trickle(
    State(app): State<App>,
    Segment(resource): Segment<uuid::Uuid>,
    headers: HeaderMap,
    fragment: Result<String, axum::extract::rejection::StringRejection>,
) -> Result<StatusCode, Response> {
    let fragment = fragment.map_err(|rejection| body_refused(rejection.status()))?;
    let if_match = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let patched = app.whip.patch(WhipResourceId(resource), media_type(&headers), if_match, &fragment).await;
    patched.map(|()| StatusCode::NO_CONTENT).map_err(|e| Refused(e).into_response())
}

/// Closes a participant's audio track.
#[utoipa::path(delete, path = "/api/v1/whip/{resource}", tag = "audio",
    params(("resource" = String, Path, description = "From the Location of the 201")),
    responses((status = 200, description = "Closed"), (status = 404, description = "No such track", body = Problem)))]
pub async fn close(State(app): State<App>, Segment(resource): Segment<uuid::Uuid>) -> Result<StatusCode, Refused> {
    app.whip.delete(WhipResourceId(resource)).await?;
    Ok(StatusCode::OK)
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn body_refused(status: StatusCode) -> Response {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = MAX_SDP_BYTES as u64;
        return Error(Refusal::TooLarge { what: "the body".into(), limit }).into_response();
    }
    Refused(WhipError::Malformed("the body is not UTF-8 text")).into_response()
}
