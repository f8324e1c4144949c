//! Alarms, who answered them, and how a patient is monitored. Terms and priorities follow IEC 60601-1-8.

use crate::{
    clinical::VitalSign,
    ids::{AlarmId, ParticipantId, Seq, Timestamp},
    limits::{MAX_AGE_MONTHS, MAX_ALARM_DELAY_SECONDS, MAX_SILENCE_SECONDS},
    refusal::Refusal,
    risk::ScoreName,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// One NEWS2 parameter scores 3.
    News2SingleParameter,
    /// NEWS2 of 5 or 6: urgent response.
    News2Urgent,
    /// NEWS2 of 7 or more: emergency response.
    News2Emergency,
    /// Bedside PEWS of 5 or 6.
    PewsUrgent,
    /// Bedside PEWS of 7 or more.
    PewsEmergency,
    /// A vital sign is below its limit.
    LimitLow,
    /// A vital sign is above its limit.
    LimitHigh,
    /// A vital sign that was measured continuously is no longer sent.
    SensorOff,
    /// Nothing is sent any more.
    NoData,
    /// A vital sign's values cannot be believed.
    Artefact,
}

/// Whether an alarm is about the patient or about the equipment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmClass {
    #[default]
    Clinical,
    Technical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmPriority {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmRaised {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    #[serde(default)]
    pub class: AlarmClass,
    pub priority: AlarmPriority,
    pub message: String,
    /// Sequence number of the score or the observation that raised it.
    pub because: Seq,
    /// The vital sign it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub parameter: Option<VitalSign>,
    /// The value that broke the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub value: Option<f64>,
    /// The limit that was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<f64>,
    /// Stands until it is acknowledged, even when its condition is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub latching: bool,
}

/// Why an alarm no longer stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmClearReason {
    /// What called for it has been over for long enough.
    #[default]
    ConditionOver,
    /// A more urgent alarm of the same score took its place.
    Superseded,
    /// Its condition was over, and it was acknowledged.
    Acknowledged,
    /// The limits or the scores of the patient were changed so that nothing calls for it.
    MonitoringChanged,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmCleared {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    pub because: Seq,
    #[serde(default)]
    pub reason: AlarmClearReason,
}

/// The condition of a latching alarm is over; it stands until somebody acknowledges it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmLatched {
    pub alarm: AlarmId,
    pub because: Seq,
}

/// Somebody has seen an alarm and takes care of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmAcknowledged {
    pub alarm: AlarmId,
    pub by: ParticipantId,
}

/// The sound of alarms is off from this event on for `seconds`. An alarm raised later sounds all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmSilenced {
    /// One alarm; all that stand when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub alarm: Option<AlarmId>,
    pub by: ParticipantId,
    /// 1 to [`MAX_SILENCE_SECONDS`].
    pub seconds: u16,
}

impl AlarmSilenced {
    pub fn check(&self) -> Result<(), Refusal> {
        if (1..=MAX_SILENCE_SECONDS).contains(&self.seconds) {
            return Ok(());
        }
        Err(Refusal::invalid("seconds", format!("must be 1 to {MAX_SILENCE_SECONDS}")))
    }
}

/// Why an alarm calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// Nobody acknowledged it in time.
    Unacknowledged,
    /// It was acknowledged, and the patient got worse: the acknowledgement no longer counts.
    Worse,
}

/// An alarm calls again, and for more people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmEscalated {
    pub alarm: AlarmId,
    /// 1 for the first time this alarm called again, then without gap.
    pub step: u8,
    pub reason: EscalationReason,
    /// The score or observation it rests on.
    pub because: Seq,
}

/// A patient's limits of one vital sign, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct AlarmLimits {
    pub parameter: VitalSign,
    /// Below it there is an alarm; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub low: Option<f64>,
    /// Above it there is an alarm; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub high: Option<f64>,
    /// How long a value must stay beyond the limit; the parameter's own delay when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub delay_seconds: Option<u16>,
}

/// Somebody changed how a patient is monitored. What is left out stays as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct MonitoringChanged {
    pub by: ParticipantId,
    /// Age in whole months: it decides on scores and default limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub age_months: Option<u16>,
    /// The scores that run from now on; an empty list goes back to those for the age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub scores: Option<Vec<ScoreName>>,
    /// Limits that are the patient's own from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<AlarmLimits>,
    /// Vital signs that go back to the limits for the age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_limits: Vec<VitalSign>,
}

impl MonitoringChanged {
    /// Limits lie within what can be measured on a living person and in order; nothing is named twice.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.age_months.is_some_and(|months| months > MAX_AGE_MONTHS) {
            return Err(Refusal::invalid("age_months", format!("must be at most {MAX_AGE_MONTHS}")));
        }
        if let Some(scores) = &self.scores
            && (1..scores.len()).any(|i| scores[..i].contains(&scores[i]))
        {
            return Err(Refusal::invalid("scores", "names a score twice"));
        }
        let mut named = Vec::new();
        for limits in &self.limits {
            limits.check()?;
            named.push(limits.parameter);
        }
        named.extend(&self.default_limits);
        if (1..named.len()).any(|i| named[..i].contains(&named[i])) {
            return Err(Refusal::invalid("limits", "names a vital sign twice"));
        }
        Ok(())
    }
}

