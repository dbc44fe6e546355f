//! HTTP by hand over a bare socket, plain or within TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use wechatpay_mock_server::{Kit, Server};

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

pub(crate) fn rest(stream: &mut impl Read) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8(all).unwrap()
}

/// Reads one answer with a `Content-Length`, and leaves the connection open.
pub(crate) fn one(stream: &mut impl Read) -> String {
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

/// A connection of either kind.
pub(crate) trait Line: Read + Write {}
impl<S: Read + Write> Line for S {}

/// A plain connection, and one within TLS that shows no certificate.
pub(crate) fn lines(server: &Server) -> [(&'static str, Box<dyn Line>); 2] {
    let session = secure(connect(server.address()), server.kit(), "localhost", Settings::default());
    [("plain", Box::new(connect(server.address()))), ("TLS", Box::new(session.unwrap()))]
}

/// What a TLS client may bring.
#[derive(Default)]
pub(crate) struct Settings<'a> {
    pub(crate) alpn: &'a [&'a [u8]],
    /// Certificate and key, in PEM.
    pub(crate) identity: Option<(String, String)>,
}

/// A TLS session with the server under the name `name`.
pub(crate) fn secure<S: Read + Write>(
    stream: S,
    kit: &Kit,
    name: &'static str,
    settings: Settings<'_>,
) -> io::Result<StreamOwned<ClientConnection, S>> {
    shake_hands(stream, client(kit, name, settings))
}

/// Shakes hands to the end.
pub(crate) fn shake_hands<S: Read + Write>(
    mut stream: S,
    mut client: ClientConnection,
) -> io::Result<StreamOwned<ClientConnection, S>> {
    client.complete_io(&mut stream)?;
    Ok(StreamOwned::new(client, stream))
}

/// The client's side of a TLS session.
pub(crate) fn client(kit: &Kit, name: &'static str, settings: Settings<'_>) -> ClientConnection {
    let name = ServerName::try_from(name).unwrap();
    ClientConnection::new(Arc::new(client_config(kit, settings)), name).unwrap()
}

/// What the client's side of TLS sessions is made with.
pub(crate) fn client_config(kit: &Kit, settings: Settings<'_>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(kit.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match settings.identity {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = settings.alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config
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
