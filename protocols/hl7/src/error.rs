//! Why a message is not taken. Pure.

use crate::message::MAX_SEGMENTS;

/// Why bytes are not a message that can be taken. Texts name places, never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hl7Error {
    #[error("the message does not begin with MSH and its delimiters")]
    Header,
    #[error("the message has more than {MAX_SEGMENTS} segments")]
    TooManySegments,
    #[error("the message is longer than is taken here")]
    TooLong,
    #[error("{0} is missing or empty")]
    Missing(&'static str),
    #[error("{0} is not valid")]
    Invalid(&'static str),
    #[error("messages of this type are not taken here, only ORU and ADT")]
    UnsupportedType,
    #[error(
        "this event is not taken here: of ORU only R01, R30, R31, R32 and R40, of ADT only A01 to A04, A08 and A40"
    )]
    UnsupportedEvent,
    #[error("MSH-11 is none of P, T and D")]
    UnsupportedProcessing,
    #[error("only version 2 is taken here")]
    UnsupportedVersion,
    #[error("the character set of MSH-18 is not taken here")]
    UnsupportedCharacterSet,
}

impl Hl7Error {
    /// Code of HL7 table 0357, message error condition.
    pub const fn code(self) -> u16 {
        match self {
            Self::Header | Self::TooManySegments => 100,
            Self::Missing(_) => 101,
            Self::Invalid(_) => 102,
            Self::UnsupportedCharacterSet => 103,
            Self::TooLong => 104,
            Self::UnsupportedType => 200,
            Self::UnsupportedEvent => 201,
            Self::UnsupportedProcessing => 202,
            Self::UnsupportedVersion => 203,
        }
    }

    /// Whether the message is refused for what it is (MSH-9, MSH-11, MSH-12) rather than kept for what is wrong in it:
    /// the standard's AR and AE (chapter 2.9.2).
    pub const fn refuses(self) -> bool {
        matches!(
            self,
            Self::UnsupportedType
                | Self::UnsupportedEvent
                | Self::UnsupportedProcessing
                | Self::UnsupportedVersion
                | Self::TooLong
        )
    }

    /// Segment, field and component it is about, for ERR-2; field 0 for the whole segment.
    pub const fn place(self) -> (&'static str, u8, u8) {
        match self {
            Self::Header => ("MSH", 1, 0),
            Self::TooManySegments | Self::TooLong => ("MSH", 0, 0),
            Self::Missing(place) | Self::Invalid(place) => parse_place(place),
            Self::UnsupportedType => ("MSH", 9, 1),
            Self::UnsupportedEvent => ("MSH", 9, 2),
            Self::UnsupportedProcessing => ("MSH", 11, 1),
            Self::UnsupportedVersion => ("MSH", 12, 1),
            Self::UnsupportedCharacterSet => ("MSH", 18, 0),
        }
    }
}

/// `PID-3` as segment and field; `PID` alone as the whole segment.
const fn parse_place(place: &'static str) -> (&'static str, u8, u8) {
    let bytes = place.as_bytes();
    if bytes.len() < 3 {
        return (place, 0, 0);
    }
    let (name, rest) = place.split_at(3);
    let rest = rest.as_bytes();
    let (mut field, mut at) = (0, 1);
    while at < rest.len() {
        field = field * 10 + (rest[at] - b'0');
        at += 1;
    }
    (name, field, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_place() {
        assert_eq!(Hl7Error::Missing("PID-3").place(), ("PID", 3, 0));
        assert_eq!(Hl7Error::Missing("MSH-10").place(), ("MSH", 10, 0));
        assert_eq!(Hl7Error::Missing("PID").place(), ("PID", 0, 0));
    }
}
