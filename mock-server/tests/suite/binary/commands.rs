//! The sub-commands.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};

use super::{Running, command, exchange};
use crate::common::{Form, KEY};
use crate::raw::{LIMIT, bounded};

/// What a sub-command prints, says and ends with.
fn finish(command: &mut Command, input: &str) -> (Option<i32>, String, String) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let output = bounded(&mut child, move || {
        (std::io::read_to_string(&mut stdout).unwrap(), std::io::read_to_string(&mut stderr).unwrap())
    });
    let Output { status, .. } = child.wait_with_output().unwrap();
    (status.code(), output.0, output.1)
}

fn ask(running: &Running, arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(command(arguments).env("WECHATPAY_MOCK_URL", running.text("http")), "")
}

/// A server that answers one call as it is told; what it was asked.
fn stub(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let asked = crate::raw::one(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
        asked
    };
    (url, thread::spawn(serve))
}

const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}";

#[test]
fn health_is_asked_without_a_certificate_wherever_the_server_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    let running = Running::start(&["--ready-file", path.to_str().unwrap()]);
    let (http, url) = (running.text("http").to_owned(), running.text("url").to_owned());
    let admin = running.text("admin").to_owned();
    for arguments in [
        ["--server", &*http],
        ["--server", &url],
        ["--server", &admin],
        ["--ready-file", path.to_str().unwrap()],
    ] {
        let (code, stdout, stderr) = finish(command(&["health"]).args(arguments), "");
        let health: Value = serde_json::from_str(&stdout).unwrap_or_default();
        assert_eq!((code, &health["status"]), (Some(0), &json!("ok")), "{arguments:?}: {stderr}");
    }
    let (code, stdout, _) = ask(&running, &["health", "--print", "human"]);
    assert_eq!((code, stdout.lines().count() > 3), (Some(0), true), "{stdout}");
    assert_eq!(running.stop("-TERM").0, Some(0));

    let (code, _, stderr) = finish(&mut command(&["health", "--server", &http]), "");
    assert_eq!((code, stderr.contains("does not answer")), (Some(1), true), "{stderr}");
    let (code, _, stderr) = finish(&mut command(&["health"]), "");
    assert_eq!((code, stderr.contains("--server")), (Some(2), true), "{stderr}");
}

#[test]
fn a_packet_is_driven_by_hand() {
    let running =
        Running::start(&["--merchant", "mch_id=10000098", "--clock", "frozen:2026-01-01T09:00:00+08:00"]);
    exchange(&running, |twin| Form::send(twin, "1")).assert_success();
    let status = |action: &str| {
        let (code, stdout, stderr) = ask(&running, &["redpacket", action, "10000098", "1"]);
        let packet: Value = serde_json::from_str(&stdout).unwrap_or_default();
        (code, packet["status"].as_str().unwrap_or_default().to_owned(), stderr)
    };
    assert_eq!(status("show").1, "SENT");
    assert_eq!(status("expire").1, "RFUND_ING");
    let (code, _, stderr) = status("claim");
    assert_eq!((code, stderr.contains("allowed now: [\"refund\"]")), (Some(1), true), "{stderr}");
    assert_eq!(status("refund").1, "REFUND");
    // The server may be named before or behind the action.
    let http = running.text("http");
    let (code, _, _) = finish(&mut command(&["redpacket", "--server", http, "show", "10000098", "1"]), "");
    assert_eq!(code, Some(0));
    let (code, _, stderr) = ask(&running, &["redpacket", "show", "10000098", "../health"]);
    assert_eq!((code, stderr.contains("404")), (Some(1), true), "{stderr}");
}

