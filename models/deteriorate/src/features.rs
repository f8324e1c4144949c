//! From what was measured to what the network sees: the same fold for training, for evaluation and at the bedside.

use crate::{
    challenge::{Background, Stay},
    inputs::{COUNT, INPUTS, Row, Scale},
};
use serde::{Deserialize, Serialize};

/// Normalised values are cut off here: beyond, the network has seen too few to say how they differ.
const CLIP: f32 = 4.0;

/// Hours after which a measurement is told apart from an older one by a factor of e: long enough not to tell a hospital
/// that measures every hour from one that measures every second.
const FADING_HOURS: f32 = 8.0;

/// A quartile range over this is the standard deviation of a normal distribution.
const QUARTILES_PER_SPREAD: f32 = 1.349;

/// Years around which ages are centred, and by which they are divided: median and spread of adults in intensive care.
const AGE: (f32, f32) = (65.0, 17.0);

/// Hours in the unit after which the ICU hour counts as the same.
const LONGEST_HOURS: f32 = 180.0;

/// What was last measured, and when. Not measured yet is `NaN`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    value: [f32; COUNT],
    hour: [f32; COUNT],
}

impl Default for Memory {
    fn default() -> Self {
        Self { value: [f32::NAN; COUNT], hour: [f32::NAN; COUNT] }
    }
}

impl Memory {
    /// Takes in what was measured in the hour `hour`; hours do not go back.
    pub fn take(&mut self, measured: &Row, hour: f32) {
        for (input, value) in measured.0.iter().enumerate() {
            if !value.is_nan() {
                self.value[input] = *value;
                self.hour[input] = hour;
            }
        }
    }

    /// The last value, in the unit of the input, and the hour it was measured in.
    pub fn last(&self, input: usize) -> Option<(f32, f32)> {
        let (value, hour) = (*self.value.get(input)?, *self.hour.get(input)?);
        (!value.is_nan()).then_some((value, hour))
    }

    /// Inputs that have been measured at all.
    pub fn measured(&self) -> impl Iterator<Item = usize> {
        self.value.iter().enumerate().filter(|(_, value)| !value.is_nan()).map(|(input, _)| input)
    }
}

/// Centre and spread of each input as scaled, fixed from the patients that were trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    centre: Vec<f32>,
    spread: Vec<f32>,
}

fn scaled(input: usize, value: f32) -> f32 {
    if INPUTS[input].scale == Scale::Logarithmic { value.ln() } else { value }
}

impl Normaliser {
    /// Median and quartile range of everything measured in these stays.
    pub fn fit<'a>(stays: impl Iterator<Item = &'a Stay> + Clone) -> Self {
        let mut fitted = Self { centre: vec![0.0; COUNT], spread: vec![1.0; COUNT] };
        for input in 0..COUNT {
            let hours = stays.clone().flat_map(|stay| &stay.hours);
            let mut values: Vec<f32> =
                hours.map(|hour| hour.measured.0[input]).filter(|v| !v.is_nan()).map(|v| scaled(input, v)).collect();
            values.sort_unstable_by(f32::total_cmp);
            let at = |share: f32| values.get(((values.len().max(1) - 1) as f32 * share) as usize).copied();
            if let (Some(low), Some(middle), Some(high)) = (at(0.25), at(0.5), at(0.75)) {
                fitted.centre[input] = middle;
                fitted.spread[input] = ((high - low) / QUARTILES_PER_SPREAD).max(1e-3);
            }
        }
        fitted
    }

    /// Spreads from the centre, cut off at [`CLIP`].
    pub fn apply(&self, input: usize, value: f32) -> f32 {
        ((scaled(input, value) - self.centre[input]) / self.spread[input]).clamp(-CLIP, CLIP)
    }

    /// Whether it has a number for every input, as one that was read must.
    pub fn is_whole(&self) -> bool {
        let all = |values: &[f32]| values.len() == COUNT && values.iter().all(|value| value.is_finite());
        all(&self.centre) && all(&self.spread) && self.spread.iter().all(|spread| *spread > 0.0)
    }
}

/// What a network is told, and how it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub normaliser: Normaliser,
    /// Whether the hours since the admission to intensive care are among it.
    pub icu_hour: bool,
}

/// Values that do not come from measurements: age, sex.
const BACKGROUND: usize = 2;
/// Further ones of the ICU hour: its logarithm, itself, and the hours in hospital before.
const ICU: usize = 3;

impl Recipe {
    /// Numbers of one hour.
    pub fn width(&self) -> usize {
        2 * COUNT + BACKGROUND + if self.icu_hour { ICU } else { 0 }
    }

