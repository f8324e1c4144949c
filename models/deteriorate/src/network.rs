//! The network: a layer of gated recurrent units beside a plain layer on the present hour, and a small head on both.

use crate::{
    forms::{Form, Whole},
    gru,
    rng::Rng,
};
use candle_core::{DType, Device, Result, Tensor, Var};
use std::collections::BTreeMap;

/// Units of the head's one hidden layer.
const HEAD: usize = 32;

/// Log-odds that an untrained network begins from: about the share of hours before a sepsis in the data set.
const PRIOR: f32 = -3.8;

/// Tensors by their names within one network.
pub type Tensors = BTreeMap<&'static str, Tensor>;

/// Names of the tensors.
const NAMES: [&str; 10] = [
    "gru.inputs.weight",
    "gru.inputs.bias",
    "gru.states.weight",
    "gru.states.bias",
    "present.weight",
    "present.bias",
    "head.weight",
    "head.bias",
    "score.weight",
    "score.bias",
];

/// One network. Its tensors are variables while it is trained, and constants otherwise.
#[derive(Debug, Clone)]
pub struct Network {
    tensors: Tensors,
    /// Matrices of whole numbers, where rows are multiplied with those.
    whole: BTreeMap<&'static str, Whole>,
    form: Form,
    inputs: usize,
    hidden: usize,
}

/// Shapes by name for so many inputs and hidden units.
fn shapes(inputs: usize, hidden: usize) -> Vec<(&'static str, Vec<usize>)> {
    let shapes = [
        vec![inputs, 3 * hidden],
        vec![3 * hidden],
        vec![hidden, 3 * hidden],
        vec![3 * hidden],
        vec![inputs, hidden],
        vec![hidden],
        vec![2 * hidden, HEAD],
        vec![HEAD],
        vec![HEAD, 1],
        vec![1],
    ];
    NAMES.into_iter().zip(shapes).collect()
}

impl Network {
    /// A network to train: variables, drawn from `rng`.
    pub fn untrained(inputs: usize, hidden: usize, rng: &mut Rng) -> Result<(Self, Vec<Var>)> {
        let mut tensors = Tensors::new();
        let mut variables = Vec::new();
        for (name, shape) in shapes(inputs, hidden) {
            let count: usize = shape.iter().product();
            let values: Vec<f32> = match (name, shape.as_slice()) {
                ("score.bias", _) => vec![PRIOR],
                // Update gates that begin open keep the past longer, which is where most of it is.
                ("gru.states.bias", _) => (0..count).map(|n| if n / hidden == 1 { 1.0 } else { 0.0 }).collect(),
                (_, [_]) => vec![0.0; count],
                (_, [from, ..]) => {
                    let scale = (1.0 / *from as f32).sqrt();
                    (0..count).map(|_| scale * rng.normal()).collect()
                }
                (_, []) => return Err(candle_core::Error::Msg("a tensor without dimensions".into())),
            };
            let variable = Var::from_vec(values, shape, &Device::Cpu)?;
            tensors.insert(name, variable.as_tensor().clone());
            variables.push(variable);
        }
        Ok((Self { tensors, whole: BTreeMap::new(), form: Form::F32, inputs, hidden }, variables))
    }

    /// The same network with variables for tensors, to train it further.
    pub fn trainable(&self) -> Result<(Self, Vec<Var>)> {
        let variables = NAMES.iter().map(|name| Var::from_tensor(self.get(name)?)).collect::<Result<Vec<_>>>()?;
        let values: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
        Ok((self.with_values(&values)?, variables))
    }

    /// A network from tensors that were read; an error unless each is there with the shape it must have.
    pub fn from_tensors(inputs: usize, hidden: usize, mut found: impl FnMut(&str) -> Option<Tensor>) -> Result<Self> {
        let mut tensors = Tensors::new();
        for (name, shape) in shapes(inputs, hidden) {
            let Some(tensor) = found(name) else { candle_core::bail!("the tensor {name} is missing") };
            if tensor.dims() != shape || tensor.dtype() != DType::F32 {
                candle_core::bail!("the tensor {name} has the shape {:?}, not {shape:?}", tensor.dims());
            }
            tensors.insert(name, tensor);
        }
        Ok(Self { tensors, whole: BTreeMap::new(), form: Form::F32, inputs, hidden })
    }

