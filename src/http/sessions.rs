//! Sessions: start, list, end, and what came of them.

use super::{
    App,
    error::Error,
    extract::{Body, Params, Segment},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use healthsync_events::{
    EventBody, Language, NewSession, Refusal, SessionId,
    consultation::{SessionEndReason, SessionEnded},
    scribe::{ReportReady, ReportRequested},
    transcript::Transcript,
};
use healthsync_models::report;
use serde::Deserialize;
use std::time::Duration;

/// How long a report may take to be written before the caller is told to come back.
const REPORT_WAIT: Duration = Duration::from_secs(10);

const MARKDOWN: &str = "text/markdown";

/// Starts a consultation.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions",
    request_body(content = ref("#/components/schemas/NewSession"), content_type = "application/json"),
    responses(
        (status = 201, description = "Started; Location names it", body = ref("#/components/schemas/SessionSummary")),
        (status = 422, description = "A field is not acceptable", body = super::error::Problem),
        (status = 429, description = "Too many sessions are open", body = super::error::Problem)))]
pub async fn create(State(app): State<App>, Body(new): Body<NewSession>) -> Result<Response, Error> {
    let summary = app.sessions.create(new).await?;
    let location = location(&format!("/api/v1/sessions/{}", summary.session));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(summary)).into_response())
}

/// Sessions, newest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions",
    responses((status = 200, description = "At most 200 sessions, newest first",
               body = ref("#/components/schemas/SessionList"))))]
pub async fn list(State(app): State<App>) -> Result<Response, Error> {
    Ok(Json(app.sessions.list().await?).into_response())
}

/// One session.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    responses((status = 200, description = "The session", body = ref("#/components/schemas/SessionSummary")),
              (status = 404, description = "No such session", body = super::error::Problem)))]
pub async fn summary(State(app): State<App>, Segment(id): Segment<SessionId>) -> Result<Response, Error> {
    Ok(Json(app.sessions.summary(id).await?).into_response())
}

/// Ends a session; its log stays readable.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/end", tag = "sessions",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    responses((status = 200, description = "Ended", body = ref("#/components/schemas/Receipt")),
              (status = 410, description = "It had ended already", body = super::error::Problem)))]
pub async fn end(State(app): State<App>, Segment(id): Segment<SessionId>) -> Result<Response, Error> {
    let ended = EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended });
    let receipt = app.sessions.record(id, ended).await?;
    app.whip.close_session(id).await;
    Ok(Json(receipt).into_response())
}

/// What was said, with translations.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/transcript", tag = "sessions",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    responses((status = 200, description = "JSON, or Markdown by Accept",
               content((ref("#/components/schemas/Transcript") = "application/json"), (String = "text/markdown"))),
              (status = 404, description = "No such session", body = super::error::Problem)))]
pub async fn transcript(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let state = app.sessions.state(id).await?;
    let transcript = Transcript::of(&state);
    if prefers_markdown(&headers) {
        return Ok(markdown(transcript.to_markdown()));
    }
    Ok(Json(transcript).into_response())
}

#[derive(Debug, Deserialize)]
pub struct ReportQuery {
    /// One language only; all of the report's otherwise.
    language: Option<Language>,
}

/// The newest report. Where there is none and the session is live, one is written first.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/report", tag = "sessions",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("language" = Option<String>, Query, description = "Markdown in this language only")),
    responses((status = 200, description = "JSON, or Markdown by Accept",
               content((ref("#/components/schemas/ReportReady") = "application/json"), (String = "text/markdown"))),
              (status = 404, description = "No such session, or it ended without a report",
               body = super::error::Problem)))]
pub async fn report(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Params(query): Params<ReportQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let state = app.sessions.state(id).await?;
    let ready = match &state.report {
        Some(report) => report.value.clone(),
        None if state.ended.is_some() => return Err(Refusal::NotFound { what: "report".into() }.into()),
        None => write_report(&app, id).await?,
    };
    if prefers_markdown(&headers) {
        return Ok(markdown(report::to_markdown(&ready, query.language.as_ref())));
    }
    Ok(Json(ready).into_response())
}

async fn write_report(app: &App, id: SessionId) -> Result<ReportReady, Refusal> {
    let request = EventBody::ReportRequested(ReportRequested { languages: Vec::new() });
    let receipt = app.sessions.record(id, request).await?;
    let mut events = app.sessions.events(id, receipt.seq).await?;
    let wait = async {
        while let Some(event) = events.next().await {
            if let EventBody::ReportReady(report) = &event?.body {
                return Ok(report.clone());
            }
        }
        Err(Refusal::NotFound { what: "report".into() })
    };
    tokio::time::timeout(REPORT_WAIT, wait).await.unwrap_or_else(|_| Err(Refusal::unavailable("report")))
}

fn prefers_markdown(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains(MARKDOWN)
}

fn markdown(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
}

/// A Location of ours: identifiers and slashes only, which are always valid in a header.
pub(super) fn location(path: &str) -> HeaderValue {
    HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"))
}
