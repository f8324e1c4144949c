//! The limits a vital sign alarms at by itself, beside the scores.
//!
//! Scores find the patient who gets worse; limits are for what cannot wait for a score. They are therefore wide, of high
//! priority, and need to be broken for a while: wider limits and delays are what made alarms fewer without harm (limits
//! of telemetry widened from 50–120 to 45–130 /min and saturation from 90 to 88 %: Graham and Cvach, American Journal of
//! Critical Care 2010; 19: 28–34; delays of 10 to 60 s: Lansdowne and others, BMC Nursing 2016; 15: 36).

use super::{pews, policy::is_child};
use healthsync_events::{
    VitalSign,
    monitoring::{AlarmLimits, Monitoring},
};

/// Adults: beyond what scores most in NEWS2 for pulse, saturation, respiration and systolic pressure, and the bounds of
/// severe hypo- and hyperthermia. A diastolic pressure by itself has none.
const ADULT: [(VitalSign, Option<f64>, Option<f64>); 5] = [
    (VitalSign::HeartRate, Some(40.0), Some(140.0)),
    (VitalSign::RespiratoryRate, Some(6.0), Some(40.0)),
    (VitalSign::Spo2, Some(85.0), None),
    (VitalSign::SystolicBp, Some(75.0), None),
    (VitalSign::Temperature, Some(34.0), Some(41.0)),
];

/// A vital sign's limits as they are used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub sign: VitalSign,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// How long it must stay beyond, and then within, in milliseconds.
    pub delay_ms: i64,
    /// How far inside the limit it must come back before the alarm is over.
    pub hysteresis: f64,
}

/// Fifteen seconds halve the alarms of a pulse oximeter; temperature is slow.
const fn delay_seconds(sign: VitalSign) -> u16 {
    if matches!(sign, VitalSign::Temperature) { 60 } else { 15 }
}

const fn hysteresis(sign: VitalSign) -> f64 {
    match sign {
        VitalSign::HeartRate | VitalSign::SystolicBp | VitalSign::DiastolicBp => 5.0,
        VitalSign::RespiratoryRate | VitalSign::Spo2 => 2.0,
        VitalSign::Temperature => 0.3,
    }
}

/// Where nobody has set any. For children: what scores 4, the most, in Bedside PEWS at their age.
fn default_of(sign: VitalSign, age_months: Option<u16>) -> (Option<f64>, Option<f64>) {
    if let Some(months) = age_months.filter(|_| is_child(age_months))
        && let Some((low, high)) = pews::extremes(months, sign)
    {
        // A high pressure by itself alarms in nobody.
        return (Some(low), (sign != VitalSign::SystolicBp).then_some(high));
    }
    let adult = ADULT.iter().find(|(of, ..)| *of == sign);
    adult.map_or((None, None), |(_, low, high)| (*low, *high))
}

/// The limits of one patient.
pub fn of(sign: VitalSign, monitoring: &Monitoring) -> Limits {
    let own = monitoring.limits.get(&sign);
    let (low, high) = match own {
        Some(own) => (own.low, own.high),
        None => default_of(sign, monitoring.age_months),
    };
    let delay = own.and_then(|own| own.delay_seconds).unwrap_or(delay_seconds(sign));
    Limits { sign, low, high, delay_ms: i64::from(delay) * 1_000, hysteresis: hysteresis(sign) }
}

/// All limits of one patient, as they are shown.
pub fn all(monitoring: &Monitoring) -> Vec<AlarmLimits> {
    let shown = |sign| {
        let Limits { low, high, delay_ms, .. } = of(sign, monitoring);
        AlarmLimits { parameter: sign, low, high, delay_seconds: u16::try_from(delay_ms / 1_000).ok() }
    };
    VitalSign::ALL.map(shown).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{Seq, Timestamp, monitoring::MonitoringChanged};

    fn aged(age_months: Option<u16>) -> Monitoring {
        Monitoring { age_months, ..Monitoring::default() }
    }

    #[test]
    fn limits_follow_the_age_until_somebody_sets_them() {
        let infant = of(VitalSign::HeartRate, &aged(Some(1)));
        assert_eq!((infant.low, infant.high), (Some(81.0), Some(189.0)));
        for adult in [None, Some(16 * 12), Some(900)] {
            assert_eq!(of(VitalSign::HeartRate, &aged(adult)).high, Some(140.0));
        }
        let mut own = aged(Some(1));
        let limits =
            AlarmLimits { parameter: VitalSign::HeartRate, low: None, high: Some(200.0), delay_seconds: Some(3) };
        let by = "clinician".parse().unwrap();
        let change =
            MonitoringChanged { by, age_months: None, scores: None, limits: vec![limits], default_limits: vec![] };
        own.apply(Seq(1), Timestamp::from_millis(0), &change);
        let set = of(VitalSign::HeartRate, &own);
        assert_eq!((set.low, set.high, set.delay_ms), (None, Some(200.0), 3_000));
    }

    #[test]
    fn every_limit_leaves_room_for_its_hysteresis() {
        for months in (0..200).map(Some).chain([None]) {
            for limits in VitalSign::ALL.map(|sign| of(sign, &aged(months))) {
                if let (Some(low), Some(high)) = (limits.low, limits.high) {
                    assert!(low + limits.hysteresis < high - limits.hysteresis, "{limits:?}");
                }
            }
        }
    }
}
