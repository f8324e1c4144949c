//! WHIP over HTTP (RFC 9725, section 4.2).

use super::{AudioSender, ClientConfig, ClientError, OfferedPeer, Played, VideoSender, endpoint::Resource};

/// A WHIP session: connected tracks and the URL that ends them.
pub struct WhipClient {
    audio: AudioSender,
    resource: Resource,
}

impl WhipClient {
    /// Offers tracks to the endpoint at `url`, without TLS, and waits for the connection. Silence goes out
    /// from then on.
    pub async fn connect(url: &str, config: ClientConfig) -> Result<Self, ClientError> {
        let bearer = config.bearer.clone();
        let (peer, offer) = OfferedPeer::offer(config).await?;
        let (resource, answer) = match Resource::create(url, bearer, offer).await {
            Ok(created) => created,
            Err(error) => {
                peer.close().await;
                return Err(error);
            }
        };
        match peer.answer(answer).await {
            Ok(audio) => Ok(Self { audio, resource }),
            Err(error) => {
                // The endpoint would find out by itself; telling it is quicker.
                let _ = resource.delete().await;
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

    /// The video track, if there is one and the endpoint takes it.
    pub fn video(&self) -> Option<&VideoSender> {
        self.audio.video()
    }

    /// Moves to new sockets, as a device does that has changed networks. What is being said goes on.
    pub async fn restart_ice(&self) -> Result<(), ClientError> {
        self.resource.restart_ice(self.audio.link()).await
    }

    /// The URL of the WHIP session.
    pub fn session_url(&self) -> &str {
        self.resource.url.as_str()
    }

    /// Ends the session by DELETE. Without it the endpoint finds out from the peer connection's closing.
    pub async fn close(self) -> Result<(), ClientError> {
        let deleted = self.resource.delete().await;
        self.audio.close().await;
        deleted
    }
}
