//! The routes, over whatever holds the models.

use crate::{
    Error, HEADER_LENGTH, InferRequest, InferResponse, ModelMetadata, ServerMetadata, Token, infer, limits,
    metadata::{EXTENSIONS, IndexEntry},
};
use axum::{
    Json, Router,
    extract::{
        DefaultBodyLimit, FromRequestParts, RawPathParams, State,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderMap, HeaderValue, Request, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use std::sync::Arc;

/// What holds the models.
pub trait Repository: Send + Sync + 'static {
    /// Name and version of the server.
    fn server(&self) -> (&'static str, &'static str);

    /// Every model, in the order of the index.
    fn models(&self) -> Vec<Arc<ModelMetadata>>;

    fn model(&self, name: &str) -> Option<Arc<ModelMetadata>> {
        self.models().into_iter().find(|model| model.name == name)
    }

    /// Whether the model of this name is loaded.
    fn is_ready(&self, name: &str) -> bool;

    /// Asks a model that is ready, with inputs that fit its metadata. What it returns ends when its caller goes away.
    fn infer(&self, name: &str, request: InferRequest) -> impl Future<Output = Result<InferResponse, Error>> + Send;
}

/// The protocol's routes. Each of them needs the token.
pub fn router<R: Repository>(repository: Arc<R>, token: Token) -> Router {
    let mut router = Router::new()
        .route("/v2", get(server::<R>))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready::<R>))
        .route("/v2/repository/index", post(index::<R>));
    for model in ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"] {
        router = router
            .route(model, get(metadata::<R>))
            .route(&format!("{model}/ready"), get(model_ready::<R>))
            .route(&format!("{model}/config"), get(config::<R>))
            .route(&format!("{model}/infer"), post(infer_at::<R>));
    }
    router
        .fallback(|| async { Error::NotFound })
        .layer(DefaultBodyLimit::max(limits::MAX_BODY_BYTES))
        .layer(from_fn_with_state(token, let_in))
        .with_state(repository)
}

async fn let_in(State(token): State<Token>, request: Request<axum::body::Body>, next: Next) -> Response {
    if !token.admits(request.headers().get(header::AUTHORIZATION)) {
        return Error::Unauthorised.into_response();
    }
    next.run(request).await
}

/// The model that a path names.
struct Named(Arc<ModelMetadata>);

impl<R: Repository> FromRequestParts<Arc<R>> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, repository: &Arc<R>) -> Result<Self, Error> {
        let params = RawPathParams::from_request_parts(parts, repository).await.map_err(|_| Error::UnknownModel)?;
        let of = |key: &str| params.iter().find(|(name, _)| *name == key).map(|(_, value)| value);
        let model = of("name").and_then(|name| repository.model(name)).ok_or(Error::UnknownModel)?;
        match of("version") {
            Some(version) if !model.versions.iter().any(|one| one == version) => Err(Error::UnknownVersion),
            _ => Ok(Self(model)),
        }
    }
}

async fn live() {}

async fn ready<R: Repository>(State(repository): State<Arc<R>>) -> Result<(), Error> {
    let all = repository.models().iter().all(|model| repository.is_ready(&model.name));
    if all { Ok(()) } else { Err(Error::NotReady) }
}

async fn server<R: Repository>(State(repository): State<Arc<R>>) -> Json<ServerMetadata> {
    let (name, version) = repository.server();
    Json(ServerMetadata { name, version, extensions: EXTENSIONS.to_vec() })
}

async fn metadata<R: Repository>(State(_): State<Arc<R>>, Named(model): Named) -> Response {
    Json(&*model).into_response()
}

async fn config<R: Repository>(State(_): State<Arc<R>>, Named(model): Named) -> Json<serde_json::Value> {
    Json(model.config())
}

async fn model_ready<R: Repository>(State(repository): State<Arc<R>>, Named(model): Named) -> Result<(), Error> {
    if repository.is_ready(&model.name) { Ok(()) } else { Err(Error::NotReady) }
}

/// What a request for the index may say.
#[derive(Debug, Default, Deserialize)]
struct IndexRequest {
    /// Only models that are ready.
    #[serde(default)]
    ready: bool,
}

async fn index<R: Repository>(
    State(repository): State<Arc<R>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Vec<IndexEntry>>, Error> {
    let body = received(body)?;
    let asked: IndexRequest = if body.is_empty() { IndexRequest::default() } else { serde_json::from_slice(&body)? };
    let models = repository.models();
    let entries = models.iter().filter_map(|model| {
        let ready = repository.is_ready(&model.name);
        (ready || !asked.ready).then(|| IndexEntry::new(model, ready))
    });
    Ok(Json(entries.collect()))
}

async fn infer_at<R: Repository>(
    State(repository): State<Arc<R>>,
    Named(model): Named,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Error> {
    let coded = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if coded {
        return Err(Error::Unsupported("a compressed body"));
    }
    let length = headers.get(HEADER_LENGTH).map(|value| {
        let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        number.ok_or_else(|| Error::invalid("the length of the JSON is not a number"))
    });
    let request = infer::request(received(body)?, length.transpose()?)?;
    model.check(&request)?;
    let name = &model.name;
    if !repository.is_ready(name) {
        return Err(Error::NotReady);
    }
    let (id, outputs) = (request.id.clone(), request.outputs.clone());
    let mut response = repository.infer(name, request).await?;
    response.id = id;
    let encoded = infer::encode_response(&response, &outputs)?;
    let media = if encoded.header_length.is_some() { "application/octet-stream" } else { "application/json" };
    let mut answer = ([(header::CONTENT_TYPE, media)], encoded.body).into_response();
    if let Some(length) = encoded.header_length {
        answer.headers_mut().insert(HEADER_LENGTH, HeaderValue::from(length));
    }
    Ok(answer)
}

/// The body, unless it is too long or did not come whole.
fn received(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Error> {
    body.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Error::TooLarge { what: "the body", limit: limits::MAX_BODY_BYTES }
        }
        _ => Error::invalid("the body did not come whole"),
    })
}

#[cfg(test)]
mod tests;
