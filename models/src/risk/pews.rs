//! The Bedside Paediatric Early Warning System score: Parshuram, Hutchison and Middaugh, *Development and initial
//! validation of the Bedside Paediatric Early Warning System score*, Critical Care 2009; 13: R135 (CC BY), table 1.
//!
//! Seven items, 0 to 26, in five age bands: below 3 months, 12 months, 4 years, 12 years, and from 12 years. Monitors
//! give five of them: capillary refill and respiratory effort are observed at the bedside and always named missing, so
//! that the total is a lower bound of 0 to 16. Of oxygen only that it is given is known, which is 2 points; 4 L/min or
//! 50 % and more would be 4. What was not measured scores nothing and is named missing.
//!
//! Two cells of the printed table say "<50" and ">150" where all others include the bound; they are read like the others.
//!
//! Bands: 7 and more is high, the cut-off of the multicentre study (Parshuram and others, Critical Care 2011; 15: R184:
//! sensitivity 64 %, specificity 91 %); 5 and 6 are medium.

use super::rows::{MAX, MIN, Row, Scored, Sheet, chart_info, row};
use healthsync_events::{
    ModelInfo, VitalSign, VitalSigns,
    risk::{RiskBand, ScoreName},
};
use std::sync::LazyLock;

/// The rows of one age band, from the lowest to the highest value.
#[derive(Debug)]
struct Band {
    /// Younger than this many months.
    below_months: u16,
    pulse: [Row; 7],
    systolic: [Row; 7],
    respiration: [Row; 7],
}

/// From the table's limits: 4 points up to `low4`, 2 up to `low2`, 1 up to `low1`, none up to below `high1`, then 1, 2
/// and 4 points again.
const fn rows(low4: f64, low2: f64, low1: f64, high1: f64, high2: f64, high4: f64) -> [Row; 7] {
    [
        row(MIN, low4, 4),
        row(low4 + 1.0, low2, 2),
        row(low2 + 1.0, low1, 1),
        row(low1 + 1.0, high1 - 1.0, 0),
        row(high1, high2 - 1.0, 1),
        row(high2, high4 - 1.0, 2),
        row(high4, MAX, 4),
    ]
}

static BANDS: [Band; 5] = [
    Band {
        below_months: 3,
        pulse: rows(80.0, 90.0, 110.0, 150.0, 180.0, 190.0),
        systolic: rows(45.0, 50.0, 60.0, 80.0, 100.0, 130.0),
        respiration: rows(15.0, 19.0, 29.0, 61.0, 81.0, 91.0),
    },
    Band {
        below_months: 12,
        pulse: rows(70.0, 80.0, 100.0, 150.0, 170.0, 180.0),
        systolic: rows(60.0, 70.0, 80.0, 100.0, 120.0, 150.0),
        respiration: rows(15.0, 19.0, 24.0, 51.0, 71.0, 81.0),
    },
    Band {
        below_months: 4 * 12,
        pulse: rows(60.0, 70.0, 90.0, 120.0, 150.0, 170.0),
        systolic: rows(65.0, 75.0, 90.0, 110.0, 125.0, 160.0),
        respiration: rows(12.0, 15.0, 19.0, 41.0, 61.0, 71.0),
    },
    Band {
        below_months: 12 * 12,
        pulse: rows(50.0, 60.0, 70.0, 110.0, 130.0, 150.0),
        systolic: rows(70.0, 80.0, 90.0, 120.0, 140.0, 170.0),
        respiration: rows(10.0, 14.0, 19.0, 31.0, 41.0, 51.0),
    },
    Band {
        below_months: u16::MAX,
        pulse: rows(40.0, 50.0, 60.0, 100.0, 120.0, 140.0),
        systolic: rows(75.0, 85.0, 100.0, 130.0, 150.0, 190.0),
        respiration: rows(9.0, 10.0, 11.0, 17.0, 23.0, 30.0),
    },
];

const SATURATION: [Row; 3] = [row(MIN, 90.0, 2), row(91.0, 94.0, 1), row(95.0, MAX, 0)];

/// Of oxygen whose flow is not known.
const OXYGEN_POINTS: u8 = 2;

fn band(age_months: u16) -> &'static Band {
    BANDS.iter().find(|band| age_months < band.below_months).unwrap_or(&BANDS[BANDS.len() - 1])
}

/// Scores what has been measured of a child of this age; `None` when nothing of the table has.
pub fn score(vitals: &VitalSigns, age_months: u16) -> Option<Scored> {
    let band = band(age_months);
    let mut sheet = Sheet::default();
    sheet.number(vitals, VitalSign::HeartRate, &band.pulse);
    sheet.number(vitals, VitalSign::SystolicBp, &band.systolic);
    sheet.number(vitals, VitalSign::RespiratoryRate, &band.respiration);
    sheet.number(vitals, VitalSign::Spo2, &SATURATION);
    if sheet.items.is_empty() {
        return None;
    }
    sheet.oxygen(vitals, OXYGEN_POINTS);
    sheet.missing.extend(["capillary_refill", "respiratory_effort"]);
    Scored::of_sheet(ScoreName::Pews, 26.0, sheet, |total| match total {
        7.. => RiskBand::High,
        5..=6 => RiskBand::Medium,
        _ => RiskBand::Low,
    })
}

/// The values that score 4, the most, at this age: below the first and above the second. They are this project's default
/// alarm limits for children.
pub(super) fn extremes(age_months: u16, sign: VitalSign) -> Option<(f64, f64)> {
    let band = band(age_months);
    let rows = match sign {
        VitalSign::HeartRate => &band.pulse,
        VitalSign::SystolicBp => &band.systolic,
        VitalSign::RespiratoryRate => &band.respiration,
        _ => return None,
    };
    Some((rows[1].low, rows[5].high))
}

static INFO: LazyLock<ModelInfo> =
    LazyLock::new(|| chart_info("Bedside PEWS", "Parshuram 2009", &format!("{BANDS:?}{SATURATION:?}{OXYGEN_POINTS}")));

/// The table as a model: its hash is that of its rows as written here.
pub fn model_info() -> &'static ModelInfo {
    &INFO
}