#[test]
fn each_command_is_one_call() {
    let cases: [(&[&str], &str, Value); 17] = [
        (&["reset", "--scope", "rules,faults"], "POST /__mock/reset", json!({"scope": ["rules", "faults"]})),
        (
            &["reset", "--mch-id", "1", "--scope", "rules"],
            "POST /__mock/reset",
            json!({"scope": ["rules"], "mch_id": "1"}),
        ),
        (
            &["reset", "--mch-id", "1"],
            "POST /__mock/reset",
            json!({"scope": ["state", "requests", "faults"], "mch_id": "1"}),
        ),
        (&["reset"], "POST /__mock/reset", json!({"scope": ["state", "requests", "faults", "clock"]})),
        (&["clock"], "GET /__mock/clock", Value::Null),
        (&["clock", "show"], "GET /__mock/clock", Value::Null),
        (&["clock", "advance", "24h"], "POST /__mock/clock/advance", json!({"by": "24h"})),
        (&["clock", "next"], "POST /__mock/clock/advance-to-next", Value::Null),
        (&["clock", "set", "scaled:60"], "PUT /__mock/clock", json!({"mode": "scaled:60"})),
        (
            &["clock", "set", "frozen:2026-01-01T00:00:00Z"],
            "PUT /__mock/clock",
            json!({"mode": "frozen", "now": "2026-01-01T00:00:00Z"}),
        ),
        (&["faults", "ls"], "GET /__mock/faults", Value::Null),
        (&["faults", "add", "{\"then\":1}"], "POST /__mock/faults", json!({"then": 1})),
        (&["faults", "rm", "3"], "DELETE /__mock/faults/3", Value::Null),
        (&["faults", "catalogue"], "GET /__mock/faults/catalogue", Value::Null),
        (
            &["requests", "ls", "--path", "/a b", "--limit", "2"],
            "GET /__mock/requests?path=%2Fa%20b&limit=2",
            Value::Null,
        ),
        (&["requests", "curl", "req_000001"], "GET /__mock/requests/req_000001/curl", Value::Null),
        (
            &["redpacket", "claim", "1", "2", "--openid", "o"],
            "POST /__mock/redpackets/1/2/claim",
            json!({"openid": "o"}),
        ),
    ];
    for (arguments, first_line, body) in cases {
        let (url, asked) = stub(FINE);
        let (code, stdout, stderr) =
            finish(command(arguments).args(["--server", &url, "--admin-token", "t0ken"]), "");
        assert_eq!((code, &*stdout), (Some(0), "{\"a\":1}\n"), "{arguments:?}: {stderr}");
        let asked = asked.join().unwrap();
        assert!(asked.starts_with(&format!("{first_line} HTTP/1.1\r\n")), "{asked}");
        assert!(
            asked.contains("x-mock-admin: 1\r\n") && asked.contains("authorization: Bearer t0ken\r\n"),
            "{asked}"
        );
        assert_eq!(serde_json::from_str::<Value>(crate::raw::body(&asked)).unwrap_or_default(), body);
    }
}

#[test]
fn requests_are_a_table_for_people() {
    let running = Running::start(&[
        "--merchant",
        "mch_id=10000098",
        "--clock",
        "frozen:2026-01-01T09:00:00+08:00",
        "--log",
        "off",
    ]);
    exchange(&running, |twin| Form::send(twin, "1")).assert_success();
    exchange(&running, |twin| Form::send(twin, "1000000000000000000000000002").with("total_amount", "1"));
    exchange(&running, |twin| Form::query(twin, "1").unsigned("nonce_str", "")).get("");
    let ls = |more: &[&str]| {
        let arguments = [&["requests", "ls", "--print", "human"], more].concat();
        let (code, stdout, stderr) = ask(&running, &arguments);
        assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
        stdout
    };
    let expected = "\
time                       id          path                            number                        verdict   err_code
2026-01-01T09:00:00+08:00  req_000003  /mmpaymkttransfers/gethbinfo    1                             business  PARAM_ERROR
2026-01-01T09:00:00+08:00  req_000002  /mmpaymkttransfers/sendredpack  1000000000000000000000000002  business  MONEY_LIMIT
2026-01-01T09:00:00+08:00  req_000001  /mmpaymkttransfers/sendredpack  1                             ok        SUCCESS
3 shown of 3 that arrived
";
    assert_eq!(ls(&[]), expected);
    let none = "time  id  path  number  verdict  err_code\n0 shown of 3 that arrived\n";
    assert_eq!(ls(&["--verdict", "sign"]), none);
    // For programs it is what it was.
    let (_, json, _) = ask(&running, &["requests", "ls"]);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["total"], 3);
}

