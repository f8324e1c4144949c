use super::*;
use healthsync_events::{
    ModelInfo, VERSION, VitalSigns,
    clinical::{VitalsAmended, VitalsObserved},
    risk::{ClinicalScore, RiskBand, ScoresComputed},
};
use std::sync::Arc;
use uuid::Uuid;

fn source(id: &str) -> MonitorSource {
    MonitorSource {
        protocol: MonitorProtocol::Fhir,
        application: String::new(),
        facility: "urn:s".into(),
        message_id: id.into(),
    }
}

fn apply(chart: &mut Chart, seq: u64, body: EventBody) -> Event {
    let event = Event {
        v: VERSION,
        session: chart.session,
        seq: Seq(seq),
        at: Timestamp::from_millis(seq as i64 * 1_000),
        body,
    };
    chart.apply(&event);
    event
}

fn pulse(id: &str, taken: i64, rate: f64) -> EventBody {
    let vitals = VitalSigns { heart_rate: Some(rate), temperature: Some(37.0), ..VitalSigns::default() };
    let taken_at = Timestamp::from_millis(taken);
    EventBody::VitalsObserved(VitalsObserved { source: source(id), taken_at, vitals, rejected: Vec::new() })
}

#[test]
fn a_correction_ends_the_sign_it_is_about_and_no_other() {
    let mut chart = Chart::new(SessionId(Uuid::nil()), "P1".parse().unwrap());
    let first = apply(&mut chart, 2, pulse("a", 10, 180.0));
    apply(&mut chart, 3, pulse("b", 20, 90.0));
    let vitals = VitalSigns { heart_rate: Some(80.0), ..VitalSigns::default() };
    let amendments = vec![Amendment::Corrected { taken_at: Timestamp::from_millis(10), vitals }];
    apply(&mut chart, 5, EventBody::VitalsAmended(VitalsAmended { source: source("a"), amendments }));

    let statuses: Vec<Value> = chart.resources(&first).iter().map(|r| r["status"].clone()).collect();
    assert_eq!(statuses, ["final", "entered-in-error", "final"]);
    assert_eq!(chart.ended(Seq(3), 1), None);
    let a = Identifier { system: "urn:s".into(), value: "a".into() };
    assert_eq!(chart.with_identifier(&a), [Seq(2), Seq(5)]);
}

#[test]
fn what_an_event_is_read_as_is_known_by_its_number() {
    let mut chart = Chart::new(SessionId(Uuid::nil()), "P1".parse().unwrap());
    apply(&mut chart, 2, pulse("a", 10, 80.0));
    let provenance = ModelInfo { name: "m".into(), version: "1".into(), weights_sha256: String::new() };
    let score = |score| ClinicalScore {
        score,
        value: 7.0,
        max: None,
        band: RiskBand::High,
        items: Vec::new(),
        missing: Vec::new(),
        carried: Vec::new(),
        provenance: provenance.with_inputs(vec![Seq(2)]),
    };
    let scores = vec![score(ScoreName::ShockIndex), score(ScoreName::Pews)];
    apply(&mut chart, 3, EventBody::ScoresComputed(Arc::new(ScoresComputed { scores, because: Seq(2) })));
    assert_eq!(chart.part(Seq(2), Kind::Observation, None), Some(0));
    assert_eq!(chart.part(Seq(3), Kind::RiskAssessment, Some(ScoreName::Pews)), Some(1));
    assert_eq!(chart.part(Seq(3), Kind::Observation, None), None, "it is no Observation");
    assert_eq!(chart.part(Seq(4), Kind::Observation, None), None);
}

#[test]
fn a_chart_forgets_its_oldest_rows_rather_than_grow() {
    let mut chart = Chart::new(SessionId(Uuid::nil()), "P1".parse().unwrap());
    for seq in 1..=(MAX_ROWS as u64 / 3 + 10) {
        apply(&mut chart, seq, pulse(&seq.to_string(), seq as i64, 80.0));
    }
    assert!(chart.rows().len() <= MAX_ROWS && chart.incomplete);
    assert!(chart.identifiers.len() < MAX_ROWS / 3);
}
