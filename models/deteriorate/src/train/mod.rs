//! Training: batches of stays, changed a little each time so that one hospital's habits are worth little.

mod augment;
mod batch;
mod logistic;
mod optimise;

pub use augment::Augmentation;
pub use logistic::Logistic;

use crate::{
    calibrate::Platt,
    challenge::Stay,
    evaluate::{Ranked, best_warning},
    features::{Normaliser, Recipe},
    network::Network,
    rng::Rng,
    weights::{Training, Weights, WeightsError},
};
use batch::Batches;
use candle_core::{Device, Tensor, Var};
use optimise::Optimiser;
use serde::Serialize;

/// Share of the head's inputs that is left out at a time (Srivastava et al. 2014).
const DROPOUT: f32 = 0.3;

/// Epochs without a better validation before training ends.
const PATIENCE: usize = 4;

/// What is chosen before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    pub seed: u64,
    pub icu_hour: bool,
    /// Networks whose scores are averaged.
    pub members: usize,
    pub hidden: usize,
    /// Passes over the training patients at most.
    pub epochs: usize,
    /// Stays in a batch.
    pub batch: usize,
    pub learning_rate: f64,
    pub weight_decay: f64,
    pub augmentation: Augmentation,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            icu_hour: false,
            members: 3,
            hidden: 64,
            epochs: 12,
            batch: 64,
            learning_rate: 3e-3,
            weight_decay: 0.03,
            augmentation: Augmentation::default(),
        }
    }
}

/// What happens while it trains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Step {
    /// A network begins, with this many batches to come at most.
    Member {
        member: usize,
        batches: usize,
    },
    Batch {
        loss: f32,
    },
    /// An epoch ended; the area under the ROC curve on validation patients, and whether it is the best so far.
    Epoch {
        epoch: usize,
        auroc: f64,
        best: bool,
    },
}

/// Trains on `train`, stops and calibrates by `validation`. The same patients, options and machine give the same
/// weights.
pub fn train(
    train: &[&Stay],
    validation: &[&Stay],
    options: &Options,
    mut told: impl FnMut(Step),
) -> Result<Weights, WeightsError> {
    if train.is_empty() || validation.is_empty() {
        let reason = "there are no patients to train on, or none to validate with";
        return Err(WeightsError::Content(reason.to_owned()));
    }
    let recipe = Recipe { normaliser: Normaliser::fit(train.iter().copied()), icu_hour: options.icu_hour };
    let mut members = Vec::new();
    for member in 0..options.members {
        let mut rng = seeded(options, member);
        let start = Network::untrained(recipe.width(), options.hidden, &mut rng)?;
        let patients = Patients { train, validation, recipe: &recipe };
        members.push(one(member, start, &patients, options, &mut rng, &mut told)?);
    }
    finished(recipe, members, train, validation, options)
}

/// Trains weights further, such as those that units were left out of.
pub fn refine(
    weights: &Weights,
    train: &[&Stay],
    validation: &[&Stay],
    options: &Options,
    mut told: impl FnMut(Step),
) -> Result<Weights, WeightsError> {
    let recipe = weights.recipe.clone();
    let mut members = Vec::new();
    for (member, network) in weights.members.iter().enumerate() {
        let patients = Patients { train, validation, recipe: &recipe };
        let mut rng = seeded(options, member);
        members.push(one(member, network.trainable()?, &patients, options, &mut rng, &mut told)?);
    }
    finished(recipe, members, train, validation, options)
}

fn seeded(options: &Options, member: usize) -> Rng {
    Rng::seeded(options.seed.wrapping_mul(0x9e37_79b9).wrapping_add(member as u64))
}

/// Calibrates trained networks on the validation patients, and finds from which score on a warning is most useful.
fn finished(
    recipe: Recipe,
    members: Vec<Network>,
    train: &[&Stay],
    validation: &[&Stay],
    options: &Options,
) -> Result<Weights, WeightsError> {
    let content = |reason: &str| WeightsError::Content(reason.to_owned());
    let mut weights =
        Weights { recipe, members, calibration: Platt::default(), warn_at: 0.0, training: Training::default() };
    let by_stay = weights.score(validation)?;
    weights.warn_at =
        best_warning(validation, &by_stay).ok_or_else(|| content("no validation patient became septic"))?;
    let scores: Vec<f32> = by_stay.into_iter().flatten().collect();
    let labels = labels(validation);
    let auroc = Ranked::new(&scores, &labels).auroc(|_| 1.0);
    weights.calibration = Platt::fit(&scores, &labels).ok_or_else(|| content("the scores cannot be calibrated"))?;
    weights.training = Training {
        data: "PhysioNet/CinC Challenge 2019, training set A, CC BY 4.0".to_owned(),
        seed: options.seed,
        patients: train.len(),
        validation_auroc: auroc.unwrap_or_default(),
    };
    Ok(weights)
}

/// The labels of every hour, one stay after the other.
pub fn labels(stays: &[&Stay]) -> Vec<bool> {
    stays.iter().flat_map(|stay| stay.hours.iter().map(|hour| hour.septic)).collect()
}

/// Whom a network is trained on and chosen by, and what it is told of them.
#[derive(Clone, Copy)]
struct Patients<'a> {
    train: &'a [&'a Stay],
    validation: &'a [&'a Stay],
    recipe: &'a Recipe,
}

