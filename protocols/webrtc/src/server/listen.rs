//! Sending the interpreter's voice to one who listens.

use super::{
    ConnectionStats, WhipConfig,
    connection::Ended,
    counting::{Counted, count_viewer},
    outlet::{Numbers, Outlet},
    registry::Connection,
};
use crate::{
    forward::{Codec, SpeechPacer},
    peer::{CHECK_EVERY, Peer, PeerStatus, said_goodbye},
    sdp::Offer,
};
use futures_util::StreamExt;
use healthsync_events::{SpeechStream, speech::SpeechFrame};
use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};
use uuid::Uuid;
use webrtc::peer_connection::RTCPeerConnectionState;

/// What a connection that listens begins with.
pub(super) struct Listening {
    speech: SpeechStream,
    pub outlet: Outlet,
}

impl Listening {
    pub fn new(speech: SpeechStream, offer: &Offer) -> Self {
        Self { speech, outlet: Outlet::audio(&offer.opus) }
    }

    pub async fn run(self, peer: Peer, config: &WhipConfig, connection: &Connection) -> Ended {
        let _counted = Counted::watching();
        let mut check = tokio::time::interval(CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (origin, sequence, ..) = Uuid::new_v4().as_fields();
        let voice = Voice {
            work: self,
            connection,
            status: peer.status.clone(),
            began: Instant::now(),
            is_connected: false,
            pacer: SpeechPacer::new(origin),
            sequence,
            counted: ConnectionStats::default(),
            check,
        };
        voice.run(config).await
    }
}

enum Happened {
    Stop,
    Status { is_over: bool },
    Frame(Option<Arc<SpeechFrame>>),
    Due,
    Overdue,
    Check,
}

struct Voice<'a> {
    work: Listening,
    connection: &'a Connection,
    status: watch::Receiver<PeerStatus>,
    began: Instant,
    is_connected: bool,
    pacer: SpeechPacer,
    sequence: u16,
    counted: ConnectionStats,
    check: Interval,
}

impl Voice<'_> {
    async fn run(mut self, config: &WhipConfig) -> Ended {
        let connect_by = self.began + config.connect_timeout;
        loop {
            let ended = match self.next(connect_by).await {
                Happened::Stop => Some(Ended::Asked),
                Happened::Status { is_over } => self.status_changed(is_over),
                Happened::Frame(Some(frame)) => {
                    // What is said before anybody can hear it is gone.
                    if self.is_connected {
                        self.pacer.push(&frame);
                    }
                    None
                }
                Happened::Frame(None) => Some(Ended::Over),
                Happened::Due => self.send().await,
                Happened::Overdue => Some(Ended::NeverStarted),
                Happened::Check => self.look_around().await,
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn next(&mut self, connect_by: Instant) -> Happened {
        let due = self.pacer.due().map(|at| self.began + at);
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.connection.stop.cancelled() => Happened::Stop,
            changed = self.status.changed() => Happened::Status { is_over: changed.is_err() },
            // Before the next packet, because a frame may take it back.
            frame = self.work.speech.next() => Happened::Frame(frame),
            () = wait => Happened::Due,
            () = tokio::time::sleep_until(connect_by.into()), if !self.is_connected => Happened::Overdue,
            _ = self.check.tick() => Happened::Check,
        }
    }

    fn status_changed(&mut self, is_over: bool) -> Option<Ended> {
        let state = self.status.borrow_and_update().state;
        self.is_connected |= state == RTCPeerConnectionState::Connected;
        Ended::of(state, is_over)
    }

    async fn send(&mut self) -> Option<Ended> {
        let packet = self.pacer.pop(self.began.elapsed())?;
        let numbers = Numbers { sequence: self.sequence, timestamp: packet.timestamp, marker: packet.marker };
        self.sequence = self.sequence.wrapping_add(1);
        let sent = self.work.outlet.send(Codec::Opus, numbers, packet.payload).await;
        let dropped = self.pacer.dropped();
        self.connection.count(|stats| {
            stats.sent += 1;
            stats.dropped = dropped;
        });
        sent.err()
    }

    async fn look_around(&mut self) -> Option<Ended> {
        let stats = *self.connection.stats.lock().unwrap_or_else(PoisonError::into_inner);
        count_viewer(std::mem::replace(&mut self.counted, stats), stats);
        said_goodbye(&*self.connection.peer).await.then_some(Ended::PeerClosed)
    }
}
