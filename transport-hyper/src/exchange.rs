//! One request and its response, over a connection that is ready.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use wechatpay_transport::{Cause, HEAD_LIMIT, Step, TransportError};

use crate::connect::Stream;
use crate::limits::Limits;
use crate::pool::Connection;
use crate::socket::Socket;
use crate::worker::Worker;

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("wechatpay-transport-hyper/", env!("CARGO_PKG_VERSION")));

/// Puts hyper on a connection.
pub(crate) async fn start(stream: Box<dyn Stream>, socket: Socket) -> Result<Connection, TransportError> {
    let (asking, working) = http1::Builder::new()
        .max_buf_size(HEAD_LIMIT)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| TransportError::NotWritten(Cause::new(error)))?;
    Ok(Connection { asking, working: Worker::new(working), socket })
}

/// Sends the request and reads the response. On any error the connection is of no use any more.
pub(crate) async fn exchange(
    connection: &mut Connection,
    request: http::Request<Bytes>,
    body_limit: usize,
    limits: &Limits,
) -> Result<http::Response<Bytes>, TransportError> {
    let request = to_wire(request)?;
    if limits.is_over() {
        return Err(TransportError::Timeout(Step::Connect)); // where there is no time to begin, nothing was begun
    }
    let (head, body) = ask(connection, request, limits).await?.into_parts();
    let reading = read(body, body_limit);
    let body = limits.wait(Step::Body, connection.working.until(reading)).await?;
    Ok(http::Response::from_parts(head, body))
}

/// Copies what comes. A frame, however small, holds on to the whole buffer it was read into, so a peer that sends byte
/// by byte could make a few of them cost a great deal of memory.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, TransportError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| TransportError::Exchange(Cause::new(error)))?;
        let Ok(data) = frame.into_data() else { continue }; // trailers
        if data.len() > limit - bytes.len() {
            return Err(TransportError::BodyTooLarge { limit });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// Until the head of the response is there. Writing has its own limit, and the time for waiting counts from its end.
async fn ask(
    connection: &mut Connection,
    request: http::Request<Full<Bytes>>,
    limits: &Limits,
) -> Result<http::Response<Incoming>, TransportError> {
    let Connection { asking, working, socket } = connection;
    socket.begin();
    let mut answer = pin!(asking.send_request(request));
    let mut answered = |context: &mut Context<'_>| {
        working.work(context);
        answer.as_mut().poll(context).map(|answer| answer.map_err(|error| lost(error, socket)))
    };
    // The answer may come before all is written: a refusal of a request that is too long, for example.
    let writing = poll_fn(|context| match answered(context) {
        Poll::Ready(answer) => Poll::Ready(answer.map(Some)),
        Poll::Pending if socket.flushed() => Poll::Ready(Ok(None)),
        Poll::Pending => Poll::Pending,
    });
    match limits.wait(Step::Write, writing).await? {
        Some(answer) => Ok(answer),
        None => limits.wait(Step::Response, poll_fn(answered)).await,
    }
}

/// What the operating system never took was not sent.
fn lost(error: hyper::Error, socket: &Socket) -> TransportError {
    let cause = Cause::new(error);
    match socket.wrote() {
        false => TransportError::NotWritten(cause),
        true => TransportError::Exchange(cause),
    }
}

