//! In which numbers a network's weights are kept and multiplied.

use candle_core::{
    DType, Device, Result, Tensor, bail,
    quantized::{GgmlDType, QStorage, QTensor},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, sync::Arc};

/// Values that share a scale in [`Form::Int8`].
const BLOCK: usize = 32;

/// The numbers of a network's weights. What it computes with besides, and answers, is single precision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    #[default]
    F32,
    /// Half precision, widened when it is read.
    F16,
    /// The upper half of single precision, widened when it is read.
    Bf16,
    /// Matrices of whole numbers from -127 to 127 with a scale for 32 of them (ggml's `Q8_0`); what they are multiplied
    /// with is rounded the same way as it comes. Biases stay as they are.
    Int8,
}

impl Form {
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::Int8];

    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// The type in which a file has tensors that are not matrices of whole numbers.
    pub(crate) fn kept_as(self) -> DType {
        match self {
            Self::F32 | Self::Int8 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// A matrix of whole numbers that rows are multiplied with.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    /// Outputs × inputs, the inputs filled up to whole blocks with nought.
    turned: Arc<QTensor>,
    inputs: usize,
}

impl Whole {
    /// Rounds a matrix (inputs × outputs).
    pub(crate) fn round(matrix: &Tensor) -> Result<Self> {
        let inputs = matrix.dim(0)?;
        let turned = filled(&matrix.t()?)?;
        Ok(Self { turned: Arc::new(QTensor::quantize(&turned, GgmlDType::Q8_0)?), inputs })
    }

    /// From what [`Self::bytes`] gave.
    pub(crate) fn read(bytes: &Tensor, inputs: usize, outputs: usize) -> Result<Self> {
        let columns = inputs.next_multiple_of(BLOCK);
        let wanted = columns / BLOCK * GgmlDType::Q8_0.type_size();
        if bytes.dtype() != DType::U8 || bytes.dims() != [outputs, wanted] {
            bail!("{:?} bytes are no matrix of {inputs} inputs and {outputs} outputs", bytes.dims());
        }
        let bytes = bytes.flatten_all()?.to_vec1::<u8>()?;
        let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, GgmlDType::Q8_0)?;
        Ok(Self { turned: Arc::new(QTensor::new(storage, (outputs, columns))?), inputs })
    }

    /// As a file has it: outputs × bytes.
    pub(crate) fn bytes(&self) -> Result<Tensor> {
        let (outputs, _) = self.turned.shape().dims2()?;
        let bytes = self.turned.data()?.into_owned();
        let each = bytes.len() / outputs;
        Tensor::from_vec(bytes, (outputs, each), &Device::Cpu)
    }

    /// The matrix that it stands for: inputs × outputs.
    pub(crate) fn matrix(&self) -> Result<Tensor> {
        self.turned.dequantize(&Device::Cpu)?.narrow(1, 0, self.inputs)?.t()?.contiguous()
    }

    /// The product of rows with the matrix.
    pub(crate) fn product(&self, rows: &Tensor) -> Result<Tensor> {
        filled(rows)?.apply_op1_no_bwd(self.turned.as_ref())
    }
}

/// With columns of nought after the others, up to whole blocks.
fn filled(rows: &Tensor) -> Result<Tensor> {
    let columns = rows.dim(1)?;
    rows.pad_with_zeros(1, 0, columns.next_multiple_of(BLOCK) - columns)?.contiguous()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(rows: usize, columns: usize) -> Tensor {
        Tensor::randn(0.0f32, 1.0, (rows, columns), &Device::Cpu).unwrap()
    }

    fn largest(tensor: &Tensor) -> f32 {
        tensor.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn a_product_of_whole_numbers_is_near_that_of_the_matrix() {
        for inputs in [31, 32, 65] {
            let (matrix, rows) = (random(inputs, 7), random(3, inputs));
            let whole = Whole::round(&matrix).unwrap();
            // Each value is off by half a step of a 127th of its block's largest at most; the step is in half precision,
            // off by 2^-11 of itself.
            let off = largest(&(whole.matrix().unwrap() - &matrix).unwrap());
            assert!(off <= largest(&matrix) * (1.0 / 254.0 + 1.0 / 2_048.0), "{off}");
            let off = largest(&(whole.product(&rows).unwrap() - rows.matmul(&matrix).unwrap()).unwrap());
            assert!(off < 0.03 * (inputs as f32).sqrt(), "{inputs} inputs: {off}");
        }
    }

    #[test]
    fn a_matrix_comes_back_from_its_bytes_and_from_no_others() {
        let whole = Whole::round(&random(40, 6)).unwrap();
        let bytes = whole.bytes().unwrap();
        let read = Whole::read(&bytes, 40, 6).unwrap();
        assert_eq!(largest(&(read.matrix().unwrap() - whole.matrix().unwrap()).unwrap()), 0.0);
        assert!(Whole::read(&bytes, 65, 6).is_err());
        assert!(Whole::read(&bytes, 40, 5).is_err());
    }
}
