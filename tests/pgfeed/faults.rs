//! The map of faults names tests that are there.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Adds the names of all tests below a folder, as libtest gives them.
fn collect(folder: &Path, module: &str, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            collect(&path, &format!("{module}{stem}::"), names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let tests = text.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
            names.extend(tests.map(|(name, _)| format!("{module}{stem}::{name}")));
        }
    }
}

#[test]
fn every_test_that_the_map_names_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut names = HashSet::new();
    collect(&tests.join("pgfeed"), "", &mut names);
    let map = fs::read_to_string(tests.join("FAULTS.md")).unwrap();
    let named: Vec<&str> = map.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect();
    assert!(named.len() > 100, "{named:?}");
    // Those with fewer parts than a test has are modules of this crate, or units of src.
    let is_there = |name: &&str| {
        names.contains(*name)
            || names.iter().any(|test| test.starts_with(&format!("{name}::")))
            || Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{}.rs", name.replace("::", "/"))).exists()
    };
    let missing: Vec<&&str> = named.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "tests/FAULTS.md names what is not there: {missing:?}");
}
