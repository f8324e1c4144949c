//! MSH: who sends what to whom, and which answers they want. Pure.

use crate::{
    charset::Charset,
    error::Hl7Error,
    message::Message,
    time::{self, Zone},
};
use healthsync_events::{MonitorProtocol, MonitorSource, Timestamp};

/// Longest text kept of an identifier that the sender chose, in characters.
pub const MAX_TEXT: usize = 64;

/// When a sender wants an acknowledgement (HL7 table 0155).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Always,
    Never,
    /// On errors and rejections only.
    Error,
    /// On success only.
    Success,
}

impl Condition {
    fn named(text: &str) -> Option<Self> {
        match text {
            "AL" => Some(Self::Always),
            "NE" => Some(Self::Never),
            "ER" => Some(Self::Error),
            "SU" => Some(Self::Success),
            _ => None,
        }
    }

    /// Whether it asks for an answer that says success, or that says failure.
    pub const fn holds(self, success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Error => !success,
            Self::Success => success,
        }
    }
}

/// Which acknowledgements are wanted (chapter 2.9.2 and 2.9.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// One, which says what became of the message.
    #[default]
    Original,
    /// One that the message is safe (MSH-15), and one that says what became of it (MSH-16).
    Enhanced { accept: Condition, application: Condition },
}

/// The header of any message: enough to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// MSH-3.1, MSH-4.1: who sent it.
    pub application: String,
    pub facility: String,
    /// MSH-5.1, MSH-6.1: to whom.
    pub receiving_application: String,
    pub receiving_facility: String,
    /// MSH-7.
    pub sent_at: Option<Timestamp>,
    /// The zone MSH-7 names: times in the message that name none are in it (chapter 2A.22).
    pub zone: Option<Zone>,
    /// MSH-9.1, MSH-9.2, for example `ORU` and `R01`.
    pub kind: String,
    pub event: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11.1, MSH-12.1.
    pub processing_id: String,
    pub version: String,
    pub mode: Mode,
    /// MSH-18 as sent, and the set it names.
    pub charset_name: String,
    pub charset: Charset,
}

impl Default for Header {
    fn default() -> Self {
        let empty = String::new;
        Self {
            application: empty(),
            facility: empty(),
            receiving_application: empty(),
            receiving_facility: empty(),
            sent_at: None,
            zone: None,
            kind: empty(),
            event: empty(),
            control_id: empty(),
            processing_id: empty(),
            version: empty(),
            mode: Mode::default(),
            charset_name: empty(),
            charset: Charset::Unsaid,
        }
    }
}

impl Header {
    /// Reads what is there, so that a message that cannot be read further can be answered. `zone` is that of times
    /// that name none.
    pub fn read(message: &Message<'_>, zone: Zone) -> Self {
        let Some(msh) = message.segment("MSH") else { return Self::default() };
        let text = |number, component| clip(&msh.value(number, component), MAX_TEXT);
        let sent = msh.value(7, 1);
        // Either field valued means enhanced mode; the one that is not is "never" then (chapter 2.9.3).
        let (accept, application) = (msh.value(15, 1), msh.value(16, 1));
        let condition = |text: &str| Condition::named(text).unwrap_or(Condition::Never);
        let mode = if Condition::named(&accept).is_none() && Condition::named(&application).is_none() {
            Mode::Original
        } else {
            Mode::Enhanced { accept: condition(&accept), application: condition(&application) }
        };
        Self {
            application: text(3, 1),
            facility: text(4, 1),
            receiving_application: text(5, 1),
            receiving_facility: text(6, 1),
            sent_at: time::read(&sent, zone),
            zone: time::zone(&sent),
            kind: text(9, 1),
            event: text(9, 2),
            control_id: clip(&msh.value(10, 1), MAX_CONTROL_ID),
            processing_id: text(11, 1),
            version: text(12, 1),
            mode,
            charset_name: if message.charset.is_some() { text(18, 1) } else { String::new() },
            charset: message.charset.unwrap_or(Charset::Latin1),
        }
    }

