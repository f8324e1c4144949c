//! Character sets of MSH-18 (HL7 table 0211). Pure.
//!
//! All of those taken here agree with ASCII on ASCII, so that the header can be read before its character set is known.
//! UTF-16 and UTF-32 do not, and hold the bytes that frame a message: MLLP cannot carry them.

use encoding_rs::Encoding;
use std::borrow::Cow;

/// A character set of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Nothing said, or ASCII. Many senders say nothing and send UTF-8 or ISO 8859-1: the bytes decide which.
    Unsaid,
    Utf8,
    /// Every byte is the character of that number.
    Latin1,
    Other(&'static Encoding),
}

impl Charset {
    /// Of the name in MSH-18; `None` where it is not taken here.
    pub fn named(name: &str) -> Option<Self> {
        let other = |encoding: &'static Encoding| Some(Self::Other(encoding));
        match name.trim() {
            "" | "ASCII" => Some(Self::Unsaid),
            "UNICODE UTF-8" | "UNICODE" | "UTF-8" => Some(Self::Utf8),
            "8859/1" => Some(Self::Latin1),
            "8859/2" => other(encoding_rs::ISO_8859_2),
            "8859/3" => other(encoding_rs::ISO_8859_3),
            "8859/4" => other(encoding_rs::ISO_8859_4),
            "8859/5" => other(encoding_rs::ISO_8859_5),
            "8859/6" => other(encoding_rs::ISO_8859_6),
            "8859/7" => other(encoding_rs::ISO_8859_7),
            "8859/8" => other(encoding_rs::ISO_8859_8),
            // A superset: the control characters that differ are none a message may hold.
            "8859/9" => other(encoding_rs::WINDOWS_1254),
            "8859/15" => other(encoding_rs::ISO_8859_15),
            "GB 18030-2000" => other(encoding_rs::GB18030),
            "BIG-5" => other(encoding_rs::BIG5),
            "KS X 1001" => other(encoding_rs::EUC_KR),
            "ISO IR87" | "ISO IR14" => other(encoding_rs::ISO_2022_JP),
            _ => None,
        }
    }

    /// Bytes as text. What stands for no character becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Unsaid => std::str::from_utf8(bytes).map_or_else(|_| latin_1(bytes), Cow::Borrowed),
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Latin1 if bytes.is_ascii() => String::from_utf8_lossy(bytes),
            Self::Latin1 => latin_1(bytes),
            Self::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }

    /// Text as bytes, for an answer. A character that the set does not have becomes a question mark.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Unsaid | Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
            Self::Other(encoding) => {
                // The library would write a numeric reference, which HL7 does not know.
                let fits = |c: char| !encoding.encode(c.encode_utf8(&mut [0; 4])).2;
                let text: String = text.chars().map(|c| if c.is_ascii() || fits(c) { c } else { '?' }).collect();
                encoding.encode(&text).0.into_owned()
            }
        }
    }
}

/// Without loss, whatever the bytes are.
pub fn latin_1(bytes: &[u8]) -> Cow<'static, str> {
    bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into()
}

/// The first repetition of MSH-18, out of bytes that begin with MSH. The others say which sets escape sequences switch
/// to; of those only the Japanese are in use, and they come by this name as well.
pub fn declared(bytes: &[u8]) -> String {
    let Some(separator) = bytes.get(3) else { return String::new() };
    let repetition = bytes.get(5).copied().unwrap_or(b'~');
    let header = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    // The separator is MSH-1, so that field n is the nth part counted from 1.
    let field = header.split(|byte| byte == separator).nth(17).unwrap_or_default();
    let mut names = field.split(|byte| *byte == repetition).map(|name| String::from_utf8_lossy(name).trim().to_owned());
    let first = names.next().unwrap_or_default();
    match first.as_str() {
        "" | "ASCII" => names.find(|name| name.starts_with("ISO IR")).unwrap_or(first),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_character_set_is_read_from_the_header_alone() {
        let header = |field: &str| format!("MSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.6||||||{field}\rPID|||x");
        assert_eq!(declared(header("8859/1").as_bytes()), "8859/1");
        assert_eq!(declared(header("UNICODE UTF-8~8859/1").as_bytes()), "UNICODE UTF-8");
        assert_eq!(declared(header("~ISO IR87").as_bytes()), "ISO IR87");
        for bytes in [&b""[..], b"MSH", b"MSH|", b"MSH|^~\\&|A\rPID"] {
            assert_eq!(declared(bytes), "");
        }
    }

    #[test]
    fn the_same_name_is_read_whatever_the_set() {
        for (name, bytes) in [
            ("UNICODE UTF-8", "Zoë".as_bytes()),
            ("", "Zoë".as_bytes()),
            ("", b"Zo\xeb"),
            ("8859/1", b"Zo\xeb"),
            ("8859/15", b"Zo\xeb"),
            ("8859/9", b"Zo\xeb"),
        ] {
            let set = Charset::named(name).unwrap();
            assert_eq!(set.decode(bytes), "Zoë", "{name}");
        }
        assert_eq!(Charset::named("8859/5").unwrap().decode(b"\xb8\xd2\xd0\xdd"), "Иван");
        assert_eq!(Charset::named("ISO IR87").unwrap().decode(b"\x1b$B;3ED\x1b(B"), "山田");
        assert_eq!(Charset::named("UNICODE UTF-16"), None);
    }

    #[test]
    fn an_answer_has_a_question_mark_for_what_its_set_lacks() {
        assert_eq!(Charset::Latin1.encode("é山"), b"\xe9?");
        assert_eq!(Charset::named("8859/5").unwrap().encode("И山"), b"\xb8?");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_in_any_set(bytes in proptest::collection::vec(any::<u8>(), 0..100), which in 0usize..6) {
            let name = ["", "UNICODE UTF-8", "8859/1", "8859/2", "ISO IR87", "GB 18030-2000"][which];
            let set = Charset::named(name).unwrap();
            let text = set.decode(&bytes).into_owned();
            let _ = set.encode(&text);
            let _ = declared(&bytes);
        }

        #[test]
        fn latin_1_loses_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(Charset::Latin1.encode(&latin_1(&bytes)), bytes);
        }
    }
}
