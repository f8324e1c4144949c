//! Which of whisper.cpp's tensors comes from which rows of which of CTranslate2's variables.

/// How whisper.cpp keeps a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is: half precision.
    Weight,
    /// Single precision: biases, norms, positions.
    Precise,
    /// Single precision, with a second dimension of one.
    ConvolutionBias,
}

/// One tensor's origin. `part` of `parts` equal shares of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub name: String,
    pub source: String,
    pub part: usize,
    pub parts: usize,
    pub kind: Kind,
}

fn whole(name: String, source: String, kind: Kind) -> Origin {
    Origin { name, source, part: 0, parts: 1, kind }
}

/// Every tensor of a model with so many encoder and decoder layers.
pub(super) fn origins(encoder_layers: usize, decoder_layers: usize) -> Vec<Origin> {
    let mut all = vec![
        whole("encoder.positional_embedding".into(), "encoder/position_encodings/encodings".into(), Kind::Precise),
        whole("decoder.positional_embedding".into(), "decoder/position_encodings/encodings".into(), Kind::Precise),
        whole("decoder.token_embedding.weight".into(), "decoder/embeddings/weight".into(), Kind::Weight),
    ];
    for conv in 1..=2 {
        let (name, source) = (format!("encoder.conv{conv}"), format!("encoder/conv{conv}"));
        all.push(whole(format!("{name}.weight"), format!("{source}/weight"), Kind::Weight));
        all.push(whole(format!("{name}.bias"), format!("{source}/bias"), Kind::ConvolutionBias));
    }
    norm(&mut all, "encoder.ln_post", "encoder/layer_norm");
    norm(&mut all, "decoder.ln", "decoder/layer_norm");
    for layer in 0..encoder_layers {
        block(&mut all, "encoder", layer);
    }
    for layer in 0..decoder_layers {
        block(&mut all, "decoder", layer);
        let (name, source) = (format!("decoder.blocks.{layer}"), format!("decoder/layer_{layer}/attention"));
        norm(&mut all, &format!("{name}.cross_attn_ln"), &format!("{source}/layer_norm"));
        let attention = format!("{name}.cross_attn");
        linear(&mut all, &format!("{attention}.query"), &format!("{source}/linear_0"), 0, 1, true);
        linear(&mut all, &format!("{attention}.key"), &format!("{source}/linear_1"), 0, 2, false);
        linear(&mut all, &format!("{attention}.value"), &format!("{source}/linear_1"), 1, 2, true);
        linear(&mut all, &format!("{attention}.out"), &format!("{source}/linear_2"), 0, 1, true);
    }
    all
}

fn block(all: &mut Vec<Origin>, side: &str, layer: usize) {
    let (name, source) = (format!("{side}.blocks.{layer}"), format!("{side}/layer_{layer}"));
    norm(all, &format!("{name}.attn_ln"), &format!("{source}/self_attention/layer_norm"));
    norm(all, &format!("{name}.mlp_ln"), &format!("{source}/ffn/layer_norm"));
    let fused = format!("{source}/self_attention/linear_0");
    linear(all, &format!("{name}.attn.query"), &fused, 0, 3, true);
    linear(all, &format!("{name}.attn.key"), &fused, 1, 3, false);
    linear(all, &format!("{name}.attn.value"), &fused, 2, 3, true);
    linear(all, &format!("{name}.attn.out"), &format!("{source}/self_attention/linear_1"), 0, 1, true);
    linear(all, &format!("{name}.mlp.0"), &format!("{source}/ffn/linear_0"), 0, 1, true);
    linear(all, &format!("{name}.mlp.2"), &format!("{source}/ffn/linear_1"), 0, 1, true);
}

/// Keys have no bias in Whisper: CTranslate2 keeps zeros in its place.
fn linear(all: &mut Vec<Origin>, name: &str, source: &str, part: usize, parts: usize, bias: bool) {
    let share = |what: &str, kind| Origin {
        name: format!("{name}.{what}"),
        source: format!("{source}/{what}"),
        part,
        parts,
        kind,
    };
    all.push(share("weight", Kind::Weight));
    if bias {
        all.push(share("bias", Kind::Precise));
    }
}

fn norm(all: &mut Vec<Origin>, name: &str, source: &str) {
    all.push(whole(format!("{name}.weight"), format!("{source}/gamma"), Kind::Precise));
    all.push(whole(format!("{name}.bias"), format!("{source}/beta"), Kind::Precise));
}
