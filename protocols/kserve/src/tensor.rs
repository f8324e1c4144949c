//! A named array.

use crate::{Datatype, Error, limits};
use bytes::{BufMut as _, Bytes, BytesMut};

/// A named array in row-major order whose data is as long as its shape says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    name: String,
    datatype: Datatype,
    shape: Vec<u64>,
    data: Data,
}

/// A tensor's elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Elements of one size, little-endian, one after the other: as they came, not copied.
    Packed(Bytes),
    /// The elements of [`Datatype::Bytes`].
    Strings(Vec<Bytes>),
}

/// Elements that a shape has; `None` where they cannot be counted.
pub fn elements(shape: &[u64]) -> Option<usize> {
    let product = shape.iter().try_fold(1_u64, |product, &length| product.checked_mul(length))?;
    usize::try_from(product).ok()
}

impl Tensor {
    /// Refuses data that is not as long as the shape says, and booleans that are neither.
    pub fn new(name: impl Into<String>, datatype: Datatype, shape: Vec<u64>, data: Data) -> Result<Self, Error> {
        let name = name.into();
        if name.is_empty() || name.len() > limits::MAX_NAME_BYTES {
            return Err(Error::invalid(format!("a tensor's name has 1 to {} bytes", limits::MAX_NAME_BYTES)));
        }
        if shape.len() > limits::MAX_DIMENSIONS {
            return Err(Error::TooLarge { what: "a shape", limit: limits::MAX_DIMENSIONS });
        }
        let fits = match (datatype.size(), &data) {
            (Some(size), Data::Packed(packed)) => {
                elements(&shape).and_then(|n| n.checked_mul(size)) == Some(packed.len())
            }
            (None, Data::Strings(strings)) => elements(&shape) == Some(strings.len()),
            _ => false,
        };
        if !fits {
            return Err(Error::invalid(format!("data of {} is not as long as its shape says", datatype.name())));
        }
        if let (Datatype::Bool, Data::Packed(packed)) = (datatype, &data)
            && packed.iter().any(|&byte| byte > 1)
        {
            return Err(Error::invalid("an element of BOOL is 0 or 1"));
        }
        Ok(Self { name, datatype, shape, data })
    }

    /// A row of 32-bit floats.
    pub fn floats(name: &str, values: &[f32]) -> Self {
        let mut packed = BytesMut::with_capacity(values.len() * 4);
        for value in values {
            packed.put_f32_le(*value);
        }
        Self::row(name, Datatype::Fp32, values.len(), Data::Packed(packed.freeze()))
    }

    /// A row of 32-bit integers.
    pub fn integers(name: &str, values: &[i32]) -> Self {
        let mut packed = BytesMut::with_capacity(values.len() * 4);
        for value in values {
            packed.put_i32_le(*value);
        }
        Self::row(name, Datatype::Int32, values.len(), Data::Packed(packed.freeze()))
    }

    /// A row of texts.
    pub fn texts(name: &str, texts: impl IntoIterator<Item = String>) -> Self {
        let strings: Vec<Bytes> = texts.into_iter().map(Bytes::from).collect();
        Self::row(name, Datatype::Bytes, strings.len(), Data::Strings(strings))
    }

    fn row(name: &str, datatype: Datatype, length: usize, data: Data) -> Self {
        Self { name: name.to_owned(), datatype, shape: vec![length as u64], data }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn datatype(&self) -> Datatype {
        self.datatype
    }

    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Elements it has.
    pub fn len(&self) -> usize {
        match (&self.data, self.datatype.size()) {
            (Data::Packed(packed), Some(size)) => packed.len() / size,
            (Data::Strings(strings), _) => strings.len(),
            (Data::Packed(_), None) => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its elements where they are 32-bit floats.
    pub fn as_floats(&self) -> Result<Vec<f32>, Error> {
        match (&self.data, self.datatype) {
            (Data::Packed(packed), Datatype::Fp32) => {
                Ok(packed.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect())
            }
            _ => Err(self.not(Datatype::Fp32)),
        }
    }

    /// Its elements where they are UTF-8.
    pub fn as_texts(&self) -> Result<Vec<&str>, Error> {
        let Data::Strings(strings) = &self.data else { return Err(self.not(Datatype::Bytes)) };
        let text = |string| std::str::from_utf8(string).map_err(|_| Error::invalid("an element of BYTES is not UTF-8"));
        strings.iter().map(|string| text(string)).collect()
    }

    fn not(&self, wanted: Datatype) -> Error {
        Error::invalid(format!("{} was expected, not {}", wanted.name(), self.datatype.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(datatype: Datatype, shape: &[u64], bytes: &'static [u8]) -> Result<Tensor, Error> {
        Tensor::new("x", datatype, shape.to_vec(), Data::Packed(Bytes::from_static(bytes)))
    }

    #[test]
    fn data_that_is_longer_or_shorter_than_the_shape_is_refused() {
        assert!(packed(Datatype::Fp32, &[2], &[0; 8]).is_ok());
        assert!(packed(Datatype::Fp32, &[2], &[0; 7]).is_err());
        assert!(packed(Datatype::Fp32, &[2, 2], &[0; 8]).is_err());
        assert!(packed(Datatype::Bytes, &[2], &[0; 2]).is_err(), "strings are not packed");
        assert!(packed(Datatype::Fp32, &[u64::MAX, 4], &[]).is_err(), "a product that overflows fits nothing");
    }

    #[test]
    fn a_shape_without_dimensions_is_one_element() {
        assert!(packed(Datatype::Int8, &[], &[1]).is_ok());
        assert!(packed(Datatype::Int8, &[0], &[]).is_ok());
    }

    #[test]
    fn a_boolean_is_zero_or_one() {
        assert!(packed(Datatype::Bool, &[2], &[0, 1]).is_ok());
        assert!(packed(Datatype::Bool, &[2], &[0, 2]).is_err());
    }

    #[test]
    fn elements_come_back_as_they_went_in() {
        assert_eq!(Tensor::floats("x", &[1.5, f32::MIN]).as_floats().unwrap(), [1.5, f32::MIN]);
        assert_eq!(Tensor::texts("x", ["é".to_owned(), String::new()]).as_texts().unwrap(), ["é", ""]);
        assert!(Tensor::integers("x", &[1]).as_floats().is_err());
        assert_eq!(Tensor::integers("x", &[1, 2]).len(), 2);
    }
}
