//! One HL7 v2 message: segments of fields, with the delimiters it declares. Pure.

use crate::{
    charset::{self, Charset},
    error::Hl7Error,
    escape,
};
use std::borrow::Cow;

/// Segments of a message. A monitor's full set of observations takes under 100.
pub const MAX_SEGMENTS: usize = 2_000;

/// The delimiters a message declares in MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    pub field: char,
    pub component: char,
    pub repetition: char,
    pub escape: char,
    pub subcomponent: char,
}

impl Default for Delimiters {
    /// Those the standard recommends.
    fn default() -> Self {
        Self { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' }
    }
}

/// A message as text, cut into segments.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    pub delimiters: Delimiters,
    /// What the message says its character set is; `None` where that is not taken here.
    pub charset: Option<Charset>,
    text: Cow<'a, str>,
    /// Start and end of each segment.
    segments: Vec<(u32, u32)>,
}

impl<'a> Message<'a> {
    /// Reads the message in the character set it names. One that is not known is read as ISO 8859-1, so that the
    /// header can be answered; the caller refuses it by [`Message::charset`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Hl7Error> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(Hl7Error::TooLong);
        }
        let charset = Charset::named(&charset::declared(bytes));
        let text = charset.unwrap_or(Charset::Latin1).decode(bytes);
        let delimiters = delimiters(&text).ok_or(Hl7Error::Header)?;
        let mut segments = Vec::new();
        let mut start = 0;
        // The standard's separator is CR; LF and CRLF are what files are sent with.
        for part in text.split(['\r', '\n']) {
            if !part.is_empty() {
                segments.push((start as u32, (start + part.len()) as u32));
            }
            start += part.len() + 1;
            if segments.len() > MAX_SEGMENTS {
                return Err(Hl7Error::TooManySegments);
            }
        }
        Ok(Self { delimiters, charset, text, segments })
    }

    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let charset = self.charset.unwrap_or(Charset::Latin1);
        self.segments.iter().map(move |(start, end)| {
            let text = &self.text[*start as usize..*end as usize];
            Segment { text, delimiters: self.delimiters, charset }
        })
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
    delimiters: Delimiters,
    charset: Charset,
}

