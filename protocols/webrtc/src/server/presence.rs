//! Tells a session what its participants send.

use super::{
    feed::{Feed, Sent},
    registry::Registry,
};
use healthsync_events::{
    EventBody, ParticipantId, SessionId, Sessions,
    consultation::{MediaChanged, Sending},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// For one event to become durable. A log that takes longer has troubles of its own, and media must not wait for it.
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);

/// Records `media.changed` for one connection of a participant.
pub(super) struct Presence {
    /// Nobody is told where there is none.
    pub sessions: Option<Arc<dyn Sessions>>,
    pub registry: Arc<Registry>,
    pub session: SessionId,
    pub participant: ParticipantId,
    pub feed: Arc<Feed>,
}

impl Presence {
    /// Records every change, until there will be no further one.
    pub async fn follow(&self, mut sent: watch::Receiver<Sent>) {
        while sent.changed().await.is_ok() {
            let now = *sent.borrow_and_update();
            let mut recorded = self.feed.recorded.lock().await;
            self.record(&mut recorded, now).await;
        }
    }

    /// Records that nothing is sent any more, unless a newer connection of the participant took over. To be called
    /// after this one has left the registry.
    pub async fn gone(&self) {
        // Under the lock: a newer connection either is in the registry by now, or records after this.
        let mut recorded = self.feed.recorded.lock().await;
        if !self.registry.has_publisher(self.session, &self.participant) {
            self.record(&mut recorded, Sent::default()).await;
        }
    }

    async fn record(&self, recorded: &mut Sent, now: Sent) {
        let Some(sessions) = &self.sessions else { return };
        if *recorded == now {
            return;
        }
        let sending = |is_on| if is_on { Sending::On } else { Sending::Off };
        let changed = MediaChanged {
            participant: self.participant.clone(),
            audio: sending(now.audio),
            video: sending(now.video),
        };
        let recording = sessions.record(self.session, EventBody::MediaChanged(changed));
        match tokio::time::timeout(RECORD_TIMEOUT, recording).await {
            Ok(Ok(_)) => *recorded = now,
            // A session that has ended takes no more.
            Ok(Err(refusal)) => tracing::debug!(session = %self.session, %refusal, "media.changed was not recorded"),
            Err(_) => tracing::warn!(session = %self.session, "media.changed was not recorded in time"),
        }
    }
}
