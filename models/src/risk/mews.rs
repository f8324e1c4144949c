//! The Modified Early Warning Score: Subbe, Kruger, Rutherford and Gemmel, *Validation of a modified Early Warning
//! Score in medical admissions*, QJM 2001; 94: 521–526, table 1.
//!
//! Five items, 0 to 14, for adults. The table leaves gaps at its open ends (pulse "<40" beside "41–50", for one): the
//! end row takes the value in the gap. New confusion, which the table's AVPU scale does not know, counts as a response
//! to voice. What was not measured scores nothing and is named missing: the total is then a lower bound.

use super::rows::{MAX, MIN, Row, Scored, Sheet, chart_info, row};
use healthsync_events::{
    Consciousness, ModelInfo, VitalSign, VitalSigns,
    risk::{RiskBand, ScoreName},
};
use std::sync::LazyLock;

const SYSTOLIC: [Row; 5] =
    [row(MIN, 70.0, 3), row(71.0, 80.0, 2), row(81.0, 100.0, 1), row(101.0, 199.0, 0), row(200.0, MAX, 2)];
const PULSE: [Row; 6] = [
    row(MIN, 40.0, 2),
    row(41.0, 50.0, 1),
    row(51.0, 100.0, 0),
    row(101.0, 110.0, 1),
    row(111.0, 129.0, 2),
    row(130.0, MAX, 3),
];
const RESPIRATION: [Row; 5] =
    [row(MIN, 8.0, 2), row(9.0, 14.0, 0), row(15.0, 20.0, 1), row(21.0, 29.0, 2), row(30.0, MAX, 3)];
const TEMPERATURE: [Row; 3] = [row(MIN, 34.9, 2), row(35.0, 38.4, 0), row(38.5, MAX, 2)];

/// Scores what has been measured; `None` when nothing of the table has.
pub fn score(vitals: &VitalSigns) -> Option<Scored> {
    let mut sheet = Sheet::default();
    sheet.number(vitals, VitalSign::SystolicBp, &SYSTOLIC);
    sheet.number(vitals, VitalSign::HeartRate, &PULSE);
    sheet.number(vitals, VitalSign::RespiratoryRate, &RESPIRATION);
    sheet.number(vitals, VitalSign::Temperature, &TEMPERATURE);
    sheet.consciousness(vitals, |level| match level {
        Consciousness::Alert => ("A", 0),
        Consciousness::Confusion | Consciousness::Voice => ("V", 1),
        Consciousness::Pain => ("P", 2),
        Consciousness::Unresponsive => ("U", 3),
    });
    Scored::of_sheet(ScoreName::Mews, 14.0, sheet, |total| match total {
        // The paper's cut-off: from 5 on death and intensive care became more likely.
        5.. => RiskBand::High,
        3..=4 => RiskBand::Medium,
        _ => RiskBand::Low,
    })
}

static INFO: LazyLock<ModelInfo> =
    LazyLock::new(|| chart_info("MEWS", "Subbe 2001", &format!("{SYSTOLIC:?}{PULSE:?}{RESPIRATION:?}{TEMPERATURE:?}")));

/// The table as a model: its hash is that of its rows as written here.
pub fn model_info() -> &'static ModelInfo {
    &INFO
}