/// On the wire the target is the path alone, and the host is a header.
fn to_wire(request: http::Request<Bytes>) -> Result<http::Request<Full<Bytes>>, TransportError> {
    let (mut parts, body) = request.into_parts();
    let host = parts.uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(host).map_err(|error| TransportError::NotWritten(Cause::new(error)))?;
    parts.headers.insert(HOST, host);
    parts.headers.entry(USER_AGENT).or_insert(AGENT);
    parts.version = http::Version::HTTP_11;
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.unwrap_or_else(|| PathAndQuery::from_static("/")).into();
    Ok(http::Request::from_parts(parts, Full::new(body)))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::mpsc::{Receiver, channel};

    use tokio::net::TcpStream;
    use wechatpay_proto::transport::{Delivery, Fault};
    use wechatpay_transport::Timeouts;

    use super::*;

    /// A connection to a server that answers so many requests, and then closes nothing.
    async fn connection(answers: usize) -> Connection {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for _ in 0..answers {
                let mut request = Vec::new();
                while !request.ends_with(b"</xml>") {
                    let mut bytes = [0; 1024];
                    let read = stream.read(&mut bytes).unwrap();
                    request.extend_from_slice(&bytes[..read]);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1").unwrap();
            }
            stream.read_to_end(&mut Vec::new())
        });
        let socket = Socket::new(TcpStream::connect(address).await.unwrap());
        start(Box::new(socket.clone()), socket).await.unwrap()
    }

    async fn send(connection: &mut Connection) -> Result<http::Response<Bytes>, TransportError> {
        let request =
            http::Request::post("http://127.0.0.1/").body(Bytes::from_static(b"<xml></xml>")).unwrap();
        exchange(connection, request, 100, &Limits::begin(&Timeouts::default())).await
    }

    #[tokio::test]
    async fn a_first_byte_that_is_not_taken_proves_that_nothing_was_sent() {
        for answered in [0, 1] {
            let mut connection = connection(answered).await;
            for _ in 0..answered {
                assert_eq!(send(&mut connection).await.unwrap().body().as_ref(), b"1");
                assert!(connection.socket.wrote() && connection.socket.flushed());
            }
            connection.socket.refuse_writes();
            let error = send(&mut connection).await.unwrap_err();
            assert!(matches!(error, TransportError::NotWritten(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        for (limit, fits) in [(1, true), (0, false)] {
            let mut connection = connection(1).await;
            let request =
                http::Request::post("http://127.0.0.1/").body(Bytes::from_static(b"</xml>")).unwrap();
            let outcome =
                exchange(&mut connection, request, limit, &Limits::begin(&Timeouts::default())).await;
            assert_eq!(outcome.is_ok(), fits, "{outcome:?}");
        }
    }

    /// What the error proves, over a connection to a server that does this with the request.
    async fn failing(
        serve: impl FnOnce(std::net::TcpStream, Receiver<()>) + Send + 'static,
        body: Bytes,
        body_limit: usize,
        timeouts: Timeouts,
    ) -> TransportError {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (done, over) = channel();
        let server = std::thread::spawn(move || serve(listener.accept().unwrap().0, over));
        let mut connection = start(Box::new(socket.clone()), socket).await.unwrap();
        let request = http::Request::post("http://127.0.0.1/").body(body).unwrap();
        let error =
            exchange(&mut connection, request, body_limit, &Limits::begin(&timeouts)).await.unwrap_err();
        drop((connection, done));
        server.join().unwrap();
        error
    }

    fn until_it_is_there(stream: &mut std::net::TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"</xml>") {
            let mut bytes = [0; 1024];
            let read = stream.read(&mut bytes).unwrap();
            request.extend_from_slice(&bytes[..read]);
        }
    }

    #[tokio::test]
    async fn once_a_byte_has_left_no_failure_is_a_proof() {
        const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<xml>";
        let answering = |answer: &'static [u8]| {
            move |mut stream: std::net::TcpStream, _: Receiver<()>| {
                until_it_is_there(&mut stream);
                stream.write_all(answer).unwrap();
            }
        };
        let waiting = |answer: &'static [u8]| {
            move |mut stream: std::net::TcpStream, _: Receiver<()>| {
                until_it_is_there(&mut stream);
                stream.write_all(answer).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            }
        };
        let short = std::time::Duration::from_millis(50);
        let (body, long) = (Bytes::from_static(b"<xml></xml>"), Timeouts::default());
        let nothing = failing(answering(b""), body.clone(), 100, long).await;
        assert!(matches!(nothing, TransportError::Exchange(_)), "{nothing:?}");
        let garbage = failing(answering(b"220 mail.example\r\n\r\n"), body.clone(), 100, long).await;
        assert!(matches!(garbage, TransportError::Exchange(_)), "{garbage:?}");
        let half = failing(answering(HEAD), body.clone(), 100, long).await;
        assert!(matches!(half, TransportError::Exchange(_)), "{half:?}");
        let large = failing(waiting(HEAD), body.clone(), 4, long).await;
        assert!(matches!(large, TransportError::BodyTooLarge { limit: 4 }), "{large:?}");
        let limits = Timeouts { response: short, ..long };
        let silent = failing(waiting(b""), body.clone(), 100, limits).await;
        assert!(matches!(silent, TransportError::Timeout(Step::Response)), "{silent:?}");
        let slow = failing(waiting(HEAD), body, 100, Timeouts { body: short, ..long }).await;
        assert!(matches!(slow, TransportError::Timeout(Step::Body)), "{slow:?}");
        // More than the buffers of both ends hold.
        let much = Bytes::from(vec![b'x'; 64 << 20]);
        let deaf = |stream: std::net::TcpStream, over: Receiver<()>| drop((over.recv(), stream));
        let half_written = failing(deaf, much, 100, Timeouts { write: short, ..long }).await;
        assert!(matches!(half_written, TransportError::Timeout(Step::Write)), "{half_written:?}");
        for error in [nothing, garbage, half, large, silent, slow, half_written] {
            assert_eq!(error.delivery(), Delivery::MaybeSent, "{error:?}");
        }
    }
}
