//! The National Early Warning Score 2, exactly as charted: Royal College of Physicians, *National Early Warning
//! Score (NEWS) 2: Standardising the assessment of acute-illness severity in the NHS*, London 2017, chart 1.
//!
//! Seven items, 0 to 20. It is meant for people of 16 years or more who are not pregnant. What was not measured scores
//! nothing and is named missing: the total is then a lower bound.

use super::rows::{MAX, MIN, Row, Sheet, chart_info, row};
use healthsync_events::{
    Consciousness, ModelInfo, Seq, VitalSign, VitalSigns,
    risk::{CarriedItem, RiskBand, RiskItem, RiskScored, Spo2Scale},
};
use std::sync::LazyLock;

const RESPIRATION: [Row; 5] =
    [row(MIN, 8.0, 3), row(9.0, 11.0, 1), row(12.0, 20.0, 0), row(21.0, 24.0, 2), row(25.0, MAX, 3)];
const SPO2_SCALE_1: [Row; 4] = [row(MIN, 91.0, 3), row(92.0, 93.0, 2), row(94.0, 95.0, 1), row(96.0, MAX, 0)];
/// Scale 2, hypercapnic respiratory failure with a target of 88 to 92 %. On air nothing from 88 up scores.
const SPO2_SCALE_2_AIR: [Row; 4] = [row(MIN, 83.0, 3), row(84.0, 85.0, 2), row(86.0, 87.0, 1), row(88.0, MAX, 0)];
const SPO2_SCALE_2_OXYGEN: [Row; 7] = [
    row(MIN, 83.0, 3),
    row(84.0, 85.0, 2),
    row(86.0, 87.0, 1),
    row(88.0, 92.0, 0),
    row(93.0, 94.0, 1),
    row(95.0, 96.0, 2),
    row(97.0, MAX, 3),
];
const SYSTOLIC: [Row; 5] =
    [row(MIN, 90.0, 3), row(91.0, 100.0, 2), row(101.0, 110.0, 1), row(111.0, 219.0, 0), row(220.0, MAX, 3)];
const PULSE: [Row; 6] = [
    row(MIN, 40.0, 3),
    row(41.0, 50.0, 1),
    row(51.0, 90.0, 0),
    row(91.0, 110.0, 1),
    row(111.0, 130.0, 2),
    row(131.0, MAX, 3),
];
const TEMPERATURE: [Row; 5] =
    [row(MIN, 35.0, 3), row(35.1, 36.0, 1), row(36.1, 38.0, 0), row(38.1, 39.0, 1), row(39.1, MAX, 2)];

/// A score with everything that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct News2 {
    pub total: u8,
    pub band: RiskBand,
    pub scale: Spo2Scale,
    pub items: Vec<RiskItem>,
    /// Parameters of the chart that were not measured.
    pub missing: Vec<&'static str>,
}

/// Scores what has been measured; `None` when nothing of the chart has.
///
/// Without a word on oxygen the patient is taken to breathe air, and `supplemental_oxygen` is named missing.
pub fn score(vitals: &VitalSigns, scale: Spo2Scale) -> Option<News2> {
    let oxygen = vitals.supplemental_oxygen.unwrap_or(false);
    let saturation: &[Row] = match (scale, oxygen) {
        (Spo2Scale::Scale1, _) => &SPO2_SCALE_1,
        (Spo2Scale::Scale2, false) => &SPO2_SCALE_2_AIR,
        (Spo2Scale::Scale2, true) => &SPO2_SCALE_2_OXYGEN,
    };
    let mut sheet = Sheet::default();
    sheet.number(vitals, VitalSign::RespiratoryRate, &RESPIRATION);
    sheet.number(vitals, VitalSign::Spo2, saturation);
    sheet.number(vitals, VitalSign::SystolicBp, &SYSTOLIC);
    sheet.number(vitals, VitalSign::HeartRate, &PULSE);
    sheet.number(vitals, VitalSign::Temperature, &TEMPERATURE);
    sheet.consciousness(vitals, |level| if level == Consciousness::Alert { ("A", 0) } else { ("C, V, P or U", 3) });
    if sheet.items.is_empty() {
        return None;
    }
    sheet.oxygen(vitals, 2);
    let total = sheet.total();
    let Sheet { items, missing } = sheet;
    Some(News2 { total, band: band(total, &items), scale, items, missing })
}

/// Medium and high follow the total; a single parameter of 3 asks for a review even when the total is low.
fn band(total: u8, items: &[RiskItem]) -> RiskBand {
    match total {
        7.. => RiskBand::High,
        5..=6 => RiskBand::Medium,
        _ if items.iter().any(|item| item.points == 3) => RiskBand::LowMedium,
        _ => RiskBand::Low,
    }
}

impl News2 {
    /// As an event that rests on `inputs`.
    pub fn into_scored(self, inputs: Vec<Seq>) -> RiskScored {
        self.carrying(&[], inputs)
    }

    /// The same, where some values are older than the newest observation.
    pub fn carrying(self, carried: &[CarriedItem], inputs: Vec<Seq>) -> RiskScored {
        // The diastolic pressure is no item of this chart.
        let carried = carried.iter().filter(|item| item.parameter != VitalSign::DiastolicBp.name());
        RiskScored {
            score: "NEWS2".into(),
            total: self.total,
            band: self.band,
            spo2_scale: self.scale,
            items: self.items,
            missing: self.missing.into_iter().map(Into::into).collect(),
            carried: carried.cloned().collect(),
            provenance: model_info().with_inputs(inputs),
        }
    }
}

static INFO: LazyLock<ModelInfo> = LazyLock::new(|| {
    let chart = format!(
        "{RESPIRATION:?}{SPO2_SCALE_1:?}{SPO2_SCALE_2_AIR:?}{SPO2_SCALE_2_OXYGEN:?}{SYSTOLIC:?}{PULSE:?}{TEMPERATURE:?}"
    );
    chart_info("NEWS2", "RCP 2017", &chart)
});

/// The chart as a model: its hash is that of the rows as written here.
pub fn model_info() -> ModelInfo {
    INFO.clone()
}

#[cfg(test)]
mod tests;
