//! Wheels, by `pip download`.

use super::{Archive, FetchError, OnBytes, Tools, command::Job, create_dirs, only_file};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// The Python whose wheels are asked for, whichever Python runs pip: an old one must be able to fetch a wheel that is
/// only unpacked here, never imported.
const PYTHON_VERSION: &str = "3.12";

/// Downloads into `work`; gives the path of the wheel. pip checks the hash as well.
pub(super) fn download(
    tools: &Tools,
    archive: &Archive,
    work: &Path,
    on_bytes: OnBytes<'_>,
) -> Result<PathBuf, FetchError> {
    let (out, tmp, list) = (work.join("out"), work.join("tmp"), work.join("requirements.txt"));
    create_dirs(&[&out, &tmp])?;
    let requirement = format!("{}=={} --hash=sha256:{}\n", archive.package, archive.version, archive.sha256);
    fs::write(&list, requirement).map_err(|e| FetchError::io("write", &list, e))?;
    let mut args: Vec<OsString> = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        // A source package would run its own code to be downloaded.
        "--only-binary=:all:",
        "--python-version",
        PYTHON_VERSION,
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
        // The archive is kept by us until it is unpacked; a second copy helps nobody.
        "--no-cache-dir",
    ]
    .map(OsString::from)
    .into();
    if let Some(platform) = &archive.platform {
        args.extend(["--platform".into(), platform.into()]);
    }
    args.extend(["--requirement".into(), list.into(), "--dest".into(), out.clone().into()]);
    args.extend(tools.pip_args.iter().map(OsString::from));
    let job = Job {
        name: "pip",
        program: &tools.python,
        install_advice: "install Python 3 with pip (Debian and Ubuntu: apt-get install python3-pip), or set \
                         HEALTHSYNC_PYTHON to a Python that has it",
        args,
        // On the disk of the cache: the usual temporary folder may be too small, and its growth shows progress.
        // Nothing is installed, so a rule to install only into virtual environments does not apply.
        env: vec![("TMPDIR", tmp.clone().into()), ("PIP_REQUIRE_VIRTUALENV", "0".into())],
        what: archive.to_string(),
        dir: work,
        watch: vec![tmp, out.clone()],
        stall: tools.stall,
    };
    job.run(on_bytes)?;
    only_file(&out, "pip", archive)
}
