//! A layer of gated recurrent units (Cho et al. 2014, in the form with the reset gate after the product, as `cuDNN` and
//! `PyTorch` have it) over whole sequences, as one operation of candle's graph.
//!
//! Recorded step by step, candle's graph of a sequence has some thirty nodes an hour, and the gradients of slices are
//! written out as whole tensors. Here a batch of sequences takes one small matrix product an hour in each direction,
//! and one large one for the gradient of the weights.
//!
//! With `x` the projected inputs, `h` the state and `W`, `b` the recurrent weights, in the order reset, update, new:
//!
//! ```text
//! r = σ(x_r + h W_r + b_r)    z = σ(x_z + h W_z + b_z)    n = tanh(x_n + r ⊙ (h W_n + b_n))
//! h' = z ⊙ h + (1 − z) ⊙ n
//! ```

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

/// Runs the layer over `inputs` (hours × sequences × 3·hidden), with `weight` (hidden × 3·hidden) and `bias`
/// (3·hidden), from a state of zero. Gives the state after every hour: hours × sequences × hidden.
pub fn sequence(inputs: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    inputs.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Sequence)
}

/// One hour of one sequence or many: the new states from the projected inputs, the products of the states with the
/// recurrent weights (bias included), and the states. All are rows of 3·hidden and of hidden values.
pub fn step(inputs: &[f32], products: &[f32], states: &[f32], hidden: usize) -> Vec<f32> {
    let mut next = vec![0.0; states.len()];
    let rows = inputs.chunks_exact(3 * hidden).zip(products.chunks_exact(3 * hidden));
    for ((input, product), (state, out)) in rows.zip(states.chunks_exact(hidden).zip(next.chunks_exact_mut(hidden))) {
        for unit in 0..hidden {
            let Gates { update, new, .. } = Gates::of(input, product, unit, hidden);
            out[unit] = update * state[unit] + (1.0 - update) * new;
        }
    }
    next
}

struct Gates {
    reset: f32,
    update: f32,
    new: f32,
}

impl Gates {
    #[inline]
    fn of(input: &[f32], product: &[f32], unit: usize, hidden: usize) -> Self {
        let reset = sigmoid(input[unit] + product[unit]);
        let update = sigmoid(input[hidden + unit] + product[hidden + unit]);
        let new = (input[2 * hidden + unit] + reset * product[2 * hidden + unit]).tanh();
        Self { reset, update, new }
    }
}

#[inline]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

struct Sequence;

/// Hours, sequences and hidden units of the shapes, if they fit together.
fn sizes(inputs: &Shape, weight: &Shape, bias: &Shape) -> Result<(usize, usize, usize)> {
    let (hours, rows, gates) = inputs.dims3()?;
    let (hidden, columns) = weight.dims2()?;
    if gates != 3 * hidden || columns != gates || bias.dims1()? != gates {
        bail!("the shapes {inputs:?}, {weight:?} and {bias:?} are not those of one layer");
    }
    Ok((hours, rows, hidden))
}

/// The values of a tensor that [`sequence`] has made contiguous.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(all), Some((from, to))) => Ok(&all[from..to]),
        _ => bail!("the layer takes contiguous tensors of 32-bit numbers"),
    }
}

/// `rows × hidden` times `hidden × columns`, plus the bias.
fn products(states: &[f32], rows: usize, weight: &Tensor, bias: &Tensor) -> Result<Vec<f32>> {
    let states = Tensor::from_slice(states, (rows, weight.dim(0)?), weight.device())?;
    states.matmul(weight)?.broadcast_add(bias)?.flatten_all()?.to_vec1()
}

impl CustomOp3 for Sequence {
    fn name(&self) -> &'static str {
        "gru-sequence"
    }

    fn cpu_fwd(
        &self,
        inputs: &CpuStorage,
        inputs_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (hours, rows, hidden) = sizes(inputs_layout.shape(), weight_layout.shape(), bias_layout.shape())?;
        let device = candle_core::Device::Cpu;
        let inputs = values(inputs, inputs_layout)?;
        let weight = Tensor::from_slice(values(weight, weight_layout)?, (hidden, 3 * hidden), &device)?;
        let bias = Tensor::from_slice(values(bias, bias_layout)?, 3 * hidden, &device)?;
        let mut states = vec![0.0; rows * hidden];
        let mut all = Vec::with_capacity(hours * rows * hidden);
        for hour in inputs.chunks_exact(rows * 3 * hidden) {
            states = step(hour, &products(&states, rows, &weight, &bias)?, &states, hidden);
            all.extend_from_slice(&states);
        }
        Ok((CpuStorage::F32(all), Shape::from((hours, rows, hidden))))
    }

    fn bwd(
        &self,
        inputs: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        states: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (hours, rows, hidden) = sizes(inputs.shape(), weight.shape(), bias.shape())?;
        let (gates, device) = (3 * hidden, inputs.device());
        // The states before each hour: the products of all hours are then one matrix product.
        let flat = states.detach().flatten_all()?.to_vec1::<f32>()?;
        let mut before = vec![0.0; rows * hidden];
        before.extend_from_slice(&flat[..flat.len() - rows * hidden]);
        let (weight, bias) = (weight.detach(), bias.detach());
        let products = products(&before, hours * rows, &weight, &bias)?;
        let inputs = inputs.detach().flatten_all()?.to_vec1::<f32>()?;
        let gradient = gradient.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let transposed = weight.t()?.contiguous()?;

        let mut of_inputs = vec![0.0; hours * rows * gates];
        let mut of_products = vec![0.0; hours * rows * gates];
        let mut carried = vec![0.0; rows * hidden];
        for hour in (0..hours).rev() {
            let (wide, narrow) = (hour * rows * gates..(hour + 1) * rows * gates, hour * rows * hidden);
            let narrow = narrow..narrow + rows * hidden;
            let given = Given {
                inputs: &inputs[wide.clone()],
                products: &products[wide.clone()],
                before: &before[narrow.clone()],
                gradient: &gradient[narrow],
                hidden,
            };
            given.backward(&mut carried, &mut of_inputs[wide.clone()], &mut of_products[wide.clone()]);
            let through = Tensor::from_slice(&of_products[wide], (rows, gates), device)?.matmul(&transposed)?;
            for (carry, more) in carried.iter_mut().zip(through.flatten_all()?.to_vec1::<f32>()?) {
                *carry += more;
            }
        }
        let of_products = Tensor::from_vec(of_products, (hours * rows, gates), device)?;
        let before = Tensor::from_vec(before, (hours * rows, hidden), device)?;
        let of_weight = before.t()?.matmul(&of_products)?;
        let of_bias = of_products.sum(0)?;
        Ok((Some(Tensor::from_vec(of_inputs, (hours, rows, gates), device)?), Some(of_weight), Some(of_bias)))
    }
}

