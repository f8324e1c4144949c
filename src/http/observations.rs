//! Vital signs by HTTP for programs that have no monitor's protocol, and what monitors sent that could not be used.

use super::{
    App,
    error::{Error, Problem},
    extract::{Params, Segment},
};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use healthsync_events::{EventBody, Refusal, SessionId, SessionState, Timestamp};
use healthsync_websocket::{LineResult, observation_line, observation_lines};
use serde::Deserialize;

/// Lines of one body that wait for the log at a time: they share its commits.
const AT_ONCE: usize = 64;

/// Records vital signs, one set a line (NDJSON).
///
/// Every line is answered by a line, in order, once it is durable. A line sent again is not recorded again if it has an
/// `id` or its `taken_at`. What cannot be used of a line is told, and kept with the rest; a line that cannot be used at
/// all changes nothing, and the others are recorded all the same.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/observations", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    request_body(content = ref("#/components/schemas/ObservationLine"), content_type = "application/x-ndjson"),
    responses((status = 200, description = "One line for each line", content_type = "application/x-ndjson",
               body = ref("#/components/schemas/LineResult")),
              (status = 404, description = "No such session", body = Problem),
              (status = 410, description = "The session has ended", body = Problem),
              (status = 413, description = "More than 1 MiB", body = Problem)))]
pub async fn record(State(app): State<App>, Segment(id): Segment<SessionId>, body: Bytes) -> Result<Response, Error> {
    let state = app.sessions.state(id).await?;
    if state.ended.is_some() {
        return Err(Refusal::SessionEnded.into());
    }
    let received = Timestamp::from(jiff::Timestamp::now());
    let lines = observation_lines(&body)
        .map(|(number, line)| (number, read(line, received, &state)))
        .collect::<Vec<(usize, Result<EventBody, Refusal>)>>();
    let answers = stream::iter(lines).map(|(number, read)| {
        let sessions = &app.sessions;
        async move {
            let recorded = match read {
                Ok(body) => sessions.record(id, body.clone()).await.map(|receipt| (receipt, body)),
                Err(refusal) => Err(refusal),
            };
            LineResult::of(number, recorded)
        }
    });
    let answers: Vec<LineResult> = answers.buffered(AT_ONCE).collect().await;
    let mut text = Vec::new();
    for answer in answers {
        serde_json::to_writer(&mut text, &answer).map_err(|_| Refusal::unavailable("the answer"))?;
        text.push(b'\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

fn read(line: &[u8], received: Timestamp, state: &SessionState) -> Result<EventBody, Refusal> {
    let (observed, patient) = observation_line(line, received)?;
    if patient.is_some_and(|patient| !state.is_patient(&patient)) {
        return Err(Refusal::invalid("patient", "is not the patient of this session"));
    }
    Ok(EventBody::VitalsObserved(observed))
}

#[derive(Debug, Deserialize)]
pub struct ListQuery {
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    100
}

/// Monitor messages that are in no session, newest first: of patients without one, and those that could not be read.
#[utoipa::path(get, path = "/api/v1/unmatched", tag = "monitors",
    params(("limit" = Option<usize>, Query, description = "At most this many, up to 1,000; 100 when absent")),
    responses((status = 200, description = "Kept messages", body = ref("#/components/schemas/UnmatchedList"))))]
pub async fn unmatched(State(app): State<App>, Params(query): Params<ListQuery>) -> Result<Response, Error> {
    Ok(Json(app.sessions.unmatched(query.limit).await?).into_response())
}

/// Kinds of observation that could not be used, with how often and the newest as sent, those seen last first.
#[utoipa::path(get, path = "/api/v1/unmapped", tag = "monitors",
    params(("limit" = Option<usize>, Query, description = "At most this many, up to 1,000; 100 when absent")),
    responses((status = 200, description = "Codes and reasons", body = ref("#/components/schemas/UnmappedList"))))]
pub async fn unmapped(State(app): State<App>, Params(query): Params<ListQuery>) -> Result<Response, Error> {
    Ok(Json(app.sessions.unmapped(query.limit).await?).into_response())
}
