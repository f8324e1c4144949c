//! A first walk over a DICOM file that believes nothing: every declared length is held against what is left, and
//! depth and number of elements against their bounds. Nothing is allocated and nothing recurses.

use crate::{ImageError, Limits};
use dicom_core::header::HasLength as _;
use dicom_encoding::{TransferSyntaxIndex, transfer_syntax::TransferSyntax};
use dicom_parser::dataset::{LazyDataToken, lazy_read::LazyDataSetReader};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use std::io::Cursor;

/// Preamble and magic.
const META_START: usize = 132;

/// What the walk found.
pub(crate) struct Scanned {
    pub transfer_syntax: &'static TransferSyntax,
}

pub(crate) fn scan(bytes: &[u8], limits: &Limits) -> Result<Scanned, ImageError> {
    let (uid, start) = meta(bytes)?;
    let syntax = TransferSyntaxRegistry.get(&uid).ok_or_else(|| ImageError::TransferSyntax(uid.clone()))?;
    // Deflated data sets would have to be inflated before they can be walked.
    if uid == "1.2.840.10008.1.2.1.99" || syntax.is_unsupported() {
        return Err(ImageError::TransferSyntax(uid));
    }
    let data = &bytes[start..];
    let reader = LazyDataSetReader::new_with_ts(Cursor::new(data), syntax);
    let mut reader = reader.map_err(|_| ImageError::Damaged("its data set cannot be read"))?;
    let (mut depth, mut elements, mut position) = (0u32, 0u32, 0u64);
    while let Some(token) = reader.advance() {
        let token = token.map_err(|_| ImageError::Damaged("a data element cannot be read"))?;
        let left = |position: u64| (data.len() as u64).saturating_sub(position);
        match token {
            LazyDataToken::SequenceStart { len, .. } | LazyDataToken::ItemStart { len } => {
                depth += 1;
                if len.get().is_some_and(|len| u64::from(len) > left(position)) {
                    return Err(ImageError::Truncated);
                }
            }
            LazyDataToken::PixelSequenceStart => depth += 1,
            LazyDataToken::SequenceEnd | LazyDataToken::ItemEnd => depth = depth.saturating_sub(1),
            LazyDataToken::LazyValue { header, decoder } => {
                let len = header.length().get().ok_or(ImageError::Damaged("a value has no length"))?;
                position = skip(decoder, len, data.len() as u64)?;
            }
            LazyDataToken::LazyItemValue { len, decoder } => position = skip(decoder, len, data.len() as u64)?,
            _ => {}
        }
        elements += 1;
        // An item and its sequence are two levels here.
        if depth > limits.depth * 2 {
            return Err(ImageError::TooDeep(limits.depth));
        }
        if elements > limits.elements {
            return Err(ImageError::TooManyElements(limits.elements));
        }
    }
    Ok(Scanned { transfer_syntax: syntax })
}

fn skip<D: dicom_parser::stateful::decode::StatefulDecode>(
    decoder: &mut D,
    len: u32,
    size: u64,
) -> Result<u64, ImageError> {
    if u64::from(len) > size.saturating_sub(decoder.position()) {
        return Err(ImageError::Truncated);
    }
    decoder.skip_bytes(len).map_err(|_| ImageError::Truncated)?;
    Ok(decoder.position())
}

/// The file meta group (PS3.10, 7.1), always explicit little-endian: the transfer syntax, and where the data set
/// begins.
fn meta(bytes: &[u8]) -> Result<(String, usize), ImageError> {
    let mut at = META_START;
    let mut uid = None;
    while let Some(head) = bytes.get(at..at + 8) {
        if head[..2] != [0x02, 0x00] {
            break;
        }
        let long = matches!(&head[4..6], b"OB" | b"OW" | b"OF" | b"SQ" | b"UN" | b"UT");
        let (value, len) = if long {
            let len = bytes.get(at + 8..at + 12).ok_or(ImageError::Truncated)?;
            (at + 12, u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize)
        } else {
            (at + 8, usize::from(u16::from_le_bytes([head[6], head[7]])))
        };
        let end = value.checked_add(len).filter(|end| *end <= bytes.len()).ok_or(ImageError::Truncated)?;
        if head[2..4] == [0x10, 0x00] {
            let text = String::from_utf8_lossy(&bytes[value..end]);
            let clean: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').take(64).collect();
            uid = Some(clean);
        }
        at = end;
    }
    Ok((uid.ok_or(ImageError::Missing("the transfer syntax (0002,0010)"))?, at))
}
