//! What the model may be told of a patient: one table for the names, units and ranges that every door into the model
//! shares.

/// Measurements of the model, in the order of their columns everywhere.
pub const COUNT: usize = 31;

/// How a measurement is scaled before it is centred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Natural logarithm: for concentrations that differ by factors rather than by amounts.
    Logarithmic,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// Column of the PhysioNet/CinC Challenge 2019 files.
    pub column: &'static str,
    /// Name in events: the field of `VitalSigns` where there is one.
    pub parameter: &'static str,
    /// Unit of the data set and of events.
    pub unit: &'static str,
    /// Values outside are errors of a sensor or of writing, and count as not measured. The ranges are wider than what
    /// the living have been seen with, because a model that clips extremes is safer than one that never sees them.
    pub low: f32,
    pub high: f32,
    pub scale: Scale,
    /// Whether a bedside monitor measures it by the minute, rather than a laboratory by the day.
    pub bedside: bool,
    /// Decimals that are worth showing.
    pub decimals: usize,
}

const fn vital(column: &'static str, parameter: &'static str, unit: &'static str, low: f32, high: f32) -> Input {
    Input { column, parameter, unit, low, high, scale: Scale::Linear, bedside: true, decimals: 0 }
}

const fn lab(column: &'static str, parameter: &'static str, unit: &'static str, low: f32, high: f32) -> Input {
    Input { column, parameter, unit, low, high, scale: Scale::Linear, bedside: false, decimals: 1 }
}

const fn log_lab(column: &'static str, parameter: &'static str, unit: &'static str, low: f32, high: f32) -> Input {
    Input { column, parameter, unit, low, high, scale: Scale::Logarithmic, bedside: false, decimals: 1 }
}

/// Left out of what the data set has: `EtCO2`, `Bilirubin_direct` and `TroponinI`, which its first hospital measured in
/// less than one hour of a thousand, so that nothing can be learned of them there.
pub const INPUTS: [Input; COUNT] = [
    vital("HR", "heart_rate", "/min", 10.0, 300.0),
    vital("O2Sat", "spo2", "%", 20.0, 100.0),
    Input { decimals: 1, ..vital("Temp", "temperature", "°C", 20.0, 45.0) },
    vital("SBP", "systolic_bp", "mmHg", 20.0, 300.0),
    vital("MAP", "mean_bp", "mmHg", 10.0, 300.0),
    vital("DBP", "diastolic_bp", "mmHg", 5.0, 300.0),
    vital("Resp", "respiratory_rate", "/min", 1.0, 100.0),
    lab("BaseExcess", "base_excess", "mmol/L", -40.0, 100.0),
    lab("HCO3", "bicarbonate", "mmol/L", 1.0, 60.0),
    Input { decimals: 2, ..lab("FiO2", "fio2", "fraction", 0.2, 1.01) },
    Input { decimals: 2, ..lab("pH", "ph", "", 6.5, 8.0) },
    lab("PaCO2", "paco2", "mmHg", 5.0, 150.0),
    lab("SaO2", "sao2", "%", 20.0, 100.0),
    log_lab("AST", "ast", "IU/L", 1.0, 20_000.0),
    log_lab("BUN", "urea_nitrogen", "mg/dL", 0.5, 300.0),
    log_lab("Alkalinephos", "alkaline_phosphatase", "IU/L", 1.0, 5_000.0),
    lab("Calcium", "calcium", "mg/dL", 1.0, 25.0),
    lab("Chloride", "chloride", "mmol/L", 20.0, 160.0),
    log_lab("Creatinine", "creatinine", "mg/dL", 0.05, 50.0),
    log_lab("Glucose", "glucose", "mg/dL", 5.0, 1_500.0),
    log_lab("Lactate", "lactate", "mmol/L", 0.1, 40.0),
    log_lab("Magnesium", "magnesium", "mmol/L", 0.1, 12.0),
    log_lab("Phosphate", "phosphate", "mg/dL", 0.1, 25.0),
    lab("Potassium", "potassium", "mmol/L", 0.5, 30.0),
    log_lab("Bilirubin_total", "bilirubin", "mg/dL", 0.05, 60.0),
    lab("Hct", "haematocrit", "%", 4.0, 75.0),
    lab("Hgb", "haemoglobin", "g/dL", 1.0, 35.0),
    log_lab("PTT", "ptt", "s", 5.0, 300.0),
    log_lab("WBC", "leukocytes", "10³/µL", 0.05, 500.0),
    log_lab("Fibrinogen", "fibrinogen", "mg/dL", 10.0, 2_000.0),
    log_lab("Platelets", "platelets", "10³/µL", 1.0, 2_000.0),
];

/// What was measured in one hour, in the units of [`INPUTS`]; `NaN` where it was not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row(pub [f32; COUNT]);

impl Default for Row {
    fn default() -> Self {
        Self([f32::NAN; COUNT])
    }
}

impl Row {
    /// Takes a value in. Says whether it was used: a value outside of its range, or none, is not.
    pub fn set(&mut self, input: usize, value: f32) -> bool {
        let Some((slot, known)) = self.0.get_mut(input).zip(INPUTS.get(input)) else { return false };
        let plausible = (known.low..=known.high).contains(&value);
        if plausible {
            *slot = value;
        }
        plausible
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|value| value.is_nan())
    }
}

/// Index of a measurement by its name in events.
pub fn index_of(parameter: &str) -> Option<usize> {
    INPUTS.iter().position(|input| input.parameter == parameter)
}

/// Index of a measurement by its column in the data set.
pub fn index_of_column(column: &str) -> Option<usize> {
    INPUTS.iter().position(|input| input.column == column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_measurement_has_a_name_and_a_range_of_its_own() {
        let names: BTreeSet<_> = INPUTS.iter().flat_map(|input| [input.column, input.parameter]).collect();
        assert_eq!(names.len(), 2 * COUNT);
        assert!(INPUTS.iter().all(|input| input.low < input.high));
        assert!(
            INPUTS.iter().all(|input| input.scale == Scale::Linear || input.low > 0.0),
            "logarithms of these exist"
        );
    }

    #[test]
    fn a_value_outside_of_its_range_counts_as_not_measured() {
        let mut row = Row::default();
        let heart_rate = index_of("heart_rate").unwrap();
        assert!(!row.set(heart_rate, 900.0) && !row.set(heart_rate, f32::NAN) && row.is_empty());
        assert!(row.set(heart_rate, 80.0) && !row.is_empty());
        assert!(!row.set(COUNT, 1.0));
    }
}
