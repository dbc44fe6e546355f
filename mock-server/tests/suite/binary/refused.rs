//! What is refused, and that no error repeats a key.

use std::net::TcpListener;

use super::{Running, run};
use crate::common::KEY;

#[test]
fn flags_that_cannot_be_are_explained() {
    let cases: [(&[&str], &str); 17] = [
        (&["--expose"], "--admin-token"),
        (&["--listen", "0.0.0.0:0", "--admin-token", "0123456789abcdef"], "--expose"),
        (&["--http-only", "--https-only"], "--https-only"),
        (&["--config", "-", "--die-with-parent"], "--config -"),
        (&["--idle-exit", "5"], "500ms"),
        (&["--max-delay", "soon"], "--max-delay"),
        (&["--journal-max", "0"], "--journal-max"),
        (&["--journal-bytes", "64MB"], "64MiB"),
        (&["--log", "loud"], "wire"),
        (&["--admin", "yes"], "--admin"),
        (&["--merchant", "balance=10.5"], "--merchant 1: balance=10.5: an integer in fen"),
        (
            &["--merchant", "mch_id=1", "--merchant", "key_file=/no/such"],
            "--merchant 2: key_file: cannot read /no/such",
        ),
        (&["--merchant", "sub_mch_id=1"], "mode=partner"),
        (&["--merchant", "mode=partner,mch_id=1,sub_mch_id=1"], "mch_id 1 is taken"),
        (&["--host-alias", "a b"], "--host-alias: "),
        (&["kit", "--kit-dir", "/dev/null/kit", "--host-alias", "a b"], "--host-alias: "),
        (&["bogus"], "bogus"),
    ];
    for (arguments, part) in cases {
        let (code, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

#[test]
fn no_error_repeats_a_key() {
    let part = format!("key={KEY}");
    let (short, long) = (format!("key={}", &KEY[1..]), format!("{part}x"));
    let cases: [&[&str]; 10] = [
        // A blank in place of a comma.
        &["--merchant", "mch_id=1", &part],
        &["--merchant", &short],
        &["--merchant", &long],
        &["--merchant", &part, "--colour"],
        &["--merchnt", &part],
        &[&part],
        &["sign", "--key", KEY, "--colour"],
        &["sign", &format!("--key={KEY}"), "extra"],
        &["--admin-token", KEY, "extra"],
        &["sign", KEY],
    ];
    for arguments in cases {
        let (code, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(!stderr.contains(&KEY[1..]), "{arguments:?}: {stderr}");
    }
    let (_, stderr) = run(&["--merchant", "mch_id=1", &part]);
    assert!(stderr.contains("commas between them"), "{stderr}");
}

#[test]
fn arguments_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut command = super::command(&["--merchant"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"mch_id=\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_port_in_use_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, stderr) = run(&["--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!((code, stderr.contains("--listen 127.0.0.1:0")), (Some(3), true), "{stderr}");
    // What it would have kept is not begun.
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(run(&["--listen", &address, "--state-file", state.to_str().unwrap()]).0, Some(3));
    assert!(!state.exists());
    // That of another mock too.
    let running = Running::start(&[]);
    assert_eq!(run(&["--listen", &running.address().to_string()]).0, Some(3));
}

#[test]
fn files_that_cannot_be_written_are_code_4() {
    for flag in ["--kit-dir", "--ready-file", "--env-file", "--state-file", "--journal-file"] {
        let (code, stderr) = run(&[flag, "/dev/null/file"]);
        assert_eq!((code, stderr.contains("/dev/null/file")), (Some(4), true), "{flag}: {stderr}");
    }
}

#[test]
fn help_says_what_there_is() {
    let output = super::command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in
        ["Examples:", "Exit codes:", "5  verification failed", "--state-file", "Never pass a real one"]
    {
        assert!(help.contains(part), "{part}");
    }
    let flags =
        help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split([' ', '=']).next());
    for flag in flags.filter(|flag| *flag != "help" && !flag.contains(',')) {
        let variable = format!("WECHATPAY_MOCK_{}", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable}");
    }
}
