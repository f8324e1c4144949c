//! Pulling by pip: what arrives, what is refused, and what survives an interruption.

use super::fixture::{Heard, World, manifest, one_file, parts, pull, sha256, wheel};
use crate::registry::{FileState, Lines, PullEvent, PullProgress, RegistryError, Silent, Tools};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

#[test]
fn parts_of_two_packages_become_one_file_and_a_second_pull_fetches_nothing() {
    let world = World::new();
    let first = wheel("pkg_a", &[("pkg_a/x.part1", b"hello "), ("pkg_a/small.json", b"{}")]);
    let second = wheel("pkg_b", &[("pkg_b/x.part2", b"world")]);
    world.publish(&first);
    world.publish(&second);
    let joined = parts(&[("pkg_a", "pkg_a/x.part1"), ("pkg_b", "pkg_b/x.part2")]);
    let small = parts(&[("pkg_a", "pkg_a/small.json")]);
    let text = manifest(&[&first, &second], &[("x", b"hello world", &joined), ("small.json", b"{}", &small)]);
    let registry = world.registry(&text);

    let report = pull(&registry).unwrap();
    assert_eq!(report.installed, ["m/x", "m/small.json"]);
    assert_eq!(report.fetched_bytes, (first.bytes.len() + second.bytes.len()) as u64);
    assert_eq!(fs::read(world.file("m", "x")).unwrap(), b"hello world");
    assert_eq!(world.cached(), ["m/1/small.json", "m/1/x"], "nothing is left in staging");

    let again = pull(&registry).unwrap();
    assert_eq!((again.already, again.fetched_bytes), (2, 0));
}

#[test]
fn a_pull_that_failed_goes_on_from_the_packages_it_had() {
    let world = World::new();
    let first = wheel("pkg_a", &[("pkg_a/1", b"hello ")]);
    let second = wheel("pkg_b", &[("pkg_b/2", b"world")]);
    world.publish(&first);
    let text =
        manifest(&[&first, &second], &[("x", b"hello world", &parts(&[("pkg_a", "pkg_a/1"), ("pkg_b", "pkg_b/2")]))]);
    let registry = world.registry(&text);
    let error = pull(&registry).unwrap_err();
    assert!(error.contains("m/x") && error.contains("pkg_b 1.0") && error.contains("PIP_INDEX_URL"), "{error}");
    assert!(!world.file("m", "x").exists());

    // Only the second package can be had now: the first must come from what was kept.
    world.withdraw(&first);
    world.publish(&second);
    let report = pull(&registry).unwrap();
    assert_eq!(report.fetched_bytes, second.bytes.len() as u64);
    assert_eq!(fs::read(world.file("m", "x")).unwrap(), b"hello world");
}

#[test]
fn a_pull_that_was_killed_between_packages_goes_on_and_frees_its_lock() {
    struct DiesAfterFirst(usize);
    impl PullProgress for DiesAfterFirst {
        fn on(&mut self, event: PullEvent<'_>) {
            if matches!(event, PullEvent::FetchFinished { .. }) {
                self.0 += 1;
                assert!(self.0 < 2, "killed");
            }
        }
    }
    let world = World::new();
    let first = wheel("pkg_a", &[("pkg_a/1", b"hello ")]);
    let second = wheel("pkg_b", &[("pkg_b/2", b"world")]);
    world.publish(&first);
    world.publish(&second);
    let text =
        manifest(&[&first, &second], &[("x", b"hello world", &parts(&[("pkg_a", "pkg_a/1"), ("pkg_b", "pkg_b/2")]))]);
    let registry = world.registry(&text).with_lock_wait(Duration::ZERO);
    let killed = catch_unwind(AssertUnwindSafe(|| registry.pull(&[], &mut DiesAfterFirst(0))));
    assert!(killed.is_err());
    world.withdraw(&first);
    world.withdraw(&second);
    assert_eq!(pull(&registry).unwrap().fetched_bytes, 0, "both packages were kept");
}

