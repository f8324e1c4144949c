//! WHEP over HTTP (draft-ietf-wish-whep).

use super::{ClientConfig, ClientError, OfferedViewer, Received, Viewer, endpoint::Resource};

/// A WHEP session: what is received, and the URL that ends it.
pub struct WhepClient {
    viewer: Viewer,
    resource: Resource,
}

impl WhepClient {
    /// Offers to receive from the endpoint at `url`, without TLS, and waits for the connection. Video is asked for
    /// where the configuration has any.
    pub async fn connect(url: &str, config: ClientConfig) -> Result<Self, ClientError> {
        let bearer = config.bearer.clone();
        let (peer, offer) = OfferedViewer::offer(config).await?;
        let (resource, answer) = match Resource::create(url, bearer, offer).await {
            Ok(created) => created,
            Err(error) => {
                peer.close().await;
                return Err(error);
            }
        };
        match peer.answer(answer).await {
            Ok(viewer) => Ok(Self { viewer, resource }),
            Err(error) => {
                // The endpoint would find out by itself; telling it is quicker.
                let _ = resource.delete().await;
                Err(error)
            }
        }
    }

    /// The next packet; nothing when the connection has ended.
    pub async fn next(&mut self) -> Option<Received> {
        self.viewer.next().await
    }

    /// The connection itself.
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Moves to new sockets, as a device does that has changed networks.
    pub async fn restart_ice(&self) -> Result<(), ClientError> {
        self.resource.restart_ice(self.viewer.link()).await
    }

    /// The URL of the WHEP session.
    pub fn session_url(&self) -> &str {
        self.resource.url.as_str()
    }

    /// Ends the session by DELETE.
    pub async fn close(self) -> Result<(), ClientError> {
        let deleted = self.resource.delete().await;
        self.viewer.close().await;
        deleted
    }
}
