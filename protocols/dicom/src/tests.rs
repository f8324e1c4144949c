use super::*;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use healthsync_events::imaging::ImageFormat;
use proptest::prelude::*;

const SECRET: &str = "SECRET^PATIENT";

fn object() -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    let mut put = |group, element, vr, value: PrimitiveValue| {
        object.put(DataElement::new(Tag(group, element), vr, value));
    };
    put(0x0008, 0x0016, VR::UI, "1.2.840.10008.5.1.4.1.1.7".into());
    put(0x0008, 0x0018, VR::UI, "1.2.3.4.5".into());
    put(0x0008, 0x0060, VR::CS, "OT".into());
    put(0x0010, 0x0010, VR::PN, SECRET.into());
    put(0x0010, 0x0020, VR::LO, "ID-4711".into());
    put(0x0011, 0x0010, VR::LO, "PRIVATE CREATOR".into());
    put(0x0011, 0x1001, VR::LO, SECRET.into());
    put(0x0028, 0x0002, VR::US, 1u16.into());
    put(0x0028, 0x0004, VR::CS, "MONOCHROME2".into());
    put(0x0028, 0x0010, VR::US, 2u16.into());
    put(0x0028, 0x0011, VR::US, 2u16.into());
    put(0x0028, 0x0100, VR::US, 8u16.into());
    put(0x0028, 0x0101, VR::US, 8u16.into());
    put(0x0028, 0x0102, VR::US, 7u16.into());
    put(0x0028, 0x0103, VR::US, 0u16.into());
    put(0x0028, 0x4000, VR::LT, SECRET.into());
    put(0x7fe0, 0x0010, VR::OB, PrimitiveValue::from([0u8, 80, 160, 255]));
    let mut nested = InMemDicomObject::new_empty();
    nested.put(DataElement::new(Tag(0x0010, 0x0010), VR::PN, PrimitiveValue::from(SECRET)));
    nested.put(DataElement::new(Tag(0x0018, 0x6018), VR::UL, PrimitiveValue::from(1u32)));
    let sequence = dicom_core::value::DataSetSequence::from(vec![nested]);
    object.put(DataElement::new(Tag(0x0018, 0x6011), VR::SQ, dicom_core::value::Value::from(sequence)));
    object
}

