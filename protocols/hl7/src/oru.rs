//! ORU: unsolicited observations (R01), observations at the point of care (R30 to R32) and alarms (R40), to vital
//! signs. Pure.
//!
//! A message may be about several patients and hold several times. For each patient the values of the newest time make
//! one observation; older ones, corrections and withdrawals (OBX-11) amend what was measured before.

use crate::{
    error::Hl7Error,
    header::{Header, MAX_TEXT, clip},
    message::{Message, Segment},
    problem::Problem,
    time::{self, Zone},
};
use healthsync_events::{
    PatientId, Timestamp, VitalSigns,
    clinical::{Amendment, DeviceAlarm, RejectedObservation, RejectionReason, VitalsAmended, VitalsObserved},
    limits::MAX_RAW_CHARS,
    observation::{self, Code, Observation, codes::System},
};
use std::{borrow::Cow, collections::BTreeMap};

/// What a message says of one patient.
#[derive(Debug, Clone, PartialEq)]
pub struct OfPatient {
    /// PID-3: the first identifier of type MR, or the first of all.
    pub patient: PatientId,
    pub observed: Option<VitalsObserved>,
    pub amended: Option<VitalsAmended>,
    pub alarm: Option<DeviceAlarm>,
}

/// A message as read, and what could not be used of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Oru {
    pub patients: Vec<OfPatient>,
    pub problems: Vec<Problem>,
}

/// How times are read.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Stands in where the message names no time.
    pub received: Timestamp,
    /// Of times without a zone, in messages that name none.
    pub zone: Zone,
}

/// Reads an ORU message with this header.
pub fn decode(message: &Message<'_>, header: &Header, clock: Clock) -> Result<Oru, Hl7Error> {
    let mut reader = Reader {
        header,
        zone: header.zone.unwrap_or(clock.zone),
        sent_at: header.sent_at,
        received: clock.received,
        order_at: None,
        orders: 0,
        observations: 0,
        group: None,
        oru: Oru { patients: Vec::new(), problems: Vec::new() },
    };
    for segment in message.segments() {
        match segment.name() {
            "PID" => reader.patient(&segment)?,
            "OBR" => reader.order(&segment),
            "OBX" => reader.observation(&segment)?,
            _ => {}
        }
    }
    reader.close();
    if reader.oru.patients.is_empty() { Err(Hl7Error::Missing("PID")) } else { Ok(reader.oru) }
}

struct Reader<'h> {
    header: &'h Header,
    zone: Zone,
    sent_at: Option<Timestamp>,
    received: Timestamp,
    /// OBR-7 of the order that the observations belong to.
    order_at: Option<Timestamp>,
    orders: usize,
    /// OBX segments so far, over the whole message.
    observations: usize,
    group: Option<Group>,
    oru: Oru,
}

/// What one PID is followed by.
struct Group {
    patient: PatientId,
    plain: BTreeMap<Timestamp, VitalSigns>,
    corrected: BTreeMap<Timestamp, VitalSigns>,
    withdrawn: BTreeMap<Timestamp, Vec<String>>,
    rejected: Vec<RejectedObservation>,
    alarm: Alarm,
}

#[derive(Default)]
struct Alarm {
    at: Option<Timestamp>,
    event: Option<String>,
    about: Option<String>,
    phase: Option<String>,
    state: Option<String>,
    priority: Option<String>,
}

