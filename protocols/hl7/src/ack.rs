//! Acknowledgements: written by the server, read by the client. Original mode is one answer; in enhanced mode (MSH-15,
//! MSH-16) there is one that the message is safe and one that says what became of it, each if it is asked for.

use crate::{
    error::Hl7Error,
    header::{Header, Mode},
    message::{Delimiters, Message},
    problem::{Problem, describe},
    time,
    write::Writer,
};
use healthsync_events::Timestamp;

/// ERR segments of one answer: a sender whose every observation is unknown learns enough from these.
const MAX_PROBLEMS: usize = 32;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Taken, and durable; problems are warnings.
    Accepted,
    /// Not understood: kept as it is, durable, for a person to look at. Sending it again will not help.
    Kept,
    /// Not taken for what it is: of a type, event, version or length that is not for this server.
    Refused,
    /// Not taken now for the server's own reasons: it may be sent again.
    Failed,
}

impl Outcome {
    const fn is_safe(self) -> bool {
        matches!(self, Self::Accepted | Self::Kept)
    }

    /// MSA-1 of an application acknowledgement (HL7 table 0008).
    pub const fn application_code(self) -> &'static str {
        match self {
            Self::Accepted => "AA",
            Self::Kept => "AE",
            // "For reasons unrelated to its content or format" is a rejection too (chapter 2.9.2.2).
            Self::Refused | Self::Failed => "AR",
        }
    }

    /// MSA-1 of an accept acknowledgement.
    pub const fn accept_code(self) -> &'static str {
        match self {
            Self::Accepted | Self::Kept => "CA",
            Self::Refused => "CR",
            Self::Failed => "CE",
        }
    }
}

/// What a sender is told of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub outcome: Outcome,
    pub problems: Vec<Problem>,
}

/// The acknowledgements that the sender of a message with this header asks for, in their order. `next_id` gives each
/// its own MSH-10.
pub fn write(header: &Header, answer: &Answer, at: Timestamp, mut next_id: impl FnMut() -> String) -> Vec<Vec<u8>> {
    let Answer { outcome, problems } = answer;
    let (accept, application) = match header.mode {
        Mode::Original => (None, true),
        Mode::Enhanced { accept, application } => {
            let safe = outcome.is_safe();
            let told = accept.holds(safe).then(|| outcome.accept_code());
            // Nothing more follows the word that a message is not accepted.
            let follows = (safe || told.is_none()) && application.holds(*outcome == Outcome::Accepted);
            (told, follows)
        }
    };
    let application = application.then(|| outcome.application_code());
    // Problems are told once: with the last of the answers, which says what became of the message.
    let with_accept = if application.is_none() { &problems[..] } else { &[] };
    let accept = accept.map(|code| one(header, code, with_accept, at, &next_id(), "ACK"));
    let application = application.map(|code| one(header, code, problems, at, &next_id(), application_type(header)));
    accept.into_iter().chain(application).collect()
}

/// Observations at the point of care are answered by ORA, which would carry the number of an order placed for them:
/// none is placed here.
fn application_type(header: &Header) -> &'static str {
    if matches!(header.event.as_str(), "R30" | "R31" | "R32") { "ORA" } else { "ACK" }
}

fn one(header: &Header, code: &str, problems: &[Problem], at: Timestamp, id: &str, kind: &str) -> Vec<u8> {
    let or = |text: &str, default: &'static str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let mut writer = Writer::new(Delimiters::default());
    writer.field(&or(&header.receiving_application, "HEALTHSYNC")).field(&header.receiving_facility);
    writer.field(&header.application).field(&header.facility);
    writer.field(&time::write(at)).field("").field(kind);
    if kind == "ORA" {
        writer.component("R33").component("ORA_R33");
    } else {
        writer.component(&or(&header.event, "R01")).component("ACK");
    }
    writer.field(id).field(&or(&header.processing_id, "P")).field(&or(&header.version, "2.6"));
    if header.mode != Mode::Original {
        writer.skip(2).field("NE").field("NE");
    }
    if !header.charset_name.is_empty() {
        writer.skip(if header.mode == Mode::Original { 5 } else { 1 }).field(&header.charset_name);
    }
    writer.segment("MSA").field(code).field(&header.control_id);
    let old = is_before_2_5(&header.version);
    if let (true, Some(first)) = (old, problems.first()) {
        writer.field(&first.text);
    }
    for problem in problems.iter().take(MAX_PROBLEMS) {
        if old { old_error(&mut writer, problem) } else { error(&mut writer, problem) }
    }
    header.charset.encode(&writer.finish())
}

