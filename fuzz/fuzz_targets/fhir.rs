//! Bytes on the FHIR door: a resource, read as an Observation; what is taken of it is written and read again. Searches,
//! identifiers and conditions as well.
#![no_main]

use healthsync_events::{Event, PatientId, Seq, SessionId, Timestamp, VERSION};
use healthsync_fhir::{
    bundle, json,
    observation::{read, subject::alone},
    query,
    resource::{Context, Id, Kind, of_event},
    search::Search,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (text.parse::<Id>(), bundle::condition(text));
        for kind in Kind::ALL {
            let _ = Search::read(kind, &query::pairs(text), true);
        }
    }
    let Ok(resource) = json::read(bytes) else { return };
    let Ok(incoming) = read::observation(&resource, &alone, None) else { return };
    let patient: &PatientId = &incoming.patient;
    let session: SessionId = "01985b1e-7c00-7000-8000-000000000001".parse().unwrap();
    let event = Event { v: VERSION, session, seq: Seq(1), at: Timestamp::from_millis(0), body: incoming.body };
    for written in of_event(&event, &Context { session, patient, ended: &|_| None, part: &|_, _, _| None }) {
        let read = json::read(written.to_string().as_bytes()).expect("what is written is FHIR");
        read::observation(&read, &alone, None).expect("what is written can be read");
    }
});
