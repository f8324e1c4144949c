//! Two criteria for sepsis, for adults.
//!
//! - qSOFA: Singer and others, *The Third International Consensus Definitions for Sepsis and Septic Shock (Sepsis-3)*,
//!   JAMA 2016; 315: 801–810. Three items, 0 to 3: respiration of 22 or more, systolic pressure of 100 or less, altered
//!   mentation (anything but alert). Positive from 2.
//! - SIRS: Bone and others, *Definitions for sepsis and organ failure*, Chest 1992; 101: 1644–1655. Four items, 0 to 4:
//!   temperature above 38 or below 36 °C, pulse above 90, respiration above 20, white cells. Positive from 2. White
//!   cells and the arterial carbon dioxide that may stand in for respiration are no vital signs: white cells are always
//!   named missing.
//!
//! What was not measured scores nothing and is named missing: the total is then a lower bound, and a negative result
//! does not rule anything out.

use super::rows::{MAX, MIN, Row, Scored, Sheet, chart_info, row};
use healthsync_events::{
    Consciousness, ModelInfo, VitalSign, VitalSigns,
    risk::{RiskBand, ScoreName},
};
use std::sync::LazyLock;

const QSOFA_RESPIRATION: [Row; 2] = [row(MIN, 21.0, 0), row(22.0, MAX, 1)];
const QSOFA_SYSTOLIC: [Row; 2] = [row(MIN, 100.0, 1), row(101.0, MAX, 0)];

const SIRS_TEMPERATURE: [Row; 3] = [row(MIN, 35.9, 1), row(36.0, 38.0, 0), row(38.1, MAX, 1)];
const SIRS_PULSE: [Row; 2] = [row(MIN, 90.0, 0), row(91.0, MAX, 1)];
const SIRS_RESPIRATION: [Row; 2] = [row(MIN, 20.0, 0), row(21.0, MAX, 1)];

/// qSOFA of what has been measured; `None` when nothing of it has.
pub fn qsofa(vitals: &VitalSigns) -> Option<Scored> {
    let mut sheet = Sheet::default();
    sheet.number(vitals, VitalSign::RespiratoryRate, &QSOFA_RESPIRATION);
    sheet.number(vitals, VitalSign::SystolicBp, &QSOFA_SYSTOLIC);
    sheet.consciousness(vitals, |level| if level == Consciousness::Alert { ("A", 0) } else { ("C, V, P or U", 1) });
    Scored::of_sheet(ScoreName::Qsofa, 3.0, sheet, positive_from_two)
}

/// SIRS of what has been measured; `None` when nothing of it has.
pub fn sirs(vitals: &VitalSigns) -> Option<Scored> {
    let mut sheet = Sheet::default();
    sheet.number(vitals, VitalSign::Temperature, &SIRS_TEMPERATURE);
    sheet.number(vitals, VitalSign::HeartRate, &SIRS_PULSE);
    sheet.number(vitals, VitalSign::RespiratoryRate, &SIRS_RESPIRATION);
    sheet.missing.push("white_cells");
    Scored::of_sheet(ScoreName::Sirs, 4.0, sheet, positive_from_two)
}

fn positive_from_two(total: u8) -> RiskBand {
    if total >= 2 { RiskBand::High } else { RiskBand::Low }
}

static QSOFA: LazyLock<ModelInfo> =
    LazyLock::new(|| chart_info("qSOFA", "Sepsis-3 2016", &format!("{QSOFA_RESPIRATION:?}{QSOFA_SYSTOLIC:?}")));
static SIRS: LazyLock<ModelInfo> = LazyLock::new(|| {
    chart_info("SIRS", "ACCP/SCCM 1992", &format!("{SIRS_TEMPERATURE:?}{SIRS_PULSE:?}{SIRS_RESPIRATION:?}"))
});

pub fn qsofa_info() -> &'static ModelInfo {
    &QSOFA
}

pub fn sirs_info() -> &'static ModelInfo {
    &SIRS
}
