//! What a request's headers say: the format of what comes in and goes out, and what is preferred.

use crate::{
    issue::{Code, Failure, Issue},
    query,
};
use axum::http::{HeaderMap, header};

/// How parameters are written in a body.
const FORM: &str = "application/x-www-form-urlencoded";

/// What the answer to a creation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    Minimal,
    Representation,
    Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    pub answer: Return,
    /// `handling=lenient`: parameters that are not known are left out.
    pub lenient: bool,
}

/// Reads `Accept`, `_format` and `Prefer`; 406 where JSON will not do.
pub fn preferences(headers: &HeaderMap, query: &str) -> Result<Preferences, Failure> {
    let format = query::pairs(query).into_iter().find(|(name, _)| name == "_format");
    let accepted = match &format {
        // A plus sign that was not escaped has become a space.
        Some((_, format)) => {
            matches!(essence(&format.replace(' ', "+")).as_str(), "json" | "application/json" | "application/fhir+json")
        }
        None => header_text(headers, header::ACCEPT).is_none_or(|accept| accept.split(',').any(acceptable)),
    };
    if !accepted {
        return Err(Failure::new(
            406,
            Issue::error(Code::NotSupported, "only application/fhir+json is written, version 4.0"),
        ));
    }
    let mut preferences = Preferences { answer: Return::Minimal, lenient: false };
    for line in headers.get_all("prefer") {
        for preference in line.to_str().unwrap_or_default().split([',', ';']) {
            match preference.trim().to_ascii_lowercase().as_str() {
                "return=minimal" => preferences.answer = Return::Minimal,
                "return=representation" => preferences.answer = Return::Representation,
                "return=operationoutcome" => preferences.answer = Return::Outcome,
                "handling=lenient" => preferences.lenient = true,
                "handling=strict" => preferences.lenient = false,
                _ => {}
            }
        }
    }
    Ok(preferences)
}

/// 415 unless the body is JSON of FHIR R4 in UTF-8.
pub fn content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let refuse = |what: &'static str| Err(Failure::new(415, Issue::error(Code::NotSupported, what)));
    let Some(text) = header_text(headers, header::CONTENT_TYPE) else {
        return refuse("Content-Type is missing: application/fhir+json is taken");
    };
    if !matches!(essence(text).as_str(), "application/fhir+json" | "application/json") {
        return refuse("only application/fhir+json is taken");
    }
    match (parameter(text, "charset"), is_r4(text)) {
        (Some(charset), _) if charset != "utf-8" => refuse("only UTF-8 is taken"),
        (_, false) => refuse("only FHIR version 4.0 is taken"),
        _ => Ok(()),
    }
}

/// 415 unless the body is a form.
pub fn form_type(headers: &HeaderMap) -> Result<(), Failure> {
    if header_text(headers, header::CONTENT_TYPE).is_some_and(|text| essence(text) == FORM) {
        return Ok(());
    }
    Err(Failure::new(415, Issue::error(Code::NotSupported, "only application/x-www-form-urlencoded is taken")))
}

fn acceptable(range: &str) -> bool {
    let refused = parameter(range, "q").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
    let known = ["*/*", "application/*", "application/json", "application/fhir+json"];
    !refused && known.contains(&essence(range).as_str()) && is_r4(range)
}

fn is_r4(text: &str) -> bool {
    parameter(text, "fhirversion").is_none_or(|version| version == "4.0" || version == "4.0.1")
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn parameter(text: &str, wanted: &str) -> Option<String> {
    let parameters = text.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut named = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    named.next().map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn json_of_r4_is_written_and_nothing_else() {
        for accept in [
            "*/*",
            "application/fhir+json",
            "text/html, application/json;q=0.9",
            "application/fhir+json; fhirVersion=4.0",
        ] {
            assert!(preferences(&headers("accept", accept), "").is_ok(), "{accept}");
        }
        for accept in
            ["application/fhir+xml", "text/html", "application/fhir+json; fhirVersion=5.0", "application/json;q=0"]
        {
            assert_eq!(preferences(&headers("accept", accept), "").unwrap_err().status, 406, "{accept}");
        }
        assert!(preferences(&headers("accept", "text/html"), "_format=application/fhir+json").is_ok());
        assert!(preferences(&HeaderMap::new(), "_format=xml").is_err());
    }

    #[test]
    fn json_in_utf_8_is_taken_and_nothing_else() {
        for content in
            ["application/fhir+json", "application/json; charset=UTF-8", "application/fhir+json;fhirVersion=\"4.0\""]
        {
            assert!(content_type(&headers("content-type", content)).is_ok(), "{content}");
        }
        for content in [
            "text/plain",
            "application/fhir+xml",
            "application/fhir+json; charset=latin1",
            "application/json; fhirVersion=3.0",
        ] {
            assert_eq!(content_type(&headers("content-type", content)).unwrap_err().status, 415, "{content}");
        }
        assert!(content_type(&HeaderMap::new()).is_err());
        let form = headers("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
        assert!(form_type(&form).is_ok() && content_type(&form).is_err());
        assert_eq!(form_type(&headers("content-type", "application/json")).unwrap_err().status, 415);
    }

    #[test]
    fn preferences_are_read() {
        let read = |text: &str| preferences(&headers("prefer", text), "").unwrap();
        assert_eq!(read("return=representation").answer, Return::Representation);
        assert_eq!(
            read("return=OperationOutcome, handling=lenient"),
            Preferences { answer: Return::Outcome, lenient: true }
        );
        assert_eq!(read("respond-async").answer, Return::Minimal);
    }
}
