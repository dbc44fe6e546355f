//! How it says that it is there, and when it goes.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{MERCHANT, Running, command};
use crate::raw::{admin, bounded, connect, health};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_hundred_starts_in_a_row_leave_nothing_behind() {
    for _ in 0..100 {
        let running = Running::start(&["--listen", "127.0.0.1:0"]);
        assert_eq!(health(running.address())["merchants"], 1);
        // What is left in the temporary folder is counted there.
        assert_eq!(running.stop("-TERM"), (Some(0), String::new()));
    }
}

#[test]
fn the_ready_file_is_the_ready_line_and_an_old_one_is_gone_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    fs::write(&path, "old").unwrap();
    let running = Running::start(&["--ready-file", text(&path)]);
    let written: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(written, running.ready);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left beside it");

    // One that does not start leaves none.
    let (code, _) = super::run(&["--ready-file", text(&path), "--kit-dir", "/dev/null/kit"]);
    assert_eq!((code, path.exists()), (Some(4), false));
}

#[test]
fn the_p12_files_of_a_kit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (own, env) = (folder.path().join("1"), folder.path().join("mock.env"));
    fs::create_dir(&own).unwrap();
    let files = ["apiclient_cert.p12", "apiclient_cert-legacy.p12"].map(|name| own.join(name));
    files.iter().for_each(|path| fs::write(path, "p12").unwrap());
    let running = Running::start(&[
        "--kit-dir",
        text(folder.path()),
        "--merchant",
        "mch_id=1",
        "--env-file",
        text(&env),
    ]);
    let merchant = &running.ready["merchants"][0];
    assert_eq!((&merchant["p12"], &merchant["p12_legacy"]), (&json!(files[0]), &json!(files[1])));
    assert!(fs::read_to_string(env).unwrap().contains(&format!("WECHATPAY_MOCK_P12={}\n", text(&files[0]))));
}

#[test]
fn a_shell_reads_the_env_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mock.env");
    let key = r#"it's_$HOME_`id`_"key"_32_bytes!!"#;
    let parts = format!("mch_id=10000098,key={key}");
    let running = Running::start(&["--merchant", &parts, "--env-file", text(&path)]);
    let script = ". \"$0\"; printf '%s\\n' \"$WECHATPAY_MOCK_URL\" \"$WECHATPAY_MOCK_CA\" \"$WECHATPAY_MOCK_MCH_ID\" \
                  \"$WECHATPAY_MOCK_KEY\" \"$WECHATPAY_MOCK_CERT\" \"$WECHATPAY_MOCK_KEY_PEM\"";
    let output = Command::new("sh").args(["-c", script, text(&path)]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let merchant = &running.ready["merchants"][0];
    let expected = [
        &running.ready["url"],
        &running.ready["ca"],
        &merchant["mch_id"],
        &merchant["key"],
        &merchant["cert"],
        &merchant["key_pem"],
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected.map(|value| value.as_str().unwrap()));
    assert_eq!(merchant["key"], key);
}

#[test]
fn people_get_text() {
    let running = Running::launch(&mut command(&["--print", "human", "--merchant", MERCHANT]), "");
    assert_eq!(running.line, concat!("wechatpay-mock ", env!("CARGO_PKG_VERSION"), " is ready\n"));
    let (code, rest) = running.stop("-TERM");
    assert_eq!(code, Some(0));
    for part in [
        "https://127.0.0.1:",
        "/__mock",
        "10000098",
        "exposed_your_key_here_have_risks",
        "apiclient_cert.pem",
    ] {
        assert!(rest.contains(part), "{part}: {rest}");
    }
}

#[test]
fn it_dies_with_its_parent_and_only_if_told_to() {
    let mut with = Running::spawn(command(&["--die-with-parent"]).stdin(Stdio::piped()));
    health(with.address());
    drop(with.child.stdin.take());
    assert_eq!(with.end(), (Some(0), String::new()));
    // The stdin of this one has ended from the beginning.
    let without = Running::start(&[]);
    health(without.address());
}

#[test]
fn it_goes_when_nobody_comes() {
    let running = Running::start(&["--idle-exit", "40ms"]);
    assert_eq!(running.end(), (Some(0), String::new()));
}

#[test]
fn it_can_be_interrupted_while_it_waits_for_its_world() {
    let mut child = command(&["--config", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: when it is written, it is being read.
    stdin.write_all(&[b' '; 128 * 1024]).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let stderr = child.stderr.take().unwrap();
    bounded(&mut child, || io::read_to_string(stderr).unwrap());
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn nothing_holds_up_its_end() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(&[]);
        // Connections that say nothing, and one in the middle of a request.
        let mut silent: Vec<_> = (0..20).map(|_| connect(running.address())).collect();
        silent[0].write_all(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab").unwrap();
        assert_eq!(admin(running.address(), "GET /__mock/health").0, 200);
        assert_eq!(running.stop(signal), (Some(0), String::new()));
    }
}
