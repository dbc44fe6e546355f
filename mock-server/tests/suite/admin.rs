//! The admin API: what tests in other languages drive the world with.

use std::io::{Read as _, Write as _};

use serde_json::Value;
use wechatpay_mock_server::Server;

use crate::raw::{connect, request};

mod clock;
mod document;
mod doors;
mod faults;
mod files;
mod merchants;
mod packets;
mod requests;
mod schema;
mod sign;
mod state;
mod users;
mod wait;

/// What a call is answered: status, head and body.
struct Raw {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// Sends a call with these headers and this body.
fn send(server: &Server, line: &str, headers: &str, body: &str) -> Raw {
    let mut stream = connect(server.address());
    stream.write_all(request(line, &format!("{headers}Connection: close\r\n"), body).as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).unwrap();
    Raw { status: crate::raw::status(&head), head, body }
}

/// A call that may change something: `POST /reset`, below the prefix.
fn raw(server: &Server, call: &str, body: &str) -> Raw {
    send(server, &line(call), "X-Mock-Admin: 1\r\n", body)
}

fn line(call: &str) -> String {
    call.replacen(" /", " /__mock/", 1)
}

/// The same with JSON both ways; `null` is no body.
fn ask(server: &Server, call: &str, body: Value) -> (u16, Value) {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let answer = raw(server, call, &text);
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

/// A call that looks at something.
#[track_caller]
fn get(server: &Server, path: &str) -> Value {
    let (status, value) = ask(server, &format!("GET {path}"), Value::Null);
    assert_eq!(status, 200, "{path}: {value}");
    value
}

/// A call that is to work.
#[track_caller]
fn done(server: &Server, call: &str, body: Value) -> Value {
    let (status, value) = ask(server, call, body);
    assert!([200, 201].contains(&status), "{call}: {status} {value}");
    value
}

/// A call that is to be refused so: the message and the hint, in one.
#[track_caller]
fn refused(server: &Server, call: &str, body: Value, status: u16, code: &str) -> String {
    let (given, value) = ask(server, call, body.clone());
    let error = &value["error"];
    assert_eq!((given, error["code"].as_str()), (status, Some(code)), "{call} {body}: {value}");
    format!("{}; {}", error["message"].as_str().unwrap(), error["hint"].as_str().unwrap())
}
