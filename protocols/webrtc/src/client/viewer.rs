//! Receives what a WHEP endpoint sends.

use super::{ClientError, Link};
use crate::{
    media::TrackReceiver,
    peer::{CHECK_EVERY, Peer, PeerStatus, said_goodbye},
    server::media_packet,
};
use bytes::Bytes;
use healthsync_events::AudioFrame;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use webrtc::{
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    peer_connection::{PeerConnection, RTCPeerConnectionState},
};

/// Packets waiting to be read: some seconds of sound and pictures. Further ones are dropped and counted.
const QUEUE: usize = 2_048;

/// An RTP packet as it arrived.
#[derive(Debug, Clone)]
pub struct RtpPacket {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Bytes,
    pub arrived: Instant,
}

#[derive(Debug, Clone)]
pub enum Received {
    Audio {
        packet: RtpPacket,
        /// What could be decoded with it, 16 kHz mono; contiguous.
        frames: Vec<AudioFrame>,
    },
    Video(RtpPacket),
}

/// A connected receiver.
pub struct Viewer {
    received: mpsc::Receiver<Received>,
    missed: Arc<AtomicU64>,
    keyframe: Arc<Notify>,
    stop: CancellationToken,
    ended: watch::Receiver<bool>,
    link: Link,
}

impl Viewer {
    pub(super) async fn start(peer: Peer, link: Link) -> Result<Self, ClientError> {
        let track = match TrackReceiver::new() {
            Ok(track) => track,
            Err(error) => {
                peer.connection.close().await?;
                return Err(error.into());
            }
        };
        let (sender, received) = mpsc::channel(QUEUE);
        let (ended_tx, ended) = watch::channel(false);
        let (stop, missed, keyframe) = (CancellationToken::new(), Arc::default(), Arc::new(Notify::new()));
        let reception = Reception {
            receiver: track,
            sender,
            missed: Arc::clone(&missed),
            keyframe: Arc::clone(&keyframe),
            stop: stop.clone(),
            began: Instant::now(),
            video_ssrc: None,
        };
        tokio::spawn(async move {
            let Peer { connection, status } = peer;
            reception.run(&*connection, status).await;
            if connection.close().await.is_err() {
                tracing::debug!("the peer connection did not close cleanly");
            }
            ended_tx.send_replace(true);
        });
        Ok(Self { received, missed, keyframe, stop, ended, link })
    }

    /// The next packet; nothing when the connection has ended.
    pub async fn next(&mut self) -> Option<Received> {
        self.received.recv().await
    }

    /// Packets that arrived and were not read in time.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Asks for a keyframe, once there has been video.
    pub fn request_keyframe(&self) {
        self.keyframe.notify_one();
    }

    pub fn is_connected(&self) -> bool {
        !*self.ended.borrow()
    }

    /// The network under it.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Says goodbye to the peer and waits until that is done.
    pub async fn close(self) {
        self.stop.cancel();
        // An error means that the task is gone, which is what is waited for.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Reception {
    receiver: TrackReceiver,
    sender: mpsc::Sender<Received>,
    missed: Arc<AtomicU64>,
    keyframe: Arc<Notify>,
    stop: CancellationToken,
    began: Instant,
    video_ssrc: Option<u32>,
}

impl Reception {
    async fn run(mut self, peer: &dyn PeerConnection, mut status: watch::Receiver<PeerStatus>) {
        let (mut audio, mut video) = (None, None);
        let mut check = tokio::time::interval(CHECK_EVERY);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        status.mark_changed();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                changed = status.changed() => {
                    let now = status.borrow_and_update().clone();
                    if changed.is_err()
                        || matches!(now.state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed)
                    {
                        return;
                    }
                    (audio, video) = (now.audio, now.video);
                }
                event = next(audio.as_deref()) => match event {
                    Some(TrackRemoteEvent::OnRtpPacket(packet)) => self.audio(packet),
                    Some(_) => {}
                    None => return,
                },
                event = next(video.as_deref()) => match event {
                    Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                        self.video_ssrc = Some(packet.header.ssrc);
                        self.give(Received::Video(rtp_packet(&packet)));
                    }
                    Some(_) => {}
                    None => return,
                },
                () = self.keyframe.notified(), if self.video_ssrc.is_some() => ask(video.as_deref(), self.video_ssrc).await,
                _ = check.tick() => if said_goodbye(peer).await {
                    return;
                },
            }
        }
    }

    fn audio(&mut self, packet: rtc::rtp::Packet) {
        let mut frames = Vec::new();
        let told = rtp_packet(&packet);
        self.receiver.receive(media_packet(packet), self.began.elapsed(), &mut frames);
        self.give(Received::Audio { packet: told, frames });
    }

    fn give(&self, received: Received) {
        if self.sender.try_send(received).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn ask(video: Option<&dyn TrackRemote>, ssrc: Option<u32>) {
    let (Some(track), Some(media_ssrc)) = (video, ssrc) else { return };
    let request = PictureLossIndication { sender_ssrc: 0, media_ssrc };
    if track.write_rtcp(vec![Box::new(request)]).await.is_err() {
        tracing::debug!("a keyframe could not be asked for");
    }
}

/// The next event of the track; never, before there is one.
async fn next(track: Option<&dyn TrackRemote>) -> Option<TrackRemoteEvent> {
    match track {
        Some(track) => track.poll().await,
        None => std::future::pending().await,
    }
}

fn rtp_packet(packet: &rtc::rtp::Packet) -> RtpPacket {
    let header = &packet.header;
    RtpPacket {
        ssrc: header.ssrc,
        payload_type: header.payload_type,
        sequence: header.sequence_number,
        timestamp: header.timestamp,
        marker: header.marker,
        payload: packet.payload.clone(),
        arrived: Instant::now(),
    }
}
