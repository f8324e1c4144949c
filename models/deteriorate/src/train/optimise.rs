//! The optimiser: `AdamW` with a warm start, a cosine to the end, clipped gradients and averaged weights.

use super::Options;
use candle_core::{Result, Tensor, Var, backprop::GradStore};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};

/// Steps over which the learning rate rises from nothing; a quarter of all where there are few.
const WARM_STEPS: usize = 50;

/// Longest gradient followed.
const LONGEST_GRADIENT: f64 = 1.0;

/// Share of the average that each step keeps: it reaches over some two hundred steps.
const KEPT: f64 = 0.995;

pub(super) struct Optimiser {
    inner: AdamW,
    variables: Vec<Var>,
    average: Vec<Tensor>,
    peak: f64,
    steps: usize,
    taken: usize,
}

impl Optimiser {
    pub(super) fn new(variables: Vec<Var>, options: &Options, steps: usize) -> Result<Self> {
        let parameters = ParamsAdamW {
            lr: options.learning_rate,
            weight_decay: options.weight_decay,
            beta2: 0.99,
            ..ParamsAdamW::default()
        };
        let average = variables.iter().map(|variable| variable.as_tensor().detach().copy()).collect::<Result<_>>()?;
        let inner = AdamW::new(variables.clone(), parameters)?;
        Ok(Self { inner, variables, average, peak: options.learning_rate, steps: steps.max(1), taken: 0 })
    }

    pub(super) fn step(&mut self, loss: &Tensor) -> Result<()> {
        let mut gradients = loss.backward()?;
        self.clip(&mut gradients)?;
        let progress = self.taken as f64 / self.steps as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let warm_steps = WARM_STEPS.min(self.steps.div_ceil(4));
        let warm = ((self.taken + 1) as f64 / warm_steps as f64).min(1.0);
        self.inner.set_learning_rate(self.peak * warm * cosine);
        self.inner.step(&gradients)?;
        self.taken += 1;
        // An average over the few steps there were, until there are enough.
        let kept = KEPT.min(self.taken as f64 / (self.taken as f64 + 9.0));
        for (average, variable) in self.average.iter_mut().zip(&self.variables) {
            *average = ((&*average * kept)? + (variable.as_tensor().detach() * (1.0 - kept))?)?;
        }
        Ok(())
    }

    fn clip(&self, gradients: &mut GradStore) -> Result<()> {
        let mut squares = 0.0;
        for gradient in self.variables.iter().filter_map(|variable| gradients.get(variable)) {
            squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
        let length = squares.sqrt();
        if length <= LONGEST_GRADIENT {
            return Ok(());
        }
        for variable in &self.variables {
            if let Some(gradient) = gradients.remove(variable) {
                gradients.insert(variable, (gradient * (LONGEST_GRADIENT / length))?);
            }
        }
        Ok(())
    }

    /// The averaged weights, in the order of the variables.
    pub(super) fn average(&self) -> &[Tensor] {
        &self.average
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_average_follows_the_variables_and_does_not_remember_every_step() {
        let variable = Var::from_slice(&[4.0_f32], 1, &Device::Cpu).unwrap();
        let mut optimiser = Optimiser::new(vec![variable.clone()], &Options::default(), 200).unwrap();
        for _ in 0..200 {
            optimiser.step(&variable.as_tensor().sqr().unwrap()).unwrap();
        }
        let [average] = optimiser.average() else { unreachable!() };
        assert!(!average.track_op(), "what it was made from would be kept for the whole of training");
        let [average, now] = [average, variable.as_tensor()].map(|tensor| tensor.to_vec1::<f32>().unwrap()[0]);
        assert!(now < average && average < 4.0, "{now} {average}");
    }
}
