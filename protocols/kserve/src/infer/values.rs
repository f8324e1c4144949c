//! Elements written as JSON: numbers, truth values or strings, flat or nested, in row-major order.

use crate::{Data, Datatype, Error, Tensor, limits};
use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error as _, SeqAccess, Visitor},
    ser::{Error as _, SerializeSeq as _},
};
use std::fmt;

/// The elements of a tensor as they stand in JSON, all of one kind.
#[derive(Debug, Default)]
pub(super) enum Values {
    /// There are none.
    #[default]
    None,
    Truths(Vec<bool>),
    Numbers(Vec<Number>),
    Strings(Vec<Bytes>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Positive(u64),
    Negative(i64),
    Float(f64),
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut values = Self::None;
        Level { values: &mut values, depth: 0 }.deserialize(deserializer)?;
        Ok(values)
    }
}

/// One level of nesting. What it reads goes on the end of the values.
struct Level<'a> {
    values: &'a mut Values,
    depth: usize,
}

impl Level<'_> {
    fn push<E: serde::de::Error>(self, element: Element) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom("data is an array"));
        }
        let length = match (&mut *self.values, element) {
            (Values::Truths(all), Element::Truth(one)) => push(all, one),
            (Values::Numbers(all), Element::Number(one)) => push(all, one),
            (Values::Strings(all), Element::String(one)) => push(all, one),
            (none @ Values::None, first) => {
                *none = first.into();
                1
            }
            _ => return Err(E::custom("elements are of one kind")),
        };
        if length > limits::MAX_ELEMENTS { Err(E::custom("too many elements")) } else { Ok(()) }
    }
}

fn push<T>(all: &mut Vec<T>, one: T) -> usize {
    all.push(one);
    all.len()
}

enum Element {
    Truth(bool),
    Number(Number),
    String(Bytes),
}

impl From<Element> for Values {
    fn from(first: Element) -> Self {
        match first {
            Element::Truth(one) => Self::Truths(vec![one]),
            Element::Number(one) => Self::Numbers(vec![one]),
            Element::String(one) => Self::Strings(vec![one]),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arrays of numbers, truth values or strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<(), A::Error> {
        if self.depth >= limits::MAX_DIMENSIONS {
            return Err(A::Error::custom("arrays are nested too deep"));
        }
        let depth = self.depth + 1;
        while levels.next_element_seed(Level { values: &mut *self.values, depth })?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.push(Element::Truth(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.push(Element::Number(Number::Positive(value)))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.push(Element::Number(Number::Negative(value)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.push(Element::Number(Number::Float(value)))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.push(Element::String(Bytes::copy_from_slice(value.as_bytes())))
    }
}

impl Values {
    /// Packed as elements of a type, each of which must be able to hold its value.
    pub(super) fn pack(self, datatype: Datatype) -> Result<Data, Error> {
        if !datatype.in_json() {
            return Err(Error::invalid(format!("{} only travels as binary data", datatype.name())));
        }
        match self {
            Self::None if datatype == Datatype::Bytes => Ok(Data::Strings(Vec::new())),
            Self::None => Ok(Data::Packed(Bytes::new())),
            Self::Strings(strings) if datatype == Datatype::Bytes => Ok(Data::Strings(strings)),
            Self::Truths(truths) if datatype == Datatype::Bool => {
                Ok(Data::Packed(truths.into_iter().map(u8::from).collect()))
            }
            Self::Numbers(numbers) => {
                let mut packed = BytesMut::with_capacity(numbers.len() * datatype.size().unwrap_or(0));
                let held = numbers.into_iter().all(|number| number.put(datatype, &mut packed));
                held.then(|| Data::Packed(packed.freeze())).ok_or_else(|| cannot_hold(datatype))
            }
            _ => Err(cannot_hold(datatype)),
        }
    }
}

fn cannot_hold(datatype: Datatype) -> Error {
    Error::invalid(format!("{} cannot hold an element of data", datatype.name()))
}

impl Number {
    /// Appends it as an element; `false` where that type does not hold it.
    fn put(self, datatype: Datatype, packed: &mut BytesMut) -> bool {
        let whole = match self {
            Self::Positive(number) => Some(i128::from(number)),
            Self::Negative(number) => Some(i128::from(number)),
            Self::Float(_) => None,
        };
        let real = match self {
            Self::Positive(number) => number as f64,
            Self::Negative(number) => number as f64,
            Self::Float(number) => number,
        };
        macro_rules! whole {
            ($put:ident) => {
                whole.and_then(|number| number.try_into().ok()).map(|number| packed.$put(number))
            };
        }
        let done = match datatype {
            Datatype::Uint8 => whole!(put_u8),
            Datatype::Uint16 => whole!(put_u16_le),
            Datatype::Uint32 => whole!(put_u32_le),
            Datatype::Uint64 => whole!(put_u64_le),
            Datatype::Int8 => whole!(put_i8),
            Datatype::Int16 => whole!(put_i16_le),
            Datatype::Int32 => whole!(put_i32_le),
            Datatype::Int64 => whole!(put_i64_le),
            Datatype::Fp32 => (real as f32).is_finite().then(|| packed.put_f32_le(real as f32)),
            Datatype::Fp64 => {
                packed.put_f64_le(real);
                Some(())
            }
            Datatype::Bool | Datatype::Fp16 | Datatype::Bf16 | Datatype::Bytes => None,
        };
        done.is_some()
    }
}

/// A tensor's elements as a flat JSON array. Fails on what JSON has no way to write.
pub(super) struct Flat<'a>(pub &'a Tensor);

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(tensor) = *self;
        let mut array = serializer.serialize_seq(Some(tensor.len()))?;
        let packed = match tensor.data() {
            Data::Packed(packed) => packed,
            Data::Strings(strings) => {
                for string in strings {
                    let text = std::str::from_utf8(string).map_err(|_| S::Error::custom("not UTF-8"))?;
                    array.serialize_element(text)?;
                }
                return array.end();
            }
        };
        macro_rules! each {
            ($type:ty) => {
                for element in packed.as_chunks().0 {
                    array.serialize_element(&<$type>::from_le_bytes(*element))?;
                }
            };
            ($type:ty, finite) => {
                for element in packed.as_chunks().0 {
                    let value = <$type>::from_le_bytes(*element);
                    if !value.is_finite() {
                        return Err(S::Error::custom("not finite"));
                    }
                    array.serialize_element(&value)?;
                }
            };
        }
        match tensor.datatype() {
            Datatype::Bool => packed.iter().try_for_each(|&byte| array.serialize_element(&(byte == 1)))?,
            Datatype::Uint8 => each!(u8),
            Datatype::Uint16 => each!(u16),
            Datatype::Uint32 => each!(u32),
            Datatype::Uint64 => each!(u64),
            Datatype::Int8 => each!(i8),
            Datatype::Int16 => each!(i16),
            Datatype::Int32 => each!(i32),
            Datatype::Int64 => each!(i64),
            Datatype::Fp32 => each!(f32, finite),
            Datatype::Fp64 => each!(f64, finite),
            Datatype::Fp16 | Datatype::Bf16 | Datatype::Bytes => return Err(S::Error::custom("binary only")),
        }
        array.end()
    }
}
