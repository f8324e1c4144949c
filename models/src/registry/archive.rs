//! Reads named members out of package archives.
//!
//! Nothing is unpacked by the archive's own idea of paths: a member's bytes go to the writer they were asked for, and
//! never more bytes than the caller expects, so neither a path nor a bomb inside an archive reaches the disk.

use super::{FetchError, manifest::ArchiveKind};
use flate2::read::GzDecoder;
use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
};

/// Most bytes a gzipped tar may unpack to while its member is looked for: forty times the largest one listed.
const MAX_UNPACKED: u64 = 2 << 30;

/// Most members looked at in a gzipped tar.
const MAX_MEMBERS: usize = 65_536;

/// Copies a member to `out`, refusing one of more than `limit` bytes. Gives the bytes copied.
///
/// `what` names the archive in errors.
pub(super) fn copy_member(
    kind: ArchiveKind,
    path: &Path,
    what: &str,
    member: &str,
    limit: u64,
    out: &mut impl Write,
) -> Result<u64, FetchError> {
    let copied = match kind {
        ArchiveKind::Wheel => copy_zip(path, member, limit, out),
        ArchiveKind::Npm => copy_tgz(path, member, limit, out),
    };
    copied.map_err(|reason| FetchError::Member { what: what.to_owned(), member: member.to_owned(), reason })
}

fn copy_zip(path: &Path, member: &str, limit: u64, out: &mut impl Write) -> Result<u64, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| e.to_string())?;
    let entry = archive.by_name(member).map_err(|e| e.to_string())?;
    if !entry.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    copy_bounded(entry, limit, out)
}

fn copy_tgz(path: &Path, member: &str, limit: u64, out: &mut impl Write) -> Result<u64, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let unpacked = GzDecoder::new(BufReader::new(file)).take(MAX_UNPACKED);
    let mut archive = tar::Archive::new(unpacked);
    let entries = archive.entries().map_err(|e| e.to_string())?;
    for entry in entries.take(MAX_MEMBERS) {
        let entry = entry.map_err(|e| e.to_string())?;
        if *entry.path_bytes() != *member.as_bytes() {
            continue;
        }
        if !entry.header().entry_type().is_file() {
            return Err("it is not a regular file".to_owned());
        }
        return copy_bounded(entry, limit, out);
    }
    Err("it is not in the archive".to_owned())
}

fn copy_bounded(from: impl Read, limit: u64, out: &mut impl Write) -> Result<u64, String> {
    let copied = io::copy(&mut from.take(limit.saturating_add(1)), out).map_err(|e| e.to_string())?;
    if copied > limit {
        return Err(format!("it has more than the {limit} bytes expected"));
    }
    Ok(copied)
}
