//! Structured pruning: whole units of the two layers are left out, so that every matrix becomes smaller.
//!
//! A unit is worth what it does to those that listen: the spread of what it says over records, times the length of the
//! weights it goes out by. What a unit that is left out says on average is added to the biases of its listeners, which
//! therefore lose only its ups and downs.

use crate::{
    challenge::Stay,
    features::Recipe,
    network::{Network, Tensors},
    weights::{Weights, WeightsError, padded},
};
use candle_core::{Device, Result, Tensor};

/// Stays that units are weighed on: their means and spreads are known to a few per cent from so many.
const WEIGHED_ON: usize = 256;

/// Of one unit over the hours of records.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    mean: f32,
    spread: f32,
}

type Matrix = Vec<Vec<f32>>;

impl Weights {
    /// The same model with `units` in each layer of each network, weighed on some of `stays`. It is not trained further:
    /// [`crate::train::refine`] does that.
    pub fn pruned(&self, units: usize, stays: &[&Stay]) -> std::result::Result<Self, WeightsError> {
        let hidden = self.members.first().map_or(0, Network::hidden);
        if !(1..=hidden).contains(&units) || stays.is_empty() {
            let reason = format!("{units} of {hidden} units cannot be kept, weighed on {} stays", stays.len());
            return Err(WeightsError::Content(reason));
        }
        let stays = &stays[..stays.len().min(WEIGHED_ON)];
        let prune = |network: &Network| pruned(network, &self.recipe, units, stays);
        let members = self.members.iter().map(prune).collect::<Result<_>>()?;
        Ok(Self { members, ..self.clone() })
    }
}

fn pruned(network: &Network, recipe: &Recipe, units: usize, stays: &[&Stay]) -> Result<Network> {
    let (states, present) = said(network, recipe, stays)?;
    let matrix = |name: &str| network.tensors()[name].to_vec2::<f32>();
    let vector = |name: &str| network.tensors()[name].to_vec1::<f32>();
    let (recurrent, head) = (matrix("gru.states.weight")?, matrix("head.weight")?);
    let hidden = network.hidden();
    let kept = kept(&states, units, |unit| length(&recurrent[unit]).hypot(length(&head[unit])));
    let kept_present = self::kept(&present, units, |unit| length(&head[hidden + unit]));

    let (mut gates_bias, mut head_bias) = (vector("gru.states.bias")?, vector("head.bias")?);
    for unit in (0..hidden).filter(|unit| !kept.contains(unit)) {
        add(&mut gates_bias, &recurrent[unit], states[unit].mean);
        add(&mut head_bias, &head[unit], states[unit].mean);
    }
    for unit in (0..hidden).filter(|unit| !kept_present.contains(unit)) {
        add(&mut head_bias, &head[hidden + unit], present[unit].mean);
    }

    let gates: Vec<usize> = (0..3).flat_map(|gate| kept.iter().map(move |unit| gate * hidden + unit)).collect();
    let inputs_kept: Vec<usize> = kept.iter().copied().chain(kept_present.iter().map(|unit| hidden + unit)).collect();
    let smaller = [
        ("gru.inputs.weight", tensor(&columns(&matrix("gru.inputs.weight")?, &gates))?),
        ("gru.inputs.bias", Tensor::new(chosen(&vector("gru.inputs.bias")?, &gates), &Device::Cpu)?),
        ("gru.states.weight", tensor(&columns(&rows(&recurrent, &kept), &gates))?),
        ("gru.states.bias", Tensor::new(chosen(&gates_bias, &gates), &Device::Cpu)?),
        ("present.weight", tensor(&columns(&matrix("present.weight")?, &kept_present))?),
        ("present.bias", Tensor::new(chosen(&vector("present.bias")?, &kept_present), &Device::Cpu)?),
        ("head.weight", tensor(&rows(&head, &inputs_kept))?),
        ("head.bias", Tensor::new(head_bias, &Device::Cpu)?),
    ];
    let smaller: Tensors = smaller.into_iter().collect();
    let found = |name: &str| smaller.get(name).or_else(|| network.tensors().get(name)).cloned();
    Network::from_tensors(network.inputs(), units, found)
}

/// What the units of both layers say over the hours of the stays.
fn said(network: &Network, recipe: &Recipe, stays: &[&Stay]) -> Result<(Vec<Said>, Vec<Said>)> {
    let features: Vec<Vec<f32>> = stays.iter().map(|stay| recipe.stay(stay)).collect();
    let (states, present) = network.units(&padded(&features, recipe.width())?)?;
    let lengths: Vec<usize> = stays.iter().map(|stay| stay.hours.len()).collect();
    Ok((moments(&states, &lengths)?, moments(&present, &lengths)?))
}

/// Mean and spread of each unit (hours × sequences × units), over the hours that sequences have.
fn moments(units: &Tensor, lengths: &[usize]) -> Result<Vec<Said>> {
    let hours = units.to_vec3::<f32>()?;
    let (_, _, width) = units.dims3()?;
    let (mut sums, mut squares, mut count) = (vec![0.0f64; width], vec![0.0f64; width], 0.0);
    for (hour, rows) in hours.iter().enumerate() {
        for (row, _) in rows.iter().zip(lengths).filter(|(_, length)| hour < **length) {
            count += 1.0;
            for (unit, value) in row.iter().enumerate() {
                sums[unit] += f64::from(*value);
                squares[unit] += f64::from(*value).powi(2);
            }
        }
    }
    let one = |(sum, square): (f64, f64)| {
        let mean = sum / count;
        Said { mean: mean as f32, spread: (square / count - mean * mean).max(0.0).sqrt() as f32 }
    };
    Ok(sums.into_iter().zip(squares).map(one).collect())
}

