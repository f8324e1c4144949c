//! Header de-identification by an allow-list: what is not known to be needed for showing and measuring the image
//! goes, at every depth. That removes everything the Basic Application Level Confidentiality Profile (DICOM PS3.15,
//! table E.1-1) removes or empties, every private element, and whatever a future edition adds.

use dicom_core::{
    DataElement, PrimitiveValue, Tag, VR,
    header::{HasLength as _, Header as _},
    value::Value,
};
use dicom_object::{InMemDicomObject, mem::InMemElement};
use sha2::{Digest, Sha256};

/// Kept as they are.
const KEEP: [(u16, u16); 62] = [
    (0x0008, 0x0005), // Specific Character Set
    (0x0008, 0x0008), // Image Type
    (0x0008, 0x0016), // SOP Class UID: of the standard, not of the patient
    (0x0008, 0x0060), // Modality
    (0x0008, 0x0064), // Conversion Type
    (0x0008, 0x0068), // Presentation Intent Type
    (0x0008, 0x0100), // Code Value
    (0x0008, 0x0102), // Coding Scheme Designator
    (0x0018, 0x0015), // Body Part Examined
    (0x0018, 0x0020), // Scanning Sequence
    (0x0018, 0x0021), // Sequence Variant
    (0x0018, 0x0022), // Scan Options
    (0x0018, 0x0023), // MR Acquisition Type
    (0x0018, 0x0050), // Slice Thickness
    (0x0018, 0x0060), // KVP
    (0x0018, 0x0080), // Repetition Time
    (0x0018, 0x0081), // Echo Time
    (0x0018, 0x0084), // Imaging Frequency
    (0x0018, 0x0087), // Magnetic Field Strength
    (0x0018, 0x0088), // Spacing Between Slices
    (0x0018, 0x0090), // Data Collection Diameter
    (0x0018, 0x1050), // Spatial Resolution
    (0x0018, 0x1063), // Frame Time
    (0x0018, 0x1100), // Reconstruction Diameter
    (0x0018, 0x1110), // Distance Source to Detector
    (0x0018, 0x1111), // Distance Source to Patient
    (0x0018, 0x1120), // Gantry/Detector Tilt
    (0x0018, 0x1150), // Exposure Time
    (0x0018, 0x1151), // X-Ray Tube Current
    (0x0018, 0x1152), // Exposure
    (0x0018, 0x1160), // Filter Type
    (0x0018, 0x1164), // Imager Pixel Spacing
    (0x0018, 0x1190), // Focal Spot
    (0x0018, 0x1210), // Convolution Kernel
    (0x0018, 0x1314), // Flip Angle
    (0x0018, 0x5100), // Patient Position
    (0x0018, 0x5101), // View Position
    (0x0018, 0x6011), // Sequence of Ultrasound Regions
    (0x0018, 0x6012), // Region Spatial Format
    (0x0018, 0x6014), // Region Data Type
    (0x0018, 0x6018), // Region Location Min X0
    (0x0018, 0x601a), // Region Location Min Y0
    (0x0018, 0x601c), // Region Location Max X1
    (0x0018, 0x601e), // Region Location Max Y1
    (0x0018, 0x6024), // Physical Units X Direction
    (0x0018, 0x6026), // Physical Units Y Direction
    (0x0018, 0x602c), // Physical Delta X
    (0x0018, 0x602e), // Physical Delta Y
    (0x0020, 0x0011), // Series Number
    (0x0020, 0x0012), // Acquisition Number
    (0x0020, 0x0013), // Instance Number
    (0x0020, 0x0020), // Patient Orientation
    (0x0020, 0x0032), // Image Position (Patient)
    (0x0020, 0x0037), // Image Orientation (Patient)
    (0x0020, 0x0060), // Laterality
    (0x0020, 0x0062), // Image Laterality
    (0x0020, 0x1041), // Slice Location
    (0x2050, 0x0020), // Presentation LUT Shape
    (0x5200, 0x9229), // Shared Functional Groups Sequence
    (0x5200, 0x9230), // Per-Frame Functional Groups Sequence
    (0x7fe0, 0x0010), // Pixel Data
    (0x0028, 0x0301), // Burned In Annotation
];

