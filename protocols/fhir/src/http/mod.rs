//! The routes under `/fhir`.

mod negotiate;
mod reply;

use crate::{
    bundle, capability,
    issue::{Code, Failure, Issue, outcome},
    json,
    limits::{MAX_BUNDLE_BYTES, MAX_FORM_BYTES, MAX_RESOURCE_BYTES},
    observation::subject::alone,
    query,
    resource::{Id, Kind},
    search::Search,
    service::Service,
    subscription::{Content, serve_socket},
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
    routing::{any, get, post},
};
use healthsync_events::{Refusal, Timestamp};
use negotiate::{Preferences, Return, content_type, form_type, preferences};
use reply::Reply;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Sockets open at a time.
const MAX_SOCKETS: usize = 64;

/// Bytes of notifications that may wait in a socket's own buffer.
const WRITE_BUFFER: usize = 1024 * 1024;

/// What handlers share.
pub struct Door {
    pub service: Service,
    /// Address of `/fhir` as clients know it; what `Host` says when absent.
    pub base_url: Option<String>,
    pub started: Timestamp,
    /// Cancelled when the server begins to shut down.
    pub shutdown: CancellationToken,
    sockets: Arc<Semaphore>,
}

impl Door {
    pub fn new(service: Service, base_url: Option<String>, started: Timestamp, shutdown: CancellationToken) -> Self {
        Self { service, base_url, started, shutdown, sockets: Arc::new(Semaphore::new(MAX_SOCKETS)) }
    }

    fn base(&self, headers: &HeaderMap) -> String {
        if let Some(base) = &self.base_url {
            return base.trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let plain =
            |host: &&str| host.len() <= 255 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
        format!("http://{}/fhir", host.filter(plain).unwrap_or("localhost"))
    }
}

type Shared = State<Arc<Door>>;

pub fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/fhir", post(process))
        .route("/fhir/", post(process))
        .route("/fhir/metadata", get(metadata))
        .route("/fhir/Observation", get(search_observations).post(create_observation))
        .route("/fhir/Observation/_search", post(search_observations_by_form))
        .route("/fhir/Observation/{id}", get(read_observation))
        .route("/fhir/RiskAssessment", get(search_risks))
        .route("/fhir/RiskAssessment/_search", post(search_risks_by_form))
        .route("/fhir/RiskAssessment/{id}", get(read_risk))
        .route("/fhir/DetectedIssue", get(search_issues))
        .route("/fhir/DetectedIssue/_search", post(search_issues_by_form))
        .route("/fhir/DetectedIssue/{id}", get(read_issue))
        .route("/fhir/Subscription", get(subscriptions).post(subscribe))
        .route("/fhir/Subscription/{id}", get(subscription).delete(unsubscribe))
        .route("/fhir/Subscription/{id}/$status", get(status).post(status))
        .route("/fhir/Subscription/{id}/$events", get(events))
        .route("/fhir/Subscription/{id}/$get-ws-binding-token", get(token).post(token))
        .route("/fhir/ws", get(websocket))
        .method_not_allowed_fallback(not_allowed)
        .route("/fhir/{*rest}", any(unknown))
        .with_state(door)
}

async fn not_allowed() -> Response {
    Failure::new(405, Issue::error(Code::NotSupported, "the resource is not changed in this way")).into_response()
}

async fn unknown() -> Response {
    Failure::new(404, Issue::error(Code::NotSupported, "there is no such resource type or operation here"))
        .into_response()
}

