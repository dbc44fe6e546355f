//! Faults that were found here once, each by its test.

#[path = "suite/common.rs"]
#[allow(dead_code, reason = "shared with the suite")]
mod common;
#[cfg(feature = "server")]
#[path = "suite/raw.rs"]
#[allow(dead_code, reason = "shared with the suite")]
mod raw;
#[path = "regressions/state.rs"]
mod state;
#[path = "regressions/world.rs"]
mod world;

use wechatpay_mock_server::{Certificate, Mock};
use wechatpay_proto::transport::BlockingTransport as _;

use common::{Answer, Form, MCH_ID, QUERY, call, call_from, post, shop};

/// The page of the query has texts of its own.
#[test]
fn gethbinfo_speaks_in_its_own_words() {
    let (mock, merchant) = shop();
    let query = Form::query(&merchant, "1");
    let empty = merchant.transport().send_blocking(post(QUERY, "")).unwrap();
    assert_eq!(Answer::new(empty).text(), "请求的xml格式错误，或者post的数据为空");
    let text = "请求未携带证书，或请求携带的证书出错";
    call_from(&mock, &query, Certificate::None, None).assert_failure("CA_ERROR", text);
    call(&merchant, &query.keyed("wrong")).assert_failure("SIGN_ERROR", "商户签名错误");
}

/// `nonce_str字段必填,并且少于32字符`; 32 characters pass, more do not.
#[test]
fn a_nonce_of_33_characters_is_a_param_error() {
    let (_, merchant) = shop();
    for form in [Form::send(&merchant, "1"), Form::query(&merchant, "1")] {
        call(&merchant, &form.with("nonce_str", "n".repeat(33)))
            .assert_param_error("nonce_str字段必填,并且少于32字符");
    }
}

/// `输入的商户号有误` where it is illegal, `找不到对应的商户号` where it is well formed but unknown.
#[test]
fn an_illegal_mch_id_is_told_from_an_unknown_one() {
    let (_, merchant) = shop();
    for illegal in ["1000-0098", "商户", "10000098 ", &*"1".repeat(33)] {
        call(&merchant, &Form::send(&merchant, "1").with("mch_id", illegal))
            .assert_param_error("输入的商户号有误");
    }
}

/// The order is looked up before the limits; one of them is the rate.
#[test]
fn a_changed_order_is_fatal_even_above_the_rate_limit() {
    let (_, merchant) = shop();
    for number in 0..30 {
        let form = Form::send(&merchant, &number.to_string()).with("re_openid", format!("o{number}"));
        call(&merchant, &form).assert_success();
    }
    let changed = Form::send(&merchant, "0").with("re_openid", "another");
    assert_eq!(call(&merchant, &changed).code(), "FATAL_ERROR");
}

/// Limits, balance, risk, in this order.
#[test]
fn a_limit_of_the_day_comes_before_the_balance() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(10_000).create().unwrap();
    for number in 0..10 {
        call(&merchant, &Form::send(&merchant, &number.to_string())).assert_success();
    }
    assert_eq!(merchant.balance_fen(), 0);
    assert_eq!(call(&merchant, &Form::send(&merchant, "a")).code(), "SENDNUM_LIMIT");
}

/// The page of the query has one text for whatever it is not allowed to.
#[test]
fn a_query_without_permission_hears_so_in_its_own_words() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).product_closed().create().unwrap();
    call(&merchant, &Form::query(&merchant, "1")).assert_failure("NO_AUTH", "没有权限");
}

/// A relation to a merchant that acts for nobody could never be used.
#[test]
fn a_sub_merchant_needs_a_service_provider_of_its_own_mock() {
    let (mock, direct) = shop();
    let stranger =
        Mock::builder().build().merchant().mch_id("1900000109").service_provider().create().unwrap();
    for provider in [direct, stranger] {
        let error = mock.merchant().under(&provider).create().unwrap_err();
        assert!(error.to_string().contains("is no service provider of this mock"), "{error}");
    }
}

/// A future that is dropped before it was polled sends nothing.
#[test]
fn a_future_that_nobody_polls_pays_nothing() {
    let (_, merchant) = shop();
    let form = Form::send(&merchant, "1");
    drop(wechatpay_proto::transport::Transport::send(&merchant.transport(), form.request()));
    assert_eq!(merchant.red_packet("1"), None);
}

