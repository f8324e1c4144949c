use super::*;
use proptest::prelude::*;

const SAMPLE: &str = "MSH|^~\\&|MON|ICU|HS|H|20260102030405+0000||ORU^R01^ORU_R01|42|P|2.6\r\
    PID|||X9^^^A^PI~P1^^^H^MR\rOBR|1|||V|||20260102030000-0300\r\
    OBX|1|NM|8867-4^HR^LN||118|/min|||||F\rOBX|2|NM|59408-5^SpO2^LN||255|%|||||F\r\
    OBX|3|ST|ACVPU^^L||V||||||F\rOBX|4|NM|9279-1^RR^LN||20|/min|||||X";

fn read(text: &str) -> Result<Oru, Hl7Error> {
    let message = Message::parse(text.as_bytes())?;
    let header = Header::read(&message, Zone::UTC);
    decode(&message, &header, Clock { received: Timestamp::from_millis(7), zone: Zone::UTC })
}

fn one(text: &str) -> OfPatient {
    let mut oru = read(text).unwrap();
    assert_eq!(oru.patients.len(), 1);
    oru.patients.remove(0)
}

#[test]
fn a_monitors_message_becomes_vital_signs() {
    let oru = read(SAMPLE).unwrap();
    let said = &oru.patients[0];
    assert_eq!(said.patient.as_str(), "P1", "the medical record number, wherever it stands");
    let observed = said.observed.as_ref().unwrap();
    assert_eq!(observed.vitals.heart_rate, Some(118.0));
    assert_eq!(observed.vitals.consciousness, Some(healthsync_events::Consciousness::Voice));
    assert_eq!(observed.taken_at.to_string(), "2026-01-02T06:00:00Z");
    let reasons: Vec<_> = observed.rejected.iter().map(|r| (r.code.as_str(), r.reason)).collect();
    let expected = [("59408-5", RejectionReason::OutsidePhysiology), ("9279-1", RejectionReason::NotFinal)];
    assert_eq!(reasons, expected);
    assert_eq!(observed.rejected[0].raw.as_deref(), Some("OBX|2|NM|59408-5^SpO2^LN||255|%|||||F"));
    let places: Vec<_> = oru.problems.iter().map(|p| p.place.unwrap()).map(|p| (p.sequence, p.field)).collect();
    assert_eq!(places, [(2, 5), (4, 11)]);
}

#[test]
fn what_an_ihe_gateway_sends_is_read_by_ieee_codes_and_units() {
    let said =
        one("MSH|^~\\&|GW^00A0370027000001^EUI-64|H|HS|H|20260102030405+0000||ORU^R01^ORU_R01|7|P|2.6|||AL|NE\r\
         PID|||P1^^^H^MR\rOBR|1|||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||20260102030400+0000\r\
         OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|88|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R\r\
         OBX|2|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.3.1|96|262688^MDC_DIM_PERCENT^MDC|||||R\r\
         OBX|3|NM|150021^MDC_PRESS_BLD_NONINV_SYS^MDC|1.1.9.1|16|265987^MDC_DIM_KILO_PASCAL^MDC|||||R\r\
         OBX|4|NM|188424^MDC_TEMP_ORAL^MDC|1.2.1|99.5|266560^MDC_DIM_FAHR^MDC|||||R\r\
         OBX|5|NM|0^X^99LOCAL^9279-1^Resp^LN|1.4|18|{breaths}/min^^UCUM|||||R\r");
    let observed = said.observed.unwrap();
    assert!(observed.rejected.is_empty(), "{:?}", observed.rejected);
    let vitals = VitalSigns {
        heart_rate: Some(88.0),
        spo2: Some(96.0),
        systolic_bp: Some(120.01),
        temperature: Some(37.5),
        respiratory_rate: Some(18.0),
        ..VitalSigns::default()
    };
    assert_eq!(observed.vitals, vitals);
}

#[test]
fn each_observation_has_its_own_time_the_orders_or_the_messages() {
    let text = "MSH|^~\\&|M|I|H|H|20260102030405-0300||ORU^R01|1|P|2.6\rPID|||P1\rOBR|1|||V|||20260102030000\r\
        OBX|1|NM|8867-4||80|/min|||||F|||20260102025900\rOBX|2|NM|8867-4||90|/min|||||F\r";
    let said = one(text);
    let observed = said.observed.unwrap();
    assert_eq!(observed.taken_at.to_string(), "2026-01-02T06:00:00Z", "in the zone of the message");
    assert_eq!(observed.vitals.heart_rate, Some(90.0));
    let earlier = said.amended.unwrap().amendments;
    let expected: Timestamp = "2026-01-02T05:59:00Z".parse().unwrap();
    assert!(matches!(&earlier[..], [Amendment::Earlier { taken_at, vitals }]
        if *taken_at == expected && vitals.heart_rate == Some(80.0)));
    let observed = one(&text.replace("20260102030000", "").replace("20260102025900", "yesterday")).observed.unwrap();
    assert_eq!(observed.taken_at.to_string(), "2026-01-02T06:04:05Z", "the time of the message");
    let untimed = text.replace("20260102030405-0300", "").replace("20260102030000", "").replace("20260102025900", "");
    assert_eq!(one(&untimed).observed.unwrap().taken_at, Timestamp::from_millis(7));
}

