//! Which codes stand for which vital sign, in which units, within which bounds. Pure.

use healthsync_events::{Consciousness, VitalSigns, clinical::RejectionReason};

/// A vital sign that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    HeartRate,
    RespiratoryRate,
    Spo2,
    Systolic,
    Diastolic,
    Temperature,
}

/// What an observation's code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Number(Sign),
    Consciousness,
    /// Litres a minute of oxygen.
    OxygenFlow,
    /// Inspired fraction of oxygen, percent.
    OxygenFraction,
}

use Meaning::{Consciousness as Level, Number, OxygenFlow, OxygenFraction};
use Sign::{Diastolic, HeartRate, RespiratoryRate, Spo2, Systolic, Temperature};

/// LOINC codes, IEEE 11073-10101 numbers, and the MDC names IHE PCD-01 sends beside them.
const CODES: [(&str, Meaning); 46] = [
    ("8867-4", Number(HeartRate)),
    ("8889-8", Number(HeartRate)),
    ("147842", Number(HeartRate)),
    ("MDC_ECG_HEART_RATE", Number(HeartRate)),
    ("149530", Number(HeartRate)),
    ("MDC_PULS_OXIM_PULS_RATE", Number(HeartRate)),
    ("9279-1", Number(RespiratoryRate)),
    ("151562", Number(RespiratoryRate)),
    ("MDC_RESP_RATE", Number(RespiratoryRate)),
    ("151578", Number(RespiratoryRate)),
    ("MDC_TTHOR_RESP_RATE", Number(RespiratoryRate)),
    ("59408-5", Number(Spo2)),
    ("2708-6", Number(Spo2)),
    ("150456", Number(Spo2)),
    ("MDC_PULS_OXIM_SAT_O2", Number(Spo2)),
    ("8480-6", Number(Systolic)),
    ("150021", Number(Systolic)),
    ("MDC_PRESS_BLD_NONINV_SYS", Number(Systolic)),
    ("150017", Number(Systolic)),
    ("MDC_PRESS_BLD_SYS", Number(Systolic)),
    ("150037", Number(Systolic)),
    ("MDC_PRESS_BLD_ART_ABP_SYS", Number(Systolic)),
    ("8462-4", Number(Diastolic)),
    ("150022", Number(Diastolic)),
    ("MDC_PRESS_BLD_NONINV_DIA", Number(Diastolic)),
    ("150018", Number(Diastolic)),
    ("MDC_PRESS_BLD_DIA", Number(Diastolic)),
    ("150038", Number(Diastolic)),
    ("MDC_PRESS_BLD_ART_ABP_DIA", Number(Diastolic)),
    ("8310-5", Number(Temperature)),
    ("8329-5", Number(Temperature)),
    ("8331-1", Number(Temperature)),
    ("8328-7", Number(Temperature)),
    ("150344", Number(Temperature)),
    ("MDC_TEMP", Number(Temperature)),
    ("150364", Number(Temperature)),
    ("MDC_TEMP_BODY", Number(Temperature)),
    ("188420", Number(Temperature)),
    ("MDC_TEMP_ORAL", Number(Temperature)),
    ("80288-4", Level),
    ("67775-7", Level),
    ("ACVPU", Level),
    ("3151-8", OxygenFlow),
    ("3150-6", OxygenFraction),
    ("153132", OxygenFraction),
    ("MDC_CONC_AWAY_O2_INSP", OxygenFraction),
];

/// An observation as an OBX segment gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    /// OBX-3.1, and OBX-3.4, its alternate.
    pub codes: [String; 2],
    /// OBX-3.2, where MDC names stand.
    pub name: String,
    pub value: String,
    /// OBX-6.1; empty when it is not said.
    pub unit: String,
}

/// Puts the observation among the vital signs, or says why not.
pub(crate) fn apply(observation: &Observation, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
    let named = |code: &str| CODES.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning);
    let [first, second] = &observation.codes;
    let meaning = named(first).or_else(|| named(second)).or_else(|| named(&observation.name));
    match meaning.ok_or(RejectionReason::UnknownCode)? {
        Level => vitals.consciousness = Some(consciousness(&observation.value)?),
        OxygenFlow => {
            let flow = bounded(number(&observation.value)?, 0.0, 100.0)?;
            unit(&observation.unit, &["L/min", "l/min", "MDC_DIM_L_PER_MIN", "265216"])?;
            vitals.supplemental_oxygen = Some(flow > 0.0);
        }
        OxygenFraction => {
            let percent = bounded(number(&observation.value)?, 15.0, 100.0)?;
            unit(&observation.unit, &["%", "MDC_DIM_PERCENT", "262688"])?;
            // Room air holds 21 %.
            vitals.supplemental_oxygen = Some(percent > 21.5);
        }
        Number(sign) => set(sign, &observation.value, &observation.unit, vitals)?,
    }
    Ok(())
}

