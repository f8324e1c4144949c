//! ORU^R01, unsolicited observations: to vital signs. Pure.

use crate::{
    message::{Hl7Error, Message, Segment},
    observation::{self, Observation},
};
use healthsync_events::{
    MonitorProtocol, MonitorSource, PatientId, Timestamp, VitalSigns,
    clinical::{RejectedObservation, RejectionReason, VitalsObserved},
};

/// Longest text kept of an identifier that the sender chose.
const MAX_TEXT: usize = 64;

/// The header of any message: enough to answer it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// MSH-3, MSH-4: who sent it.
    pub application: String,
    pub facility: String,
    /// MSH-5, MSH-6: to whom.
    pub receiving_application: String,
    pub receiving_facility: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11, MSH-12.
    pub processing_id: String,
    pub version: String,
}

/// A monitor's message as read.
#[derive(Debug, Clone, PartialEq)]
pub struct OruMessage {
    pub header: Header,
    /// PID-3: the first identifier of type MR, or the first of all.
    pub patient: PatientId,
    pub observed: VitalsObserved,
}

/// Reads the header, for an answer to a message that cannot be read further.
pub fn header(message: &Message<'_>) -> Header {
    let Some(msh) = message.segment("MSH") else { return Header::default() };
    let text = |number| clip(msh.component(number, 1));
    Header {
        application: text(3),
        facility: text(4),
        receiving_application: text(5),
        receiving_facility: text(6),
        control_id: text(10),
        processing_id: text(11),
        version: text(12),
    }
}

/// Reads an ORU^R01. `received` stands in where the message names no time.
pub fn decode(message: &Message<'_>, received: Timestamp) -> Result<OruMessage, Hl7Error> {
    let msh = message.segment("MSH").ok_or(Hl7Error::Header)?;
    let header = header(message);
    if msh.component(9, 1) != "ORU" || msh.component(9, 2) != "R01" {
        return Err(Hl7Error::UnsupportedType);
    }
    if !matches!(msh.component(18, 1).as_str(), "" | "ASCII" | "8859/1" | "UNICODE UTF-8") {
        return Err(Hl7Error::UnsupportedCharacterSet);
    }
    if header.control_id.is_empty() {
        return Err(Hl7Error::Missing("MSH-10"));
    }
    let pid = message.segment("PID").ok_or(Hl7Error::Missing("PID"))?;
    let patient = patient(&pid)?;
    let mut read = Read { vitals: VitalSigns::default(), rejected: Vec::new(), taken_at: None };
    for segment in message.segments() {
        match segment.name() {
            "OBR" => read.time(&segment, 7),
            "OBX" => read.observation(&segment),
            _ => {}
        }
    }
    let taken_at = match read.taken_at {
        Some(at) => at,
        None => date_time(msh.field(7)).unwrap_or(received),
    };
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: header.application.clone(),
        facility: header.facility.clone(),
        message_id: header.control_id.clone(),
    };
    let observed = VitalsObserved { source, taken_at, vitals: read.vitals, rejected: read.rejected };
    Ok(OruMessage { header, patient, observed })
}

struct Read {
    vitals: VitalSigns,
    rejected: Vec<RejectedObservation>,
    /// The newest time an observation names.
    taken_at: Option<Timestamp>,
}

impl Read {
    fn time(&mut self, segment: &Segment<'_>, field: usize) {
        if let Some(at) = date_time(&segment.component(field, 1)) {
            self.taken_at = Some(self.taken_at.map_or(at, |newest| newest.max(at)));
        }
    }

    fn observation(&mut self, obx: &Segment<'_>) {
        self.time(obx, 14);
        let code = obx.component(3, 1);
        let status = obx.component(11, 1);
        let observation = Observation {
            codes: [code.clone(), obx.component(3, 4)],
            name: obx.component(3, 2),
            value: obx.component(5, 1),
            unit: obx.component(6, 1),
        };
        // F final, P preliminary, C corrected, R not verified: what a monitor sends. D, W, X and the rest are no
        // results (HL7 table 0085).
        let result = match status.as_str() {
            "" | "F" | "P" | "C" | "R" => observation::apply(&observation, &mut self.vitals),
            _ => Err(RejectionReason::NotFinal),
        };
        if let Err(reason) = result {
            self.rejected.push(RejectedObservation { code: clip(code), reason });
        }
    }
}

fn patient(pid: &Segment<'_>) -> Result<PatientId, Hl7Error> {
    let all = || pid.repetitions(3).filter(|id| !pid.component_of(id, 1).is_empty());
    let medical_record = all().find(|id| pid.component_of(id, 5) == "MR");
    let id = medical_record.or_else(|| all().next()).ok_or(Hl7Error::Missing("PID-3"))?;
    PatientId::new(pid.component_of(id, 1)).map_err(|_| Hl7Error::Invalid("PID-3"))
}

