//! From an observation as a device sends it (a code, a value, a unit) to a vital sign. Pure, and the same for every
//! door. What does not fit is rejected with a reason, never guessed at.

pub mod codes;
pub mod units;

use crate::{
    clinical::{Consciousness, RejectionReason, VitalSigns},
    observation::{
        codes::{Meaning, System, meaning},
        units::{Dimension, Unit},
    },
};

/// A code and where it comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Code<'a> {
    pub code: &'a str,
    pub system: System,
}

/// An observation as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation<'a> {
    /// The code, and its alternates: the first that is known counts.
    pub codes: &'a [Code<'a>],
    pub value: &'a str,
    /// UCUM, or an IEEE 11073 unit by name or number; empty when it is not said.
    pub unit: &'a str,
}

/// Bounds of a number, in the unit it is kept in. They are what can be measured on a living person with a margin:
/// records of medicine pass, sensor errors (0, 255, 999, 8388607) do not.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: f64,
    high: f64,
}

const HEART_RATE: Bounds = Bounds { low: 10.0, high: 350.0 };
const RESPIRATORY_RATE: Bounds = Bounds { low: 1.0, high: 120.0 };
const SPO2: Bounds = Bounds { low: 20.0, high: 100.0 };
const SYSTOLIC: Bounds = Bounds { low: 20.0, high: 350.0 };
const DIASTOLIC: Bounds = Bounds { low: 5.0, high: 250.0 };
const TEMPERATURE: Bounds = Bounds { low: 12.0, high: 46.0 };
/// Litres a minute; high-flow systems give 60.
const OXYGEN_FLOW: Bounds = Bounds { low: 0.0, high: 100.0 };
/// Percent.
const OXYGEN_FRACTION: Bounds = Bounds { low: 15.0, high: 100.0 };

/// Room air holds 21 %: what is over this is supplemental oxygen.
const ROOM_AIR: f64 = 21.5;

/// What the observation's code stands for.
pub fn known(observation: &Observation<'_>) -> Option<Meaning> {
    observation.codes.iter().find_map(|code| meaning(code.code, code.system))
}

/// Puts the observation among the vital signs, or says why not.
pub fn apply(observation: &Observation<'_>, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
    let number = |dimension, bounds| number(observation, dimension, bounds);
    match known(observation).ok_or(RejectionReason::UnknownCode)? {
        Meaning::HeartRate => vitals.heart_rate = Some(number(Dimension::Frequency, HEART_RATE)?),
        Meaning::RespiratoryRate => vitals.respiratory_rate = Some(number(Dimension::Frequency, RESPIRATORY_RATE)?),
        Meaning::Spo2 => vitals.spo2 = Some(number(Dimension::Fraction, SPO2)?),
        Meaning::SystolicPressure => vitals.systolic_bp = Some(number(Dimension::Pressure, SYSTOLIC)?),
        Meaning::DiastolicPressure => vitals.diastolic_bp = Some(number(Dimension::Pressure, DIASTOLIC)?),
        Meaning::Temperature => vitals.temperature = Some(number(Dimension::Temperature, TEMPERATURE)?),
        Meaning::OxygenFlow => vitals.supplemental_oxygen = Some(number(Dimension::Flow, OXYGEN_FLOW)? > 0.0),
        Meaning::OxygenFraction => {
            vitals.supplemental_oxygen = Some(number(Dimension::Fraction, OXYGEN_FRACTION)? > ROOM_AIR);
        }
        Meaning::Consciousness => vitals.consciousness = Some(consciousness(observation.value)?),
    }
    Ok(())
}

/// The value in the unit that `dimension` is kept in. An absent unit is that unit.
fn number(observation: &Observation<'_>, dimension: Dimension, bounds: Bounds) -> Result<f64, RejectionReason> {
    let value: f64 = observation.value.trim().parse().map_err(|_| RejectionReason::NotANumber)?;
    if !value.is_finite() {
        return Err(RejectionReason::NotANumber);
    }
    let unit = match observation.unit.trim() {
        "" => Unit::kept(dimension),
        text => Unit::read(text).filter(|unit| unit.dimension == dimension).ok_or(RejectionReason::UnitMismatch)?,
    };
    // A hundredth of a degree or a millimetre is less than any sensor's error, and conversion leaves no tail of digits.
    let kept = if unit.is_kept() { value } else { (unit.convert(value) * 100.0).round() / 100.0 };
    let within = (bounds.low..=bounds.high).contains(&kept);
    if within { Ok(kept) } else { Err(RejectionReason::OutsidePhysiology) }
}

