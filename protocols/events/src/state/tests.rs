use super::*;
use crate::{
    clinical::{MonitorProtocol, MonitorSource, VitalsObserved},
    consultation::SpeechBoundary,
    provenance::ModelInfo,
    speech::{CaptionDropReason, CaptionDropped, MediaSpan},
};
use uuid::Uuid;

struct Log(SessionState);

impl Log {
    fn new() -> Self {
        Self(SessionState::new(SessionId(Uuid::from_u128(1))))
    }

    fn push(&mut self, body: EventBody) -> Event {
        let seq = self.0.head.next();
        let at = Timestamp::from_millis(seq.0 as i64);
        let event = Event { v: crate::VERSION, session: self.0.session, seq, at, body };
        self.0.apply(&event);
        event
    }
}

fn observed(id: &str, vitals: VitalSigns) -> EventBody {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "monitor".into(),
        facility: "ward".into(),
        message_id: id.into(),
    };
    EventBody::VitalsObserved(VitalsObserved { source, taken_at: Timestamp::from_millis(0), vitals, rejected: vec![] })
}

fn caption(utterance: u128, text: &str) -> EventBody {
    let model = ModelInfo { name: "m".into(), version: "1".into(), weights_sha256: "0".into() };
    EventBody::CaptionFinal(CaptionFinal {
        utterance: UtteranceId(Uuid::from_u128(utterance)),
        participant: "patient".parse().unwrap(),
        language: "pt".parse().unwrap(),
        text: text.into(),
        span: MediaSpan { start_ms: 0, end_ms: 1 },
        latency_ms: 1,
        confidence: 1.0,
        words: vec![],
        provenance: model.with_inputs(vec![]),
    })
}

#[test]
fn a_partial_set_of_vitals_keeps_what_it_does_not_mention() {
    let mut log = Log::new();
    log.push(observed("1", VitalSigns { heart_rate: Some(80.0), spo2: Some(97.0), ..VitalSigns::default() }));
    log.push(observed("2", VitalSigns { heart_rate: Some(90.0), ..VitalSigns::default() }));
    assert_eq!(log.0.vitals.measured(), ["heart_rate", "spo2"]);
    assert_eq!(log.0.vitals.heart_rate, Some(90.0));
}

#[test]
fn a_repeated_monitor_message_is_recognised_until_it_is_forgotten() {
    let mut log = Log::new();
    let first = observed("1", VitalSigns::default());
    log.push(first.clone());
    assert_eq!(log.0.already(&first).map(|(seq, _)| seq), Some(Seq(1)));
    for id in 0..REMEMBERED_MESSAGES {
        log.push(observed(&format!("later-{id}"), VitalSigns::default()));
    }
    assert_eq!(log.0.already(&first), None);
}

#[test]
fn an_event_taken_in_twice_changes_nothing_the_second_time() {
    let mut log = Log::new();
    let event = log.push(caption(1, "olá"));
    let before = log.0.clone();
    log.0.apply(&event);
    assert_eq!(log.0, before);
}

#[test]
fn an_utterance_is_open_from_its_start_until_its_caption_or_its_loss() {
    let mut log = Log::new();
    let utterances = [UtteranceId(Uuid::from_u128(1)), UtteranceId(Uuid::from_u128(2))];
    for utterance in utterances {
        let participant: ParticipantId = "patient".parse().unwrap();
        log.push(EventBody::UtteranceStarted(SpeechBoundary { participant, utterance, at_ms: 0 }));
    }
    assert_eq!(log.0.open_utterances.len(), 2);
    log.push(caption(1, "olá"));
    log.push(EventBody::CaptionDropped(CaptionDropped {
        utterance: utterances[1],
        participant: "patient".parse().unwrap(),
        span: MediaSpan { start_ms: 0, end_ms: 1 },
        reason: CaptionDropReason::NoSpeech,
        words: 0,
    }));
    assert!(log.0.open_utterances.is_empty());
    assert_eq!(log.0.utterances.len(), 1);
}

#[test]
fn an_event_survives_the_wire_with_its_type_beside_its_envelope() {
    let event = Log::new().push(caption(1, "dor no peito"));
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(
        (json["v"].as_u64(), json["type"].as_str(), json["seq"].as_u64()),
        (Some(1), Some("caption.final"), Some(1))
    );
    assert_eq!(json["type"], event.body.kind());
    assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
}

#[test]
fn who_sends_nothing_any_more_has_no_call_even_when_it_is_noticed_after_they_left() {
    let mut log = Log::new();
    let participant: ParticipantId = "patient".parse().unwrap();
    let changed =
        |audio, video| EventBody::MediaChanged(MediaChanged { participant: participant.clone(), audio, video });
    log.push(changed(Sending::On, Sending::Off));
    log.push(changed(Sending::Muted, Sending::Off));
    assert!(log.0.media.contains_key(&participant), "who is muted is in the call");
    log.push(EventBody::ParticipantLeft(crate::consultation::ParticipantLeft { participant: participant.clone() }));
    log.push(changed(Sending::Off, Sending::Off));
    assert!(log.0.media.is_empty());
}
