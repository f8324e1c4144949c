//! Changes to a stay that another hospital could have made: it measures less, not at all, with other devices, and its
//! records begin elsewhere.

use crate::{challenge::Stay, inputs::INPUTS, rng::Rng};
use serde::{Deserialize, Serialize};

/// How often and how strongly stays are changed; chances are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Chance that an input is never measured in this stay.
    pub drop_input: f32,
    /// Chance that a stay is measured less often than it was.
    pub thin: f32,
    /// Share of the measurements kept at least, where it is.
    pub keep_at_least: f32,
    /// Spread of the difference between devices, in spreads of the input; the same throughout a stay.
    pub shift: f32,
    /// Chance that the record begins later than it did.
    pub late_start: f32,
    /// Chance that age, sex and hours before the unit are not known.
    pub drop_background: f32,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { drop_input: 0.06, thin: 0.5, keep_at_least: 0.4, shift: 0.1, late_start: 0.3, drop_background: 0.05 }
    }
}

impl Augmentation {
    /// Leaves everything as it was.
    pub const NONE: Self =
        Self { drop_input: 0.0, thin: 0.0, keep_at_least: 1.0, shift: 0.0, late_start: 0.0, drop_background: 0.0 };

    /// A changed copy. Labels stay with their hours.
    pub fn apply(&self, stay: &Stay, rng: &mut Rng) -> Stay {
        let mut changed = stay.clone();
        if rng.chance(self.late_start) {
            let hours = changed.hours.len();
            changed.hours.drain(..rng.below(hours.div_ceil(2)));
        }
        if rng.chance(self.drop_background) {
            changed.background.age = None;
            changed.background.male = None;
            changed.background.ward_hours = None;
        }
        for input in 0..INPUTS.len() {
            let gone = rng.chance(self.drop_input);
            for hour in &mut changed.hours {
                if gone {
                    hour.measured.0[input] = f32::NAN;
                }
            }
        }
        if rng.chance(self.thin) {
            self.thin(&mut changed, rng);
        }
        changed
    }

    /// Whole sets of measurements go at once: a round that was not made, blood that was not taken.
    fn thin(&self, stay: &mut Stay, rng: &mut Rng) {
        let mut rate = || self.keep_at_least + (1.0 - self.keep_at_least) * rng.uniform();
        let (rounds, bloods) = (rate(), rate());
        for hour in &mut stay.hours {
            let (round, blood) = (rng.chance(rounds), rng.chance(bloods));
            for (value, input) in hour.measured.0.iter_mut().zip(&INPUTS) {
                let kept = if input.bedside { round } else { blood };
                if !kept {
                    *value = f32::NAN;
                }
            }
        }
    }

    /// Differences of devices for one stay, in spreads of each input.
    pub fn shifts(&self, rng: &mut Rng) -> Vec<f32> {
        INPUTS.iter().map(|_| self.shift * rng.normal()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::stay;

    fn measured(stay: &Stay) -> usize {
        stay.hours.iter().flat_map(|hour| hour.measured.0).filter(|value| !value.is_nan()).count()
    }

    #[test]
    fn no_augmentation_changes_nothing() {
        let before = stay(1, 30);
        let after = Augmentation::NONE.apply(&before, &mut Rng::seeded(1));
        assert_eq!((measured(&after), after.hours.len()), (measured(&before), before.hours.len()));
        assert!(Augmentation::NONE.shifts(&mut Rng::seeded(1)).iter().all(|shift| *shift == 0.0));
    }

    #[test]
    fn thinning_and_dropping_only_take_away() {
        let before = stay(1, 30);
        for seed in 0..20 {
            let strong = Augmentation { thin: 1.0, drop_input: 0.5, late_start: 1.0, ..Augmentation::default() };
            let after = strong.apply(&before, &mut Rng::seeded(seed));
            assert!(measured(&after) <= measured(&before) && !after.hours.is_empty());
            let last = |stay: &Stay| stay.hours.last().map(|hour| (hour.icu_hour, hour.septic));
            assert_eq!(last(&after), last(&before), "labels stay with their hours");
        }
    }
}