#[test]
fn corrections_and_withdrawals_amend_and_are_no_new_values() {
    let text = "MSH|^~\\&|M|I|H|H|20260102030405||ORU^R01|1|P|2.6\rPID|||P1\rOBR|1|||V|||20260102030000\r\
        OBX|1|NM|8867-4||80|/min|||||C\rOBX|2|NM|59408-5||\"\"|%|||||D\rOBX|3|NM|9279-1||30|/min|||||W\r\
        OBX|4|NM|8310-5||||||||U\r";
    let said = one(text);
    assert_eq!(said.observed, None);
    let amendments = said.amended.unwrap().amendments;
    assert_eq!(amendments.len(), 2);
    assert!(matches!(&amendments[0], Amendment::Corrected { vitals, .. } if vitals.heart_rate == Some(80.0)));
    assert!(matches!(&amendments[1], Amendment::Withdrawn { parameters, .. }
        if parameters == &["spo2".to_owned(), "respiratory_rate".to_owned()]));
}

#[test]
fn a_message_about_several_patients_is_read_for_each() {
    let text = "MSH|^~\\&|M|I|H|H|20260102030405||ORU^R01|1|P|2.6\r\
        PID|||P1\rOBR|1\rOBX|1|NM|8867-4||80|/min|||||F\rPID|||P2\rOBR|1\rOBX|1|NM|8867-4||90|/min|||||F\r";
    let oru = read(text).unwrap();
    let pulses: Vec<_> = oru
        .patients
        .iter()
        .map(|said| (said.patient.as_str(), said.observed.as_ref().unwrap().vitals.heart_rate))
        .collect();
    assert_eq!(pulses, [("P1", Some(80.0)), ("P2", Some(90.0))]);
}

#[test]
fn a_value_that_is_not_one_number_is_not_guessed_at() {
    let with = |kind: &str, value: &str| {
        let text = format!(
            "MSH|^~\\&|M|I|H|H|20260102||ORU^R01|1|P|2.6\rPID|||P1\rOBX|1|{kind}|59408-5^^LN||{value}|%|||||F\r"
        );
        one(&text).observed.unwrap()
    };
    assert_eq!(with("SN", "=^97").vitals.spo2, Some(97.0));
    assert_eq!(with("SN", "^97").vitals.spo2, Some(97.0));
    for (kind, value) in [("SN", ">^97"), ("SN", "^97^-^98"), ("NM", "97~98"), ("NM", "\"\""), ("NM", "")] {
        assert_eq!(with(kind, value).rejected[0].reason, RejectionReason::NotANumber, "{kind} {value}");
    }
}

#[test]
fn an_alarm_of_a_device_keeps_its_words() {
    let said = one("MSH|^~\\&|MON|ICU|HS|H|20260102030405+0000||ORU^R40^ORU_R40|9|P|2.6\rPID|||P1\r\
         OBR|1|||196616^MDC_EVT_ALARM^MDC|||20260102030400+0000\r\
         OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.0.0.0.1|196674^MDC_EVT_LO_VAL_LT_LIM^MDC||||||R|||20260102030400+0000\r\
         OBX|2|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.0.0.0.2|84|262688^MDC_DIM_PERCENT^MDC|90-100||||R\r\
         OBX|3|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.0.0.0.3|start||||||R\r\
         OBX|4|ST|68482^MDC_ATTR_ALARM_STATE^MDC|1.0.0.0.4|active||||||R\r\
         OBX|5|ST|68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC|1.0.0.0.5|enabled||||||R\r\
         OBX|6|ST|68484^MDC_ATTR_ALARM_PRIORITY^MDC|1.0.0.0.6|PH||||||R\r");
    let alarm = said.alarm.unwrap();
    assert_eq!((alarm.event.as_str(), alarm.phase.as_str()), ("MDC_EVT_LO_VAL_LT_LIM", "start"));
    assert_eq!((alarm.state.as_deref(), alarm.priority.as_deref()), (Some("active"), Some("PH")));
    assert_eq!(alarm.about.as_deref(), Some("MDC_PULS_OXIM_SAT_O2"));
    assert_eq!(said.observed.unwrap().vitals.spo2, Some(84.0), "the value it is about is a measurement");
}

#[test]
fn what_cannot_be_taken_is_refused_by_place() {
    assert_eq!(read(&SAMPLE.replace("X9^^^A^PI~P1^^^H^MR", "")), Err(Hl7Error::Missing("PID-3")));
    assert_eq!(read(&SAMPLE.replace("P1^^^H", "a b^^^H")), Err(Hl7Error::Invalid("PID-3")));
    assert_eq!(read(&SAMPLE.replace("PID|||", "ZZZ|||")), Err(Hl7Error::Missing("PID")));
}

proptest! {
    #[test]
    fn mutated_messages_never_panic(at in 0usize..400, with in proptest::collection::vec(any::<u8>(), 0..6)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        let at = at % bytes.len();
        let end = (at + 2).min(bytes.len());
        bytes.splice(at..end, with);
        if let Ok(message) = Message::parse(&bytes) {
            let header = Header::read(&message, Zone::UTC);
            let _ = decode(&message, &header, Clock { received: Timestamp::from_millis(0), zone: Zone::UTC });
        }
    }
}
