//! What a learned model expects as `RiskAssessment`. Pure.

use crate::{
    names::MODELS,
    resource::{Context, Kind},
    risk::{NOTE, basis, performer, provenance},
};
use healthsync_events::{
    Event, Timestamp,
    prediction::{Contribution, RiskPredicted},
};
use serde_json::{Value, json};

/// Effects that are told, the strongest: the rest moves the chance by little.
const STRONGEST: usize = 5;

const HOUR_MS: i64 = 3_600_000;

pub fn assessment(event: &Event, predicted: &RiskPredicted, context: &Context<'_>) -> Value {
    let model = &predicted.provenance.model;
    let mut resource = context.head(Kind::RiskAssessment, event, 0, "subject");
    resource["extension"] = json!([provenance(model)]);
    resource["status"] = json!("final");
    let named = format!("{} {}, weights SHA-256 {}", model.name, model.version, model.weights_sha256);
    let coding = json!({ "system": MODELS, "version": model.version, "code": model.name });
    resource["method"] = json!({ "coding": [coding], "text": named });
    resource["encounter"] = context.encounter();
    resource["occurrenceDateTime"] = json!(event.at.to_string());
    resource["performer"] = performer(model);
    if let Some(basis) = basis(&predicted.provenance, context) {
        resource["basis"] = basis;
    }
    resource["prediction"] = json!([prediction(event.at, predicted)]);
    resource["note"] = notes(predicted);
    resource
}

fn prediction(at: Timestamp, predicted: &RiskPredicted) -> Value {
    let end = Timestamp::from_millis(at.millis() + i64::from(predicted.within_hours) * HOUR_MS);
    // R4 has decimals of a probability in percent (RiskAssessment.prediction.probability[x], ras-2). A hundredth of a
    // percent is less than any calibration knows.
    let percent = (predicted.probability * 10_000.0).round() / 100.0;
    json!({
        "outcome": { "text": capitalised(&predicted.outcome) },
        "probabilityDecimal": percent,
        "whenPeriod": { "start": at.to_string(), "end": end.to_string() },
        "rationale": format!("{percent} % within {} hours", predicted.within_hours),
    })
}

fn notes(predicted: &RiskPredicted) -> Value {
    let strongest = predicted.contributions.iter().take(STRONGEST);
    let mut notes: Vec<String> = strongest.map(explain).collect();
    let record = predicted.record_hours;
    notes.push(format!("Rests on {record} {} of this patient's record.", if record == 1 { "hour" } else { "hours" }));
    if !predicted.missing.is_empty() {
        notes.push(format!("Not measured: {}.", predicted.missing.join(", ")));
    }
    notes.push(NOTE.to_owned());
    notes.into_iter().map(|text| json!({ "text": text })).collect()
}

