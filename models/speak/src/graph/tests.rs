use super::*;
use crate::onnx;
use healthsync_models::registry::Registry;
use ort::value::Tensor as OrtTensor;
use proptest::prelude::*;

/// Shape of a convolution under test.
#[derive(Debug, Clone)]
struct Case {
    outputs: usize,
    inputs: usize,
    width: usize,
    dilation: i64,
    pads: (i64, i64),
    zero: u8,
    weights: Vec<u8>,
    sound: Vec<u8>,
}

fn value_info(name: &str, kind: i64, dims: &[i64]) -> Writer {
    let mut shape = Writer::default();
    for dim in dims {
        let mut size = Writer::default();
        size.integer(1, *dim);
        shape.message(1, size);
    }
    let mut tensor = Writer::default();
    tensor.integer(1, kind);
    tensor.message(2, shape);
    let mut kind = Writer::default();
    kind.message(1, tensor);
    let mut info = Writer::default();
    info.text(1, name);
    info.message(2, kind);
    info
}

/// A model of one `ConvInteger`.
fn model(case: &Case, strides: i64) -> Vec<u8> {
    let mut rewriting = Rewriting { graph: Writer::default(), made: HashSet::new() };
    let dims = [case.outputs as i64, case.inputs as i64, case.width as i64];
    rewriting.tensor("w", &dims, UINT8 as i64, &case.weights);
    rewriting.tensor("wz", &[], UINT8 as i64, &[case.zero]);
    let mut node = Writer::default();
    for input in ["x", "w", "xz", "wz"] {
        node.text(1, input);
    }
    node.text(2, "y");
    node.text(4, "ConvInteger");
    for (name, values) in
        [("dilations", vec![case.dilation]), ("pads", vec![case.pads.0, case.pads.1]), ("strides", vec![strides])]
    {
        let mut attribute = Writer::default();
        attribute.text(1, name);
        for value in values {
            attribute.integer(8, value);
        }
        attribute.integer(20, 7);
        node.message(5, attribute);
    }
    let mut graph = rewriting.graph;
    graph.message(GRAPH_NODE, node);
    graph.text(2, "g");
    let length = (case.sound.len() / case.inputs) as i64;
    graph.message(11, value_info("x", UINT8 as i64, &[1, case.inputs as i64, length]));
    graph.message(11, value_info("xz", UINT8 as i64, &[]));
    let mut output = Writer::default();
    output.text(1, "y");
    graph.message(12, output);
    let mut opset = Writer::default();
    opset.text(1, "");
    opset.integer(2, 20);
    let mut model = Writer::default();
    model.integer(1, 9);
    model.message(8, opset);
    model.message(MODEL_GRAPH, graph);
    model.finish()
}

fn run(model: &[u8], case: &Case, zero: u8) -> Vec<i32> {
    let registry = Registry::from_env().unwrap();
    let library = registry.open("onnxruntime").expect("run `make models`");
    let environment = onnx::environment(library.file("libonnxruntime.so").unwrap()).unwrap();
    let mut session =
        onnx::session(&environment, onnx::Weights::Bytes(model), onnx::Products::here(), 1, "test").unwrap();
    let length = case.sound.len() / case.inputs;
    let inputs = ort::inputs! {
        "x" => OrtTensor::from_array(([1, case.inputs, length], case.sound.clone())).unwrap(),
        "xz" => OrtTensor::from_array(((), vec![zero])).unwrap(),
    };
    let outputs = session.run(inputs).unwrap();
    outputs[0].try_extract_tensor::<i32>().unwrap().1.to_vec()
}

fn operators(model: &[u8]) -> Vec<String> {
    let (_, graph) = fields(model).unwrap().into_iter().find(|(n, _)| *n == MODEL_GRAPH).unwrap();
    let nodes = fields(graph.bytes().unwrap()).unwrap().into_iter().filter(|(n, _)| *n == GRAPH_NODE);
    nodes.map(|(_, node)| Node::read(node.bytes().unwrap()).unwrap().operator.to_owned()).collect()
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..6, 1usize..5, 1usize..5, 1i64..4, 0i64..4, 0i64..4, any::<u8>()).prop_flat_map(
        |(outputs, inputs, width, dilation, before, after, zero)| {
            let weights = proptest::collection::vec(any::<u8>(), outputs * inputs * width);
            let sound = proptest::collection::vec(any::<u8>(), inputs * 20);
            (weights, sound).prop_map(move |(weights, sound)| Case {
                outputs,
                inputs,
                width,
                dilation,
                pads: (before, after),
                zero,
                weights,
                sound,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_rewritten_convolution_gives_the_same_integers(case in case(), input_zero in any::<u8>()) {
        let original = model(&case, 1);
        let rewritten = convolutions_as_products(&original).unwrap();
        prop_assert!(!operators(&rewritten).contains(&"ConvInteger".to_owned()));
        prop_assert_eq!(run(&original, &case, input_zero), run(&rewritten, &case, input_zero));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = convolutions_as_products(&bytes);
    }
}

#[test]
fn a_convolution_that_skips_moments_is_left_alone() {
    let case = Case {
        outputs: 2,
        inputs: 1,
        width: 3,
        dilation: 1,
        pads: (0, 0),
        zero: 7,
        weights: vec![1, 2, 3, 4, 5, 6],
        sound: (0..20).collect(),
    };
    let original = model(&case, 2);
    let rewritten = convolutions_as_products(&original).unwrap();
    assert_eq!(operators(&rewritten), ["ConvInteger"]);
    assert_eq!(run(&original, &case, 0), run(&rewritten, &case, 0));
}
