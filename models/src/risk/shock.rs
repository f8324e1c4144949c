//! The shock index, pulse by systolic pressure: Allgöwer and Burri, *Schockindex*, Deutsche Medizinische Wochenschrift
//! 1967; 92: 1947–1950.
//!
//! In adults 0.5 to 0.7 is usual; from 0.9 it is raised (Rady and others, Annals of Emergency Medicine 1994; 24:
//! 685–690) and from 1.0 high. In children it is raised above a bound that depends on age (SIPA: Acker and others,
//! Journal of Pediatric Surgery 2015; 50: 331–334): 1.22 from 4 to 6 years, 1.0 from 7 to 12, 0.9 from 13 to 16; below
//! 4 years no bound was published and none is given here. It needs both values and is not made of one alone.

use super::rows::{Scored, chart_info};
use healthsync_events::{
    ModelInfo, VitalSign, VitalSigns,
    risk::{RiskBand, RiskItem, ScoreName},
};
use std::sync::LazyLock;

/// From here on an adult's index is raised, and high.
const RAISED: f64 = 0.9;
const HIGH: f64 = 1.0;

/// Below so many months a child's bound holds, which is exceeded, not reached.
const CHILDREN: [(u16, f64); 3] = [(7 * 12, 1.22), (13 * 12, 1.0), (17 * 12, 0.9)];
const YOUNGEST_MONTHS: u16 = 4 * 12;

/// The index, to two decimals; `None` when one of the two is missing or no bound was published for the age. Without a
/// word on age the patient is taken for an adult.
pub fn score(vitals: &VitalSigns, age_months: Option<u16>) -> Option<Scored> {
    let (pulse, systolic) = (vitals.heart_rate?, vitals.systolic_bp?);
    if age_months.is_some_and(|months| months < YOUNGEST_MONTHS) {
        return None;
    }
    let index = (pulse / systolic * 100.0).round() / 100.0;
    if !index.is_finite() {
        return None;
    }
    let bound = age_months.and_then(|months| CHILDREN.iter().find(|(below, _)| months < *below));
    let (band, usual) = match bound {
        Some((_, bound)) if index > *bound => (RiskBand::High, format!("> {bound}")),
        Some((_, bound)) => (RiskBand::Low, format!("≤ {bound}")),
        None if index >= HIGH => (RiskBand::High, format!("≥ {HIGH:.1}")),
        None if index >= RAISED => (RiskBand::Medium, format!("{RAISED} to below {HIGH:.1}")),
        None => (RiskBand::Low, format!("below {RAISED}")),
    };
    let item = |sign: VitalSign, value: f64| RiskItem {
        parameter: sign.name().into(),
        value: format!("{value:.0} {}", sign.unit()),
        range: usual.clone(),
        points: 0,
    };
    let items = vec![item(VitalSign::HeartRate, pulse), item(VitalSign::SystolicBp, systolic)];
    Some(Scored { score: ScoreName::ShockIndex, value: index, max: None, band, items, missing: Vec::new() })
}

static INFO: LazyLock<ModelInfo> =
    LazyLock::new(|| chart_info("shock index", "Allgöwer 1967, SIPA 2015", &format!("{RAISED}{HIGH}{CHILDREN:?}")));

pub fn model_info() -> &'static ModelInfo {
    &INFO
}