async fn metadata(State(door): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Reply, Failure> {
    preferences(&headers, query.as_deref().unwrap_or_default())?;
    let rest_hook = door.service.subscriptions.has_endpoints();
    Ok(Reply::ok(capability::statement(&door.base(&headers), &door.started.to_string(), rest_hook)))
}

async fn bytes(body: Body, limit: usize) -> Result<Bytes, Failure> {
    let too_long = |_| Failure::new(413, Issue::error(Code::TooLong, format!("the body exceeds {limit} bytes")));
    to_bytes(body, limit).await.map_err(too_long)
}

/// The body as a resource of this type.
async fn resource(headers: &HeaderMap, body: Body, limit: usize, kind: &str) -> Result<Value, Failure> {
    content_type(headers)?;
    let resource = json::read(&bytes(body, limit).await?)?;
    if resource.get("resourceType").and_then(Value::as_str) != Some(kind) {
        return Err(Failure::new(400, Issue::error(Code::Value, format!("the body is no {kind}"))));
    }
    Ok(resource)
}

async fn process(
    State(door): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Reply, Failure> {
    preferences(&headers, query.as_deref().unwrap_or_default())?;
    let bundle = resource(&headers, body, MAX_BUNDLE_BYTES, "Bundle").await?;
    Ok(Reply::ok(bundle::process(&door.service, &bundle, &door.base(&headers)).await?))
}

async fn create_observation(
    State(door): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Reply, Failure> {
    let Preferences { answer, .. } = preferences(&headers, query.as_deref().unwrap_or_default())?;
    let condition = match headers.get("if-none-exist") {
        Some(condition) => Some(bundle::condition(condition.to_str().unwrap_or_default())?),
        None => None,
    };
    let observation = resource(&headers, body, MAX_RESOURCE_BYTES, "Observation").await?;
    let created = door.service.create(&observation, &alone, condition.as_ref()).await?;
    let address = format!("{}/Observation/{}", door.base(&headers), created.id);
    let reply = Reply::made(address, created.repeated, &created.resource);
    Ok(match answer {
        Return::Representation => reply.with(created.resource),
        Return::Outcome => reply.with(outcome(&created.warnings)),
        // What could not be used of it is told, whatever was preferred.
        Return::Minimal if !created.warnings.is_empty() => reply.with(outcome(&created.warnings)),
        Return::Minimal => reply,
    })
}

async fn read(door: &Door, kind: Kind, id: &str, headers: &HeaderMap, query: Option<&str>) -> Result<Reply, Failure> {
    preferences(headers, query.unwrap_or_default())?;
    let id: Id = id.parse().map_err(|()| Failure::not_found("there is no such resource"))?;
    Ok(Reply::resource(door.service.read(kind, id).await?))
}

async fn search(door: &Door, kind: Kind, headers: &HeaderMap, query: Option<&str>) -> Result<Reply, Failure> {
    let query = query.unwrap_or_default();
    let Preferences { lenient, .. } = preferences(headers, query)?;
    let search = Search::read(kind, &query::pairs(query), lenient)?;
    Ok(Reply::ok(door.service.search(&search, &door.base(headers)).await?))
}

/// A search whose parameters are in the body, so that no log of addresses holds whom they name; those in the address
/// count as well.
async fn search_by_form(
    door: &Door,
    kind: Kind,
    headers: &HeaderMap,
    query: Option<&str>,
    body: Body,
) -> Result<Reply, Failure> {
    form_type(headers)?;
    let form = bytes(body, MAX_FORM_BYTES).await?;
    let all = format!("{}&{}", query.unwrap_or_default(), String::from_utf8_lossy(&form));
    search(door, kind, headers, Some(&all)).await
}

macro_rules! of_kind {
    ($read:ident, $search:ident, $by_form:ident, $kind:expr) => {
        async fn $read(
            State(door): Shared,
            Path(id): Path<String>,
            headers: HeaderMap,
            RawQuery(query): RawQuery,
        ) -> Result<Reply, Failure> {
            read(&door, $kind, &id, &headers, query.as_deref()).await
        }

        async fn $search(State(door): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Reply, Failure> {
            search(&door, $kind, &headers, query.as_deref()).await
        }

        async fn $by_form(
            State(door): Shared,
            headers: HeaderMap,
            RawQuery(query): RawQuery,
            body: Body,
        ) -> Result<Reply, Failure> {
            search_by_form(&door, $kind, &headers, query.as_deref(), body).await
        }
    };
}

of_kind!(read_observation, search_observations, search_observations_by_form, Kind::Observation);
of_kind!(read_risk, search_risks, search_risks_by_form, Kind::RiskAssessment);
of_kind!(read_issue, search_issues, search_issues_by_form, Kind::DetectedIssue);

async fn subscribe(State(door): Shared, headers: HeaderMap, body: Body) -> Result<Reply, Failure> {
    let Preferences { answer, .. } = preferences(&headers, "")?;
    let asked = resource(&headers, body, MAX_RESOURCE_BYTES, "Subscription").await?;
    let base = door.base(&headers);
    let made = door.service.subscriptions.create(&asked, &base).await?;
    let address = format!("{base}/Subscription/{}", made.get("id").and_then(Value::as_str).unwrap_or_default());
    let reply = Reply::made(address, false, &made);
    Ok(if answer == Return::Outcome { reply.with(outcome(&[])) } else { reply.with(made) })
}

async fn subscriptions(State(door): Shared, headers: HeaderMap) -> Result<Reply, Failure> {
    preferences(&headers, "")?;
    Ok(Reply::ok(door.service.subscriptions.list(&door.base(&headers))))
}

async fn subscription(State(door): Shared, Path(id): Path<String>, headers: HeaderMap) -> Result<Reply, Failure> {
    preferences(&headers, "")?;
    Ok(Reply::resource(door.service.subscriptions.read(&id)?))
}

async fn unsubscribe(State(door): Shared, Path(id): Path<String>) -> Result<Reply, Failure> {
    door.service.subscriptions.delete(&id).await?;
    Ok(Reply::empty(204))
}

async fn status(State(door): Shared, Path(id): Path<String>) -> Result<Reply, Failure> {
    Ok(Reply::ok(door.service.subscriptions.status(&id)?))
}

async fn events(State(door): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Result<Reply, Failure> {
    let pairs = query::pairs(query.as_deref().unwrap_or_default());
    let asked = |name: &str| pairs.iter().find(|(own, _)| own == name).map(|(_, text)| text.as_str());
    let refuse = |what: &'static str| Failure::new(400, Issue::error(Code::Value, what));
    let number = |name: &str, otherwise: u64| -> Result<u64, Failure> {
        let Some(text) = asked(name) else { return Ok(otherwise) };
        text.parse().map_err(|_| refuse("an event's number is a number"))
    };
    let (since, until) = (number("eventsSinceNumber", 1)?, number("eventsUntilNumber", u64::MAX)?);
    let content = match asked("content") {
        Some(name) => Some(Content::named(name).ok_or_else(|| refuse("content is empty, id-only or full-resource"))?),
        None => None,
    };
    Ok(Reply::ok(door.service.subscriptions.events(&id, since, until, content).await?))
}

async fn token(State(door): Shared, Path(id): Path<String>, headers: HeaderMap) -> Result<Reply, Failure> {
    // http becomes ws, https wss.
    let websocket = format!("{}/ws", door.base(&headers).replacen("http", "ws", 1));
    Ok(Reply::ok(door.service.subscriptions.token(&id, &websocket)?))
}

async fn websocket(
    State(door): Shared,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let no_socket = |_| Failure::new(400, Issue::error(Code::Structure, "this address is for WebSockets"));
    let upgrade = upgrade.map_err(no_socket)?;
    let full = |_| Failure::from(Refusal::Overloaded { queue: "FHIR WebSockets".into(), retry_after_ms: 5_000 });
    let place = Arc::clone(&door.sockets).try_acquire_owned().map_err(full)?;
    let (subscriptions, shutdown) = (Arc::clone(&door.service.subscriptions), door.shutdown.clone());
    let limited = upgrade
        .max_message_size(crate::subscription::MAX_COMMAND)
        .max_frame_size(crate::subscription::MAX_COMMAND)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER);
    Ok(limited.on_upgrade(move |socket| async move {
        serve_socket(socket, subscriptions, shutdown).await;
        drop(place);
    }))
}
