//! Vital signs from apps: lines of JSON.

use super::{
    App,
    error::{Error, Problem},
    extract::Segment,
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use healthsync_events::{
    EventBody, MonitorProtocol, MonitorSource, Refusal, SessionId, Sessions,
    clinical::{RejectedObservation, RejectionReason, VitalsLine, VitalsLineResult, VitalsObserved},
    limits::MAX_VITALS_LINES,
};
use std::sync::Arc;

const NDJSON: &str = "application/x-ndjson";

/// Lines on their way to the log at a time: they are committed together, and kept in order by the session.
const AT_ONCE: usize = 32;

/// Characters of a line's identifier and of its application's name.
const MAX_NAME: usize = 64;

/// Records sets of vital signs, a `VitalsLine` a line. Answers with a `VitalsLineResult` a line, in the same order:
/// what was recorded is durable. A line sent again is recorded once.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/vitals", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    request_body(content = ref("#/components/schemas/VitalsLine"), content_type = "application/x-ndjson"),
    responses((status = 200, description = "One result a line", content_type = "application/x-ndjson",
               body = ref("#/components/schemas/VitalsLineResult")),
              (status = 404, description = "No such session", body = Problem),
              (status = 413, description = "Too many lines", body = Problem),
              (status = 415, description = "Not NDJSON", body = Problem)))]
pub async fn record(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.starts_with(NDJSON) && !media.starts_with("application/json") {
        return Err(Refusal::UnsupportedMedia { media_type: format!("anything but {NDJSON}") }.into());
    }
    if app.sessions.summary(id).await?.ended {
        return Err(Refusal::SessionEnded.into());
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let lines: Vec<Bytes> = lines.map(|line| body.slice_ref(line)).collect();
    if lines.len() > MAX_VITALS_LINES {
        return Err(Refusal::TooLarge { what: "lines".into(), limit: MAX_VITALS_LINES as u64 }.into());
    }
    let results = stream::iter(lines)
        .map(|line| {
            let sessions = Arc::clone(&app.sessions);
            async move { one(&*sessions, id, &line).await }
        })
        .buffered(AT_ONCE);
    let results: Vec<VitalsLineResult> = results.collect().await;
    let mut text = String::new();
    for result in &results {
        text.push_str(&serde_json::to_string(result).unwrap_or_default());
        text.push('\n');
    }
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, NDJSON)], text).into_response())
}

async fn one(sessions: &dyn Sessions, session: SessionId, line: &[u8]) -> VitalsLineResult {
    let observed = match read(line) {
        Ok(observed) => observed,
        Err(error) => return VitalsLineResult::Refused { error },
    };
    match sessions.record(session, EventBody::VitalsObserved(observed)).await {
        Ok(receipt) => VitalsLineResult::Recorded { seq: receipt.seq, repeated: receipt.repeated },
        Err(error) => VitalsLineResult::Refused { error },
    }
}

/// What a monitor would have said. Values that no living person has are left out and named.
fn read(line: &[u8]) -> Result<VitalsObserved, Refusal> {
    // The parser's own words would repeat what was sent.
    let line: VitalsLine = serde_json::from_slice(line)
        .map_err(|e| Refusal::invalid("line", format!("is no set of vital signs (column {})", e.column())))?;
    for (field, text) in [("id", &line.id), ("application", &line.application)] {
        if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
            return Err(Refusal::invalid(field, format!("must be 1 to {MAX_NAME} printable characters")));
        }
    }
    let mut vitals = line.vitals;
    if vitals.is_empty() {
        return Err(Refusal::invalid("vitals", "holds no value"));
    }
    let rejected = vitals
        .take_implausible()
        .into_iter()
        .map(|sign| RejectedObservation { code: sign.to_owned(), reason: RejectionReason::OutsidePhysiology });
    let source = MonitorSource {
        protocol: MonitorProtocol::Http,
        application: line.application,
        facility: String::new(),
        message_id: line.id,
    };
    Ok(VitalsObserved { source, taken_at: line.taken_at, rejected: rejected.collect(), vitals })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(vitals: &str) -> Result<VitalsObserved, Refusal> {
        let text =
            format!(r#"{{"id":"1","application":"app","taken_at":"2026-11-28T10:00:00Z","vitals":{{{vitals}}}}}"#);
        read(text.as_bytes())
    }

    #[test]
    fn what_no_living_person_has_is_left_out_and_named() {
        let observed = line(r#""heart_rate":999,"spo2":97"#).unwrap();
        assert_eq!((observed.vitals.heart_rate, observed.vitals.spo2), (None, Some(97.0)));
        assert_eq!(observed.rejected[0].code, "heart_rate");
        assert_eq!(observed.rejected[0].reason, RejectionReason::OutsidePhysiology);
    }

    #[test]
    fn a_refusal_does_not_repeat_what_was_sent() {
        for bad in [r#"{"id":"Maria Dias"#, r#"{"patient":"Maria Dias"}"#] {
            let error = read(bad.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("Maria"), "{error}");
        }
        assert!(line("").is_err(), "a set without a value says nothing");
    }
}
