//! Sparing a slow client what a later event of the same batch makes pointless. Pure.

use healthsync_events::{Event, EventBody, UtteranceId, envelope::StreamNotice};
use std::{collections::HashSet, sync::Arc};

/// What a client is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    Event(Arc<Event>),
    Notice(StreamNotice),
}

/// Leaves out partial captions and translations that a later partial or the final of the same utterance in `batch` supersedes,
/// and says which numbers are missing, so that a client still sees every number accounted for.
pub fn coalesce(batch: Vec<Arc<Event>>) -> Vec<Outgoing> {
    let mut superseded: HashSet<UtteranceId> = HashSet::new();
    let mut translated: HashSet<(UtteranceId, String)> = HashSet::new();
    let mut keep = vec![true; batch.len()];
    for (index, event) in batch.iter().enumerate().rev() {
        match &event.body {
            EventBody::CaptionPartial(partial) => keep[index] = superseded.insert(partial.utterance),
            EventBody::TranslationPartial(partial) => {
                keep[index] = translated.insert((partial.utterance, partial.target_language.primary()));
            }
            EventBody::TranslationFinal(translation) => {
                translated.insert((translation.utterance, translation.target_language.primary()));
            }
            EventBody::CaptionFinal(caption) => {
                superseded.insert(caption.utterance);
            }
            EventBody::CaptionDropped(dropped) => {
                superseded.insert(dropped.utterance);
            }
            _ => {}
        }
    }
    let mut out: Vec<Outgoing> = Vec::with_capacity(batch.len());
    for (event, keep) in batch.into_iter().zip(keep) {
        match out.last_mut() {
            _ if keep => out.push(Outgoing::Event(event)),
            Some(Outgoing::Notice(StreamNotice::Coalesced { to, .. })) => *to = event.seq,
            _ => out.push(Outgoing::Notice(StreamNotice::Coalesced { from: event.seq, to: event.seq })),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{
        ModelInfo, ParticipantId, Seq, SessionId, Timestamp, VERSION,
        consultation::ChatMessage,
        speech::{CaptionFinal, CaptionPartial, MediaSpan},
    };

    fn event(seq: u64, body: EventBody) -> Arc<Event> {
        let session = SessionId("00000000-0000-7000-8000-000000000001".parse::<SessionId>().unwrap().0);
        Arc::new(Event { v: VERSION, session, seq: Seq(seq), at: Timestamp::from_millis(0), body })
    }

    fn utterance(n: u32) -> UtteranceId {
        format!("00000000-0000-7000-8000-{n:012}").parse().unwrap()
    }

    fn info() -> ModelInfo {
        ModelInfo { name: "m".into(), version: "1".into(), weights_sha256: "0".into() }
    }

    fn partial(seq: u64, n: u32) -> Arc<Event> {
        let participant: ParticipantId = "patient".parse().unwrap();
        event(
            seq,
            EventBody::CaptionPartial(CaptionPartial {
                utterance: utterance(n),
                participant,
                language: "pt".parse().unwrap(),
                committed: String::new(),
                tentative: "x".into(),
                span: MediaSpan { start_ms: 0, end_ms: 1 },
                provenance: info().with_inputs(vec![]),
            }),
        )
    }

    fn caption(seq: u64, n: u32) -> Arc<Event> {
        event(
            seq,
            EventBody::CaptionFinal(CaptionFinal {
                utterance: utterance(n),
                participant: "patient".parse().unwrap(),
                language: "pt".parse().unwrap(),
                text: "x".into(),
                span: MediaSpan { start_ms: 0, end_ms: 1 },
                latency_ms: 1,
                confidence: 1.0,
                words: vec![],
                provenance: info().with_inputs(vec![]),
            }),
        )
    }

    fn chat(seq: u64) -> Arc<Event> {
        let participant = "patient".parse().unwrap();
        event(
            seq,
            EventBody::ChatMessage(ChatMessage { participant, language: "pt".parse().unwrap(), text: "x".into() }),
        )
    }

    fn numbers(out: &[Outgoing]) -> Vec<String> {
        out.iter()
            .map(|item| match item {
                Outgoing::Event(event) => event.seq.to_string(),
                Outgoing::Notice(StreamNotice::Coalesced { from, to }) => format!("{from}-{to}"),
                Outgoing::Notice(_) => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn superseded_partials_are_left_out_and_accounted_for() {
        let batch = vec![partial(1, 1), partial(2, 1), chat(3), partial(4, 1), caption(5, 1), partial(6, 2)];
        assert_eq!(numbers(&coalesce(batch)), ["1-2", "3", "4-4", "5", "6"]);
    }

    #[test]
    fn nothing_but_partials_is_ever_left_out() {
        let batch = vec![caption(1, 1), chat(2), caption(3, 2), partial(4, 3)];
        assert_eq!(numbers(&coalesce(batch)), ["1", "2", "3", "4"]);
    }
}
