//! The binary: the ready line, the signals, the exit codes.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use wechatpay_mock_server::{Mock, MockMerchant, Rules};
use wechatpay_proto::transport::BlockingTransport as _;
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport};

use crate::common::{APPID, Answer, Form, KEY, MCH_ID};
use crate::raw::{bounded, health, request, status, talk};

mod commands;
mod life;
mod refused;
mod world;

const MERCHANT: &str = "mch_id=10000098,key=exposed_your_key_here_have_risks,appid=wx8888888888888888,\
    balance=5000,agent_secret=s3cret";

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wechatpay-mock"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WECHATPAY_MOCK_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A running binary; it does not outlive its test.
pub(crate) struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// The first line on stdout.
    line: String,
    ready: Value,
    /// Where its temporary kit goes, so that nothing is left even if it has to be killed.
    temporary: TempDir,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut command(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        Self::feed(command, "")
    }

    /// With this on its stdin, where that is a pipe.
    pub(crate) fn feed(command: &mut Command, input: &str) -> Self {
        let mut running = Self::launch(command, input);
        let line = &running.line;
        running.ready = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        running
    }

    /// Whatever it prints.
    fn launch(command: &mut Command, input: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = command.env("TMPDIR", temporary.path()).spawn().unwrap();
        if !input.is_empty() {
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        }
        let (stdout, line) = first_line(&mut child);
        Self { child, stdout: Some(stdout), line, ready: Value::Null, temporary }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.text("http").strip_prefix("http://").unwrap().parse().unwrap()
    }

    fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap()
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.text(key).into()
    }

    /// Sends a signal and returns the exit code and what else came on stdout.
    fn stop(self, signal: &str) -> (Option<i32>, String) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        self.end()
    }

    /// Waits for it to end, and returns the exit code and what else came on stdout.
    fn end(mut self) -> (Option<i32>, String) {
        let stdout = self.stdout.take().unwrap();
        let rest = bounded(&mut self.child, || io::read_to_string(stdout).unwrap());
        let code = self.child.wait().unwrap().code();
        let left = fs::read_dir(self.temporary.path()).unwrap().count();
        assert_eq!(left, 0, "files are left, exit code {code:?}");
        (code, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_line(child: &mut Child) -> (BufReader<ChildStdout>, String) {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    bounded(child, || {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        (stdout, line)
    })
}

/// For runs that end by themselves; one that does not is ended.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = command(arguments).spawn().unwrap();
    let (_, line) = first_line(&mut child);
    if !line.is_empty() {
        child.kill().unwrap();
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(line, "", "{arguments:?} started a server");
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_ready_line_says_everything_that_a_test_needs() {
    let folder = tempfile::tempdir().unwrap();
    let kit = folder.path().join("kit");
    let running = Running::start(&[
        "--merchant",
        MERCHANT,
        "--merchant",
        "mch_id=1,appid=wxa,appid=wxb",
        "--seed",
        "7",
        "--clock",
        "frozen:2026-01-01T09:00:00+08:00",
        "--kit-dir",
        kit.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    let port = running.address().port();
    let of = |mch_id: &str, key: &Value, secret: &Value, appid: &str| {
        let file = |name: &str| kit.join(mch_id).join(name);
        let if_there = |name: &str| Some(file(name)).filter(|path| path.is_file());
        json!({
            "mch_id": mch_id, "key": key, "agent_secret": secret, "appid": appid, "mode": "merchant",
            "cert": file("apiclient_cert.pem"),
            "key_pem": file("apiclient_key.pem"),
            "p12": if_there("apiclient_cert.p12"), "p12_legacy": if_there("apiclient_cert-legacy.p12"),
        })
    };
    let [made_up, secret] = ["key", "agent_secret"].map(|name| &running.ready["merchants"][1][name]);
    assert!(made_up.as_str().unwrap().starts_with("mock"));
    assert_eq!(secret.as_str().unwrap().len(), 43);
    let expected = json!({
        "ready": true, "version": env!("CARGO_PKG_VERSION"), "pid": running.child.id(),
        "url": format!("https://127.0.0.1:{port}"), "http": format!("http://127.0.0.1:{port}"),
        "admin": format!("http://127.0.0.1:{port}/__mock"), "ui": null, "ca": kit.join("ca.pem"), "kit": kit, "seed": 7,
        "merchants": [of(MCH_ID, &json!(KEY), &json!("s3cret"), APPID), of("1", made_up, secret, "wxa")],
    });
    assert_eq!(running.ready, expected);
    for merchant in expected["merchants"].as_array().unwrap() {
        for file in ["cert", "key_pem"] {
            assert!(Path::new(merchant[file].as_str().unwrap()).is_file());
        }
    }
    assert!(running.path("ca").is_file());
    let health = health(running.address());
    assert_eq!((&health["now"], &health["merchants"]), (&json!("2026-01-01T09:00:00+08:00"), &json!(2)));
    assert_eq!(running.stop("-TERM"), (Some(0), String::new()));
    assert!(kit.join("ca.pem").exists(), "a folder that was given stays");
}

#[test]
fn without_arguments_there_is_one_merchant_and_a_kit_that_goes_with_the_process() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(&[]);
        let merchants = running.ready["merchants"].as_array().unwrap();
        assert!(matches!(&**merchants, [only] if only["mch_id"].as_str().unwrap().starts_with("99")));
        let (kit, address) = (running.path("kit"), running.address());
        assert!(kit.starts_with(running.temporary.path()) && running.path("ca").is_file());
        // Traffic leaves stdout alone.
        for line in ["GET /__mock/health", "GET /", "POST /mmpaymkttransfers/sendredpack"] {
            assert!(status(&talk(address, request(line, "Connection: close\r\n", ""))) < 500);
        }
        assert_eq!(running.stop(signal), (Some(0), String::new()));
        assert!(!kit.exists(), "{signal}");
        assert!(TcpListener::bind(address).is_ok());
    }
}

/// What the binary answers to a request of its first merchant.
fn exchange(running: &Running, form: impl Fn(&MockMerchant) -> Form) -> Answer {
    let merchant = &running.ready["merchants"][0];
    let text = |name: &str| merchant[name].as_str().unwrap();
    let mock = Mock::builder().build();
    let twin = mock.merchant().mch_id(text("mch_id")).key(text("key")).appid(text("appid"));
    let twin = twin.agent_secret(text("agent_secret")).create().unwrap();
    let settings = Settings::new()
        .identity(Identity::from_pem_files(text("cert"), text("key_pem")).unwrap())
        .roots(Roots::from_pem_file(running.path("ca")).unwrap());
    let transport = UreqTransport::new(settings).unwrap();
    let mut request = form(&twin).request();
    *request.uri_mut() = format!("{}{}", running.text("url"), request.uri().path()).parse().unwrap();
    Answer::new(transport.send_blocking(request).unwrap())
}

/// What the binary answers to a packet for a group.
fn group(running: &Running) -> (u16, String) {
    let answer = exchange(running, |twin| Form::group(twin, "1"));
    (answer.status, answer.get("err_code").unwrap_or_default().to_owned())
}

#[test]
fn rules_say_what_sendgroupredpack_answers_and_flags_beat_the_variable() {
    let closed = (200, "API_METHOD_CLOSED".to_owned());
    let legacy = (200, "SUCCESS".to_owned());
    assert_eq!(group(&Running::start(&[])), closed);
    assert_eq!(group(&Running::start(&["--rules", ""])), closed);
    assert_eq!(group(&Running::start(&["--rules", "sendgroupredpack=closed"])), closed);
    assert_eq!(group(&Running::start(&["--rules", "sendgroupredpack=legacy"])), legacy);
    assert_eq!(group(&Running::start(&["--rules", "sendgroupredpack=gone"])), (404, String::new()));
    let variable = |arguments: &[&str]| {
        Running::spawn(command(arguments).env("WECHATPAY_MOCK_RULES", "sendgroupredpack=legacy"))
    };
    assert_eq!(group(&variable(&[])), legacy);
    assert_eq!(group(&variable(&["--rules", "sendgroupredpack=closed"])), closed);
}

#[test]
fn every_switch_can_be_set_and_is_in_the_help() {
    let help = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for switch in Rules::default().describe() {
        let line = format!("{}=<{}> [default: {}]", switch.name, switch.accepted, switch.default);
        assert!(help.contains(&line) && help.contains(switch.meaning), "{line}");
    }
    // Over plain HTTP, with a sign that covers a field that nobody knows.
    let running = Running::start(&["--rules", "plain-cert=trust,sign_scope=all", "--merchant", MERCHANT]);
    let mock = Mock::builder().build();
    let twin = mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).create().unwrap();
    let xml = Form::send(&twin, "1").with("sign_type", "MD5").xml();
    let sent = request("POST /mmpaymkttransfers/sendredpack", "Connection: close\r\n", &xml);
    let answer = talk(running.address(), sent);
    assert!(answer.contains("发放成功"), "{answer}");
}

#[test]
fn rules_say_whether_work_weixin_failures_are_signed() {
    let wrong = |twin: &MockMerchant| Form::work_weixin(twin, "1").secret("wrong");
    for (rules, signed) in [("", true), ("workwx_failures=signed", true), ("workwx_failures=unsigned", false)]
    {
        let running = Running::start(&["--rules", rules]);
        let answer = exchange(&running, wrong);
        assert_eq!((answer.code(), answer.get("sign").is_some()), ("SIGN_ERROR", signed), "{rules}");
        let answer = exchange(&running, |twin| Form::work_weixin(twin, "2"));
        assert!(answer.assert_success().get("sign").is_some(), "a success is always signed");
    }
}

#[test]
fn a_partner_sends_for_its_sub_merchant() {
    let partner = "mch_id=1900000001,mode=partner,appid=wxpartner";
    let sub = "mch_id=1900000002,under=1900000001,appid=wxsub,balance=1000";
    let running = Running::start(&["--merchant", partner, "--merchant", sub, "--merchant", "mode=merchant"]);
    let modes: Vec<_> =
        running.ready["merchants"].as_array().unwrap().iter().map(|one| &one["mode"]).collect();
    assert_eq!(modes, ["partner", "merchant", "merchant"]);
    let form = |twin: &MockMerchant, mch_billno: &str, sub_mch_id: &str| {
        Form::send(twin, mch_billno).with("sub_mch_id", sub_mch_id).with("msgappid", "wxsub")
    };
    exchange(&running, |twin| form(twin, "1", "1900000002")).assert_success();
    assert_eq!(exchange(&running, |twin| form(twin, "2", "1900000009")).code(), "ACCEPTMODE_ERROR");
    assert_eq!(exchange(&running, |twin| form(twin, "3", "1900000002")).code(), "NOTENOUGH");
}

#[test]
fn relative_folders_become_absolute() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::spawn(command(&["--kit-dir", "kit"]).current_dir(folder.path()));
    assert!(running.path("kit").is_absolute());
    assert!(running.path("ca").is_file() && folder.path().join("kit/ca.pem").is_file());
}

#[test]
fn variables_work_and_flags_beat_them() {
    let folder = tempfile::tempdir().unwrap();
    let variables = |arguments: &[&str]| {
        Running::spawn(
            command(arguments)
                .env("WECHATPAY_MOCK_SEED", "5")
                .env("WECHATPAY_MOCK_CLOCK", "frozen:2030-01-01T00:00:00Z")
                .env("WECHATPAY_MOCK_MERCHANT", "mch_id=1,appid=wxa")
                .env("WECHATPAY_MOCK_LISTEN", "[::1]:0")
                .env("WECHATPAY_MOCK_KIT_DIR", folder.path().join("variable")),
        )
    };
    // Not every system has an IPv6 loopback address.
    let listen: &[&str] =
        if TcpListener::bind("[::1]:0").is_ok() { &[] } else { &["--listen", "127.0.0.1:0"] };
    let running = variables(listen);
    assert_eq!((&running.ready["seed"], &running.ready["merchants"][0]["mch_id"]), (&json!(5), &json!("1")));
    assert_eq!(running.path("kit"), folder.path().join("variable"));
    assert_eq!(running.address().is_ipv6(), listen.is_empty());
    assert_eq!(health(running.address())["now"], "2030-01-01T08:00:00+08:00");

    let flags = folder.path().join("flag");
    let running = variables(&[
        "--seed",
        "6",
        "--clock",
        "frozen:2031-01-01T00:00:00Z",
        "--merchant",
        "mch_id=2",
        "--listen",
        "127.0.0.1:0",
        "--kit-dir",
        flags.to_str().unwrap(),
    ]);
    let merchants = running.ready["merchants"].as_array().unwrap();
    assert_eq!(
        (&running.ready["seed"], merchants.len(), &merchants[0]["mch_id"]),
        (&json!(6), 1, &json!("2"))
    );
    assert_eq!((running.path("kit"), running.address().is_ipv4()), (flags, true));
    assert_eq!(health(running.address())["now"], "2031-01-01T08:00:00+08:00");
}

#[test]
fn one_seed_makes_up_one_merchant() {
    let made_up = |seed: &str| {
        let running = Running::start(&["--seed", seed]);
        let merchant = &running.ready["merchants"][0];
        ["mch_id", "key", "appid", "agent_secret"].map(|part| merchant[part].as_str().unwrap().to_owned())
    };
    assert_eq!(made_up("1"), made_up("1"));
    assert_ne!(made_up("1"), made_up("2"));
}

#[test]
fn wrong_usage_ends_with_code_2_and_names_what_is_wrong() {
    let cases: [(&[&str], &str); 28] = [
        (&["--merchant", "key=0123456789012345678901234567890"], "key"),
        (&["--merchant", "key=012345678901234567890123456789012"], "key"),
        (&["--merchant", "key=0123456789 12345678901234567890A"], "key"),
        (&["--merchant", "mch_id=1", "--merchant", "mch_id=1"], "mch_id"),
        (&["--merchant", "mch_id="], "mch_id"),
        (&["--merchant", "mch_id=../a"], "mch_id"),
        (&["--merchant", "mch_id=123456789012345678901234567890123"], "mch_id"),
        (&["--merchant", "appid="], "appid"),
        (&["--merchant", "balance=-1"], "balance"),
        (&["--merchant", "balance=1.5"], "balance"),
        (&["--merchant", "balance=18446744073709551616"], "balance"),
        (&["--merchant", "name=shop"], "name"),
        (&["--merchant", "agent_secret="], "agent_secret"),
        (&["--merchant", "agent_secret=a b"], "agent_secret"),
        (&["--merchant", "agent_secret=a,agent_secret=b"], "agent_secret is given twice"),
        (&["--rules", "sendgroupredpack=open"], "sendgroupredpack=open"),
        (&["--rules", "sendredpack=closed"], "sendredpack"),
        (&["--rules", "sendgroupredpack"], "name=value"),
        (&["--rules", "sendgroupredpack=gone,sendgroupredpack=legacy"], "sendgroupredpack is given twice"),
        (&["--rules", "workwx_failures=yes"], "workwx_failures=yes"),
        (&["--merchant", "mode=provider"], "mode=provider"),
        (&["--merchant", "under=1"], "under 1 is no service provider"),
        (&["--merchant", "mch_id=1", "--merchant", "under=1"], "service provider"),
        (&["--merchant", "mch_id"], "name=value"),
        (&["--clock", "yesterday"], "RFC 3339"),
        (&["--seed", "x"], "--seed"),
        (&["--listen", "0.0.0.0:0"], "0.0.0.0:0 is not a loopback address"),
        (&["--unheard-of"], "--unheard-of"),
    ];
    for (arguments, part) in cases {
        let (code, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
        assert!(
            !stderr.contains("012345678901234567890123456789012") || part != "key",
            "a key is not repeated"
        );
    }
}

#[test]
fn a_port_in_use_is_code_3_and_a_folder_that_is_a_file_code_4() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, stderr) = run(&["--listen", &address]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains(&address), "{stderr}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let (code, stderr) = run(&["--kit-dir", path]);
    assert_eq!(code, Some(4), "{stderr}");
    assert!(stderr.contains(path), "{stderr}");
}
