//! FHIR R4: the routes are the package's own; here they are described.
#![allow(dead_code, reason = "descriptions only: nobody calls them")]

/// What FHIR can be done here: the `CapabilityStatement`.
///
/// Errors under `/fhir` are `OperationOutcome`s. `POST /fhir` takes transactions and batches;
/// `/fhir/Subscription` topic-based subscriptions (R5 Backport).
#[utoipa::path(get, path = "/fhir/metadata", tag = "fhir",
    responses((status = 200, description = "CapabilityStatement", content_type = "application/fhir+json"),
              (status = 406, description = "OperationOutcome: only JSON is written")))]
pub fn metadata() {}

/// Records an Observation of the vital-signs profiles in its subject's open consultation.
#[utoipa::path(post, path = "/fhir/Observation", tag = "fhir",
    params(("If-None-Exist" = Option<String>, Header, description = "identifier=system|value"),
           ("Prefer" = Option<String>, Header, description = "return=minimal, representation or OperationOutcome")),
    request_body(content_type = "application/fhir+json", description = "Observation (R4), at most 256 KiB"),
    responses((status = 201, description = "Durable; Location names it"),
              (status = 200, description = "It was there; Location names it"),
              (status = 400, description = "Not FHIR JSON, or an impossible condition; nothing was kept"),
              (status = 412, description = "The condition finds more than one"),
              (status = 422, description = "Not used, and kept for a person to look at")))]
pub fn create() {}

/// Searches a consultation: also `/fhir/RiskAssessment` and `/fhir/DetectedIssue`.
///
/// `POST /fhir/Observation/_search` takes the same parameters as a form.
#[utoipa::path(get, path = "/fhir/Observation", tag = "fhir",
    params(("patient" = Option<String>, Query, description = "The patient's identifier"),
           ("encounter" = Option<String>, Query, description = "The session's UUID; this or patient is needed"),
           ("code" = Option<String>, Query, description = "LOINC codes, separated by commas"),
           ("category" = Option<String>, Query, description = "vital-signs: all there is"),
           ("date" = Option<String>, Query, description = "With eq, ne, gt, ge, lt, le, sa or eb"),
           ("_count" = Option<usize>, Query, description = "Up to 200; 50 when absent")),
    responses((status = 200, description = "Bundle, newest first, with a link to the next page"),
              (status = 400, description = "A parameter that is not understood")))]
pub fn search() {}

/// Subscribes to a topic: a channel of type `rest-hook` or `websocket`.
#[utoipa::path(post, path = "/fhir/Subscription", tag = "fhir",
    request_body(content_type = "application/fhir+json", description = "Subscription (R4, Backport profile)"),
    responses((status = 201, description = "Durable; Location names it"),
              (status = 422, description = "Not supported, or an endpoint that is not allowed"),
              (status = 429, description = "Too many subscriptions")))]
pub fn subscribe() {}
