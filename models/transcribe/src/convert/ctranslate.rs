//! CTranslate2's `model.bin` (binary version 6): a specification's name, variables, aliases. Pure, and every
//! length is checked against what remains.

use super::ConvertError;
use std::collections::BTreeMap;

/// Newest layout read here.
const VERSION: u32 = 6;

/// Bounds that real Whisper models stay far under: large has 1,500 variables of at most 3 dimensions.
const MAX_VARIABLES: u32 = 10_000;
const MAX_RANK: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    F32,
    I8,
    I16,
    I32,
    F16,
}

impl Dtype {
    const fn size(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 | Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }

    fn read(id: u8) -> Result<Self, ConvertError> {
        match id {
            0 => Ok(Self::F32),
            1 => Ok(Self::I8),
            2 => Ok(Self::I16),
            3 => Ok(Self::I32),
            4 => Ok(Self::F16),
            _ => Err(bad(format!("data type {id} is not known"))),
        }
    }
}

/// A variable: row-major, little-endian.
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'a> {
    pub shape: [usize; 4],
    pub rank: usize,
    pub dtype: Dtype,
    pub data: &'a [u8],
}

impl Tensor<'_> {
    pub fn shape(&self) -> &[usize] {
        &self.shape[..self.rank]
    }

    /// Rows `from..to` of the first dimension.
    pub fn rows(&self, from: usize, to: usize) -> Option<Self> {
        let rows = *self.shape().first()?;
        if from > to || to > rows || rows == 0 {
            return None;
        }
        let row = self.data.len() / rows;
        let mut part = *self;
        part.shape[0] = to - from;
        part.data = self.data.get(from * row..to * row)?;
        Some(part)
    }

    /// The one value of an integer scalar.
    pub fn scalar(&self) -> Option<i64> {
        match (self.dtype, self.data) {
            (Dtype::I8, [a]) => Some(i64::from(*a as i8)),
            (Dtype::I16, [a, b]) => Some(i64::from(i16::from_le_bytes([*a, *b]))),
            (Dtype::I32, [a, b, c, d]) => Some(i64::from(i32::from_le_bytes([*a, *b, *c, *d]))),
            _ => None,
        }
    }
}

/// All variables, aliases resolved.
#[derive(Debug)]
pub struct Weights<'a> {
    variables: BTreeMap<String, Tensor<'a>>,
}

impl<'a> Weights<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ConvertError> {
        let mut reader = Reader(bytes);
        let version = reader.u32()?;
        if version != VERSION {
            return Err(bad(format!("its layout is version {version}, not {VERSION}")));
        }
        let spec = reader.string()?;
        if spec != "WhisperSpec" {
            return Err(bad("it holds another kind of model".into()));
        }
        let _revision = reader.u32()?;
        let count = reader.u32()?;
        if count > MAX_VARIABLES {
            return Err(bad(format!("it declares {count} variables")));
        }
        let mut variables = BTreeMap::new();
        for _ in 0..count {
            let name = reader.string()?;
            variables.insert(name, reader.tensor()?);
        }
        let aliases = reader.u32()?;
        for _ in 0..aliases.min(MAX_VARIABLES) {
            let (alias, name) = (reader.string()?, reader.string()?);
            if let Some(tensor) = variables.get(&name).copied() {
                variables.insert(alias, tensor);
            }
        }
        Ok(Self { variables })
    }

    pub fn get(&self, name: &str) -> Result<Tensor<'a>, ConvertError> {
        self.variables.get(name).copied().ok_or_else(|| bad(format!("{name} is missing")))
    }

    pub fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], ConvertError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or_else(|| bad("it ends too early".into()))?;
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, ConvertError> {
        Ok(self.bytes(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, ConvertError> {
        let b = self.bytes(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Length with its terminating NUL, then the bytes.
    fn string(&mut self) -> Result<String, ConvertError> {
        let b = self.bytes(2)?;
        let bytes = self.bytes(usize::from(u16::from_le_bytes([b[0], b[1]])))?;
        let text = std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes));
        text.map(str::to_owned).map_err(|_| bad("a name is not UTF-8".into()))
    }

    fn tensor(&mut self) -> Result<Tensor<'a>, ConvertError> {
        let rank = self.u8()?;
        if rank > MAX_RANK {
            return Err(bad(format!("a variable has {rank} dimensions")));
        }
        let mut shape = [1; 4];
        for dimension in &mut shape[..usize::from(rank)] {
            *dimension = self.u32()? as usize;
        }
        let dtype = Dtype::read(self.u8()?)?;
        let length = self.u32()? as usize;
        let data = self.bytes(length)?;
        let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if elements.and_then(|n| n.checked_mul(dtype.size())) != Some(length) {
            return Err(bad("a variable's size does not fit its shape".into()));
        }
        Ok(Tensor { shape, rank: usize::from(rank), dtype, data })
    }
}

fn bad(reason: String) -> ConvertError {
    ConvertError::Weights(reason)
}