impl Reader<'_> {
    fn patient(&mut self, pid: &Segment<'_>) -> Result<(), Hl7Error> {
        self.close();
        let patient = patient_in(pid, 3, "PID-3")?;
        self.order_at = None;
        self.group = Some(Group {
            patient,
            plain: BTreeMap::new(),
            corrected: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            rejected: Vec::new(),
            alarm: Alarm::default(),
        });
        Ok(())
    }

    fn order(&mut self, obr: &Segment<'_>) {
        self.orders += 1;
        self.order_at = self.time(obr, 7, "OBR", self.orders);
    }

    /// A time that is there and cannot be read is a problem.
    fn time(&mut self, segment: &Segment<'_>, field: u8, name: &'static str, sequence: usize) -> Option<Timestamp> {
        let text = segment.value(usize::from(field), 1);
        let at = time::read(&text, self.zone);
        if at.is_none() && !text.is_empty() {
            self.oru.problems.push(Problem::time(name, sequence, field));
        }
        at
    }

    fn observation(&mut self, obx: &Segment<'_>) -> Result<(), Hl7Error> {
        self.observations += 1;
        let sequence = self.observations;
        let own = self.time(obx, 14, "OBX", sequence);
        let at = own.or(self.order_at).or(self.sent_at).unwrap_or(self.received);
        let alarms = self.header.event == "R40";
        let group = self.group.as_mut().ok_or(Hl7Error::Missing("PID"))?;
        if alarms && group.alarm.take(obx, at) {
            return Ok(());
        }
        if let Err(reason) = group.take(obx, at) {
            let (code, raw) = (clip(&obx.value(3, 1), MAX_TEXT), Some(clip(obx.text(), MAX_RAW_CHARS)));
            group.rejected.push(RejectedObservation { code, reason, raw });
            self.oru.problems.push(Problem::of_observation(sequence, reason));
        }
        Ok(())
    }

    /// Makes events of what the last PID was followed by.
    fn close(&mut self) {
        let Some(group) = self.group.take() else { return };
        let source = self.header.source();
        let Group { patient, mut plain, corrected, withdrawn, rejected, alarm } = group;
        let newest = plain.pop_last();
        let earlier = plain.into_iter().map(|(taken_at, vitals)| Amendment::Earlier { taken_at, vitals });
        let corrected = corrected.into_iter().map(|(taken_at, vitals)| Amendment::Corrected { taken_at, vitals });
        let withdrawn =
            withdrawn.into_iter().map(|(taken_at, parameters)| Amendment::Withdrawn { taken_at, parameters });
        let amendments: Vec<Amendment> = earlier.chain(corrected).chain(withdrawn).collect();
        let alarm = alarm.finish(self.header, self.order_at.or(self.sent_at).unwrap_or(self.received));
        // A message without any value is recorded as well: it says that the monitor is there.
        let nothing_else = amendments.is_empty() && alarm.is_none();
        let observed = (newest.is_some() || !rejected.is_empty() || nothing_else).then(|| {
            let unsaid = || (self.order_at.or(self.sent_at).unwrap_or(self.received), VitalSigns::default());
            let (taken_at, vitals) = newest.unwrap_or_else(unsaid);
            VitalsObserved { source: source.clone(), taken_at, vitals, rejected }
        });
        let amended = (!amendments.is_empty()).then_some(VitalsAmended { source, amendments });
        self.oru.patients.push(OfPatient { patient, observed, amended, alarm });
    }
}

impl Group {
    /// By what OBX-11 says of it (HL7 table 0085).
    fn take(&mut self, obx: &Segment<'_>, at: Timestamp) -> Result<(), RejectionReason> {
        match &*obx.value(11, 1) {
            // Final, preliminary, partial, appended, verified, not verified: what a monitor sends.
            "" | "F" | "P" | "S" | "A" | "B" | "R" | "V" => apply(obx, self.plain.entry(at).or_default()),
            "C" => apply(obx, self.corrected.entry(at).or_default()),
            // Deleted, and posted as another patient's.
            "D" | "W" => {
                let parameter = parameter(obx).ok_or(RejectionReason::UnknownCode)?;
                let withdrawn = self.withdrawn.entry(at).or_default();
                if !withdrawn.iter().any(|known| known == parameter) {
                    withdrawn.push(parameter.to_owned());
                }
                Ok(())
            }
            // The result stands as it was sent before.
            "U" => Ok(()),
            // Not asked, pending, cannot be obtained, and what no version knows.
            _ => Err(RejectionReason::NotFinal),
        }
    }
}

/// Codes and alternate code of OBX-3, and the name in it, where senders put the reference identifier.
fn with_observation<T>(obx: &Segment<'_>, use_it: impl FnOnce(&Observation<'_>) -> T) -> T {
    let text = |component| obx.value(3, component);
    let (code, name, system) = (text(1), text(2), System::named(&text(3)));
    let (other, other_name, other_system) = (text(4), text(5), System::named(&text(6)));
    let codes = [
        Code { code: &code, system },
        Code { code: &other, system: other_system },
        Code { code: &name, system: System::Mdc },
        Code { code: &other_name, system: System::Mdc },
    ];
    // UCUM stands in the first triplet or in the second; PCD-01 senders put both an MDC unit and UCUM.
    let unit = obx.value(6, 1);
    let value = value(obx);
    use_it(&Observation { codes: &codes, value: &value, unit: &unit })
}

