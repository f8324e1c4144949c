//! One record, from its text.

use super::{Background, Hour, MAX_HOURS, Stay, Unit};
use crate::inputs::{self, Row};

/// Columns that a record must have; of measurements any may be absent, and then were not measured.
const ICU_HOUR: &str = "ICULOS";
/// Absent where nobody has said yet who became septic.
const LABEL: &str = "SepsisLabel";

/// Columns of one record: the data set has 41.
const MAX_COLUMNS: usize = 256;

/// Why a text is no record. It holds no value of a patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("it has no line of column names")]
    NoHeader,
    #[error("it has {0} columns, at most {MAX_COLUMNS} are read")]
    TooManyColumns(usize),
    #[error("the column {0} is missing")]
    Missing(&'static str),
    #[error("the column {0} is there twice")]
    Twice(String),
    #[error("line {line} has {found} fields, the first has {expected}")]
    Fields { line: usize, found: usize, expected: usize },
    #[error("line {line}, column {column}: not a number")]
    NotANumber { line: usize, column: String },
    #[error("line {line}: {column} must be {rule}")]
    Value { line: usize, column: &'static str, rule: &'static str },
    #[error("it has no hours")]
    Empty,
    #[error("it has more than {MAX_HOURS} hours")]
    TooLong,
}

/// Where the columns are.
struct Columns<'a> {
    names: Vec<&'a str>,
    inputs: Vec<(usize, usize)>,
    icu_hour: usize,
    label: Option<usize>,
    age: Option<usize>,
    gender: Option<usize>,
    medical: Option<usize>,
    surgical: Option<usize>,
    admission: Option<usize>,
}

impl<'a> Columns<'a> {
    fn find(header: &'a str) -> Result<Self, ParseError> {
        let names: Vec<&str> = header.split('|').map(str::trim).collect();
        if names.len() > MAX_COLUMNS {
            return Err(ParseError::TooManyColumns(names.len()));
        }
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(ParseError::Twice(name.chars().take(64).collect()));
            }
        }
        let at = |wanted: &str| names.iter().position(|name| *name == wanted);
        let inputs = names.iter().enumerate();
        let inputs = inputs.filter_map(|(at, name)| Some((at, inputs::index_of_column(name)?))).collect();
        Ok(Self {
            inputs,
            icu_hour: at(ICU_HOUR).ok_or(ParseError::Missing(ICU_HOUR))?,
            label: at(LABEL),
            age: at("Age"),
            gender: at("Gender"),
            medical: at("Unit1"),
            surgical: at("Unit2"),
            admission: at("HospAdmTime"),
            names,
        })
    }
}

/// Reads a record. Values outside of their range count as not measured.
pub fn parse(id: &str, text: &str) -> Result<Stay, ParseError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().ok_or(ParseError::NoHeader)?;
    let columns = Columns::find(header)?;
    let mut background = None;
    let mut hours: Vec<Hour> = Vec::new();
    let mut values = vec![f32::NAN; columns.names.len()];
    for (index, line) in lines {
        if hours.len() == MAX_HOURS {
            return Err(ParseError::TooLong);
        }
        fields(line, index + 1, &columns, &mut values)?;
        hours.push(hour(&values, index + 1, &columns, hours.last())?);
        background.get_or_insert_with(|| who(&values, &columns));
    }
    let background = background.ok_or(ParseError::Empty)?;
    Ok(Stay { id: id.to_owned(), background, hours })
}

fn fields(line: &str, number: usize, columns: &Columns<'_>, values: &mut [f32]) -> Result<(), ParseError> {
    let expected = columns.names.len();
    let mut found = 0;
    for field in line.split('|') {
        if let Some((slot, name)) = values.get_mut(found).zip(columns.names.get(found)) {
            let wrong = || ParseError::NotANumber { line: number, column: name.chars().take(64).collect() };
            // Rust reads `NaN` and `inf` as numbers; a range check later takes both for not measured.
            *slot = field.trim().parse().map_err(|_| wrong())?;
        }
        found += 1;
    }
    if found != expected {
        return Err(ParseError::Fields { line: number, found, expected });
    }
    Ok(())
}

