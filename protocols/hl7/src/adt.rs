//! ADT: what the hospital's administration says of a patient. Pure.

use crate::{
    error::Hl7Error,
    header::{Header, MAX_TEXT, clip},
    message::{Message, Segment},
    oru::{Clock, patient_in},
    time,
};
use healthsync_events::{
    Timestamp,
    patient::{Location, PatientChange, PatientChanged, Sex},
};

/// Characters kept of PV1-2.
const MAX_CLASS: usize = 16;

/// Reads an ADT message with this header. An A40 may be about several patients.
pub fn decode(message: &Message<'_>, header: &Header, clock: Clock) -> Result<Vec<PatientChanged>, Hl7Error> {
    let change = match header.event.as_str() {
        "A01" | "A04" => PatientChange::Admitted,
        "A02" => PatientChange::Transferred,
        "A03" => PatientChange::Discharged,
        "A08" => PatientChange::Updated,
        "A40" => PatientChange::Merged,
        _ => return Err(Hl7Error::UnsupportedEvent),
    };
    let occurred_at = occurred(message, header, clock);
    let mut changes: Vec<PatientChanged> = Vec::new();
    for segment in message.segments() {
        match segment.name() {
            "PID" => changes.push(PatientChanged {
                source: header.source(),
                change,
                patient: patient_in(&segment, 3, "PID-3")?,
                merged_from: None,
                location: None,
                class: None,
                birth_date: time::date(&segment.value(7, 1)),
                sex: sex(&segment.value(8, 1)),
                occurred_at,
            }),
            "PV1" => visit(changes.last_mut().ok_or(Hl7Error::Missing("PID"))?, &segment),
            "MRG" => {
                let last = changes.last_mut().ok_or(Hl7Error::Missing("PID"))?;
                last.merged_from = Some(patient_in(&segment, 1, "MRG-1")?);
            }
            _ => {}
        }
    }
    if changes.is_empty() {
        return Err(Hl7Error::Missing("PID"));
    }
    if change == PatientChange::Merged {
        check_merges(&changes)?;
    }
    Ok(changes)
}

fn check_merges(changes: &[PatientChanged]) -> Result<(), Hl7Error> {
    if changes.iter().any(|changed| changed.merged_from.is_none()) {
        return Err(Hl7Error::Missing("MRG"));
    }
    // A patient merged into itself is a sender's mistake that would point in a circle.
    if changes.iter().any(|changed| changed.merged_from.as_ref() == Some(&changed.patient)) {
        return Err(Hl7Error::Invalid("MRG-1"));
    }
    Ok(())
}

/// When it happened (EVN-6), or was entered (EVN-2), or was sent (MSH-7).
fn occurred(message: &Message<'_>, header: &Header, clock: Clock) -> Timestamp {
    let zone = header.zone.unwrap_or(clock.zone);
    let event = message.segment("EVN");
    let of_event = |field| event.and_then(|evn| time::read(&evn.value(field, 1), zone));
    of_event(6).or_else(|| of_event(2)).or(header.sent_at).unwrap_or(clock.received)
}

/// `None` for what is neither, unknown, or left out.
fn sex(value: &str) -> Option<Sex> {
    match value {
        "F" => Some(Sex::Female),
        "M" => Some(Sex::Male),
        _ => None,
    }
}

fn visit(changed: &mut PatientChanged, pv1: &Segment<'_>) {
    let part = |component| clip(&pv1.value(3, component), MAX_TEXT);
    let location = Location { unit: part(1), room: part(2), bed: part(3), facility: part(4) };
    changed.location = Some(location).filter(|location| !location.is_empty());
    changed.class = Some(clip(&pv1.value(2, 1), MAX_CLASS)).filter(|class| !class.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Zone;

    fn read(event: &str, rest: &str) -> Result<Vec<PatientChanged>, Hl7Error> {
        let text =
            format!("MSH|^~\\&|ADT|H|HS|H|20260102030405+0000||ADT^{event}|5|P|2.6\rEVN||20260102030000|||||\r{rest}");
        let message = Message::parse(text.as_bytes()).unwrap();
        let clock = Clock { received: Timestamp::from_millis(0), zone: Zone::UTC };
        decode(&message, &Header::read(&message, Zone::UTC), clock)
    }

    #[test]
    fn an_admission_says_where_the_patient_is() {
        let admissions = read("A01", "PID|1||P1^^^H^MR||Doe^J||20010203|F\rPV1|1|I|ICU^3^B^MAIN\r").unwrap();
        let changed = &admissions[0];
        assert_eq!((changed.patient.as_str(), changed.change), ("P1", PatientChange::Admitted));
        let location = changed.location.as_ref().unwrap();
        assert_eq!((location.unit.as_str(), location.room.as_str(), location.bed.as_str()), ("ICU", "3", "B"));
        assert_eq!((changed.class.as_deref(), changed.birth_date.as_deref()), (Some("I"), Some("2001-02-03")));
        assert_eq!(changed.sex, Some(Sex::Female));
        assert_eq!(changed.occurred_at.to_string(), "2026-01-02T03:00:00Z");
    }

    #[test]
    fn a_sex_that_is_neither_or_unknown_is_left_out() {
        for (value, sex) in [("M", Some(Sex::Male)), ("O", None), ("U", None), ("", None)] {
            let changes = read("A08", &format!("PID|1||P1||Doe^J||20010203|{value}\r")).unwrap();
            assert_eq!(changes[0].sex, sex, "{value}");
        }
    }

    #[test]
    fn a_merge_names_both_identifiers_for_each_patient() {
        let rest = "PID|1||P1^^^H^MR\rMRG|OLD1^^^H^MR\rPID|1||P2^^^H^MR\rMRG|OLD2^^^H^MR\r";
        let changes = read("A40", rest).unwrap();
        let pairs: Vec<_> =
            changes.iter().map(|c| (c.patient.as_str(), c.merged_from.as_ref().unwrap().as_str())).collect();
        assert_eq!(pairs, [("P1", "OLD1"), ("P2", "OLD2")]);
        assert_eq!(read("A40", "PID|1||P1\r"), Err(Hl7Error::Missing("MRG")));
        assert_eq!(read("A40", "PID|1||P1\rMRG|P1\r"), Err(Hl7Error::Invalid("MRG-1")));
        assert_eq!(read("A01", "PV1|1|I\r"), Err(Hl7Error::Missing("PID")));
    }
}
