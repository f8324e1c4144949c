//! WHIP (RFC 9725): what a participant sends.

use super::{
    App,
    error::{Error, Problem},
    extract::{Params, Segment},
    sessions::location,
};
use axum::{
    Json,
    extract::{State, rejection::StringRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::{AudioTrackSpec, Language, ParticipantId, Refusal, SessionId, limits::MAX_SDP_BYTES};
use healthsync_webrtc::{
    Accepted, Patched, WhipError, WhipResourceId,
    sdp::{Offer, SDP, TRICKLE},
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct OfferQuery {
    participant: ParticipantId,
    language: Language,
}

/// Why media is refused.
pub enum Refused {
    /// With the status RFC 9725 gives it.
    Media(WhipError),
    Session(Refusal),
}

impl From<WhipError> for Refused {
    fn from(error: WhipError) -> Self {
        Self::Media(error)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Session(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Media(error) => error,
            Self::Session(refusal) => return Error(refusal).into_response(),
        };
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Problem { code: "whip".into(), message: error.to_string() };
        let mut response = (status, Json(problem)).into_response();
        if let Some(after) = error.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

/// Opens a participant's sound and, if offered, pictures with an SDP offer. A participant who sends already does so
/// by the new connection from then on.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/whip", tag = "media",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("participant" = String, Query, description = "Who speaks, for example `patient`"),
           ("language" = String, Query,
            description = "BCP 47 tag of what they speak, for example `pt-BR`; `und` has it found out")),
    request_body(content = String, content_type = "application/sdp",
                 description = "Offer with one Opus track, and at most one of VP8 or H264"),
    responses((status = 201, description = "Answer; Location names the WHIP session, ETag its ICE session",
               content_type = "application/sdp"),
              (status = 400, description = "Not SDP", body = Problem),
              (status = 415, description = "Not application/sdp", body = Problem),
              (status = 422, description = "No Opus audio is offered, or more than is done here", body = Problem),
              (status = 503, description = "Every connection is taken; see Retry-After", body = Problem)))]
pub async fn offer(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Params(query): Params<OfferQuery>,
    headers: HeaderMap,
    offer: Result<String, StringRejection>,
) -> Result<Response, Refused> {
    let offer = sdp_body(&headers, offer)?;
    // Before anything is made for it.
    Offer::parse(&offer)?;
    let spec = AudioTrackSpec { participant: query.participant, language: query.language };
    let sink = app.sessions.open_audio(id, spec.clone()).await?;
    let accepted = app.whip.accept(id, spec, sink, &offer).await?;
    Ok(created("whip", accepted))
}

/// Adds remote ICE candidates (trickle ICE), or restarts ICE.
#[utoipa::path(patch, path = "/api/v1/whip/{resource}", tag = "media",
    params(("resource" = String, Path, description = "From the Location of the 201"),
           ("If-Match" = String, Header, description = "The ICE session's ETag, or `*` for a restart")),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses((status = 200, description = "ICE restarted; a fragment with the server's credentials and candidates",
               content_type = "application/trickle-ice-sdpfrag"),
              (status = 204, description = "Candidates taken"),
              (status = 404, description = "No such WHIP session", body = Problem),
              (status = 412, description = "If-Match names another ICE session", body = Problem),
              (status = 428, description = "If-Match is missing", body = Problem)))]
pub async fn trickle(
    State(app): State<App>,
    Segment(resource): Segment<uuid::Uuid>,
    headers: HeaderMap,
    fragment: Result<String, StringRejection>,
) -> Result<Response, Refused> {
    patch(&app, resource, &headers, fragment).await
}

/// Stops what a participant sends.
#[utoipa::path(delete, path = "/api/v1/whip/{resource}", tag = "media",
    params(("resource" = String, Path, description = "From the Location of the 201")),
    responses((status = 200, description = "Closed"),
              (status = 404, description = "No such WHIP session", body = Problem)))]
pub async fn close(State(app): State<App>, Segment(resource): Segment<uuid::Uuid>) -> Result<StatusCode, Refused> {
    app.whip.delete(WhipResourceId(resource)).await?;
    Ok(StatusCode::OK)
}

/// The 201 of an offer that was accepted by the door `whip` or `whep`.
pub(super) fn created(door: &str, accepted: Accepted) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SDP)),
        (header::LOCATION, location(&format!("/api/v1/{door}/{}", accepted.resource))),
        (header::ETAG, location(&accepted.etag)),
    ];
    (StatusCode::CREATED, headers, accepted.answer_sdp).into_response()
}

/// The offer in a request's body.
pub(super) fn sdp_body(headers: &HeaderMap, body: Result<String, StringRejection>) -> Result<String, Refused> {
    if media_type(headers) != SDP {
        return Err(WhipError::UnsupportedMediaType { expected: SDP }.into());
    }
    body.map_err(|rejection| body_refused(rejection.status()))
}

/// What PATCH does at either door.
pub(super) async fn patch(
    app: &App,
    resource: uuid::Uuid,
    headers: &HeaderMap,
    fragment: Result<String, StringRejection>,
) -> Result<Response, Refused> {
    let fragment = fragment.map_err(|rejection| body_refused(rejection.status()))?;
    let if_match = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    match app.whip.patch(WhipResourceId(resource), media_type(headers), if_match, &fragment).await? {
        Patched::Trickled => Ok(StatusCode::NO_CONTENT.into_response()),
        Patched::Restarted { fragment, etag } => {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(TRICKLE)), (header::ETAG, location(&etag))];
            Ok((StatusCode::OK, headers, fragment).into_response())
        }
    }
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn body_refused(status: StatusCode) -> Refused {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::TooLarge { what: "the body".into(), limit: MAX_SDP_BYTES as u64 }.into();
    }
    WhipError::Malformed("the body is not UTF-8 text").into()
}
