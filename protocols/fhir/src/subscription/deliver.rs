//! One notification to one endpoint: a connection of its own, to the address as it was allowed and to no other:
//! redirects are not followed, proxies not used.

use super::allow::{Endpoint, Scheme};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use hyper_util::rt::TokioIo;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

/// Why a notification did not arrive. Texts hold neither address nor content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    #[error("the endpoint could not be reached")]
    Unreachable,
    #[error("the endpoint's certificate was not accepted")]
    Tls,
    #[error("the endpoint did not answer in time")]
    Timeout,
    #[error("the endpoint answered with status {0}")]
    Status(u16),
    #[error("the notification cannot be sent")]
    Request,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("{path} cannot be read as certificates in PEM: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("TLS cannot be used: {0}")]
    Tls(String),
}

/// Whose certificates endpoints may show.
#[derive(Clone)]
pub struct Authorities(Option<TlsConnector>);

impl Authorities {
    /// No endpoint speaks TLS.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Reads a file of certificates in PEM.
    pub fn read(path: &Path) -> Result<Self, AuthoritiesError> {
        let unreadable = |reason: String| AuthoritiesError::File { path: path.to_owned(), reason };
        let file = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        // Systems' own files hold some that no library takes: they are left out.
        let (taken, _) = roots.add_parsable_certificates(file.filter_map(Result::ok));
        if taken == 0 {
            return Err(unreadable("it holds none".into()));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let config = builder.map_err(|error| AuthoritiesError::Tls(error.to_string()))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(Some(TlsConnector::from(Arc::new(config)))))
    }
}

/// Carries notifications.
#[derive(Clone)]
pub struct Courier {
    pub authorities: Authorities,
    /// From the first packet to the answer.
    pub timeout: Duration,
}

impl Courier {
    /// Posts `body`; `Ok` when the endpoint answered with success.
    pub async fn post(
        &self,
        endpoint: &Endpoint,
        headers: &[(String, String)],
        body: String,
    ) -> Result<(), Undelivered> {
        let exchange = async {
            let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
            let stream = TcpStream::connect((host, endpoint.port)).await.map_err(|_| Undelivered::Unreachable)?;
            let _ = stream.set_nodelay(true);
            let request = request(endpoint, headers, body).ok_or(Undelivered::Request)?;
            match endpoint.scheme {
                Scheme::Http => exchange(stream, request).await,
                Scheme::Https => {
                    let connector = self.authorities.0.as_ref().ok_or(Undelivered::Tls)?;
                    let name = ServerName::try_from(host.to_owned()).map_err(|_| Undelivered::Tls)?;
                    let stream = connector.connect(name, stream).await.map_err(|_| Undelivered::Tls)?;
                    exchange(stream, request).await
                }
            }
        };
        let status = tokio::time::timeout(self.timeout, exchange).await.map_err(|_| Undelivered::Timeout)??;
        if status.is_success() { Ok(()) } else { Err(Undelivered::Status(status.as_u16())) }
    }
}

fn request(endpoint: &Endpoint, headers: &[(String, String)], body: String) -> Option<Request<Body>> {
    let default = match endpoint.scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    let host =
        if endpoint.port == default { endpoint.host.clone() } else { format!("{}:{}", endpoint.host, endpoint.port) };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.path.as_str())
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/fhir+json; charset=utf-8")
        .header(header::CONNECTION, "close");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        request = request.header(name, HeaderValue::from_str(value).ok()?);
    }
    request.body(Body::from(body)).ok()
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Body>,
) -> Result<StatusCode, Undelivered> {
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|_| Undelivered::Unreachable)?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    // An answer without a body ends the connection in the very step that brings it; what never came is an error there.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    answer.map(|answer| answer.status()).map_err(|_| Undelivered::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// What comes of a notification that is answered with `answer` before the connection is closed.
    async fn answered(answer: &'static str) -> Result<(), Undelivered> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"news") {
                assert!(stream.read_buf(&mut read).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let endpoint = Endpoint { scheme: Scheme::Http, host: "127.0.0.1".into(), port, path: "/hook".into() };
        let courier = Courier { authorities: Authorities::none(), timeout: Duration::from_secs(10) };
        let posted = courier.post(&endpoint, &[], "news".into()).await;
        server.await.unwrap();
        posted
    }

    #[tokio::test]
    async fn an_answer_counts_whether_it_has_a_body_or_not() {
        for _ in 0..20 {
            let none = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            assert_eq!(answered(none).await, Ok(()));
            let some = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfine";
            assert_eq!(answered(some).await, Ok(()));
            let refused = "HTTP/1.1 500 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            assert_eq!(answered(refused).await, Err(Undelivered::Status(500)));
        }
    }

    #[tokio::test]
    async fn a_connection_closed_without_an_answer_is_no_delivery() {
        assert_eq!(answered("").await, Err(Undelivered::Unreachable));
    }
}