/// Versions before 2.5 have location and code in one field.
fn is_before_2_5(version: &str) -> bool {
    ["2.1", "2.2", "2.3", "2.4"].iter().any(|old| version.starts_with(old))
}

fn error(writer: &mut Writer, problem: &Problem) {
    writer.segment("ERR").field("").field("");
    if let Some(place) = problem.place {
        // The location goes into ERR-2: its first component is written with the field.
        writer.amend(place.segment).component(&place.sequence.to_string());
        if place.field > 0 {
            writer.component(&place.field.to_string());
        }
        if place.component > 0 {
            writer.component("1").component(&place.component.to_string());
        }
    }
    writer.field(&problem.code.to_string()).component(describe(problem.code)).component("HL70357");
    writer.field(problem.severity.as_str());
    writer.field(problem.reason).component("").component("L");
    writer.field("").field(&problem.text).field(&problem.text);
}

fn old_error(writer: &mut Writer, problem: &Problem) {
    writer.segment("ERR");
    match problem.place {
        Some(place) => {
            writer.field(place.segment).component(&place.sequence.to_string()).component(&place.field.to_string());
        }
        None => {
            writer.field("").component("").component("");
        }
    }
    writer.component(&problem.code.to_string()).subcomponent(describe(problem.code)).subcomponent("HL70357");
}

/// An acknowledgement as its receiver reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// MSA-1.
    pub code: String,
    /// MSA-2.
    pub message_id: String,
    /// ERR-8 of the first problem, if there is one.
    pub problem: Option<String>,
}

impl Ack {
    pub fn read(bytes: &[u8]) -> Result<Self, Hl7Error> {
        let message = Message::parse(bytes)?;
        let msa = message.segment("MSA").ok_or(Hl7Error::Missing("MSA"))?;
        let problem = message.segment("ERR").map(|err| err.value(8, 1).into_owned()).filter(|text| !text.is_empty());
        Ok(Self { code: msa.value(1, 1).into_owned(), message_id: msa.value(2, 1).into_owned(), problem })
    }

    pub fn is_accepted(&self) -> bool {
        matches!(self.code.as_str(), "AA" | "CA")
    }
}

