//! Sending what a participant sends to one who watches.

use super::{
    ConnectionStats, Shared,
    connection::Ended,
    counting::{Counted, count_viewer},
    feed::Feed,
    outlet::Outlet,
    registry::Connection,
};
use crate::{
    forward::SourcePacket,
    peer::{CHECK_EVERY, Peer, PeerStatus, is_keyframe_request, said_goodbye},
    sdp::Offer,
};
use healthsync_events::{Refusal, SessionId};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Interval, MissedTickBehavior},
};
use webrtc::{
    media_stream::track_local::{TrackLocal, TrackLocalEvent, static_rtp::TrackLocalStaticRTP},
    peer_connection::RTCPeerConnectionState,
};

/// A viewer whom nothing was sent for this long may watch a session that is over: so often it is looked up.
const LOOK_UP_EVERY: Duration = Duration::from_secs(10);

type Queue = Receiver<Arc<SourcePacket>>;

/// What a connection that watches begins with.
pub(super) struct Watching {
    feed: Arc<Feed>,
    audio: Outlet,
    video: Option<Outlet>,
}

impl Watching {
    pub fn new(feed: Arc<Feed>, offer: &Offer) -> Self {
        Self { feed, audio: Outlet::audio(&offer.opus), video: Outlet::video(&offer.video) }
    }

    pub fn outlets(&self) -> impl Iterator<Item = &Outlet> {
        std::iter::once(&self.audio).chain(&self.video)
    }

    pub async fn run(self, peer: Peer, shared: &Shared, connection: &Connection) -> Ended {
        let _counted = Counted::watching();
        let mut check = tokio::time::interval(CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let began = Instant::now();
        let forwarding = Forwarding {
            requests: self.video.as_ref().map(|outlet| Arc::clone(&outlet.track)),
            work: self,
            connection,
            status: peer.status.clone(),
            began,
            queues: None,
            counted: ConnectionStats::default(),
            quiet_since: began,
            check,
        };
        forwarding.run(shared).await
    }
}

enum Happened {
    Stop,
    Status { is_over: bool },
    Audio(Result<Arc<SourcePacket>, RecvError>),
    Video(Result<Arc<SourcePacket>, RecvError>),
    Feedback(Option<TrackLocalEvent>),
    Overdue,
    Check,
}

struct Forwarding<'a> {
    work: Watching,
    connection: &'a Connection,
    status: watch::Receiver<PeerStatus>,
    began: Instant,
    /// Sound and pictures, once connected: what came before is of no use any more.
    queues: Option<(Queue, Queue)>,
    /// Where the viewer asks for keyframes.
    requests: Option<Arc<TrackLocalStaticRTP>>,
    counted: ConnectionStats,
    /// Since when nothing was sent, or looked up.
    quiet_since: Instant,
    check: Interval,
}

