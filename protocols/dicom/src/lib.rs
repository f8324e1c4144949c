//! Medical images from strangers: decoded within bounds, their headers de-identified, previews made. Pure.
//!
//! What a file is, its content says, never its name. `dicom-object` trusts lengths and recurses, so every file is
//! walked first without doing either ([`scan`]).

mod deidentify;
mod dicom;
mod preview;
mod raster;
mod scan;

use healthsync_events::{
    imaging::{DecodedImage, ImageDecoder},
    limits::{MAX_DICOM_DEPTH, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS},
};

/// Bounds on one image.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub bytes: usize,
    /// Over all frames.
    pub pixels: u64,
    /// Of nested sequences.
    pub depth: u32,
    /// Data elements at all depths: real files have under 10,000.
    pub elements: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: MAX_IMAGE_BYTES, pixels: MAX_IMAGE_PIXELS, depth: MAX_DICOM_DEPTH, elements: 100_000 }
    }
}

/// Why a file gives no image. Texts name elements and limits, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    #[error("the file is neither DICOM, PNG nor JPEG")]
    UnknownFormat,
    #[error("the file exceeds the limit of {0} bytes")]
    TooManyBytes(usize),
    #[error("the image exceeds the limit of {0} pixels")]
    TooManyPixels(u64),
    #[error("sequences are nested more than {0} deep")]
    TooDeep(u32),
    #[error("the file has more than {0} data elements")]
    TooManyElements(u32),
    #[error("a data element declares more bytes than the file has left")]
    Truncated,
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    #[error("transfer syntax {0} cannot be decoded here")]
    TransferSyntax(String),
    #[error("{0} is missing")]
    Missing(&'static str),
}

/// Decodes DICOM, PNG and JPEG.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decoder {
    pub limits: Limits,
}

impl Decoder {
    /// Decodes untrusted bytes.
    pub fn decode_image(&self, bytes: &[u8]) -> Result<DecodedImage, ImageError> {
        if bytes.len() > self.limits.bytes {
            return Err(ImageError::TooManyBytes(self.limits.bytes));
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return raster::png(bytes, &self.limits);
        }
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            return raster::jpeg(bytes, &self.limits);
        }
        if bytes.get(128..132) == Some(b"DICM") {
            return dicom::decode(bytes, &self.limits);
        }
        Err(ImageError::UnknownFormat)
    }
}

impl ImageDecoder for Decoder {
    fn decode(&self, bytes: &[u8]) -> Result<DecodedImage, String> {
        // The libraries below have been made to panic by hostile files before; a decoder holds no state that
        // could be left broken.
        std::panic::catch_unwind(|| self.decode_image(bytes))
            .unwrap_or(Err(ImageError::Damaged("the decoder gave up on it")))
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
