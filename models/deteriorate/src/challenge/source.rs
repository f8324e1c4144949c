//! Records from a folder, or from a tar archive that may be compressed with xz.

use super::{MAX_RECORD_BYTES, MAX_STAYS, ParseError, Stay, parse};
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

/// Folders within folders that are looked into: the data set has one level.
const MAX_DEPTH: usize = 4;

/// Bytes of an archive once unpacked, so that a small file cannot unfold without end. The data set has 130 MB.
const MAX_UNPACKED_BYTES: u64 = 8 << 30;

/// Memory of the decompressor in KiB: xz at its strongest setting asks for 65 MiB.
const MAX_XZ_KIB: u32 = 256 << 10;

/// Why a set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{} cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{name} is no record: {source}")]
    Record { name: String, source: ParseError },
    #[error("{name} is larger than {MAX_RECORD_BYTES} bytes")]
    TooLarge { name: String },
    #[error("{name} is no text")]
    NotText { name: String },
    #[error("{} holds no records: files that end in .psv", .0.display())]
    Empty(PathBuf),
    #[error("{} holds more than {MAX_STAYS} records", .0.display())]
    TooMany(PathBuf),
}

/// Reads every record of a folder, or of a `.tar` or `.tar.xz`, in the order of their names. `seen` is told how many
/// there are so far.
pub fn read(path: &Path, mut seen: impl FnMut(usize)) -> Result<Vec<Stay>, SourceError> {
    let mut stays = Vec::new();
    let mut take = |stay: Stay| {
        stays.push(stay);
        seen(stays.len());
        if stays.len() > MAX_STAYS { Err(SourceError::TooMany(path.to_owned())) } else { Ok(()) }
    };
    if path.is_dir() {
        folder(path, MAX_DEPTH, &mut take)?;
    } else {
        archive(path, &mut take)?;
    }
    if stays.is_empty() {
        return Err(SourceError::Empty(path.to_owned()));
    }
    stays.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(stays)
}

type Take<'a> = &'a mut dyn FnMut(Stay) -> Result<(), SourceError>;

fn folder(path: &Path, depth: usize, take: Take<'_>) -> Result<(), SourceError> {
    let wrong = |source| SourceError::Io { path: path.to_owned(), source };
    for entry in fs::read_dir(path).map_err(wrong)? {
        let entry = entry.map_err(wrong)?.path();
        if entry.is_dir() && depth > 0 {
            folder(&entry, depth - 1, take)?;
        } else if is_record(&entry) {
            let file = File::open(&entry).map_err(|source| SourceError::Io { path: entry.clone(), source })?;
            take(record(&entry, file)?)?;
        }
    }
    Ok(())
}

fn archive(path: &Path, take: Take<'_>) -> Result<(), SourceError> {
    let wrong = |source| SourceError::Io { path: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(wrong)?);
    let packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xz"));
    let reader: Box<dyn Read> =
        if packed { Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, MAX_XZ_KIB)) } else { Box::new(file) };
    let mut archive = tar::Archive::new(reader.take(MAX_UNPACKED_BYTES));
    for entry in archive.entries().map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.path().map_err(wrong)?.into_owned();
        if entry.header().entry_type().is_file() && is_record(&name) {
            take(record(&name, entry)?)?;
        }
    }
    Ok(())
}

fn is_record(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("psv"))
}

/// The record's name in errors is that of its file, which in the data set is a number.
fn record(path: &Path, reader: impl Read) -> Result<Stay, SourceError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    let limited = reader.take(MAX_RECORD_BYTES as u64 + 1).read_to_end(&mut bytes);
    limited.map_err(|source| SourceError::Io { path: path.to_owned(), source })?;
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(SourceError::TooLarge { name });
    }
    let Ok(text) = String::from_utf8(bytes) else { return Err(SourceError::NotText { name }) };
    let id = path.file_stem().unwrap_or_default().to_string_lossy();
    parse(&id, &text).map_err(|source| SourceError::Record { name, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "HR|ICULOS|SepsisLabel\n80|1|0\n81|2|1\n";

    #[test]
    fn a_folder_and_a_tar_of_it_hold_the_same_stays() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("p2.psv"), RECORD).unwrap();
        fs::write(inner.join("p1.psv"), RECORD).unwrap();
        fs::write(inner.join("README.txt"), "not a record").unwrap();
        let stays = read(&inner, |_| {}).unwrap();
        assert_eq!(stays.iter().map(|stay| stay.id.as_str()).collect::<Vec<_>>(), ["p1", "p2"]);

        let file = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(File::create(&file).unwrap());
        builder.append_dir_all("a", &inner).unwrap();
        builder.finish().unwrap();
        // What was not measured is not a number, and equal to nothing.
        let same = |file: &Path| assert_eq!(format!("{:?}", read(file, |_| {}).unwrap()), format!("{stays:?}"));
        same(&file);

        let packed = folder.path().join("a.tar.xz");
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut writer = lzma_rust2::XzWriter::new(File::create(&packed).unwrap(), options).unwrap();
        io::copy(&mut File::open(&file).unwrap(), &mut writer).unwrap();
        writer.finish().unwrap();
        same(&packed);
    }

    #[test]
    fn a_broken_record_is_named_and_an_empty_folder_is_no_set() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path(), |_| {}), Err(SourceError::Empty(_))));
        fs::write(folder.path().join("p1.psv"), "HR\n80\n").unwrap();
        let error = read(folder.path(), |_| {}).unwrap_err().to_string();
        assert_eq!(error, "p1.psv is no record: the column ICULOS is missing");
    }

    #[test]
    fn an_archive_that_is_cut_off_is_an_error_and_no_shorter_set() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(RECORD.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, "p1.psv", RECORD.as_bytes()).unwrap();
        let bytes = builder.into_inner().unwrap();
        fs::write(&file, &bytes[..512 + 20]).unwrap();
        assert!(read(&file, |_| {}).is_err());
    }
}
