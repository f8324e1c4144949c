use super::*;
use crate::convert::{
    ConvertError, Weights, ct2_to_ggml, ggml,
    tests::{hex, read, synthetic_of},
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// Half precision's largest relative and absolute rounding errors.
const HALF_RELATIVE: f32 = 1.0 / 2048.0;
const HALF_ABSOLUTE: f32 = 1.0 / 33_554_432.0;

/// Single precision's, with room for the few operations on a value.
const SINGLE_RELATIVE: f32 = 1e-6;

fn rounding(value: f32) -> f32 {
    (value.abs() * HALF_RELATIVE).max(HALF_ABSOLUTE)
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Written from the layout as ggml documents it, not from the writer.
fn decode_q8_0(block: &[u8]) -> Vec<f32> {
    block[2..].iter().map(|byte| half_at(block, 0) * f32::from(*byte as i8)).collect()
}

fn decode_q5_1(block: &[u8]) -> Vec<f32> {
    let (scale, min) = (half_at(block, 0), half_at(block, 2));
    let fifths = u32::from_le_bytes(block[4..8].try_into().unwrap());
    let value = |n: usize| {
        let byte = block[8 + n % 16];
        let low = if n < 16 { byte & 0x0f } else { byte >> 4 };
        let fifth = if (fifths >> n) & 1 == 1 { 16 } else { 0 };
        f32::from(low + fifth) * scale + min
    };
    (0..BLOCK).map(value).collect()
}

fn decode(kind: i32, data: &[u8]) -> Vec<f32> {
    match kind {
        8 => data.chunks_exact(Q8_0_BYTES).flat_map(decode_q8_0).collect(),
        7 => data.chunks_exact(Q5_1_BYTES).flat_map(decode_q5_1).collect(),
        1 => data.chunks_exact(2).map(|b| half_at(b, 0)).collect(),
        _ => data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
    }
}

/// Values whose blocks, quantized by ggml itself, were written down.
fn known() -> [f32; BLOCK] {
    std::array::from_fn(|n| ((n * 37 + 11) % 64) as f32 * 0.046_875 - 20.0 * 0.046_875)
}

const KNOWN_Q8_0: [u8; Q8_0_BYTES] = [
    0xbf, 0x23, 0xe4, 0x57, 0x03, 0x76, 0x22, 0xce, 0x41, 0xed, 0x60, 0x0c, 0x7f, 0x2b, 0xd8, 0x4a, 0xf7, 0x69, 0x16,
    0xc2, 0x35, 0xe1, 0x54, 0x00, 0x73, 0x1f, 0xcb, 0x3e, 0xea, 0x5d, 0x09, 0x7c, 0x28, 0xd5,
];

const KNOWN_Q5_1: [u8; Q5_1_BYTES] = [
    0xe7, 0x2d, 0x80, 0xbb, 0x5a, 0xad, 0x54, 0x6a, 0xe6, 0x08, 0x3b, 0x5d, 0x80, 0xa2, 0xd5, 0xf7, 0x2a, 0x4c, 0x7f,
    0x91, 0xc4, 0xe6, 0x19, 0x3b,
];

#[test]
fn blocks_are_those_that_ggml_makes() {
    assert_eq!(q8_0(&known()).unwrap(), KNOWN_Q8_0);
    assert_eq!(q5_1(&known()).unwrap(), KNOWN_Q5_1);
}

#[test]
fn blocks_are_read_as_ggml_reads_them() {
    let (eight, five) = (decode_q8_0(&KNOWN_Q8_0), decode_q5_1(&KNOWN_Q5_1));
    assert_eq!(
        [eight[0], eight[1], eight[31]].map(f32::to_bits),
        [-0.423_614_5f32, 1.316_230_8, -0.650_550_84].map(f32::to_bits)
    );
    assert_eq!(
        [five[0], five[1], five[31]].map(f32::to_bits),
        [-0.384_155_27f32, 1.275_878_9, -0.660_827_64].map(f32::to_bits)
    );
}

#[test]
fn zeros_stay_zeros_and_equal_values_stay_equal() {
    assert_eq!(q8_0(&[0.0; BLOCK]).unwrap(), [0; Q8_0_BYTES]);
    assert_eq!(q5_1(&[0.0; BLOCK]).unwrap(), [0; Q5_1_BYTES]);
    assert_eq!(decode_q5_1(&q5_1(&[-1.5; BLOCK]).unwrap()), [-1.5; BLOCK]);
}

#[test]
fn what_is_not_a_number_or_has_no_scale_is_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = known();
        values[17] = bad;
        assert_eq!(q8_0(&values), Err(QuantizeError::NotFinite));
        assert_eq!(q5_1(&values), Err(QuantizeError::NotFinite));
    }
    let mut values = [0.0; BLOCK];
    (values[0], values[1]) = (f32::MAX, f32::MIN);
    assert_eq!(q8_0(&values), Err(QuantizeError::TooLarge));
    assert_eq!(q5_1(&values), Err(QuantizeError::TooLarge));
    assert_eq!(q5_1(&[1e6; BLOCK]), Err(QuantizeError::TooLarge), "the minimum is kept in half precision");
}

