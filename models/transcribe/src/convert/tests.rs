use super::{ctranslate::Dtype, ggml, mel, names::origins, *};
use half::f16;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A tensor as an independent reader of whisper.cpp's file sees it.
pub(super) struct Read {
    pub shape: Vec<usize>,
    pub kind: i32,
    pub data: Vec<u8>,
}

pub(super) struct File {
    pub header: Vec<i32>,
    pub tokens: Vec<Vec<u8>>,
    pub tensors: BTreeMap<String, Read>,
}

fn i32_at(bytes: &[u8], at: &mut usize) -> i32 {
    let value = i32::from_le_bytes(bytes[*at..*at + 4].try_into().unwrap());
    *at += 4;
    value
}

fn take<'a>(bytes: &'a [u8], at: &mut usize, count: usize) -> &'a [u8] {
    *at += count;
    &bytes[*at - count..*at]
}

/// Written against whisper.cpp's loader, not against the writer.
pub(super) fn read(bytes: &[u8]) -> File {
    let at = &mut 0;
    assert_eq!(i32_at(bytes, at) as u32, ggml::MAGIC);
    let header: Vec<i32> = (0..11).map(|_| i32_at(bytes, at)).collect();
    assert_eq!((i32_at(bytes, at), i32_at(bytes, at)), (80, 201));
    take(bytes, at, 80 * 201 * 4);
    let mut tokens = Vec::new();
    for _ in 0..i32_at(bytes, at) {
        let length = i32_at(bytes, at) as usize;
        tokens.push(take(bytes, at, length).to_vec());
    }
    let mut tensors = BTreeMap::new();
    while *at < bytes.len() {
        let (rank, length, kind) = (i32_at(bytes, at), i32_at(bytes, at), i32_at(bytes, at));
        let mut shape: Vec<usize> = (0..rank).map(|_| i32_at(bytes, at) as usize).collect();
        shape.reverse();
        let name = String::from_utf8(take(bytes, at, length as usize).to_vec()).unwrap();
        let values = shape.iter().product::<usize>();
        let size = match kind {
            0 => values * 4,
            1 => values * 2,
            8 => values / 32 * 34,
            7 => values / 32 * 24,
            other => panic!("{name} is of type {other}"),
        };
        let data = take(bytes, at, size).to_vec();
        assert!(tensors.insert(name, Read { shape, kind, data }).is_none());
    }
    File { header, tokens, tensors }
}

fn as_f32(tensor: &Tensor<'_>) -> Vec<f32> {
    match tensor.dtype {
        Dtype::F16 => tensor.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::F32 => tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
        other => panic!("{other:?}"),
    }
}

