//! The HTTP that WHIP and WHEP share (RFC 9725, section 4).

use super::{ClientError, Link};
use crate::sdp::{SDP, TRICKLE};
use healthsync_events::limits::MAX_SDP_BYTES;
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};
use std::time::Duration;

/// For a whole exchange with the endpoint.
const HTTP_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of a refusal's body kept for the error text.
const MAX_DETAIL: usize = 500;

/// The resource that an endpoint made for a connection.
pub(super) struct Resource {
    http: reqwest::Client,
    pub url: Url,
    bearer: Option<String>,
}

impl Resource {
    /// Posts the offer; gives the resource and the answer.
    pub async fn create(url: &str, bearer: Option<String>, offer: String) -> Result<(Self, String), ClientError> {
        let http = reqwest::Client::builder().timeout(HTTP_TIMEOUT).build()?;
        let request = authorised(http.post(url), bearer.as_deref()).header(header::CONTENT_TYPE, SDP).body(offer);
        let response = request.send().await?;
        if response.status() != StatusCode::CREATED {
            return Err(refused(response).await);
        }
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| response.url().join(location).ok());
        let url = url.ok_or(ClientError::Response("a Location"))?;
        let answer = text(response, MAX_SDP_BYTES).await?;
        Ok((Self { http, url, bearer }, answer))
    }

    /// Moves the connection to new sockets.
    pub async fn restart_ice(&self, link: &Link) -> Result<(), ClientError> {
        let fragment = link.restart().await?;
        let request = authorised(self.http.patch(self.url.clone()), self.bearer.as_deref());
        let request = request.header(header::CONTENT_TYPE, TRICKLE).header(header::IF_MATCH, "\"*\"").body(fragment);
        let response = request.send().await?;
        if response.status() != StatusCode::OK {
            return Err(refused(response).await);
        }
        link.restarted(&text(response, MAX_SDP_BYTES).await?).await
    }

    pub async fn delete(self) -> Result<(), ClientError> {
        let response = authorised(self.http.delete(self.url), self.bearer.as_deref()).send().await?;
        // A session that is gone already is as good as deleted.
        if response.status().is_success() || response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refused(response).await)
    }
}

fn authorised(request: RequestBuilder, bearer: Option<&str>) -> RequestBuilder {
    match bearer {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
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
