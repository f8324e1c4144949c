//! One connection: its task, from the offer to the end.

use super::{
    WhipConfig, WhipResourceId,
    registry::{Connection, Registry},
};
use crate::{
    error::WhipError,
    media::{MediaPacket, MediaStats, TrackReceiver},
    peer::{CHECK_EVERY, Peer, PeerStatus, said_goodbye},
    sdp::{Offer, finish_answer, has_candidate},
};
use futures_util::FutureExt;
use healthsync_events::{AudioFrame, AudioSink, ParticipantId, Refusal, SessionId};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio_util::sync::CancellationToken;
use webrtc::{
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    peer_connection::{PeerConnection, RTCPeerConnectionState, RTCSessionDescription},
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};

/// To make an answer, candidates included. It needs no network.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything that a connection's task begins with.
pub(super) struct Opening {
    pub resource: WhipResourceId,
    pub session: SessionId,
    pub participant: ParticipantId,
    pub etag: String,
    pub offer: Offer,
    pub sink: Box<dyn AudioSink>,
    pub addresses: Vec<SocketAddr>,
    pub config: WhipConfig,
    pub registry: Arc<Registry>,
    pub stop: CancellationToken,
    /// Given back last.
    pub permit: OwnedSemaphorePermit,
    /// Takes the answer.
    pub answered: oneshot::Sender<Result<String, WhipError>>,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// DELETE, the end of the session, a newer connection of the participant, or shutdown.
    Asked,
    /// The peer closed it.
    PeerClosed,
    /// ICE or DTLS failed, or consent was lost.
    Failed,
    /// No first packet in time.
    NeverStarted,
    /// No further packet in time.
    Idle,
    /// The sink takes no more.
    SinkRefused,
}

impl Ended {
    fn label(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::PeerClosed => "peer_closed",
            Self::Failed => "failed",
            Self::NeverStarted => "never_started",
            Self::Idle => "idle",
            Self::SinkRefused => "sink_refused",
        }
    }
}

impl Opening {
    /// Lives as long as the connection. Whatever happens in between, a panic of the media stack included, the
    /// peer connection is closed and the sink dropped.
    pub async fn run(self) {
        let Self { resource, session, participant, etag, offer, sink, addresses, config, .. } = self;
        let Self { registry, stop, permit, answered, .. } = self;
        let Ok(peer) = Peer::bind(addresses).await else {
            // The caller may have gone meanwhile; then nobody is to be told.
            let _ = answered.send(Err(WhipError::Failed("no UDP socket could be bound")));
            return;
        };
        let connection = Arc::new(Connection {
            resource,
            session,
            participant,
            etag,
            ice: offer.ice.clone(),
            peer: Arc::clone(&peer.connection),
            stop: stop.clone(),
            gone: CancellationToken::new(),
            candidates: AtomicUsize::new(offer.candidates),
        });
        let receiving = Receiving { opus: offer.opus.clone(), status: peer.status.clone(), sink, config, stop };
        let life = live(peer, &offer, receiving, answered, &registry, Arc::clone(&connection));
        let ended = AssertUnwindSafe(life).catch_unwind().await;
        registry.remove(resource);
        if connection.peer.close().await.is_err() {
            tracing::debug!(%resource, "the peer connection did not close cleanly");
        }
        drop(permit);
        connection.gone.cancel();
        match ended {
            Ok(Some(ended)) => {
                metrics::counter!("healthsync_webrtc_ended_total", "reason" => ended.label()).increment(1);
                tracing::info!(%resource, reason = ended.label(), "audio connection ended");
            }
            Ok(None) => tracing::debug!(%resource, "offer not answered"),
            Err(_) => {
                metrics::counter!("healthsync_webrtc_ended_total", "reason" => "panic").increment(1);
                tracing::error!(%resource, "the media stack panicked; the connection is closed");
            }
        }
    }
}

/// Negotiates and then receives. `None` when there was no answer to give, or nobody to take it.
async fn live(
    mut peer: Peer,
    offer: &Offer,
    receiving: Receiving,
    answered: oneshot::Sender<Result<String, WhipError>>,
    registry: &Registry,
    connection: Arc<Connection>,
) -> Option<Ended> {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, negotiate(&mut peer, offer, &receiving.config)).await;
    let answer = answer.unwrap_or(Err(WhipError::Failed("gathering candidates took too long")));
    let is_ok = answer.is_ok();
    if is_ok {
        // Before the answer is out: its receiver may trickle or delete at once.
        registry.insert(connection);
    }
    if answered.send(answer).is_err() || !is_ok {
        return None;
    }
    Some(receiving.run(&*peer.connection).await)
}

