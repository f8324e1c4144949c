//! The National Early Warning Score 2, exactly as charted: Royal College of Physicians, *National Early Warning
//! Score (NEWS) 2: Standardising the assessment of acute-illness severity in the NHS*, London 2017, chart 1.
//!
//! The chart knows whole numbers, and tenths of a degree. A value between two rows is rounded to the chart's
//! step first, halves away from zero, as a nurse charting it would.

use healthsync_events::{
    Consciousness, ModelInfo, Seq, VitalSigns,
    risk::{RiskBand, RiskItem, RiskScored, Spo2Scale},
};
use sha2::{Digest, Sha256};

/// A row of the chart: values from `low` to `high`, both included, on the chart's step.
#[derive(Debug, Clone, Copy)]
struct Row {
    low: f64,
    high: f64,
    points: u8,
}

const fn row(low: f64, high: f64, points: u8) -> Row {
    Row { low, high, points }
}

const MIN: f64 = f64::NEG_INFINITY;
const MAX: f64 = f64::INFINITY;

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
    let numeric = [
        ("respiratory_rate", vitals.respiratory_rate, RESPIRATION.as_slice(), "/min", 0),
        ("spo2", vitals.spo2, saturation, "%", 0),
        ("systolic_bp", vitals.systolic_bp, &SYSTOLIC, "mmHg", 0),
        ("heart_rate", vitals.heart_rate, &PULSE, "/min", 0),
        ("temperature", vitals.temperature, &TEMPERATURE, "°C", 1),
    ];
    let mut items = Vec::new();
    let mut missing = Vec::new();
    for (parameter, value, rows, unit, decimals) in numeric {
        match value.and_then(|value| numeric_item(parameter, value, rows, unit, decimals)) {
            Some(item) => items.push(item),
            None => missing.push(parameter),
        }
    }
    match vitals.consciousness {
        Some(level) => items.push(consciousness_item(level)),
        None => missing.push("consciousness"),
    }
    if items.is_empty() {
        return None;
    }
    match vitals.supplemental_oxygen {
        Some(oxygen) => items.push(oxygen_item(oxygen)),
        None => missing.push("supplemental_oxygen"),
    }
    let total = items.iter().map(|item| item.points).sum();
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

fn numeric_item(parameter: &str, value: f64, rows: &[Row], unit: &str, decimals: usize) -> Option<RiskItem> {
    if !value.is_finite() {
        return None;
    }
    let step = 10f64.powi(decimals as i32);
    let charted = (value * step).round() / step;
    let row = rows.iter().find(|row| charted <= row.high)?;
    let range = match (row.low.is_finite(), row.high.is_finite()) {
        (false, _) => format!("≤{:.decimals$} {unit}", row.high),
        (_, false) => format!("≥{:.decimals$} {unit}", row.low),
        _ => format!("{:.decimals$}–{:.decimals$} {unit}", row.low, row.high),
    };
    let value = format!("{charted:.decimals$} {unit}");
    Some(RiskItem { parameter: parameter.into(), value, range, points: row.points })
}

fn consciousness_item(level: Consciousness) -> RiskItem {
    let (value, points) = match level {
        Consciousness::Alert => ("alert", 0),
        Consciousness::Confusion => ("new confusion", 3),
        Consciousness::Voice => ("responds to voice", 3),
        Consciousness::Pain => ("responds to pain", 3),
        Consciousness::Unresponsive => ("unresponsive", 3),
    };
    let range = if points == 0 { "A" } else { "C, V, P or U" };
    RiskItem { parameter: "consciousness".into(), value: value.into(), range: range.into(), points }
}

fn oxygen_item(oxygen: bool) -> RiskItem {
    let value = if oxygen { "oxygen" } else { "air" };
    let points = if oxygen { 2 } else { 0 };
    RiskItem { parameter: "supplemental_oxygen".into(), value: value.into(), range: value.into(), points }
}

impl News2 {
    /// As an event that rests on `inputs`.
    pub fn into_scored(self, inputs: Vec<Seq>) -> RiskScored {
        RiskScored {
            score: "NEWS2".into(),
            total: self.total,
            band: self.band,
            spo2_scale: self.scale,
            items: self.items,
            missing: self.missing.into_iter().map(Into::into).collect(),
            provenance: model_info().with_inputs(inputs),
        }
    }
}

/// The chart as a model: its hash is that of the rows as written here.
pub fn model_info() -> ModelInfo {
    let chart = format!(
        "{RESPIRATION:?}{SPO2_SCALE_1:?}{SPO2_SCALE_2_AIR:?}{SPO2_SCALE_2_OXYGEN:?}{SYSTOLIC:?}{PULSE:?}{TEMPERATURE:?}"
    );
    ModelInfo { name: "NEWS2".into(), version: "RCP 2017".into(), weights_sha256: crate::hex(&Sha256::digest(chart)) }
}

#[cfg(test)]
mod tests;
