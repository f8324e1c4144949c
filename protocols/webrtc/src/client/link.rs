//! The network under a connection, and how it is changed.

use super::ClientError;
use crate::{
    peer::{Peer, PeerStatus, gathered_description},
    sdp::{Fragment, restarted},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, watch};
use webrtc::peer_connection::{PeerConnection, RTCSessionDescription};

/// To gather candidates. It needs no network.
const GATHER_TIMEOUT: Duration = Duration::from_secs(5);

/// Restarts ICE on new sockets, as a device does that has changed networks (RFC 9725, section 4.3.3).
pub struct Link {
    connection: Arc<dyn PeerConnection>,
    status: watch::Receiver<PeerStatus>,
    /// As it stands.
    answer: Mutex<String>,
}

impl Link {
    pub(super) fn new(peer: &Peer, answer: String) -> Self {
        Self { connection: Arc::clone(&peer.connection), status: peer.status.clone(), answer: Mutex::new(answer) }
    }

    /// Begins a restart: gives the body of the PATCH to send, with `If-Match: "*"`.
    pub async fn restart(&self) -> Result<String, ClientError> {
        let mut status = self.status.clone();
        let before = status.borrow().gathered;
        self.connection.restart_ice().await?;
        let offer = self.connection.create_offer(None).await?;
        self.connection.set_local_description(offer).await?;
        let gathering = gathered_description(&*self.connection, &mut status, before);
        let offer = tokio::time::timeout(GATHER_TIMEOUT, gathering).await;
        let offer =
            offer.map_err(|_| ClientError::Timeout("gathering candidates"))?.ok_or(ClientError::Disconnected)?;
        Ok(Fragment::of(&offer)?.to_text())
    }

    /// Completes a restart with the body of the answer to the PATCH.
    pub async fn restarted(&self, fragment: &str) -> Result<(), ClientError> {
        let mut answer = self.answer.lock().await;
        let changed = restarted(&answer, &Fragment::parse(fragment)?);
        self.connection.set_remote_description(RTCSessionDescription::answer(changed.clone())?).await?;
        *answer = changed;
        Ok(())
    }
}