/// The image pixel group describes pixels only, but for these texts and references.
const DROP_OF_PIXEL_GROUP: [(u16, u16); 3] = [
    (0x0028, 0x4000), // Image Presentation Comments
    (0x0028, 0x1199), // Palette Color Lookup Table UID
    (0x0028, 0x0304), // Reference Image in Quality Factor, free use by vendors
];

/// Replaced by an identifier made from the old one, so that images of a series still belong together.
const REPLACE_UID: [(u16, u16); 4] = [
    (0x0008, 0x0018), // SOP Instance UID
    (0x0020, 0x000d), // Study Instance UID
    (0x0020, 0x000e), // Series Instance UID
    (0x0020, 0x0052), // Frame of Reference UID
];

/// Says of itself that it has been de-identified, and how (PS3.15, E.1.1).
const METHOD: &str = "HealthSync allow-list 1";

/// The object with its header cleaned, and how many elements were removed or replaced.
pub(crate) fn deidentify(object: InMemDicomObject) -> (InMemDicomObject, u32) {
    let mut changed = 0;
    let mut clean = filter(object, &mut changed);
    clean.put(DataElement::new(Tag(0x0012, 0x0062), VR::CS, PrimitiveValue::from("YES")));
    clean.put(DataElement::new(Tag(0x0012, 0x0063), VR::LO, PrimitiveValue::from(METHOD)));
    // Type 2 elements of every image: there, and empty.
    for (tag, vr) in [
        (Tag(0x0010, 0x0010), VR::PN),
        (Tag(0x0010, 0x0020), VR::LO),
        (Tag(0x0010, 0x0030), VR::DA),
        (Tag(0x0010, 0x0040), VR::CS),
        (Tag(0x0008, 0x0020), VR::DA),
        (Tag(0x0008, 0x0030), VR::TM),
        (Tag(0x0008, 0x0050), VR::SH),
        (Tag(0x0008, 0x0090), VR::PN),
        (Tag(0x0020, 0x0010), VR::SH),
    ] {
        clean.put(DataElement::new(tag, vr, PrimitiveValue::Empty));
    }
    (clean, changed)
}

/// Depth was bounded by the scan.
fn filter(object: InMemDicomObject, changed: &mut u32) -> InMemDicomObject {
    let mut kept: Vec<InMemElement> = Vec::new();
    for element in object {
        let tag = element.tag();
        let key = (tag.group(), tag.element());
        if REPLACE_UID.contains(&key) {
            *changed += 1;
            let old = element.to_str().map(|text| text.trim_end_matches(['\0', ' ']).to_owned()).unwrap_or_default();
            kept.push(DataElement::new(tag, VR::UI, PrimitiveValue::from(replacement_uid(&old))));
            continue;
        }
        let pixel_group = tag.group() == 0x0028 && !DROP_OF_PIXEL_GROUP.contains(&key);
        if !pixel_group && !KEEP.contains(&key) && !functional_group(key) {
            *changed += u32::from(element.length().get() != Some(0));
            continue;
        }
        kept.push(descend(element, changed));
    }
    InMemDicomObject::from_element_iter(kept)
}

/// Macros of multi-frame images that hold geometry and pixel meaning.
fn functional_group(key: (u16, u16)) -> bool {
    matches!(key, (0x0020, 0x9113 | 0x9116 | 0x9056 | 0x9057 | 0x9157))
}

fn descend(element: InMemElement, changed: &mut u32) -> InMemElement {
    let (tag, vr) = (element.tag(), element.vr());
    match element.into_value() {
        Value::Sequence(sequence) => {
            let items: Vec<_> = sequence.into_items().into_iter().map(|item| filter(item, changed)).collect();
            DataElement::new(tag, vr, Value::from(dicom_core::value::DataSetSequence::from(items)))
        }
        other => DataElement::new(tag, vr, other),
    }
}

/// A UUID-derived UID (PS3.5, B.2) from what the old one hashes to.
pub(crate) fn replacement_uid(old: &str) -> String {
    let digest = Sha256::digest(old.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    format!("2.25.{}", u128::from_be_bytes(bytes))
}
