use super::*;
use crate::prediction::tests::predicted;
use healthsync_events::{
    Event, EventBody, MonitorProtocol, MonitorSource, Seq, VERSION, VitalSigns, clinical::VitalsObserved,
};
use uuid::Uuid;

fn read(query: &[(&str, &str)]) -> Result<Search, Failure> {
    let pairs: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Search::read(Kind::Observation, &pairs, false)
}

fn chart(sets: u64) -> Chart {
    let mut chart = Chart::new(SessionId(Uuid::nil()), "P1".parse().unwrap());
    (1..=sets).for_each(|seq| add(&mut chart, seq));
    chart
}

/// One set a day from 1970-01-02 on.
fn add(chart: &mut Chart, seq: u64) {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: String::new(),
        facility: String::new(),
        message_id: seq.to_string(),
    };
    let vitals = VitalSigns { heart_rate: Some(80.0), systolic_bp: Some(120.0), ..VitalSigns::default() };
    let at = Timestamp::from_millis(seq as i64 * 86_400_000);
    let body = EventBody::VitalsObserved(VitalsObserved { source, taken_at: at, vitals, rejected: Vec::new() });
    chart.apply(&Event { v: VERSION, session: chart.session, seq: Seq(seq), at, body });
}

#[test]
fn codes_and_dates_choose() {
    let chart = chart(10);
    let total = |query: &[(&str, &str)]| {
        let query: Vec<_> = [("patient", "P1")].iter().chain(query).copied().collect();
        read(&query).unwrap().find(&chart).total
    };
    assert_eq!(total(&[]), 20, "members, and not the sets they are of");
    assert_eq!(total(&[("code", "8867-4")]), 10);
    assert_eq!(total(&[("code", "http://loinc.org|85354-9")]), 10);
    assert_eq!(total(&[("code", "http://loinc.org|85353-1")]), 10);
    assert_eq!(total(&[("code", "8867-4,85354-9")]), 20);
    assert_eq!(total(&[("code", "http://snomed.info/sct|8867-4")]), 0);
    assert_eq!(total(&[("date", "1970-01-05"), ("code", "8867-4")]), 1);
    assert_eq!(total(&[("date", "ge1970-01-05"), ("date", "lt1970-01-07"), ("code", "8867-4")]), 2);
    assert_eq!(total(&[("date", "1970"), ("code", "8867-4")]), 10);
    assert_eq!(total(&[("date", "gt1970-01-09"), ("code", "8867-4")]), 2);
    assert_eq!(total(&[("category", "vital-signs"), ("code", "8867-4")]), 10);
    assert_eq!(total(&[("category", "laboratory,vital-signs"), ("code", "8867-4")]), 10);
    assert_eq!(total(&[("category", "laboratory")]), 0);
}

#[test]
fn what_a_model_expects_is_found_among_the_assessments() {
    let mut chart = chart(1);
    let at = Timestamp::from_millis(2 * 86_400_000);
    let body = EventBody::RiskPredicted(predicted());
    chart.apply(&Event { v: VERSION, session: chart.session, seq: Seq(2), at, body });
    let asked = [("patient".to_owned(), "P1".to_owned()), ("date".to_owned(), "1970-01-03".to_owned())];
    let found = Search::read(Kind::RiskAssessment, &asked, false).unwrap().find(&chart);
    assert_eq!((found.total, found.page[0].seq, found.page[0].part), (1, Seq(2), 0));
}

#[test]
fn pages_have_neither_gap_nor_repeat_while_more_comes_in() {
    let mut chart = chart(10);
    let query = [("patient", "P1"), ("code", "8867-4"), ("_count", "3")];
    let mut search = read(&query).unwrap();
    let (mut seen, mut next_seq) = (Vec::new(), 11);
    loop {
        let found = search.find(&chart);
        seen.extend(found.page.iter().map(|row| row.seq.0));
        add(&mut chart, next_seq);
        next_seq += 1;
        let Some(next) = found.next else { break };
        let link = search.query(Some(next));
        let pairs: Vec<_> = link.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        search = read(&pairs).unwrap();
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
}

#[test]
fn a_search_that_is_not_understood_is_refused() {
    for query in [
        &[][..],
        &[("patient", "a b")],
        &[("patient", "P1"), ("encounter", "not-a-session")],
        &[("patient", "P1"), ("subject", "P2")],
        &[("patient", "P1"), ("date", "yesterday")],
        &[("patient", "P1"), ("status", "final")],
        &[("patient", "P1"), ("_count", "many")],
        &[("patient", "P1"), ("_cursor", "1.2")],
        &[("patient", "P1"), ("_sort", "code")],
        &[("patient", "P1"), ("identified", "1970")],
    ] {
        assert_eq!(read(query).unwrap_err().status, 400, "{query:?}");
    }
    let pairs = [("patient".to_owned(), "P1".to_owned()), ("status".to_owned(), "final".to_owned())];
    assert!(Search::read(Kind::Observation, &pairs, true).is_ok());
}

#[test]
fn a_patient_and_a_consultation_are_named_in_several_ways() {
    for text in ["P1", "Patient/P1", "urn:mrn|P1", "https://ehr.example/fhir/Patient/P1"] {
        assert_eq!(read(&[("patient", text)]).unwrap().whose, Whose::Patient("P1".parse().unwrap()), "{text}");
    }
    let id = "01985b1e-7c00-7000-8000-000000000001";
    for text in [id.to_owned(), format!("Encounter/{id}"), format!("urn:ietf:rfc:3986|urn:uuid:{id}")] {
        assert_eq!(read(&[("encounter", &text)]).unwrap().whose, Whose::Session(id.parse().unwrap()), "{text}");
    }
}