    /// Writes an hour into `out`, which has [`Self::width`] places. `hour` is the one that the memory counts in.
    ///
    /// Of each input the normalised value, and how fresh it is: 1 when measured in this hour, fading towards 0, and 0
    /// when never measured; its value is then 0 too, which is the median.
    pub fn write(&self, memory: &Memory, background: &Background, hour: f32, icu_hour: f32, out: &mut [f32]) {
        out.fill(0.0);
        for input in memory.measured() {
            let (value, at) = (memory.value[input], memory.hour[input]);
            out[input] = self.normaliser.apply(input, value);
            out[COUNT + input] = (-(hour - at).max(0.0) / FADING_HOURS).exp();
        }
        let rest = &mut out[2 * COUNT..];
        rest[0] = background.age.map_or(0.0, |age| (age - AGE.0) / AGE.1);
        rest[1] = background.male.map_or(0.0, |male| if male { 0.5 } else { -0.5 });
        if self.icu_hour {
            let hours = icu_hour.clamp(0.0, LONGEST_HOURS);
            rest[2] = hours.ln_1p() / 1.5 - 2.0;
            rest[3] = hours / 60.0;
            rest[4] = background.ward_hours.map_or(0.0, |ward| (ward.ln_1p() / 3.0 - 0.6).clamp(-2.0, 2.0));
        }
    }

    /// As if the input had never been measured.
    pub fn omit(hour: &mut [f32], input: usize) {
        hour[input] = 0.0;
        hour[COUNT + input] = 0.0;
    }

    /// Every hour of a stay, one after the other.
    pub fn stay(&self, stay: &Stay) -> Vec<f32> {
        let width = self.width();
        let mut all = vec![0.0; width * stay.hours.len()];
        let mut memory = Memory::default();
        for (hour, out) in stay.hours.iter().zip(all.chunks_exact_mut(width)) {
            memory.take(&hour.measured, hour.icu_hour);
            self.write(&memory, &stay.background, hour.icu_hour, hour.icu_hour, out);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{challenge::parse, inputs::index_of};

    const RECORD: &str = "HR|WBC|Age|Gender|HospAdmTime|ICULOS|SepsisLabel\n\
        80|NaN|82|0|-20|1|0\nNaN|12|82|0|-20|2|0\n100|NaN|82|0|-20|8|1\n";

    fn recipe(icu_hour: bool) -> (Stay, Recipe) {
        let stay = parse("p", RECORD).unwrap();
        let normaliser = Normaliser::fit(std::iter::once(&stay));
        (stay, Recipe { normaliser, icu_hour })
    }

    #[test]
    fn values_are_carried_forward_and_fade() {
        let (stay, recipe) = recipe(true);
        let all = recipe.stay(&stay);
        let hours: Vec<&[f32]> = all.chunks_exact(recipe.width()).collect();
        let (pulse, leukocytes) = (index_of("heart_rate").unwrap(), index_of("leukocytes").unwrap());
        assert_eq!(hours[0][COUNT + pulse], 1.0);
        assert_eq!((hours[0][leukocytes], hours[0][COUNT + leukocytes]), (0.0, 0.0), "not measured yet");
        assert_eq!(hours[1][pulse], hours[0][pulse]);
        assert!((hours[1][COUNT + pulse] - (-1.0f32 / 8.0).exp()).abs() < 1e-6);
        assert!((hours[2][COUNT + leukocytes] - (-6.0f32 / 8.0).exp()).abs() < 1e-6);
        assert!((hours[0][2 * COUNT] - 1.0).abs() < 1e-6, "17 years over 65");
        assert_eq!(hours[0][2 * COUNT + 1], -0.5);
    }

    #[test]
    fn without_the_icu_hour_nothing_tells_when_the_stay_began() {
        let (mut stay, recipe) = recipe(false);
        let before = recipe.stay(&stay);
        stay.hours.iter_mut().for_each(|hour| hour.icu_hour += 100.0);
        stay.background.ward_hours = Some(500.0);
        assert_eq!(recipe.stay(&stay), before);
    }

    #[test]
    fn extremes_are_cut_off_and_omitting_undoes_measuring() {
        let (stay, recipe) = recipe(false);
        assert_eq!(recipe.normaliser.apply(0, 1e9), CLIP);
        assert!(recipe.normaliser.is_whole());
        let mut all = recipe.stay(&stay);
        Recipe::omit(&mut all[..recipe.width()], 0);
        let mut never = Memory::default();
        never.take(&Row::default(), 1.0);
        let mut out = vec![0.0; recipe.width()];
        recipe.write(&never, &stay.background, 1.0, 1.0, &mut out);
        assert_eq!(all[..recipe.width()], out);
    }
}