fn file(object: InMemDicomObject) -> Vec<u8> {
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.7")
        .media_storage_sop_instance_uid("1.2.3.4.5")
        .transfer_syntax("1.2.840.10008.1.2.1");
    let mut bytes = Vec::new();
    object.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn nothing_that_names_the_patient_is_left_at_any_depth() {
    let bytes = file(object());
    assert!(holds(&bytes, SECRET));
    let decoded = Decoder::default().decode_image(&bytes).unwrap();
    for secret in [SECRET, "ID-4711", "1.2.3.4.5", "PRIVATE"] {
        assert!(!holds(&decoded.deidentified, secret), "{secret}");
    }
    assert!(decoded.elements_deidentified >= 6, "{}", decoded.elements_deidentified);
    assert_eq!((decoded.width, decoded.height, decoded.modality.as_deref()), (2, 2, Some("OT")));
    assert!(decoded.burned_in_text_possible);
}

#[test]
fn a_cleaned_file_is_still_an_image_and_cleaning_it_again_changes_only_identifiers() {
    let decoder = Decoder::default();
    let once = decoder.decode_image(&file(object())).unwrap();
    let twice = decoder.decode_image(&once.deidentified).unwrap();
    assert_eq!(once.preview_png, twice.preview_png);
    assert_eq!(once.deidentified.len().div_ceil(64), twice.deidentified.len().div_ceil(64));
    let preview = image::load_from_memory(&once.preview_png).unwrap();
    assert_eq!((preview.width(), preview.height()), (2, 2));
}

#[test]
fn the_same_identifier_is_replaced_by_the_same_one() {
    assert_eq!(deidentify::replacement_uid("1.2"), deidentify::replacement_uid("1.2"));
    assert_ne!(deidentify::replacement_uid("1.2"), deidentify::replacement_uid("1.3"));
    assert!(deidentify::replacement_uid("1.2").len() <= 64);
}

/// Preamble, magic and a meta group that names explicit little-endian, then `data`.
fn raw(data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0");
    bytes.extend(data);
    bytes
}

#[test]
fn an_element_that_declares_a_gigabyte_is_refused_before_it_is_read() {
    let data = b"\x08\x00\x05\x00OB\x00\x00\x00\x00\x00\x40";
    assert_eq!(Decoder::default().decode_image(&raw(data)).unwrap_err(), ImageError::Truncated);
}

#[test]
fn twenty_thousand_nested_sequences_are_refused() {
    let level = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff";
    let refused = Decoder::default().decode_image(&raw(&level.repeat(20_000))).unwrap_err();
    assert_eq!(refused, ImageError::TooDeep(MAX_DICOM_DEPTH));
}

#[test]
fn an_image_that_unfolds_into_too_many_pixels_is_refused() {
    let mut large = object();
    large.put(DataElement::new(Tag(0x0028, 0x0008), VR::IS, PrimitiveValue::from("100000000")));
    assert_eq!(Decoder::default().decode_image(&file(large)).unwrap_err(), ImageError::TooManyPixels(MAX_IMAGE_PIXELS));
}

#[test]
fn other_files_are_refused() {
    for bytes in [&b""[..], b"hello", b"GIF89a", &[0; 200]] {
        assert_eq!(Decoder::default().decode_image(bytes).unwrap_err(), ImageError::UnknownFormat);
    }
    let limited = Decoder { limits: Limits { bytes: 10, ..Limits::default() } };
    assert_eq!(limited.decode_image(&[0; 11]).unwrap_err(), ImageError::TooManyBytes(10));
}

fn raster(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(40, 30).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn texts_in_png_and_jpeg_go_and_the_image_stays() {
    let mut png = raster(image::ImageFormat::Png);
    let text = b"Author\0SECRET^PATIENT";
    let mut chunk = (text.len() as u32).to_be_bytes().to_vec();
    chunk.extend(b"tEXt");
    chunk.extend(text);
    chunk.extend([0; 4]);
    // After the header, which takes 8 + 25 bytes. The check sum is wrong: ancillary chunks are not read.
    png.splice(33..33, chunk);
    let mut jpeg = raster(image::ImageFormat::Jpeg);
    let mut comment = vec![0xff, 0xfe];
    comment.extend((SECRET.len() as u16 + 2).to_be_bytes());
    comment.extend(SECRET.as_bytes());
    jpeg.splice(2..2, comment);
    for (bytes, format) in [(png, ImageFormat::Png), (jpeg, ImageFormat::Jpeg)] {
        let decoded = Decoder::default().decode_image(&bytes).unwrap();
        assert_eq!((decoded.format, decoded.width, decoded.height), (format, 40, 30));
        assert!(!holds(&decoded.deidentified, SECRET));
        assert_eq!(decoded.elements_deidentified, 1);
        let again = image::load_from_memory(&decoded.deidentified).unwrap();
        assert_eq!(again.width(), 40);
    }
}

/// The files that `make models` puts into the model cache.
fn demo_files() -> Vec<std::path::PathBuf> {
    let var = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let cache = || var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")));
    let root = var("HEALTHSYNC_MODELS_DIR").or_else(|| cache().map(|cache| cache.join("healthsync/models")));
    let Ok(folder) = std::fs::read_dir(root.unwrap().join("demo-dicom/1.0.0")) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "dcm")).collect()
}

#[test]
fn real_files_of_several_kinds_are_decoded_and_cleaned() {
    let files = demo_files();
    assert!(files.len() >= 4, "the DICOM files are missing: run `make models`");
    for path in &files {
        let name = path.display();
        let bytes = std::fs::read(path).unwrap();
        let decoded = Decoder::default().decode_image(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(decoded.elements_deidentified > 0, "{name}");
        assert!(image::load_from_memory(&decoded.preview_png).is_ok(), "{name}");
        let original = dicom_object::from_reader(&bytes[128..]).unwrap();
        let patient = original.element(Tag(0x0010, 0x0010)).ok().and_then(|e| Some(e.to_str().ok()?.trim().to_owned()));
        if let Some(patient) = patient
            && patient.len() > 4
        {
            assert!(!holds(&decoded.deidentified, &patient), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn mutated_files_never_panic(at in 128usize..600, with in proptest::collection::vec(any::<u8>(), 1..8)) {
        let mut bytes = file(object());
        let at = at % bytes.len();
        let end = (at + with.len()).min(bytes.len());
        bytes.splice(at..end, with);
        let _ = Decoder::default().decode_image(&bytes);
    }
}
