//! Kokoro's quantised convolutions as matrix products.
//!
//! Three quarters of the model's time goes into `ConvInteger` with unsigned weights, for which ONNX Runtime has no
//! kernel that uses the processor's int8 dot product (VNNI): it has one for unsigned activations by signed weights
//! in `MatMulInteger`. A convolution of stride 1 is that product, over as many copies of the activations, shifted
//! against each other, as the kernel is wide; and unsigned weights less 128, with their zero point less 128, are the
//! same weights. Integer arithmetic being exact, the rewritten model's output is the same to the last bit.
//!
//! Field numbers are those of `onnx.proto3`.

use crate::protobuf::{Malformed, Value, Writer, fields};
use std::collections::{HashMap, HashSet};

const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const GRAPH_INITIALIZER: u64 = 5;
const INT8: i64 = 3;
const UINT8: u64 = 2;
const INT64: i64 = 7;

/// The model with every convolution rewritten that can be.
pub(crate) fn convolutions_as_products(model: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut written = Writer::with_capacity(model.len() + model.len() / 16);
    for (number, value) in fields(model)? {
        match (number, value.bytes()) {
            (MODEL_GRAPH, Some(graph)) => written.field(number, Value::Bytes(&rewrite(graph)?)),
            _ => written.field(number, value),
        }
    }
    Ok(written.finish())
}

fn rewrite(graph: &[u8]) -> Result<Vec<u8>, Malformed> {
    let fields = fields(graph)?;
    let messages = |wanted: u64| fields.iter().filter(move |(n, _)| *n == wanted).filter_map(|(_, v)| v.bytes());
    let nodes = messages(GRAPH_NODE).map(Node::read).collect::<Result<Vec<_>, _>>()?;
    let tensors = messages(GRAPH_INITIALIZER).map(Tensor::read).collect::<Result<Vec<_>, _>>()?;
    let by_name: HashMap<&str, &Tensor<'_>> = tensors.iter().map(|tensor| (tensor.name, tensor)).collect();
    let convolutions: Vec<_> = nodes.iter().map(|node| Convolution::of(node, &by_name)).collect();
    // Weights that only rewritten nodes read are not needed in their old form.
    let mut needed = HashSet::new();
    for (node, _) in nodes.iter().zip(&convolutions).filter(|(_, convolution)| convolution.is_none()) {
        needed.extend(node.inputs.iter().copied());
    }
    let replaced: HashSet<&str> =
        convolutions.iter().flatten().flat_map(|c| [c.weights.name, c.zero_point.name]).collect();
    let mut rewriting = Rewriting { graph: Writer::with_capacity(graph.len()), made: HashSet::new() };
    let (mut next_node, mut next_tensor) = (0, 0);
    for (number, value) in &fields {
        match *number {
            GRAPH_NODE => {
                match convolutions.get(next_node).and_then(Option::as_ref) {
                    Some(convolution) => rewriting.product(convolution),
                    None => rewriting.graph.field(*number, *value),
                }
                next_node += 1;
            }
            GRAPH_INITIALIZER => {
                let keep = tensors
                    .get(next_tensor)
                    .is_none_or(|tensor| needed.contains(tensor.name) || !replaced.contains(tensor.name));
                if keep {
                    rewriting.graph.field(*number, *value);
                }
                next_tensor += 1;
            }
            _ => rewriting.graph.field(*number, *value),
        }
    }
    Ok(rewriting.graph.finish())
}

struct Node<'a> {
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    operator: &'a str,
    domain: &'a str,
    integers: HashMap<&'a str, Vec<i64>>,
    texts: HashMap<&'a str, &'a str>,
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut node = Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            operator: "",
            domain: "",
            integers: HashMap::new(),
            texts: HashMap::new(),
        };
        for (number, value) in fields(bytes)? {
            match number {
                1 => node.inputs.push(value.text().ok_or(Malformed)?),
                2 => node.outputs.push(value.text().ok_or(Malformed)?),
                4 => node.operator = value.text().ok_or(Malformed)?,
                7 => node.domain = value.text().ok_or(Malformed)?,
                5 => node.attribute(value.bytes().ok_or(Malformed)?)?,
                _ => {}
            }
        }
        Ok(node)
    }

    fn attribute(&mut self, bytes: &'a [u8]) -> Result<(), Malformed> {
        let (mut name, mut integers, mut text) = ("", Vec::new(), None);
        for (number, value) in fields(bytes)? {
            match number {
                1 => name = value.text().ok_or(Malformed)?,
                3 | 8 => integers.extend(value.integers()?),
                4 => text = value.text(),
                _ => {}
            }
        }
        self.integers.insert(name, integers);
        if let Some(text) = text {
            self.texts.insert(name, text);
        }
        Ok(())
    }
}

