//! The connections there are.

use super::{ConnectionStats, WhipResourceId, ice::IceSession};
use crate::{error::WhipError, peer::PeerStatus, sdp::MAX_CANDIDATES};
use healthsync_events::{ParticipantId, SessionId, limits::MAX_PARTICIPANTS};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use webrtc::peer_connection::PeerConnection;

type Connections = HashMap<WhipResourceId, Arc<Connection>>;

/// Connections that ended last and are still known by name. A DELETE that comes after the goodbye of its own
/// connection is behind it by milliseconds; 1,024 connections do not end in that time.
const MAX_ENDED: usize = 1_024;

/// Which side of the media a connection is on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Publisher(ParticipantId),
    Viewer,
}

/// What others need of a connection.
pub(super) struct Connection {
    pub resource: WhipResourceId,
    pub session: SessionId,
    pub role: Role,
    pub peer: Arc<dyn PeerConnection>,
    pub status: watch::Receiver<PeerStatus>,
    /// Held for as long as it takes to change it.
    pub ice: tokio::sync::Mutex<IceSession>,
    /// Asks the connection to end.
    pub stop: CancellationToken,
    /// Says that it has.
    pub gone: CancellationToken,
    /// Remote candidates so far, in this ICE session.
    pub candidates: AtomicUsize,
    pub stats: Mutex<ConnectionStats>,
}

impl Connection {
    /// Counts further remote candidates, unless that made them too many.
    pub fn reserve_candidates(&self, count: usize) -> bool {
        let add = |candidates: usize| candidates.checked_add(count).filter(|total| *total <= MAX_CANDIDATES);
        self.candidates.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    pub fn count(&self, change: impl FnOnce(&mut ConnectionStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// At most as many as the server has room for.
#[derive(Default)]
pub(super) struct Registry {
    connections: Mutex<Connections>,
    ended: Mutex<VecDeque<WhipResourceId>>,
}

impl Registry {
    pub fn get(&self, resource: WhipResourceId) -> Option<Arc<Connection>> {
        self.lock().get(&resource).cloned()
    }

    pub fn of_session(&self, session: SessionId) -> Vec<Arc<Connection>> {
        self.lock().values().filter(|connection| connection.session == session).cloned().collect()
    }

    /// Whether a session has a place for one more of this role. A participant's newer connection takes the place of
    /// their older one.
    pub fn check(&self, session: SessionId, role: &Role, max_viewers: usize) -> Result<(), WhipError> {
        check(&self.lock(), session, role, max_viewers)
    }

    /// Enters a connection, if there is a place for it, and asks another one of the same participant to end.
    pub fn insert(&self, connection: Arc<Connection>, max_viewers: usize) -> Result<(), WhipError> {
        let mut connections = self.lock();
        check(&connections, connection.session, &connection.role, max_viewers)?;
        if connection.role != Role::Viewer {
            let older = connections.values().filter(|other| other.session == connection.session);
            older.filter(|other| other.role == connection.role).for_each(|other| other.stop.cancel());
        }
        connections.insert(connection.resource, connection);
        Ok(())
    }

    /// A connection has ended.
    pub fn remove(&self, resource: WhipResourceId) {
        let mut connections = self.lock();
        if connections.remove(&resource).is_none() {
            return;
        }
        // Still under the lock of the map: at no time is it in neither.
        let mut ended = self.lock_ended();
        if ended.len() >= MAX_ENDED {
            ended.pop_front();
        }
        ended.push_back(resource);
    }

    /// Whether a connection that is not there any more has been, not long ago.
    pub fn has_ended(&self, resource: WhipResourceId) -> bool {
        self.lock_ended().contains(&resource)
    }

    /// Whether a participant has a connection to send with.
    pub fn has_publisher(&self, session: SessionId, participant: &ParticipantId) -> bool {
        let is_theirs = |role: &Role| matches!(role, Role::Publisher(of) if of == participant);
        self.lock().values().any(|connection| connection.session == session && is_theirs(&connection.role))
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        // Nothing done under the lock leaves the map half changed.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_ended(&self) -> MutexGuard<'_, VecDeque<WhipResourceId>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(connections: &Connections, session: SessionId, role: &Role, max_viewers: usize) -> Result<(), WhipError> {
    let others = connections.values().filter(|other| other.session == session).map(|other| &other.role);
    let full = match role {
        Role::Viewer => {
            let is_full = others.filter(|other| **other == Role::Viewer).count() >= max_viewers;
            is_full.then_some("places for viewers of the session")
        }
        Role::Publisher(_) => {
            let participants: HashSet<_> = others.filter(|other| **other != Role::Viewer && *other != role).collect();
            (participants.len() >= MAX_PARTICIPANTS).then_some("places for participants of the session")
        }
    };
    full.map_or(Ok(()), |what| Err(WhipError::full(what)))
}