/// The units worth most, in their order.
fn kept(said: &[Said], units: usize, weight: impl Fn(usize) -> f32) -> Vec<usize> {
    let worth: Vec<f32> = said.iter().enumerate().map(|(unit, said)| said.spread * weight(unit)).collect();
    let mut order: Vec<usize> = (0..said.len()).collect();
    order.sort_by(|a, b| worth[*b].total_cmp(&worth[*a]).then(a.cmp(b)));
    order.truncate(units);
    order.sort_unstable();
    order
}

fn length(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn add(to: &mut [f32], what: &[f32], times: f32) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

fn chosen(values: &[f32], which: &[usize]) -> Vec<f32> {
    which.iter().map(|index| values[*index]).collect()
}

fn rows(matrix: &Matrix, which: &[usize]) -> Matrix {
    which.iter().map(|row| matrix[*row].clone()).collect()
}

fn columns(matrix: &Matrix, which: &[usize]) -> Matrix {
    matrix.iter().map(|row| chosen(row, which)).collect()
}

fn tensor(matrix: &Matrix) -> Result<Tensor> {
    let shape = (matrix.len(), matrix.first().map_or(0, Vec::len));
    Tensor::from_vec(matrix.concat(), shape, &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::{stay, untrained};

    fn largest_change(before: &Weights, after: &Weights, stays: &[&Stay]) -> f32 {
        let scores = |weights: &Weights| weights.score(stays).unwrap().concat();
        scores(before).iter().zip(scores(after)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    /// With some of the tensors of every network changed.
    fn changed(weights: &Weights, change: impl Fn(&str, &mut Matrix)) -> Weights {
        let mut weights = weights.clone();
        for network in &mut weights.members {
            let found = |name: &str| {
                let tensor = network.tensors().get(name)?;
                if tensor.rank() == 1 {
                    let mut row = vec![tensor.to_vec1().unwrap()];
                    change(name, &mut row);
                    return Some(Tensor::new(row.concat(), &Device::Cpu).unwrap());
                }
                let mut matrix = tensor.to_vec2().unwrap();
                change(name, &mut matrix);
                Some(super::tensor(&matrix).unwrap())
            };
            *network = Network::from_tensors(network.inputs(), network.hidden(), found).unwrap();
        }
        weights
    }

    #[test]
    fn leaving_out_units_that_nobody_hears_changes_nothing() {
        let stays = [stay(3, 12), stay(4, 40)];
        let stays: Vec<&Stay> = stays.iter().collect();
        let weights = changed(&untrained(true), |name, matrix| match name {
            "gru.states.weight" => [1, 4, 7].into_iter().for_each(|unit| matrix[unit].fill(0.0)),
            "head.weight" => [1, 4, 7, 8, 13, 15].into_iter().for_each(|unit| matrix[unit].fill(0.0)),
            _ => {}
        });
        let pruned = weights.pruned(5, &stays).unwrap();
        assert!(pruned.members.iter().all(|network| network.hidden() == 5));
        let change = largest_change(&weights, &pruned, &stays);
        assert!(change < 1e-5, "{change}");
        assert!(pruned.write().unwrap().len() < weights.write().unwrap().len());
        assert!(largest_change(&weights, &weights.pruned(3, &stays).unwrap(), &stays) > 1e-3);
    }

    #[test]
    fn what_a_unit_says_on_average_is_not_lost_with_it() {
        // One unit of the plain layer says 3 in every hour. It is heard, but has no ups and downs; one of the recurrent
        // layer is not heard.
        let stays = [stay(5, 20)];
        let stays: Vec<&Stay> = stays.iter().collect();
        let weights = changed(&untrained(false), |name, matrix| match name {
            "present.weight" => matrix.iter_mut().for_each(|row| row[2] = 0.0),
            "present.bias" => matrix[0][2] = 3.0,
            "gru.states.weight" | "head.weight" => matrix[6].fill(0.0),
            _ => {}
        });
        let pruned = weights.pruned(7, &stays).unwrap();
        let change = largest_change(&weights, &pruned, &stays);
        assert!(change < 1e-4, "{change}");
        let deaf = changed(&weights, |name, matrix| {
            if name == "head.weight" {
                matrix[8 + 2].fill(0.0);
            }
        });
        assert!(largest_change(&weights, &deaf, &stays) > 0.1, "the unit matters");
    }

    #[test]
    fn more_units_than_there_are_or_none_cannot_be_kept() {
        let stays = [stay(3, 12)];
        let weights = untrained(false);
        assert!(weights.pruned(0, &[&stays[0]]).is_err());
        assert!(weights.pruned(9, &[&stays[0]]).is_err());
        assert!(weights.pruned(4, &[]).is_err());
    }
}
