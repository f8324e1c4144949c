//! One translation's turn to be spoken: waits while somebody else may be speaking, within a bound.

use super::floor::{Floor, Verdict};
use crate::clock::Pace;
use healthsync_events::{ParticipantId, Seq};
use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// How long in all a translation waits for others. Recognition shows the first words of an utterance within two
/// seconds, so a sound without words by then is no speech that matters; and a sentence that waited longer than this
/// for somebody who is speaking belongs to a conversation that has gone on.
pub(super) const MAX_HOLD: Duration = Duration::from_secs(3);

/// How far ahead of what is heard frames are sent: a network's jitter, and all that is still heard after an
/// interruption.
pub(super) const LEAD: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Speak.
    Clear,
    /// Somebody else speaks.
    Taken,
}

pub(super) struct Waiting {
    floor: watch::Receiver<Floor>,
    speaker: ParticipantId,
    /// The event since which the translation is there.
    since: Seq,
    pace: Pace,
    left: Duration,
    /// When the frame after the one sent last will be heard.
    next_heard: Option<Instant>,
    /// Nobody tells of the floor any more.
    deaf: bool,
}

impl Waiting {
    pub(super) fn new(floor: watch::Receiver<Floor>, speaker: ParticipantId, since: Seq, pace: Pace) -> Self {
        Self { floor, speaker, since, pace, left: MAX_HOLD, next_heard: None, deaf: false }
    }

    fn verdict(&mut self) -> Verdict {
        if self.deaf {
            return Verdict::Clear;
        }
        self.floor.borrow_and_update().verdict(&self.speaker, self.since)
    }

    /// Whether somebody else has taken the turn already.
    pub(super) fn is_taken(&mut self) -> bool {
        self.verdict() == Verdict::Taken
    }

    /// Waits until nobody else may be speaking, or until that is decided.
    pub(super) async fn clear(&mut self) -> Turn {
        loop {
            let has_words = match self.verdict() {
                Verdict::Clear => return Turn::Clear,
                Verdict::Taken => return Turn::Taken,
                Verdict::Hold { has_words } => has_words,
            };
            if self.left.is_zero() {
                return if has_words { Turn::Taken } else { Turn::Clear };
            }
            let begun = self.pace.now();
            let patience = self.pace.sleep_until(begun + self.left);
            tokio::select! {
                told = self.floor.changed() => self.deaf = told.is_err(),
                () = patience => {}
            }
            self.left = self.left.saturating_sub(self.pace.now().duration_since(begun));
        }
    }

    /// Waits until the next frame, of this length, is due, which is at most [`LEAD`] before it is heard.
    pub(super) async fn due(&mut self, frame: Duration) -> Turn {
        loop {
            if self.clear().await == Turn::Taken {
                return Turn::Taken;
            }
            let now = self.pace.now();
            // After a hold, or when a clause was late, nothing is left to be heard before this frame.
            let heard = self.next_heard.map_or(now, |at| at.max(now));
            let at = heard.checked_sub(LEAD).unwrap_or(now);
            if at <= now {
                self.next_heard = Some(heard + frame);
                return Turn::Clear;
            }
            tokio::select! {
                told = self.floor.changed(), if !self.deaf => self.deaf = told.is_err(),
                () = self.pace.sleep_until(at) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{Event, EventBody, SessionId, Timestamp, UtteranceId, consultation::SpeechBoundary};
    use std::sync::{Arc, Mutex};

    const FRAME: Duration = Duration::from_millis(20);

    fn begins(floor: &watch::Sender<Floor>, name: &str) {
        let utterance = UtteranceId(uuid::Uuid::from_u128(7));
        let body =
            EventBody::UtteranceStarted(SpeechBoundary { participant: name.parse().unwrap(), utterance, at_ms: 0 });
        let session = SessionId(uuid::Uuid::from_u128(1));
        let event = Event { v: 1, session, seq: Seq(5), at: Timestamp::from_millis(0), body };
        floor.send_if_modified(|floor| floor.fold(&event));
    }

    /// Time that passes when somebody waits for it.
    #[derive(Clone)]
    struct Time(Arc<Mutex<Instant>>);

    impl Time {
        fn new() -> Self {
            Self(Arc::new(Mutex::new(Instant::now())))
        }

        fn now(&self) -> Instant {
            *self.0.lock().unwrap()
        }

        fn pass_until(&self, at: Instant) {
            let mut now = self.0.lock().unwrap();
            *now = at.max(*now);
        }

        fn waiting(&self, floor: &watch::Sender<Floor>) -> Waiting {
            let (read, pass) = (self.clone(), self.clone());
            let pace = Pace::from_fns(
                move || read.now(),
                move |at| {
                    let pass = pass.clone();
                    Box::pin(async move { pass.pass_until(at) })
                },
            );
            Waiting::new(floor.subscribe(), "a".parse().unwrap(), Seq(1), pace)
        }
    }

    #[tokio::test]
    async fn frames_go_out_no_more_than_the_lead_before_they_are_heard() {
        let floor = watch::Sender::new(Floor::default());
        let time = Time::new();
        let (mut turn, begun) = (time.waiting(&floor), time.now());
        for frame in 0..100u32 {
            assert_eq!(turn.due(FRAME).await, Turn::Clear);
            let elapsed = time.now() - begun;
            let ahead = (FRAME * frame).saturating_sub(elapsed);
            assert!(ahead <= LEAD, "frame {frame} came {ahead:?} early");
            assert!(elapsed <= FRAME * frame, "frame {frame} came late");
        }
    }

    #[tokio::test]
    async fn after_a_pause_only_the_lead_is_sent_at_once() {
        let floor = watch::Sender::new(Floor::default());
        let time = Time::new();
        let mut turn = time.waiting(&floor);
        turn.due(FRAME).await;
        let resumed = time.now() + Duration::from_secs(5);
        time.pass_until(resumed);
        for _ in 0..=10 {
            turn.due(FRAME).await;
        }
        assert_eq!(time.now(), resumed);
        turn.due(FRAME).await;
        assert_eq!(time.now(), resumed + FRAME);
    }

    #[tokio::test]
    async fn a_sound_that_never_has_words_is_waited_for_once_and_no_longer_than_the_bound() {
        let floor = watch::Sender::new(Floor::default());
        let time = Time::new();
        let (mut turn, begun) = (time.waiting(&floor), time.now());
        begins(&floor, "b");
        assert_eq!(turn.clear().await, Turn::Clear);
        assert_eq!(time.now() - begun, MAX_HOLD);
        assert_eq!(turn.due(FRAME).await, Turn::Clear);
        assert_eq!(time.now() - begun, MAX_HOLD, "not held again");
    }

    #[tokio::test]
    async fn nobody_waits_for_news_that_cannot_come() {
        let floor = watch::Sender::new(Floor::default());
        let time = Time::new();
        let mut turn = time.waiting(&floor);
        begins(&floor, "b");
        drop(floor);
        assert_eq!(turn.clear().await, Turn::Clear);
    }
}
