//! Images, their previews and findings.

use crate::{ids::ImageId, provenance::Provenance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub enum ImageFormat {
    #[serde(rename = "application/dicom")]
    Dicom,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/jpeg")]
    Jpeg,
}

impl ImageFormat {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Dicom => "application/dicom",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// An upload as received, durable but not yet looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ImageReceived {
    pub image: ImageId,
    #[ts(type = "number")]
    pub bytes: u64,
    pub sha256: String,
}

/// An image decoded, its header de-identified and its preview made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ImageReady {
    pub image: ImageId,
    pub format: ImageFormat,
    pub width: u32,
    pub height: u32,
    /// Frames in the file; the preview shows the first.
    pub frames: u32,
    /// DICOM Modality (0008,0060), where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub modality: Option<String>,
    /// DICOM Body Part Examined (0018,0015), where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub body_part: Option<String>,
    /// Header elements removed, emptied or replaced by de-identification.
    pub elements_deidentified: u32,
    /// SHA-256 of the de-identified file.
    pub sha256: String,
    /// Pixels may still show burned-in text: only the header has been cleaned.
    pub burned_in_text_possible: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ImageRejected {
    pub image: ImageId,
    /// What is wrong with the file; names elements, never their values.
    pub reason: String,
}

/// A region in fractions of width and height, from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Region {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ImageFinding {
    pub image: ImageId,
    pub label: String,
    /// Calibrated probability, 0 to 1.
    pub probability: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub region: Option<Region>,
    pub provenance: Provenance,
}

/// An image decoded by a transport's pure decoder.
#[derive(Debug, Clone)]
pub struct DecodedImage {
    pub format: ImageFormat,
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    pub modality: Option<String>,
    pub body_part: Option<String>,
    pub elements_deidentified: u32,
    pub burned_in_text_possible: bool,
    /// The file again, in its own format, with the header cleaned.
    pub deidentified: Vec<u8>,
    /// PNG, at most 1,024 pixels on its longer side.
    pub preview_png: Vec<u8>,
}

/// Turns untrusted bytes into a [`DecodedImage`], or says in words without patient data why not.
pub trait ImageDecoder: Send + Sync + 'static {
    fn decode(&self, bytes: &[u8]) -> Result<DecodedImage, String>;
}