async fn negotiate(peer: &mut Peer, offer: &Offer, config: &WhipConfig) -> Result<String, WhipError> {
    const FAILED: WhipError = WhipError::Failed("no answer could be made");
    let malformed = |_| WhipError::Malformed("the media stack cannot read it");
    let connection = Arc::clone(&peer.connection);
    let receive_only = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Recvonly,
        streams: vec![],
        send_encodings: vec![],
    };
    connection.add_transceiver_from_kind(RtpCodecKind::Audio, Some(receive_only)).await.map_err(|_| FAILED)?;
    let description = RTCSessionDescription::offer(offer.sdp.clone()).map_err(malformed)?;
    connection.set_remote_description(description).await.map_err(malformed)?;
    let answer = connection.create_answer(None).await.map_err(|_| FAILED)?;
    connection.set_local_description(answer).await.map_err(|_| FAILED)?;
    let answer = peer.gathered_description().await.ok_or(FAILED)?;
    if !has_candidate(&answer) {
        return Err(WhipError::Failed("no address to receive on"));
    }
    Ok(finish_answer(&answer, &config.advertise))
}

/// The part of a connection after its answer.
struct Receiving {
    opus: Vec<u8>,
    status: watch::Receiver<PeerStatus>,
    sink: Box<dyn AudioSink>,
    config: WhipConfig,
    stop: CancellationToken,
}

impl Receiving {
    async fn run(mut self, peer: &dyn PeerConnection) -> Ended {
        let Ok(mut receiver) = TrackReceiver::new() else { return Ended::Failed };
        let _counted = Counted::new();
        self.receive(peer, &mut receiver).await
    }

    async fn receive(&mut self, peer: &dyn PeerConnection, receiver: &mut TrackReceiver) -> Ended {
        let began = Instant::now();
        let mut last_packet = None;
        let mut track = None;
        let mut frames = Vec::new();
        let mut counted = MediaStats::default();
        let mut check = tokio::time::interval(CHECK_EVERY);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let give_up = match last_packet {
                None => began + self.config.connect_timeout,
                Some(at) => at + self.config.idle_timeout,
            };
            let wake = receiver.deadline().map_or(give_up, |deadline| give_up.min(began + deadline));
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ended::Asked,
                changed = self.status.changed() => {
                    let status = self.status.borrow_and_update().clone();
                    match status.state {
                        RTCPeerConnectionState::Failed => return Ended::Failed,
                        RTCPeerConnectionState::Closed => return Ended::PeerClosed,
                        _ if changed.is_err() => return Ended::Failed,
                        _ => track = status.track,
                    }
                }
                event = next(track.as_deref()) => match event {
                    Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                        if !self.opus.contains(&packet.header.payload_type) {
                            continue;
                        }
                        let now = Instant::now();
                        last_packet = Some(now);
                        receiver.receive(media_packet(packet), now - began, &mut frames);
                    }
                    Some(TrackRemoteEvent::OnEnding | TrackRemoteEvent::OnEnded) | None => return Ended::PeerClosed,
                    Some(_) => {}
                },
                () = tokio::time::sleep_until(wake.into()) => {
                    let now = Instant::now();
                    if now >= give_up {
                        return if last_packet.is_none() { Ended::NeverStarted } else { Ended::Idle };
                    }
                    receiver.poll(now - began, &mut frames);
                }
                _ = check.tick() => {
                    count(std::mem::replace(&mut counted, receiver.stats()), receiver.stats());
                    if said_goodbye(peer).await {
                        return Ended::PeerClosed;
                    }
                }
            }
            if !push(&mut *self.sink, &mut frames) {
                return Ended::SinkRefused;
            }
        }
    }
}

/// The next event of the track; never, before there is one.
async fn next(track: Option<&dyn TrackRemote>) -> Option<TrackRemoteEvent> {
    match track {
        Some(track) => track.poll().await,
        None => std::future::pending().await,
    }
}

fn media_packet(packet: rtc::rtp::Packet) -> MediaPacket {
    MediaPacket {
        ssrc: packet.header.ssrc,
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        payload: packet.payload,
    }
}

/// Hands the frames on. `false` when the sink takes no more.
fn push(sink: &mut dyn AudioSink, frames: &mut Vec<AudioFrame>) -> bool {
    for frame in frames.drain(..) {
        match sink.push(frame) {
            Ok(()) => {}
            Err(Refusal::Overloaded { .. }) => metrics::counter!("healthsync_webrtc_frames_dropped_total").increment(1),
            Err(_) => return false,
        }
    }
    true
}

/// Adds to the metrics what happened between two counts.
fn count(before: MediaStats, after: MediaStats) {
    let packets = |fate: &'static str, of: fn(&MediaStats) -> u64| {
        metrics::counter!("healthsync_webrtc_packets_total", "fate" => fate).increment(of(&after) - of(&before));
    };
    packets("received", |stats| stats.packets);
    packets("late", |stats| stats.late);
    packets("duplicate", |stats| stats.duplicate);
    packets("invalid", |stats| stats.invalid);
    packets("ahead", |stats| stats.ahead);
    packets("lost", |stats| stats.lost);
    let samples = |how: &'static str, of: fn(&MediaStats) -> u64| {
        metrics::counter!("healthsync_webrtc_filled_samples_total", "how" => how).increment(of(&after) - of(&before));
    };
    samples("recovered", |stats| stats.recovered_samples);
    samples("concealed", |stats| stats.concealed_samples);
    samples("silent", |stats| stats.silent_samples);
}

/// Counts a connection while it lives.
struct Counted(metrics::Gauge);

impl Counted {
    fn new() -> Self {
        let gauge = metrics::gauge!("healthsync_webrtc_connections");
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
