//! The state of a session: a fold over its events, and nothing else.

use crate::{
    alarm::{AlarmRaised, AlarmStatus, EscalationReason},
    body::{EventBody, Identity},
    clinical::{ClockJump, VitalSigns},
    consultation::{MediaChanged, ParticipantInvited, Sending, SessionStarted},
    envelope::Event,
    ids::{AlarmId, ImageId, InvitationId, Language, ParticipantId, PatientId, Seq, SessionId, Timestamp, UtteranceId},
    imaging::ImageReady,
    limits::REMEMBERED_MESSAGES,
    monitoring::Monitoring,
    patient::PatientChanged,
    prediction::RiskPredicted,
    readings::Readings,
    risk::RiskScored,
    scribe::ReportReady,
    speech::{CaptionFinal, TranslationFinal},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

/// Identifiers remembered that a patient had before merges: more than this are a fault of the sender.
const MAX_FORMER_PATIENTS: usize = 16;

/// A value and the event it came with.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub seq: Seq,
    pub at: Timestamp,
    pub value: T,
}

/// A final caption with what was made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    pub caption: At<CaptionFinal>,
    pub translations: Vec<At<TranslationFinal>>,
}

/// The fold of a session's events up to `head`.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionState {
    pub session: SessionId,
    pub head: Seq,
    pub started: Option<At<SessionStarted>>,
    pub ended: Option<At<()>>,
    /// Participants present, with their language as last set or detected.
    pub participants: BTreeMap<ParticipantId, Language>,
    /// What each participant present sends.
    pub media: BTreeMap<ParticipantId, MediaChanged>,
    pub invitations: BTreeMap<InvitationId, ParticipantInvited>,
    /// Utterances that began and have neither a final caption nor been dropped, and who speaks.
    pub open_utterances: BTreeMap<UtteranceId, ParticipantId>,
    /// Finished utterances in the order their captions became final.
    pub utterances: Vec<Utterance>,
    /// Newest value of each vital sign.
    pub vitals: VitalSigns,
    /// The observation that changed `vitals` last.
    pub last_vitals: Option<At<()>>,
    /// Where the patient is and under which identifier, as the hospital says.
    pub patient: Option<At<PatientChanged>>,
    /// Identifiers that the patient had before.
    pub former_patients: Vec<PatientId>,
    readings: Readings,
    pub risk: Option<At<Arc<RiskScored>>>,
    /// What the learned model expects.
    pub prediction: Option<At<RiskPredicted>>,
    /// The highest score so far.
    pub worst_risk: Option<At<Arc<RiskScored>>>,
    pub monitoring: Monitoring,
    /// Alarms raised and not cleared.
    pub alarms: BTreeMap<AlarmId, At<AlarmRaised>>,
    /// What has become of those.
    pub alarm_status: BTreeMap<AlarmId, AlarmStatus>,
    /// Every alarm ever raised, in order.
    pub alarm_history: Vec<At<AlarmRaised>>,
    pub images: BTreeMap<ImageId, At<ImageReady>>,
    pub report: Option<At<ReportReady>>,
    utterance_index: HashMap<UtteranceId, usize>,
    recorded: HashMap<Identity, (Seq, Timestamp)>,
    /// Monitor messages in `recorded`, oldest first, and what was made of them: the kinds without a natural bound.
    monitor_messages: VecDeque<Identity>,
    scored: VecDeque<Identity>,
}

impl SessionState {
    pub fn new(session: SessionId) -> Self {
        Self {
            session,
            head: Seq(0),
            started: None,
            ended: None,
            participants: BTreeMap::new(),
            media: BTreeMap::new(),
            invitations: BTreeMap::new(),
            open_utterances: BTreeMap::new(),
            utterances: Vec::new(),
            vitals: VitalSigns::default(),
            last_vitals: None,
            patient: None,
            former_patients: Vec::new(),
            readings: Readings::default(),
            risk: None,
            prediction: None,
            worst_risk: None,
            monitoring: Monitoring::default(),
            alarms: BTreeMap::new(),
            alarm_status: BTreeMap::new(),
            alarm_history: Vec::new(),
            images: BTreeMap::new(),
            report: None,
            utterance_index: HashMap::new(),
            recorded: HashMap::new(),
            monitor_messages: VecDeque::new(),
            scored: VecDeque::new(),
        }
    }