/// Bounds are what can be measured on a living person with a margin: Guinness-grade outliers pass, sensor
/// errors (0, 255, 999) do not.
fn set(sign: Sign, value: &str, given: &str, vitals: &mut VitalSigns) -> Result<(), RejectionReason> {
    const PER_MINUTE: [&str; 8] = [
        "/min",
        "{beats}/min",
        "{breaths}/min",
        "bpm",
        "1/min",
        "MDC_DIM_BEAT_PER_MIN",
        "MDC_DIM_RESP_PER_MIN",
        "264864",
    ];
    let value = number(value)?;
    let rate = |low, high| {
        unit(given, &PER_MINUTE).or_else(|_| unit(given, &["264928"]))?;
        bounded(value, low, high)
    };
    let pressure = |low, high| match given {
        "kPa" | "MDC_DIM_KILO_PASCAL" => bounded(value * 7.500_62, low, high),
        _ => {
            unit(given, &["mm[Hg]", "mmHg", "MDC_DIM_MMHG", "266016"])?;
            bounded(value, low, high)
        }
    };
    match sign {
        HeartRate => vitals.heart_rate = Some(rate(10.0, 350.0)?),
        RespiratoryRate => vitals.respiratory_rate = Some(rate(1.0, 120.0)?),
        Systolic => vitals.systolic_bp = Some(pressure(20.0, 350.0)?),
        Diastolic => vitals.diastolic_bp = Some(pressure(5.0, 250.0)?),
        Spo2 => {
            unit(given, &["%", "MDC_DIM_PERCENT", "262688"])?;
            vitals.spo2 = Some(bounded(value, 20.0, 100.0)?);
        }
        Temperature => {
            let celsius = match given {
                "[degF]" | "degF" | "F" | "MDC_DIM_FAHR" | "266560" => (value - 32.0) / 1.8,
                _ => {
                    unit(given, &["Cel", "degC", "C", "°C", "MDC_DIM_DEGC", "268192"])?;
                    value
                }
            };
            vitals.temperature = Some(bounded((celsius * 100.0).round() / 100.0, 12.0, 46.0)?);
        }
    }
    Ok(())
}

fn number(text: &str) -> Result<f64, RejectionReason> {
    let value: f64 = text.parse().map_err(|_| RejectionReason::NotANumber)?;
    if value.is_finite() { Ok(value) } else { Err(RejectionReason::NotANumber) }
}

fn bounded(value: f64, low: f64, high: f64) -> Result<f64, RejectionReason> {
    if (low..=high).contains(&value) { Ok(value) } else { Err(RejectionReason::OutsidePhysiology) }
}

/// An absent unit is the code's usual one.
fn unit(given: &str, known: &[&str]) -> Result<(), RejectionReason> {
    if given.is_empty() || known.contains(&given) { Ok(()) } else { Err(RejectionReason::UnitMismatch) }
}

fn consciousness(text: &str) -> Result<Consciousness, RejectionReason> {
    // ACVPU by letter or word, and the LOINC answers of 80288-4.
    match text.to_ascii_lowercase().as_str() {
        "a" | "alert" | "la9340-6" => Ok(Consciousness::Alert),
        "c" | "confusion" | "confused" | "new confusion" | "la6560-2" => Ok(Consciousness::Confusion),
        "v" | "voice" | "verbal" | "la17108-4" => Ok(Consciousness::Voice),
        "p" | "pain" | "la17107-6" => Ok(Consciousness::Pain),
        "u" | "unresponsive" | "la9343-0" => Ok(Consciousness::Unresponsive),
        _ => Err(RejectionReason::UnknownCode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(code: &str, value: &str, unit: &str) -> Result<VitalSigns, RejectionReason> {
        let mut vitals = VitalSigns::default();
        let observation = Observation {
            codes: [code.into(), String::new()],
            name: String::new(),
            value: value.into(),
            unit: unit.into(),
        };
        apply(&observation, &mut vitals).map(|()| vitals)
    }

    #[test]
    fn loinc_and_ieee_codes_mean_the_same() {
        assert_eq!(taken("8867-4", "80", "/min"), taken("147842", "80", "MDC_DIM_BEAT_PER_MIN"));
        assert_eq!(taken("59408-5", "97", "%").unwrap().spo2, Some(97.0));
    }

    #[test]
    fn other_units_of_the_same_quantity_are_converted() {
        assert_eq!(taken("8310-5", "101.3", "[degF]").unwrap().temperature, Some(38.5));
        let systolic = taken("8480-6", "16", "kPa").unwrap().systolic_bp.unwrap();
        assert!((systolic - 120.0).abs() < 0.1);
    }

    #[test]
    fn what_cannot_be_a_vital_sign_is_rejected_by_reason() {
        assert_eq!(taken("9999-9", "80", ""), Err(RejectionReason::UnknownCode));
        assert_eq!(taken("8867-4", "fast", "/min"), Err(RejectionReason::NotANumber));
        assert_eq!(taken("8867-4", "NaN", "/min"), Err(RejectionReason::NotANumber));
        assert_eq!(taken("8867-4", "80", "mm[Hg]"), Err(RejectionReason::UnitMismatch));
        assert_eq!(taken("59408-5", "255", "%"), Err(RejectionReason::OutsidePhysiology));
    }

    #[test]
    fn oxygen_is_what_exceeds_room_air() {
        assert_eq!(taken("3151-8", "2", "L/min").unwrap().supplemental_oxygen, Some(true));
        assert_eq!(taken("3150-6", "21", "%").unwrap().supplemental_oxygen, Some(false));
    }
}
