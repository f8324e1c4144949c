//! The allowed edges between the parts, held against what cargo says is there.

use cargo_metadata::{MetadataCommand, Package};
use std::collections::BTreeMap;

/// Part of the project a package belongs to.
fn part(package: &Package, root: &str) -> String {
    let folder = package.manifest_path.parent().unwrap().as_str();
    let folder = folder.strip_prefix(root).unwrap().trim_start_matches('/');
    match folder {
        "" => "src",
        "protocols/events" => "events",
        other if other.starts_with("protocols/") => "transports",
        other if other.starts_with("models") => "models",
        other => other,
    }
    .to_owned()
}

fn allowed(from: &str, to: &str) -> bool {
    match from {
        "src" => true,
        "actors" => matches!(to, "events" | "models"),
        "transports" => to == "events",
        "models" => matches!(to, "events" | "models"),
        "loadtests" => matches!(to, "events" | "transports"),
        _ => false,
    }
}

#[test]
fn parts_depend_on_each_other_only_as_the_architecture_allows() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let root = metadata.workspace_root.as_str();
    let parts: BTreeMap<_, _> = metadata.packages.iter().map(|p| (p.name.to_string(), part(p, root))).collect();
    assert!(parts.len() >= 12, "the workspace's packages were found");
    let mut forbidden = Vec::new();
    for package in &metadata.packages {
        let from = &parts[package.name.as_str()];
        for dependency in &package.dependencies {
            let Some(to) = parts.get(&dependency.name) else { continue };
            let itself = dependency.name == package.name.as_str();
            if !itself && !allowed(from, to) {
                forbidden.push(format!("{} ({from}) -> {} ({to})", package.name, dependency.name));
            }
        }
    }
    assert!(forbidden.is_empty(), "edges the architecture forbids: {forbidden:#?}");
}

/// Who may know of what: a crate named here is used by the packages beside it and by no other.
const KNOWN_ONLY_TO: [(&str, &[&str]); 9] = [
    ("rusqlite", &["healthsync-actors"]),
    ("whisper-rs", &["healthsync-transcribe"]),
    ("candle-core", &["healthsync-deteriorate", "healthsync-transcribe"]),
    ("candle-nn", &["healthsync-deteriorate", "healthsync-transcribe"]),
    ("fxtranslate", &["healthsync-translate"]),
    ("ort", &["healthsync-speak"]),
    ("webrtc", &["healthsync-webrtc"]),
    ("actix", &["healthsync-actors"]),
    ("rdkafka", &["healthsync-kafka"]),
];

#[test]
fn engines_and_stores_are_known_only_to_the_package_that_wraps_them() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for (library, knows) in KNOWN_ONLY_TO {
        let users: Vec<_> = metadata
            .packages
            .iter()
            .filter(|p| p.dependencies.iter().any(|d| d.name == library))
            .map(|p| p.name.to_string())
            .collect();
        assert_eq!(users, knows, "{library}");
    }
}

#[test]
fn the_vocabulary_needs_no_runtime() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let events = metadata.packages.iter().find(|p| p.name.as_str() == "healthsync-events").unwrap();
    for runtime in ["tokio", "axum", "actix", "hyper"] {
        assert!(events.dependencies.iter().all(|d| d.name != runtime), "events depends on {runtime}");
    }
}