    /// Takes the next event in. Events come in order; one at or below `head` has been taken already and
    /// changes nothing, so a replay may overlap.
    pub fn apply(&mut self, event: &Event) {
        if event.seq <= self.head {
            return;
        }
        self.head = event.seq;
        self.remember(event);
        match &event.body {
            EventBody::SessionStarted(started) => self.started = Some(at(event, started.clone())),
            EventBody::SessionEnded(_) => self.ended = Some(at(event, ())),
            EventBody::ParticipantJoined(joined) => {
                self.participants.insert(joined.participant.clone(), joined.language.clone());
            }
            EventBody::ParticipantLeft(left) => {
                self.participants.remove(&left.participant);
                self.media.remove(&left.participant);
            }
            EventBody::LanguageDetected(detected) => self.speaks(&detected.participant, &detected.language),
            EventBody::LanguageSet(set) => self.speaks(&set.participant, &set.language),
            EventBody::MediaChanged(changed) => self.sends(changed),
            EventBody::ParticipantInvited(invited) => {
                self.invitations.insert(invited.invitation, invited.clone());
            }
            EventBody::UtteranceStarted(started) => {
                self.open_utterances.insert(started.utterance, started.participant.clone());
            }
            EventBody::CaptionDropped(dropped) => {
                self.open_utterances.remove(&dropped.utterance);
            }
            EventBody::CaptionFinal(caption) => {
                self.open_utterances.remove(&caption.utterance);
                self.utterance_index.insert(caption.utterance, self.utterances.len());
                self.utterances.push(Utterance { caption: at(event, caption.clone()), translations: Vec::new() });
            }
            EventBody::TranslationFinal(translation) => {
                if let Some(&index) = self.utterance_index.get(&translation.utterance) {
                    self.utterances[index].translations.push(at(event, translation.clone()));
                }
            }
            EventBody::VitalsObserved(observed) => {
                let changed = self.readings.observe(event.seq, event.at, observed);
                self.measured(event, changed);
            }
            EventBody::VitalsAmended(amended) => {
                let changed = self.readings.amend(event.seq, event.at, amended);
                self.measured(event, changed);
            }
            EventBody::MonitorClockJumped(jumped) if jumped.jump == ClockJump::Back => self.readings.clock_set_back(),
            EventBody::PatientChanged(changed) => self.patient_changed(event, changed),
            EventBody::RiskScored(scored) => self.apply_risk(event, scored),
            EventBody::RiskPredicted(predicted) => self.prediction = Some(at(event, predicted.clone())),
            EventBody::MonitoringChanged(change) => self.monitoring.apply(event.seq, event.at, change),
            EventBody::AlarmRaised(_)
            | EventBody::AlarmCleared(_)
            | EventBody::AlarmLatched(_)
            | EventBody::AlarmAcknowledged(_)
            | EventBody::AlarmSilenced(_)
            | EventBody::AlarmEscalated(_) => self.apply_alarm(event),
            EventBody::ImageReady(ready) => {
                self.images.insert(ready.image, at(event, ready.clone()));
            }
            EventBody::ReportReady(report) => self.report = Some(at(event, report.clone())),
            _ => {}
        }
    }

    /// Where this was recorded already, if recording it once is enough and it is still remembered.
    pub fn already(&self, body: &EventBody) -> Option<(Seq, Timestamp)> {
        self.recorded.get(&body.identity()?).copied()
    }

    pub fn languages(&self) -> &[Language] {
        self.started.as_ref().map_or(&[], |started| &started.value.languages)
    }

