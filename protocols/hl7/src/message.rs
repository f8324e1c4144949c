//! One HL7 v2 message: segments of fields, with the delimiters it declares. Pure.

use std::borrow::Cow;

/// Segments of a message. A monitor's full set of observations takes under 100.
const MAX_SEGMENTS: usize = 2_000;

/// Why bytes are not a message that can be answered with an observation. Texts name places, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hl7Error {
    #[error("the message does not begin with MSH and its delimiters")]
    Header,
    #[error("the message has more than {MAX_SEGMENTS} segments")]
    TooManySegments,
    #[error("{0} is missing or empty")]
    Missing(&'static str),
    #[error("{0} is not valid")]
    Invalid(&'static str),
    #[error("messages of this type are not taken here, only ORU^R01")]
    UnsupportedType,
    #[error("the character set is not taken here, only ASCII, 8859/1 and UNICODE UTF-8")]
    UnsupportedCharacterSet,
}

impl Hl7Error {
    /// Code of HL7 table 0357, message error condition.
    pub fn code(&self) -> u16 {
        match self {
            Self::Header | Self::TooManySegments => 100,
            Self::Missing(_) => 101,
            Self::Invalid(_) | Self::UnsupportedCharacterSet => 102,
            Self::UnsupportedType => 200,
        }
    }
}

/// The delimiters a message declares in MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    pub field: char,
    pub component: char,
    pub repetition: char,
    pub escape: char,
    pub subcomponent: char,
}

/// A message as text, cut into segments.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    pub delimiters: Delimiters,
    text: Cow<'a, str>,
    /// Start and end of each segment.
    segments: Vec<(usize, usize)>,
}

impl<'a> Message<'a> {
    /// Reads the message as UTF-8, or as ISO 8859-1 where it is not; MSH-18 is checked by the caller, who knows
    /// what it asks of the message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Hl7Error> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        };
        let delimiters = delimiters(&text).ok_or(Hl7Error::Header)?;
        let mut segments = Vec::new();
        let mut start = 0;
        for (at, c) in text.char_indices().chain(std::iter::once((text.len(), '\r'))) {
            if !matches!(c, '\r' | '\n') {
                continue;
            }
            if at > start {
                segments.push((start, at));
            }
            start = at + 1;
            if segments.len() > MAX_SEGMENTS {
                return Err(Hl7Error::TooManySegments);
            }
        }
        Ok(Self { delimiters, text, segments })
    }

    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.segments.iter().map(|(start, end)| Segment { text: &self.text[*start..*end], d: self.delimiters })
    }

    pub fn segment(&self, name: &str) -> Option<Segment<'_>> {
        self.segments().find(|segment| segment.name() == name)
    }
}

fn delimiters(text: &str) -> Option<Delimiters> {
    let mut rest = text.strip_prefix("MSH")?.chars();
    let field = rest.next()?;
    let (component, repetition, escape, subcomponent) = (rest.next()?, rest.next()?, rest.next()?, rest.next()?);
    let all = [field, component, repetition, escape, subcomponent];
    let usable = |c: &char| c.is_ascii_punctuation();
    let distinct = (1..all.len()).all(|i| !all[..i].contains(&all[i]));
    // MSH-2 has four characters, or five from v2.7 on, and the field ends after it.
    let after = rest.next();
    let ends = after == Some(field) || rest.next() == Some(field);
    (all.iter().all(usable) && distinct && ends).then_some(Delimiters {
        field,
        component,
        repetition,
        escape,
        subcomponent,
    })
}

/// A segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'m> {
    text: &'m str,
    d: Delimiters,
}

impl<'m> Segment<'m> {
    pub fn name(&self) -> &'m str {
        self.text.split(self.d.field).next().unwrap_or_default()
    }

    /// Field by its number in the standard, as sent; empty when it is not there.
    pub fn field(&self, number: usize) -> &'m str {
        // MSH-1 is the field separator itself.
        let index = if self.name() == "MSH" { number.saturating_sub(1) } else { number };
        self.text.split(self.d.field).nth(index).unwrap_or_default()
    }

    pub fn repetitions(&self, number: usize) -> impl Iterator<Item = &'m str> + use<'m> {
        self.field(number).split(self.d.repetition)
    }

    /// Component of the field's first repetition, unescaped.
    pub fn component(&self, number: usize, component: usize) -> String {
        let first = self.field(number).split(self.d.repetition).next().unwrap_or_default();
        self.component_of(first, component)
    }

    pub fn component_of(&self, repetition: &str, component: usize) -> String {
        let text = repetition.split(self.d.component).nth(component - 1).unwrap_or_default();
        self.unescape(text).trim().to_owned()
    }

    /// Escape sequences for delimiters (chapter 2.7); others stand for nothing that is read here.
    fn unescape(&self, text: &str) -> String {
        if !text.contains(self.d.escape) {
            return text.to_owned();
        }
        let mut plain = String::with_capacity(text.len());
        let mut parts = text.split(self.d.escape);
        plain.push_str(parts.next().unwrap_or_default());
        while let Some(sequence) = parts.next() {
            match sequence {
                "F" => plain.push(self.d.field),
                "S" => plain.push(self.d.component),
                "R" => plain.push(self.d.repetition),
                "E" => plain.push(self.d.escape),
                "T" => plain.push(self.d.subcomponent),
                _ => {}
            }
            plain.push_str(parts.next().unwrap_or_default());
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_declares_its_own_delimiters() {
        let message = Message::parse(b"MSH#*~!$#APP#FAC\rPID###A*B!S!C~D").unwrap();
        assert_eq!(message.segment("MSH").unwrap().field(3), "APP");
        let pid = message.segment("PID").unwrap();
        assert_eq!((pid.component(3, 1), pid.component(3, 2)), ("A".into(), "B*C".into()));
        assert_eq!(pid.repetitions(3).count(), 2);
    }

    #[test]
    fn what_does_not_begin_with_a_header_is_refused() {
        for bad in [&b""[..], b"PID|1", b"MSH", b"MSH|^~\\", b"MSH||||||", b"MSHabcde"] {
            assert_eq!(Message::parse(bad).unwrap_err(), Hl7Error::Header);
        }
    }

    #[test]
    fn a_latin_1_message_is_read_as_such() {
        let message = Message::parse(b"MSH|^~\\&|Jo\xe3o").unwrap();
        assert_eq!(message.segment("MSH").unwrap().field(3), "João");
    }

    #[test]
    fn a_message_of_endless_segments_is_refused() {
        let mut bytes = b"MSH|^~\\&|A\r".to_vec();
        bytes.extend(b"NTE\r".repeat(MAX_SEGMENTS + 1));
        assert_eq!(Message::parse(&bytes).unwrap_err(), Hl7Error::TooManySegments);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut message = b"MSH|^~\\&|".to_vec();
            message.extend(bytes);
            if let Ok(message) = Message::parse(&message) {
                for segment in message.segments() {
                    for number in 0..20 {
                        let _ = segment.component(number, 1);
                    }
                }
            }
        }
    }
}
