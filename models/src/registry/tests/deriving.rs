//! Files made here from files pulled.

use super::fixture::{World, one_file, pull, sha256};
use crate::registry::{Deriver, FileState, ModelState, Registry, RegistryError};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Writes its input backwards, and counts how often.
struct Reverse {
    version: &'static str,
    runs: Arc<AtomicUsize>,
}

impl Deriver for Reverse {
    fn version(&self) -> &str {
        self.version
    }

    fn derive(&self, inputs: &BTreeMap<String, PathBuf>, out: &Path) -> Result<(), String> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let mut bytes = fs::read(&inputs["a.bin"]).map_err(|e| e.to_string())?;
        bytes.reverse();
        fs::write(out, bytes).map_err(|e| e.to_string())
    }
}

struct Fails;

impl Deriver for Fails {
    fn version(&self) -> &'static str {
        "1"
    }

    fn derive(&self, _: &BTreeMap<String, PathBuf>, _: &Path) -> Result<(), String> {
        Err("a tensor is missing".to_owned())
    }
}

struct Setup {
    world: World,
    text: String,
    runs: Arc<AtomicUsize>,
}

impl Setup {
    fn new() -> Self {
        let world = World::new();
        let derived = "[[models.derived]]\npath = \"b.bin\"\nstep = \"reverse\"\nfrom = [\"a.bin\"]\n";
        let text = one_file(&world, b"abc") + derived;
        Self { world, text, runs: Arc::default() }
    }

    fn registry(&self, version: &'static str) -> Registry {
        let runs = Arc::clone(&self.runs);
        self.world.registry(&self.text).with_deriver("reverse", Arc::new(Reverse { version, runs }))
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

#[test]
fn a_derived_file_is_made_once_and_again_when_its_converter_changes() {
    let setup = Setup::new();
    let first = setup.registry("1");
    assert_eq!(pull(&first).unwrap().derived, ["m/b.bin"]);
    assert_eq!(pull(&first).unwrap().derived, Vec::<String>::new());
    assert_eq!(setup.runs(), 1);
    assert_eq!(fs::read(first.open("m").unwrap().file("b.bin").unwrap()).unwrap(), b"cba");

    let second = setup.registry("2");
    assert!(matches!(second.verify(&["m"]).unwrap()[1].state, FileState::Stale(_)));
    assert!(matches!(second.open("m"), Err(RegistryError::Corrupt { .. })));
    assert_eq!(pull(&second).unwrap().derived, ["m/b.bin"]);
    assert_eq!(setup.runs(), 2);
    second.open("m").unwrap();
}

#[test]
fn a_derived_file_that_was_damaged_is_made_again() {
    let setup = Setup::new();
    let registry = setup.registry("1");
    pull(&registry).unwrap();
    fs::write(setup.world.file("m", "b.bin"), b"xyz").unwrap();
    assert!(matches!(registry.open("m"), Err(RegistryError::Corrupt { .. })));
    pull(&registry).unwrap();
    assert_eq!(setup.runs(), 2);
    registry.open("m").unwrap();
}

#[test]
fn a_derived_file_without_a_usable_record_does_not_count() {
    let setup = Setup::new();
    let registry = setup.registry("1");
    pull(&registry).unwrap();
    fs::write(setup.world.file("m", "b.bin.derived.json"), b"{ \"step\": ").unwrap();
    assert!(matches!(registry.open("m"), Err(RegistryError::Corrupt { .. })));
    fs::remove_file(setup.world.file("m", "b.bin.derived.json")).unwrap();
    assert!(matches!(registry.open("m"), Err(RegistryError::Missing { .. })));
}

#[test]
fn without_its_converter_a_derived_file_stays_pending_and_the_rest_can_be_opened() {
    let setup = Setup::new();
    let registry = setup.world.registry(&setup.text);
    assert_eq!(pull(&registry).unwrap().pending, ["m/b.bin"]);
    assert_eq!(registry.list()[0].state, ModelState::Incomplete);
    assert!(matches!(registry.open("m"), Err(RegistryError::Missing { .. })));
    registry.open_files("m", &["a.bin"]).unwrap();
}

#[test]
fn a_conversion_that_fails_says_why_and_leaves_no_file() {
    let setup = Setup::new();
    let registry = setup.world.registry(&setup.text).with_deriver("reverse", Arc::new(Fails));
    let error = pull(&registry).unwrap_err();
    assert!(error.contains("m/b.bin") && error.contains("reverse failed: a tensor is missing"), "{error}");
    assert_eq!(setup.world.cached(), ["m/1/a.bin"]);
}

fn with(setup: &Setup, more: &str) -> Registry {
    let runs = Arc::clone(&setup.runs);
    let text = format!("{}{more}", setup.text);
    setup.world.registry(&text).with_deriver("reverse", Arc::new(Reverse { version: "1", runs }))
}

const VARIANT: &str = "[[models.derived]]\npath = \"c.bin\"\nstep = \"reverse\"\nfrom = [\"a.bin\"]\noptional = true\n";

#[test]
fn an_optional_file_is_made_and_looked_at_only_when_asked_for() {
    let setup = Setup::new();
    let plain = with(&setup, VARIANT);
    assert_eq!(pull(&plain).unwrap().derived, ["m/b.bin"]);
    assert_eq!(plain.list()[0].state, ModelState::Present);
    assert_eq!((plain.open("m").unwrap().files.len(), plain.verify(&["m"]).unwrap().len()), (2, 2));
    assert!(matches!(plain.open_files("m", &["c.bin"]), Err(RegistryError::Missing { .. })));

    let chosen = plain.clone().with_variant("other", "c.bin").with_variant("m", "c.bin");
    assert_eq!(chosen.list()[0].state, ModelState::Incomplete);
    assert_eq!(pull(&chosen).unwrap().derived, ["m/c.bin"]);
    assert_eq!(chosen.open("m").unwrap().files.len(), 3);
    // It is there now, for whoever names it, and nobody else's business.
    assert_eq!(plain.open_files("m", &["c.bin"]).unwrap().files.len(), 1);
    assert_eq!(plain.open("m").unwrap().info, with(&setup, "").open("m").unwrap().info);
    assert_eq!(plain.with_all_variants().open("m").unwrap().files.len(), 3);
}

#[test]
fn a_derived_file_with_another_hash_than_stated_is_not_used() {
    let setup = Setup::new();
    let stated = |sha256: &str| format!("sha256 = \"{sha256}\"\n");
    let right = with(&setup, &stated(&sha256(b"cba")));
    assert_eq!(pull(&right).unwrap().derived, ["m/b.bin"]);
    assert!(right.open("m").is_ok());

    let wrong = with(&setup, &stated(&sha256(b"xyz")));
    assert!(matches!(wrong.verify(&["m"]).unwrap()[1].state, FileState::Stale(_)));
    let told = pull(&wrong).unwrap_err();
    assert!(told.contains(&sha256(b"cba")) && told.contains(&sha256(b"xyz")), "{told}");
    assert!(wrong.open("m").is_err());
    assert!(crate::registry::Manifest::parse(&format!("{}{}", setup.text, stated("abc")), "test").is_err());
}