    /// Which event each of the newest vital signs came with, by the name of its field.
    pub fn vital_sources(&self) -> impl Iterator<Item = (&'static str, Seq)> + '_ {
        self.readings.sources()
    }

    /// Whether this is the patient's identifier, or was before a merge.
    pub fn is_patient(&self, patient: &PatientId) -> bool {
        self.started.as_ref().is_some_and(|started| started.value.patient == *patient)
            || self.patient.as_ref().is_some_and(|changed| changed.value.patient == *patient)
            || self.former_patients.contains(patient)
    }

    fn measured(&mut self, event: &Event, changed: bool) {
        if changed {
            self.vitals = self.readings.current().clone();
            self.last_vitals = Some(at(event, ()));
        }
    }

    fn patient_changed(&mut self, event: &Event, changed: &PatientChanged) {
        let mut changed = changed.clone();
        if let Some(former) = &changed.merged_from
            && !self.former_patients.contains(former)
            && self.former_patients.len() < MAX_FORMER_PATIENTS
        {
            self.former_patients.push(former.clone());
        }
        if let Some(earlier) = &self.patient {
            changed.completed_by(&earlier.value);
        }
        self.patient = Some(at(event, changed));
    }

    /// Who sends nothing has no call, and may have left before it was noticed.
    fn sends(&mut self, changed: &MediaChanged) {
        if (changed.audio, changed.video) == (Sending::Off, Sending::Off) {
            self.media.remove(&changed.participant);
        } else {
            self.media.insert(changed.participant.clone(), changed.clone());
        }
    }

    fn speaks(&mut self, participant: &ParticipantId, language: &Language) {
        if let Some(known) = self.participants.get_mut(participant) {
            *known = language.clone();
        }
    }

    fn apply_risk(&mut self, event: &Event, scored: &Arc<RiskScored>) {
        if self.worst_risk.as_ref().is_none_or(|worst| scored.total > worst.value.total) {
            self.worst_risk = Some(at(event, Arc::clone(scored)));
        }
        self.risk = Some(at(event, Arc::clone(scored)));
    }

    fn apply_alarm(&mut self, event: &Event) {
        match &event.body {
            EventBody::AlarmRaised(raised) => {
                self.alarms.insert(raised.alarm, at(event, raised.clone()));
                self.alarm_status.insert(raised.alarm, AlarmStatus::default());
                self.alarm_history.push(at(event, raised.clone()));
            }
            EventBody::AlarmCleared(cleared) => {
                self.alarms.remove(&cleared.alarm);
                self.alarm_status.remove(&cleared.alarm);
            }
            EventBody::AlarmLatched(latched) => {
                self.alarm_status.entry(latched.alarm).and_modify(|status| status.latched = true);
            }
            EventBody::AlarmAcknowledged(acknowledged) => {
                let by = (acknowledged.by.clone(), event.at);
                self.alarm_status.entry(acknowledged.alarm).and_modify(|status| status.acknowledged = Some(by));
            }
            EventBody::AlarmSilenced(silenced) => {
                let until = Timestamp::from_millis(event.at.millis() + i64::from(silenced.seconds) * 1_000);
                let meant = |alarm: &AlarmId| silenced.alarm.is_none_or(|one| one == *alarm);
                for (_, status) in self.alarm_status.iter_mut().filter(|(alarm, _)| meant(alarm)) {
                    status.silenced_until = Some(until);
                }
            }
            EventBody::AlarmEscalated(escalated) => {
                self.alarm_status.entry(escalated.alarm).and_modify(|status| {
                    status.step = escalated.step;
                    if escalated.reason == EscalationReason::Worse {
                        status.acknowledged = None;
                        status.silenced_until = None;
                    }
                });
            }
            _ => {}
        }
    }

    fn remember(&mut self, event: &Event) {
        let Some(identity) = event.body.identity() else { return };
        let bounded = match identity {
            Identity::MonitorMessage(..) => Some(&mut self.monitor_messages),
            // An actor that does its last piece of work again makes one of the newest again.
            Identity::Score(_) | Identity::Scores(_) | Identity::Prediction(_) => Some(&mut self.scored),
            _ => None,
        };
        if let Some(bounded) = bounded {
            bounded.push_back(identity.clone());
            if bounded.len() > REMEMBERED_MESSAGES
                && let Some(oldest) = bounded.pop_front()
            {
                self.recorded.remove(&oldest);
            }
        }
        self.recorded.insert(identity, (event.seq, event.at));
    }
}

fn at<T>(event: &Event, value: T) -> At<T> {
    At { seq: event.seq, at: event.at, value }
}

#[cfg(test)]
mod tests;
