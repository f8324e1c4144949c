use super::*;
use healthsync_evaluate::list::Translated;
use healthsync_events::{
    ModelInfo, Provenance,
    consultation::{ParticipantLeft, SpeechBoundary},
    speech::{CaptionDropReason, CaptionDropped, CaptionPartial, MediaSpan},
};

fn recording(language: &str, into: Option<&str>) -> Recording {
    let translation = into.map(|into| Translated { language: into.parse().unwrap(), text: "text".into() });
    Recording {
        name: "a.wav".into(),
        file: "a.wav".into(),
        language: language.parse().unwrap(),
        transcript: "text".into(),
        translation,
        line: 2,
    }
}

fn id(n: u128) -> UtteranceId {
    UtteranceId(uuid::Uuid::from_u128(n))
}

fn provenance() -> Provenance {
    ModelInfo { name: "m".into(), version: "1".into(), weights_sha256: "0".repeat(64) }.with_inputs(Vec::new())
}

fn started(n: u128) -> EventBody {
    let boundary = SpeechBoundary { participant: "speaker".parse().unwrap(), utterance: id(n), at_ms: 0 };
    EventBody::UtteranceStarted(boundary)
}

fn partial(n: u128, committed: &str, tentative: &str) -> EventBody {
    EventBody::CaptionPartial(CaptionPartial {
        utterance: id(n),
        participant: "speaker".parse().unwrap(),
        language: "en".parse().unwrap(),
        committed: committed.into(),
        tentative: tentative.into(),
        span: MediaSpan { start_ms: 0, end_ms: 1 },
        provenance: provenance(),
    })
}

fn caption(n: u128, text: &str) -> EventBody {
    EventBody::CaptionFinal(CaptionFinal {
        utterance: id(n),
        participant: "speaker".parse().unwrap(),
        language: "en".parse().unwrap(),
        text: text.into(),
        span: MediaSpan { start_ms: 0, end_ms: 1 },
        latency_ms: 7,
        confidence: 1.0,
        words: Vec::new(),
        provenance: provenance(),
    })
}

#[test]
fn a_session_has_the_languages_a_consultation_would() {
    let of = |language, into| languages(&recording(language, into)).iter().map(Language::primary).collect::<Vec<_>>();
    assert_eq!(of("pt-BR", None), ["pt", "en"]);
    assert_eq!(of("en", Some("es")), ["en", "es"]);
    assert_eq!(of("fi", None), ["fi"]);
    assert_eq!(of("en", Some("en-GB")), ["en"]);
}

#[test]
fn captions_are_put_together_in_the_order_they_were_spoken() {
    let mut heard = Heard::default();
    let dropped = CaptionDropped {
        utterance: id(2),
        participant: "speaker".parse().unwrap(),
        span: MediaSpan { start_ms: 0, end_ms: 1 },
        reason: CaptionDropReason::NoSpeech,
        words: 0,
    };
    let events = [
        started(1),
        partial(1, "", "no"),
        partial(1, "no", "fever"),
        started(2),
        started(3),
        caption(3, "thank you"),
        EventBody::CaptionDropped(dropped),
        caption(1, "no fever"),
    ];
    for (index, event) in events.iter().enumerate() {
        assert!(!heard.take_in(index as f64 * 100.0, event));
    }
    assert_eq!(heard.text(), "no fever thank you");
    assert_eq!(heard.emitted(), [200.0, 700.0, 500.0, 500.0]);
    assert_eq!((heard.dropped(), heard.stability().changed, heard.stability().words), (1, 0, 4));
    let left = ParticipantLeft { participant: "speaker".parse().unwrap() };
    assert!(heard.take_in(900.0, &EventBody::ParticipantLeft(left)));
}