struct Tensor<'a> {
    name: &'a str,
    dims: Vec<i64>,
    data_type: u64,
    raw: &'a [u8],
    integers: Vec<i64>,
}

impl<'a> Tensor<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut tensor = Self { name: "", dims: Vec::new(), data_type: 0, raw: &[], integers: Vec::new() };
        for (number, value) in fields(bytes)? {
            match number {
                1 => tensor.dims.extend(value.integers()?),
                2 => tensor.data_type = value.varint().ok_or(Malformed)?,
                5 => tensor.integers.extend(value.integers()?),
                8 => tensor.name = value.text().ok_or(Malformed)?,
                9 => tensor.raw = value.bytes().ok_or(Malformed)?,
                _ => {}
            }
        }
        Ok(tensor)
    }
}

/// A convolution along time that is a matrix product: one group, stride 1, one zero point for all weights.
struct Convolution<'a> {
    input: &'a str,
    input_zero_point: &'a str,
    output: &'a str,
    weights: &'a Tensor<'a>,
    zero_point: &'a Tensor<'a>,
    /// Unsigned.
    zero: u8,
    outputs: usize,
    inputs: usize,
    width: usize,
    dilation: i64,
    pads: (i64, i64),
}

impl<'a> Convolution<'a> {
    fn of(node: &Node<'a>, tensors: &HashMap<&str, &'a Tensor<'a>>) -> Option<Self> {
        let [input, weights, input_zero_point, zero_point] = node.inputs[..] else { return None };
        let one = |name: &str| node.integers.get(name).is_none_or(|values| values.iter().all(|value| *value == 1));
        let padded_by_hand = node.texts.get("auto_pad").is_none_or(|pad| *pad == "NOTSET");
        if node.operator != "ConvInteger" || !node.domain.is_empty() || !padded_by_hand {
            return None;
        }
        if !one("group") || !one("strides") {
            return None;
        }
        let (weights, zero_point) = (*tensors.get(weights)?, *tensors.get(zero_point)?);
        let [outputs, inputs, width] = weights.dims[..] else { return None };
        let size = |dim: i64| usize::try_from(dim).ok().filter(|size| *size > 0 && *size < 1 << 16);
        let (outputs, inputs, width) = (size(outputs)?, size(inputs)?, size(width)?);
        let zero = match (zero_point.raw, &zero_point.integers[..]) {
            ([zero], []) => *zero,
            ([], [zero]) => u8::try_from(*zero).ok()?,
            _ => return None,
        };
        let whole = weights.raw.len() == outputs.checked_mul(inputs)?.checked_mul(width)?;
        if !whole || weights.data_type != UINT8 || zero_point.data_type != UINT8 {
            return None;
        }
        let dilation = node.integers.get("dilations").and_then(|d| d.first()).copied().unwrap_or(1);
        let pads = match node.integers.get("pads").map(Vec::as_slice) {
            None | Some([]) => (0, 0),
            Some([before, after]) => (*before, *after),
            Some(_) => return None,
        };
        let output = *node.outputs.first()?;
        Some(Self {
            input,
            input_zero_point,
            output,
            weights,
            zero_point,
            zero,
            outputs,
            inputs,
            width,
            dilation,
            pads,
        })
    }

    /// Weights by input, that is by place in the kernel and channel, then output; signed.
    fn matrix(&self) -> Vec<u8> {
        let mut matrix = Vec::with_capacity(self.weights.raw.len());
        for place in 0..self.width {
            for channel in 0..self.inputs {
                matrix.extend(
                    (0..self.outputs)
                        .map(|output| signed(self.weights.raw[(output * self.inputs + channel) * self.width + place])),
                );
            }
        }
        matrix
    }
}

/// An unsigned number less 128, as a byte.
fn signed(byte: u8) -> u8 {
    byte ^ 0x80
}

