//! How a patient is monitored: age, scores, and limits of their own.

use crate::{
    clinical::VitalSign,
    ids::{ParticipantId, Seq, Timestamp},
    limits::{MAX_AGE_MONTHS, MAX_ALARM_DELAY_SECONDS},
    refusal::Refusal,
    risk::ScoreName,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// A patient's limits of one vital sign, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
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

/// What a client asks for. Fields that are not known are refused: a misspelt limit must not go without effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct MonitoringChange {
    pub by: ParticipantId,
    #[serde(default)]
    #[ts(optional)]
    pub age_months: Option<u16>,
    #[serde(default)]
    #[ts(optional)]
    pub scores: Option<Vec<ScoreName>>,
    #[serde(default)]
    pub limits: Vec<LimitsChange>,
    #[serde(default)]
    pub default_limits: Vec<VitalSign>,
}

/// [`AlarmLimits`] as a client asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct LimitsChange {
    pub parameter: VitalSign,
    #[serde(default)]
    #[ts(optional)]
    pub low: Option<f64>,
    #[serde(default)]
    #[ts(optional)]
    pub high: Option<f64>,
    #[serde(default)]
    #[ts(optional)]
    pub delay_seconds: Option<u16>,
}

impl From<MonitoringChange> for MonitoringChanged {
    fn from(asked: MonitoringChange) -> Self {
        let MonitoringChange { by, age_months, scores, limits, default_limits } = asked;
        let limits = limits.into_iter().map(|LimitsChange { parameter, low, high, delay_seconds }| AlarmLimits {
            parameter,
            low,
            high,
            delay_seconds,
        });
        Self { by, age_months, scores, limits: limits.collect(), default_limits }
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
}
