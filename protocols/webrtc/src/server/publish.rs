//! Receiving what a participant sends: sound for recognition, and everything for those who watch.

use super::{
    WhipConfig,
    connection::Ended,
    counting::{Counted, count_media},
    feed::{Feed, Sent},
    presence::Presence,
    registry::Connection,
};
use crate::{
    forward::{Codec, KeyframeGate, SourceId, SourcePacket, VideoCodec},
    media::{MAX_PAYLOAD_BYTES, MediaPacket, MediaStats, TrackReceiver},
    peer::{CHECK_EVERY, Peer, PeerStatus, said_goodbye},
};
use healthsync_events::{AudioFrame, AudioSink, Refusal};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

/// What a connection that sends begins with.
pub(super) struct Publishing {
    pub sink: Box<dyn AudioSink>,
    /// RTP payload types that mean Opus.
    pub opus: Vec<u8>,
    /// RTP payload types that mean video.
    pub video: Vec<(u8, VideoCodec)>,
    pub feed: Arc<Feed>,
}

impl Publishing {
    pub async fn run(
        self,
        peer: Peer,
        config: &WhipConfig,
        connection: &Connection,
        presence: Option<&Presence>,
    ) -> Ended {
        let Ok(receiver) = TrackReceiver::new() else { return Ended::Failed };
        let _counted = Counted::sending();
        let (sent, sending) = watch::channel(Sent::default());
        let mut check = tokio::time::interval(CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let number = self.feed.next_connection();
        let ingest = Ingest {
            work: self,
            connection,
            number,
            status: peer.status.clone(),
            receiver,
            gate: KeyframeGate::default(),
            sent,
            began: Instant::now(),
            last_packet: None,
            audio: None,
            video: None,
            video_ssrc: None,
            counted: MediaStats::default(),
            check,
        };
        let follow = async {
            if let Some(presence) = presence {
                presence.follow(sending).await;
            }
        };
        let (ended, ()) = tokio::join!(ingest.run(config), follow);
        ended
    }
}

/// What a step of the loop waited for.
enum Happened {
    Stop,
    Status { is_over: bool },
    Audio(Option<TrackRemoteEvent>),
    Video(Option<TrackRemoteEvent>),
    KeyframeWanted,
    Timer,
    Check,
}

struct Ingest<'a> {
    work: Publishing,
    connection: &'a Connection,
    /// Which of the participant's connections this is.
    number: u64,
    status: watch::Receiver<PeerStatus>,
    receiver: TrackReceiver,
    gate: KeyframeGate,
    sent: watch::Sender<Sent>,
    began: Instant,
    last_packet: Option<Instant>,
    audio: Option<Arc<dyn TrackRemote>>,
    video: Option<Arc<dyn TrackRemote>>,
    /// Whom to ask for a keyframe.
    video_ssrc: Option<u32>,
    counted: MediaStats,
    check: Interval,
}

