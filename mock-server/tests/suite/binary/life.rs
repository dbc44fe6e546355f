//! How it says that it is there, and when it goes.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{MERCHANT, Running, command};
use crate::raw::{admin, bounded, connect, health, request, status, talk};

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

/// Waits for its end in good order, and returns what it said on stderr.
fn last_words(mut running: Running) -> String {
    let stderr = running.child.stderr.take().unwrap();
    assert_eq!(running.end(), (Some(0), String::new()));
    io::read_to_string(stderr).unwrap()
}

const PARENT: &str = "wechatpay-mock: it ends: stdin has ended, and with it the parent (--die-with-parent)\n";

#[test]
fn it_dies_with_its_parent_and_only_if_told_to() {
    let mut with = Running::spawn(command(&["--die-with-parent"]).stdin(Stdio::piped()));
    health(with.address());
    drop(with.child.stdin.take());
    assert_eq!(last_words(with), PARENT);
    // The stdin of this one has ended from the beginning.
    let without = Running::start(&[]);
    health(without.address());
}

/// One end of a pair of sockets is as good as a pipe.
#[test]
fn it_dies_with_a_parent_at_the_other_end_of_a_socket() {
    let (own, its) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = command(&["--die-with-parent"]);
    let running = Running::spawn(command.stdin(std::os::fd::OwnedFd::from(its)));
    drop(command);
    health(running.address());
    drop(own);
    assert_eq!(last_words(running), PARENT);
}

#[test]
fn it_dies_with_its_terminal() {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    // The server must not hold its own parent's end.
    rustix::io::fcntl_setfd(&own, rustix::io::FdFlags::CLOEXEC).unwrap();
    grantpt(&own).unwrap();
    unlockpt(&own).unwrap();
    let name = ptsname(&own, Vec::new()).unwrap();
    // The terminal is that of no session: nobody gets a signal when it hangs up.
    let its = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut command = command(&["--die-with-parent"]);
    let running = Running::spawn(command.stdin(its));
    drop(command);
    health(running.address());
    drop(own);
    assert_eq!(last_words(running), PARENT);
}

/// Where stdin could not tell when the parent is gone, the server would end as soon as it is ready, and nobody would
/// know why.
#[test]
fn a_stdin_that_has_ended_is_refused_at_the_start() {
    let refused = |command: &mut Command| {
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
        for remedy in ["--die-with-parent", "leave the flag out", "docker run -i", "subprocess.PIPE"] {
            assert!(told.contains(remedy), "{told}");
        }
        told
    };
    let die = || command(&["--die-with-parent"]);
    assert!(refused(&mut die()).contains("is a file or /dev/null"));
    let file = tempfile::tempfile().unwrap();
    assert!(refused(die().stdin(file)).contains("is a file or /dev/null"));
    let (reader, writer) = io::pipe().unwrap();
    drop(writer);
    assert!(refused(die().stdin(reader)).contains("is at its end already"));
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(b"some").unwrap();
    drop(writer);
    assert!(refused(die().stdin(reader)).contains("is at its end already"));
    let (own, its) = std::os::unix::net::UnixStream::pair().unwrap();
    own.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(refused(die().stdin(std::os::fd::OwnedFd::from(its))).contains("is at its end already"));
    let binary = env!("CARGO_BIN_EXE_wechatpay-mock");
    let mut closed = Command::new("sh");
    closed.args(["-c", "exec \"$0\" --die-with-parent <&-", binary]);
    closed.stdout(Stdio::piped()).stderr(Stdio::piped());
    refused(&mut closed);
}

#[test]
fn whatever_ends_it_is_told() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "SIGINT")] {
        let mut running = Running::start(&[]);
        let stderr = running.child.stderr.take().unwrap();
        assert_eq!(running.stop(signal), (Some(0), String::new()));
        assert_eq!(io::read_to_string(stderr).unwrap(), format!("wechatpay-mock: it ends: {name} came\n"));
    }
}

/// Once for each, whatever the level of the log.
#[test]
fn a_path_that_is_not_played_is_told_once() {
    let mut running = Running::start(&[]);
    let stderr = running.child.stderr.take().unwrap();
    for path in ["/pay/unifiedorder", "/pay/unifiedorder", "/nowhere", "/elsewhere"] {
        let answer =
            talk(running.address(), request(&format!("POST {path}"), "Connection: close\r\n", "<xml></xml>"));
        assert_eq!(status(&answer), 404);
    }
    assert_eq!(running.stop("-TERM"), (Some(0), String::new()));
    let told = io::read_to_string(stderr).unwrap();
    let lines: Vec<_> = told.lines().filter(|line| line.contains("was answered 404")).collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0]
            .contains("req_000001 was answered 404: /pay/unifiedorder is a path of APIv2 that is not played")
    );
    assert!(
        lines[1].contains("req_000003 was answered 404: no path of APIv2; played are /mmpaymkttransfers/")
    );
}

#[test]
fn it_goes_when_nobody_comes() {
    let running = Running::start(&["--idle-exit", "40ms"]);
    assert_eq!(last_words(running), "wechatpay-mock: it ends: nobody came for as long as --idle-exit says\n");
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

/// File handles may be fewer than places: a connection that says nothing gives up its own.
#[test]
fn half_heads_shut_nobody_out_where_file_handles_are_few() {
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 64 && exec \"$0\"", env!("CARGO_BIN_EXE_wechatpay-mock")]);
    few.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = Running::spawn(&mut few);
    let half = |_| {
        let mut stream = connect(running.address());
        stream.write_all(b"POST / HTTP/1.1\r\nHost: ").unwrap();
        stream
    };
    let halves: Vec<_> = (0..200).map(half).collect();
    assert_eq!(health(running.address())["status"], "ok");
    assert_eq!(admin(running.address(), "GET /__mock/rules").0, 200);
    drop(halves);
    assert_eq!(running.stop("-TERM"), (Some(0), String::new()));
}