fn explain(effect: &Contribution) -> String {
    let direction = if effect.effect < 0.0 { "lowers" } else { "raises" };
    let measured = match effect.hours_ago {
        0 => "within the hour".to_owned(),
        1 => "an hour ago".to_owned(),
        hours => format!("{hours} hours ago"),
    };
    let by = effect.effect.abs();
    format!("{}: {}, measured {measured}, {direction} the log-odds by {by:.2}", effect.parameter, effect.value)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::resource::of_event;
    use healthsync_events::{EventBody, ModelInfo, PatientId, Seq, SessionId, VERSION, risk::ScoreName};
    use uuid::Uuid;

    fn contribution(parameter: &str, value: &str, hours_ago: u32, effect: f64) -> Contribution {
        Contribution { parameter: parameter.into(), value: value.into(), hours_ago, effect }
    }

    pub fn predicted() -> RiskPredicted {
        let mut contributions = vec![
            contribution("temperature", "39.4 °C", 0, 0.914),
            contribution("spo2", "99 %", 1, -0.25),
            contribution("heart_rate", "132 /min", 3, 0.2),
        ];
        contributions.extend((0..4).map(|n| contribution(&format!("weak_{n}"), "1", 0, 0.01)));
        let model = ModelInfo { name: "deteriorate".into(), version: "1.2".into(), weights_sha256: "ab".repeat(32) };
        RiskPredicted {
            outcome: "sepsis".into(),
            within_hours: 6,
            probability: 0.123_456,
            log_odds: -1.96,
            record_hours: 4,
            contributions,
            missing: vec!["lactate".into(), "creatinine".into()],
            provenance: model.with_inputs(vec![Seq(5), Seq(6), Seq(7)]),
        }
    }

    fn written(predicted: RiskPredicted) -> Value {
        let (session, patient) = (SessionId(Uuid::nil()), PatientId::new("P1").unwrap());
        let at = Timestamp::from_millis(1_795_435_200_000);
        let event = Event { v: VERSION, session, seq: Seq(9), at, body: EventBody::RiskPredicted(predicted) };
        // 6 is no Observation.
        let is_one = |seq: Seq, kind: Kind| kind == Kind::Observation && seq != Seq(6);
        let part = |seq, kind, _: Option<ScoreName>| is_one(seq, kind).then_some(0);
        let context = Context { session, patient: &patient, ended: &|_| None, part: &part };
        assert_eq!(Kind::of(&event.body), Some(Kind::RiskAssessment));
        of_event(&event, &context).remove(0)
    }

    #[test]
    fn a_prediction_is_told_in_percent_with_its_time_its_model_and_what_it_rests_on() {
        let shown = written(predicted());
        assert_eq!((&shown["id"], &shown["status"]), (&json!(format!("{}-9", Uuid::nil())), &json!("final")));
        let prediction = &shown["prediction"][0];
        assert_eq!(prediction["outcome"]["text"], "Sepsis");
        assert_eq!(prediction["probabilityDecimal"], 12.35);
        let period = json!({ "start": "2026-11-23T12:00:00Z", "end": "2026-11-23T18:00:00Z" });
        assert_eq!(prediction["whenPeriod"], period);
        let method = &shown["method"];
        let coding = json!({ "system": MODELS, "code": "deteriorate", "version": "1.2" });
        assert_eq!(method["coding"], json!([coding]));
        assert!(method["text"].as_str().unwrap().ends_with(&"ab".repeat(32)), "the hash of the weights");
        assert_eq!(shown["extension"][0]["extension"][2]["valueString"], "ab".repeat(32));
        let reference = |seq: u64| json!({ "reference": format!("Observation/{}-{seq}", Uuid::nil()) });
        assert_eq!(shown["basis"], json!([reference(5), reference(7)]));
    }

    #[test]
    fn the_strongest_effects_and_what_is_missing_are_notes() {
        let shown = written(predicted());
        let notes: Vec<&str> = shown["note"].as_array().unwrap().iter().map(|n| n["text"].as_str().unwrap()).collect();
        assert_eq!(notes.len(), STRONGEST + 3);
        assert_eq!(notes[0], "temperature: 39.4 °C, measured within the hour, raises the log-odds by 0.91");
        assert_eq!(notes[1], "spo2: 99 %, measured an hour ago, lowers the log-odds by 0.25");
        assert_eq!(notes[STRONGEST], "Rests on 4 hours of this patient's record.");
        assert_eq!(notes[STRONGEST + 1], "Not measured: lactate, creatinine.");
        assert_eq!(notes[STRONGEST + 2], NOTE);
    }

    #[test]
    fn a_chance_is_at_most_a_hundred_percent() {
        for (probability, percent) in [(0.0, 0.0), (1.0, 100.0), (0.000_04, 0.0), (0.000_06, 0.01)] {
            let shown = written(RiskPredicted { probability, ..predicted() });
            assert_eq!(shown["prediction"][0]["probabilityDecimal"], percent, "{probability}");
        }
    }
}
