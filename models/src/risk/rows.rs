//! What the scores' charts have in common: rows of a table, the items they give, and what was missing.

use healthsync_events::{
    Consciousness, ModelInfo, Seq, VitalSign, VitalSigns,
    risk::{CarriedItem, ClinicalScore, RiskBand, RiskItem, ScoreName},
};
use sha2::{Digest, Sha256};
use std::fmt;

/// A row of a chart: values from `low` to `high`, both included, on the chart's step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub low: f64,
    pub high: f64,
    pub points: u8,
}

pub(super) const fn row(low: f64, high: f64, points: u8) -> Row {
    Row { low, high, points }
}

/// The open ends of a chart.
pub(super) const MIN: f64 = f64::NEG_INFINITY;
pub(super) const MAX: f64 = f64::INFINITY;

/// A chart being filled in.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub items: Vec<RiskItem>,
    pub missing: Vec<&'static str>,
}

impl Sheet {
    /// A vital sign by its rows. Charts know whole numbers, and tenths of a degree: a value between two rows is
    /// rounded to the step first, halves away from zero, as a nurse charting it would.
    pub fn number(&mut self, vitals: &VitalSigns, sign: VitalSign, rows: &[Row]) {
        match sign.of(vitals).and_then(|value| item(sign, value, rows)) {
            Some(item) => self.items.push(item),
            None => self.missing.push(sign.name()),
        }
    }

    /// The level of consciousness; `judge` gives the range it falls into and its points.
    pub fn consciousness(&mut self, vitals: &VitalSigns, judge: impl Fn(Consciousness) -> (&'static str, u8)) {
        let Some(level) = vitals.consciousness else { return self.missing.push("consciousness") };
        let (range, points) = judge(level);
        let parameter = "consciousness".into();
        self.items.push(RiskItem { parameter, value: said(level).into(), range: range.into(), points });
    }

    /// Air or oxygen.
    pub fn oxygen(&mut self, vitals: &VitalSigns, points_on_oxygen: u8) {
        let Some(oxygen) = vitals.supplemental_oxygen else { return self.missing.push("supplemental_oxygen") };
        let (value, points) = if oxygen { ("oxygen", points_on_oxygen) } else { ("air", 0) };
        let parameter = "supplemental_oxygen".into();
        self.items.push(RiskItem { parameter, value: value.into(), range: value.into(), points });
    }

    pub fn total(&self) -> u8 {
        self.items.iter().map(|item| item.points).sum()
    }
}

fn item(sign: VitalSign, value: f64, rows: &[Row]) -> Option<RiskItem> {
    if !value.is_finite() {
        return None;
    }
    let (unit, decimals) = (sign.unit(), sign.decimals());
    let step = 10f64.powi(decimals as i32);
    let charted = (value * step).round() / step;
    let said = |value| Charted { value, decimals };
    let row = rows.iter().find(|row| charted <= row.high)?;
    let range = match (row.low.is_finite(), row.high.is_finite()) {
        (false, _) => format!("≤{} {unit}", said(row.high)),
        (_, false) => format!("≥{} {unit}", said(row.low)),
        _ => format!("{}–{} {unit}", said(row.low), said(row.high)),
    };
    let value = format!("{} {unit}", said(charted));
    Some(RiskItem { parameter: sign.name().into(), value, range, points: row.points })
}

/// A value that is on the chart's step already, to so many decimals. It is written for every item of every score, and
/// whole numbers are many times faster to write than floats.
struct Charted {
    value: f64,
    decimals: usize,
}

impl fmt::Display for Charted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, decimals } = *self;
        // Doubles hold whole numbers exactly up to 2^53.
        if decimals > 1 || value.abs() > 1e12 {
            return write!(f, "{value:.decimals$}");
        }
        if decimals == 0 {
            return write!(f, "{}", value.round() as i64);
        }
        let tenths = (value * 10.0).round() as i64;
        let sign = if tenths < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
    }
}

const fn said(level: Consciousness) -> &'static str {
    match level {
        Consciousness::Alert => "alert",
        Consciousness::Confusion => "new confusion",
        Consciousness::Voice => "responds to voice",
        Consciousness::Pain => "responds to pain",
        Consciousness::Unresponsive => "unresponsive",
    }
}

/// A chart as a model: its hash is that of its rows as written here.
pub(super) fn chart_info(name: &str, version: &str, rows: &str) -> ModelInfo {
    let weights_sha256 = crate::hex(&Sha256::digest(rows));
    ModelInfo { name: name.into(), version: version.into(), weights_sha256 }
}

/// A score and everything that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    pub score: ScoreName,
    pub value: f64,
    pub max: Option<f64>,
    pub band: RiskBand,
    pub items: Vec<RiskItem>,
    /// Items of the chart that could not be scored.
    pub missing: Vec<&'static str>,
}

impl Scored {
    pub(super) fn of_sheet(score: ScoreName, max: f64, sheet: Sheet, band: impl Fn(u8) -> RiskBand) -> Option<Self> {
        if sheet.items.is_empty() {
            return None;
        }
        let total = sheet.total();
        let Sheet { items, missing } = sheet;
        Some(Self { score, value: f64::from(total), max: Some(max), band: band(total), items, missing })
    }

    /// As part of an event that rests on `inputs`.
    pub fn into_event(self, model: &ModelInfo, carried: &[CarriedItem], inputs: Vec<Seq>) -> ClinicalScore {
        let of_this = |item: &&CarriedItem| {
            let named = |parameter: &str| parameter == item.parameter;
            self.items.iter().any(|item| named(&item.parameter)) || self.missing.iter().any(|missing| named(missing))
        };
        let carried = carried.iter().filter(of_this).cloned().collect();
        ClinicalScore {
            score: self.score,
            value: self.value,
            max: self.max,
            band: self.band,
            items: self.items,
            missing: self.missing.into_iter().map(Into::into).collect(),
            carried,
            provenance: model.with_inputs(inputs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_charted_value_is_written_as_a_float_on_its_step_would_be(step in -1_000_000i64..1_000_000, decimals in 0usize..3) {
            let value = step as f64 / 10f64.powi(decimals as i32);
            prop_assert_eq!(Charted { value, decimals }.to_string(), format!("{value:.decimals$}"));
        }
    }
}