    /// A network as a file has it in some form.
    pub fn read(
        inputs: usize,
        hidden: usize,
        form: Form,
        mut found: impl FnMut(&str) -> Option<Tensor>,
    ) -> Result<Self> {
        let mut whole = BTreeMap::new();
        if form == Form::Int8 {
            for (name, shape) in shapes(inputs, hidden) {
                let [from, to] = shape[..] else { continue };
                let Some(bytes) = found(name) else { candle_core::bail!("the tensor {name} is missing") };
                whole.insert(name, Whole::read(&bytes, from, to)?);
            }
        }
        let matrices: BTreeMap<_, _> =
            whole.iter().map(|(name, whole)| Ok((*name, whole.matrix()?))).collect::<Result<_>>()?;
        let single = |name: &str| {
            let kept = matrices.get(name).cloned().or_else(|| found(name))?;
            (kept.dtype() == form.kept_as()).then(|| kept.to_dtype(DType::F32).ok()).flatten()
        };
        Ok(Self { whole, form, ..Self::from_tensors(inputs, hidden, single)? })
    }

    /// The same network rounded to a form.
    pub fn in_form(&self, form: Form) -> Result<Self> {
        let mut rounded = Self { form, whole: BTreeMap::new(), ..self.clone() };
        for (name, tensor) in &self.tensors {
            let kept = match form {
                Form::Int8 if tensor.rank() == 2 => {
                    let whole = Whole::round(tensor)?;
                    let matrix = whole.matrix()?;
                    rounded.whole.insert(name, whole);
                    matrix
                }
                form => tensor.to_dtype(form.kept_as())?.to_dtype(DType::F32)?,
            };
            rounded.tensors.insert(name, kept);
        }
        Ok(rounded)
    }

