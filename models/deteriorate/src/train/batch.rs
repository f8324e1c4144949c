//! Batches of stays of alike length.

use super::Augmentation;
use crate::{
    challenge::{Hour, Stay},
    features::{Memory, Recipe},
    inputs::COUNT,
    rng::Rng,
};
use candle_core::{Device, Result, Tensor};

/// Hours of one stay seen at a time. Nine stays of ten are shorter; of the others a part is drawn, which begins with
/// what had been measured before.
const WINDOW: usize = 72;

/// Batches sorted by length at a time: enough that the stays of a batch are alike, few enough that the order is still
/// random.
const SORTED_TOGETHER: usize = 16;

/// Hours before the label turns positive count as partly positive too, less the earlier they are: what sepsis does to
/// measurements begins before it does, and a border at one hour sharp is the committee's, not the body's.
const EARLY_TARGET: f32 = 0.5;
const EARLY_HOURS: f32 = 12.0;

/// Targets of the hours of a stay.
fn targets(stay: &Stay) -> Vec<f32> {
    let first = stay.hours.iter().position(|hour| hour.septic);
    let one = |(index, hour): (usize, &Hour)| match first {
        _ if hour.septic => 1.0,
        Some(first) if index < first => EARLY_TARGET * (-((first - index) as f32) / EARLY_HOURS).exp(),
        _ => 0.0,
    };
    stay.hours.iter().enumerate().map(one).collect()
}

pub(super) struct Batches<'a> {
    pub recipe: &'a Recipe,
    pub stays: &'a [&'a Stay],
    pub size: usize,
    pub augmentation: Augmentation,
}

/// Hours × stays, the shorter ones followed by hours that do not count.
pub(super) struct Batch {
    pub inputs: Tensor,
    pub targets: Tensor,
    pub weights: Tensor,
    pub rows: usize,
}

impl Batches<'_> {
    pub(super) fn per_epoch(&self) -> usize {
        self.stays.len().div_ceil(self.size)
    }

    /// Every stay once.
    pub(super) fn shuffled(&self, rng: &mut Rng) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.stays.len()).collect();
        rng.shuffle(&mut order);
        for part in order.chunks_mut(self.size * SORTED_TOGETHER) {
            part.sort_by_key(|index| self.stays[*index].hours.len());
        }
        let mut batches: Vec<Vec<usize>> = order.chunks(self.size).map(<[usize]>::to_vec).collect();
        rng.shuffle(&mut batches);
        batches
    }

    pub(super) fn build(&self, indices: &[usize], rng: &mut Rng) -> Result<Batch> {
        let drawn: Vec<(Vec<f32>, Vec<f32>)> = indices.iter().map(|index| self.draw(self.stays[*index], rng)).collect();
        let rows = drawn.len();
        let features: Vec<Vec<f32>> = drawn.iter().map(|(features, _)| features.clone()).collect();
        let inputs = crate::weights::padded(&features, self.recipe.width())?;
        let hours = inputs.dim(0)?;
        let (mut targets, mut weights) = (vec![0.0f32; hours * rows], vec![0.0f32; hours * rows]);
        for (row, (_, labels)) in drawn.iter().enumerate() {
            for (hour, label) in labels.iter().enumerate() {
                targets[hour * rows + row] = *label;
                weights[hour * rows + row] = 1.0;
            }
        }
        let tensor = |values: Vec<f32>| Tensor::from_vec(values, (hours, rows), &Device::Cpu);
        Ok(Batch { inputs, targets: tensor(targets)?, weights: tensor(weights)?, rows })
    }

    /// Features and labels of a window of a changed stay.
    fn draw(&self, stay: &Stay, rng: &mut Rng) -> (Vec<f32>, Vec<f32>) {
        let stay = self.augmentation.apply(stay, rng);
        let shifts = self.augmentation.shifts(rng);
        let beyond = stay.hours.len().saturating_sub(WINDOW);
        let first = if beyond == 0 { 0 } else { rng.below(beyond + 1) };
        let width = self.recipe.width();
        let targets = targets(&stay);
        let mut memory = Memory::default();
        let (mut features, mut labels) = (Vec::new(), Vec::new());
        for (index, hour) in stay.hours.iter().enumerate().take(first + WINDOW) {
            memory.take(&hour.measured, hour.icu_hour);
            if index < first {
                continue;
            }
            let start = features.len();
            features.resize(start + width, 0.0);
            let out = &mut features[start..];
            self.recipe.write(&memory, &stay.background, hour.icu_hour, hour.icu_hour, out);
            for input in memory.measured().filter(|input| *input < COUNT) {
                out[input] += shifts[input];
            }
            labels.push(targets[index]);
        }
        (features, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::{stay, untrained};

    #[test]
    fn every_stay_comes_once_an_epoch_and_padding_does_not_count() {
        let stays: Vec<Stay> = (0..21).map(|seed| stay(seed, 3 + seed as usize)).collect();
        let stays: Vec<&Stay> = stays.iter().collect();
        let recipe = untrained(true).recipe;
        let batches = Batches { recipe: &recipe, stays: &stays, size: 4, augmentation: Augmentation::NONE };
        let mut rng = Rng::seeded(1);
        let shuffled = batches.shuffled(&mut rng);
        assert_eq!(shuffled.len(), batches.per_epoch());
        let mut all: Vec<usize> = shuffled.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..21).collect::<Vec<_>>());
        let batch = batches.build(&[0, 20], &mut rng).unwrap();
        assert_eq!(batch.inputs.dims(), [23, 2, recipe.width()]);
        assert_eq!(batch.weights.sum_all().unwrap().to_scalar::<f32>().unwrap(), 3.0 + 23.0);
    }

    #[test]
    fn the_hours_before_count_in_part_and_those_of_the_well_not_at_all() {
        let septic = targets(&stay(1, 20));
        assert_eq!((septic[19], septic[18], septic[17]), (1.0, 1.0, 1.0));
        assert!((septic[16] - 0.5 * (-1.0f32 / 12.0).exp()).abs() < 1e-6 && septic[0] < septic[16]);
        assert!(targets(&stay(2, 20)).iter().all(|target| *target == 0.0));
    }

    #[test]
    fn a_long_stay_gives_a_window_that_knows_what_came_before() {
        let mut long = stay(1, 200);
        // Measured once, at the very beginning.
        long.hours.iter_mut().skip(1).for_each(|hour| hour.measured.0[0] = f32::NAN);
        long.hours[0].measured.set(0, 200.0);
        let recipe = untrained(false).recipe;
        let batches = Batches { recipe: &recipe, stays: &[&long], size: 1, augmentation: Augmentation::NONE };
        let (features, labels) = batches.draw(&long, &mut Rng::seeded(4));
        assert_eq!(labels.len(), WINDOW);
        assert!(features.chunks_exact(recipe.width()).all(|hour| hour[0] > 1.0));
    }
}
