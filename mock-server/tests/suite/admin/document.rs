//! The OpenAPI document: every call does what it says, and says no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wechatpay_mock_server::{Fault, Mock, Server};

use super::schema::{Operation, misfit, operations, wrongs};
use super::{Raw, ask, done, get, line, raw, send};
use crate::common::{APPID, Form, KEY, MCH_ID, call};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Every path there is to be.
const PATHS: [(&str, &[&str]); 40] = [
    ("/health", &["GET"]),
    ("/env", &["GET"]),
    ("/ca.pem", &["GET"]),
    ("/truststore.p12", &["GET"]),
    ("/openapi.json", &["GET"]),
    ("/merchants", &["GET", "POST"]),
    ("/merchants/{mch_id}", &["GET", "PATCH", "DELETE"]),
    ("/merchants/{mch_id}/kit.zip", &["GET"]),
    ("/merchants/{mch_id}/topup", &["POST"]),
    ("/merchants/{mch_id}/rotate-key", &["POST"]),
    ("/merchants/{mch_id}/cert", &["POST"]),
    ("/users/{openid}", &["PUT"]),
    ("/redpackets", &["GET"]),
    ("/redpackets/{mch_id}/{mch_billno}", &["GET"]),
    ("/redpackets/{mch_id}/{mch_billno}/settle", &["POST"]),
    ("/redpackets/{mch_id}/{mch_billno}/claim", &["POST"]),
    ("/redpackets/{mch_id}/{mch_billno}/expire", &["POST"]),
    ("/redpackets/{mch_id}/{mch_billno}/refund", &["POST"]),
    ("/redpackets/{mch_id}/{mch_billno}/fail", &["POST"]),
    ("/requests", &["GET", "DELETE"]),
    ("/requests/wait", &["GET"]),
    ("/requests/{request_id}", &["GET"]),
    ("/requests/{request_id}/raw", &["GET"]),
    ("/requests/{request_id}/curl", &["GET"]),
    ("/verify", &["POST"]),
    ("/sign", &["POST"]),
    ("/faults", &["GET", "POST", "DELETE"]),
    ("/faults/catalogue", &["GET"]),
    ("/faults/{fault_id}", &["GET", "PATCH", "DELETE"]),
    ("/clock", &["GET", "PUT"]),
    ("/clock/advance", &["POST"]),
    ("/clock/advance-to-next", &["POST"]),
    ("/seed", &["PUT"]),
    ("/rules", &["GET", "PATCH"]),
    ("/reset", &["POST"]),
    ("/state", &["GET", "PUT"]),
    ("/snapshots", &["GET", "POST"]),
    ("/snapshots/{name}/restore", &["POST"]),
    ("/", &[]),
    ("/nowhere", &[]),
];

/// A world in which every example makes sense: 1 is SENT, 2 SENDING for want of money that has come by now, 3
/// RFUND_ING; a fault is armed, a snapshot kept.
fn world() -> Server {
    let mock = Mock::builder().seed(42).build();
    let merchant = mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).balance_fen(2_000).create().unwrap();
    for (billno, code) in [("1", "SUCCESS"), ("3", "SUCCESS"), ("2", "NOTENOUGH")] {
        assert_eq!(call(&merchant, &Form::send(&merchant, billno)).code(), code);
    }
    merchant.top_up(10_000);
    mock.arm(Fault::reply_lost().on("gethbinfo").times(1)).unwrap();
    let server = mock.serve().unwrap();
    done(&server, &format!("POST /redpackets/{MCH_ID}/3/expire"), Value::Null);
    done(&server, "POST /snapshots", json!({"name": "before"}));
    server
}

#[track_caller]
fn assert_refused(document: &Value, answer: &Raw, status: u16, call: &str) {
    let said = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{call}: {said}");
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(misfit(&document["components"]["schemas"]["Error"], &value, "error"), None, "{call}: {said}");
    for part in ["code", "message", "hint"] {
        assert_ne!(value["error"][part], "", "{call}: {said}");
    }
}