#[test]
fn a_staged_package_that_is_not_whole_is_fetched_again() {
    let world = World::new();
    let package = wheel("pkg_a", &[("pkg_a/a.bin", b"bytes")]);
    world.publish(&package);
    let text = manifest(&[&package], &[("a.bin", b"bytes", &parts(&[("pkg_a", "pkg_a/a.bin")]))]);
    let staged = world.staged(&package.sha256());
    fs::create_dir_all(staged.parent().unwrap()).unwrap();
    fs::write(&staged, &package.bytes[..package.bytes.len() / 2]).unwrap();
    let report = pull(&world.registry(&text)).unwrap();
    assert_eq!(report.fetched_bytes, package.bytes.len() as u64);
    assert_eq!(world.cached(), ["m/1/a.bin"]);
}

#[test]
fn a_package_with_other_bytes_than_pinned_is_refused_and_leaves_nothing() {
    let world = World::new();
    let text = one_file(&world, b"good");
    // The registry now serves something else under the same name and version.
    world.publish(&wheel("pkg_a", &[("pkg_a/a.bin", b"evil")]));
    let error = pull(&world.registry(&text)).unwrap_err();
    assert!(error.contains("HASHES") && error.contains("do not use them"), "{error}");
    assert_eq!(world.cached(), Vec::<String>::new());
}

#[test]
fn a_member_with_another_hash_than_stated_is_refused_and_leaves_nothing_in_place() {
    let world = World::new();
    let package = wheel("pkg_a", &[("pkg_a/a.bin", b"evil")]);
    world.publish(&package);
    let text = manifest(&[&package], &[("a.bin", b"good", &parts(&[("pkg_a", "pkg_a/a.bin")]))]);
    let error = pull(&world.registry(&text)).unwrap_err();
    assert!(error.contains(&sha256(b"evil")) && error.contains(&sha256(b"good")), "{error}");
    assert!(!world.file("m", "a.bin").exists());
}

#[test]
fn a_member_longer_than_stated_is_not_unpacked_to_its_end() {
    let world = World::new();
    let bomb = vec![0; 8 << 20];
    let package = wheel("pkg_a", &[("pkg_a/a.bin", &bomb)]);
    world.publish(&package);
    let text = manifest(&[&package], &[("a.bin", b"four", &parts(&[("pkg_a", "pkg_a/a.bin")]))]);
    let error = pull(&world.registry(&text)).unwrap_err();
    assert!(error.contains("more than the 4 bytes expected"), "{error}");
}

#[test]
fn paths_inside_an_archive_write_nothing_outside_the_cache() {
    let world = World::new();
    let package = wheel("pkg_a", &[("../../../escaped", b"evil"), ("pkg_a/a.bin", b"good")]);
    world.publish(&package);
    let good = parts(&[("pkg_a", "pkg_a/a.bin")]);
    pull(&world.registry(&manifest(&[&package], &[("a.bin", b"good", &good)]))).unwrap();
    assert_eq!(world.cached(), ["m/1/a.bin"]);
    let outside = world.root().parent().unwrap().join("escaped");
    assert!(!outside.exists());

    let evil = parts(&[("pkg_a", "../../../escaped")]);
    let text = manifest(&[&package], &[("a.bin", b"evil", &evil)]);
    let refused = crate::registry::Manifest::parse(&text, "test").unwrap_err();
    assert!(refused.to_string().contains("plain relative path"), "{refused}");
}

#[test]
fn when_one_source_fails_the_next_is_used() {
    let world = World::new();
    let gone = wheel("pkg_gone", &[("pkg_gone/a.bin", b"good")]);
    let here = wheel("pkg_here", &[("pkg_here/a.bin", b"good")]);
    world.publish(&here);
    let sources = format!("{}, {}", parts(&[("pkg_gone", "pkg_gone/a.bin")]), parts(&[("pkg_here", "pkg_here/a.bin")]));
    let registry = world.registry(&manifest(&[&gone, &here], &[("a.bin", b"good", &sources)]));
    let mut heard = Heard::default();
    registry.pull(&[], &mut heard).unwrap();
    assert!(heard.0.iter().any(|event| event.starts_with("SourceFailed")), "{:?}", heard.0);
    assert_eq!(fs::read(world.file("m", "a.bin")).unwrap(), b"good");
}

#[test]
fn what_can_be_had_is_provided_although_another_file_fails() {
    let world = World::new();
    let gone = wheel("pkg_gone", &[("pkg_gone/b", b"b")]);
    let here = wheel("pkg_here", &[("pkg_here/a", b"a")]);
    world.publish(&here);
    let (a, b) = (parts(&[("pkg_here", "pkg_here/a")]), parts(&[("pkg_gone", "pkg_gone/b")]));
    let registry = world.registry(&manifest(&[&gone, &here], &[("b", b"b", &b), ("a", b"a", &a)]));
    let Err(RegistryError::Pull(failures)) = registry.pull(&[], &mut Silent) else {
        panic!("a file is missing");
    };
    assert_eq!(failures.0.len(), 1);
    assert_eq!(failures.0[0].file, "b");
    assert!(world.file("m", "a").exists());
}

