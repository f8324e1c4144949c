//! The connections there are.

use super::WhipResourceId;
use crate::sdp::{IceCredentials, MAX_CANDIDATES};
use healthsync_events::{ParticipantId, SessionId};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio_util::sync::CancellationToken;
use webrtc::peer_connection::PeerConnection;

/// What others need of a connection.
pub(super) struct Connection {
    pub resource: WhipResourceId,
    pub session: SessionId,
    pub participant: ParticipantId,
    pub etag: String,
    /// The client's, of the only ICE session there will be.
    pub ice: IceCredentials,
    pub peer: Arc<dyn PeerConnection>,
    /// Asks the connection to end.
    pub stop: CancellationToken,
    /// Says that it has.
    pub gone: CancellationToken,
    /// Remote candidates so far.
    pub candidates: AtomicUsize,
}

impl Connection {
    /// Counts further remote candidates, unless that made them too many.
    pub fn reserve_candidates(&self, count: usize) -> bool {
        let add = |candidates: usize| candidates.checked_add(count).filter(|total| *total <= MAX_CANDIDATES);
        self.candidates.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }
}

/// At most as many as the server has room for.
#[derive(Default)]
pub(super) struct Registry {
    connections: Mutex<HashMap<WhipResourceId, Arc<Connection>>>,
}

impl Registry {
    pub fn get(&self, resource: WhipResourceId) -> Option<Arc<Connection>> {
        self.lock().get(&resource).cloned()
    }

    pub fn of_session(&self, session: SessionId) -> Vec<Arc<Connection>> {
        self.lock().values().filter(|connection| connection.session == session).cloned().collect()
    }

    /// Enters a connection, and asks another one of the same participant to end.
    pub fn insert(&self, connection: Arc<Connection>) {
        let mut connections = self.lock();
        for other in connections.values() {
            if other.session == connection.session && other.participant == connection.participant {
                other.stop.cancel();
            }
        }
        connections.insert(connection.resource, connection);
    }

    pub fn remove(&self, resource: WhipResourceId) {
        self.lock().remove(&resource);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WhipResourceId, Arc<Connection>>> {
        // Nothing done under the lock leaves the map half changed.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
