//! PhysioNet/CinC Challenge 2019: one stay a file, one hour a line, values separated by `|`, `NaN` where nothing was
//! measured (Reyna and others, Critical Care Medicine 2020; 48: 210–217).

use super::recording::{Recording, RecordingError, Sample};
use healthsync_events::{Timestamp, VitalSigns};

const HOUR_MS: i64 = 3_600_000;

/// Hours of a stay at most: six weeks' worth of lines is no stay of this data set, whose longest has 336.
const MAX_HOURS: usize = 1_008;

/// Inspired oxygen above this is more than room air, which holds 21 %.
const ROOM_AIR: f64 = 0.215;

const COLUMNS: [&str; 9] = ["HR", "O2Sat", "Temp", "SBP", "DBP", "Resp", "FiO2", "ICULOS", "SepsisLabel"];

/// Reads a stay.
pub fn read(text: &str) -> Result<Recording, RecordingError> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('|').map(str::trim).collect();
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header.iter().position(|name| *name == column).ok_or(RecordingError::Column(column))?;
    }
    let mut samples = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = index + 2;
        let fields: Vec<&str> = line.split('|').collect();
        if fields.len() != header.len() {
            return Err(RecordingError::Fields { line: line_number });
        }
        if samples.len() >= MAX_HOURS {
            return Err(RecordingError::Long(MAX_HOURS));
        }
        let mut values = [None; COLUMNS.len()];
        for ((value, place), column) in values.iter_mut().zip(places).zip(COLUMNS) {
            let number: f64 =
                fields[place].trim().parse().map_err(|_| RecordingError::Number { line: line_number, column })?;
            *value = (!number.is_nan()).then_some(number);
        }
        samples.push(sample(values, line_number)?);
    }
    samples.sort_by_key(|sample| sample.at);
    Ok(Recording { samples, interval_ms: HOUR_MS })
}

fn sample(values: [Option<f64>; COLUMNS.len()], line: usize) -> Result<Sample, RecordingError> {
    let [heart_rate, spo2, temperature, systolic_bp, diastolic_bp, respiratory_rate, oxygen, hour, label] = values;
    let hour = hour.ok_or(RecordingError::Number { line, column: "ICULOS" })?;
    let vitals = VitalSigns {
        heart_rate,
        respiratory_rate,
        spo2,
        systolic_bp,
        diastolic_bp,
        temperature,
        consciousness: None,
        supplemental_oxygen: oxygen.map(|fraction| fraction > ROOM_AIR),
    };
    let at = Timestamp::from_millis(hour as i64 * HOUR_MS);
    Ok(Sample { at, vitals, sepsis: label.map(|label| label > 0.5) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|FiO2|ICULOS|SepsisLabel";

    #[test]
    fn an_hour_becomes_a_sample_and_what_was_not_measured_is_absent() {
        let text = format!("{HEADER}\n90|97|NaN|120|80|60|18|0.4|1|0\nNaN|NaN|36.5|NaN|NaN|NaN|NaN|0.21|2|1\n");
        let recording = read(&text).unwrap();
        let [first, second] = &recording.samples[..] else { panic!("two hours") };
        assert_eq!((first.vitals.heart_rate, first.vitals.temperature), (Some(90.0), None));
        assert_eq!((first.vitals.supplemental_oxygen, first.sepsis), (Some(true), Some(false)));
        assert_eq!((second.vitals.supplemental_oxygen, second.sepsis), (Some(false), Some(true)));
        assert_eq!(second.at.millis() - first.at.millis(), HOUR_MS);
        assert!((recording.bed_days() - 2.0 / 24.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        assert_eq!(read("HR|SBP\n1|2"), Err(RecordingError::Column("O2Sat")));
        assert_eq!(read(&format!("{HEADER}\n90|97")), Err(RecordingError::Fields { line: 2 }));
        let text = format!("{HEADER}\nhigh|97|NaN|120|80|60|18|0.4|1|0");
        assert_eq!(read(&text), Err(RecordingError::Number { line: 2, column: "HR" }));
        assert_eq!(read(&format!("{HEADER}\n")).unwrap().samples.len(), 0);
    }
}