#[test]
fn a_machine_without_python_or_npm_is_told_what_to_install() {
    let world = World::new();
    let text = one_file(&world, b"good");
    let tools = |python: &str, npm: &str| Tools { python: python.to_owned(), npm: npm.to_owned(), ..world.tools() };
    let error = pull(&world.registry(&text).with_tools(tools("/no/python3", "npm"))).unwrap_err();
    assert!(error.contains("/no/python3 was not found; install Python 3 with pip"), "{error}");
    let text = text.replace("kind = \"wheel\"", "kind = \"npm\"");
    let error = pull(&world.registry(&text).with_tools(tools("python3", "/no/npm"))).unwrap_err();
    assert!(error.contains("/no/npm was not found; install Node.js with npm"), "{error}");
}

#[test]
fn two_pulls_at_once_both_succeed_and_one_of_them_fetches() {
    let world = World::new();
    let text = one_file(&world, b"good");
    let reports: Vec<_> = thread::scope(|scope| {
        let pulls: Vec<_> = (0..2).map(|_| scope.spawn(|| pull(&world.registry(&text)).unwrap())).collect();
        pulls.into_iter().map(|pull| pull.join().unwrap()).collect()
    });
    assert_eq!(reports.iter().map(|report| report.installed.len()).sum::<usize>(), 1);
    assert_eq!(reports.iter().map(|report| report.already).sum::<usize>(), 1);
}

#[test]
fn a_damaged_file_is_found_and_replaced() {
    let world = World::new();
    let registry = world.registry(&one_file(&world, b"good"));
    pull(&registry).unwrap();
    fs::write(world.file("m", "a.bin"), b"bad!").unwrap();
    let found = registry.verify(&["m"]).unwrap();
    assert!(matches!(&found[0].state, FileState::Corrupt(why) if why.contains("SHA-256")), "{found:?}");
    assert_eq!(pull(&registry).unwrap().installed, ["m/a.bin"]);
    assert_eq!(registry.verify(&[]).unwrap()[0].state, FileState::Present);
}

#[test]
fn staged_packages_of_an_older_manifest_are_dropped() {
    let world = World::new();
    let old = world.staged(&"0".repeat(64));
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, b"old").unwrap();
    pull(&world.registry(&one_file(&world, b"good"))).unwrap();
    assert_eq!(world.cached(), ["m/1/a.bin"]);
}

#[test]
fn without_a_terminal_each_step_is_one_line() {
    let world = World::new();
    let mut out = Vec::new();
    world.registry(&one_file(&world, b"good")).pull(&[], &mut Lines::new(&mut out)).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("pkg_a 1.0: fetching "), "{text}");
    assert!(text.ends_with("m/a.bin: 4 B verified\n"), "{text}");
}

#[test]
fn without_a_network_each_client_is_run_once_and_the_reason_is_said_once() {
    let world = World::new();
    let (first, second) = (wheel("pkg_a", &[("pkg_a/a", b"a")]), wheel("pkg_b", &[("pkg_b/b", b"b")]));
    let (a, b) = (parts(&[("pkg_a", "pkg_a/a")]), parts(&[("pkg_b", "pkg_b/b")]));
    // Port 9 of the loopback, "discard": nobody listens.
    let index = ["--index-url=http://127.0.0.1:9/simple", "--retries=1"].map(str::to_owned);
    let tools = Tools { pip_args: index.into(), ..Tools::default() };
    let registry = world.registry(&manifest(&[&first, &second], &[("a", b"a", &a), ("b", b"b", &b)])).with_tools(tools);
    let mut heard = Heard::default();
    let error = registry.pull(&[], &mut heard).unwrap_err().to_string();
    assert_eq!(heard.0.iter().filter(|event| event.starts_with("FetchStarted")).count(), 1, "{:?}", heard.0);
    assert!(error.contains("check the network"), "{error}");
    assert!(error.contains("pip could not reach its registry earlier"), "{error}");
}
