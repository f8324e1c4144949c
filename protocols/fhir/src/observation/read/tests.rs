use super::*;
use crate::observation::subject::alone;
use healthsync_events::Consciousness;
use proptest::prelude::*;
use serde_json::json;

fn observation(change: impl FnOnce(&mut Value)) -> Value {
    let mut resource = json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
        "subject": { "reference": "Patient/P1" },
        "effectiveDateTime": "2026-11-23T12:00:00Z",
        "valueQuantity": { "value": 80, "unit": "beats/min", "system": "http://unitsofmeasure.org", "code": "/min" },
    });
    change(&mut resource);
    resource
}

fn read(change: impl FnOnce(&mut Value)) -> Result<Incoming, Failure> {
    super::observation(&observation(change), &alone, None)
}

fn vitals(change: impl FnOnce(&mut Value)) -> VitalSigns {
    match read(change).unwrap().body {
        EventBody::VitalsObserved(observed) => observed.vitals,
        other => panic!("{other:?}"),
    }
}

/// What a test changes.
type Change = fn(&mut Value);

fn without(resource: &mut Value, member: &str) {
    resource.as_object_mut().unwrap().remove(member);
}

/// A panel: no value of its own.
fn panel(resource: &mut Value, code: &str, components: Value) {
    without(resource, "valueQuantity");
    resource["code"]["coding"][0]["code"] = json!(code);
    resource["component"] = components;
}

fn component(code: &str, value: f64, unit: &str) -> Value {
    json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "valueQuantity": { "value": value, "system": "http://unitsofmeasure.org", "code": unit } })
}

fn issue(change: impl FnOnce(&mut Value)) -> (u16, Code, String) {
    let failure = read(change).unwrap_err();
    let first = &failure.issues[0];
    (failure.status, first.code, first.expression.clone().unwrap_or_default())
}

#[test]
fn blood_pressure_is_two_components() {
    let both =
        vitals(|o| panel(o, "85354-9", json!([component("8480-6", 16.0, "kPa"), component("8462-4", 70.0, "mm[Hg]")])));
    assert_eq!((both.systolic_bp, both.diastolic_bp), (Some(120.01), Some(70.0)));
    let one = vitals(|o| {
        let absent = json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": "8462-4" }] },
            "dataAbsentReason": { "text": "cuff" } });
        panel(o, "85354-9", json!([component("8480-6", 120.0, "mm[Hg]"), absent]));
    });
    assert_eq!((one.systolic_bp, one.diastolic_bp), (Some(120.0), None));
}

#[test]
fn pulse_oximetry_says_whether_oxygen_is_given_in_whatever_order() {
    for components in [
        json!([component("3151-8", 0.0, "L/min"), component("3150-6", 40.0, "%")]),
        json!([component("3150-6", 40.0, "%"), component("3151-8", 0.0, "L/min")]),
    ] {
        let both = vitals(|o| {
            o["code"]["coding"][0]["code"] = json!("59408-5");
            o["valueQuantity"] = json!({ "value": 91, "system": "http://unitsofmeasure.org", "code": "%" });
            o["component"] = components;
        });
        assert_eq!((both.spo2, both.supplemental_oxygen), (Some(91.0), Some(true)));
    }
}

#[test]
fn consciousness_is_a_concept_or_a_word() {
    let level = |value: Value| {
        vitals(|o| {
            without(o, "valueQuantity");
            o["code"]["coding"][0]["code"] = json!("80288-4");
            let element = if value.is_string() { "valueString" } else { "valueCodeableConcept" };
            o[element] = value;
        })
        .consciousness
    };
    let snomed = json!({ "system": "http://snomed.info/sct", "code": "1", "display": "Pain" });
    assert_eq!(level(json!({ "coding": [snomed] })), Some(Consciousness::Pain));
    assert_eq!(level(json!({ "coding": [{ "code": "LA9340-6" }] })), Some(Consciousness::Alert));
    assert_eq!(level(json!({ "text": "new confusion" })), Some(Consciousness::Confusion));
    assert_eq!(level(json!("V")), Some(Consciousness::Voice));
}

#[test]
fn the_status_decides_what_a_value_is() {
    let body = |status: &str| read(|o| o["status"] = json!(status)).unwrap();
    assert!(matches!(body("preliminary").body, EventBody::VitalsObserved(_)));
    for status in ["corrected", "amended"] {
        let EventBody::VitalsAmended(amended) = body(status).body else { panic!("{status}") };
        assert!(
            matches!(&amended.amendments[..], [Amendment::Corrected { vitals, .. }] if vitals.heart_rate == Some(80.0))
        );
    }
    let EventBody::VitalsAmended(withdrawn) = body("entered-in-error").body else { panic!("withdrawn") };
    let [Amendment::Withdrawn { parameters, .. }] = &withdrawn.amendments[..] else { panic!("one withdrawal") };
    assert_eq!(parameters, &["heart_rate"]);
    for status in ["registered", "cancelled", "unknown"] {
        let incoming = body(status);
        let EventBody::VitalsObserved(observed) = incoming.body else { panic!("{status}") };
        assert_eq!(observed.rejected[0].reason, RejectionReason::NotFinal);
        assert!(incoming.useless);
    }
}

