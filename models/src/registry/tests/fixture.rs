//! Packages small enough to make on the spot, and registries that list them.

use crate::registry::{Manifest, PullEvent, PullProgress, Registry, Silent, Tools, cache};
use std::{
    fmt::Write as _,
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder that pip finds wheels in, and a cache.
pub struct World {
    dir: TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("wheels")).unwrap();
        Self { dir }
    }

    pub fn wheels(&self) -> PathBuf {
        self.dir.path().join("wheels")
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    pub fn file(&self, model: &str, file: &str) -> PathBuf {
        self.root().join(model).join("1").join(file)
    }

    pub fn staged(&self, sha256: &str) -> PathBuf {
        self.root().join(".staging/archives").join(sha256)
    }

    pub fn publish(&self, package: &Package) {
        fs::write(self.wheels().join(&package.file_name), &package.bytes).unwrap();
    }

    pub fn withdraw(&self, package: &Package) {
        fs::remove_file(self.wheels().join(&package.file_name)).unwrap();
    }

    /// pip sees the wheels folder and no index.
    pub fn tools(&self) -> Tools {
        let wheels = self.wheels().display().to_string();
        Tools { pip_args: ["--no-index", "--find-links", &wheels].map(str::to_owned).into(), ..Tools::default() }
    }

    pub fn registry(&self, manifest: &str) -> Registry {
        let manifest = Manifest::parse(manifest, "test").unwrap();
        Registry::new(manifest, &self.root()).unwrap().with_tools(self.tools())
    }

    /// Every file below the cache except the lock, by its path there.
    pub fn cached(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.root(), &mut found);
        let name = |path: &PathBuf| path.strip_prefix(self.root()).unwrap().display().to_string();
        let mut names: Vec<_> = found.iter().map(name).filter(|name| name != ".lock").collect();
        names.sort();
        names
    }
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// An archive as a registry would serve it.
pub struct Package {
    pub name: String,
    pub kind: &'static str,
    pub file_name: String,
    pub bytes: Vec<u8>,
}

impl Package {
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }

    /// Its entry in a manifest.
    pub fn entry(&self) -> String {
        let (name, kind, size, sha256) = (&self.name, self.kind, self.bytes.len(), self.sha256());
        format!(
            "[archives.{name}]\nkind = \"{kind}\"\npackage = \"{name}\"\nversion = \"1.0\"\nsize = {size}\n\
             sha256 = \"{sha256}\"\n"
        )
    }
}

/// A wheel that pip takes for one, version 1.0, with these members.
pub fn wheel(name: &str, members: &[(&str, &[u8])]) -> Package {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    let info = format!("{name}-1.0.dist-info");
    let tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let own = [("METADATA", metadata.as_str()), ("WHEEL", tags), ("RECORD", "")];
    for (member, text) in own {
        zip.start_file(format!("{info}/{member}"), options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    for (member, bytes) in members {
        zip.start_file(*member, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    Package {
        name: name.to_owned(),
        kind: "wheel",
        file_name: format!("{name}-1.0-py3-none-any.whl"),
        bytes: zip.finish().unwrap().into_inner(),
    }
}

/// A package as npm's registry serves it.
pub fn tarball(name: &str, members: &[(&str, &[u8])]) -> Package {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gz);
    let manifest = format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\"}}");
    let own = [("package/package.json", manifest.as_bytes())];
    for (member, bytes) in own.iter().chain(members) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, member, *bytes).unwrap();
    }
    Package {
        name: name.to_owned(),
        kind: "npm",
        file_name: format!("{name}-1.0.0.tgz"),
        bytes: tar.into_inner().unwrap().finish().unwrap(),
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    let mut writer = cache::HashingWriter::new(std::io::sink());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().1
}

/// A manifest of one model `m`, version 1. Each file: its name, its bytes, its sources as TOML.
pub fn manifest(archives: &[&Package], files: &[(&str, &[u8], &str)]) -> String {
    let mut text = "format = 1\n".to_owned();
    for package in archives {
        text += &package.entry();
    }
    text += "[[models]]\nname = \"m\"\nversion = \"1\"\ntask = \"demo\"\ntitle = \"t\"\nlicence = \"MIT\"\norigin = \"o\"\n";
    for (path, bytes, sources) in files {
        let (size, sha256) = (bytes.len(), sha256(bytes));
        write!(
            text,
            "[[models.files]]\npath = \"{path}\"\nsize = {size}\nsha256 = \"{sha256}\"\nsources = [{sources}]\n"
        )
        .unwrap();
    }
    text
}

/// A source in TOML: members of archives, joined.
pub fn parts(parts: &[(&str, &str)]) -> String {
    let part = |(archive, member): &(&str, &str)| format!("{{ archive = \"{archive}\", member = \"{member}\" }}");
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!("{{ parts = [{}] }}", parts.join(", "))
}

/// A model of one file `a.bin` in one wheel `pkg-a`.
pub fn one_file(world: &World, bytes: &[u8]) -> String {
    let package = wheel("pkg_a", &[("pkg_a/a.bin", bytes)]);
    world.publish(&package);
    manifest(&[&package], &[("a.bin", bytes, &parts(&[("pkg_a", "pkg_a/a.bin")]))])
}

pub fn pull(registry: &Registry) -> Result<crate::registry::PullReport, String> {
    registry.pull(&[], &mut Silent).map_err(|e| e.to_string())
}

/// Keeps what it heard.
#[derive(Default)]
pub struct Heard(pub Vec<String>);

impl PullProgress for Heard {
    fn on(&mut self, event: PullEvent<'_>) {
        self.0.push(format!("{event:?}"));
    }
}