/// The header of an answer that its own sender could read: of a message whose header could not be.
pub fn unreadable() -> Header {
    Header { version: "2.6".into(), mode: Mode::Original, ..Header::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{header::Condition, time::Zone};
    use healthsync_events::clinical::RejectionReason;

    const ALL: [Outcome; 4] = [Outcome::Accepted, Outcome::Kept, Outcome::Refused, Outcome::Failed];

    fn header(rest: &str) -> Header {
        let text = format!("MSH|^~\\&|MON|ICU|HS|HO\\T\\SP|20260102030405||ORU^R01|a\\F\\b|P|{rest}\r");
        Header::read(&Message::parse(text.as_bytes()).unwrap(), Zone::UTC)
    }

    fn texts(header: &Header, outcome: Outcome, problems: Vec<Problem>) -> Vec<String> {
        let answers = write(header, &Answer { outcome, problems }, Timestamp::from_millis(0), || "1".into());
        answers.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    fn codes(header: &Header, outcome: Outcome) -> Vec<String> {
        texts(header, outcome, Vec::new()).iter().map(|text| Ack::read(text.as_bytes()).unwrap().code).collect()
    }

    #[test]
    fn an_acknowledgement_names_the_message_and_turns_sender_and_receiver_round() {
        let problem = Problem::of_observation(3, RejectionReason::UnitMismatch);
        let answers = texts(&header("2.6"), Outcome::Accepted, vec![problem]);
        assert_eq!(
            answers[0],
            "MSH|^~\\&|HS|HO\\T\\SP|MON|ICU|19700101000000+0000||ACK^R01^ACK|1|P|2.6\rMSA|AA|a\\F\\b\r\
             ERR||OBX^3^6|103^Table value not found^HL70357|W|unit_mismatch^^L||\
             the unit does not fit the code: kept as sent|the unit does not fit the code: kept as sent\r"
        );
        assert_eq!(Ack::read(answers[0].as_bytes()).unwrap().message_id, "a|b");
    }

    #[test]
    fn in_original_mode_there_is_one_answer() {
        let codes = ALL.map(|outcome| codes(&header("2.6"), outcome).join(" "));
        assert_eq!(codes, ["AA", "AE", "AR", "AR"]);
    }

    #[test]
    fn in_enhanced_mode_there_is_what_was_asked_for() {
        for (asked, expected) in [
            ("AL|AL", ["CA AA", "CA AE", "CR", "CE"]),
            ("AL|NE", ["CA", "CA", "CR", "CE"]),
            ("NE|AL", ["AA", "AE", "AR", "AR"]),
            ("ER|ER", ["", "AE", "CR", "CE"]),
            ("SU|SU", ["CA AA", "CA", "", ""]),
            ("NE|NE", ["", "", "", ""]),
            ("ER|AL", ["AA", "AE", "CR", "CE"]),
        ] {
            let header = header(&format!("2.6|||{asked}"));
            assert_eq!(ALL.map(|outcome| codes(&header, outcome).join(" ")), expected, "{asked}");
        }
    }

    #[test]
    fn problems_are_told_with_the_last_answer_only() {
        let problem = || vec![Problem::of_message(Hl7Error::Missing("PID-3"))];
        let answers = texts(&header("2.6|||AL|AL"), Outcome::Kept, problem());
        assert!(!answers[0].contains("ERR") && answers[1].contains("ERR||PID^1^3|101^"));
        assert!(answers[0].contains("|NE|NE\r"), "an answer wants no answer");
        assert!(texts(&header("2.6|||AL|NE"), Outcome::Kept, problem())[0].contains("ERR||PID^1^3"));
    }

    #[test]
    fn a_sender_of_an_old_version_is_answered_in_it() {
        let answers = texts(&header("2.3.1"), Outcome::Kept, vec![Problem::of_message(Hl7Error::Missing("PID-3"))]);
        assert!(answers[0].contains("|2.3.1\rMSA|AE|a\\F\\b|PID-3 is missing or empty\r"));
        assert!(answers[0].ends_with("\rERR|PID^1^3^101&Required field missing&HL70357\r"), "{}", answers[0]);
    }

    #[test]
    fn an_answer_is_in_the_character_set_of_the_message() {
        let text = b"MSH|^~\\&|J\xe4|I|H|H|20260102||ORU^R01|1|P|2.6||||||8859/1\r";
        let header = Header::read(&Message::parse(text).unwrap(), Zone::UTC);
        let answer = Answer { outcome: Outcome::Accepted, problems: Vec::new() };
        let bytes = write(&header, &answer, Timestamp::from_millis(0), || "1".into()).remove(0);
        assert!(bytes.windows(3).any(|part| part == b"|J\xe4"));
        assert!(bytes.windows(13).any(|part| part == b"2.6||||||8859"));
        assert_eq!(Message::parse(&bytes).unwrap().segment("MSH").unwrap().field(5), "Jä");
    }

    #[test]
    fn answers_to_the_point_of_care_are_order_acknowledgements() {
        let text = b"MSH|^~\\&|M|I|H|H|20260102||ORU^R30^ORU_R30|1|P|2.6\r";
        let header = Header::read(&Message::parse(text).unwrap(), Zone::UTC);
        assert!(texts(&header, Outcome::Accepted, Vec::new())[0].contains("|ORA^R33^ORA_R33|"));
    }

    #[test]
    fn a_flood_of_problems_does_not_make_a_flood_of_an_answer() {
        let problems = (1..500).map(|n| Problem::of_observation(n, RejectionReason::UnknownCode)).collect();
        let answers = texts(&header("2.6"), Outcome::Accepted, problems);
        assert_eq!(answers[0].matches("\rERR|").count(), MAX_PROBLEMS);
    }

    #[test]
    fn conditions_are_what_table_0155_says() {
        assert!(Condition::Error.holds(false) && !Condition::Error.holds(true));
        assert!(Condition::Success.holds(true) && !Condition::Success.holds(false));
    }
}