impl<'m> Segment<'m> {
    /// As sent.
    pub fn text(&self) -> &'m str {
        self.text
    }

    pub fn name(&self) -> &'m str {
        part(self.text, self.delimiters.field, 0)
    }

    /// Field by its number in the standard, as sent; empty when it is not there.
    pub fn field(&self, number: usize) -> &'m str {
        // MSH-1 is the field separator itself.
        let index = if self.name() == "MSH" { number.saturating_sub(1) } else { number };
        part(self.text, self.delimiters.field, index)
    }

    pub fn repetitions(&self, number: usize) -> impl Iterator<Item = &'m str> + use<'m> {
        self.field(number).split(self.delimiters.repetition)
    }

    /// Component of the field's first repetition, unescaped. Its first subcomponent, where it has several: what was
    /// one value in an older version is the first part of it in a newer one (chapter 2.8.2).
    pub fn component(&self, number: usize, component: usize) -> Cow<'m, str> {
        let first = part(self.field(number), self.delimiters.repetition, 0);
        self.component_of(first, component)
    }

    pub fn component_of(&self, repetition: &'m str, component: usize) -> Cow<'m, str> {
        self.subcomponent_of(repetition, component, 1)
    }

    pub fn subcomponent_of(&self, repetition: &'m str, component: usize, subcomponent: usize) -> Cow<'m, str> {
        let text = part(repetition, self.delimiters.component, component.saturating_sub(1));
        let text = part(text, self.delimiters.subcomponent, subcomponent.saturating_sub(1));
        escape::read(text, self.delimiters, self.charset)
    }

    /// [`Self::component`] without space around it; empty for the null value `""` as well, which says that there is
    /// none.
    pub fn value(&self, number: usize, component: usize) -> Cow<'m, str> {
        plain(self.component(number, component))
    }

    /// [`Self::component_of`], likewise.
    pub fn value_of(&self, repetition: &'m str, component: usize) -> Cow<'m, str> {
        plain(self.component_of(repetition, component))
    }
}

/// The part of a text between delimiters, by its index; empty when it is not there. Delimiters are ASCII (see
/// [`delimiters`]) and parts are short: to look at byte after byte is faster than a search for each delimiter.
fn part(text: &str, delimiter: char, index: usize) -> &str {
    let ends = |from: usize| text.as_bytes()[from..].iter().position(|byte| *byte == delimiter as u8);
    let mut start = 0;
    for _ in 0..index {
        let Some(length) = ends(start) else { return "" };
        start += length + 1;
    }
    let end = ends(start).map_or(text.len(), |length| start + length);
    &text[start..end]
}

fn plain(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => match text.trim() {
            "\"\"" => Cow::Borrowed(""),
            text => Cow::Borrowed(text),
        },
        Cow::Owned(text) => match text.trim() {
            "\"\"" => Cow::Borrowed(""),
            trimmed if trimmed.len() == text.len() => Cow::Owned(text),
            trimmed => Cow::Owned(trimmed.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_declares_its_own_delimiters() {
        let message = Message::parse(b"MSH#*~!$#APP#FAC\rPID###A*B!S!C~D*E$F").unwrap();
        assert_eq!(message.segment("MSH").unwrap().field(3), "APP");
        let pid = message.segment("PID").unwrap();
        assert_eq!((pid.component(3, 1), pid.component(3, 2)), ("A".into(), "B*C".into()));
        let second = pid.repetitions(3).nth(1).unwrap();
        assert_eq!(pid.component_of(second, 2), "E");
        assert_eq!(pid.subcomponent_of(second, 2, 2), "F");
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
        let named = Message::parse(b"MSH|^~\\&|Jo\xc3\xa3o|||||||||||||||8859/1\r").unwrap();
        assert_eq!(named.segment("MSH").unwrap().field(3), "JoÃ£o", "what it says counts, not what it looks like");
    }

    #[test]
    fn an_unknown_character_set_is_told_and_the_header_is_read() {
        let message = Message::parse(b"MSH|^~\\&|APP|||||||42|||||||UNICODE UTF-32\r").unwrap();
        assert_eq!(message.charset, Some(Charset::Unsaid), "it stands in another field");
        let message = Message::parse(b"MSH|^~\\&|APP|||||||42||||||||UNICODE UTF-32\r").unwrap();
        assert_eq!(message.charset, None);
        assert_eq!(message.segment("MSH").unwrap().field(10), "42");
    }

    #[test]
    fn null_and_space_are_no_value() {
        let message = Message::parse(b"MSH|^~\\&|A\rOBX|1|NM|\"\"|  7 |").unwrap();
        let obx = message.segment("OBX").unwrap();
        assert_eq!((obx.value(3, 1), obx.value(4, 1), obx.value(99, 9)), ("".into(), "7".into(), "".into()));
    }

    #[test]
    fn a_message_of_endless_segments_is_refused() {
        let mut bytes = b"MSH|^~\\&|A\r".to_vec();
        bytes.extend(b"NTE\r".repeat(MAX_SEGMENTS + 1));
        assert_eq!(Message::parse(&bytes).unwrap_err(), Hl7Error::TooManySegments);
    }

    proptest! {
        #[test]
        fn a_part_is_what_splitting_gives(text in "[a|ã]{0,12}", index in 0usize..8) {
            prop_assert_eq!(part(&text, '|', index), text.split('|').nth(index).unwrap_or_default());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut message = b"MSH|^~\\&|".to_vec();
            message.extend(bytes);
            if let Ok(message) = Message::parse(&message) {
                for segment in message.segments() {
                    for number in 0..20 {
                        let _ = segment.value(number, 1);
                    }
                }
            }
        }
    }
}
