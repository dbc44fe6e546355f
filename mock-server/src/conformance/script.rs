//! What a server of the suite does, as data.

use std::sync::Arc;

use rustls::ServerConfig;

/// What a server does about one request: these steps, one after the other, and then it waits for the next request.
/// No steps at all are silence.
pub(super) type Reply = Vec<Step>;

/// What stands behind the address.
#[derive(Clone)]
pub(super) enum Door {
    /// Nobody: connections are refused.
    Closed,
    /// HTTP, one reply for each request.
    Plain,
    /// HTTP behind TLS, one reply for each request.
    Tls(Arc<ServerConfig>),
    /// The same in TLS 1.3, but what the client sends in the handshake is read only once its request has come too. So a
    /// certificate is judged behind the request, as a network can have it at any time.
    TlsLate(Arc<ServerConfig>),
    /// Bytes that nobody reads as requests, one reply for each connection.
    Raw,
}

#[derive(Clone)]
pub(super) enum Step {
    /// Writes this at once.
    Write(Vec<u8>),
    /// Writes `answer` and the first bytes of `next` at once; over TLS, of the record with `next`. The rest goes out
    /// before anything else that is written on the connection.
    WithHalf { answer: Vec<u8>, next: Vec<u8> },
    /// Writes this over and over, as fast as it can, until the client has left.
    Endless(&'static [u8]),
    /// Writes this over and over, a byte every 20 ms, until the client has left.
    Drip(&'static [u8]),
    /// Waits for something to come, and reads a part of it.
    Hear,
    /// Waits for the call to be over.
    AfterCall,
    /// Reads and writes nothing any more, but keeps the connection.
    Hold,
    /// Ends its half of the connection as it should be: with close_notify where there is TLS, then with FIN.
    Close,
    /// Ends its half of the connection with FIN alone.
    Cut,
    /// Ends the connection with RST.
    Reset,
}

pub(super) fn write(bytes: impl AsRef<[u8]>) -> Step {
    Step::Write(bytes.as_ref().to_vec())
}

/// An answer with these lines of header and a length.
pub(super) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Step {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    write([head.as_bytes(), body].concat())
}

/// A good answer with a length.
pub(super) fn ok(body: impl AsRef<[u8]>) -> Step {
    answer("200 OK", "", body)
}

/// A good answer in chunks, which begins with `chunks`.
pub(super) fn chunked(chunks: &str) -> Step {
    write(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"))
}
