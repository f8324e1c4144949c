//! Writing whisper.cpp's file: magic, hyperparameters, mel filters, tokens, tensors. All little-endian.

use super::{
    ConvertError,
    ctranslate::{Dtype, Tensor, Weights},
    mel,
    names::{Kind, Origin, origins},
    quantize::Precision,
};
use half::f16;

pub(super) const MAGIC: u32 = 0x6767_6d6c;

/// Tensor type of ggml for what is not a weight; [`Precision`] has those of weights.
const TYPE_F32: i32 = 0;

pub(super) fn convert(
    weights: &Weights<'_>,
    tokens: &[Vec<u8>],
    precision: Precision,
) -> Result<Vec<u8>, ConvertError> {
    let layers =
        |side: &str| (0..1_000).take_while(|n| weights.has(&format!("{side}/layer_{n}/ffn/linear_0/weight"))).count();
    let (encoder_layers, decoder_layers) = (layers("encoder"), layers("decoder"));
    let mut out = Vec::new();
    write_header(&mut out, weights, encoder_layers, decoder_layers, precision)?;
    out.extend((mel::MELS as i32).to_le_bytes());
    out.extend((mel::BINS as i32).to_le_bytes());
    out.extend(mel::filters().iter().flat_map(|value| value.to_le_bytes()));
    out.extend((tokens.len() as i32).to_le_bytes());
    for token in tokens {
        out.extend((token.len() as u32).to_le_bytes());
        out.extend(token);
    }
    for origin in origins(encoder_layers, decoder_layers) {
        write_tensor(&mut out, weights, &origin, precision)?;
    }
    Ok(out)
}

fn write_header(
    out: &mut Vec<u8>,
    weights: &Weights<'_>,
    encoder_layers: usize,
    decoder_layers: usize,
    precision: Precision,
) -> Result<(), ConvertError> {
    let dimension = |name: &str, index: usize| {
        let tensor = weights.get(name)?;
        let size = tensor.shape().get(index).copied();
        size.ok_or_else(|| ConvertError::Weights(format!("{name} has too few dimensions")))
    };
    let heads = |side: &str| {
        let name = format!("{side}/num_heads");
        let heads = weights.get(&name)?.scalar();
        heads.ok_or_else(|| ConvertError::Weights(format!("{name} is not a number")))
    };
    let embedding = "decoder/embeddings/weight";
    let mels = dimension("encoder/conv1/weight", 1)?;
    if mels != mel::MELS {
        return Err(ConvertError::Weights(format!("it takes {mels} mel bands, not {}", mel::MELS)));
    }
    let values: [i64; 11] = [
        dimension(embedding, 0)? as i64,
        dimension("encoder/position_encodings/encodings", 0)? as i64,
        dimension("encoder/position_encodings/encodings", 1)? as i64,
        heads("encoder")?,
        encoder_layers as i64,
        dimension("decoder/position_encodings/encodings", 0)? as i64,
        dimension(embedding, 1)? as i64,
        heads("decoder")?,
        decoder_layers as i64,
        mels as i64,
        i64::from(precision.file_type()),
    ];
    out.extend(MAGIC.to_le_bytes());
    out.extend(values.iter().flat_map(|value| (*value as i32).to_le_bytes()));
    Ok(())
}

fn write_tensor(
    out: &mut Vec<u8>,
    weights: &Weights<'_>,
    origin: &Origin,
    precision: Precision,
) -> Result<(), ConvertError> {
    let source = weights.get(&origin.source)?;
    let unusable = || ConvertError::Weights(format!("{} has an unexpected shape or type", origin.source));
    let rows = *source.shape().first().ok_or_else(unusable)?;
    if rows % origin.parts != 0 {
        return Err(unusable());
    }
    let part_rows = rows / origin.parts;
    let tensor = source.rows(origin.part * part_rows, (origin.part + 1) * part_rows).ok_or_else(unusable)?;
    let mut shape = tensor.shape().to_vec();
    if origin.kind == Kind::ConvolutionBias {
        shape.push(1);
    }
    let (kind, data) = match origin.kind {
        // whisper.cpp makes matrices of the file's type, and convolutions of half precision whatever that is.
        Kind::Weight if shape.len() == 2 => (precision.tensor_type(), matrix(&tensor, precision, origin)?),
        Kind::Weight => (Precision::F16.tensor_type(), halves(&tensor).ok_or_else(unusable)?),
        Kind::Precise | Kind::ConvolutionBias => {
            let values = singles(&tensor).ok_or_else(unusable)?;
            (TYPE_F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        }
    };
    out.extend((shape.len() as i32).to_le_bytes());
    out.extend((origin.name.len() as i32).to_le_bytes());
    out.extend(kind.to_le_bytes());
    // ggml names the fastest-changing dimension first.
    out.extend(shape.iter().rev().flat_map(|size| (*size as i32).to_le_bytes()));
    out.extend(origin.name.as_bytes());
    out.extend(data);
    Ok(())
}

fn matrix(tensor: &Tensor<'_>, precision: Precision, origin: &Origin) -> Result<Vec<u8>, ConvertError> {
    let unusable = || ConvertError::Weights(format!("{} is not of floating-point numbers", origin.source));
    if precision == Precision::F16 {
        return halves(tensor).ok_or_else(unusable);
    }
    let columns = tensor.shape().last().copied().unwrap_or_default();
    let encoded = precision.encode(&singles(tensor).ok_or_else(unusable)?, columns);
    encoded.map_err(|reason| ConvertError::Quantize { tensor: origin.name.clone(), reason })
}

fn halves(tensor: &Tensor<'_>) -> Option<Vec<u8>> {
    match tensor.dtype {
        Dtype::F16 => Some(tensor.data.to_vec()),
        Dtype::F32 => Some(singles(tensor)?.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()),
        _ => None,
    }
}

fn singles(tensor: &Tensor<'_>) -> Option<Vec<f32>> {
    match tensor.dtype {
        Dtype::F32 => Some(tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::F16 => Some(tensor.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()),
        _ => None,
    }
}
