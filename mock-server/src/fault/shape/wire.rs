//! Answers as HTTP/1.1 has them on the wire, right and wrong.

use bytes::Bytes;
use http::{Response, header};

/// An answer that comes before the answer.
pub(super) const INFORMATIONAL: &str = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";

/// The answer, after which the connection may stay.
pub(super) fn whole(response: &Response<Bytes>) -> Vec<u8> {
    claiming(response, response.body().len())
}

/// The answer, which says that it is the last of its connection.
pub(super) fn last(response: &Response<Bytes>) -> Vec<u8> {
    let framing = format!("content-length: {}\r\nconnection: close\r\n", response.body().len());
    render(response, &framing, response.body())
}

/// The answer with a length of its body that may be wrong.
pub(super) fn claiming(response: &Response<Bytes>, length: usize) -> Vec<u8> {
    render(response, &format!("content-length: {length}\r\n"), response.body())
}

/// The body in one chunk, and behind it a chunk whose size is no number.
pub(super) fn bad_chunk(response: &Response<Bytes>) -> Vec<u8> {
    let size = format!("{:x}\r\n", response.body().len());
    let body = [size.as_bytes(), response.body(), b"\r\nzz\r\n"].concat();
    render(response, "transfer-encoding: chunked\r\n", &body)
}

fn render(response: &Response<Bytes>, framing: &str, body: &[u8]) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in response.headers().iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend([framing.as_bytes(), b"\r\n", body].concat());
    bytes
}
