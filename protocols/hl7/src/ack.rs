//! Acknowledgements: written by the server, read by the client. Original mode; a sender that asks for enhanced
//! mode (MSH-15, MSH-16) gets the same application acknowledgement, which says more.

use crate::{
    message::{Hl7Error, Message},
    oru::Header,
};
use healthsync_events::Timestamp;

/// MSA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Taken, and durable.
    Accept,
    /// Not taken now: send it again.
    Error,
    /// Not taken, and sending it again will not help.
    Reject,
}

impl Code {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "AA",
            Self::Error => "AE",
            Self::Reject => "AR",
        }
    }
}

/// Writes an ACK^R01 for a message with this header. `problem` is a code of HL7 table 0357 and a text without
/// patient data.
pub fn write(header: &Header, code: Code, control_id: &str, at: Timestamp, problem: Option<(u16, &str)>) -> Vec<u8> {
    let stamp: String = at.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let safe = |text: &str| text.replace(['|', '^', '~', '\\', '&', '\r', '\n'], " ");
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { safe(text) };
    let mut ack = format!(
        "MSH|^~\\&|{}|{}|{}|{}|{stamp}+0000||ACK^R01^ACK|{control_id}|{}|{}\rMSA|{}|{}\r",
        or(&header.receiving_application, "HEALTHSYNC"),
        safe(&header.receiving_facility),
        safe(&header.application),
        safe(&header.facility),
        or(&header.processing_id, "P"),
        or(&header.version, "2.6"),
        code.as_str(),
        safe(&header.control_id),
    );
    if let Some((number, text)) = problem {
        ack.extend(["ERR|||", &number.to_string(), "^^HL70357|E||||", &safe(text), "\r"]);
    }
    ack.into_bytes()
}

/// An acknowledgement as its receiver reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// MSA-1.
    pub code: String,
    /// MSA-2.
    pub message_id: String,
    /// ERR-8, if there is one.
    pub problem: Option<String>,
}

impl Ack {
    pub fn read(bytes: &[u8]) -> Result<Self, Hl7Error> {
        let message = Message::parse(bytes)?;
        let msa = message.segment("MSA").ok_or(Hl7Error::Missing("MSA"))?;
        let problem = message.segment("ERR").map(|err| err.component(8, 1)).filter(|text| !text.is_empty());
        Ok(Self { code: msa.component(1, 1), message_id: msa.component(2, 1), problem })
    }

    pub fn is_accepted(&self) -> bool {
        matches!(self.code.as_str(), "AA" | "CA")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_names_the_message_and_turns_sender_and_receiver_round() {
        let header =
            Header { application: "MON".into(), facility: "ICU".into(), control_id: "a|b".into(), ..Header::default() };
        let bytes = write(&header, Code::Error, "1", Timestamp::from_millis(0), Some((207, "try again")));
        let ack = Ack::read(&bytes).unwrap();
        assert_eq!((ack.code.as_str(), ack.message_id.as_str()), ("AE", "a b"));
        assert_eq!(ack.problem.as_deref(), Some("try again"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.segment("MSH").unwrap().field(5), "MON");
        assert!(!ack.is_accepted());
    }
}
