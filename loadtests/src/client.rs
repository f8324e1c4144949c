//! The REST and event-stream client.

use futures_util::{SinkExt, StreamExt};
use healthsync_events::{
    Event, ImageId, NewSession, SessionId, SessionSummary,
    envelope::{StreamCommand, StreamNotice},
    speech::SpeechFrame,
    ward::WardSnapshot,
};
use serde::Deserialize;
use std::{future::ready, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, Utf8Bytes},
};

/// How long any single answer may take. Starting a session on a busy machine takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long loading a model may take.
const LOADING: Duration = Duration::from_mins(5);

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the server at {0} cannot be reached: start it with `healthsync serve`")]
    Unreachable(String),
    #[error("the server did not become ready: {0}")]
    NotReady(String),
    #[error("{what} was answered with {status}: {body}")]
    Status { what: &'static str, status: u16, body: String },
    #[error("{what} failed: {reason}")]
    Failed { what: &'static str, reason: String },
}

impl ClientError {
    pub(crate) fn failed(what: &'static str) -> impl FnOnce(String) -> Self {
        move |reason| Self::Failed { what, reason }
    }
}

#[derive(Debug, Deserialize)]
struct Uploaded {
    image: ImageId,
}

/// Talks to a server's HTTP door.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base: String,
    http: reqwest::Client,
}

impl ApiClient {
    /// `base` is for example `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build();
        let http = http.map_err(|e| ClientError::Failed { what: "the HTTP client", reason: e.to_string() })?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http })
    }

    pub fn whip_url(&self, session: SessionId, participant: &str, language: &str) -> String {
        format!("{}/api/v1/sessions/{session}/whip?participant={participant}&language={language}", self.base)
    }

    /// Waits until the server says that it is ready: its models take some seconds to load.
    pub async fn wait_until_ready(&self, limit: Duration) -> Result<(), ClientError> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut last = ClientError::Unreachable(self.base.clone());
        while tokio::time::Instant::now() < deadline {
            match self.http.get(format!("{}/readyz", self.base)).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => {
                    let body = response.text().await.unwrap_or_default();
                    if body.contains("\"failure\"") {
                        return Err(ClientError::NotReady(body));
                    }
                    last = ClientError::NotReady(body);
                }
                Err(_) => last = ClientError::Unreachable(self.base.clone()),
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Err(last)
    }

    pub async fn create_session(&self, new: &NewSession) -> Result<SessionSummary, ClientError> {
        let request = self.http.post(format!("{}/api/v1/sessions", self.base)).json(new);
        json("starting a session", request).await
    }

    pub async fn end_session(&self, session: SessionId) -> Result<(), ClientError> {
        let request = self.http.post(format!("{}/api/v1/sessions/{session}/end", self.base));
        json::<serde_json::Value>("ending the session", request).await.map(|_| ())
    }

    pub async fn upload_image(&self, session: SessionId, bytes: Vec<u8>) -> Result<ImageId, ClientError> {
        let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(bytes));
        let request = self.http.post(format!("{}/api/v1/sessions/{session}/images", self.base)).multipart(form);
        Ok(json::<Uploaded>("uploading an image", request).await?.image)
    }

    /// What the server counts, in the Prometheus text format.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        text("reading metrics", self.http.get(format!("{}/metrics", self.base))).await
    }

    /// What is at a path of the server, as JSON.
    pub async fn get<T: serde::de::DeserializeOwned>(&self, what: &'static str, path: &str) -> Result<T, ClientError> {
        json(what, self.http.get(format!("{}{path}", self.base))).await
    }

    /// Changes what is at a path, and returns what it is then, as JSON.
    pub async fn patch<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        path: &str,
        change: &serde_json::Value,
    ) -> Result<T, ClientError> {
        json(what, self.http.patch(format!("{}{path}", self.base)).json(change)).await
    }

    /// Asks for something to be done, and returns what the server says. It may take as long as loading a model does.
    pub async fn ask(&self, what: &'static str, path: &str) -> Result<String, ClientError> {
        text(what, self.http.post(format!("{}{path}", self.base)).timeout(LOADING)).await
    }

    /// A document of the session as Markdown: `transcript` or `report`.
    pub async fn markdown(&self, session: SessionId, document: &str) -> Result<String, ClientError> {
        let url = format!("{}/api/v1/sessions/{session}/{document}", self.base);
        text("reading a document", self.http.get(url).header("accept", "text/markdown")).await
    }

    /// Follows the session's events from `from`, and speech in `speech` if asked.
    pub async fn follow(&self, session: SessionId, from: u64, speech: Option<&str>) -> Result<Stream, ClientError> {
        let speech = speech.map(|language| format!("&speech={language}")).unwrap_or_default();
        let path = format!("/api/v1/sessions/{session}/events?from={from}{speech}");
        Ok(Stream { socket: self.socket("following events", &path).await? })
    }
}

