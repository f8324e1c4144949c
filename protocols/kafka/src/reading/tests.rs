use super::*;
use proptest::prelude::*;
use std::path::Path;

const SAMPLE: &str = r#"{"version":1,"message_id":"m1","taken_at":"2026-01-02T03:04:05Z","patient":"P1",
    "source":{"application":"GATEWAY","facility":"ICU"},
    "vitals":{"heart_rate":118,"spo2":91.5,"consciousness":"voice","supplemental_oxygen":true}}"#;

fn decoder() -> Decoder {
    Arc::new(|bytes, received| {
        if bytes == b"bad" {
            return Err("MSH is missing".into());
        }
        let patient = PatientId::new(text(bytes)).map_err(|e| e.to_string())?;
        let said = vec![Said { patient, events: Vec::new() }];
        Ok(Reading { message_id: received.to_string(), said, changes: Vec::new() })
    })
}

fn read_with(key: Option<&str>, content_type: Option<&str>, payload: &str) -> Result<Reading, Unmapped> {
    let envelope = Envelope { key: key.map(str::as_bytes), content_type, payload: payload.as_bytes() };
    read(envelope, &decoder(), Timestamp::from_millis(7))
}

fn observed(payload: &str) -> VitalsObserved {
    match read_with(Some("P1"), None, payload).unwrap().said.remove(0).events.remove(0) {
        EventBody::VitalsObserved(observed) => observed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_becomes_vital_signs() {
    let reading = read_with(Some("P1"), Some("application/json; charset=utf-8"), SAMPLE).unwrap();
    assert_eq!((reading.patient().unwrap().as_str(), reading.message_id.as_str()), ("P1", "m1"));
    let observed = observed(SAMPLE);
    assert_eq!(observed.vitals.heart_rate, Some(118.0));
    assert_eq!(observed.vitals.consciousness, Some(Consciousness::Voice));
    assert_eq!(observed.vitals.supplemental_oxygen, Some(true));
    assert_eq!(observed.vitals.temperature, None);
    assert_eq!(observed.taken_at.to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(observed.source.protocol, MonitorProtocol::Kafka);
    assert_eq!((observed.source.application.as_str(), observed.source.message_id.as_str()), ("GATEWAY", "m1"));
}

#[test]
fn one_value_that_cannot_be_used_does_not_cost_the_others() {
    let payload = r#"{"version":1,"message_id":"m","taken_at":"2026-01-02T03:04:05Z","vitals":{"heart_rate":80,
        "spo2":255,"temperature":"warm","pulse":70,"consciousness":"asleep","systolic_bp":null}}"#;
    let observed = observed(payload);
    assert_eq!(observed.vitals, VitalSigns { heart_rate: Some(80.0), ..VitalSigns::default() });
    let mut reasons: Vec<_> = observed.rejected.iter().map(|r| (r.code.as_str(), r.reason)).collect();
    reasons.sort_by_key(|(code, _)| *code);
    let expected = [
        ("consciousness", RejectionReason::UnknownCode),
        ("pulse", RejectionReason::UnknownCode),
        ("spo2", RejectionReason::OutsidePhysiology),
        ("temperature", RejectionReason::NotANumber),
    ];
    assert_eq!(reasons, expected);
    assert!(observed.rejected.iter().any(|rejected| rejected.raw.as_deref() == Some("\"warm\"")));
}

#[test]
fn the_key_and_the_message_name_the_same_patient_or_one_of_them_does() {
    let without = SAMPLE.replace(r#""patient":"P1","#, "");
    let patient = |key, payload| read_with(key, None, payload).unwrap().patient().unwrap().to_string();
    assert_eq!((patient(None, SAMPLE), patient(Some("P2"), &without)), ("P1".into(), "P2".into()));
    assert_eq!(read_with(Some("P2"), None, SAMPLE), Err(Unmapped::OtherPatient));
    assert_eq!(read_with(None, None, &without), Err(Unmapped::NoPatient));
    assert_eq!(read_with(Some("a b"), None, SAMPLE), Err(Unmapped::Key));
}

#[test]
fn hl7_is_read_by_the_decoder_that_knows_it() {
    let hl7 = |key, payload| read_with(key, Some("Application/HL7-v2;charset=utf-8"), payload);
    assert_eq!(hl7(None, "P7").unwrap().patient().unwrap().as_str(), "P7");
    assert_eq!(hl7(Some("P8"), "P7"), Err(Unmapped::OtherPatient));
    assert_eq!(hl7(None, "bad"), Err(Unmapped::Hl7("MSH is missing".into())));
}

#[test]
fn what_is_no_message_of_the_schema_is_told_by_place() {
    let mut told = Vec::new();
    for (from, to) in [
        (r#""version":1"#, r#""version":2"#),
        (r#""m1""#, r#""""#),
        (r#""m1""#, r#""a\nb""#),
        (r#""message_id":"m1","#, ""),
        ("2026-01-02T03:04:05Z", "yesterday"),
        (r#""source""#, r#""sauce""#),
        (r#""GATEWAY""#, r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#),
    ] {
        told.push(read_with(Some("P1"), None, &SAMPLE.replacen(from, to, 1)).unwrap_err().label());
    }
    assert_eq!(told, ["schema", "schema", "schema", "json", "json", "json", "schema"]);
    assert_eq!(read_with(None, None, ""), Err(Unmapped::Empty));
    assert_eq!(read_with(None, Some("text/plain"), "x"), Err(Unmapped::ContentType));
    assert_eq!(read_with(None, None, &" ".repeat(MAX_BYTES + 1)), Err(Unmapped::TooLarge));
    let many: Vec<String> = (0..65).map(|n| format!(r#""x{n}":1"#)).collect();
    let many = SAMPLE.replace(r#""heart_rate":118"#, &many.join(","));
    assert_eq!(read_with(Some("P1"), None, &many), Err(Unmapped::Schema("vitals has more than 64 members")));
}

#[test]
fn a_refusal_does_not_repeat_what_was_refused() {
    let secret = SAMPLE.replace("118", r#"{"name":"Maria"}"#).replace("2026-01-02T03:04:05Z", "Maria");
    let error = read_with(Some("P1"), None, &secret).unwrap_err();
    assert!(!error.to_string().contains("Maria"), "{error}");
}

#[test]
fn bytes_that_are_not_utf_8_are_kept_without_loss() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(text(&bytes).chars().map(|c| c as u32).collect::<Vec<_>>(), (0..=255).collect::<Vec<_>>());
    assert_eq!(text("olá".as_bytes()), "olá");
}

#[test]
fn the_schema_beside_the_code_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/vitals-v1.schema.json");
    let mut fresh = serde_json::to_string_pretty(&schemars::schema_for!(VitalsMessage)).unwrap();
    fresh.push('\n');
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &fresh).unwrap();
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == fresh, "run `UPDATE_GENERATED=1 cargo test -p healthsync-kafka`");
}

proptest! {
    #[test]
    fn mutated_messages_never_panic(at in 0usize..400, with in proptest::collection::vec(any::<u8>(), 0..6)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        let at = at % bytes.len();
        let end = (at + 2).min(bytes.len());
        bytes.splice(at..end, with);
        let envelope = Envelope { key: Some(b"P1"), content_type: None, payload: &bytes };
        let _ = read(envelope, &decoder(), Timestamp::from_millis(0));
    }

    #[test]
    fn whatever_is_sent_what_is_kept_lies_within_its_bounds(value in any::<f64>(), name in "[a-z_0-9]{1,20}") {
        let mut members = Map::new();
        for sign in ["heart_rate", "respiratory_rate", "spo2", "systolic_bp", "diastolic_bp", "temperature", &name] {
            members.insert(sign.to_owned(), serde_json::json!(value));
        }
        let (vitals, rejected) = signs(&members);
        prop_assert!(vitals.spo2.is_none_or(|v| (20.0..=100.0).contains(&v)));
        prop_assert!(vitals.heart_rate.is_none_or(|v| (10.0..=350.0).contains(&v)));
        prop_assert!(vitals.temperature.is_none_or(|v| (12.0..=46.0).contains(&v)));
        // JSON has no infinities: serde_json makes them null, which is not measured.
        let given = members.values().filter(|value| !value.is_null()).count();
        prop_assert_eq!(vitals.measured().len() + rejected.len(), given);
    }
}