impl AlarmLimits {
    fn check(&self) -> Result<(), Refusal> {
        let (least, most) = self.parameter.physiological();
        let within = |limit: Option<f64>| limit.is_none_or(|limit| (least..=most).contains(&limit));
        if !within(self.low) || !within(self.high) {
            let rule = format!("of {} must be {least} to {most}", self.parameter.name());
            return Err(Refusal::invalid("limits", rule));
        }
        if let (Some(low), Some(high)) = (self.low, self.high)
            && low >= high
        {
            return Err(Refusal::invalid("limits", format!("of {} are not in order", self.parameter.name())));
        }
        if self.delay_seconds.is_some_and(|delay| delay > MAX_ALARM_DELAY_SECONDS) {
            return Err(Refusal::invalid("delay_seconds", format!("must be at most {MAX_ALARM_DELAY_SECONDS}")));
        }
        Ok(())
    }
}

/// How a patient is monitored: the fold of `monitoring.changed`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Monitoring {
    pub age_months: Option<u16>,
    /// Scores chosen for this patient, if any were.
    pub scores: Option<Vec<ScoreName>>,
    /// Limits that are the patient's own.
    pub limits: BTreeMap<VitalSign, AlarmLimits>,
    /// Who changed it last, with which event.
    pub changed: Option<(Seq, Timestamp, ParticipantId)>,
}

impl Monitoring {
    pub fn apply(&mut self, seq: Seq, at: Timestamp, change: &MonitoringChanged) {
        self.age_months = change.age_months.or(self.age_months);
        if let Some(scores) = &change.scores {
            self.scores = (!scores.is_empty()).then(|| scores.clone());
        }
        for parameter in &change.default_limits {
            self.limits.remove(parameter);
        }
        self.limits.extend(change.limits.iter().map(|limits| (limits.parameter, *limits)));
        self.changed = Some((seq, at, change.by.clone()));
    }
}

/// What has become of an alarm that stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema, TS)]
pub struct AlarmStatus {
    /// Who acknowledged it, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub acknowledged: Option<(ParticipantId, Timestamp)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub silenced_until: Option<Timestamp>,
    /// How often it called again.
    pub step: u8,
    /// Its condition is over; it waits for being acknowledged.
    pub latched: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(limits: Vec<AlarmLimits>) -> MonitoringChanged {
        let by = "clinician".parse().unwrap();
        MonitoringChanged { by, age_months: None, scores: None, limits, default_limits: vec![] }
    }

    fn limits(low: f64, high: f64) -> AlarmLimits {
        AlarmLimits { parameter: VitalSign::Spo2, low: Some(low), high: Some(high), delay_seconds: None }
    }

    #[test]
    fn limits_out_of_order_out_of_range_or_named_twice_are_refused() {
        assert_eq!(change(vec![limits(88.0, 100.0)]).check(), Ok(()));
        assert!(change(vec![limits(100.0, 88.0)]).check().is_err());
        assert!(change(vec![limits(88.0, 300.0)]).check().is_err());
        assert!(change(vec![limits(88.0, f64::NAN)]).check().is_err());
        assert!(change(vec![limits(88.0, 100.0), limits(80.0, 100.0)]).check().is_err());
        let late = AlarmLimits { delay_seconds: Some(MAX_ALARM_DELAY_SECONDS + 1), ..limits(88.0, 100.0) };
        assert!(change(vec![late]).check().is_err());
        let twice = MonitoringChanged { scores: Some(vec![ScoreName::Mews; 2]), ..change(vec![]) };
        assert!(twice.check().is_err());
    }

    #[test]
    fn a_silence_has_an_end() {
        let silence = |seconds| AlarmSilenced { alarm: None, by: "clinician".parse().unwrap(), seconds }.check();
        assert!(silence(0).is_err() && silence(MAX_SILENCE_SECONDS + 1).is_err());
        assert!(silence(1).is_ok() && silence(MAX_SILENCE_SECONDS).is_ok());
    }

    #[test]
    fn a_change_leaves_alone_what_it_does_not_mention() {
        let mut monitoring = Monitoring::default();
        let at = Timestamp::from_millis(0);
        monitoring.apply(Seq(1), at, &MonitoringChanged { age_months: Some(30), ..change(vec![limits(88.0, 100.0)]) });
        monitoring.apply(Seq(2), at, &MonitoringChanged { scores: Some(vec![ScoreName::Pews]), ..change(vec![]) });
        assert_eq!(monitoring.age_months, Some(30));
        assert_eq!(monitoring.limits[&VitalSign::Spo2].low, Some(88.0));
        let back = MonitoringChanged { default_limits: vec![VitalSign::Spo2], scores: Some(vec![]), ..change(vec![]) };
        monitoring.apply(Seq(3), at, &back);
        assert!(monitoring.limits.is_empty() && monitoring.scores.is_none());
        assert_eq!(monitoring.changed.as_ref().map(|(seq, ..)| *seq), Some(Seq(3)));
    }

    #[test]
    fn an_alarm_written_before_classes_existed_is_clinical() {
        let json = r#"{"alarm":"00000000-0000-0000-0000-000000000000","kind":"news2_urgent","priority":"medium",
            "message":"m","because":3}"#;
        let raised: AlarmRaised = serde_json::from_str(json).unwrap();
        assert_eq!((raised.class, raised.latching), (AlarmClass::Clinical, false));
    }
}