/// Trains one network from where it starts; its weights are averaged over the course of training (Polyak and Juditsky 1992).
fn one(
    member: usize,
    (network, variables): (Network, Vec<Var>),
    patients: &Patients<'_>,
    options: &Options,
    rng: &mut Rng,
    told: &mut impl FnMut(Step),
) -> Result<Network, WeightsError> {
    let Patients { train, validation, recipe } = *patients;
    let batches = Batches { recipe, stays: train, size: options.batch, augmentation: options.augmentation };
    let per_epoch = batches.per_epoch();
    told(Step::Member { member, batches: per_epoch * options.epochs });
    let mut optimiser = Optimiser::new(variables, options, per_epoch * options.epochs)?;
    let labels = labels(validation);
    let mut best: Option<(f64, Network)> = None;
    let mut since_best = 0;
    for epoch in 0..options.epochs {
        for indices in batches.shuffled(rng) {
            let batch = batches.build(&indices, rng)?;
            let kept = dropout(batch.rows, 2 * network.hidden(), rng)?;
            let logits = network.sequence(&batch.inputs, Some(&kept))?;
            let loss = cross_entropy(&logits, &batch.targets, &batch.weights)?;
            optimiser.step(&loss)?;
            told(Step::Batch { loss: loss.to_scalar()? });
        }
        let averaged = network.with_values(optimiser.average())?;
        let alone = Weights {
            recipe: recipe.clone(),
            members: vec![averaged.clone()],
            calibration: Platt::default(),
            warn_at: 0.0,
            training: Training::default(),
        };
        let scores: Vec<f32> = alone.score(validation)?.into_iter().flatten().collect();
        let auroc = Ranked::new(&scores, &labels).auroc(|_| 1.0).unwrap_or(0.5);
        let better = best.as_ref().is_none_or(|(known, _)| auroc > *known);
        told(Step::Epoch { epoch, auroc, best: better });
        since_best = if better { 0 } else { since_best + 1 };
        if better {
            best = Some((auroc, averaged));
        }
        if since_best >= PATIENCE {
            break;
        }
    }
    best.map(|(_, network)| network).ok_or_else(|| WeightsError::Content("no epoch was trained".to_owned()))
}

fn dropout(rows: usize, width: usize, rng: &mut Rng) -> candle_core::Result<Tensor> {
    let kept = 1.0 / (1.0 - DROPOUT);
    let values: Vec<f32> = (0..rows * width).map(|_| if rng.chance(DROPOUT) { 0.0 } else { kept }).collect();
    Tensor::from_vec(values, (1, rows, width), &Device::Cpu)
}

/// Mean binary cross-entropy over the hours that count, from log-odds, in the form that does not overflow.
fn cross_entropy(logits: &Tensor, targets: &Tensor, weights: &Tensor) -> candle_core::Result<Tensor> {
    let softplus = (logits.relu()? + (logits.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    let each = (softplus - (logits * targets)?)?;
    (each * weights)?.sum_all()? / f64::from(weights.sum_all()?.to_scalar::<f32>()?.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::stay;

    fn quick() -> Options {
        Options { members: 1, hidden: 8, epochs: 20, batch: 8, learning_rate: 1e-2, ..Options::default() }
    }

    #[test]
    fn cross_entropy_by_hand() {
        let tensor = |values: [f32; 3]| Tensor::from_slice(&values, (3, 1), &Device::Cpu).unwrap();
        let loss = cross_entropy(&tensor([0.0, 100.0, 5.0]), &tensor([1.0, 1.0, 0.0]), &tensor([1.0, 1.0, 0.0]));
        assert!((loss.unwrap().to_scalar::<f32>().unwrap() - 2.0f32.ln() / 2.0).abs() < 1e-6);
    }

    #[test]
    fn training_learns_what_is_there_to_learn_and_can_be_done_again() {
        // A pulse that is high in the last hours of those who become septic.
        let mut stays: Vec<Stay> = (0..48).map(|seed| stay(seed, 16)).collect();
        for hour in stays.iter_mut().flat_map(|stay| &mut stay.hours) {
            hour.measured.set(0, if hour.septic { 140.0 } else { 80.0 });
        }
        let stays: Vec<&Stay> = stays.iter().collect();
        let (train_on, validate) = stays.split_at(32);
        let mut epochs = 0;
        let trained =
            train(train_on, validate, &quick(), |step| epochs += usize::from(matches!(step, Step::Epoch { .. })));
        let trained = trained.unwrap();
        assert!(epochs >= 1);
        assert!(trained.training.validation_auroc > 0.9, "{}", trained.training.validation_auroc);
        let again = train(train_on, validate, &quick(), |_| {}).unwrap();
        assert_eq!(trained.write().unwrap(), again.write().unwrap());
    }

    #[test]
    fn weights_with_fewer_units_are_trained_further() {
        let mut stays: Vec<Stay> = (0..48).map(|seed| stay(seed, 16)).collect();
        for hour in stays.iter_mut().flat_map(|stay| &mut stay.hours) {
            hour.measured.set(0, if hour.septic { 140.0 } else { 80.0 });
        }
        let stays: Vec<&Stay> = stays.iter().collect();
        let (train_on, validate) = stays.split_at(32);
        let whole = train(train_on, validate, &quick(), |_| {}).unwrap();
        let smaller = whole.pruned(4, train_on).unwrap();
        let refined = refine(&smaller, train_on, validate, &quick(), |_| {}).unwrap();
        assert_eq!(refined.members[0].hidden(), 4);
        assert!(refined.training.validation_auroc > 0.9, "{}", refined.training.validation_auroc);
        assert_ne!(refined.score(validate).unwrap(), smaller.score(validate).unwrap());
    }

    #[test]
    fn nobody_to_train_on_is_an_error() {
        assert!(train(&[], &[], &quick(), |_| {}).is_err());
    }
}
