//! WHIP over HTTP (RFC 9725, section 4.2).

use super::{AudioSender, ClientConfig, ClientError, OfferedPeer, Played};
use crate::sdp::SDP;
use healthsync_events::limits::MAX_SDP_BYTES;
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};
use std::time::Duration;

/// For a whole exchange with the endpoint.
const HTTP_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of a refusal's body kept for the error text.
const MAX_DETAIL: usize = 500;

/// A WHIP session: a connected track and the URL that ends it.
pub struct WhipClient {
    audio: AudioSender,
    http: reqwest::Client,
    session: Url,
    bearer: Option<String>,
}

impl WhipClient {
    /// Offers a track to the endpoint at `url`, without TLS, and waits for the connection. Silence goes out
    /// from then on.
    pub async fn connect(url: &str, config: ClientConfig) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().timeout(HTTP_TIMEOUT).build()?;
        let bearer = config.bearer.clone();
        let (peer, offer) = OfferedPeer::offer(config).await?;
        let request = authorised(http.post(url), bearer.as_deref()).header(header::CONTENT_TYPE, SDP).body(offer);
        let (session, answer) = match exchange(request).await {
            Ok(exchanged) => exchanged,
            Err(error) => {
                peer.close().await;
                return Err(error);
            }
        };
        match peer.answer(answer).await {
            Ok(audio) => Ok(Self { audio, http, session, bearer }),
            Err(error) => {
                // The endpoint would find out by itself; telling it is quicker.
                let _ = delete(&http, session, bearer.as_deref()).await;
                Err(error)
            }
        }
    }

    /// Queues a clip, mono, and waits until its last packet has gone out: see [`AudioSender::say`].
    pub async fn say(&self, samples: &[f32], sample_rate: u32) -> Result<Played, ClientError> {
        self.audio.say(samples, sample_rate).await
    }

    /// The track, to wait for its end or ask whether it is still connected.
    pub fn audio(&self) -> &AudioSender {
        &self.audio
    }

    /// The URL of the WHIP session.
    pub fn session_url(&self) -> &str {
        self.session.as_str()
    }

    /// Ends the session by DELETE. Without it the endpoint finds out from the peer connection's closing.
    pub async fn close(self) -> Result<(), ClientError> {
        let deleted = delete(&self.http, self.session, self.bearer.as_deref()).await;
        self.audio.close().await;
        deleted
    }
}

fn authorised(request: RequestBuilder, bearer: Option<&str>) -> RequestBuilder {
    match bearer {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// Posts the offer; gives the session's URL and the answer.
async fn exchange(request: RequestBuilder) -> Result<(Url, String), ClientError> {
    let response = request.send().await?;
    let status = response.status();
    if status != StatusCode::CREATED {
        return Err(refused(response).await);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let session = location.and_then(|location| response.url().join(location).ok());
    let session = session.ok_or(ClientError::Response("a Location"))?;
    let answer = text(response, MAX_SDP_BYTES).await?;
    Ok((session, answer))
}

async fn delete(http: &reqwest::Client, session: Url, bearer: Option<&str>) -> Result<(), ClientError> {
    let response = authorised(http.delete(session), bearer).send().await?;
    // A session that is gone already is as good as deleted.
    if response.status().is_success() || response.status() == StatusCode::NOT_FOUND {
        return Ok(());
    }
    Err(refused(response).await)
}

async fn refused(response: Response) -> ClientError {
    let status = response.status().as_u16();
    let detail = text(response, MAX_DETAIL).await.unwrap_or_default();
    ClientError::Refused { status, detail }
}

/// The first `limit` bytes of a body.
async fn text(mut response: Response, limit: usize) -> Result<String, ClientError> {
    let mut bytes = Vec::new();
    while bytes.len() < limit
        && let Some(chunk) = response.chunk().await?
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(limit - bytes.len())]);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
