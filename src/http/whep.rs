//! WHEP (draft-ietf-wish-whep): what a participant sends, and the interpreter's voice.

use super::{
    App,
    error::Problem,
    extract::{Params, Segment},
    whip::{Refused, created, patch, sdp_body},
};
use axum::{
    extract::{State, rejection::StringRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use healthsync_events::{Language, ParticipantId, Refusal, SessionId};
use healthsync_webrtc::{WhipResourceId, sdp::Offer};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct WatchQuery {
    of: Option<ParticipantId>,
    speech: Option<Language>,
}

/// What is to be received.
enum Wanted {
    Participant(ParticipantId),
    Speech(Language),
}

impl WatchQuery {
    fn wanted(self) -> Result<Wanted, Refusal> {
        match (self.of, self.speech) {
            (Some(participant), None) => Ok(Wanted::Participant(participant)),
            (None, Some(language)) if language.primary() == "und" => {
                Err(Refusal::invalid("speech", "must name a language"))
            }
            (None, Some(language)) => Ok(Wanted::Speech(language)),
            _ => Err(Refusal::invalid("of", "either `of` or `speech` is needed")),
        }
    }
}

/// Receives what a participant sends, or the interpreter's voice, by an SDP offer.
///
/// The participant need not be there yet, may leave and come back: media begins, pauses and goes on by itself.
/// Sound and pictures come as they were sent, never encoded again. Between speeches, nothing is sent.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/whep", tag = "media",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("of" = Option<String>, Query, description = "Whose sound and pictures, for example `patient`"),
           ("speech" = Option<String>, Query,
            description = "BCP 47 tag of the language whose synthesised speech is wanted instead")),
    request_body(content = String, content_type = "application/sdp",
                 description = "Offer to receive Opus and, with `of`, at most one track of VP8 or H264"),
    responses((status = 201, description = "Answer; Location names the WHEP session, ETag its ICE session",
               content_type = "application/sdp"),
              (status = 400, description = "Not SDP", body = Problem),
              (status = 404, description = "No such session", body = Problem),
              (status = 410, description = "The session has ended", body = Problem),
              (status = 415, description = "Not application/sdp", body = Problem),
              (status = 422, description = "The query or the offer asks for what is not done here", body = Problem),
              (status = 503, description = "Every place for viewers is taken; see Retry-After", body = Problem)))]
pub async fn offer(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Params(query): Params<WatchQuery>,
    headers: HeaderMap,
    offer: Result<String, StringRejection>,
) -> Result<Response, Refused> {
    let offer = sdp_body(&headers, offer)?;
    let wanted = query.wanted()?;
    if app.sessions.summary(id).await?.ended {
        return Err(Refusal::SessionEnded.into());
    }
    let accepted = match wanted {
        Wanted::Participant(participant) => app.whip.watch(id, &participant, &offer).await?,
        Wanted::Speech(language) => {
            // Before anything is made for it.
            Offer::parse_listen(&offer)?;
            let speech = app.sessions.speech(id, language).await?;
            app.whip.listen(id, speech, &offer).await?
        }
    };
    Ok(created("whep", accepted))
}

/// Adds remote ICE candidates (trickle ICE), or restarts ICE.
#[utoipa::path(patch, path = "/api/v1/whep/{resource}", tag = "media",
    params(("resource" = String, Path, description = "From the Location of the 201"),
           ("If-Match" = String, Header, description = "The ICE session's ETag, or `*` for a restart")),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses((status = 200, description = "ICE restarted; a fragment with the server's credentials and candidates",
               content_type = "application/trickle-ice-sdpfrag"),
              (status = 204, description = "Candidates taken"),
              (status = 404, description = "No such WHEP session", body = Problem),
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

/// Stops receiving.
#[utoipa::path(delete, path = "/api/v1/whep/{resource}", tag = "media",
    params(("resource" = String, Path, description = "From the Location of the 201")),
    responses((status = 200, description = "Closed"),
              (status = 404, description = "No such WHEP session", body = Problem)))]
pub async fn close(State(app): State<App>, Segment(resource): Segment<uuid::Uuid>) -> Result<StatusCode, Refused> {
    app.whip.delete(WhipResourceId(resource)).await?;
    Ok(StatusCode::OK)
}