/// One hour of the backward pass.
struct Given<'a> {
    inputs: &'a [f32],
    products: &'a [f32],
    before: &'a [f32],
    gradient: &'a [f32],
    hidden: usize,
}

impl Given<'_> {
    /// `carried` comes in as what later hours want of the state after this one, and goes out as what this hour wants of
    /// the state before it, less what comes through the matrix product.
    fn backward(&self, carried: &mut [f32], of_inputs: &mut [f32], of_products: &mut [f32]) {
        let hidden = self.hidden;
        for row in 0..carried.len() / hidden {
            let (narrow, wide) = (row * hidden, row * 3 * hidden);
            let inputs = &self.inputs[wide..wide + 3 * hidden];
            let products = &self.products[wide..wide + 3 * hidden];
            for unit in 0..hidden {
                let Gates { reset, update, new } = Gates::of(inputs, products, unit, hidden);
                let wanted = carried[narrow + unit] + self.gradient[narrow + unit];
                let of_new = wanted * (1.0 - update) * (1.0 - new * new);
                let of_update = wanted * (self.before[narrow + unit] - new) * update * (1.0 - update);
                let of_reset = of_new * products[2 * hidden + unit] * reset * (1.0 - reset);
                for (gate, value) in [of_reset, of_update, of_new].into_iter().enumerate() {
                    of_inputs[wide + gate * hidden + unit] = value;
                    of_products[wide + gate * hidden + unit] = if gate == 2 { value * reset } else { value };
                }
                carried[narrow + unit] = wanted * update;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    fn random(shape: impl Into<Shape>, scale: f32) -> Var {
        Var::from_tensor(&Tensor::randn(0.0f32, scale, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// The same layer in candle's own operations.
    fn plainly(inputs: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let (hours, rows, gates) = inputs.dims3()?;
        let hidden = gates / 3;
        let mut state = Tensor::zeros((rows, hidden), DType::F32, &Device::Cpu)?;
        let mut all = Vec::new();
        let sigmoid = |x: Tensor| ((x.neg()?.exp()? + 1.0)?).recip();
        for hour in 0..hours {
            let input = inputs.get(hour)?;
            let product = state.matmul(weight)?.broadcast_add(bias)?;
            let part = |tensor: &Tensor, gate: usize| tensor.narrow(1, gate * hidden, hidden);
            let reset = sigmoid((part(&input, 0)? + part(&product, 0)?)?)?;
            let update = sigmoid((part(&input, 1)? + part(&product, 1)?)?)?;
            let new = (part(&input, 2)? + (reset * part(&product, 2)?)?)?.tanh()?;
            state = ((&update * &state)? + ((1.0 - update)? * new)?)?;
            all.push(state.clone());
        }
        Tensor::stack(&all, 0)
    }

    fn difference(a: &Tensor, b: &Tensor) -> f32 {
        let flat = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
        flat.max(0).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn the_layer_and_its_gradients_are_those_of_the_plain_form() {
        let (hours, rows, hidden) = (7, 3, 5);
        let (inputs, weight) = (random((hours, rows, 3 * hidden), 1.0), random((hidden, 3 * hidden), 0.5));
        let bias = random(3 * hidden, 0.5);
        let wanted = Tensor::randn(0.0f32, 1.0, (hours, rows, hidden), &Device::Cpu).unwrap();
        let fast = sequence(&inputs, &weight, &bias).unwrap();
        let plain = plainly(&inputs, &weight, &bias).unwrap();
        assert!(difference(&fast, &plain) < 1e-5);
        let gradients = |states: &Tensor| (states * &wanted).unwrap().sum_all().unwrap().backward().unwrap();
        let (fast, plain) = (gradients(&fast), gradients(&plain));
        for var in [&inputs, &weight, &bias] {
            let difference = difference(fast.get(var).unwrap(), plain.get(var).unwrap());
            assert!(difference < 1e-4, "{difference}");
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error() {
        let (inputs, weight, bias) = (random((2, 3, 12), 1.0), random((5, 15), 1.0), random(15, 1.0));
        assert!(sequence(&inputs, &weight, &bias).is_err());
    }
}