/// Every tensor whisper.cpp asks for is there, with the values of its source, exactly.
fn compare(weights: &Weights<'_>, file: &File, layers: usize) {
    // 3 embeddings, 4 convolution tensors, 4 outer norms; 15 a block; 9 more for cross-attention.
    assert_eq!(file.tensors.len(), 11 + layers * (15 + 15 + 9));
    let width = file.header[2] as usize;
    for (name, tensor) in &file.tensors {
        let origin = origins(layers, layers).into_iter().find(|o| o.name == *name).unwrap();
        let source = weights.get(&origin.source).unwrap();
        let share = source.shape()[0] / origin.parts;
        let rows = source.rows(origin.part * share, (origin.part + 1) * share).unwrap();
        let values: Vec<f32> = if tensor.kind == 1 {
            tensor.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        } else {
            tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        assert!(values == as_f32(&rows), "{name} has the values of its source");
        if name.contains("attn.") && name.ends_with("weight") {
            assert_eq!(tensor.shape, [width, width], "{name}");
        }
        if name.ends_with("conv1.bias") || name.ends_with("conv2.bias") {
            assert_eq!((tensor.shape.as_slice(), tensor.kind), ([width, 1].as_slice(), 0), "{name}");
        }
    }
    for layer in 0..layers {
        // What is left out is nothing: keys have no bias.
        for side in ["encoder", "decoder"] {
            let fused = weights.get(&format!("{side}/layer_{layer}/self_attention/linear_0/bias")).unwrap();
            let key = as_f32(&fused.rows(width, 2 * width).unwrap());
            assert!(key.iter().all(|v| *v == 0.0), "the key bias is zero");
        }
    }
}

/// A one-layer model of width 4, every value different.
fn synthetic() -> Vec<u8> {
    synthetic_of(4)
}

pub(super) fn synthetic_of(width: usize) -> Vec<u8> {
    let vocab = 3;
    let mut variables: Vec<(String, Vec<usize>)> = vec![
        ("encoder/conv1/weight".into(), vec![width, mel::MELS, 3]),
        ("encoder/conv1/bias".into(), vec![width]),
        ("encoder/conv2/weight".into(), vec![width, width, 3]),
        ("encoder/conv2/bias".into(), vec![width]),
        ("encoder/position_encodings/encodings".into(), vec![6, width]),
        ("decoder/position_encodings/encodings".into(), vec![5, width]),
        ("decoder/embeddings/weight".into(), vec![vocab, width]),
    ];
    for norm in ["encoder/layer_norm", "decoder/layer_norm"] {
        variables.push((format!("{norm}/gamma"), vec![width]));
        variables.push((format!("{norm}/beta"), vec![width]));
    }
    let mut linear = |name: String, rows: usize, columns: usize| {
        variables.push((format!("{name}/weight"), vec![rows, columns]));
        variables.push((format!("{name}/bias"), vec![rows]));
    };
    for side in ["encoder", "decoder"] {
        linear(format!("{side}/layer_0/self_attention/linear_0"), 3 * width, width);
        linear(format!("{side}/layer_0/self_attention/linear_1"), width, width);
        linear(format!("{side}/layer_0/ffn/linear_0"), 4 * width, width);
        linear(format!("{side}/layer_0/ffn/linear_1"), width, 4 * width);
    }
    linear("decoder/layer_0/attention/linear_0".into(), width, width);
    linear("decoder/layer_0/attention/linear_1".into(), 2 * width, width);
    linear("decoder/layer_0/attention/linear_2".into(), width, width);
    for norm in [
        "encoder/layer_0/self_attention",
        "encoder/layer_0/ffn",
        "decoder/layer_0/self_attention",
        "decoder/layer_0/ffn",
        "decoder/layer_0/attention",
    ] {
        variables.push((format!("{norm}/layer_norm/gamma"), vec![width]));
        variables.push((format!("{norm}/layer_norm/beta"), vec![width]));
    }
    let mut bytes = Vec::new();
    let string = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u16 + 1).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.push(0);
    };
    bytes.extend(6u32.to_le_bytes());
    string(&mut bytes, "WhisperSpec");
    bytes.extend(3u32.to_le_bytes());
    bytes.extend((variables.len() as u32 + 2).to_le_bytes());
    let mut value = 0.0f32;
    for (name, shape) in &variables {
        string(&mut bytes, name);
        bytes.push(shape.len() as u8);
        bytes.extend(shape.iter().flat_map(|d| (*d as u32).to_le_bytes()));
        bytes.push(4);
        let count: usize = shape.iter().product();
        bytes.extend((count as u32 * 2).to_le_bytes());
        let fused_bias = name.ends_with("self_attention/linear_0/bias");
        for index in 0..count {
            value += 0.125;
            let key = fused_bias && (width..2 * width).contains(&index);
            bytes.extend(f16::from_f32(if key { 0.0 } else { value }).to_le_bytes());
        }
    }
    for side in ["encoder", "decoder"] {
        string(&mut bytes, &format!("{side}/num_heads"));
        bytes.extend([0, 2, 2, 0, 0, 0, 2, 0]);
    }
    bytes.extend(0u32.to_le_bytes());
    bytes
}

#[test]
fn a_small_model_is_converted_tensor_by_tensor() {
    let bytes = synthetic();
    let weights = Weights::parse(&bytes).unwrap();
    let tokens = vec![b"a".to_vec(), b" b".to_vec()];
    let file = read(&ggml::convert(&weights, &tokens, Precision::F16).unwrap());
    assert_eq!(file.header, [3, 6, 4, 2, 1, 5, 4, 2, 1, 80, 1]);
    assert_eq!(file.tokens, tokens);
    compare(&weights, &file, 1);
}

