use super::*;
use crate::{
    observation::{read, subject::alone},
    resource::{Ended, of_event},
};
use healthsync_events::{Consciousness, EventBody, PatientId, Seq, SessionId, VERSION};
use proptest::{option, prelude::*};
use uuid::Uuid;

fn event(body: EventBody) -> Event {
    let at = Timestamp::from_millis(1_795_435_200_000);
    Event { v: VERSION, session: SessionId(Uuid::nil()), seq: Seq(7), at, body }
}

fn source() -> MonitorSource {
    MonitorSource {
        protocol: MonitorProtocol::Fhir,
        application: "Monitor 4".into(),
        facility: "urn:ward".into(),
        message_id: "m-1".into(),
    }
}

fn written(body: EventBody) -> Vec<Value> {
    let patient = PatientId::new("P1").unwrap();
    let session = SessionId(Uuid::nil());
    of_event(&event(body), &Context { session, patient: &patient, ended: &|_| None, part: &|_, _, _| None })
}

fn observed_of(vitals: VitalSigns) -> EventBody {
    let taken_at = Timestamp::from_millis(1_795_435_100_123);
    EventBody::VitalsObserved(VitalsObserved { source: source(), taken_at, vitals, rejected: Vec::new() })
}

fn any_vitals() -> impl Strategy<Value = VitalSigns> {
    let levels = [
        Consciousness::Alert,
        Consciousness::Confusion,
        Consciousness::Voice,
        Consciousness::Pain,
        Consciousness::Unresponsive,
    ];
    (
        option::of(10.0..350.0),
        option::of(1.0..120.0),
        option::of(20.0..100.0),
        option::of(20.0..350.0),
        option::of(5.0..250.0),
        option::of(12.0..46.0),
        option::of(proptest::sample::select(levels.to_vec())),
        option::of(any::<bool>()),
    )
        .prop_map(|(heart_rate, respiratory_rate, spo2, systolic_bp, diastolic_bp, temperature, level, oxygen)| {
            VitalSigns {
                heart_rate,
                respiratory_rate,
                spo2,
                systolic_bp,
                diastolic_bp,
                temperature,
                consciousness: level,
                supplemental_oxygen: oxygen,
            }
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_to_the_last_digit(vitals in any_vitals()) {
        let mut back = VitalSigns::default();
        for resource in written(observed_of(vitals.clone())) {
            let incoming = read::observation(&resource, &alone, None).unwrap();
            prop_assert_eq!(incoming.patient.as_str(), "P1");
            prop_assert!(incoming.warnings.is_empty());
            let EventBody::VitalsObserved(observed) = incoming.body else { panic!("an observation") };
            prop_assert_eq!(observed.taken_at.millis(), 1_795_435_100_123);
            prop_assert_eq!(&observed.source, &source());
            back.merge(&observed.vitals);
        }
        prop_assert_eq!(back, vitals);
    }
}

#[test]
fn one_sign_is_the_event_and_several_are_members_of_it() {
    let pulse = VitalSigns { heart_rate: Some(80.0), ..VitalSigns::default() };
    let one = written(observed_of(pulse.clone()));
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["id"], "00000000-0000-0000-0000-000000000000-7");
    assert_eq!(one[0]["valueQuantity"]["code"], "/min");

    let both = written(observed_of(VitalSigns { systolic_bp: Some(120.0), ..pulse }));
    assert_eq!(both.len(), 3);
    assert_eq!(both[0]["hasMember"][1]["reference"], "Observation/00000000-0000-0000-0000-000000000000-7.2");
    assert_eq!(both[2]["component"][1]["dataAbsentReason"]["coding"][0]["code"], "unknown");
}

#[test]
fn what_was_withdrawn_since_is_no_result_any_more() {
    let patient = PatientId::new("P1").unwrap();
    let ended = Ended { seq: Seq(9), at: Timestamp::from_millis(1_795_435_300_000) };
    let ended = |part| (part == 0).then_some(ended);
    let session = SessionId(Uuid::nil());
    let context = Context { session, patient: &patient, ended: &ended, part: &|_, _, _| None };
    let pulse = VitalSigns { heart_rate: Some(180.0), ..VitalSigns::default() };
    let shown = of_event(&event(observed_of(pulse)), &context);
    assert_eq!((&shown[0]["status"], &shown[0]["meta"]["versionId"]), (&json!("entered-in-error"), &json!("2")));
}

#[test]
fn a_withdrawal_is_read_back_as_one() {
    let taken_at = Timestamp::from_millis(1_795_435_100_000);
    let amendments = vec![Amendment::Withdrawn { taken_at, parameters: vec!["spo2".into()] }];
    let body = EventBody::VitalsAmended(VitalsAmended { source: source(), amendments });
    let shown = written(body.clone());
    let back = read::observation(&shown[0], &alone, None).unwrap();
    assert_eq!(back.body, body);
}
