use super::*;
use crate::{Datatype, InferRequest, Requested, Tensor, TensorMetadata, infer::encode_request};
use axum::{
    body::{Body, to_bytes},
    http::{Method, StatusCode},
};
use tower::ServiceExt as _;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Two models: one that doubles its input, and one that is not loaded.
struct Doubler;

fn describe(name: &str) -> Arc<ModelMetadata> {
    let tensor = |name| vec![TensorMetadata::new(name, Datatype::Fp32, &[-1])];
    Arc::new(ModelMetadata {
        name: name.into(),
        versions: vec!["3".into()],
        platform: "test".into(),
        inputs: tensor("X"),
        outputs: tensor("Y"),
    })
}

impl Repository for Doubler {
    fn server(&self) -> (&'static str, &'static str) {
        ("test", "0")
    }

    fn models(&self) -> Vec<Arc<ModelMetadata>> {
        vec![describe("double"), describe("absent")]
    }

    fn is_ready(&self, name: &str) -> bool {
        name == "double"
    }

    async fn infer(&self, name: &str, request: InferRequest) -> Result<InferResponse, Error> {
        let doubled: Vec<f32> = request.inputs[0].as_floats()?.iter().map(|x| x * 2.0).collect();
        let outputs = vec![Tensor::floats("Y", &doubled)];
        Ok(InferResponse { model_name: name.into(), model_version: "3".into(), outputs, ..InferResponse::default() })
    }
}

async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let router = router(Arc::new(Doubler), Token::new(SECRET).unwrap());
    let response = router.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, to_bytes(response.into_body(), usize::MAX).await.unwrap())
}

fn request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    let authorized = format!("Bearer {SECRET}");
    Request::builder().method(method).uri(path).header("authorization", authorized).body(body.into()).unwrap()
}

async fn ask(method: Method, path: &str, body: impl Into<Body>) -> (StatusCode, String) {
    let (status, _, body) = send(request(method, path, body)).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn nothing_is_answered_without_the_token() {
    for (method, path) in [
        (Method::GET, "/v2/health/live"),
        (Method::GET, "/v2"),
        (Method::POST, "/v2/models/double/infer"),
        (Method::GET, "/nothing"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (status, headers, body) = send(request).await;
        assert_eq!((status, &headers["www-authenticate"]), (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap()));
        assert_eq!(body, r#"{"error":"a bearer token is needed"}"#);
    }
}

#[tokio::test]
async fn models_are_found_by_name_and_by_version() {
    let status = async |path: &str| ask(Method::GET, path, Body::empty()).await.0;
    assert_eq!(status("/v2/models/double").await, StatusCode::OK);
    assert_eq!(status("/v2/models/double/versions/3/config").await, StatusCode::OK);
    assert_eq!(status("/v2/models/double/versions/4").await, StatusCode::NOT_FOUND);
    assert_eq!(status("/v2/models/none/ready").await, StatusCode::NOT_FOUND);
    assert_eq!(status("/v2/models/double/ready").await, StatusCode::OK);
    assert_eq!(status("/v2/models/absent/ready").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status("/v2/health/ready").await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn the_index_has_every_model_or_those_that_are_ready() {
    let (_, all) = ask(Method::POST, "/v2/repository/index", Body::empty()).await;
    assert!(all.contains(r#""name":"double","version":"3","state":"READY""#) && all.contains("UNAVAILABLE"), "{all}");
    let (_, ready) = ask(Method::POST, "/v2/repository/index", r#"{"ready":true}"#).await;
    assert!(ready.contains("double") && !ready.contains("absent"), "{ready}");
}

#[tokio::test]
async fn an_answer_comes_in_the_form_that_was_asked_for() {
    let json = r#"{"id":"a","inputs":[{"name":"X","shape":[2],"datatype":"FP32","data":[1,2.5]}]}"#;
    let (status, answer) = ask(Method::POST, "/v2/models/double/infer", json).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer.contains(r#""id":"a""#) && answer.contains(r#""data":[2.0,5.0]"#), "{answer}");

    let outputs = Requested { binary: true, named: Vec::new() };
    let asked = InferRequest { id: None, inputs: vec![Tensor::floats("X", &[1.0, 2.5])], outputs };
    let encoded = encode_request(&asked, true).unwrap();
    let mut request = request(Method::POST, "/v2/models/double/versions/3/infer", encoded.body);
    request.headers_mut().insert(HEADER_LENGTH, encoded.header_length.unwrap().into());
    let (status, headers, body) = send(request).await;
    assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &"application/octet-stream".parse().unwrap()));
    let length = headers[HEADER_LENGTH].to_str().unwrap().parse().unwrap();
    assert_eq!(infer::response(body, Some(length)).unwrap().outputs, [Tensor::floats("Y", &[2.0, 5.0])]);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_a_reason() {
    let infer = async |json: &'static str| ask(Method::POST, "/v2/models/double/infer", json).await;
    let (status, body) = infer(r#"{"inputs":[{"name":"X","shape":[1],"datatype":"INT8","data":[1]}]}"#).await;
    assert_eq!((status, body.as_str()), (StatusCode::BAD_REQUEST, r#"{"error":"the input X is FP32, not INT8"}"#));
    assert_eq!(infer("{").await.0, StatusCode::BAD_REQUEST);
    let huge = vec![b' '; limits::MAX_BODY_BYTES + 1];
    assert_eq!(ask(Method::POST, "/v2/models/double/infer", huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let absent = r#"{"inputs":[{"name":"X","shape":[1],"datatype":"FP32","data":[1]}]}"#;
    assert_eq!(ask(Method::POST, "/v2/models/absent/infer", absent).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let mut coded = request(Method::POST, "/v2/models/double/infer", "x");
    coded.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(send(coded).await.0, StatusCode::NOT_IMPLEMENTED);
    let mut lying = request(Method::POST, "/v2/models/double/infer", "{}");
    lying.headers_mut().insert(HEADER_LENGTH, "-1".parse().unwrap());
    assert_eq!(send(lying).await.0, StatusCode::BAD_REQUEST);
}