/// Every tensor is there with the bytes of its source, and nothing else.
fn compare_safetensors(weights: &Weights<'_>, bytes: &[u8], layers: usize) {
    let file = ::safetensors::SafeTensors::deserialize(bytes).unwrap();
    let all = origins(layers, layers);
    assert_eq!(file.len(), all.len());
    for origin in all {
        let tensor = file.tensor(&origin.name).unwrap();
        let source = weights.get(&origin.source).unwrap();
        let share = source.shape()[0] / origin.parts;
        let rows = source.rows(origin.part * share, (origin.part + 1) * share).unwrap();
        assert_eq!((tensor.shape(), tensor.dtype()), (rows.shape(), ::safetensors::Dtype::F16), "{}", origin.name);
        assert!(tensor.data() == rows.data, "{} has the bytes of its source", origin.name);
    }
}

#[test]
fn a_small_model_becomes_safetensors_that_are_the_same_each_time() {
    let bytes = synthetic();
    let weights = Weights::parse(&bytes).unwrap();
    let converted = safetensors::convert(&weights).unwrap();
    compare_safetensors(&weights, &converted, 1);
    assert_eq!(converted, safetensors::convert(&weights).unwrap());
    let (_, header) = ::safetensors::SafeTensors::read_metadata(&converted).unwrap();
    let described = &header.metadata().as_ref().unwrap()[safetensors::METADATA];
    let layout: safetensors::Layout = serde_json::from_str(described).unwrap();
    let expected = safetensors::Layout { encoder_layers: 1, encoder_heads: 2, decoder_layers: 1, decoder_heads: 2 };
    assert_eq!(layout, expected);
}

#[test]
fn whisper_base_is_converted_tensor_by_tensor() {
    let registry = healthsync_models::registry::Registry::from_env().unwrap();
    let files = registry.open_files("whisper-base", &["model.bin", "tokenizer.json"]);
    let files = files.expect("whisper-base is missing: run `make models`");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("ggml.bin");
    let (model, tokenizer) = (files.file("model.bin").unwrap(), files.file("tokenizer.json").unwrap());
    ct2_to_ggml(model, tokenizer, Precision::F16, &out).unwrap();
    let model = fs::read(model).unwrap();
    let file = read(&fs::read(&out).unwrap());
    assert_eq!(file.header, [51_865, 1_500, 512, 8, 6, 448, 512, 8, 6, 80, 1]);
    assert_eq!(file.tokens.len(), 50_257);
    let weights = Weights::parse(&model).unwrap();
    compare(&weights, &file, 6);
    compare_safetensors(&weights, &safetensors::convert(&weights).unwrap(), 6);
}

/// The registry refuses other bytes.
#[test]
fn whisper_base_becomes_the_very_files_that_the_registry_states() {
    let registry = healthsync_models::registry::Registry::from_env().unwrap();
    let files = registry.open_files("whisper-base", &["model.bin", "config.json", "tokenizer.json", "vocabulary.txt"]);
    let files = files.expect("whisper-base is missing: run `make models`");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made");
    let derivers =
        Precision::ALL.map(|precision| (precision.step(), Box::new(CtranslateToGgml(precision)) as Box<dyn Deriver>));
    let derivers =
        derivers.into_iter().chain([("ct2-to-safetensors", Box::new(CtranslateToSafetensors) as Box<dyn Deriver>)]);
    for (step, deriver) in derivers {
        let entry = registry.manifest().model("whisper-base").unwrap().derived.iter().find(|entry| entry.step == step);
        let entry = entry.unwrap();
        let inputs = entry.from.iter().map(|name| (name.clone(), files.file(name).unwrap().into())).collect();
        deriver.derive(&inputs, &out).unwrap();
        let made = Sha256::digest(fs::read(&out).unwrap());
        let made = hex(&made);
        assert_eq!(entry.sha256.as_deref(), Some(made.as_str()), "{step}");
    }
}

#[test]
fn weights_that_end_early_or_lie_about_lengths_are_refused() {
    let bytes = synthetic();
    for cut in (0..bytes.len()).step_by(7) {
        assert!(Weights::parse(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut lying = bytes;
    lying[4 + 14 + 4] = 0xff;
    lying[4 + 14 + 5] = 0xff;
    assert!(Weights::parse(&lying).is_err());
}

proptest::proptest! {
    #[test]
    fn mutated_weights_never_panic(at in 0usize..2_000, byte in proptest::prelude::any::<u8>()) {
        let mut bytes = synthetic();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(weights) = Weights::parse(&bytes) {
            let _ = ggml::convert(&weights, &[], Precision::Q8_0);
            let _ = safetensors::convert(&weights);
        }
    }
}