fn clip(mut text: String) -> String {
    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    text
}

/// DTM: `YYYYMMDD[HHMM[SS[.S…]]][±ZZZZ]`. Without a zone it is taken for UTC, which monitors are set to here.
pub fn date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zone_at = text.find(['+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone_at);
    let (digits, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    if digits.len() < 8 || !digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, len: usize| digits.get(from..from + len).map_or(Some(0), |d| d.parse::<i16>().ok());
    let date = (part(0, 4)?, part(4, 2)? as i8, part(6, 2)? as i8);
    let millis: i32 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let civil = jiff::civil::DateTime::new(
        date.0,
        date.1,
        date.2,
        part(8, 2)? as i8,
        part(10, 2)? as i8,
        part(12, 2)? as i8,
        millis * 1_000_000,
    )
    .ok()?;
    let offset = match zone {
        "" => 0,
        _ if zone.len() == 5 && zone[1..].bytes().all(|b| b.is_ascii_digit()) => {
            let minutes = zone[1..3].parse::<i32>().ok()? * 60 + zone[3..5].parse::<i32>().ok()?;
            if zone.starts_with('-') { -minutes * 60 } else { minutes * 60 }
        }
        _ => return None,
    };
    let offset = jiff::tz::Offset::from_seconds(offset).ok()?;
    offset.to_timestamp(civil).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = "MSH|^~\\&|MON|ICU|HS|H|20260102030405+0000||ORU^R01^ORU_R01|42|P|2.6\r\
        PID|||X9^^^A^PI~P1^^^H^MR\rOBR|1|||V|||20260102030000-0300\r\
        OBX|1|NM|8867-4^HR^LN||118|/min|||||F\rOBX|2|NM|59408-5^SpO2^LN||255|%|||||F\r\
        OBX|3|ST|ACVPU^^L||V||||||F\rOBX|4|NM|9279-1^RR^LN||20|/min|||||X";

    fn read(text: &str) -> Result<OruMessage, Hl7Error> {
        decode(&Message::parse(text.as_bytes())?, Timestamp::from_millis(7))
    }

    #[test]
    fn a_monitors_message_becomes_vital_signs() {
        let oru = read(SAMPLE).unwrap();
        assert_eq!(oru.patient.as_str(), "P1", "the medical record number, wherever it stands");
        assert_eq!(oru.observed.vitals.heart_rate, Some(118.0));
        assert_eq!(oru.observed.vitals.consciousness, Some(healthsync_events::Consciousness::Voice));
        assert_eq!(oru.observed.taken_at.to_string(), "2026-01-02T06:00:00Z");
        let reasons: Vec<_> = oru.observed.rejected.iter().map(|r| (r.code.as_str(), r.reason)).collect();
        let expected = [("59408-5", RejectionReason::OutsidePhysiology), ("9279-1", RejectionReason::NotFinal)];
        assert_eq!(reasons, expected);
    }

    #[test]
    fn times_are_read_with_and_without_zone_and_fraction() {
        let at = |text: &str| date_time(text).map(|t| t.to_string());
        assert_eq!(at("20260102"), Some("2026-01-02T00:00:00Z".into()));
        assert_eq!(at("20260102030405.678+0530"), Some("2026-01-01T21:34:05.678Z".into()));
        for bad in ["", "2026", "20261302", "20260102030405+5", "2026010203ab", "20260102+9999"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_refused_by_place() {
        assert_eq!(read(&SAMPLE.replace("ORU^R01^ORU_R01", "ADT^A01")), Err(Hl7Error::UnsupportedType));
        assert_eq!(read(&SAMPLE.replace("|42|", "||")), Err(Hl7Error::Missing("MSH-10")));
        assert_eq!(read(&SAMPLE.replace("X9^^^A^PI~P1^^^H^MR", "")), Err(Hl7Error::Missing("PID-3")));
        assert_eq!(read(&SAMPLE.replace("P1^^^H", "a b^^^H")), Err(Hl7Error::Invalid("PID-3")));
    }

    proptest! {
        #[test]
        fn mutated_messages_never_panic(at in 0usize..400, with in proptest::collection::vec(any::<u8>(), 0..6)) {
            let mut bytes = SAMPLE.as_bytes().to_vec();
            let at = at % bytes.len();
            let end = (at + 2).min(bytes.len());
            bytes.splice(at..end, with);
            if let Ok(message) = Message::parse(&bytes) {
                let _ = decode(&message, Timestamp::from_millis(0));
            }
        }

        #[test]
        fn arbitrary_times_never_panic(text in "\\PC{0,30}") {
            let _ = date_time(&text);
        }
    }
}
