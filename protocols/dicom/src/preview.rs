//! Previews.

use crate::ImageError;
use image::{DynamicImage, ImageFormat, imageops::FilterType};
use std::io::Cursor;

/// Longer side of a preview.
const MAX_SIDE: u32 = 1_024;

/// PNG of eight bits a channel, no larger than the original.
pub(crate) fn png(image: &DynamicImage) -> Result<Vec<u8>, ImageError> {
    let shown = if image.width().max(image.height()) > MAX_SIDE {
        image.resize(MAX_SIDE, MAX_SIDE, FilterType::Triangle)
    } else {
        image.clone()
    };
    let shown = match shown.color().channel_count() {
        1 => DynamicImage::ImageLuma8(shown.into_luma8()),
        _ => DynamicImage::ImageRgb8(shown.into_rgb8()),
    };
    let mut bytes = Cursor::new(Vec::new());
    shown.write_to(&mut bytes, ImageFormat::Png).map_err(|_| ImageError::Damaged("no preview can be made of it"))?;
    Ok(bytes.into_inner())
}