#[test]
fn the_time_is_that_of_measurement() {
    let at = |name: &str, value: Value| {
        let incoming = read(|o| {
            without(o, "effectiveDateTime");
            o[name] = value;
        });
        match incoming.unwrap().body {
            EventBody::VitalsObserved(observed) => observed.taken_at.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(at("effectiveDateTime", json!("2026-11-23T09:00:00-03:00")), "2026-11-23T12:00:00Z");
    assert_eq!(at("effectiveInstant", json!("2026-11-23T12:00:00.5Z")), "2026-11-23T12:00:00.5Z");
    let period = json!({ "start": "2026-11-23T11:00:00Z", "end": "2026-11-23T12:00:00Z" });
    assert_eq!(at("effectivePeriod", period), "2026-11-23T12:00:00Z");
    assert_eq!(at("effectivePeriod", json!({ "start": "2026-11-23T11:00:00Z" })), "2026-11-23T11:00:00Z");
}

#[test]
fn what_the_specification_forbids_is_named_by_its_place() {
    let cases: [(Change, Code, &str); 9] = [
        (|o| without(o, "status"), Code::Required, "Observation.status"),
        (|o| without(o, "code"), Code::Required, "Observation.code"),
        (|o| without(o, "subject"), Code::Required, "Observation.subject"),
        (|o| without(o, "effectiveDateTime"), Code::Required, "Observation.effective"),
        (|o| without(o, "valueQuantity"), Code::Invariant, "Observation"),
        (|o| o["dataAbsentReason"] = json!({ "text": "off" }), Code::Invariant, "Observation.dataAbsentReason"),
        (|o| o["valueInteger"] = json!(3), Code::Structure, "Observation.value"),
        (|o| o["modifierExtension"] = json!([{ "url": "u" }]), Code::Extension, "Observation.modifierExtension"),
        (|o| o["component"] = json!([{ "code": { "text": "x" } }]), Code::Invariant, "Observation.component[0]"),
    ];
    for (change, code, place) in cases {
        assert_eq!(issue(change), (422, code, place.to_owned()));
    }
}

#[test]
fn nothing_is_guessed() {
    let cases: [(Change, RejectionReason); 6] = [
        (|o| o["valueQuantity"] = json!({ "value": 80 }), RejectionReason::UnitMismatch),
        (|o| o["valueQuantity"]["comparator"] = json!(">"), RejectionReason::NotANumber),
        (|o| o["valueQuantity"]["code"] = json!("Cel"), RejectionReason::UnitMismatch),
        (|o| o["valueQuantity"]["value"] = json!("80"), RejectionReason::NotANumber),
        (|o| o["code"]["coding"][0]["system"] = json!("urn:local"), RejectionReason::UnknownCode),
        (|o| o["valueQuantity"]["value"] = json!(0), RejectionReason::OutsidePhysiology),
    ];
    for (change, reason) in cases {
        let incoming = read(change).unwrap();
        assert!(incoming.useless);
        let EventBody::VitalsObserved(observed) = incoming.body else { panic!("an observation") };
        assert_eq!((observed.rejected[0].reason, observed.vitals.is_empty()), (reason, true));
    }
}

#[test]
fn a_part_that_cannot_be_used_is_told_and_the_rest_is_taken() {
    let components = json!([component("8480-6", 120.0, "mm[Hg]"), component("8462-4", 70.0, "Cel")]);
    let incoming = read(|o| panel(o, "85354-9", components)).unwrap();
    assert!(!incoming.useless);
    assert_eq!(incoming.warnings[0].expression.as_deref(), Some("Observation.component[1]"));
}

#[test]
fn an_identifier_names_the_source_and_otherwise_the_content_does() {
    let source = |change: fn(&mut Value)| match read(change).unwrap().body {
        EventBody::VitalsObserved(observed) => observed.source,
        other => panic!("{other:?}"),
    };
    let named = source(|o| o["identifier"] = json!([{ "system": "urn:m", "value": "7" }]));
    assert_eq!((named.facility.as_str(), named.message_id.as_str()), ("urn:m", "7"));
    assert_eq!(source(|_| {}), source(|_| {}));
    assert_ne!(source(|_| {}), source(|o| o["valueQuantity"]["value"] = json!(81)));
}

proptest! {
    /// A byte is changed, a stretch is cut or repeated: an answer comes of it, and nothing beyond the bounds.
    #[test]
    fn a_mutated_observation_is_read_or_refused(
        place in 0_usize..500, byte in any::<u8>(), cut in 0_usize..40, twice in any::<bool>(),
    ) {
        let mut bytes = observation(|o| {
            panel(o, "85354-9", json!([component("8480-6", 120.0, "mm[Hg]"), component("8462-4", 70.0, "mm[Hg]")]));
        })
        .to_string()
        .into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        let end = (place + cut).min(bytes.len());
        if twice {
            let stretch = bytes[place..end].to_vec();
            bytes.splice(place..place, stretch);
        } else {
            bytes.drain(place..end);
        }
        if let Ok(resource) = crate::json::read(&bytes)
            && let Ok(Incoming { body: EventBody::VitalsObserved(observed), .. }) = super::observation(&resource, &alone, None)
        {
            prop_assert!(observed.vitals.systolic_bp.is_none_or(|v| (20.0..=350.0).contains(&v)));
        }
    }
}
