//! The way in: health, names of this machine, what is not there.

use serde_json::json;

use super::{done, get};
use crate::common::{Form, call, shop};
use crate::raw::{Settings, admin, connect, health, one, request, secure, status, talk};

#[test]
fn health_counts_merchants_and_their_requests_but_no_admin_calls() {
    let (mock, merchant) = shop();
    mock.merchant().create().unwrap();
    let server = mock.serve().unwrap();
    for _ in 0..3 {
        let health = health(server.address());
        assert_eq!((&health["merchants"], &health["requests"]), (&json!(2), &json!(0)));
        assert_eq!(health["now"], "2026-01-01T09:00:00+08:00");
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    }
    admin(server.address(), "GET /__mock/redpackets/10000098/1");
    admin(server.address(), "POST /__mock/nowhere");
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    assert_eq!(health(server.address())["requests"], 1);
    assert_eq!(mock.requests(), 1);
}

#[test]
fn only_names_of_this_machine_are_answered() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let port = server.address().port();
    let ask = |host: &str| {
        let head =
            format!("GET /__mock/health HTTP/1.1\r\n{host}X-Mock-Admin: 1\r\nConnection: close\r\n\r\n");
        status(&talk(server.address(), head))
    };
    for host in ["127.0.0.1", "127.0.0.2", "localhost", "[::1]", "host.docker.internal"] {
        assert_eq!(ask(&format!("Host: {host}\r\n")), 200, "{host}");
        assert_eq!(ask(&format!("Host: {host}:{port}\r\n")), 200, "{host}");
    }
    for host in [
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "0.0.0.0",
        "192.168.0.1",
        "[::2]",
        "localhost@example.com",
        "",
    ] {
        assert_eq!(ask(&format!("Host: {host}\r\n")), 403, "{host}");
    }
    assert_eq!(ask(""), 403);
}

#[test]
fn what_is_not_there_is_not_found_in_json() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for line in [
        "GET /__mock/",
        "GET /__mock/nowhere",
        "GET /__mock/health/",
        "GET /__mock/redpackets/10000098/1",
        "GET /__mock/redpackets/10000099/1",
        "POST /__mock/redpackets/10000098/1/claim",
        "POST /__mock/redpackets/10000098/1/explode",
        "GET /__mock/redpackets//",
        "GET /__mock/../health",
    ] {
        let (status, answer) = admin(server.address(), line);
        assert_eq!((status, &answer["error"]["code"]), (404, &"not_found".into()), "{line}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["hint"].is_string());
    }
    for line in ["POST /__mock/health", "DELETE /__mock/redpackets/10000098/1"] {
        let (status, answer) = admin(server.address(), line);
        assert_eq!((status, &answer["error"]["code"]), (405, &"method_not_allowed".into()), "{line}");
        assert!(answer["error"]["hint"].as_str().unwrap().contains("GET"));
    }
    assert_eq!(mock.requests(), 0);
}

#[test]
fn health_needs_no_certificate_over_https_either() {
    let (mock, _) = shop();
    let server = mock.server().https_only().start().unwrap();
    let mut line = secure(connect(server.address()), server.kit(), "localhost", Settings::default()).unwrap();
    std::io::Write::write_all(&mut line, request("GET /__mock/health", "", "").as_bytes()).unwrap();
    let answer = one(&mut line);
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("\"status\":\"ok\""), "{answer}");
}

#[test]
fn admin_calls_meet_no_faults_and_wait_for_no_clock() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let catalogue = get(&server, "/faults/catalogue");
    let mut armed = 0;
    for entry in catalogue["faults"].as_array().unwrap() {
        // Those of connections strike before anybody knows what is asked for.
        for rule in entry["examples"].as_array().unwrap() {
            let of_connections = entry["group"] == "connection";
            if !of_connections {
                let mut rule = json!({"then": rule["then"], "commit": rule["commit"]});
                rule.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                done(&server, "POST /faults", rule);
                armed += 1;
            }
        }
    }
    assert!(armed > 40, "{armed}");
    done(&server, "POST /faults", json!({"then": {"fault": "latency", "spread": "fixed", "by": "1d"}}));
    for _ in 0..3 {
        assert_eq!(health(server.address())["requests"], 0);
    }
    done(&server, "POST /clock/advance", json!({"by": "1d"}));
    done(&server, "DELETE /faults", json!(null));
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    assert_eq!(get(&server, "/requests")["total"], 1);
}
