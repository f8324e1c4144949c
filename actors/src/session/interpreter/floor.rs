//! Who has the floor: whose utterances are open, and who took the turn when. Pure.

use healthsync_events::{Event, EventBody, ParticipantId, Seq, UtteranceId};
use std::collections::BTreeMap;

/// A fold over the session's events. What is open is bounded by what tracks hold: one utterance being spoken and some
/// awaiting their captions, a participant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Floor {
    open: BTreeMap<UtteranceId, Open>,
    /// When each participant began their newest utterance that has words.
    taken: BTreeMap<ParticipantId, Seq>,
}

#[derive(Debug, Clone, PartialEq)]
struct Open {
    participant: ParticipantId,
    began: Seq,
    has_words: bool,
}

/// Whether somebody's translation may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Clear,
    /// Somebody else makes a sound that may turn out to be speech, or began to speak before the translation was there.
    Hold {
        has_words: bool,
    },
    /// Somebody else has begun to speak since the translation was there.
    Taken,
}

impl Floor {
    /// Takes an event in; `true` if it changed anything.
    pub(super) fn fold(&mut self, event: &Event) -> bool {
        match &event.body {
            EventBody::UtteranceStarted(started) => {
                let open = Open { participant: started.participant.clone(), began: event.seq, has_words: false };
                self.open.insert(started.utterance, open);
                true
            }
            EventBody::CaptionPartial(partial) => {
                let has_words = [&partial.committed, &partial.tentative].iter().any(|text| !text.trim().is_empty());
                has_words && self.words(partial.utterance)
            }
            EventBody::CaptionFinal(caption) => {
                if !caption.text.trim().is_empty() {
                    self.words(caption.utterance);
                }
                self.open.remove(&caption.utterance).is_some()
            }
            EventBody::CaptionDropped(dropped) => self.open.remove(&dropped.utterance).is_some(),
            EventBody::ParticipantLeft(left) => {
                let before = self.open.len();
                self.open.retain(|_, open| open.participant != left.participant);
                self.open.len() < before
            }
            _ => false,
        }
    }

    /// The utterance has words. Whoever began it took the turn when they began: what comes of words that were said
    /// before a translation was there, however late they are recognised, does not interrupt it.
    fn words(&mut self, utterance: UtteranceId) -> bool {
        let Some(open) = self.open.get_mut(&utterance).filter(|open| !open.has_words) else { return false };
        open.has_words = true;
        let taken = self.taken.entry(open.participant.clone()).or_insert(open.began);
        *taken = open.began.max(*taken);
        true
    }

