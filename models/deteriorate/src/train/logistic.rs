//! The baseline: logistic regression on the same numbers of the present hour, without a memory of its own.

use super::{Augmentation, Options, Step, batch::Batches, cross_entropy, labels, optimise::Optimiser};
use crate::{
    challenge::Stay,
    evaluate::Ranked,
    features::{Normaliser, Recipe},
    rng::Rng,
    weights::WeightsError,
};
use candle_core::{Device, Tensor, Var};

/// Passes over the patients: by then it has settled.
const EPOCHS: usize = 4;

/// A fitted logistic regression.
#[derive(Debug, Clone)]
pub struct Logistic {
    recipe: Recipe,
    weights: Vec<f32>,
    offset: f32,
}

impl Logistic {
    /// Fitted on `train` as they are; the weights of the epoch that is best on `validation`.
    pub fn train(
        train: &[&Stay],
        validation: &[&Stay],
        options: &Options,
        mut told: impl FnMut(Step),
    ) -> Result<Self, WeightsError> {
        let recipe = Recipe { normaliser: Normaliser::fit(train.iter().copied()), icu_hour: options.icu_hour };
        let width = recipe.width();
        let variables = [
            Var::from_tensor(&Tensor::zeros((width, 1), candle_core::DType::F32, &Device::Cpu)?)?,
            Var::from_vec(vec![-3.8f32], 1, &Device::Cpu)?,
        ];
        let [weight, offset] = &variables;
        let batches = Batches { recipe: &recipe, stays: train, size: options.batch, augmentation: Augmentation::NONE };
        let steps = batches.per_epoch() * EPOCHS;
        told(Step::Member { member: 0, batches: steps });
        let mut optimiser = Optimiser::new(variables.to_vec(), options, steps)?;
        let mut rng = Rng::seeded(options.seed);
        let truth = labels(validation);
        let mut best: Option<(f64, Self)> = None;
        for epoch in 0..EPOCHS {
            for indices in batches.shuffled(&mut rng) {
                let batch = batches.build(&indices, &mut rng)?;
                let (hours, rows, _) = batch.inputs.dims3()?;
                let flat = batch.inputs.reshape((hours * rows, width))?;
                let logits = flat.matmul(weight)?.broadcast_add(offset)?.reshape((hours, rows))?;
                let loss = cross_entropy(&logits, &batch.targets, &batch.weights)?;
                optimiser.step(&loss)?;
                told(Step::Batch { loss: loss.to_scalar()? });
            }
            let [weights, offset] = optimiser.average() else { break };
            let fitted = Self {
                recipe: recipe.clone(),
                weights: weights.flatten_all()?.to_vec1()?,
                offset: offset.to_vec1::<f32>()?.first().copied().unwrap_or_default(),
            };
            let scores: Vec<f32> = fitted.score(validation).into_iter().flatten().collect();
            let auroc = Ranked::new(&scores, &truth).auroc(|_| 1.0).unwrap_or(0.5);
            let better = best.as_ref().is_none_or(|(known, _)| auroc > *known);
            told(Step::Epoch { epoch, auroc, best: better });
            if better {
                best = Some((auroc, fitted));
            }
        }
        best.map(|(_, fitted)| fitted).ok_or_else(|| WeightsError::Content("no epoch was trained".to_owned()))
    }

    /// Log-odds of every hour of every stay.
    pub fn score(&self, stays: &[&Stay]) -> Vec<Vec<f32>> {
        let hour = |hour: &[f32]| self.offset + hour.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f32>();
        let one = |stay: &&Stay| self.recipe.stay(stay).chunks_exact(self.recipe.width()).map(hour).collect();
        stays.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::stay;

    #[test]
    fn it_finds_the_one_measurement_that_tells() {
        let mut stays: Vec<Stay> = (0..48).map(|seed| stay(seed, 16)).collect();
        for hour in stays.iter_mut().flat_map(|stay| &mut stay.hours) {
            hour.measured.set(0, if hour.septic { 140.0 } else { 80.0 });
        }
        let stays: Vec<&Stay> = stays.iter().collect();
        let options = Options { batch: 4, learning_rate: 0.05, ..Options::default() };
        let fitted = Logistic::train(&stays[..32], &stays[32..], &options, |_| {}).unwrap();
        let scores: Vec<f32> = fitted.score(&stays[32..]).into_iter().flatten().collect();
        let auroc = Ranked::new(&scores, &labels(&stays[32..])).auroc(|_| 1.0).unwrap();
        assert!(auroc > 0.9, "{auroc}");
    }
}
