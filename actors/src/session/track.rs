//! Audio tracks: one participant's audio, cut into utterances and put into words.

mod actor;
mod finals;
mod recognise;
mod voice;

use self::actor::{AudioTrack, Close, Frame};
use super::cell::SessionCell;
use crate::supervise::Supervised;
use actix::dev::SendError;
use healthsync_events::{
    AudioFrame, AudioSink, AudioTrackSpec, EventBody, ParticipantId, Refusal,
    consultation::{Component, ParticipantJoined},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The tracks of a session, by participant: one each.
#[derive(Default)]
pub(crate) struct Tracks(Mutex<HashMap<ParticipantId, Supervised<AudioTrack>>>);

impl Tracks {
    /// Puts a track in the place of the participant's earlier one, which is handed back.
    fn replace(&self, participant: &ParticipantId, track: Supervised<AudioTrack>) -> Option<Supervised<AudioTrack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(participant.clone(), track)
    }

    /// Takes a finished track out. `true` if it was the participant's current one.
    fn remove(&self, participant: &ParticipantId, track: &Supervised<AudioTrack>) -> bool {
        let mut tracks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = tracks.get(participant).is_some_and(|t| t.is_same(track));
        if current {
            tracks.remove(participant);
        }
        current
    }

    fn all(&self) -> Vec<Supervised<AudioTrack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl SessionCell {
    pub(crate) async fn open_track(self: &Arc<Self>, spec: AudioTrackSpec) -> Result<Box<dyn AudioSink>, Refusal> {
        let joined = ParticipantJoined { participant: spec.participant.clone(), language: spec.language.clone() };
        self.record(EventBody::ParticipantJoined(joined)).await?;
        let participant = spec.participant.clone();
        let track = self.supervise(Component::AudioTrack, move |cell, lease| AudioTrack::new(cell, lease, &spec));
        if let Some(earlier) = self.tracks.replace(&participant, track.clone()) {
            self.close_track(earlier);
        }
        Ok(Box::new(TrackSink { cell: Arc::clone(self), participant, track }))
    }

    pub(super) fn close_tracks(self: &Arc<Self>) {
        for track in self.tracks.all() {
            self.close_track(track);
        }
    }

    fn close_track(&self, track: Supervised<AudioTrack>) {
        self.home.spawn(async move {
            // A track that is gone for good has nothing left to close.
            if let Ok(addr) = track.addr().await {
                let _ = addr.send(Close).await;
            }
        });
    }
}

/// The transport's end of a track.
struct TrackSink {
    cell: Arc<SessionCell>,
    participant: ParticipantId,
    track: Supervised<AudioTrack>,
}

impl AudioSink for TrackSink {
    fn push(&mut self, frame: AudioFrame) -> Result<(), Refusal> {
        let lives_on = || Refusal::Overloaded { queue: "audio track".into(), retry_after_ms: 20 };
        if self.cell.is_over() {
            return Err(Refusal::SessionEnded);
        }
        match self.track.addr_now().map(|addr| addr.try_send(Frame(frame))) {
            Some(Ok(())) => Ok(()),
            Some(Err(SendError::Full(_))) => Err(lives_on()),
            _ if self.track.is_over() => Err(Refusal::unavailable("audio track")),
            // It is being started again.
            _ => Err(lives_on()),
        }
    }
}

impl Drop for TrackSink {
    fn drop(&mut self) {
        let (cell, participant, track) = (Arc::clone(&self.cell), self.participant.clone(), self.track.clone());
        let home = cell.home.clone();
        home.spawn(async move {
            if let Ok(addr) = track.addr().await {
                let _ = addr.send(Close).await;
            }
            if cell.tracks.remove(&participant, &track) {
                let left = healthsync_events::consultation::ParticipantLeft { participant };
                // Refused when the session is over, which says the same.
                let _ = cell.record(EventBody::ParticipantLeft(left)).await;
            }
        });
    }
}
