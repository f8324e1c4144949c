//! Scores as `RiskAssessment`. Pure.
//!
//! R4 has no place for a score's points: they are an extension, with the items that made it, and once more as notes that
//! people read.

use crate::{
    names::{BANDS, MODELS, PROVENANCE, RISK_PROBABILITY, SCORE, SCORE_ITEM, SCORES},
    resource::{Context, Kind},
};
use healthsync_events::{
    Event, Seq,
    provenance::{ModelInfo, Provenance},
    risk::{RiskBand, RiskItem, RiskScored},
};
use serde_json::{Value, json};

/// Stands with every score.
const NOTE: &str = "Computed for decision support; not a diagnosis.";

pub fn assessment(event: &Event, scored: &RiskScored, context: &Context<'_>) -> Value {
    let mut resource = context.head(Kind::RiskAssessment, event, 0, "subject");
    resource["extension"] = json!([provenance(&scored.provenance.model), score(scored)]);
    resource["status"] = json!(if scored.missing.is_empty() { "final" } else { "preliminary" });
    resource["method"] = json!({ "coding": [{ "system": SCORES, "code": scored.score }], "text": scored.score });
    resource["encounter"] = context.encounter();
    resource["occurrenceDateTime"] = json!(event.at.to_string());
    resource["performer"] = performer(&scored.provenance.model);
    if let Some(basis) = basis(&scored.provenance, context) {
        resource["basis"] = basis;
    }
    resource["prediction"] = json!([prediction(scored)]);
    resource["note"] = notes(scored);
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

/// Observations that the score rests on.
fn basis(provenance: &Provenance, context: &Context<'_>) -> Option<Value> {
    let reference = |seq: &Seq| json!({ "reference": format!("Observation/{}", context.id(*seq, 0)) });
    let references: Vec<Value> = provenance.inputs.iter().map(reference).collect();
    (!references.is_empty()).then(|| references.into())
}

fn score(scored: &RiskScored) -> Value {
    let item = |item: &RiskItem| {
        let part = |url: &str, text: &str| json!({ "url": url, "valueString": text });
        json!({ "url": SCORE_ITEM, "extension": [
            part("parameter", &item.parameter),
            part("value", &item.value),
            part("range", &item.range),
            { "url": "points", "valueInteger": item.points },
        ] })
    };
    let mut parts = vec![json!({ "url": "total", "valueInteger": scored.total })];
    parts.extend(scored.items.iter().map(item));
    parts.extend(scored.missing.iter().map(|name| json!({ "url": "missing", "valueString": name })));
    json!({ "url": SCORE, "extension": parts })
}

fn prediction(scored: &RiskScored) -> Value {
    let (band, text) = match scored.band {
        RiskBand::Low => ("low", "Low"),
        RiskBand::LowMedium => ("low_medium", "Low, with one parameter at 3"),
        RiskBand::Medium => ("medium", "Medium"),
        RiskBand::High => ("high", "High"),
    };
    let mut codings = vec![json!({ "system": BANDS, "code": band })];
    // HL7's own scale has no step between low and moderate.
    let standard = match scored.band {
        RiskBand::Low => Some("low"),
        RiskBand::LowMedium => None,
        RiskBand::Medium => Some("moderate"),
        RiskBand::High => Some("high"),
    };
    codings.extend(standard.map(|code| json!({ "system": RISK_PROBABILITY, "code": code })));
    json!({
        "outcome": { "text": "Clinical deterioration" },
        "qualitativeRisk": { "coding": codings, "text": text },
        "rationale": format!("{} of {}", scored.score, scored.total),
    })
}

fn notes(scored: &RiskScored) -> Value {
    let mut notes: Vec<String> = scored.items.iter().map(explain).collect();
    if !scored.missing.is_empty() {
        notes.push(format!("Not measured: {}. The total is a lower bound.", scored.missing.join(", ")));
    }
    notes.push(NOTE.to_owned());
    notes.into_iter().map(|text| json!({ "text": text })).collect()
}

fn explain(item: &RiskItem) -> String {
    format!("{}: {} ({}) gives {}", item.parameter, item.value, item.range, item.points)
}
