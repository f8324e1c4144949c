//! What one participant sends, for those who watch: there before the participant is, and while they are away.

use crate::forward::{Codec, SourcePacket};
use healthsync_events::{ParticipantId, SessionId};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Notify, broadcast};

/// Packets of sound that one who watches may be behind: 1.3 s at 20 ms a packet. Older ones would be too late for
/// any conversation.
const AUDIO_QUEUE: usize = 64;

/// Packets of pictures: over 2 s at 2 Mbit/s, and more than the largest keyframe takes.
const VIDEO_QUEUE: usize = 512;

/// Whether sound and pictures are sent, as last recorded in the session's log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub audio: bool,
    pub video: bool,
}

/// One participant's media. Sending never waits: who is behind by a whole queue misses the oldest packets, and nobody
/// else does.
pub(super) struct Feed {
    audio: broadcast::Sender<Arc<SourcePacket>>,
    video: broadcast::Sender<Arc<SourcePacket>>,
    keyframe: Notify,
    connections: AtomicU64,
    pub recorded: tokio::sync::Mutex<Sent>,
}

impl Feed {
    pub fn new() -> Self {
        Self {
            audio: broadcast::Sender::new(AUDIO_QUEUE),
            video: broadcast::Sender::new(VIDEO_QUEUE),
            keyframe: Notify::new(),
            connections: AtomicU64::new(0),
            recorded: tokio::sync::Mutex::default(),
        }
    }

    /// Number of a further connection of the participant: higher than all before.
    pub fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a packet to everybody who watches, if anybody does.
    pub fn send(&self, packet: SourcePacket) {
        let queue = if packet.codec == Codec::Opus { &self.audio } else { &self.video };
        // An error means that nobody watches.
        let _ = queue.send(Arc::new(packet));
    }

    pub fn audio(&self) -> broadcast::Receiver<Arc<SourcePacket>> {
        self.audio.subscribe()
    }

    pub fn video(&self) -> broadcast::Receiver<Arc<SourcePacket>> {
        self.video.subscribe()
    }

    /// Somebody who watches needs a keyframe. Many such wishes are one.
    pub fn want_keyframe(&self) {
        self.keyframe.notify_one();
    }

    /// Returns when somebody needs a keyframe, or has since this last returned.
    pub async fn keyframe_wanted(&self) {
        self.keyframe.notified().await;
    }
}

/// The feeds that somebody sends to or watches. Others are forgotten.
#[derive(Default)]
pub(super) struct Feeds(Mutex<HashMap<(SessionId, ParticipantId), Weak<Feed>>>);

impl Feeds {
    pub fn of(&self, session: SessionId, participant: &ParticipantId) -> Arc<Feed> {
        // Nothing done under the lock leaves the map half changed.
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&(session, participant.clone())).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(Feed::new());
        feeds.insert((session, participant.clone()), Arc::downgrade(&feed));
        feed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::SourceId;
    use bytes::Bytes;
    use tokio::sync::broadcast::error::TryRecvError;
    use uuid::Uuid;

    fn packet(sequence: u16) -> SourcePacket {
        let source = SourceId { connection: 0, ssrc: 1 };
        SourcePacket { source, codec: Codec::Opus, sequence, timestamp: 0, marker: false, payload: Bytes::new() }
    }

    #[test]
    fn one_who_does_not_read_misses_the_oldest_and_hurts_nobody() {
        let feed = Feed::new();
        let (mut slow, mut quick) = (feed.audio(), feed.audio());
        for i in 0..1_000 {
            feed.send(packet(i));
            assert_eq!(quick.try_recv().unwrap().sequence, i);
        }
        let Err(TryRecvError::Lagged(missed)) = slow.try_recv() else { panic!("it is not told") };
        assert_eq!(missed, 1_000 - AUDIO_QUEUE as u64);
        assert_eq!(u64::from(slow.try_recv().unwrap().sequence), missed);
    }

    #[test]
    fn a_feed_is_one_while_anybody_holds_it_and_forgotten_after() {
        let feeds = Feeds::default();
        let session = SessionId(Uuid::new_v4());
        let (patient, clinician) = ("patient".parse().unwrap(), "clinician".parse().unwrap());
        let feed = feeds.of(session, &patient);
        assert!(Arc::ptr_eq(&feed, &feeds.of(session, &patient)));
        assert!(!Arc::ptr_eq(&feed, &feeds.of(session, &clinician)));
        drop(feed);
        let _other = feeds.of(SessionId(Uuid::new_v4()), &patient);
        assert_eq!(feeds.0.lock().unwrap().len(), 1);
    }
}
