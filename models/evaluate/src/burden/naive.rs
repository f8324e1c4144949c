//! What a monitor with its maker's limits would do: an alarm whenever a value goes beyond a limit. No delay, no
//! hysteresis, no score.

use healthsync_events::{Timestamp, VitalSign, VitalSigns};
use std::collections::BTreeSet;

/// Limits for adults that monitors leave the factory with: pulse 50 to 120, saturation from 90, systolic pressure 90 to
/// 160 and diastolic 50 to 90 (operator's manuals of Contec CMS8000 and Mindray TM80/TM70), respiration 8 to 30 and
/// temperature 36 to 39 °C.
pub const FACTORY_LIMITS: [(VitalSign, Option<f64>, Option<f64>); 6] = [
    (VitalSign::HeartRate, Some(50.0), Some(120.0)),
    (VitalSign::RespiratoryRate, Some(8.0), Some(30.0)),
    (VitalSign::Spo2, Some(90.0), None),
    (VitalSign::SystolicBp, Some(90.0), Some(160.0)),
    (VitalSign::DiastolicBp, Some(50.0), Some(90.0)),
    (VitalSign::Temperature, Some(36.0), Some(39.0)),
];

/// The alarms of naive thresholds.
#[derive(Debug, Default)]
pub struct Naive {
    beyond: BTreeSet<(VitalSign, bool)>,
    /// When a value went beyond a limit: an alarm that sounds until it comes back, once for each time.
    pub excursions: Vec<Timestamp>,
    /// Readings beyond a limit: an alarm for each.
    pub readings: usize,
}

impl Naive {
    pub fn take(&mut self, at: Timestamp, vitals: &VitalSigns) {
        for (sign, low, high) in FACTORY_LIMITS {
            let Some(value) = sign.of(vitals) else { continue };
            let sides = [(true, high.is_some_and(|high| value > high)), (false, low.is_some_and(|low| value < low))];
            for (above, out) in sides {
                if !out {
                    self.beyond.remove(&(sign, above));
                    continue;
                }
                self.readings += 1;
                if self.beyond.insert((sign, above)) {
                    self.excursions.push(at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excursion_lasts_until_a_value_comes_back_and_every_reading_of_it_counts() {
        let mut naive = Naive::default();
        let pulse = |value| VitalSigns { heart_rate: Some(value), ..VitalSigns::default() };
        let values = [Some(119.0), Some(121.0), None, Some(130.0), Some(120.0), Some(121.0), Some(49.0)];
        for (minute, value) in (0..).zip(values) {
            naive.take(Timestamp::from_millis(minute * 60_000), &value.map(pulse).unwrap_or_default());
        }
        assert_eq!((naive.excursions.len(), naive.readings), (3, 4));
        assert_eq!(naive.excursions[0].millis(), 60_000);
    }
}