impl ApiClient {
    /// Opens the door that takes a session's waveforms.
    pub async fn waveform_source(
        &self,
        session: SessionId,
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, ClientError> {
        self.socket("sending waveforms", &format!("/api/v1/sessions/{session}/waveforms?direction=send")).await
    }

    /// Opens a WebSocket of the server by its path and query.
    pub async fn socket(
        &self,
        what: &'static str,
        path: &str,
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, ClientError> {
        let url = format!("{}{path}", self.base.replacen("http", "ws", 1));
        let (socket, _) = connect_async(url).await.map_err(|e| ClientError::failed(what)(e.to_string()))?;
        Ok(socket)
    }

    /// Every open session at a glance.
    pub async fn ward(&self) -> Result<WardSnapshot, ClientError> {
        json("reading the ward", self.http.get(format!("{}/api/v1/ward", self.base))).await
    }
}

async fn text(what: &'static str, request: reqwest::RequestBuilder) -> Result<String, ClientError> {
    let failed = |e: reqwest::Error| ClientError::Failed { what, reason: e.to_string() };
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let body = response.text().await.map_err(failed)?;
    if !status.is_success() {
        return Err(ClientError::Status { what, status: status.as_u16(), body });
    }
    Ok(body)
}

async fn json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    request: reqwest::RequestBuilder,
) -> Result<T, ClientError> {
    let body = text(what, request).await?;
    serde_json::from_str(&body).map_err(|e| ClientError::Failed { what, reason: e.to_string() })
}

/// What comes in on an event stream.
#[derive(Debug)]
pub enum Incoming {
    Event(Box<Event>),
    Notice(StreamNotice),
    Speech(SpeechFrame),
}

/// An open event stream.
pub struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stream {
    /// The next thing; `None` when the server has closed the stream.
    pub async fn next(&mut self) -> Result<Option<Incoming>, ClientError> {
        loop {
            let Some(message) = self.socket.next().await else { return Ok(None) };
            let bad = ClientError::failed("reading events");
            match message {
                Ok(Message::Text(text)) => return decode(text.as_str()).map(Some),
                Ok(Message::Binary(bytes)) => {
                    let frame = SpeechFrame::decode(&bytes).map_err(|e| bad(e.to_string()))?;
                    return Ok(Some(Incoming::Speech(frame)));
                }
                Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return Ok(None),
                Ok(_) => {}
                Err(error) => return Err(bad(error.to_string())),
            }
        }
    }

    /// Only the texts, unread: for whoever counts rather than understands. It ends when the server closes the stream.
    pub fn into_texts(self) -> impl futures_util::Stream<Item = Result<Utf8Bytes, ClientError>> + Unpin + Send {
        self.socket.filter_map(|message| {
            ready(match message {
                Ok(Message::Text(text)) => Some(Ok(text)),
                Ok(_) | Err(tungstenite::Error::ConnectionClosed) => None,
                Err(error) => Some(Err(ClientError::failed("reading events")(error.to_string()))),
            })
        })
    }

    pub async fn send(&mut self, command: &StreamCommand) -> Result<(), ClientError> {
        let text = serde_json::to_string(command).map_err(|e| ClientError::failed("a command")(e.to_string()))?;
        let sent = self.socket.send(Message::text(text)).await;
        sent.map_err(|e| ClientError::failed("sending a command")(e.to_string()))
    }
}

fn decode(text: &str) -> Result<Incoming, ClientError> {
    let bad = |e: serde_json::Error| ClientError::failed("reading events")(e.to_string());
    let value: serde_json::Value = serde_json::from_str(text).map_err(bad)?;
    if value.get("notice").is_some() {
        return serde_json::from_value(value).map(Incoming::Notice).map_err(bad);
    }
    serde_json::from_value(value).map(|event| Incoming::Event(Box::new(event))).map_err(bad)
}