fn hour(values: &[f32], line: usize, columns: &Columns<'_>, before: Option<&Hour>) -> Result<Hour, ParseError> {
    let mut measured = Row::default();
    for &(at, input) in &columns.inputs {
        // FiO2 is a fraction, and percent where somebody typed percent.
        let value = values[at];
        let percent = inputs::INPUTS[input].parameter == "fio2" && (20.0..=100.0).contains(&value);
        measured.set(input, if percent { value / 100.0 } else { value });
    }
    let icu_hour = values[columns.icu_hour];
    let wrong = |column, rule| Err(ParseError::Value { line, column, rule });
    if !icu_hour.is_finite() {
        return wrong(ICU_HOUR, "a number");
    }
    if before.is_some_and(|before| icu_hour < before.icu_hour) {
        return wrong(ICU_HOUR, "no smaller than in the line before");
    }
    let Some(septic) = columns.label.map_or(Some(false), |at| flag(values[at])) else {
        return wrong(LABEL, "0 or 1");
    };
    Ok(Hour { measured, icu_hour, septic })
}

/// 0 or 1.
fn flag(value: f32) -> Option<bool> {
    if value.abs() < f32::EPSILON {
        return Some(false);
    }
    ((value - 1.0).abs() < f32::EPSILON).then_some(true)
}

fn who(values: &[f32], columns: &Columns<'_>) -> Background {
    let finite = |at: Option<usize>| at.map(|at| values[at]).filter(|value| value.is_finite());
    let flagged = |at: Option<usize>| finite(at).and_then(flag);
    let unit = match (flagged(columns.medical), flagged(columns.surgical)) {
        (Some(true), _) => Unit::Medical,
        (_, Some(true)) => Unit::Surgical,
        _ => Unit::Unknown,
    };
    Background {
        age: finite(columns.age).filter(|age| (0.0..=130.0).contains(age)),
        male: flagged(columns.gender),
        unit,
        ward_hours: finite(columns.admission).map(|hours| (-hours).max(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: &str = "HR|Temp|FiO2|Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel\n\
        80|NaN|40|61.5|1|0|1|-3.5|1|0\n\
        NaN|37.2|NaN|61.5|1|0|1|-3.5|2|0\n\
        900|38.4|0.5|61.5|1|0|1|-3.5|4|1\n";

    #[test]
    fn a_record_is_read_with_what_was_not_measured() {
        let stay = parse("p1", RECORD).unwrap();
        assert_eq!(stay.background.unit, Unit::Surgical);
        assert_eq!((stay.background.age, stay.background.male), (Some(61.5), Some(true)));
        assert_eq!(stay.background.ward_hours, Some(3.5));
        let value = |hour: usize, name: &str| stay.hours[hour].measured.0[inputs::index_of(name).unwrap()];
        assert_eq!(value(0, "heart_rate"), 80.0);
        assert!(value(1, "heart_rate").is_nan() && value(2, "heart_rate").is_nan(), "900 beats are an error");
        assert_eq!((value(0, "fio2"), value(2, "fio2")), (0.4, 0.5));
        assert_eq!(stay.hours.iter().map(|hour| hour.septic).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(stay.hours[2].icu_hour, 4.0);
        assert!(stay.ever_septic());
    }

    #[test]
    fn what_is_no_record_is_refused_with_the_place() {
        let refused = |text: &str| parse("p", text).unwrap_err();
        assert_eq!(refused(""), ParseError::NoHeader);
        assert_eq!(refused("HR|SepsisLabel\n80|0\n"), ParseError::Missing("ICULOS"));
        assert_eq!(refused("HR|ICULOS\n"), ParseError::Empty);
        assert_eq!(refused("HR|HR|ICULOS\n1|1|1\n"), ParseError::Twice("HR".into()));
        assert_eq!(refused("HR|ICULOS\n80\n"), ParseError::Fields { line: 2, found: 1, expected: 2 });
        assert_eq!(refused("HR|ICULOS\nx|1\n"), ParseError::NotANumber { line: 2, column: "HR".into() });
        let twice = refused("HR|ICULOS\n80|2\n80|1\n");
        assert_eq!(twice.to_string(), "line 3: ICULOS must be no smaller than in the line before");
        assert_eq!(refused("ICULOS|SepsisLabel\n1|2\n").to_string(), "line 2: SepsisLabel must be 0 or 1");
    }

    #[test]
    fn a_record_without_labels_can_still_be_scored() {
        let stay = parse("p", "HR|ICULOS\n80|1\n").unwrap();
        assert!(!stay.ever_septic());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[|NaHRICULOS0-9.\n-]{0,200}") {
            let _ = parse("p", &text);
        }

        #[test]
        fn what_is_read_lies_in_its_range(heart in -1e6f32..1e6, temp in -1e6f32..1e6) {
            let stay = parse("p", &format!("HR|Temp|ICULOS\n{heart}|{temp}|1\n")).unwrap();
            for (input, value) in inputs::INPUTS.iter().zip(stay.hours[0].measured.0) {
                prop_assert!(value.is_nan() || (input.low..=input.high).contains(&value));
            }
        }
    }
}
