//! Opening, listing, and the manifest that ships.

use super::fixture::{World, manifest, one_file, parts, pull, sha256, wheel};
use crate::registry::{Manifest, ModelState, Registry, RegistryError, Task};
use std::{fs, path::Path};

#[test]
fn opening_gives_paths_and_the_hash_of_the_weights() {
    let world = World::new();
    let registry = world.registry(&one_file(&world, b"good"));
    assert!(matches!(registry.open("m"), Err(RegistryError::Missing { .. })));
    pull(&registry).unwrap();
    let opened = registry.open("m").unwrap();
    assert_eq!(opened.file("a.bin").unwrap(), world.file("m", "a.bin"));
    assert_eq!((opened.info.name.as_str(), opened.info.version.as_str()), ("m", "1"));
    assert_eq!(opened.info.weights_sha256, sha256(b"good"));
    assert!(matches!(opened.file("b.bin"), Err(RegistryError::UnknownFile { .. })));
    assert!(matches!(registry.open_files("m", &["b.bin"]), Err(RegistryError::UnknownFile { .. })));
    assert!(matches!(registry.open("n"), Err(RegistryError::UnknownModel(_))));
}

#[test]
fn the_hash_of_several_files_is_that_of_the_text_sha256sum_prints() {
    let world = World::new();
    let package = wheel("pkg_a", &[("p/b", b"b"), ("p/a", b"a")]);
    world.publish(&package);
    let (a, b) = (parts(&[("pkg_a", "p/a")]), parts(&[("pkg_a", "p/b")]));
    let registry = world.registry(&manifest(&[&package], &[("b", b"b", &b), ("a", b"a", &a)]));
    pull(&registry).unwrap();
    let printed = format!("{}  a\n{}  b\n", sha256(b"a"), sha256(b"b"));
    assert_eq!(registry.open("m").unwrap().info.weights_sha256, sha256(printed.as_bytes()));
    assert_eq!(registry.open_files("m", &["b"]).unwrap().info.weights_sha256, sha256(b"b"));
}

#[test]
fn a_file_damaged_on_disk_is_refused_when_opened() {
    let world = World::new();
    let registry = world.registry(&one_file(&world, b"good"));
    pull(&registry).unwrap();
    fs::write(world.file("m", "a.bin"), b"gooD").unwrap();
    let error = registry.open("m").unwrap_err().to_string();
    assert!(error.contains("healthsync models pull m"), "{error}");
}

#[test]
fn the_list_tells_what_is_there() {
    let world = World::new();
    let registry = world.registry(&one_file(&world, b"good"));
    assert_eq!(registry.list()[0].state, ModelState::Missing);
    pull(&registry).unwrap();
    let line = registry.list().remove(0);
    assert_eq!((line.state, line.size, line.task, line.licence.as_str()), (ModelState::Present, 4, Task::Demo, "MIT"));
    fs::write(world.file("m", "a.bin"), b"truncated or not").unwrap();
    assert_eq!(registry.list()[0].state, ModelState::Corrupt);
}

#[test]
fn a_model_for_other_machines_is_told_apart_from_a_missing_one() {
    let world = World::new();
    let text = one_file(&world, b"good").replace("size = 4", "target = \"linux-riscv64\"\nsize = 4");
    let registry = world.registry(&text);
    assert_eq!(registry.list()[0].state, ModelState::Unsupported);
    assert!(matches!(registry.open("m"), Err(RegistryError::UnsupportedTarget { .. })));
    assert_eq!(pull(&registry).unwrap().installed, Vec::<String>::new());
    assert_eq!(pull(&registry.with_target("linux-riscv64")).unwrap().installed, ["m/a.bin"]);
}

#[test]
fn the_manifest_that_ships_is_valid_and_whole_on_both_targets() {
    let manifest = Manifest::embedded().unwrap();
    for target in ["linux-x86_64", "linux-aarch64"] {
        for model in &manifest.models {
            assert!(model.files_for(target).next().is_some(), "{} on {target}", model.name);
        }
    }
    // Each archive serves something.
    let files = || manifest.models.iter().flat_map(|model| &model.files);
    for id in manifest.archives.keys() {
        let uses = |file: &&crate::registry::manifest::FileEntry| {
            file.sources.iter().filter_map(|source| source.parts.as_ref()).flatten().any(|part| part.archive == *id)
        };
        assert!(files().any(|file| uses(&file)), "{id} is not used");
    }
}

#[test]
fn every_model_that_ships_has_a_card_naming_its_licence_and_hashes() {
    let cards = Path::new(env!("CARGO_MANIFEST_DIR")).join("cards");
    for model in Manifest::embedded().unwrap().models {
        let card = fs::read_to_string(cards.join(format!("{}.md", model.name))).expect(&model.name);
        assert!(card.contains(&model.licence), "{} does not name its licence", model.name);
        assert!(card.contains(&model.version), "{} does not name its version", model.name);
        for file in &model.files {
            assert!(card.contains(&file.sha256), "{} lacks the hash of {}", model.name, file.path);
        }
        for (derived, sha256) in model.derived.iter().filter_map(|entry| Some((entry, entry.sha256.as_ref()?))) {
            assert!(card.contains(sha256), "{} lacks the hash of {}", model.name, derived.path);
        }
    }
}

#[test]
fn wrong_manifests_are_refused_with_the_entry_that_is_wrong() {
    let world = World::new();
    let good = one_file(&world, b"good");
    let hash = sha256(b"good");
    let cases = [
        ("format = 1", "format = 2", "format 2"),
        ("name = \"m\"", "name = \"../m\"", "\"../m\""),
        ("path = \"a.bin\"", "path = \".hidden\"", "\".hidden\""),
        ("archive = \"pkg_a\"", "archive = \"pkg_b\"", "no archive \"pkg_b\""),
        (hash.as_str(), "ABC", "64 lower-case hex"),
        ("version = \"1.0\"", "version = \"1.0\\n--index-url x\"", "version"),
        ("size = 4", "size = 0", "size 0"),
        ("kind = \"wheel\"", "kind = \"sdist\"", "sdist"),
        ("origin = \"o\"", "origin = \"o\"\nsurprise = 1", "surprise"),
        ("parts = [", "parts = [], hub = [", ""),
    ];
    for (from, to, named) in cases {
        assert!(good.contains(from), "{from}");
        let error = Manifest::parse(&good.replace(from, to), "test").unwrap_err();
        assert!(matches!(error, RegistryError::Manifest { .. }));
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

#[test]
fn a_manifest_of_the_users_own_replaces_the_one_built_in() {
    let world = World::new();
    let path = world.wheels().join("own.toml");
    fs::write(&path, one_file(&world, b"good")).unwrap();
    let registry = Registry::new(Manifest::read(&path).unwrap(), &world.root()).unwrap();
    assert_eq!(registry.list().len(), 1);
    let huge = "#".repeat(2 << 20);
    fs::write(&path, huge).unwrap();
    assert!(Manifest::read(&path).is_err());
}
