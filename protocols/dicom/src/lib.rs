//! DICOM, PNG and JPEG: bounded decoding, header de-identification, previews.