    /// Whether a translation of what `speaker` said, there since the event `since`, may be spoken now. Speaking on
    /// does not stop one's own interpretation.
    pub(super) fn verdict(&self, speaker: &ParticipantId, since: Seq) -> Verdict {
        if self.taken.iter().any(|(who, at)| who != speaker && *at > since) {
            return Verdict::Taken;
        }
        let mut others = self.open.values().filter(|open| open.participant != *speaker).peekable();
        if others.peek().is_none() {
            return Verdict::Clear;
        }
        Verdict::Hold { has_words: others.any(|open| open.has_words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{
        ModelInfo, SessionId, Timestamp,
        consultation::{ParticipantLeft, SpeechBoundary},
        speech::{CaptionDropReason, CaptionDropped, CaptionPartial, MediaSpan},
    };
    use proptest::prelude::*;

    fn event(seq: u64, body: EventBody) -> Event {
        let session = SessionId(uuid::Uuid::from_u128(1));
        Event { v: 1, session, seq: Seq(seq), at: Timestamp::from_millis(0), body }
    }

    fn utterance(id: u128) -> UtteranceId {
        UtteranceId(uuid::Uuid::from_u128(id))
    }

    fn who(name: &str) -> ParticipantId {
        name.parse().unwrap()
    }

    fn begins(id: u128, name: &str) -> EventBody {
        EventBody::UtteranceStarted(SpeechBoundary { participant: who(name), utterance: utterance(id), at_ms: 0 })
    }

    fn says(id: u128, name: &str, text: &str) -> EventBody {
        let model = ModelInfo { name: "m".into(), version: "1".into(), weights_sha256: String::new() };
        EventBody::CaptionPartial(CaptionPartial {
            utterance: utterance(id),
            participant: who(name),
            language: "en".parse().unwrap(),
            committed: String::new(),
            tentative: text.into(),
            span: MediaSpan { start_ms: 0, end_ms: 1 },
            provenance: model.with_inputs(vec![]),
        })
    }

    fn nothing(id: u128, name: &str) -> EventBody {
        EventBody::CaptionDropped(CaptionDropped {
            utterance: utterance(id),
            participant: who(name),
            span: MediaSpan { start_ms: 0, end_ms: 1 },
            reason: CaptionDropReason::NoSpeech,
            words: 0,
        })
    }

    fn floor(events: impl IntoIterator<Item = EventBody>) -> Floor {
        let mut floor = Floor::default();
        for (index, body) in events.into_iter().enumerate() {
            floor.fold(&event(index as u64 + 1, body));
        }
        floor
    }

    #[test]
    fn a_sound_holds_until_it_is_known_to_be_nothing() {
        let heard = floor([begins(1, "b")]);
        assert_eq!(heard.verdict(&who("a"), Seq(0)), Verdict::Hold { has_words: false });
        assert_eq!(floor([begins(1, "b"), nothing(1, "b")]).verdict(&who("a"), Seq(0)), Verdict::Clear);
    }

    #[test]
    fn who_begins_after_a_translation_was_there_takes_the_turn_from_it_as_soon_as_there_are_words() {
        let sound = floor([nothing(9, "x"), begins(1, "b"), says(1, "b", " ")]);
        assert_eq!(sound.verdict(&who("a"), Seq(1)), Verdict::Hold { has_words: false });
        let spoken = floor([nothing(9, "x"), begins(1, "b"), says(1, "b", " "), says(1, "b", "but")]);
        assert_eq!(spoken.verdict(&who("a"), Seq(1)), Verdict::Taken);
        assert_eq!(spoken.verdict(&who("b"), Seq(1)), Verdict::Clear, "their own");
    }

    #[test]
    fn who_had_begun_before_holds_and_takes_nothing_however_late_the_words_come() {
        let spoken = floor([begins(1, "b"), nothing(9, "x"), says(1, "b", "but")]);
        assert_eq!(spoken.verdict(&who("a"), Seq(2)), Verdict::Hold { has_words: true });
        let ended = floor([begins(1, "b"), nothing(9, "x"), says(1, "b", "but"), nothing(1, "b")]);
        assert_eq!(ended.verdict(&who("a"), Seq(2)), Verdict::Clear);
    }

    #[test]
    fn who_has_left_holds_nothing() {
        let left = EventBody::ParticipantLeft(ParticipantLeft { participant: who("b") });
        assert_eq!(floor([begins(1, "b"), left]).verdict(&who("a"), Seq(0)), Verdict::Clear);
    }

    proptest! {
        #[test]
        fn when_everything_has_ended_nothing_holds(kinds in proptest::collection::vec((0u128..6, 0u8..3), 0..60)) {
            let name = |id: u128| if id.is_multiple_of(2) { "a" } else { "b" };
            let mut events: Vec<_> = kinds.iter().map(|(id, kind)| match kind {
                0 => begins(*id, name(*id)),
                1 => says(*id, name(*id), "word"),
                _ => nothing(*id, name(*id)),
            }).collect();
            events.extend((0..6).map(|id| nothing(id, name(id))));
            let floor = floor(events);
            prop_assert_eq!(floor.verdict(&who("a"), Seq(1_000)), Verdict::Clear);
            prop_assert!(floor.open.is_empty());
        }
    }
}
