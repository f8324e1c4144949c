//! How patients are scored and alarmed for, unless something else was said for one of them.

use healthsync_events::{Timestamp, VitalSign, alarm::AlarmPriority, monitoring::Monitoring, risk::ScoreName};
use serde::{Deserialize, Serialize};

/// From this age in months on a patient is scored as an adult: 16 years, where NEWS2 begins.
pub const ADULT_MONTHS: u16 = 16 * 12;

/// How old a value may be and still count, in minutes. What is older counts as missing.
///
/// NEWS2 asks for observations at least every 12 hours, and hourly from a total of 5 on (RCP 2017): nothing older than
/// the former counts, and of the vital signs that change fastest nothing that missed two of the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaxAge {
    /// Pulse, respiration and oxygen saturation.
    pub rates_minutes: u16,
    /// Blood pressure.
    pub pressure_minutes: u16,
    /// Temperature, consciousness and oxygen supply.
    pub slow_minutes: u16,
}

impl Default for MaxAge {
    fn default() -> Self {
        Self { rates_minutes: 120, pressure_minutes: 240, slow_minutes: 720 }
    }
}

impl MaxAge {
    /// In seconds.
    pub fn of(&self, sign: VitalSign) -> u32 {
        let minutes = match sign {
            VitalSign::HeartRate | VitalSign::RespiratoryRate | VitalSign::Spo2 => self.rates_minutes,
            VitalSign::SystolicBp | VitalSign::DiastolicBp => self.pressure_minutes,
            VitalSign::Temperature => self.slow_minutes,
        };
        u32::from(minutes) * 60
    }

    pub fn slow_seconds(&self) -> u32 {
        u32::from(self.slow_minutes) * 60
    }
}

/// Which scores run, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScorePolicy {
    /// From 16 years, and where the age is not known.
    pub adult: Vec<ScoreName>,
    /// Below 16 years.
    pub child: Vec<ScoreName>,
    pub max_age: MaxAge,
}

impl Default for ScorePolicy {
    fn default() -> Self {
        use ScoreName::{Mews, News2, Pews, Qsofa, ShockIndex, Sirs};
        Self {
            adult: vec![News2, Mews, Qsofa, Sirs, ShockIndex],
            child: vec![Pews, ShockIndex],
            max_age: MaxAge::default(),
        }
    }
}

impl ScorePolicy {
    /// The scores of a patient of this age.
    pub fn for_age(&self, age_months: Option<u16>) -> &[ScoreName] {
        if is_child(age_months) { &self.child } else { &self.adult }
    }
}

pub fn is_child(age_months: Option<u16>) -> bool {
    age_months.is_some_and(|months| months < ADULT_MONTHS)
}

/// How a patient is monitored whose date of birth (`YYYY-MM-DD`) the hospital may have told: somebody's word on the age
/// comes first.
pub fn effective(monitoring: &Monitoring, birth_date: Option<&str>, at: Timestamp) -> Monitoring {
    Monitoring { age_months: known_age(monitoring.age_months, birth_date, at), ..monitoring.clone() }
}

/// The age in months: as somebody told it, or else by the date of birth.
pub fn known_age(told: Option<u16>, birth_date: Option<&str>, at: Timestamp) -> Option<u16> {
    told.or_else(|| age_months(birth_date?, at))
}

/// Whole months from a date of birth to a time; `None` where it is no date, or lies after it.
pub fn age_months(birth_date: &str, at: Timestamp) -> Option<u16> {
    let date = |text: &str| -> Option<(i32, i32, i32)> {
        let mut parts = text.get(..10)?.split('-').map(|part| part.parse::<i32>().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    let ((year, month, day), (now_year, now_month, now_day)) = (date(birth_date)?, date(&at.to_string())?);
    let months = (now_year - year) * 12 + now_month - month - i32::from(now_day < day);
    u16::try_from(months).ok()
}

/// When alarms are raised, call again and are cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlarmPolicy {
    /// The totals of NEWS2 or PEWS at or below which an alarm at 5 or 6, and at 7 or more, may be over: clearly below what
    /// raised it, so that a patient who wavers around a threshold gives one alarm and not ten.
    pub urgent_over_at: u8,
    pub emergency_over_at: u8,
    /// Minutes a score must have stayed there before the alarm is cleared: the longest interval between observations that
    /// NEWS2 asks for at a total of 1 to 4. Who acknowledges it meanwhile clears it.
    pub clear_after_minutes: u16,
    /// Minutes within which a lesser score is confirmed by the next: it is raised when a second one in a row calls for
    /// it, or when no other came for so long. An hour, which is how often NEWS2 asks for observations then, and a
    /// quarter. Of 5 or 6 it is raised sooner where scores come more often: when the next is a quarter of their
    /// interval late; and at once where they come less often, or none came before. An emergency never waits.
    pub confirm_minutes: u16,
    /// Seconds without acknowledgement after which an alarm of high, medium and low priority calls again.
    pub escalate_high_seconds: Vec<u32>,
    pub escalate_medium_seconds: Vec<u32>,
    pub escalate_low_seconds: Vec<u32>,
}

impl Default for AlarmPolicy {
    fn default() -> Self {
        Self {
            urgent_over_at: 2,
            emergency_over_at: 2,
            clear_after_minutes: 360,
            confirm_minutes: 75,
            escalate_high_seconds: vec![60, 180],
            escalate_medium_seconds: vec![300, 900],
            escalate_low_seconds: vec![1_800],
        }
    }
}

impl AlarmPolicy {
    pub fn escalation(&self, priority: AlarmPriority) -> &[u32] {
        match priority {
            AlarmPriority::High => &self.escalate_high_seconds,
            AlarmPriority::Medium => &self.escalate_medium_seconds,
            AlarmPriority::Low => &self.escalate_low_seconds,
        }
    }
}

/// Both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub scores: ScorePolicy,
    pub alarms: AlarmPolicy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_counted_in_whole_months() {
        let at: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let age = |date| age_months(date, at);
        assert_eq!([age("2026-11-28"), age("2026-10-29"), age("2026-10-28")], [Some(0), Some(0), Some(1)]);
        assert_eq!([age("2010-11-28"), age("2010-11-29")], [Some(192), Some(191)]);
        assert_eq!([age("2027-01-01"), age("2026"), age("not a date")], [None, None, None]);
        let told = Monitoring { age_months: Some(30), ..Monitoring::default() };
        assert_eq!(effective(&told, Some("2010-11-28"), at).age_months, Some(30));
    }
}