impl Forwarding<'_> {
    async fn run(mut self, shared: &Shared) -> Ended {
        let connect_by = self.began + shared.config.connect_timeout;
        loop {
            let ended = match self.next(connect_by).await {
                Happened::Stop => Some(Ended::Asked),
                Happened::Status { is_over } => self.status_changed(is_over),
                Happened::Audio(received) => self.audio(received).await,
                Happened::Video(received) => self.video(received).await,
                Happened::Feedback(event) => {
                    self.feedback(event);
                    None
                }
                Happened::Overdue => Some(Ended::NeverStarted),
                Happened::Check => self.look_around(shared).await,
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn next(&mut self, connect_by: Instant) -> Happened {
        let is_waiting = self.queues.is_none();
        let (audio, video) = match &mut self.queues {
            Some((audio, video)) => (Some(audio), self.work.video.as_ref().map(|_| video)),
            None => (None, None),
        };
        tokio::select! {
            biased;
            () = self.connection.stop.cancelled() => Happened::Stop,
            changed = self.status.changed() => Happened::Status { is_over: changed.is_err() },
            received = receive(audio) => Happened::Audio(received),
            event = feedback(self.requests.as_deref()) => Happened::Feedback(event),
            received = receive(video) => Happened::Video(received),
            () = tokio::time::sleep_until(connect_by.into()), if is_waiting => Happened::Overdue,
            _ = self.check.tick() => Happened::Check,
        }
    }

    fn status_changed(&mut self, is_over: bool) -> Option<Ended> {
        let state = self.status.borrow_and_update().state;
        if state == RTCPeerConnectionState::Connected && self.queues.is_none() {
            self.queues = Some((self.work.feed.audio(), self.work.feed.video()));
            self.want_keyframe();
        }
        Ended::of(state, is_over)
    }

    async fn audio(&mut self, received: Result<Arc<SourcePacket>, RecvError>) -> Option<Ended> {
        let packet = self.taken(received)?;
        let sent = self.work.audio.forward(&packet, self.began.elapsed()).await;
        self.count(sent)
    }

    async fn video(&mut self, received: Result<Arc<SourcePacket>, RecvError>) -> Option<Ended> {
        let is_gap = received.is_err();
        let Some(packet) = self.taken(received) else {
            if is_gap {
                self.want_keyframe();
            }
            return None;
        };
        let outlet = self.work.video.as_mut()?;
        let sent = outlet.forward(&packet, self.began.elapsed()).await;
        self.count(sent)
    }

    /// The packet, or nothing where some were missed: that is counted.
    fn taken(&mut self, received: Result<Arc<SourcePacket>, RecvError>) -> Option<Arc<SourcePacket>> {
        match received {
            Ok(packet) => Some(packet),
            Err(RecvError::Lagged(missed)) => {
                self.connection.count(|stats| stats.dropped += missed);
                None
            }
            // Not while the feed is held.
            Err(RecvError::Closed) => None,
        }
    }

    fn count(&mut self, sent: Result<bool, Ended>) -> Option<Ended> {
        let is_sent = match sent {
            Ok(is_sent) => is_sent,
            Err(ended) => return Some(ended),
        };
        self.quiet_since = Instant::now();
        self.connection.count(|stats| {
            let fate = if is_sent { &mut stats.sent } else { &mut stats.dropped };
            *fate += 1;
        });
        None
    }

    fn feedback(&mut self, event: Option<TrackLocalEvent>) {
        match event {
            Some(TrackLocalEvent::OnRtcpPacket(packets)) => {
                if packets.iter().any(|packet| is_keyframe_request(packet.as_ref())) {
                    self.connection.count(|stats| stats.keyframe_requests += 1);
                    self.want_keyframe();
                }
            }
            Some(_) => {}
            // Nothing more comes; the connection's state tells why.
            None => self.requests = None,
        }
    }

    fn want_keyframe(&self) {
        if self.work.video.is_some() {
            self.work.feed.want_keyframe();
        }
    }

    async fn look_around(&mut self, shared: &Shared) -> Option<Ended> {
        let stats = *self.connection.stats.lock().unwrap_or_else(PoisonError::into_inner);
        count_viewer(std::mem::replace(&mut self.counted, stats), stats);
        if self.quiet_since.elapsed() > LOOK_UP_EVERY {
            self.quiet_since = Instant::now();
            if is_over(shared, self.connection.session).await {
                return Some(Ended::Over);
            }
        }
        said_goodbye(&*self.connection.peer).await.then_some(Ended::PeerClosed)
    }
}

async fn is_over(shared: &Shared, session: SessionId) -> bool {
    let Some(sessions) = &shared.sessions else { return false };
    match sessions.summary(session).await {
        Ok(summary) => summary.ended,
        Err(refusal) => matches!(refusal, Refusal::UnknownSession | Refusal::SessionEnded),
    }
}

/// The next packet; never, where there is no queue.
async fn receive(queue: Option<&mut Queue>) -> Result<Arc<SourcePacket>, RecvError> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}

/// The next feedback; never, where there is no track.
async fn feedback(track: Option<&TrackLocalStaticRTP>) -> Option<TrackLocalEvent> {
    match track {
        Some(track) => track.poll().await,
        None => std::future::pending().await,
    }
}