struct Rewriting {
    graph: Writer,
    /// Names of what was made for one convolution and serves others.
    made: HashSet<String>,
}

impl Rewriting {
    /// Time × channels, padded with the zero point, unfolded, times the weights, and back to channels × time.
    fn product(&mut self, convolution: &Convolution<'_>) {
        let Convolution { input, input_zero_point, output, width, dilation, pads, .. } = *convolution;
        let by_time = format!("{input}/by_time");
        if self.made.insert(by_time.clone()) {
            self.node("Transpose", &[input], &by_time, &[("perm", &[0, 2, 1])]);
        }
        let mut current = by_time;
        if pads != (0, 0) {
            let padded = format!("{current}/padded_{}_{}", pads.0, pads.1);
            if self.made.insert(padded.clone()) {
                let amounts = self.constant(&[0, pads.0, 0, 0, pads.1, 0]);
                self.node("Pad", &[&current, &amounts, input_zero_point], &padded, &[]);
            }
            current = padded;
        }
        if width > 1 {
            current = self.unfold(&current, width as i64, dilation);
        }
        let weights = format!("{}/as_matrix", convolution.weights.name);
        if self.made.insert(weights.clone()) {
            let dims = [(width * convolution.inputs) as i64, convolution.outputs as i64];
            self.tensor(&weights, &dims, INT8, &convolution.matrix());
        }
        let zero = format!("{}/signed", convolution.zero_point.name);
        if self.made.insert(zero.clone()) {
            self.tensor(&zero, &convolution.zero_point.dims, INT8, &[signed(convolution.zero)]);
        }
        let product = format!("{output}/by_time");
        self.node("MatMulInteger", &[&current, &weights, input_zero_point, &zero], &product, &[]);
        self.node("Transpose", &[&product], output, &[("perm", &[0, 2, 1])]);
    }

    /// Beside each moment's channels those of the moments that the kernel sees with it.
    fn unfold(&mut self, current: &str, width: i64, dilation: i64) -> String {
        let unfolded = format!("{current}/unfolded_{width}_{dilation}");
        if !self.made.insert(unfolded.clone()) {
            return unfolded;
        }
        let axis = self.constant(&[1]);
        let mut shifted = Vec::new();
        for place in 0..width {
            let name = format!("{unfolded}_{place}");
            let start = self.constant(&[place * dilation]);
            let left = (width - 1 - place) * dilation;
            let end = self.constant(&[if left == 0 { i64::MAX } else { -left }]);
            self.node("Slice", &[current, &start, &end, &axis], &name, &[]);
            shifted.push(name);
        }
        let shifted: Vec<&str> = shifted.iter().map(String::as_str).collect();
        self.node("Concat", &shifted, &unfolded, &[("axis", &[2])]);
        unfolded
    }

    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) {
        let mut node = Writer::default();
        for input in inputs {
            node.text(1, input);
        }
        node.text(2, output);
        node.text(3, &format!("{output}/{operator}"));
        node.text(4, operator);
        for (name, values) in attributes {
            let mut attribute = Writer::default();
            attribute.text(1, name);
            // `axis` is an integer, `perm` a list of them: types 2 and 7.
            let (number, kind) = if *name == "axis" { (3, 2) } else { (8, 7) };
            for value in *values {
                attribute.integer(number, *value);
            }
            attribute.integer(20, kind);
            node.message(5, attribute);
        }
        self.graph.message(GRAPH_NODE, node);
    }

    fn tensor(&mut self, name: &str, dims: &[i64], data_type: i64, raw: &[u8]) {
        let mut tensor = Writer::with_capacity(raw.len() + 128);
        for dim in dims {
            tensor.integer(1, *dim);
        }
        tensor.integer(2, data_type);
        tensor.text(8, name);
        tensor.field(9, Value::Bytes(raw));
        self.graph.message(GRAPH_INITIALIZER, tensor);
    }

    /// The name of a vector of these numbers.
    fn constant(&mut self, values: &[i64]) -> String {
        let name = format!("healthsync/{}", values.iter().map(i64::to_string).collect::<Vec<_>>().join("_"));
        if self.made.insert(name.clone()) {
            let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            self.tensor(&name, &[values.len() as i64], INT64, &raw);
        }
        name
    }
}

#[cfg(test)]
mod tests;
