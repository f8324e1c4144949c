//! Outcomes as a table: `patient,time,outcome`, and which scores each of them judges.

use healthsync_events::Timestamp;

/// Lines of one table: a hospital's year.
const MAX_LINES: usize = 1_000_000;

/// Characters of a patient's identifier.
const MAX_PATIENT: usize = 128;

/// Hours before the onset from which a score should have warned, as the model was taught.
const AHEAD_MILLIS: i64 = 6 * 3_600_000;

/// What became of a patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub patient: String,
    /// When it began; when a patient without it was last known to be.
    pub at: Timestamp,
    pub happened: bool,
}

/// Why a table of outcomes cannot be used. It holds no identifier of a patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    #[error("the first line must be `patient,time,outcome`")]
    Header,
    #[error("line {0} must have three fields, without quotes")]
    Fields(usize),
    #[error("line {0}: the patient must have 1 to {MAX_PATIENT} characters")]
    Patient(usize),
    #[error("line {0}: the time must be as in 2026-01-31T08:30:00Z")]
    Time(usize),
    #[error("line {0}: the outcome must be 0 or 1")]
    Value(usize),
    #[error("there are more than {MAX_LINES} lines")]
    TooLong,
}

/// Reads a table of outcomes.
pub fn parse(text: &str) -> Result<Vec<Outcome>, OutcomeError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map(|(_, line)| line.split(',').map(str::trim).collect::<Vec<_>>());
    if header.as_deref() != Some(["patient", "time", "outcome"].as_slice()) {
        return Err(OutcomeError::Header);
    }
    let mut outcomes = Vec::new();
    for (index, line) in lines {
        if outcomes.len() == MAX_LINES {
            return Err(OutcomeError::TooLong);
        }
        outcomes.push(one(line, index + 1)?);
    }
    Ok(outcomes)
}

fn one(line: &str, number: usize) -> Result<Outcome, OutcomeError> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let ([patient, at, outcome], false) = (fields.as_slice(), line.contains('"')) else {
        return Err(OutcomeError::Fields(number));
    };
    if patient.is_empty() || patient.chars().count() > MAX_PATIENT {
        return Err(OutcomeError::Patient(number));
    }
    let at = serde_json::from_value(serde_json::Value::String((*at).to_owned()));
    let happened = match *outcome {
        "0" => false,
        "1" => true,
        _ => return Err(OutcomeError::Value(number)),
    };
    Ok(Outcome { patient: (*patient).to_owned(), at: at.map_err(|_| OutcomeError::Time(number))?, happened })
}

/// A score as it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredHour {
    pub patient: String,
    pub at: Timestamp,
    /// Before calibration.
    pub log_odds: f64,
}

/// A score and what became of the patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Labelled {
    pub at: Timestamp,
    pub log_odds: f64,
    pub happened: bool,
}

/// Judges scores by outcomes, oldest first: positive from 6 hours before the onset on, negative before that and for
/// patients without an onset. Scores after the time of the outcome, and of patients without one, judge nothing.
pub fn label(scores: &[ScoredHour], outcomes: &[Outcome]) -> Vec<Labelled> {
    let by_patient: std::collections::BTreeMap<&str, &Outcome> =
        outcomes.iter().map(|outcome| (outcome.patient.as_str(), outcome)).collect();
    let judge = |score: &ScoredHour| {
        let outcome = by_patient.get(score.patient.as_str())?;
        let ahead = outcome.at.millis() - score.at.millis();
        let happened = outcome.happened && ahead <= AHEAD_MILLIS;
        (ahead >= 0).then_some(Labelled { at: score.at, log_odds: score.log_odds, happened })
    };
    let mut labelled: Vec<Labelled> = scores.iter().filter_map(judge).collect();
    labelled.sort_by_key(|one| one.at.millis());
    labelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_is_read_and_what_is_wrong_is_named_by_its_line() {
        let read = parse("patient,time,outcome\np1,2026-01-31T08:30:00Z,1\n\np2,2026-02-01T00:00:00Z,0\n").unwrap();
        assert_eq!((read.len(), read[0].happened, read[1].patient.as_str()), (2, true, "p2"));
        let refused = |line: &str| parse(&format!("patient,time,outcome\n{line}\n")).unwrap_err();
        assert_eq!(refused("p1,yesterday,1"), OutcomeError::Time(2));
        assert_eq!(refused("p1,2026-01-31T08:30:00Z,yes"), OutcomeError::Value(2));
        assert_eq!(refused("p1,1"), OutcomeError::Fields(2));
        assert_eq!(refused("\"p1\",2026-01-31T08:30:00Z,1"), OutcomeError::Fields(2));
        assert_eq!(refused(",2026-01-31T08:30:00Z,1"), OutcomeError::Patient(2));
        assert_eq!(parse("p1,2026-01-31T08:30:00Z,1"), Err(OutcomeError::Header));
    }

    #[test]
    fn a_score_is_judged_by_what_came_within_six_hours() {
        let hour = |n: i64| Timestamp::from_millis(n * 3_600_000);
        let score = |patient: &str, n: i64| ScoredHour { patient: patient.into(), at: hour(n), log_odds: n as f64 };
        let scores = [score("sick", 3), score("sick", 4), score("sick", 11), score("well", 1), score("nobody", 1)];
        let outcomes = [
            Outcome { patient: "sick".into(), at: hour(10), happened: true },
            Outcome { patient: "well".into(), at: hour(50), happened: false },
        ];
        let judged: Vec<(f64, bool)> =
            label(&scores, &outcomes).iter().map(|one| (one.log_odds, one.happened)).collect();
        assert_eq!(judged, [(1.0, false), (3.0, false), (4.0, true)]);
    }

    proptest! {
        #[test]
        fn no_table_makes_it_panic(text in "[patientmeouc,0-9TZ:\n\"-]{0,120}") {
            let _ = parse(&text);
        }
    }
}
