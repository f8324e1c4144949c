//! PNG and JPEG. What is not needed to show the image is left out, without touching the pixels.

use crate::{ImageError, Limits, preview};
use healthsync_events::imaging::{DecodedImage, ImageFormat};
use image::{DynamicImage, ImageReader};
use std::io::Cursor;

/// Chunks of a PNG that say how to show it (W3C PNG, third edition, 11.2 and 11.3).
const PNG_KEEP: [&[u8; 4]; 8] = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB"];

pub(crate) fn png(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, ImageError> {
    let image = decode(bytes, image::ImageFormat::Png, limits)?;
    let (mut clean, mut removed, mut at) = (bytes[..8].to_vec(), 0, 8);
    while let Some(head) = bytes.get(at..at + 8) {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = at.checked_add(len + 12).filter(|end| *end <= bytes.len()).ok_or(ImageError::Truncated)?;
        if PNG_KEEP.iter().any(|kind| head[4..] == kind[..]) {
            clean.extend_from_slice(&bytes[at..end]);
        } else {
            removed += 1;
        }
        at = end;
        if &head[4..] == b"IEND" {
            break;
        }
    }
    // Bytes after the end are no part of the image.
    removed += u32::from(at < bytes.len());
    finish(ImageFormat::Png, &image, clean, removed)
}

pub(crate) fn jpeg(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, ImageError> {
    let image = decode(bytes, image::ImageFormat::Jpeg, limits)?;
    let (mut clean, mut removed, mut at) = (bytes[..2].to_vec(), 0, 2);
    loop {
        let head = bytes.get(at..at + 4).ok_or(ImageError::Truncated)?;
        if head[0] != 0xff {
            return Err(ImageError::Damaged("a JPEG marker is missing"));
        }
        let marker = head[1];
        if marker == 0xda {
            break;
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([head[2], head[3]]));
        let segment = bytes.get(at..end).ok_or(ImageError::Truncated)?;
        // APP1 to APP13, APP15 and comments: EXIF, XMP, maker notes. APP0 (JFIF) and APP14 (Adobe) say what the
        // colours are.
        if matches!(marker, 0xe1..=0xed | 0xef | 0xfe) {
            removed += 1;
        } else {
            clean.extend_from_slice(segment);
        }
        at = end;
    }
    let last = bytes.windows(2).rposition(|pair| pair == [0xff, 0xd9]).map_or(bytes.len(), |end| end + 2);
    clean.extend_from_slice(bytes.get(at..last).ok_or(ImageError::Truncated)?);
    removed += u32::from(last < bytes.len());
    finish(ImageFormat::Jpeg, &image, clean, removed)
}

fn decode(bytes: &[u8], format: image::ImageFormat, limits: &Limits) -> Result<DynamicImage, ImageError> {
    let damaged = ImageError::Damaged("its pixels cannot be read");
    let open = || ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = open().into_dimensions().map_err(|_| damaged.clone())?;
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(ImageError::TooManyPixels(limits.pixels));
    }
    let mut reader = open();
    let mut bounds = image::Limits::default();
    // Sixteen bits of four channels, and as much again for the decoder's own use.
    bounds.max_alloc = Some(limits.pixels * 16);
    reader.limits(bounds);
    reader.decode().map_err(|_| damaged)
}

fn finish(
    format: ImageFormat,
    image: &DynamicImage,
    deidentified: Vec<u8>,
    elements_deidentified: u32,
) -> Result<DecodedImage, ImageError> {
    Ok(DecodedImage {
        format,
        width: image.width(),
        height: image.height(),
        frames: 1,
        modality: None,
        body_part: None,
        elements_deidentified,
        burned_in_text_possible: true,
        deidentified,
        preview_png: preview::png(image)?,
    })
}
