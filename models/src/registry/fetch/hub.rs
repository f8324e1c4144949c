//! Single files of a model hub the user named, by curl.

use super::{FetchError, FileEntry, HubFile, OnBytes, Tools, command::Job, create_dirs};
use std::{ffi::OsString, fs, path::Path};

/// Downloads to `part`, going on from what is already there.
pub(super) fn download(
    tools: &Tools,
    file: &FileEntry,
    hub: &HubFile,
    part: &Path,
    work: &Path,
    on_bytes: OnBytes<'_>,
) -> Result<(), FetchError> {
    let base = tools.hub_url.as_deref().ok_or(FetchError::HubNotConfigured)?;
    let url = url(base, hub)?;
    create_dirs(&[work])?;
    let here = fs::metadata(part).map_or(0, |meta| meta.len());
    if here == file.size {
        return Ok(()); // Whole by its size; the caller checks the hash.
    }
    let first = run(tools, file, hub, &url, part, work, on_bytes);
    if first.is_ok() || here == 0 {
        return first;
    }
    // Some servers cannot continue a file; then once from the beginning.
    fs::remove_file(part).map_err(|e| FetchError::io("remove", part, e))?;
    run(tools, file, hub, &url, part, work, on_bytes)
}

/// The path shape that model hubs and their mirrors share.
fn url(base: &str, hub: &HubFile) -> Result<String, FetchError> {
    let base = base.trim_end_matches('/');
    if !(base.starts_with("https://") || base.starts_with("http://")) {
        return Err(FetchError::HubUrl);
    }
    Ok(format!("{base}/{}/resolve/{}/{}", hub.repo, hub.revision, hub.file))
}

fn run(
    tools: &Tools,
    file: &FileEntry,
    hub: &HubFile,
    url: &str,
    part: &Path,
    work: &Path,
    on_bytes: OnBytes<'_>,
) -> Result<(), FetchError> {
    let options = ["--fail", "--location", "--silent", "--show-error", "--proto", "=http,https", "--retry", "3"];
    let mut args: Vec<OsString> = options.map(OsString::from).into();
    args.extend(["--max-filesize".into(), file.size.to_string().into()]);
    args.extend(["--continue-at".into(), "-".into(), "--output".into(), part.into(), "--".into(), url.into()]);
    let job = Job {
        name: "curl",
        program: &tools.curl,
        install_advice: "install curl",
        args,
        env: Vec::new(),
        what: format!("{} of {}", hub.file, hub.repo),
        dir: work,
        watch: vec![part.to_owned()],
        stall: tools.stall,
    };
    job.run(on_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_users_hub_and_the_manifests_path() {
        let hub = HubFile {
            repo: "someone/a-model".to_owned(),
            revision: "main".to_owned(),
            file: "onnx/model.bin".to_owned(),
        };
        let address = url("https://hub.example/", &hub).unwrap();
        assert_eq!(address, "https://hub.example/someone/a-model/resolve/main/onnx/model.bin");
        assert!(matches!(url("file:///etc", &hub), Err(FetchError::HubUrl)));
    }
}
