//! As much of the Protocol Buffers wire format as rewriting a model takes. Pure.

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a well-formed protobuf message")]
pub(crate) struct Malformed;

/// A field's value; fixed-width values are kept as they stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(&'a [u8]),
    Bytes(&'a [u8]),
    Fixed32(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn varint(self) -> Option<u64> {
        if let Self::Varint(value) = self { Some(value) } else { None }
    }

    /// The integers of a repeated field's part: one, or several packed.
    pub(crate) fn integers(self) -> Result<Vec<i64>, Malformed> {
        match self {
            Self::Varint(value) => Ok(vec![value as i64]),
            Self::Bytes(mut packed) => {
                let mut integers = Vec::new();
                while !packed.is_empty() {
                    integers.push(varint(&mut packed)? as i64);
                }
                Ok(integers)
            }
            _ => Err(Malformed),
        }
    }
}

/// A message's fields in their order.
pub(crate) fn fields(mut message: &[u8]) -> Result<Vec<(u64, Value<'_>)>, Malformed> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut message)?),
            1 => Value::Fixed64(take(&mut message, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut message)?).map_err(|_| Malformed)?;
                Value::Bytes(take(&mut message, length)?)
            }
            5 => Value::Fixed32(take(&mut message, 4)?),
            _ => return Err(Malformed),
        };
        fields.push((key >> 3, value));
    }
    Ok(fields)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, left) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = left;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// A message being written.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn field(&mut self, number: u64, value: Value<'_>) {
        match value {
            Value::Varint(integer) => {
                self.varint(number << 3);
                self.varint(integer);
            }
            Value::Fixed64(bytes) => {
                self.varint(number << 3 | 1);
                self.0.extend_from_slice(bytes);
            }
            Value::Bytes(bytes) => {
                self.varint(number << 3 | 2);
                self.varint(bytes.len() as u64);
                self.0.extend_from_slice(bytes);
            }
            Value::Fixed32(bytes) => {
                self.varint(number << 3 | 5);
                self.0.extend_from_slice(bytes);
            }
        }
    }

    pub(crate) fn text(&mut self, number: u64, text: &str) {
        self.field(number, Value::Bytes(text.as_bytes()));
    }

    pub(crate) fn integer(&mut self, number: u64, integer: i64) {
        self.field(number, Value::Varint(integer as u64));
    }

    pub(crate) fn message(&mut self, number: u64, message: Writer) {
        self.field(number, Value::Bytes(&message.0));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_survive_writing_and_reading(varints in proptest::collection::vec((1u64..100, any::<u64>()), 0..8),
                                              texts in proptest::collection::vec((1u64..100, "\\PC{0,20}"), 0..8)) {
            let mut writer = Writer::default();
            let mut expected = Vec::new();
            for (number, value) in &varints {
                writer.field(*number, Value::Varint(*value));
                expected.push((*number, Value::Varint(*value)));
            }
            for (number, text) in &texts {
                writer.text(*number, text);
                expected.push((*number, Value::Bytes(text.as_bytes())));
            }
            let written = writer.finish();
            prop_assert_eq!(fields(&written), Ok(expected));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = fields(&bytes);
        }
    }
}
