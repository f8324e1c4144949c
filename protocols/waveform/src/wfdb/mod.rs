//! Records of the Waveform Database (WFDB), as PhysioNet keeps recordings: a header in text (`.hea`) beside files of
//! samples (`.dat`). Formats 212, 16 and 80, any number of signals, several samples a frame, skew, byte offsets.
//! After the manual pages header(5) and signal(5) of the WFDB library.

mod header;
mod samples;

pub use header::{Header, Signal};
pub use samples::{Format, decode};

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Bytes of a header. The longest of PhysioNet's, with notes, take a tenth of this.
pub const MAX_HEADER_BYTES: u64 = 256 * 1024;

/// Bytes of a file of samples: a week of three leads at 250 Hz in format 212.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// Why a record cannot be read. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum WfdbError {
    #[error("{} cannot be read: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is longer than {limit} bytes", .path.display())]
    TooLong { path: PathBuf, limit: u64 },
    #[error("the header has no line that names a record")]
    Empty,
    #[error("line {line} of the header: {what} cannot be read")]
    Syntax { line: usize, what: &'static str },
    #[error("line {line} of the header: {what} is outside what is possible")]
    Bounds { line: usize, what: &'static str },
    #[error("a record of several segments is not read: name one of its segments")]
    Segments,
    #[error("line {line} of the header: signals are read in the formats 212, 16 and 80")]
    Format { line: usize },
    #[error("the header names {expected} signals and describes {found}")]
    Missing { expected: usize, found: usize },
    #[error("a file of signals ends before its {frames} frames do")]
    Truncated { frames: u64 },
    #[error("signals that share a file must be in one format and begin at one place")]
    Mixed,
}

/// A record with the samples of all its signals.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub header: Header,
    /// As the header orders signals: `per_frame` samples for each frame. `None` where the file says that there is no
    /// value.
    pub samples: Vec<Vec<Option<i16>>>,
    /// Signals whose samples do not add up to the checksum of the header.
    pub mismatched: Vec<usize>,
}

impl Record {
    /// Reads a record by the path of its header, with or without `.hea`.
    pub fn open(path: &Path) -> Result<Self, WfdbError> {
        // A record's name may have dots in it: append rather than replace.
        let named = path.extension().is_some_and(|extension| extension == "hea");
        let header_path = if named { path.to_owned() } else { with_suffix(path, ".hea") };
        let text = read(&header_path, MAX_HEADER_BYTES)?;
        let header = Header::parse(&String::from_utf8_lossy(&text))?;
        let folder = header_path.parent().unwrap_or(Path::new(""));
        let mut files = BTreeMap::new();
        for signal in &header.signals {
            if !files.contains_key(&signal.file) {
                files.insert(signal.file.clone(), read(&folder.join(&signal.file), MAX_FILE_BYTES)?);
            }
        }
        Self::of(header, &files)
    }

    /// Reads the samples of `header`'s signals from the contents of the files it names.
    pub fn of(header: Header, files: &BTreeMap<String, Vec<u8>>) -> Result<Self, WfdbError> {
        let mut samples = vec![Vec::new(); header.signals.len()];
        let mut mismatched = Vec::new();
        for (name, bytes) in files {
            let places: Vec<usize> =
                (0..header.signals.len()).filter(|place| header.signals[*place].file == *name).collect();
            let group: Vec<&Signal> = places.iter().map(|place| &header.signals[*place]).collect();
            for (place, read) in places.into_iter().zip(decode(&group, bytes, header.frames)?) {
                if !read.adds_up {
                    mismatched.push(place);
                }
                samples[place] = read.samples;
            }
        }
        mismatched.sort_unstable();
        Ok(Self { header, samples, mismatched })
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, WfdbError> {
    let failed = |source| WfdbError::Io { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > limit {
        return Err(WfdbError::TooLong { path: path.to_owned(), limit });
    }
    fs::read(path).map_err(failed)
}
