//! That no case is lost: each has a test by its number, here and where the mock server reads requests.

use std::fs;
use std::path::Path;

/// The numbers that are given out. Those that are missing never were.
const CASES: [&str; 36] = [
    "x01", "x02", "x03", "x04", "x05", "x07", "x08", "x09", "x10", "x11", "x12", "x13", "x15", "x17", "x18",
    "x19", "x20", "x21", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "x31", "x32", "x34", "x35",
    "x36", "x38", "x39", "x41", "x42", "x43",
];
/// Informational; a bench measures it, a test stands in for it.
const TIMED: &str = "x44";
/// What a document that comes in as a request can be.
const REQUESTS: [&str; 26] = [
    "x01", "x02", "x03", "x04", "x05", "x07", "x08", "x09", "x10", "x13", "x17", "x19", "x20", "x25", "x27",
    "x28", "x29", "x30", "x31", "x32", "x34", "x35", "x36", "x38", "x41", "x43",
];

/// The names of the tests in a file, or in all files of a folder.
fn tests(path: &Path) -> Vec<String> {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().flat_map(|entry| tests(&entry.unwrap().path())).collect();
    }
    let source = fs::read_to_string(path).unwrap_or_default();
    let behind = source.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn "));
    behind.map(|(_, rest)| rest.split('(').next().unwrap().to_owned()).collect()
}

#[test]
fn every_case_has_a_test_by_its_number() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = tests(&root.join("tests/hostile"));
    let of_mock = tests(&root.join("../mock-server/tests/suite/hostile.rs"));
    let lost = |cases: &[&'static str], tests: &[String]| -> Vec<&str> {
        let named = |case: &str| tests.iter().any(|test| test.starts_with(&format!("{case}_")));
        cases.iter().copied().filter(|case| !named(case)).collect()
    };
    assert_eq!(lost(&CASES, &own), [""; 0]);
    assert_eq!(lost(&[TIMED], &own), [""; 0]);
    assert_eq!(lost(&REQUESTS, &of_mock), [""; 0]);
    // and no test has a number that nobody gave out
    let mut numbered = own.iter().chain(&of_mock).filter(|test| test.starts_with('x'));
    let known =
        |test: &String| CASES.iter().chain([&TIMED]).any(|case| test.starts_with(&format!("{case}_")));
    assert_eq!(numbered.find(|test| !known(test)), None);
}