#[test]
fn a_redirect_is_not_followed_and_no_proxy_is_asked() {
    let (url, asked) =
        stub("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    let mut command = command(&["health", "--server", &url]);
    command.env("http_proxy", "http://127.0.0.1:1").env("ALL_PROXY", "http://127.0.0.1:1");
    let (code, _, stderr) = finish(&mut command, "");
    assert_eq!((code, stderr.contains("302")), (Some(1), true), "{stderr}");
    assert!(asked.join().unwrap().starts_with("GET /__mock/health "));
}

#[test]
fn verify_has_an_exit_code_of_its_own() {
    let mismatch = "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 13\r\n\r\n{\"matched\":0}";
    for (answer, code) in
        [(FINE, 0), (mismatch, 5), ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 1)]
    {
        let (url, asked) = stub(answer);
        let (ended, stdout, _) = finish(command(&["verify", "-"]).args(["--server", &url]), r#"{"count":1}"#);
        assert_eq!((ended, stdout.contains("matched")), (Some(code), code == 5));
        assert!(asked.join().unwrap().contains(r#"{"count":1}"#));
    }
    let (code, _, stderr) = finish(&mut command(&["verify", "{", "--server", "http://127.0.0.1:1"]), "");
    assert_eq!((code, stderr.contains("line 1 column 1")), (Some(2), true), "{stderr}");
}

#[test]
fn a_sign_is_made_by_hand() {
    // The example of the documents, with the sign that they give for it.
    let fields = "appid=wxd930ea5d5a258f4f\nmch_id=10000100\ndevice_info=1000\nbody=test\nnonce_str=ibuaiVcKdpRxkhJA\n";
    let key = "192006250b4c09247ec02edce69f6a2d";
    let sign = |input: &str| {
        let mut command = command(&["sign", "--path", "/example/unknown"]);
        let (code, stdout, stderr) = finish(command.env("WECHATPAY_MOCK_KEY", key), input);
        assert!(!stdout.contains(key) && !stderr.contains(key));
        (code, serde_json::from_str::<Value>(&stdout).unwrap_or_default(), stderr)
    };
    let (code, signed, stderr) = sign(fields);
    assert_eq!((code, &signed["sign"]), (Some(0), &json!("9A0A8659F005D6984697E2CA0A9CF3B7")), "{stderr}");
    let string = "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA&key=⟨key …6a2d⟩";
    assert_eq!(signed["string_to_sign"], string);
    // What was signed is a document that can be signed again.
    let (code, again, stderr) = sign(signed["xml"].as_str().unwrap());
    assert_eq!((code, again), (Some(0), signed), "{stderr}");
    assert!(sign("mch_id=1").2.contains("nonce_str is not among the fields"));
    assert!(sign("mch_id").2.contains("line 1"));
    let (code, _, stderr) = finish(&mut command(&["sign", "--path", "sendredpack"]), "");
    assert_eq!((code, stderr.contains("--key-file")), (Some(2), true), "{stderr}");
}

#[test]
fn a_kit_is_written_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let kit = folder.path().join("kit");
    let key = folder.path().join("key");
    fs::write(&key, KEY).unwrap();
    let parts = format!("mch_id=1,key_file={}", key.display());
    let mut command = command(&["kit", "--merchant", &parts, "--kit-dir"]);
    let (code, stdout, stderr) = finish(command.arg(&kit), "");
    assert_eq!(code, Some(0), "{stderr}");
    let written: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&written["merchants"][0]["key"], &written["kit"]), (&json!(KEY), &json!(kit)));
    assert!(kit.join("ca.pem").is_file() && kit.join("1/apiclient_cert.pem").is_file());
}

#[test]
fn versions_are_said() {
    let (code, stdout, _) = finish(&mut command(&["version"]), "");
    assert_eq!((code, &*stdout), (Some(0), concat!("wechatpay-mock ", env!("CARGO_PKG_VERSION"), "\n")));
    // Variables of the server are in nobody's way.
    let mut command = command(&["version"]);
    assert_eq!(finish(command.env("WECHATPAY_MOCK_LISTEN", "127.0.0.1:1"), "").0, Some(0));
}