#[test]
fn rows_that_are_not_whole_blocks_are_refused() {
    for precision in [Precision::Q8_0, Precision::Q5_1] {
        assert_eq!(precision.encode(&[0.0; 96], 48), Err(QuantizeError::PartialBlock(48)));
        assert_eq!(precision.encode(&[0.0; 40], 32), Err(QuantizeError::PartialBlock(32)));
        assert!(precision.encode(&[0.0; 96], 96).is_ok());
    }
    assert_eq!(Precision::F16.encode(&[1.0, -2.0], 1).unwrap(), [0, 0x3c, 0, 0xc0]);
}

#[test]
fn only_matrices_are_quantized_and_the_header_says_how() {
    let bytes = synthetic_of(BLOCK);
    let weights = Weights::parse(&bytes).unwrap();
    let plain = read(&ggml::convert(&weights, &[], Precision::F16).unwrap());
    for (precision, kind, file_type, steps) in
        [(Precision::Q8_0, 8, 2_007, Q8_0_STEPS), (Precision::Q5_1, 7, 2_009, Q5_1_STEPS)]
    {
        let file = read(&ggml::convert(&weights, &[], precision).unwrap());
        assert_eq!((&file.header[..10], file.header[10]), (&plain.header[..10], file_type));
        assert!(file.tensors.keys().eq(plain.tensors.keys()));
        for (name, tensor) in &file.tensors {
            let source = &plain.tensors[name];
            assert_eq!(tensor.shape, source.shape, "{name}");
            let matrix = source.kind == 1 && source.shape.len() == 2;
            assert_eq!(tensor.kind, if matrix { kind } else { source.kind }, "{name}");
            let (values, expected) = (decode(tensor.kind, &tensor.data), decode(source.kind, &source.data));
            let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            // A step is at most the largest magnitude (or for five bits the whole range) over the steps.
            let bound = if matrix { 2.0 * largest / steps } else { 0.0 };
            assert!(values.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= bound), "{name}");
        }
        let embedding = &file.tensors["decoder.token_embedding.weight"];
        assert_eq!((embedding.kind, embedding.shape.as_slice()), (kind, [3, BLOCK].as_slice()));
        assert_eq!(file.tensors["encoder.conv2.weight"].kind, 1);
        assert_eq!(file.tensors["encoder.positional_embedding"].kind, 0);
    }
}

#[test]
fn a_model_too_narrow_for_blocks_is_refused_by_the_name_of_the_matrix() {
    let bytes = synthetic_of(4);
    let refused = ggml::convert(&Weights::parse(&bytes).unwrap(), &[], Precision::Q8_0).unwrap_err();
    let ConvertError::Quantize { tensor, reason } = refused else { panic!("{refused}") };
    assert_eq!((tensor.as_str(), reason), ("decoder.token_embedding.weight", QuantizeError::PartialBlock(4)));
}

