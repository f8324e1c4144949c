//! Scores as `RiskAssessment`. Pure.
//!
//! R4 has no place for a score's points: they are an extension, with the items that made it, and once more as notes that
//! people read.

use crate::{
    names::{BANDS, MODELS, PROVENANCE, RISK_PROBABILITY, SCORE, SCORE_ITEM, SCORES},
    resource::{Context, Kind},
};
use healthsync_events::{
    Event,
    provenance::{ModelInfo, Provenance},
    risk::{CarriedItem, RiskBand, RiskItem, RiskScored, ScoreName, ScoresComputed},
};
use serde_json::{Value, json};

/// Stands with every assessment.
pub const NOTE: &str = "Computed for decision support; not a diagnosis.";

/// One score, whichever it is.
struct Score<'a> {
    name: &'a str,
    /// Points; a quotient for the shock index.
    value: Value,
    band: RiskBand,
    items: &'a [RiskItem],
    missing: &'a [String],
    carried: &'a [CarriedItem],
    provenance: &'a Provenance,
}

/// NEWS2.
pub fn assessment(event: &Event, scored: &RiskScored, context: &Context<'_>) -> Value {
    let score = Score {
        name: &scored.score,
        value: json!(scored.total),
        band: scored.band,
        items: &scored.items,
        missing: &scored.missing,
        carried: &scored.carried,
        provenance: &scored.provenance,
    };
    one(event, 0, &score, context)
}

/// The scores beside NEWS2, one resource each.
pub fn assessments(event: &Event, computed: &ScoresComputed, context: &Context<'_>) -> Vec<Value> {
    let scores = computed.scores.iter().zip(0..);
    let assessed = scores.map(|(score, part)| {
        let whole = score.value.fract() == 0.0 && score.score != ScoreName::ShockIndex;
        let score = Score {
            name: title(score.score),
            value: if whole { json!(score.value as i64) } else { json!(score.value) },
            band: score.band,
            items: &score.items,
            missing: &score.missing,
            carried: &score.carried,
            provenance: &score.provenance,
        };
        one(event, part, &score, context)
    });
    assessed.collect()
}

const fn title(name: ScoreName) -> &'static str {
    match name {
        ScoreName::News2 => "NEWS2",
        ScoreName::Mews => "MEWS",
        ScoreName::Qsofa => "qSOFA",
        ScoreName::Sirs => "SIRS",
        ScoreName::ShockIndex => "Shock index",
        ScoreName::Pews => "PEWS",
    }
}

fn one(event: &Event, part: u16, score: &Score<'_>, context: &Context<'_>) -> Value {
    let mut resource = context.head(Kind::RiskAssessment, event, part, "subject");
    resource["extension"] = json!([provenance(&score.provenance.model), extension(score)]);
    resource["status"] = json!(if score.missing.is_empty() { "final" } else { "preliminary" });
    resource["method"] = json!({ "coding": [{ "system": SCORES, "code": score.name }], "text": score.name });
    resource["encounter"] = context.encounter();
    resource["occurrenceDateTime"] = json!(event.at.to_string());
    resource["performer"] = performer(&score.provenance.model);
    if let Some(basis) = basis(score.provenance, context) {
        resource["basis"] = basis;
    }
    resource["prediction"] = json!([prediction(score)]);
    resource["note"] = notes(score);
    resource
}

/// The model, as a device that performed the assessment.
pub fn performer(model: &ModelInfo) -> Value {
    let name = format!("{} {}", model.name, model.version);
    json!({ "type": "Device", "identifier": { "system": MODELS, "value": name }, "display": name })
}

/// Name, version and hash of the weights or rules.
pub fn provenance(model: &ModelInfo) -> Value {
    let part = |url: &str, text: &str| json!({ "url": url, "valueString": text });
    let parts =
        [part("model", &model.name), part("version", &model.version), part("weights-sha256", &model.weights_sha256)];
    json!({ "url": PROVENANCE, "extension": parts })
}

/// Observations that the assessment rests on.
pub fn basis(provenance: &Provenance, context: &Context<'_>) -> Option<Value> {
    let inputs = provenance.inputs.iter();
    let references: Vec<Value> = inputs.filter_map(|seq| context.reference(*seq, Kind::Observation, None)).collect();
    (!references.is_empty()).then(|| references.into())
}

fn extension(score: &Score<'_>) -> Value {
    let item = |item: &RiskItem| {
        let part = |url: &str, text: &str| json!({ "url": url, "valueString": text });
        json!({ "url": SCORE_ITEM, "extension": [
            part("parameter", &item.parameter),
            part("value", &item.value),
            part("range", &item.range),
            { "url": "points", "valueInteger": item.points },
        ] })
    };
    let total = if score.value.is_f64() { "valueDecimal" } else { "valueInteger" };
    let mut parts = vec![json!({ "url": "total", (total): score.value })];
    parts.extend(score.items.iter().map(item));
    parts.extend(score.missing.iter().map(|name| json!({ "url": "missing", "valueString": name })));
    json!({ "url": SCORE, "extension": parts })
}

fn prediction(score: &Score<'_>) -> Value {
    let (band, text) = match score.band {
        RiskBand::Low => ("low", "Low"),
        RiskBand::LowMedium => ("low_medium", "Low, with one parameter at 3"),
        RiskBand::Medium => ("medium", "Medium"),
        RiskBand::High => ("high", "High"),
    };
    let mut codings = vec![json!({ "system": BANDS, "code": band })];
    // HL7's own scale has no step between low and moderate.
    let standard = match score.band {
        RiskBand::Low => Some("low"),
        RiskBand::LowMedium => None,
        RiskBand::Medium => Some("moderate"),
        RiskBand::High => Some("high"),
    };
    codings.extend(standard.map(|code| json!({ "system": RISK_PROBABILITY, "code": code })));
    json!({
        "outcome": { "text": "Clinical deterioration" },
        "qualitativeRisk": { "coding": codings, "text": text },
        "rationale": format!("{} of {}", score.name, score.value),
    })
}

fn notes(score: &Score<'_>) -> Value {
    let mut notes: Vec<String> = score.items.iter().map(explain).collect();
    if !score.missing.is_empty() {
        notes.push(format!("Not measured: {}. The total is a lower bound.", score.missing.join(", ")));
    }
    notes.extend(
        score.carried.iter().map(|carried| format!("{} was measured at {}", carried.parameter, carried.measured_at)),
    );
    notes.push(NOTE.to_owned());
    notes.into_iter().map(|text| json!({ "text": text })).collect()
}

fn explain(item: &RiskItem) -> String {
    format!("{}: {} ({}) gives {}", item.parameter, item.value, item.range, item.points)
}
