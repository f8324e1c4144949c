//! JSON that was sent by mistake or in malice: resources, lines and Kafka messages with bytes changed, cut, repeated and moved.
//! Each is read or refused, what is read can be read back from the log, and no memory is kept. (HL7 v2 and waveforms have
//! the same beside their decoders.)
//!
//! `HEALTHSYNC_MUTATIONS=1000000 cargo test --test monitors -- --nocapture mutated` for as many as that.
#![cfg(feature = "kafka")]

use healthsync_events::{EventBody, Timestamp};
use healthsync_fhir::{
    json,
    observation::{read, subject::alone},
    query,
    resource::Kind,
    search::Search,
};
use healthsync_kafka::reading::{self, Decoder, Envelope};
use healthsync_websocket::observation_line;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Instant,
};

/// Enough to see a mistake that one in some thousands brings out, in a few seconds.
const MUTATIONS: u64 = 30_000;

/// What memory may grow by while as many are read again as had been read before: what an allocator keeps.
const MAX_GROWTH: u64 = 64 * 1024 * 1024;

fn received() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":
"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":
"http://loinc.org","code":"85354-9"}],"text":"Pressão"},"subject":{"reference":"Patient/P1"},"effectiveDateTime":
"2026-01-02T03:04:05.123-03:00","identifier":[{"system":"urn:m","value":"7"}],"component":[{"code":{"coding":[{"system":
"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":1.2e2,"unit":"mmHg","system":"http://unitsofmeasure.org",
"code":"mm[Hg]"}},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80,
"system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"#;

const SEARCH: &str =
    "patient=P1&code=http://loinc.org|8867-4,8480-6&date=ge2026-01-01&date=lt2026-02&_count=20&_sort=-date";

const LINE: &str = r#"{"id":"m1","taken_at":"2026-01-02T03:04:05Z","patient":"P1","device":"M","heart_rate":80,"spo2":97.5,
"consciousness":"alert","supplemental_oxygen":false,"observations":[{"code":"loinc:9279-1","value":16,"unit":"/min"}]}"#;

const MESSAGE: &str = r#"{"version":1,"message_id":"7","taken_at":"2026-01-02T03:04:05Z","patient":"P1","source":{"application":
"M","facility":"ICU"},"vitals":{"heart_rate":80,"spo2":97,"temperature":37.1,"consciousness":"voice"}}"#;

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 += 1;
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        (hasher.finish() % bound.max(1) as u64) as usize
    }

    fn mutated(&mut self, seed: &str) -> Vec<u8> {
        const TELLING: [&str; 14] = [
            "\"",
            "{",
            "}",
            "[[[[",
            "]",
            ":",
            ",",
            "\\u0000",
            "null",
            "-1e999",
            "\u{ff}",
            "9007199254740993",
            "true",
            "=&",
        ];
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + self.below(40)).min(bytes.len());
            let part = bytes[at..end].to_vec();
            let to = self.below(bytes.len());
            match self.below(5) {
                0 => drop(bytes.splice(at..(at + 1).min(bytes.len()), [self.below(256) as u8])),
                1 => drop(bytes.splice(at..at, TELLING[self.below(TELLING.len())].bytes())),
                2 => drop(bytes.drain(at..end)),
                3 => drop(bytes.splice(to..to, part)),
                _ => bytes.truncate(at.max(2)),
            }
        }
        bytes
    }
}

/// Lets `decoder` read mutations of `seed`; it says whether it took one.
fn mutated(name: &str, seed: &str, mut decoder: impl FnMut(&[u8]) -> bool) {
    assert!(decoder(seed.as_bytes()), "{name} without a mutation");
    let wanted = std::env::var("HEALTHSYNC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTATIONS);
    let (mut random, mut taken, mut resident, begun) = (Random(0), 0u64, 0, Instant::now());
    for n in 0..wanted {
        taken += u64::from(decoder(&random.mutated(seed)));
        if n == wanted / 2 {
            resident = resident_bytes();
        }
    }
    let growth = resident_bytes().saturating_sub(resident);
    println!("{name}: {wanted} mutated, {taken} taken, {:.1} s, growth {growth} bytes", begun.elapsed().as_secs_f64());
    assert!(taken > wanted / 1_000 && taken < wanted, "{name}: {taken} of {wanted}");
    assert!(growth < MAX_GROWTH, "{name}: {growth} bytes more");
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

/// What is recorded can be read again.
fn in_the_log(body: &EventBody) {
    let text = serde_json::to_string(body).unwrap();
    let again: EventBody = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

#[test]
fn mutated_json_is_read_or_refused_and_leaves_nothing_behind() {
    mutated("FHIR Observation", OBSERVATION, |bytes| {
        let Ok(resource) = json::read(bytes) else { return false };
        let taken = read::observation(&resource, &alone, None);
        taken.map(|incoming| in_the_log(&incoming.body)).is_ok()
    });
    mutated("FHIR search", SEARCH, |bytes| {
        let pairs = query::pairs(&String::from_utf8_lossy(bytes));
        Search::read(Kind::Observation, &pairs, false).is_ok()
    });
    mutated("line of JSON", &LINE.replace('\n', ""), |bytes| {
        let taken = observation_line(bytes, received());
        taken.map(|(observed, _)| in_the_log(&EventBody::VitalsObserved(observed))).is_ok()
    });
    let hl7: Decoder = Arc::new(|_, _| Err("not part of this test".into()));
    mutated("Kafka message", MESSAGE, |bytes| {
        let envelope = Envelope { key: Some(b"P1"), content_type: None, payload: bytes };
        reading::read(envelope, &hl7, received()).is_ok()
    });
}