/// ACVPU by letter or word, and the LOINC answers to 80288-4 and 67775-7.
fn consciousness(text: &str) -> Result<Consciousness, RejectionReason> {
    let any = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    let levels = [
        (Consciousness::Alert, &["a", "alert", "la9340-6"][..]),
        (Consciousness::Confusion, &["c", "confusion", "confused", "new confusion", "la6560-2"]),
        (Consciousness::Voice, &["v", "voice", "verbal", "la17108-4"]),
        (Consciousness::Pain, &["p", "pain", "la17107-6"]),
        (Consciousness::Unresponsive, &["u", "unresponsive", "la9343-0"]),
    ];
    levels.iter().find(|(_, words)| any(words)).map(|(level, _)| *level).ok_or(RejectionReason::UnknownCode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(code: &str, value: &str, unit: &str) -> Result<VitalSigns, RejectionReason> {
        let mut vitals = VitalSigns::default();
        let codes = [Code { code, system: System::Any }];
        apply(&Observation { codes: &codes, value, unit }, &mut vitals).map(|()| vitals)
    }

    #[test]
    fn loinc_and_ieee_codes_mean_the_same() {
        assert_eq!(taken("8867-4", "80", "/min"), taken("147842", "80", "MDC_DIM_BEAT_PER_MIN"));
        assert_eq!(taken("59408-5", "97", "%").unwrap().spo2, Some(97.0));
        assert_eq!(taken("MDC_TEMP_ORAL", "37.1", "268192"), taken("8331-1", "37.1", "Cel"));
    }

    #[test]
    fn other_units_of_the_same_quantity_are_converted() {
        assert_eq!(taken("8310-5", "101.3", "[degF]").unwrap().temperature, Some(38.5));
        assert_eq!(taken("8310-5", "311.15", "K").unwrap().temperature, Some(38.0));
        assert_eq!(taken("8480-6", "16", "kPa").unwrap().systolic_bp, Some(120.01));
        assert_eq!(taken("59408-5", "0.97", "1").unwrap().spo2, Some(97.0));
        assert_eq!(taken("9279-1", "0.3", "Hz").unwrap().respiratory_rate, Some(18.0));
        assert_eq!(taken("3151-8", "2000", "mL/min").unwrap().supplemental_oxygen, Some(true));
    }

    #[test]
    fn a_fraction_without_a_unit_is_not_taken_for_a_percentage() {
        assert_eq!(taken("59408-5", "0.97", ""), Err(RejectionReason::OutsidePhysiology));
    }

    #[test]
    fn what_cannot_be_a_vital_sign_is_rejected_by_reason() {
        assert_eq!(taken("9999-9", "80", ""), Err(RejectionReason::UnknownCode));
        for text in ["fast", "NaN", "inf", "", "1e999", "80;90"] {
            assert_eq!(taken("8867-4", text, "/min"), Err(RejectionReason::NotANumber), "{text}");
        }
        for unit in ["mm[Hg]", "%", "furlong", "{beats}"] {
            assert_eq!(taken("8867-4", "80", unit), Err(RejectionReason::UnitMismatch), "{unit}");
        }
        for value in ["0", "255.5", "8388607", "-1"] {
            assert_eq!(taken("59408-5", value, "%"), Err(RejectionReason::OutsidePhysiology), "{value}");
        }
    }

    #[test]
    fn oxygen_is_what_exceeds_room_air() {
        assert_eq!(taken("3151-8", "2", "L/min").unwrap().supplemental_oxygen, Some(true));
        assert_eq!(taken("3150-6", "21", "%").unwrap().supplemental_oxygen, Some(false));
        assert_eq!(taken("3150-6", "0.4", "{fraction}").unwrap().supplemental_oxygen, Some(true));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_what_is_kept_lies_within_its_bounds(
            value in prop_oneof!["-?[0-9]{0,7}(\\.[0-9]{0,4})?", "\\PC{0,8}"],
            unit in prop_oneof!["", "%", "1", "kPa", "\\[degF\\]", "/min", "K", "\\PC{0,10}"],
            code in prop_oneof!["59408-5", "8867-4", "8480-6", "8310-5", "9279-1"],
        ) {
            let vitals = taken(&code, &value, &unit).unwrap_or_default();
            prop_assert!(vitals.spo2.is_none_or(|v| (20.0..=100.0).contains(&v)));
            prop_assert!(vitals.heart_rate.is_none_or(|v| (10.0..=350.0).contains(&v)));
            prop_assert!(vitals.systolic_bp.is_none_or(|v| (20.0..=350.0).contains(&v)));
            prop_assert!(vitals.temperature.is_none_or(|v| (12.0..=46.0).contains(&v)));
            prop_assert!(vitals.respiratory_rate.is_none_or(|v| (1.0..=120.0).contains(&v)));
        }
    }
}
