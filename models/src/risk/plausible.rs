//! Which values are believed. A sensor that moves or comes off sends values no patient has, or jumps that no patient
//! makes; a single one of them must neither score nor alarm. What comes again is believed: a real change shows in the
//! next value too, so that the most a real one can be late is one value.

use healthsync_events::{Timestamp, VitalSign};

/// How far a value may be from the one before it: this much at once, and so much more for every second between them.
/// Generous: a heart that goes into or out of an arrhythmia is believed at the second value, a cuff's pressure minutes
/// after the last at the first.
struct Pace {
    at_once: f64,
    per_second: f64,
}

const fn pace(sign: VitalSign) -> Pace {
    let (at_once, per_second) = match sign {
        VitalSign::HeartRate | VitalSign::SystolicBp => (40.0, 1.0),
        VitalSign::RespiratoryRate => (15.0, 0.5),
        VitalSign::Spo2 => (8.0, 0.5),
        VitalSign::DiastolicBp => (30.0, 1.0),
        VitalSign::Temperature => (0.5, 0.01),
    };
    Pace { at_once, per_second }
}

/// A value that was not believed and may be when it comes again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub value: f64,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    Believed,
    /// Too far from the last believed value.
    Jump,
    /// No patient has it.
    Impossible,
}

/// Judges a value against the last one believed and the last one doubted.
pub(super) fn judge(
    sign: VitalSign,
    value: f64,
    at: Timestamp,
    believed: Option<(f64, Timestamp)>,
    doubted: Option<Candidate>,
) -> Verdict {
    let (least, most) = sign.physiological();
    if !(least..=most).contains(&value) {
        return Verdict::Impossible;
    }
    let Pace { at_once, per_second } = pace(sign);
    let near = |other: f64, since: Timestamp| {
        let seconds = (at.millis() - since.millis()).max(0) as f64 / 1_000.0;
        (value - other).abs() <= at_once + per_second * seconds
    };
    let follows = believed.is_none_or(|(last, since)| near(last, since));
    if follows || doubted.is_some_and(|candidate| near(candidate.value, candidate.at)) {
        return Verdict::Believed;
    }
    Verdict::Jump
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn what_no_patient_has_is_never_believed() {
        for value in [0.0, 255.0, f64::NAN, f64::INFINITY, -5.0] {
            let before = Candidate { value, at: at(0) };
            assert_eq!(judge(VitalSign::Spo2, value, at(1), None, Some(before)), Verdict::Impossible);
        }
    }

    #[test]
    fn a_jump_is_believed_when_it_comes_again() {
        let last = Some((97.0, at(0)));
        assert_eq!(judge(VitalSign::Spo2, 70.0, at(1), last, None), Verdict::Jump);
        let doubted = Some(Candidate { value: 70.0, at: at(1) });
        assert_eq!(judge(VitalSign::Spo2, 68.0, at(2), last, doubted), Verdict::Believed);
        assert_eq!(judge(VitalSign::Spo2, 40.0, at(2), last, doubted), Verdict::Jump);
    }

    #[test]
    fn the_longer_ago_the_last_value_the_more_is_believed() {
        let last = Some((80.0, at(0)));
        assert_eq!(judge(VitalSign::HeartRate, 150.0, at(1), last, None), Verdict::Jump);
        assert_eq!(judge(VitalSign::HeartRate, 150.0, at(60), last, None), Verdict::Believed);
    }

    proptest! {
        #[test]
        fn a_value_like_the_last_is_always_believed(value in 30.0..200.0f64, step in -30.0..30.0f64, after in 0i64..100_000) {
            let next = (value + step).clamp(10.0, 350.0);
            prop_assert_eq!(judge(VitalSign::HeartRate, next, at(after), Some((value, at(0))), None), Verdict::Believed);
        }
    }
}