/// "Every part optional": what is made up must not collide with what was given.
#[test]
fn a_made_up_mch_id_is_a_free_one() {
    let twin = Mock::builder().build();
    twin.merchant().create().unwrap();
    let second = twin.merchant().create().unwrap();
    let mock = Mock::builder().build();
    mock.merchant().mch_id(second.mch_id()).create().unwrap();
    mock.merchant().create().unwrap();
}

#[cfg(all(feature = "server", unix))]
mod processes {
    use std::io;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use serde_json::Value;

    use super::common::shop;
    use super::raw::bounded;

    /// "Private": with a key of a merchant in it, worthless as that may be.
    /// In a folder that somebody gave, too: the key is not for everybody, and a link that waits there is not followed.
    #[test]
    fn the_files_of_a_kit_replace_what_is_there() {
        let (mock, merchant) = shop();
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "precious").unwrap();
        let kit = folder.path().join("kit");
        std::fs::create_dir(&kit).unwrap();
        std::os::unix::fs::symlink(&elsewhere, kit.join("ca.pem")).unwrap();
        let server = mock.server().kit_dir(&kit).start().unwrap();
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "precious");
        assert_eq!(std::fs::read_to_string(kit.join("ca.pem")).unwrap(), server.kit().ca_pem());
        let mode = |name: &str| {
            std::fs::metadata(kit.join(merchant.mch_id()).join(name)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode("apiclient_cert.pem"), mode("apiclient_key.pem")), (0o644, 0o600));
    }

    /// clap would show the whole value, and with it the key.
    #[test]
    fn a_usage_error_and_the_help_keep_the_key_to_themselves() {
        let key = "canary_canary_canary_canary_1234";
        let merchant = format!("mch_id=1,key={key},balance=many");
        let run = |arguments: &[&str]| {
            let binary = env!("CARGO_BIN_EXE_wechatpay-mock");
            let output = Command::new(binary)
                .args(arguments)
                .env("WECHATPAY_MOCK_MERCHANT", &merchant)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let text = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8(text).unwrap())
        };
        let (code, text) = run(&[]);
        assert_eq!((code, text.contains(key)), (Some(2), false), "{text}");
        assert!(text.contains("balance"), "{text}");
        let (code, text) = run(&["--help"]);
        assert_eq!((code, text.contains(key)), (Some(0), false), "{text}");
    }

    #[test]
    fn a_temporary_kit_is_for_its_owner_only() {
        let (mock, _) = shop();
        let server = mock.serve().unwrap();
        let mode = std::fs::metadata(server.kit().dir()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    /// Whoever reads the ready line may be done at once: the handlers of signals must stand before it is written.
    /// One round in ten or so shows the fault; once it is mended no round does.
    #[test]
    fn a_signal_right_behind_the_ready_line_ends_in_good_order() {
        const READ_AND_KILL: &str = r#"IFS= read -r line && kill -TERM "$0" && printf %s "$line""#;
        for _ in 0..40 {
            let mut mock = Command::new(env!("CARGO_BIN_EXE_wechatpay-mock"))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut killer = Command::new("sh")
                .args(["-c", READ_AND_KILL, &mock.id().to_string()])
                .stdin(mock.stdout.take().unwrap())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let (line, stderr) = (killer.stdout.take().unwrap(), mock.stderr.take().unwrap());
            let line = bounded(&mut mock, || io::read_to_string(line).unwrap());
            killer.wait().unwrap();
            let told = bounded(&mut mock, || io::read_to_string(stderr).unwrap());
            assert_eq!(told, "wechatpay-mock: it ends: SIGTERM came\n");
            let code = mock.wait().unwrap().code();
            let ready: Value = serde_json::from_str(&line).unwrap();
            let kit = Path::new(ready["kit"].as_str().unwrap());
            let left = kit.exists();
            let _ = std::fs::remove_dir_all(kit);
            assert_eq!((code, left), (Some(0), false));
        }
    }
}

#[cfg(feature = "server")]
mod sockets {
    use std::io::{Read as _, Write as _};

    use super::common::{Form, MCH_ID, SEND, call, shop};
    use super::raw::{admin, connect, one, request, rest, status, talk};

    /// The ready line gives `…/__mock` as the address of the admin API.
    #[test]
    fn the_bare_admin_address_is_no_request_of_a_merchant() {
        let (mock, _) = shop();
        let server = mock.serve().unwrap();
        for path in ["/__mock", "/__mock?a=b"] {
            let answer = talk(server.address(), request(&format!("GET {path}"), "Connection: close\r\n", ""));
            assert!(answer.contains("application/json"), "{answer}");
        }
        assert_eq!(mock.requests(), 0);
    }

    /// In-process it is counted and numbered.
    #[test]
    fn a_request_that_is_too_large_is_counted_over_a_socket_too() {
        let (mock, _) = shop();
        let server = mock.serve().unwrap();
        let huge = " ".repeat(wechatpay_mock_server::MAX_REQUEST + 1);
        let answer = talk(server.address(), request(&format!("POST {SEND}"), "Connection: close\r\n", &huge));
        assert_eq!((status(&answer), mock.requests()), (413, 1));
        assert!(answer.contains("x-mock-request-id"), "{answer}");
    }

    /// nginx judges the length that the head declares: who waits for leave to send gets 413, not 100.
    #[test]
    fn a_body_that_is_declared_too_large_is_not_asked_for() {
        let (mock, _) = shop();
        let server = mock.serve().unwrap();
        let mut stream = connect(server.address());
        let head = format!(
            "POST {SEND} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(status(&one(&mut stream)), 413);
    }

    /// Closing on unread bytes resets the connection and may take the answer with it; nginx lingers.
    #[test]
    fn a_client_that_writes_all_before_it_reads_still_gets_its_413() {
        let (mock, _) = shop();
        let server = mock.serve().unwrap();
        let mut stream = connect(server.address());
        let huge = request(&format!("POST {SEND}"), "Connection: close\r\n", &" ".repeat(8 << 20));
        stream.write_all(huge.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(status(&answer), 413);
    }

    /// The design gives `claim {openid?}` a body; a part that is not understood must not be ignored.
    #[test]
    fn a_claim_by_another_user_is_refused() {
        let (mock, merchant) = shop();
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        let server = mock.serve().unwrap();
        let line = format!("POST /__mock/redpackets/{MCH_ID}/1/claim");
        let claim = request(&line, "X-Mock-Admin: 1\r\nConnection: close\r\n", "{\"openid\":\"another\"}");
        assert_ne!(status(&talk(server.address(), claim)), 200);
        assert_eq!(merchant.red_packet("1").unwrap().history.len(), 2);
    }

    /// The design: 409 `illegal_transition` with the allowed list.
    #[test]
    fn a_conflict_names_what_is_allowed() {
        let (mock, merchant) = shop();
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        let server = mock.serve().unwrap();
        let (code, answer) = admin(server.address(), &format!("POST /__mock/redpackets/{MCH_ID}/1/refund"));
        assert_eq!(code, 409);
        let text = answer.to_string();
        assert!(text.contains("claim") && text.contains("expire"), "{text}");
    }

    /// Names of hosts have no case.
    #[test]
    fn localhost_may_be_written_in_capitals() {
        let (mock, _) = shop();
        let server = mock.serve().unwrap();
        let head = "GET /__mock/health HTTP/1.1\r\nHost: LOCALHOST\r\nConnection: close\r\n\r\n";
        assert_eq!(status(&talk(server.address(), head)), 200);
    }

    /// A peer that has said all it has to say still wants its answer. hyper hangs up unless told `half_close(true)`.
    #[test]
    fn a_client_that_closes_its_side_after_its_request_is_answered() {
        let (mock, merchant) = shop();
        let server = mock.serve().unwrap();
        let xml = Form::send(&merchant, "1").xml();
        let whole = request(&format!("POST {SEND}"), "Expect: 100-continue\r\n", &xml);
        let (head, body) = whole.split_at(whole.len() - xml.len());
        for _ in 0..200 {
            let mut stream = connect(server.address());
            stream.write_all(head.as_bytes()).unwrap();
            assert_eq!(status(&one(&mut stream)), 100);
            stream.write_all(body.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            assert!(rest(&mut stream).contains("CA_ERROR"));
        }
    }
}