    /// What a file has of it, by name.
    pub fn stored(&self) -> Result<Vec<(&'static str, Tensor)>> {
        let stored = |(name, tensor): (&&'static str, &Tensor)| {
            let stored = match self.whole.get(name) {
                Some(whole) => whole.bytes()?,
                None => tensor.to_dtype(self.form.kept_as())?,
            };
            Ok((*name, stored))
        };
        self.tensors.iter().map(stored).collect()
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// The same network with other values: those of an average over the course of training.
    pub fn with_values(&self, values: &[Tensor]) -> Result<Self> {
        let names = shapes(self.inputs, self.hidden);
        let at = |name: &str| names.iter().position(|(known, _)| *known == name);
        Self::from_tensors(self.inputs, self.hidden, |name| values.get(at(name)?).cloned())
    }

    pub fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Log-odds of every hour (hours × sequences) of whole sequences (hours × sequences × inputs). `kept` scales what
    /// the head sees (sequences × 2·hidden): dropout while training.
    pub fn sequence(&self, inputs: &Tensor, kept: Option<&Tensor>) -> Result<Tensor> {
        if !self.whole.is_empty() {
            return self.step_by_step(inputs);
        }
        let (hours, rows, _) = inputs.dims3()?;
        let (states, present) = self.units(inputs)?;
        let mut seen = Tensor::cat(&[states, present], 2)?;
        if let Some(kept) = kept {
            seen = seen.broadcast_mul(kept)?;
        }
        self.head(&seen.reshape((hours * rows, 2 * self.hidden))?)?.reshape((hours, rows))
    }

    /// What the units of both layers say in every hour: hours × sequences × hidden each.
    pub fn units(&self, inputs: &Tensor) -> Result<(Tensor, Tensor)> {
        let (hours, rows, width) = inputs.dims3()?;
        let flat = inputs.reshape((hours * rows, width))?;
        let projected = self.affine(&flat, "gru.inputs")?.reshape((hours, rows, 3 * self.hidden))?;
        let states = gru::sequence(&projected, self.get("gru.states.weight")?, self.get("gru.states.bias")?)?;
        let present = self.affine(&flat, "present")?.relu()?.reshape((hours, rows, self.hidden))?;
        Ok((states, present))
    }

    /// As the bedside has it: the recurrence multiplies with whole numbers too.
    fn step_by_step(&self, inputs: &Tensor) -> Result<Tensor> {
        let (hours, rows, _) = inputs.dims3()?;
        let mut states = Tensor::zeros((rows, self.hidden), DType::F32, inputs.device())?;
        let mut all = Vec::with_capacity(hours * rows);
        for hour in 0..hours {
            let (next, scores) = self.step(&inputs.get(hour)?, &states)?;
            states = next;
            all.extend(scores);
        }
        Tensor::from_vec(all, (hours, rows), inputs.device())
    }

    /// One hour of many sequences: their new states (sequences × hidden) and log-odds.
    pub fn step(&self, inputs: &Tensor, states: &Tensor) -> Result<(Tensor, Vec<f32>)> {
        let (rows, hidden) = states.dims2()?;
        let projected = self.affine(inputs, "gru.inputs")?.flatten_all()?.to_vec1::<f32>()?;
        let products = self.affine(states, "gru.states")?.flatten_all()?.to_vec1::<f32>()?;
        let before = states.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let next = gru::step(&projected, &products, &before, hidden);
        let next = Tensor::from_vec(next, (rows, hidden), inputs.device())?;
        let present = self.affine(inputs, "present")?.relu()?;
        let scores = self.head(&Tensor::cat(&[&next, &present], 1)?)?.flatten_all()?.to_vec1()?;
        Ok((next, scores))
    }

    fn head(&self, seen: &Tensor) -> Result<Tensor> {
        self.affine(&self.affine(seen, "head")?.relu()?, "score")
    }

    fn affine(&self, rows: &Tensor, layer: &str) -> Result<Tensor> {
        let (weight, bias) = (format!("{layer}.weight"), self.get(&format!("{layer}.bias"))?);
        match self.whole.get(weight.as_str()) {
            Some(whole) => whole.product(rows)?.broadcast_add(bias),
            None => rows.matmul(self.get(&weight)?)?.broadcast_add(bias),
        }
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        let found = self.tensors.get(name);
        found.ok_or_else(|| candle_core::Error::Msg(format!("the tensor {name} is missing")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        Network::untrained(6, 4, &mut Rng::seeded(7)).unwrap().0
    }

    fn inputs(hours: usize, rows: usize) -> Tensor {
        let mut rng = Rng::seeded(11);
        let values: Vec<f32> = (0..hours * rows * 6).map(|_| rng.normal()).collect();
        Tensor::from_vec(values, (hours, rows, 6), &Device::Cpu).unwrap()
    }

    #[test]
    fn step_by_step_gives_what_the_whole_sequence_gives() {
        let (network, inputs) = (network(), inputs(9, 3));
        let whole = network.sequence(&inputs, None).unwrap().to_vec2::<f32>().unwrap();
        let mut states = Tensor::zeros((3, 4), DType::F32, &Device::Cpu).unwrap();
        for (hour, expected) in whole.iter().enumerate() {
            let (next, scores) = network.step(&inputs.get(hour).unwrap(), &states).unwrap();
            states = next;
            for (score, expected) in scores.iter().zip(expected) {
                assert!((score - expected).abs() < 1e-5, "{score} {expected}");
            }
        }
    }

    #[test]
    fn every_form_says_about_the_same_and_comes_back_as_it_was_stored() {
        let (network, inputs) = (network(), inputs(9, 3));
        let scores = |network: &Network| network.sequence(&inputs, None).unwrap().flatten_all().unwrap();
        let off =
            |a: &Tensor, b: &Tensor| -> f32 { (a - b).unwrap().abs().unwrap().max(0).unwrap().to_scalar().unwrap() };
        let exact = scores(&network);
        for (form, most) in [(Form::F32, 0.0), (Form::F16, 0.01), (Form::Bf16, 0.05), (Form::Int8, 0.05)] {
            let rounded = network.in_form(form).unwrap();
            assert!(off(&scores(&rounded), &exact) <= most, "{form:?}: {}", off(&scores(&rounded), &exact));
            let stored: BTreeMap<_, _> = rounded.stored().unwrap().into_iter().collect();
            let read = Network::read(6, 4, form, |name| stored.get(name).cloned()).unwrap();
            assert_eq!(off(&scores(&read), &scores(&rounded)), 0.0, "{form:?}");
            assert!(form == Form::F32 || Network::read(6, 4, Form::F32, |name| stored.get(name).cloned()).is_err());
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_earlier() {
        let (network, inputs) = (network(), inputs(9, 1));
        let short = inputs.narrow(0, 0, 5).unwrap();
        let all = network.sequence(&inputs, None).unwrap().narrow(0, 0, 5).unwrap();
        let first = network.sequence(&short, None).unwrap();
        assert!((all - first).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-6);
    }

    #[test]
    fn the_same_seed_gives_the_same_network_and_a_wrong_shape_none() {
        let tensor = |network: &Network| network.tensors()["present.weight"].to_vec2::<f32>().unwrap();
        assert_eq!(tensor(&network()), tensor(&network()));
        let known = network();
        assert!(Network::from_tensors(7, 4, |name| known.tensors().get(name).cloned()).is_err());
    }
}
