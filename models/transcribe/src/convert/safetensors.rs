//! Writing Whisper as safetensors, its tensors under the names of OpenAI's release.

use super::{
    ConvertError,
    ctranslate::{Dtype, Tensor, Weights},
    names::origins,
};
use safetensors::tensor::{Dtype as Kind, TensorView, serialize};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The one entry of the file's metadata: with more, their order would differ from run to run.
pub(crate) const METADATA: &str = "whisper";

/// What the shapes of the tensors do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    pub encoder_layers: usize,
    pub encoder_heads: usize,
    pub decoder_layers: usize,
    pub decoder_heads: usize,
}

/// Values stay as they are, bit by bit.
pub(super) fn convert(weights: &Weights<'_>) -> Result<Vec<u8>, ConvertError> {
    let layout = layout(weights)?;
    let mut views = Vec::new();
    for origin in origins(layout.encoder_layers, layout.decoder_layers) {
        let source = weights.get(&origin.source)?;
        let unusable = || ConvertError::Weights(format!("{} has an unexpected shape or type", origin.source));
        let rows = *source.shape().first().ok_or_else(unusable)?;
        if rows % origin.parts != 0 {
            return Err(unusable());
        }
        let share = rows / origin.parts;
        let tensor = source.rows(origin.part * share, (origin.part + 1) * share).ok_or_else(unusable)?;
        views.push((origin.name.clone(), view(&tensor).ok_or_else(unusable)?));
    }
    let described = serde_json::to_string(&layout).map_err(|e| ConvertError::Weights(e.to_string()))?;
    let metadata = HashMap::from([(METADATA.to_owned(), described)]);
    serialize(views, Some(metadata)).map_err(|e| ConvertError::Weights(e.to_string()))
}

fn view<'a>(tensor: &Tensor<'a>) -> Option<TensorView<'a>> {
    let kind = match tensor.dtype {
        Dtype::F16 => Kind::F16,
        Dtype::F32 => Kind::F32,
        Dtype::I8 | Dtype::I16 | Dtype::I32 => return None,
    };
    TensorView::new(kind, tensor.shape().to_vec(), tensor.data).ok()
}

fn layout(weights: &Weights<'_>) -> Result<Layout, ConvertError> {
    let heads = |side: &str| {
        let name = format!("{side}/num_heads");
        let heads = weights.get(&name)?.scalar().and_then(|heads| usize::try_from(heads).ok());
        heads.ok_or_else(|| ConvertError::Weights(format!("{name} is not a number")))
    };
    let layers =
        |side: &str| (0..1_000).take_while(|n| weights.has(&format!("{side}/layer_{n}/ffn/linear_0/weight"))).count();
    Ok(Layout {
        encoder_layers: layers("encoder"),
        encoder_heads: heads("encoder")?,
        decoder_layers: layers("decoder"),
        decoder_heads: heads("decoder")?,
    })
}
