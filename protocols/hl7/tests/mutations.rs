//! What is sent by mistake or in malice: messages with bytes changed, cut, repeated and moved, through everything that
//! reads them. No panic, no answer that cannot be read, and no memory kept.
//!
//! `HEALTHSYNC_MUTATIONS=1000000 cargo test -p healthsync-hl7 --test mutations -- --nocapture` for as many as that.

use bytes::BytesMut;
use healthsync_events::Timestamp;
use healthsync_hl7::{
    Message,
    ack::{self, Ack, Answer, Outcome},
    adt,
    frame::{Frame, Mllp},
    header::Header,
    memory::Memory,
    oru::{self, Clock},
    problem::Problem,
    time::Zone,
};
use std::{sync::Arc, time::Instant};
use tokio_util::codec::Decoder as _;

/// Enough to see a mistake that one in some thousands brings out, in a few seconds.
const MUTATIONS: u64 = 30_000;

const SEEDS: [&[u8]; 5] = [
    b"MSH|^~\\&|MON|ICU|HS|H|20260102030405+0000||ORU^R01^ORU_R01|42|P|2.6|||AL|ER||UNICODE UTF-8\r\
      PID|||X9^^^A^PI~P1^^^H^MR||Doe^J\\E\\n\rPV1||I|ICU^3^B\rOBR|1|||85353-1^Vitals^LN|||20260102030000-0300\r\
      OBX|1|NM|8867-4^HR^LN||118|{beats}/min^^UCUM|||||F|||20260102030400\r\
      OBX|2|SN|59408-5^SpO2^LN||=^97|%|||||P\rOBX|3|NM|8310-5^T^LN||101.3|[degF]|||||C\r\
      OBX|4|NM|9279-1^RR^LN||20|/min|||||D\rOBX|5|ST|80288-4^LOC^LN||V||||||F\rNTE|1||a\\.br\\b\\X41\\\r",
    b"MSH|^~\\&|GW^00A037^EUI-64|H|HS|H|20260102030405||ORU^R40^ORU_R40|7|P|2.6||||||8859/1\rPID|||P1\r\
      OBR|1|||196616^MDC_EVT_ALARM^MDC|||20260102030400+0000\r\
      OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.0|196674^MDC_EVT_LO_VAL_LT_LIM^MDC||||||R\r\
      OBX|2|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.1|84|262688^MDC_DIM_PERCENT^MDC|90-100||||R\r\
      OBX|3|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.2|start||||||R\r",
    b"MSH|^~\\&|ADT|H|HS|H|20260102030405||ADT^A40^ADT_A39|8|P|2.3\rEVN|A40|20260102\r\
      PID|1||P1^^^H^MR||||19800101\rMRG|OLD^^^H^MR\rPV1||I|ICU^3^B^H\r",
    b"MSH#*~!$#M#I#HS#H#202601020304##ORU*R30#9#P#2.5##########ISO IR87\rPID###P!S!1*$x*$\rOBX#1#NM#8867-4##80#/min",
    b"MSH|^~\\&|M|I|HS|H|20260102||ORU^R01|1|P|2.4\nPID|||P1\nOBX|1|NM|8480-6||16|kPa|||||W\nOBX|2|NM|x||||||||U\n",
];

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same mutations in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    const TELLING: &[u8] = b"|^~\\&\r\n\x0b\x1c\0\"{}.+-09XF\xc3\xff\x1b";
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            1 if !bytes.is_empty() => bytes[at] = TELLING[random.below(TELLING.len())],
            2 => bytes.insert(at, TELLING[random.below(TELLING.len())]),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            5 => bytes.truncate(at.max(8)),
            _ => {
                let other = SEEDS[random.below(SEEDS.len())];
                let from = random.below(other.len());
                bytes.splice(at..end, other[from..].iter().copied().take(60));
            }
        }
    }
}

/// Reads a message as the server does; whether it was one.
fn read(message: &[u8], memory: &mut Memory) -> bool {
    let Ok(parsed) = Message::parse(message) else { return false };
    let header = Header::read(&parsed, Zone::UTC);
    let clock = Clock { received: Timestamp::from_millis(1_800_000_000_000), zone: Zone::UTC };
    let sender = (header.application.as_str(), header.facility.as_str());
    let seen = memory.look(sender, &header.control_id, message, clock.received, header.sent_at);
    let (outcome, problems) = match header.check(&parsed) {
        Ok(()) if header.kind == "ADT" => match adt::decode(&parsed, &header, clock) {
            Ok(_) => (Outcome::Accepted, Vec::new()),
            Err(error) => (Outcome::Kept, vec![Problem::of_message(error)]),
        },
        Ok(()) => match oru::decode(&parsed, &header, clock) {
            Ok(oru) => {
                // What goes into the log can be read back.
                for said in &oru.patients {
                    let text = serde_json::to_string(&said.observed).unwrap();
                    assert_eq!(serde_json::from_str::<Option<_>>(&text).unwrap(), said.observed);
                }
                (Outcome::Accepted, oru.problems)
            }
            Err(error) => (Outcome::Kept, vec![Problem::of_message(error)]),
        },
        Err(error) => (Outcome::Refused, vec![Problem::of_message(error)]),
    };
    let answer = Arc::new(Answer { outcome, problems });
    for written in ack::write(&header, &answer, clock.received, || "1".into()) {
        assert!(!written.iter().any(|byte| matches!(byte, 0x0b | 0x1c)), "an answer fits its frame");
        Ack::read(&written).expect("an answer can be read");
    }
    memory.remember(sender, &header.control_id, seen.digest, answer);
    true
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

#[test]
fn mutated_messages_are_read_or_refused_and_leave_nothing_behind() {
    let wanted = std::env::var("HEALTHSYNC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTATIONS);
    let (mut random, mut memory, begun) = (Random(7), Memory::default(), Instant::now());
    let (mut messages, mut framed, mut resident) = (0u64, 0u64, 0);
    let (mut codec, mut buffer) = (Mllp::default(), BytesMut::new());
    for n in 0..wanted {
        let mut bytes = SEEDS[random.below(SEEDS.len())].to_vec();
        mutate(&mut random, &mut bytes);
        messages += u64::from(read(&bytes, &mut memory));
        buffer.extend_from_slice(b"\x0b");
        buffer.extend_from_slice(&bytes);
        buffer.extend_from_slice(b"\x1c\r");
        while let Ok(Some(frame)) = codec.decode(&mut buffer) {
            framed += u64::from(matches!(frame, Frame::Message(_)));
        }
        if codec.stray() > 60_000 {
            codec = Mllp::default();
        }
        // The memory of senders has filled by then.
        if n == wanted / 2 {
            resident = resident_bytes();
        }
    }
    let growth = resident_bytes().saturating_sub(resident);
    println!(
        "{wanted} mutated messages, {messages} with a header, {framed} frames, {:.1} s, growth in the second half {growth} bytes",
        begun.elapsed().as_secs_f64()
    );
    assert!(messages > wanted / 10 && framed >= wanted / 2, "{messages} of {wanted}, {framed} frames");
    assert!(growth < 64 * 1024 * 1024, "{growth} bytes more");
}
