//! Packages of npm's registry, by `npm pack`.

use super::{Archive, FetchError, OnBytes, Tools, command::Job, create_dirs, only_file};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Downloads into `work`; gives the path of the gzipped tar.
pub(super) fn pack(
    tools: &Tools,
    archive: &Archive,
    work: &Path,
    on_bytes: OnBytes<'_>,
) -> Result<PathBuf, FetchError> {
    let (out, cache) = (work.join("out"), work.join("npm-cache"));
    create_dirs(&[&out, &cache])?;
    let mut args: Vec<OsString> = vec!["pack".into(), format!("{}@{}", archive.package, archive.version).into()];
    let options = ["--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier"];
    args.extend(options.map(OsString::from));
    args.extend(["--pack-destination".into(), out.clone().into(), "--cache".into(), cache.clone().into()]);
    args.extend(tools.npm_args.iter().map(OsString::from));
    let job = Job {
        name: "npm",
        program: &tools.npm,
        install_advice: "install Node.js with npm (Debian and Ubuntu: apt-get install npm)",
        args,
        env: vec![("TMPDIR", work.into())],
        what: archive.to_string(),
        dir: work,
        watch: vec![cache, out.clone()],
        stall: tools.stall,
    };
    job.run(on_bytes)?;
    only_file(&out, "npm", archive)
}
