//! The ways of a request: in-process, with a real client, over a bare socket. All go to the same host by name, and
//! each has a connection of its own, since faults of connections are counted by these.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use wechatpay_mock_server::{MockMerchant, Server};
use wechatpay_proto::transport::{BlockingTransport, ClientCertificate, Delivery, Fault as _};
use wechatpay_transport_ureq::{Identity, Roots, Settings, Timeouts, UreqTransport};

use super::{Patience, Seen};
use crate::raw::{self, LIMIT, connect, shake_hands};
use crate::tls::own;

const HOST: &str = "api.mch.weixin.qq.com";
/// Of those who give up soon. A server that is busy must have got the request by then.
const SHORT: Duration = Duration::from_millis(250);
/// Of those who give up before they send anything.
const SHORTER: Duration = Duration::from_millis(100);

pub(super) trait Wire {
    fn send(&self, request: Request<Bytes>, patience: Patience) -> Seen;
}

fn through<T: BlockingTransport>(transport: &T, request: Request<Bytes>) -> Seen {
    match transport.send_blocking(request) {
        Ok(response) => Seen::Answer(response),
        Err(error) => Seen::Broken(error.delivery()),
    }
}

/// Without a socket.
pub(super) struct Inside(pub(super) MockMerchant);

impl Wire for Inside {
    fn send(&self, request: Request<Bytes>, patience: Patience) -> Seen {
        let transport = self.0.transport();
        match patience {
            Patience::Usual => through(&transport, request),
            _ => through(&transport.timeout(SHORT), request),
        }
    }
}

/// Over mutual TLS with a real client.
pub(super) struct Tls<S> {
    usual: UreqTransport,
    short_for_answer: UreqTransport,
    short_for_handshake: UreqTransport,
    _server: S,
}

impl<S> Tls<S> {
    /// With the merchant's certificate from a kit.
    pub(super) fn new(address: SocketAddr, kit: &Path, mch_id: &str, server: S) -> Self {
        let with = |timeouts: Timeouts| {
            let [certificate, key] =
                ["apiclient_cert.pem", "apiclient_key.pem"].map(|name| kit.join(mch_id).join(name));
            let settings = Settings::new()
                .identity(Identity::from_pem_files(certificate, key).unwrap())
                .roots(Roots::from_pem_file(kit.join("ca.pem")).unwrap())
                .address(HOST, [address])
                .idle_connections(0)
                .timeouts(timeouts);
            UreqTransport::new(settings.body_limit(1 << 20)).unwrap()
        };
        // Nothing else has a limit that a slow machine could meet.
        let long = || Timeouts {
            connect: LIMIT,
            tls: LIMIT,
            write: LIMIT,
            response: LIMIT,
            body: LIMIT,
            total: 2 * LIMIT,
        };
        Self {
            usual: with(long()),
            short_for_answer: with(Timeouts { response: SHORT, body: SHORT, ..long() }),
            short_for_handshake: with(Timeouts { tls: SHORTER, ..long() }),
            _server: server,
        }
    }
}

impl<S> Wire for Tls<S> {
    fn send(&self, request: Request<Bytes>, patience: Patience) -> Seen {
        let transport = match patience {
            Patience::Usual => &self.usual,
            Patience::ShortForAnswer => &self.short_for_answer,
            Patience::ShortForHandshake => &self.short_for_handshake,
        };
        through(transport, request)
    }
}

/// Over a bare socket, with HTTP by hand.
pub(super) struct Bare {
    server: Server,
    /// With the merchant's certificate, and without.
    marked: Arc<ClientConfig>,
    unmarked: Arc<ClientConfig>,
}

impl Bare {
    pub(super) fn new(server: Server, mch_id: &str) -> Self {
        let config = |identity| {
            let settings = raw::Settings { alpn: &[b"http/1.1"], identity };
            let mut config = raw::client_config(server.kit(), settings);
            // Each handshake is a whole one.
            config.resumption = Resumption::disabled();
            Arc::new(config)
        };
        Self { marked: config(Some(own(&server, mch_id))), unmarked: config(None), server }
    }
}

impl Wire for Bare {
    fn send(&self, request: Request<Bytes>, patience: Patience) -> Seen {
        let is_marked = request.extensions().get::<ClientCertificate>().is_some();
        let config = Arc::clone(if is_marked { &self.marked } else { &self.unmarked });
        let client = ClientConnection::new(config, ServerName::try_from(HOST).unwrap()).unwrap();
        let stream = connect(self.server.address());
        if patience == Patience::ShortForHandshake {
            stream.set_read_timeout(Some(SHORTER)).unwrap();
        }
        let Ok(mut session) = shake_hands(stream, client) else {
            return Seen::Broken(Delivery::NotSent);
        };
        if patience == Patience::ShortForAnswer {
            session.sock.set_read_timeout(Some(SHORT)).unwrap();
        }
        let mut answer = Vec::new();
        let sent = session.write_all(&bytes(&request));
        // An answer may be whole though the connection does not end well.
        let _ = sent.and_then(|()| session.read_to_end(&mut answer));
        read(&answer).map_or(Seen::Broken(Delivery::MaybeSent), Seen::Answer)
    }
}

fn bytes(request: &Request<Bytes>) -> Vec<u8> {
    let (method, path, length) = (request.method(), request.uri().path(), request.body().len());
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {length}\r\n");
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    [head.as_bytes(), b"connection: close\r\n\r\n", request.body()].concat()
}

/// The first answer that is whole; those that only inform are none.
fn read(bytes: &[u8]) -> Option<Response<Bytes>> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
    let (first, lines) = head.split_once("\r\n")?;
    let status: u16 = first.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    if status < 200 {
        return read(body);
    }
    let mut response = Response::builder().status(status);
    for (name, value) in lines.split("\r\n").filter_map(|line| line.split_once(": ")) {
        response = response.header(name, value);
    }
    let length: usize = response.headers_ref()?.get("content-length")?.to_str().ok()?.parse().ok()?;
    response.body(Bytes::copy_from_slice(body.get(..length)?)).ok()
}