    /// Refuses what is refused for what it is.
    pub fn check(&self, message: &Message<'_>) -> Result<(), Hl7Error> {
        if !matches!(self.kind.as_str(), "ORU" | "ADT") {
            return Err(Hl7Error::UnsupportedType);
        }
        let event = matches!(
            (self.kind.as_str(), self.event.as_str()),
            ("ORU", "R01" | "R30" | "R31" | "R32" | "R40") | ("ADT", "A01" | "A02" | "A03" | "A04" | "A08" | "A40")
        );
        if !event {
            return Err(Hl7Error::UnsupportedEvent);
        }
        // Table 0103; absent in old messages.
        if !matches!(self.processing_id.as_str(), "" | "P" | "T" | "D") {
            return Err(Hl7Error::UnsupportedProcessing);
        }
        if !(self.version.is_empty() || self.version == "2" || self.version.starts_with("2.")) {
            return Err(Hl7Error::UnsupportedVersion);
        }
        if message.charset.is_none() {
            return Err(Hl7Error::UnsupportedCharacterSet);
        }
        if self.control_id.is_empty() { Err(Hl7Error::Missing("MSH-10")) } else { Ok(()) }
    }

    pub fn source(&self) -> MonitorSource {
        MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: self.application.clone(),
            facility: self.facility.clone(),
            message_id: self.control_id.clone(),
        }
    }
}

/// Characters of MSH-10: 20 in the versions up to 2.6, 199 from 2.7 on.
const MAX_CONTROL_ID: usize = 199;

/// At most so many characters of a text.
pub fn clip(text: &str, characters: usize) -> String {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Header {
        let text = format!("MSH|^~\\&|MON^1.2.3^ISO|ICU|HS|H|20260102030405+0100||ORU^R01^ORU_R01|42|P|2.6{rest}\r");
        Header::read(&Message::parse(text.as_bytes()).unwrap(), Zone::UTC)
    }

    #[test]
    fn what_a_sender_wants_to_hear_is_read_from_two_fields() {
        assert_eq!(read("").mode, Mode::Original);
        assert_eq!(read("|||\"\"|").mode, Mode::Original);
        let enhanced = |accept, application| Mode::Enhanced { accept, application };
        assert_eq!(read("|||AL|NE").mode, enhanced(Condition::Always, Condition::Never));
        assert_eq!(read("|||ER|SU").mode, enhanced(Condition::Error, Condition::Success));
        assert_eq!(read("||||AL").mode, enhanced(Condition::Never, Condition::Always));
    }

    #[test]
    fn namespaces_stand_for_their_applications() {
        let header = read("");
        assert_eq!((header.application.as_str(), header.facility.as_str()), ("MON", "ICU"));
        assert_eq!(header.sent_at.unwrap().to_string(), "2026-01-02T02:04:05Z");
    }

    #[test]
    fn what_is_refused_for_what_it_is_is_told_by_its_field() {
        let check = |from: &str, to: &str| {
            let text = "MSH|^~\\&|MON|ICU|HS|H|20260102030405||ORU^R01^ORU_R01|42|P|2.6\r".replace(from, to);
            let message = Message::parse(text.as_bytes()).unwrap();
            Header::read(&message, Zone::UTC).check(&message)
        };
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("ORU^R01^ORU_R01", "ORM^O01"), Err(Hl7Error::UnsupportedType));
        assert_eq!(check("ORU^R01^ORU_R01", "ORU^R99"), Err(Hl7Error::UnsupportedEvent));
        assert_eq!(check("|P|", "|X|"), Err(Hl7Error::UnsupportedProcessing));
        assert_eq!(check("|2.6", "|3.0"), Err(Hl7Error::UnsupportedVersion));
        assert_eq!(check("|42|", "||"), Err(Hl7Error::Missing("MSH-10")));
        assert_eq!(check("|2.6", "|2.6||||||UTF-7"), Err(Hl7Error::UnsupportedCharacterSet));
    }
}
