//! Everything that can happen in a session.

use crate::{
    alarm::{AlarmAcknowledged, AlarmCleared, AlarmEscalated, AlarmLatched, AlarmRaised, AlarmSilenced},
    clinical::{
        Amendment, DeviceAlarm, MonitorClockJumped, MonitorProtocol, MonitorSource, VitalsAmended, VitalsObserved,
    },
    consultation::{
        ActorRestarted, ChatMessage, ErrorRaised, MediaChanged, ParticipantInvited, ParticipantJoined, ParticipantLeft,
        SessionEnded, SessionStarted, SpeechBoundary,
    },
    ids::{AlarmId, ImageId, Seq, UtteranceId},
    imaging::{ImageFinding, ImageReady, ImageReceived, ImageRejected},
    monitoring::MonitoringChanged,
    patient::PatientChanged,
    prediction::RiskPredicted,
    risk::{RiskScored, ScoresComputed},
    scribe::{CasesMatched, ConditionsRanked, ReportReady, ReportRequested, SymptomMentioned},
    speech::{
        CaptionDropped, CaptionFinal, CaptionPartial, LanguageDetected, LanguageSet, SpeechAnnounced, SpeechCompleted,
        SpeechSkipped, TranslationFinal, TranslationPartial,
    },
    waveform::WaveformRecorded,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use ts_rs::TS;

/// What happened. `type` names it on the wire. What there is much of, and what is kept beside the log, is shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type")]
pub enum EventBody {
    #[serde(rename = "session.started")]
    SessionStarted(SessionStarted),
    #[serde(rename = "session.ended")]
    SessionEnded(SessionEnded),
    #[serde(rename = "participant.joined")]
    ParticipantJoined(ParticipantJoined),
    #[serde(rename = "participant.left")]
    ParticipantLeft(ParticipantLeft),
    #[serde(rename = "participant.invited")]
    ParticipantInvited(ParticipantInvited),
    #[serde(rename = "media.changed")]
    MediaChanged(MediaChanged),
    #[serde(rename = "language.detected")]
    LanguageDetected(LanguageDetected),
    #[serde(rename = "language.set")]
    LanguageSet(LanguageSet),
    #[serde(rename = "chat.message")]
    ChatMessage(ChatMessage),
    #[serde(rename = "utterance.started")]
    UtteranceStarted(SpeechBoundary),
    #[serde(rename = "utterance.ended")]
    UtteranceEnded(SpeechBoundary),
    #[serde(rename = "caption.partial")]
    CaptionPartial(CaptionPartial),
    #[serde(rename = "caption.final")]
    CaptionFinal(CaptionFinal),
    #[serde(rename = "caption.dropped")]
    CaptionDropped(CaptionDropped),
    #[serde(rename = "translation.partial")]
    TranslationPartial(TranslationPartial),
    #[serde(rename = "translation.final")]
    TranslationFinal(TranslationFinal),
    #[serde(rename = "speech.announced")]
    SpeechAnnounced(SpeechAnnounced),
    #[serde(rename = "speech.completed")]
    SpeechCompleted(SpeechCompleted),
    #[serde(rename = "speech.skipped")]
    SpeechSkipped(SpeechSkipped),
    #[serde(rename = "vitals.observed")]
    VitalsObserved(VitalsObserved),
    #[serde(rename = "risk.scored")]
    RiskScored(Arc<RiskScored>),
    #[serde(rename = "scores.computed")]
    ScoresComputed(Arc<ScoresComputed>),
    #[serde(rename = "risk.predicted")]
    RiskPredicted(RiskPredicted),
    #[serde(rename = "alarm.raised")]
    AlarmRaised(AlarmRaised),
    #[serde(rename = "alarm.cleared")]
    AlarmCleared(AlarmCleared),
    #[serde(rename = "alarm.latched")]
    AlarmLatched(AlarmLatched),
    #[serde(rename = "alarm.acknowledged")]
    AlarmAcknowledged(AlarmAcknowledged),
    #[serde(rename = "alarm.silenced")]
    AlarmSilenced(AlarmSilenced),
    #[serde(rename = "alarm.escalated")]
    AlarmEscalated(AlarmEscalated),
    #[serde(rename = "monitoring.changed")]
    MonitoringChanged(MonitoringChanged),
    #[serde(rename = "waveform.recorded")]
    WaveformRecorded(WaveformRecorded),
    #[serde(rename = "image.received")]
    ImageReceived(ImageReceived),
    #[serde(rename = "image.ready")]
    ImageReady(ImageReady),
    #[serde(rename = "image.rejected")]
    ImageRejected(ImageRejected),
    #[serde(rename = "image.finding")]
    ImageFinding(ImageFinding),
    #[serde(rename = "symptom.mentioned")]
    SymptomMentioned(SymptomMentioned),
    #[serde(rename = "conditions.ranked")]
    ConditionsRanked(ConditionsRanked),
    #[serde(rename = "cases.matched")]
    CasesMatched(CasesMatched),
    #[serde(rename = "report.requested")]
    ReportRequested(ReportRequested),
    #[serde(rename = "report.ready")]
    ReportReady(ReportReady),
    #[serde(rename = "error.raised")]
    ErrorRaised(ErrorRaised),
    #[serde(rename = "actor.restarted")]
    ActorRestarted(ActorRestarted),
    #[serde(rename = "vitals.amended")]
    VitalsAmended(VitalsAmended),
    #[serde(rename = "monitor.clock_jumped")]
    MonitorClockJumped(MonitorClockJumped),
    #[serde(rename = "device.alarm")]
    DeviceAlarm(DeviceAlarm),
    #[serde(rename = "patient.changed")]
    PatientChanged(PatientChanged),
}

impl EventBody {
    /// The `type` on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SessionStarted(_) => "session.started",
            Self::SessionEnded(_) => "session.ended",
            Self::ParticipantJoined(_) => "participant.joined",
            Self::ParticipantLeft(_) => "participant.left",
            Self::ParticipantInvited(_) => "participant.invited",
            Self::MediaChanged(_) => "media.changed",
            Self::LanguageDetected(_) => "language.detected",
            Self::LanguageSet(_) => "language.set",
            Self::ChatMessage(_) => "chat.message",
            Self::UtteranceStarted(_) => "utterance.started",
            Self::UtteranceEnded(_) => "utterance.ended",
            Self::CaptionPartial(_) => "caption.partial",
            Self::CaptionFinal(_) => "caption.final",
            Self::CaptionDropped(_) => "caption.dropped",
            Self::TranslationPartial(_) => "translation.partial",
            Self::TranslationFinal(_) => "translation.final",
            Self::SpeechAnnounced(_) => "speech.announced",
            Self::SpeechCompleted(_) => "speech.completed",
            Self::SpeechSkipped(_) => "speech.skipped",
            Self::VitalsObserved(_) => "vitals.observed",
            Self::RiskScored(_) => "risk.scored",
            Self::ScoresComputed(_) => "scores.computed",
            Self::RiskPredicted(_) => "risk.predicted",
            Self::AlarmRaised(_) => "alarm.raised",
            Self::AlarmCleared(_) => "alarm.cleared",
            Self::AlarmLatched(_) => "alarm.latched",
            Self::AlarmAcknowledged(_) => "alarm.acknowledged",
            Self::AlarmSilenced(_) => "alarm.silenced",
            Self::AlarmEscalated(_) => "alarm.escalated",
            Self::MonitoringChanged(_) => "monitoring.changed",
            Self::WaveformRecorded(_) => "waveform.recorded",
            Self::ImageReceived(_) => "image.received",
            Self::ImageReady(_) => "image.ready",
            Self::ImageRejected(_) => "image.rejected",
            Self::ImageFinding(_) => "image.finding",
            Self::SymptomMentioned(_) => "symptom.mentioned",
            Self::ConditionsRanked(_) => "conditions.ranked",
            Self::CasesMatched(_) => "cases.matched",
            Self::ReportRequested(_) => "report.requested",
            Self::ReportReady(_) => "report.ready",
            Self::ErrorRaised(_) => "error.raised",
            Self::ActorRestarted(_) => "actor.restarted",
            Self::VitalsAmended(_) => "vitals.amended",
            Self::MonitorClockJumped(_) => "monitor.clock_jumped",
            Self::DeviceAlarm(_) => "device.alarm",
            Self::PatientChanged(_) => "patient.changed",
        }
    }

    /// What makes a second recording of the same thing a repeat; `None` where saying it twice means it twice.
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::VitalsObserved(observed) => Some(Identity::MonitorMessage(
                MessageKind::Observed,
                observed.source.clone(),
                // A program that gives its set of vital signs a name may leave the time to the server.
                match observed.source.protocol {
                    MonitorProtocol::Http => fingerprint(observed.vitals.bits()),
                    _ => fingerprint((observed.taken_at.millis(), observed.vitals.bits())),
                },
            )),
            Self::VitalsAmended(amended) => Some(Identity::MonitorMessage(
                MessageKind::Amended,
                amended.source.clone(),
                fingerprint(amended.amendments.iter().map(Amendment::bits).collect::<Vec<_>>()),
            )),
            Self::DeviceAlarm(alarm) => Some(Identity::MonitorMessage(
                MessageKind::Alarm,
                alarm.source.clone(),
                fingerprint((alarm.at.millis(), &alarm.event, &alarm.phase)),
            )),
            Self::PatientChanged(changed) => Some(Identity::MonitorMessage(
                MessageKind::Patient,
                changed.source.clone(),
                fingerprint((changed.occurred_at.millis(), changed.change)),
            )),
            Self::CaptionFinal(caption) => Some(Identity::Caption(caption.utterance)),
            Self::CaptionDropped(dropped) => Some(Identity::Caption(dropped.utterance)),
            Self::TranslationFinal(t) => Some(Identity::Translation(t.utterance, t.target_language.primary())),
            Self::RiskScored(scored) => scored.provenance.inputs.iter().max().map(|seq| Identity::Score(*seq)),
            Self::RiskPredicted(predicted) => {
                predicted.provenance.inputs.iter().max().map(|s| Identity::Prediction(*s))
            }
            Self::AlarmRaised(raised) => Some(Identity::AlarmRaised(raised.alarm)),
            Self::AlarmCleared(cleared) => Some(Identity::AlarmCleared(cleared.alarm)),
            Self::AlarmLatched(latched) => Some(Identity::AlarmLatched(latched.alarm)),
            Self::AlarmEscalated(escalated) => Some(Identity::AlarmEscalated(escalated.alarm, escalated.step)),
            Self::ScoresComputed(computed) => Some(Identity::Scores(computed.because)),
            Self::ImageReady(ready) => Some(Identity::Image(ready.image)),
            Self::ImageRejected(rejected) => Some(Identity::Image(rejected.image)),
            _ => None,
        }
    }

    /// Whether a slow client may be spared this event when a later one of the same utterance follows.
    pub fn is_coalescible(&self) -> bool {
        matches!(self, Self::CaptionPartial(_) | Self::TranslationPartial(_))
    }
}

/// One message may say several kinds of thing, each of which is an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    Observed,
    Amended,
    Alarm,
    Patient,
}

/// Tells contents apart within one process; it is never stored.
fn fingerprint(content: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// What an event is about, where recording it once is enough: a monitor resends, an actor that died does its
/// last piece of work again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// What was said is part of it: a device that counts its messages from 1 again after a restart says something
    /// new under an old number.
    MonitorMessage(MessageKind, MonitorSource, u64),
    /// Final or dropped: an utterance ends one way.
    Caption(UtteranceId),
    Translation(UtteranceId, String),
    /// The newest observation scored.
    Score(Seq),
    /// The same for the scores beside NEWS2.
    Scores(Seq),
    /// The newest observation that a prediction rests on.
    Prediction(Seq),
    AlarmRaised(AlarmId),
    AlarmCleared(AlarmId),
    AlarmLatched(AlarmId),
    /// With the step.
    AlarmEscalated(AlarmId, u8),
    /// Ready or rejected.
    Image(ImageId),
}
