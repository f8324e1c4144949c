//! Which part of a set a patient belongs to, for ever: by a hash of the name of the record.

use sha2::{Digest, Sha256};

/// What a patient's records are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// 70 %: weights are fitted to them.
    Train,
    /// 15 %: when to stop, what to choose, calibration.
    Validation,
    /// 15 %: looked at once everything is decided.
    Test,
}

/// The part of the patient `id`.
pub fn part(id: &str) -> Part {
    let digest = Sha256::digest(format!("healthsync deteriorate split 1/{id}"));
    // Two bytes: the shares are exact to a hundredth of a percent.
    let share = u32::from(digest[0]) << 8 | u32::from(digest[1]);
    match share * 100 / 65_536 {
        0..70 => Part::Train,
        70..85 => Part::Validation,
        _ => Part::Test,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_stays_in_one_part_and_the_shares_are_as_stated() {
        let count = |wanted| (0..10_000).filter(|n| part(&format!("p{n:06}")) == wanted).count();
        assert!((6_800..7_200).contains(&count(Part::Train)), "{}", count(Part::Train));
        assert!((1_350..1_650).contains(&count(Part::Validation)), "{}", count(Part::Validation));
        assert_eq!(part("p000001"), part("p000001"));
    }
}