/// SHA-256 of all tensors, in the order of their names, of a file that ggml's own quantizer made from the same
/// weights in half precision.
#[test]
fn whisper_base_is_quantized_to_the_very_bytes_that_ggml_makes() {
    let registry = healthsync_models::registry::Registry::from_env().unwrap();
    let files = registry.open_files("whisper-base", &["model.bin", "tokenizer.json"]);
    let files = files.expect("whisper-base is missing: run `make models`");
    let folder = tempfile::tempdir().unwrap();
    for (precision, size, expected) in [
        (Precision::Q8_0, 81_768_585, "cfba2924f0946cae2f9c24baecda3cae79e66a289faae7ed2ec3b62548e15001"),
        (Precision::Q5_1, 59_707_625, "b2df8f725b56f6c9a55666d2c7cda6c4ffa6b211d79e939cae78a69c80868e09"),
    ] {
        let out = folder.path().join(precision.step());
        ct2_to_ggml(files.file("model.bin").unwrap(), files.file("tokenizer.json").unwrap(), precision, &out).unwrap();
        let bytes = std::fs::read(&out).unwrap();
        assert_eq!(bytes.len(), size);
        let mut hash = Sha256::new();
        read(&bytes).tensors.values().for_each(|tensor| hash.update(&tensor.data));
        assert_eq!(hex(&hash.finalize()), expected, "{precision:?}");
    }
}

/// Values of weights' sizes, and of sizes at which half precision's exponents end.
fn block() -> impl Strategy<Value = [f32; BLOCK]> {
    let magnitude = prop_oneof![Just(1e-9f32), Just(1e-4), Just(0.05), Just(1.0), Just(30_000.0)];
    (magnitude, prop::array::uniform32(-1.0f32..=1.0)).prop_map(|(size, values)| values.map(|value| value * size))
}

proptest! {
    #[test]
    fn eight_bits_err_by_half_a_step_and_the_rounding_of_the_scale(values in block()) {
        let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let step = largest / 127.0;
        let bound = step / 2.0 + 127.0 * rounding(step) + largest * SINGLE_RELATIVE;
        for (value, read) in values.iter().zip(decode_q8_0(&q8_0(&values).unwrap())) {
            prop_assert!((value - read).abs() <= bound, "{value} became {read}, {bound} off at most");
        }
    }

    #[test]
    fn five_bits_err_by_half_a_step_and_the_rounding_of_scale_and_minimum(values in block()) {
        let (min, max) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let step = (max - min) / 31.0;
        let single = (max.abs() + min.abs()) * SINGLE_RELATIVE;
        let bound = step / 2.0 + 31.0 * rounding(step) + rounding(min) + single;
        for (value, read) in values.iter().zip(decode_q5_1(&q5_1(&values).unwrap())) {
            prop_assert!((value - read).abs() <= bound, "{value} became {read}, {bound} off at most");
        }
    }

    #[test]
    fn any_values_give_a_block_of_finite_numbers_or_a_refusal(bits in prop::array::uniform32(any::<u32>())) {
        let values = bits.map(f32::from_bits);
        let finite = values.iter().all(|value| value.is_finite());
        for (encoded, read) in [
            (q8_0(&values).map(Vec::from), decode_q8_0 as fn(&[u8]) -> Vec<f32>),
            (q5_1(&values).map(Vec::from), decode_q5_1),
        ] {
            match encoded {
                Ok(block) => prop_assert!(finite && read(&block).iter().all(|value| value.is_finite())),
                Err(QuantizeError::NotFinite) => prop_assert!(!finite),
                Err(error) => prop_assert!(finite && error == QuantizeError::TooLarge),
            }
        }
    }
}
