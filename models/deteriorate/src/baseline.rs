//! NEWS2 on the records, for comparison: what the chart says of the newest values.

use crate::{challenge::Stay, features::Memory, inputs::index_of};
use healthsync_events::{VitalSigns, risk::Spo2Scale};
use healthsync_models::risk::news2 as chart;

/// Fraction of oxygen above which air has been enriched: air has 0.21.
const AIR: f32 = 0.22;

/// The total of every hour; 0 while nothing of the chart has been measured. The data set has no word on consciousness,
/// so that nobody scores for it, and tells of oxygen only by its fraction.
pub fn news2(stay: &Stay) -> Vec<f32> {
    let mut memory = Memory::default();
    let total = |hour: &crate::challenge::Hour| {
        memory.take(&hour.measured, hour.icu_hour);
        let last = |parameter: &str| memory.last(index_of(parameter)?).map(|(value, _)| value);
        let vital = |parameter: &str| last(parameter).map(f64::from);
        let vitals = VitalSigns {
            heart_rate: vital("heart_rate"),
            respiratory_rate: vital("respiratory_rate"),
            spo2: vital("spo2"),
            systolic_bp: vital("systolic_bp"),
            temperature: vital("temperature"),
            supplemental_oxygen: last("fio2").map(|fraction| fraction > AIR),
            ..VitalSigns::default()
        };
        chart::score(&vitals, Spo2Scale::Scale1).map_or(0.0, |score| f32::from(score.total))
    };
    stay.hours.iter().map(total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::parse;

    #[test]
    fn the_chart_scores_the_newest_values() {
        // A pulse of 115 scores 2 and stays; breathing 26 times a minute scores 3; oxygen 2.
        let record = "HR|Resp|FiO2|ICULOS|SepsisLabel\nNaN|NaN|NaN|1|0\n115|NaN|NaN|2|0\nNaN|26|0.5|3|0\n";
        assert_eq!(news2(&parse("p", record).unwrap()), [0.0, 2.0, 7.0]);
    }
}
