//! An event as a record: its JSON, with the attributes of `CloudEvents` 1.0 in the headers (Kafka protocol binding,
//! binary content mode), so that a reader can route and de-duplicate without reading it.

use healthsync_events::Event;
use rdkafka::message::{Header, OwnedHeaders};

/// What records are keyed by: records of one key stay in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Key {
    #[default]
    Session,
    /// The identifier the hospital gave the patient.
    Patient,
}

pub(super) fn payload(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(event)
}

/// `session/seq`: the same for an event however often it is sent.
pub(super) fn id(event: &Event) -> String {
    format!("{}/{}", event.session, event.seq)
}

pub(super) fn headers(event: &Event) -> OwnedHeaders {
    let session = event.session.to_string();
    let texts = [
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", id(event)),
        ("ce_source", format!("/api/v1/sessions/{session}")),
        ("ce_type", event.body.kind().to_owned()),
        ("ce_time", event.at.to_string()),
        ("ce_session", session),
        ("ce_sequence", event.seq.to_string()),
        ("content-type", "application/json".to_owned()),
    ];
    let headers = OwnedHeaders::new_with_capacity(texts.len());
    texts.iter().fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{EventBody, NewEvent, Seq, SessionId, Timestamp, scribe::ReportRequested};
    use rdkafka::message::Headers as _;

    #[test]
    fn headers_say_what_event_it_is() {
        let session = SessionId(uuid::Uuid::from_u128(7));
        let body = EventBody::ReportRequested(ReportRequested { languages: Vec::new() });
        let event = NewEvent { at: Timestamp::from_millis(0), body }.sequenced(session, Seq(12));
        let headers = headers(&event);
        let of = |key: &str| {
            let header = headers.iter().find(|header| header.key == key).unwrap();
            std::str::from_utf8(header.value.unwrap()).unwrap().to_owned()
        };
        assert_eq!(of("ce_id"), "00000000-0000-0000-0000-000000000007/12");
        assert_eq!(of("ce_type"), "report.requested");
        assert_eq!(of("ce_time"), "1970-01-01T00:00:00Z");
        assert_eq!((of("ce_specversion"), of("ce_sequence")), ("1.0".into(), "12".into()));
        assert_eq!(serde_json::from_slice::<Event>(&payload(&event).unwrap()).unwrap(), event);
    }
}
