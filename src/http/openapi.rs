//! The OpenAPI document and its page. Paths are described where they are handled; the shapes they carry come
//! from the event vocabulary's own JSON Schema, which OpenAPI 3.1 takes as it is.

use super::{
    error::Problem, events, fhir, images, invitations, monitoring, observations, ops, pools, sessions, ward, waveforms,
    whep, whip,
};
use axum::Router;
use healthsync_events::{
    Event, NewSession, Receipt, SessionSummary, UnmappedCode, UnmatchedMessage,
    envelope::{StreamCommand, StreamNotice},
    scribe::ReportReady,
    transcript::Transcript,
    ward::{WardMessage, WardSnapshot},
    waveform::WaveformNotice,
};
use healthsync_websocket::{LineResult, ObservationLine};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "HealthSync",
        description = "A live clinical co-pilot for telemedicine. Decision support, not diagnosis."
    ),
    paths(
        sessions::create,
        sessions::list,
        sessions::summary,
        sessions::end,
        sessions::transcript,
        sessions::report,
        observations::record,
        observations::unmatched,
        observations::unmapped,
        events::stream,
        waveforms::connect,
        ward::snapshot,
        ward::live,
        invitations::create,
        fhir::metadata,
        fhir::create,
        fhir::search,
        fhir::subscribe,
        invitations::show,
        monitoring::show,
        monitoring::change,
        monitoring::standing,
        monitoring::acknowledge,
        monitoring::silence,
        images::upload,
        images::preview,
        whip::offer,
        whip::trickle,
        whip::close,
        whep::offer,
        whep::trickle,
        whep::close,
        pools::list,
        pools::show,
        pools::change,
        pools::reload,
        pools::promote,
        pools::roll_back,
        ops::livez,
        ops::readyz,
        ops::metrics
    ),
    components(schemas(Problem))
)]
struct Paths;

/// The document, with the vocabulary's schemas among its components.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    add::<Event>(&mut generator);
    add::<StreamNotice>(&mut generator);
    add::<StreamCommand>(&mut generator);
    add::<NewSession>(&mut generator);
    add::<SessionSummary>(&mut generator);
    add::<Receipt>(&mut generator);
    add::<Transcript>(&mut generator);
    add::<ReportReady>(&mut generator);
    add::<UnmatchedMessage>(&mut generator);
    add::<UnmappedCode>(&mut generator);
    add::<ObservationLine>(&mut generator);
    add::<LineResult>(&mut generator);
    add::<WardSnapshot>(&mut generator);
    add::<WardMessage>(&mut generator);
    add::<WaveformNotice>(&mut generator);
    let mut document = serde_json::to_value(Paths::openapi()).unwrap_or_default();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(generator.take_definitions(true));
        for (list, item) in
            [("SessionList", "SessionSummary"), ("UnmatchedList", "UnmatchedMessage"), ("UnmappedList", "UnmappedCode")]
        {
            let items = serde_json::json!({ "$ref": format!("#/components/schemas/{item}") });
            schemas.insert(list.into(), serde_json::json!({ "type": "array", "items": items }));
        }
    }
    document
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

pub fn page() -> Router {
    SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", document()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_in_the_document_resolves() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                    Value::String(text) if key == "$ref" => found.push(text.clone()),
                    _ => references(value, found),
                }),
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "the document refers to the vocabulary");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} does not resolve");
        }
    }
}