fn apply(obx: &Segment<'_>, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
    if obx.repetitions(5).nth(1).is_some() {
        // Which of several values is the vital sign is not to be guessed.
        return Err(with_observation(obx, |observation| match observation::known(observation) {
            Some(_) => RejectionReason::NotANumber,
            None => RejectionReason::UnknownCode,
        }));
    }
    with_observation(obx, |observation| observation::apply(observation, vitals))
}

/// OBX-5. A structured numeric (SN) has its number behind a comparator, which must not change it.
fn value<'m>(obx: &Segment<'m>) -> Cow<'m, str> {
    if obx.value(2, 1) != "SN" {
        return obx.value(5, 1);
    }
    let plain = matches!(&*obx.value(5, 1), "" | "=") && obx.value(5, 3).is_empty();
    if plain { obx.value(5, 2) } else { Cow::Borrowed("") }
}

/// The field of `VitalSigns` that the code stands for.
fn parameter(obx: &Segment<'_>) -> Option<&'static str> {
    use healthsync_events::observation::codes::Meaning as M;
    Some(match with_observation(obx, observation::known)? {
        M::HeartRate => "heart_rate",
        M::RespiratoryRate => "respiratory_rate",
        M::Spo2 => "spo2",
        M::SystolicPressure => "systolic_bp",
        M::DiastolicPressure => "diastolic_bp",
        M::Temperature => "temperature",
        M::Consciousness => "consciousness",
        M::OxygenFlow | M::OxygenFraction => "supplemental_oxygen",
    })
}

/// The first identifier of type MR in a list of them, or the first of all.
pub(crate) fn patient_in(segment: &Segment<'_>, field: usize, place: &'static str) -> Result<PatientId, Hl7Error> {
    let all = || segment.repetitions(field).filter(|id| !segment.value_of(id, 1).is_empty());
    let medical_record = all().find(|id| segment.value_of(id, 5) == "MR");
    let id = medical_record.or_else(|| all().next()).ok_or(Hl7Error::Missing(place))?;
    PatientId::new(segment.value_of(id, 1)).map_err(|_| Hl7Error::Invalid(place))
}

impl Alarm {
    /// Takes an OBX of an alarm (IHE Patient Care Device, PCD-04); whether it is one. Attributes go by the numbers
    /// and names of ISO/IEEE 11073-10101.
    fn take(&mut self, obx: &Segment<'_>, at: Timestamp) -> bool {
        const MAX_WORD: usize = 32;
        let (number, name) = (obx.value(3, 1), obx.value(3, 2));
        let any = |wanted: [&str; 2]| wanted.contains(&&*number) || wanted.contains(&&*name);
        let word = || Some(clip(&obx.value(5, 1), MAX_WORD)).filter(|text| !text.is_empty());
        if any(["68481", "MDC_ATTR_EVENT_PHASE"]) {
            self.phase = word();
        } else if any(["68482", "MDC_ATTR_ALARM_STATE"]) {
            self.state = word();
        } else if any(["68484", "MDC_ATTR_ALARM_PRIORITY"]) {
            self.priority = word();
        } else if any(["196616", "MDC_EVT_ALARM"]) || name.starts_with("MDC_EVT_") {
            // PCD-04 has the kind of event in the value of MDC_EVT_ALARM; older senders have it in OBX-3.
            let said = [obx.value(5, 2), obx.value(5, 1)].into_iter().find(|text| text.starts_with("MDC_EVT_"));
            self.event = Some(clip(said.as_deref().unwrap_or(&name), MAX_TEXT));
            self.at = Some(at);
        } else if any(["68480", "MDC_ATTR_ALERT_SOURCE"]) {
            let about = [obx.value(5, 2), obx.value(5, 1)].into_iter().find(|text| !text.is_empty());
            self.about = about.map(|text| clip(&text, MAX_TEXT));
        } else {
            // The value that the alarm is about is an observation as well. The remaining attributes are not used.
            if self.about.is_none() && name.starts_with("MDC_") && !name.starts_with("MDC_ATTR_") {
                self.about = Some(clip(&name, MAX_TEXT));
            }
            return name.starts_with("MDC_ATTR_") || name.starts_with("MDC_DEV_");
        }
        true
    }

    fn finish(self, header: &Header, otherwise: Timestamp) -> Option<DeviceAlarm> {
        let at = self.at.unwrap_or(otherwise);
        let (event, phase) = (self.event?, self.phase?);
        let Self { about, state, priority, .. } = self;
        Some(DeviceAlarm { source: header.source(), at, event, about, phase, state, priority })
    }
}

#[cfg(test)]
mod tests;