impl Ingest<'_> {
    async fn run(mut self, config: &WhipConfig) -> Ended {
        let mut frames = Vec::new();
        loop {
            let give_up = match self.last_packet {
                None => self.began + config.connect_timeout,
                Some(at) => at + config.idle_timeout,
            };
            let ended = match self.next(give_up).await {
                Happened::Stop => Some(Ended::Asked),
                Happened::Status { is_over } => self.status_changed(is_over),
                Happened::Audio(event) => self.audio_event(event, &mut frames),
                Happened::Video(event) => self.video_event(event),
                Happened::KeyframeWanted => {
                    self.gate.want();
                    None
                }
                Happened::Timer => self.time_passed(give_up, &mut frames),
                Happened::Check => self.look_around().await,
            };
            self.ask_for_keyframe().await;
            if !push(&mut *self.work.sink, &mut frames) {
                return Ended::SinkRefused;
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn next(&mut self, give_up: Instant) -> Happened {
        let decode = self.receiver.deadline();
        let ask = self.gate.due().filter(|_| self.video_ssrc.is_some());
        let timers = [decode, ask].into_iter().flatten().map(|at| self.began + at);
        let wake = timers.fold(give_up, Instant::min);
        tokio::select! {
            biased;
            () = self.connection.stop.cancelled() => Happened::Stop,
            changed = self.status.changed() => Happened::Status { is_over: changed.is_err() },
            event = next(self.audio.as_deref()) => Happened::Audio(event),
            event = next(self.video.as_deref()) => Happened::Video(event),
            () = self.work.feed.keyframe_wanted() => Happened::KeyframeWanted,
            () = tokio::time::sleep_until(wake.into()) => Happened::Timer,
            _ = self.check.tick() => Happened::Check,
        }
    }

    fn status_changed(&mut self, is_over: bool) -> Option<Ended> {
        let status = self.status.borrow_and_update();
        self.audio.clone_from(&status.audio);
        self.video.clone_from(&status.video);
        Ended::of(status.state, is_over)
    }

    fn audio_event(&mut self, event: Option<TrackRemoteEvent>, frames: &mut Vec<AudioFrame>) -> Option<Ended> {
        let packet = match event {
            Some(TrackRemoteEvent::OnRtpPacket(packet)) => packet,
            Some(TrackRemoteEvent::OnEnding | TrackRemoteEvent::OnEnded) | None => return Some(Ended::PeerClosed),
            Some(_) => return None,
        };
        if !self.work.opus.contains(&packet.header.payload_type) {
            return None;
        }
        self.note(|sent| sent.audio = true);
        self.pass_on(&packet, Codec::Opus);
        let arrived = self.began.elapsed();
        self.receiver.receive(media_packet(packet), arrived, frames);
        let media = self.receiver.stats();
        self.connection.count(|stats| stats.media = media);
        None
    }

    fn video_event(&mut self, event: Option<TrackRemoteEvent>) -> Option<Ended> {
        let packet = match event {
            Some(TrackRemoteEvent::OnRtpPacket(packet)) => packet,
            Some(TrackRemoteEvent::OnEnding | TrackRemoteEvent::OnEnded) | None => {
                // The sound may go on.
                self.video = None;
                self.sent.send_if_modified(|sent| std::mem::take(&mut sent.video));
                return None;
            }
            Some(_) => return None,
        };
        let format = self.work.video.iter().find(|(format, _)| *format == packet.header.payload_type);
        let (_, codec) = format.copied()?;
        self.note(|sent| sent.video = true);
        self.video_ssrc = Some(packet.header.ssrc);
        self.connection.count(|stats| stats.video += 1);
        self.pass_on(&packet, Codec::Video(codec));
        None
    }

    /// A packet came: what it belongs to is being sent.
    fn note(&mut self, set: impl FnOnce(&mut Sent)) {
        self.last_packet = Some(Instant::now());
        self.sent.send_if_modified(|sent| {
            let before = *sent;
            set(sent);
            *sent != before
        });
    }

    fn pass_on(&self, packet: &rtc::rtp::Packet, codec: Codec) {
        if packet.payload.len() > MAX_PAYLOAD_BYTES {
            return;
        }
        let header = &packet.header;
        self.work.feed.send(SourcePacket {
            source: SourceId { connection: self.number, ssrc: header.ssrc },
            codec,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload: packet.payload.clone(),
        });
    }

    fn time_passed(&mut self, give_up: Instant, frames: &mut Vec<AudioFrame>) -> Option<Ended> {
        if Instant::now() >= give_up {
            return Some(if self.last_packet.is_none() { Ended::NeverStarted } else { Ended::Idle });
        }
        self.receiver.poll(self.began.elapsed(), frames);
        None
    }

    async fn look_around(&mut self) -> Option<Ended> {
        let stats = self.receiver.stats();
        count_media(std::mem::replace(&mut self.counted, stats), stats);
        said_goodbye(&*self.connection.peer).await.then_some(Ended::PeerClosed)
    }

    /// Asks for a keyframe, if one is wanted, it is time, and there is somebody to ask.
    async fn ask_for_keyframe(&mut self) {
        let (Some(track), Some(ssrc)) = (&self.video, self.video_ssrc) else { return };
        if !self.gate.ask(self.began.elapsed()) {
            return;
        }
        let request = PictureLossIndication { sender_ssrc: 0, media_ssrc: ssrc };
        // A connection that is gone tells so by its state.
        if tokio::time::timeout(Duration::from_millis(100), track.write_rtcp(vec![Box::new(request)])).await.is_ok() {
            self.connection.count(|stats| stats.keyframe_requests += 1);
            metrics::counter!("healthsync_webrtc_keyframe_requests_total").increment(1);
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

pub(crate) fn media_packet(packet: rtc::rtp::Packet) -> MediaPacket {
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