#[test]
fn every_path_is_told_of_and_no_other() {
    let document = get(&world(), "/openapi.json");
    let wanted: BTreeMap<_, BTreeSet<_>> = PATHS
        .into_iter()
        .filter(|(_, methods)| !methods.is_empty())
        .map(|(path, methods)| (path.to_owned(), methods.iter().map(|method| method.to_string()).collect()))
        .collect();
    let mut told: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for operation in operations(&document) {
        told.entry(operation.path).or_default().insert(operation.method);
    }
    assert_eq!(told, wanted);
}

#[test]
fn every_call_does_what_its_example_says() {
    let document = get(&world(), "/openapi.json");
    for operation in operations(&document) {
        let server = world();
        let call = operation.line();
        if let Some((schema, example)) = operation.body() {
            assert_eq!(misfit(schema, example, "example"), None, "{call}");
        }
        let answer = raw(&server, &call, &operation.text());
        let said = String::from_utf8_lossy(&answer.body);
        let (status, success) = operation.what["responses"]
            .as_object()
            .unwrap()
            .iter()
            .find(|(status, _)| *status != "default")
            .unwrap();
        assert_eq!(answer.status.to_string(), *status, "{call}: {said}");
        let (kind, content) = success["content"].as_object().unwrap().iter().next().unwrap();
        assert!(answer.head.to_lowercase().contains(&format!("content-type: {kind}\r\n")), "{}", answer.head);
        assert!(answer.head.contains("cache-control: no-store\r\n"), "{}", answer.head);
        assert!(!answer.body.is_empty(), "{call}");
        if kind == "application/json" {
            let value: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(misfit(&content["schema"], &value, "answer"), None, "{call}: {value}");
        }
    }
}

