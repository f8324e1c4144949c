//! DICOM part 10 files.

use crate::{ImageError, Limits, deidentify, preview, scan};
use dicom_core::{Tag, header::Header as _};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use dicom_pixeldata::PixelDecoder as _;
use healthsync_events::imaging::{DecodedImage, ImageFormat};

pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, ImageError> {
    let scanned = scan::scan(bytes, limits)?;
    let damaged = ImageError::Damaged("its data set cannot be read");
    let file = dicom_object::from_reader(&bytes[128..]).map_err(|_| damaged)?;
    let class = file.meta().media_storage_sop_class_uid().to_owned();
    let object = file.into_inner();
    let (width, height) = (number(&object, 0x0011)?, number(&object, 0x0010)?);
    let frames = text(&object, Tag(0x0028, 0x0008)).and_then(|n| n.parse::<u32>().ok()).unwrap_or(1).max(1);
    let samples = number(&object, 0x0002).unwrap_or(1).max(1);
    let pixels = [height, frames, samples].iter().try_fold(u64::from(width), |n, f| n.checked_mul(u64::from(*f)));
    if pixels.is_none_or(|pixels| pixels > limits.pixels) {
        return Err(ImageError::TooManyPixels(limits.pixels));
    }
    let (modality, body_part) = (code(&object, Tag(0x0008, 0x0060)), code(&object, Tag(0x0018, 0x0015)));
    let burned_in_text_possible = text(&object, Tag(0x0028, 0x0301)).is_none_or(|said| said != "NO");
    let (clean, elements_deidentified) = deidentify::deidentify(object);
    let instance = text(&clean, Tag(0x0008, 0x0018)).unwrap_or_else(|| deidentify::replacement_uid(""));
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance)
        .transfer_syntax(scanned.transfer_syntax.uid());
    let clean = clean.with_meta(meta).map_err(|_| ImageError::Damaged("its file meta group cannot be made"))?;
    let mut deidentified = Vec::with_capacity(bytes.len());
    clean.write_all(&mut deidentified).map_err(|_| ImageError::Damaged("it cannot be written again"))?;
    let unknown = || ImageError::TransferSyntax(scanned.transfer_syntax.uid().to_owned());
    let decoded = clean.decode_pixel_data_frame(0).map_err(|_| unknown())?;
    let options = dicom_pixeldata::ConvertOptions::new().force_8bit();
    let shown = decoded.to_dynamic_image_with_options(0, &options).map_err(|_| unknown())?;
    Ok(DecodedImage {
        format: ImageFormat::Dicom,
        width,
        height,
        frames,
        modality,
        body_part,
        elements_deidentified,
        burned_in_text_possible,
        deidentified,
        preview_png: preview::png(&shown)?,
    })
}

/// A number of the image pixel module.
fn number(object: &InMemDicomObject, element: u16) -> Result<u32, ImageError> {
    let value = object.element(Tag(0x0028, element)).ok().and_then(|e| e.to_int::<u32>().ok());
    value.filter(|n| *n > 0).ok_or(ImageError::Missing("Rows or Columns (0028,0010), (0028,0011)"))
}

fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = object.element(tag).ok()?;
    debug_assert_eq!(element.tag(), tag);
    Some(element.to_str().ok()?.trim_matches(['\0', ' ']).to_owned()).filter(|text| !text.is_empty())
}

/// A defined term: capitals, digits, space and underscore. Anything else could be a text about the patient.
fn code(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '_');
    text(object, tag).filter(|text| text.len() <= 16 && text.chars().all(plain))
}
