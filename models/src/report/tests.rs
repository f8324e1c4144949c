use super::*;
use crate::risk::news2;
use healthsync_events::{
    Event, EventBody, MonitorSource, SessionId, UtteranceId, VERSION, VitalSigns,
    clinical::{MonitorProtocol, VitalsObserved},
    consultation::SessionStarted,
    risk::Spo2Scale,
    speech::{CaptionFinal, MediaSpan, ReviewStatus, TranslationFinal},
};
use std::sync::Arc;
use uuid::Uuid;

fn languages() -> Vec<Language> {
    vec!["pt".parse().unwrap(), "en".parse().unwrap()]
}

fn fold(bodies: Vec<EventBody>) -> SessionState {
    let mut state = SessionState::new(SessionId(Uuid::nil()));
    for (index, body) in bodies.into_iter().enumerate() {
        let at = Timestamp::from_millis(1_795_000_000_000 + index as i64 * 60_000);
        state.apply(&Event { v: VERSION, session: state.session, seq: Seq(index as u64 + 1), at, body });
    }
    state
}

fn consultation() -> SessionState {
    let info = model_info();
    let utterance = UtteranceId(Uuid::from_u128(1));
    let vitals =
        VitalSigns { heart_rate: Some(124.0), temperature: Some(38.5), spo2: Some(92.0), ..VitalSigns::default() };
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "m".into(),
        facility: "w".into(),
        message_id: "1".into(),
    };
    let scored = news2::score(&vitals, Spo2Scale::Scale1).unwrap().into_scored(vec![Seq(4)]);
    fold(vec![
        EventBody::SessionStarted(SessionStarted {
            patient: "p1".parse().unwrap(),
            languages: languages(),
            spo2_scale: Spo2Scale::Scale1,
            terms: Vec::new(),
        }),
        EventBody::CaptionFinal(CaptionFinal {
            utterance,
            participant: "patient".parse().unwrap(),
            language: "pt".parse().unwrap(),
            text: "Estou com dor no peito.".into(),
            span: MediaSpan { start_ms: 0, end_ms: 1 },
            latency_ms: 1,
            confidence: 1.0,
            words: vec![],
            provenance: info.with_inputs(vec![]),
        }),
        EventBody::TranslationFinal(TranslationFinal {
            utterance,
            of: Seq(2),
            participant: "patient".parse().unwrap(),
            source_language: "pt".parse().unwrap(),
            target_language: "en".parse().unwrap(),
            text: "I have chest pain.".into(),
            engine: "e".into(),
            review: ReviewStatus::Unreviewed,
            preservation: None,
            provenance: info.with_inputs(vec![Seq(2)]),
        }),
        EventBody::VitalsObserved(VitalsObserved {
            source,
            taken_at: Timestamp::from_millis(0),
            vitals,
            rejected: vec![],
        }),
        EventBody::RiskScored(Arc::new(scored)),
    ])
}

#[test]
fn a_consultation_is_told_in_both_languages_with_its_sources() {
    insta::assert_snapshot!(to_markdown(&write(&consultation(), &languages()), None));
}

#[test]
fn both_languages_say_the_same_from_the_same_sources() {
    let report = write(&consultation(), &languages());
    let shape = |text: &ReportText| -> Vec<Vec<usize>> {
        text.sections.iter().map(|s| s.sentences.iter().map(|x| x.sources.len().min(1)).collect()).collect()
    };
    assert_eq!(shape(&report.texts[0]), shape(&report.texts[1]));
}

#[test]
fn a_sentence_with_a_number_names_where_it_comes_from() {
    let report = write(&consultation(), &languages());
    for sentence in report.texts.iter().flat_map(|t| &t.sections).flat_map(|s| &s.sentences) {
        let numbered = sentence.text.chars().any(|c| c.is_ascii_digit());
        assert!(!numbered || !sentence.sources.is_empty(), "{}", sentence.text);
        assert!(sentence.sources.iter().all(|seq| *seq >= Seq(1) && *seq <= report.up_to));
    }
}

#[test]
fn a_session_without_events_gives_a_report_that_claims_nothing() {
    let report = write(&SessionState::new(SessionId(Uuid::nil())), &languages());
    assert!(report.texts.iter().flat_map(|t| &t.sections).flat_map(|s| &s.sentences).all(|s| s.sources.is_empty()));
}

#[test]
fn one_language_can_be_asked_for() {
    let report = write(&consultation(), &languages());
    let portuguese = to_markdown(&report, Some(&"pt-BR".parse().unwrap()));
    assert!(portuguese.contains("38,5 °C") && !portuguese.contains("Your"), "{portuguese}");
}