#[test]
fn what_a_client_is_made_from_is_there() {
    let document = get(&world(), "/openapi.json");
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let Operation { method, path, what } = &operation;
        assert!(ids.insert(what["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
        assert!(what["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{method} {path}");
        let named = path.matches('{').count();
        assert_eq!(operation.parameters("path").count(), named, "{method} {path}");
        assert_eq!(operation.parameters("header").count(), usize::from(method != "GET"), "{method} {path}");
    }
    assert_eq!(document["servers"][0]["url"].as_str().unwrap().rsplit('/').next(), Some("__mock"));
}

#[test]
fn what_may_be_left_out_may_be_and_what_must_not_must_not() {
    let document = get(&world(), "/openapi.json");
    for operation in operations(&document) {
        let Some((schema, example)) = operation.body() else { continue };
        let (call, required) = (operation.line(), schema["required"].as_array().unwrap());
        for name in example.as_object().unwrap().keys() {
            let mut rest = example.clone();
            rest.as_object_mut().unwrap().remove(name);
            let (status, answer) = ask(&world(), &call, rest);
            if required.contains(&json!(name)) {
                assert_eq!(status, 400, "{call} without {name}");
                assert!(
                    answer["error"]["message"].as_str().unwrap().starts_with(&format!("{name} is missing"))
                );
            } else {
                // A fault that falsifies the answer says what becomes of the money; a clock that stands still shows a time.
                let needed = [("POST /faults", "commit"), ("PUT /clock", "now")].contains(&(&*call, name));
                let fine = if needed { status == 400 } else { status < 300 || status == 422 };
                assert!(fine, "{call} without {name}: {answer}");
            }
        }
        assert!(required.iter().all(|name| example.get(name.as_str().unwrap()).is_some()), "{call}");
    }
}

#[test]
fn what_is_not_told_of_is_refused_and_changes_nothing() {
    let server = world();
    let document = get(&server, "/openapi.json");
    let before = get(&server, "/state");
    for operation in operations(&document) {
        let call = operation.line();
        let good = operation.text();
        assert_refused(&document, &raw(&server, &format!("{call}?zzz=1"), &good), 400, &call);
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            let twice = format!("{call}?{name}=1&{name}=1");
            assert_refused(&document, &raw(&server, &twice, &good), 400, &twice);
        }
        let Some((schema, example)) = operation.body() else {
            for body in ["{\"zzz\":1}", "[]", "null", "zzz"] {
                assert_refused(&document, &raw(&server, &call, body), 400, &call);
            }
            continue;
        };
        let mut bodies: Vec<_> = wrongs(schema, example).iter().map(Value::to_string).collect();
        let mut unknown = example.clone();
        unknown["zzz"] = json!(1);
        bodies.extend([unknown.to_string(), "{".to_owned(), "{\"a\":1,}".to_owned(), good.clone() + "x"]);
        bodies.push("[".repeat(10_000));
        if operation.what["requestBody"]["required"] == true {
            bodies.push(String::new());
        }
        for body in bodies {
            let answer = raw(&server, &call, &body);
            assert_refused(&document, &answer, 400, &format!("{call} {}", body.get(..200).unwrap_or(&body)));
        }
    }
    assert_eq!(get(&server, "/state"), before);
}

#[test]
fn only_programs_of_this_machine_may_call() {
    let server = world();
    let document = get(&server, "/openapi.json");
    let before = get(&server, "/state");
    for operation in operations(&document) {
        let (call, body) = (operation.line(), operation.text());
        if operation.method != "GET" {
            for header in ["", "X-Mock-Admin: 0\r\n", "Content-Type: text/plain\r\n"] {
                let answer = send(&server, &line(&call), header, &body);
                assert_refused(&document, &answer, 403, &call);
                assert!(!answer.head.to_lowercase().contains("access-control"), "{}", answer.head);
            }
        }
        let head = format!(
            "{} HTTP/1.1\r\nHost: example.com\r\nX-Mock-Admin: 1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            line(&call),
            body.len()
        );
        assert_eq!(crate::raw::status(&crate::raw::talk(server.address(), head + &body)), 403, "{call}");
    }
    assert_eq!(get(&server, "/state"), before);
}

#[test]
fn another_method_is_refused_with_those_that_there_are() {
    let server = world();
    let document = get(&server, "/openapi.json");
    let all = operations(&document);
    for operation in &all {
        let line = operation.line();
        let (_, path) = line.split_once(' ').unwrap();
        // Two patterns may fit one path.
        let fits = |pattern: &str| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            let same = |(one, other): (&&str, &&str)| one.starts_with('{') || one == other;
            pattern.len() == path.len() && pattern.iter().zip(&path).all(same)
        };
        let known: Vec<_> =
            all.iter().filter(|other| fits(&other.path)).map(|other| other.method.as_str()).collect();
        for method in METHODS.into_iter().filter(|method| !known.contains(method)) {
            let call = format!("{method} {path}");
            let answer = raw(&server, &call, "");
            assert_refused(&document, &answer, 405, &call);
            let said = String::from_utf8(answer.body).unwrap();
            assert!(known.iter().all(|known| said.contains(known)), "{said}");
            assert!(answer.head.contains("allow: "), "{}", answer.head);
        }
    }
}

#[test]
fn an_exposed_server_wants_its_token_for_every_call_but_health() {
    let token = "0123456789-abcdef";
    let mock = Mock::builder().build();
    mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).create().unwrap();
    let server = mock.server().listen("0.0.0.0:0".parse().unwrap()).expose(token).start().unwrap();
    let ask = |line: &str, headers: &str, body: &str| send_to(&server, line, headers, body);
    let shown = format!("X-Mock-Admin: 1\r\nAuthorization: Bearer {token}\r\n");
    let document: Value = serde_json::from_slice(&ask("GET /openapi.json", &shown, "").body).unwrap();
    let before = ask("GET /state", &shown, "").body;
    for operation in operations(&document) {
        let (call, body) = (operation.line(), operation.text());
        for headers in
            ["X-Mock-Admin: 1\r\n", "X-Mock-Admin: 1\r\nAuthorization: Bearer 0123456789-abcdeF\r\n"]
        {
            let answer = ask(&call, headers, &body);
            match &*operation.path {
                "/health" => assert_eq!(answer.status, 200),
                _ => assert_refused(&document, &answer, 401, &call),
            }
        }
    }
    assert_eq!(ask("GET /state", &shown, "").body, before);
    assert_eq!(ask("DELETE /requests", &shown, "").status, 200);
}

/// To loopback, wherever else the server listens.
fn send_to(server: &Server, call: &str, headers: &str, body: &str) -> Raw {
    use std::io::{Read as _, Write as _};
    let mut stream = crate::raw::connect(([127, 0, 0, 1], server.address().port()).into());
    let request = crate::raw::request(&line(call), &format!("{headers}Connection: close\r\n"), body);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Raw { status: crate::raw::status(head), head: head.to_owned(), body: body.into() }
}
