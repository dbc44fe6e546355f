//! HTTP by hand over a bare socket.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// No answer takes this long; a test that would hang fails instead.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Reads from a child's pipe; a child that would let that wait for ever is ended.
pub(crate) fn bounded<T: Send + 'static>(child: &mut Child, read: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, end) = mpsc::channel();
    thread::spawn(move || done.send(read()));
    end.recv_timeout(LIMIT).unwrap_or_else(|_| {
        child.kill().unwrap();
        end.recv().unwrap()
    })
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Writes as much as the server takes, and reads to the end of the connection.
pub(crate) fn talk(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(address);
    // A server that hangs up early has said why before.
    let _ = stream.write_all(bytes.as_ref());
    rest(&mut stream)
}

pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8(all).unwrap()
}

/// Reads one answer with a `Content-Length`, and leaves the connection open.
pub(crate) fn one(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

/// A request with a length and these headers besides.
pub(crate) fn request(first_line: &str, headers: &str, body: &str) -> String {
    format!(
        "{first_line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

pub(crate) fn status(answer: &str) -> u16 {
    answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status: {answer:?}"))
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

/// A call of the admin API, with the header that changes need.
pub(crate) fn admin(address: SocketAddr, first_line: &str) -> (u16, Value) {
    let answer = talk(address, request(first_line, "X-Mock-Admin: 1\r\nConnection: close\r\n", ""));
    (status(&answer), serde_json::from_str(body(&answer)).unwrap())
}

pub(crate) fn health(address: SocketAddr) -> Value {
    let (status, health) = admin(address, "GET /__mock/health");
    assert_eq!((status, &health["status"]), (200, &"ok".into()));
    health
}
