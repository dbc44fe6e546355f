//! The transport against servers on this machine. Every server counts what it got: one request, or none.

#[expect(dead_code, reason = "shared with the blocking transport, which uses more of it")]
#[path = "../../transport-ureq/tests/suite/server.rs"]
mod server;

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use wechatpay_proto::transport::{ClientCertificate, Transport};
use wechatpay_transport_hyper::{BODY_LIMIT, HyperTransport, TransportError};

use server::{Reply, Seen, Server, answer, ok, post};

type Outcome = Result<http::Response<Bytes>, TransportError>;

/// A private authority and what it vouches for.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, host: &str) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, host);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    /// A server that wants to know its client.
    fn server(&self, host: &str) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(host);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(self.roots().into(), Arc::clone(&provider))
                .build()
                .unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        Arc::new(config)
    }

    /// A transport that trusts this authority, with or without a certificate.
    fn transport(&self, with_certificate: bool) -> HyperTransport {
        let transport = HyperTransport::new(self.roots()).unwrap();
        if !with_certificate {
            return transport;
        }
        let (certificate, key) = self.issue("1900000109");
        transport.with_identity(vec![certificate.der().clone()], key.into()).unwrap()
    }
}

fn transport() -> HyperTransport {
    Authority::new().transport(false)
}

fn marked(url: &str) -> http::Request<Bytes> {
    let mut request = post(url);
    request.extensions_mut().insert(ClientCertificate);
    request
}

async fn exchange(reply: Reply) -> (Outcome, Seen) {
    let server = Server::plain(reply);
    let outcome = transport().send(post(&server.http())).await;
    (outcome, server.finish())
}

fn counts(seen: &Seen) -> (usize, usize) {
    (seen.connections, seen.requests.len())
}

#[test]
fn the_types_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<HyperTransport>();
    check::<TransportError>();
    fn is_send(_: &impl Send) {}
    is_send(&transport().send(post("https://127.0.0.1/")));
}

#[tokio::test]
async fn a_request_goes_out_as_it_is() {
    let (outcome, seen) = exchange(Reply::Answer(ok(b"<xml>1</xml>"))).await;
    assert_eq!(outcome.unwrap().body().as_ref(), b"<xml>1</xml>");
    assert_eq!(counts(&seen), (1, 1));
    let request = &seen.requests[0];
    assert!(request.head.starts_with("POST /pay?a=b HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.body, b"<xml></xml>");
    let mut names: Vec<_> =
        request.head.lines().filter_map(|line| Some(line.split_once(": ")?.0.to_lowercase())).collect();
    names.sort();
    assert_eq!(names, ["content-length", "content-type", "host"]);
}

#[tokio::test]
async fn the_merchant_shows_the_certificate() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("127.0.0.1"), Reply::Answer(ok(b"paid")));
    let response = authority.transport(true).send(marked(&server.https())).await.unwrap();
    assert_eq!(response.body().as_ref(), b"paid");
    let seen = server.finish();
    assert_eq!(counts(&seen), (1, 1));
    assert!(seen.requests[0].subject.as_ref().unwrap().contains("CN=1900000109"));
}

#[tokio::test]
async fn a_missing_identity_is_noticed_before_connecting() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("127.0.0.1"), Reply::Answer(ok(b"")));
    let error = authority.transport(false).send(marked(&server.https())).await.unwrap_err();
    assert!(matches!(error, TransportError::NoIdentity) && error.is_not_sent(), "{error:?}");
    assert_eq!(counts(&server.finish()), (0, 0));

    let mock = Server::plain(Reply::Answer(ok(b"mock"))); // cannot ask for one
    assert!(authority.transport(false).send(marked(&mock.http())).await.is_ok());
    assert_eq!(counts(&mock.finish()), (1, 1));
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for config in [stranger.server("127.0.0.1"), authority.server("other.example")] {
        let server = Server::tls(config, Reply::Answer(ok(b"")));
        let error = authority.transport(true).send(marked(&server.https())).await.unwrap_err();
        assert!(matches!(error, TransportError::Handshake(_)) && error.is_not_sent(), "{error:?}");
        assert_eq!(counts(&server.finish()), (1, 0));
    }
}

#[tokio::test]
async fn every_status_comes_back_as_it_is() {
    for status in ["302 Found", "307 Temporary Redirect", "404 Not Found", "500 Internal Server Error"] {
        let (outcome, seen) =
            exchange(Reply::Answer(answer(status, "Location: /elsewhere\r\n", b"why"))).await;
        let response = outcome.unwrap();
        assert!(status.starts_with(response.status().as_str()));
        assert_eq!(response.body().as_ref(), b"why");
        assert_eq!(counts(&seen), (1, 1));
    }
}

#[tokio::test]
async fn a_broken_exchange_is_an_error_and_is_not_repeated() {
    let large_headers =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(1_000_000));
    for broken in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<xml>",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<xml>\r\n",
        "\u{1b}]0;title\u{7}",
        &large_headers,
    ] {
        let (outcome, seen) = exchange(Reply::Close(broken.as_bytes().to_vec())).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, TransportError::Exchange(_)), "{broken:.60}: {error:?}");
        assert!(!error.is_not_sent());
        assert_eq!(counts(&seen), (1, 1));
    }
}

#[tokio::test]
async fn a_body_cut_off_inside_tls_is_noticed() {
    let authority = Authority::new();
    for cut_off in ["HTTP/1.1 200 OK\r\n\r\n<xml>", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<xml>"] {
        let server = Server::tls(authority.server("127.0.0.1"), Reply::Close(cut_off.as_bytes().to_vec()));
        let error = authority.transport(true).send(marked(&server.https())).await.unwrap_err();
        assert!(matches!(error, TransportError::Exchange(_)) && !error.is_not_sent(), "{error:?}");
        assert_eq!(counts(&server.finish()), (1, 1));
    }
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let (outcome, seen) = exchange(Reply::Answer(ok(&vec![b'x'; BODY_LIMIT]))).await;
    assert_eq!(outcome.unwrap().body().len(), BODY_LIMIT);
    assert_eq!(counts(&seen), (1, 1));
    let (outcome, seen) = exchange(Reply::Answer(ok(&vec![b'x'; BODY_LIMIT + 1]))).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, TransportError::BodyTooLarge) && !error.is_not_sent(), "{error:?}");
    assert_eq!(counts(&seen), (1, 1));
}

#[tokio::test]
async fn silence_ends_with_the_total_time() {
    let server = Server::plain(Reply::Silence);
    let transport = transport().total_timeout(Duration::from_millis(250));
    let error = transport.send(post(&server.http())).await.unwrap_err();
    assert!(matches!(error, TransportError::Timeout) && !error.is_not_sent(), "{error:?}");
    assert_eq!(counts(&server.finish()), (1, 1));

    let server = Server::plain(Reply::Silence); // never finishes the handshake
    let error = transport.send(post(&server.https())).await.unwrap_err();
    assert!(matches!(error, TransportError::ConnectTimeout) && error.is_not_sent(), "{error:?}");
    assert_eq!(counts(&server.finish()), (1, 0));
}

#[tokio::test]
async fn nothing_is_sent_where_nobody_listens_or_nothing_may_go() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = transport().send(post(&format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, TransportError::Connect(_)) && error.is_not_sent(), "{error:?}");
    for url in ["http://192.0.2.1/", "http://127.0.0.1@192.0.2.1/", "/pay"] {
        let error = transport().send(post(url)).await.unwrap_err();
        assert!(matches!(error, TransportError::Target(_)) && error.is_not_sent(), "{error:?}");
    }
}

#[tokio::test]
async fn a_dropped_future_drops_the_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (arrived, arrival) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let first = stream.read(&mut [0; 10_000]).unwrap();
        arrived.send(first).unwrap();
        stream.read_to_end(&mut Vec::new()) // returns when the client has gone
    });
    let transport = transport();
    tokio::select! {
        outcome = transport.send(post(&url)) => panic!("{outcome:?}"),
        first = tokio::task::spawn_blocking(move || arrival.recv()) => assert!(first.unwrap().unwrap() > 0),
    }
    server.join().unwrap().unwrap();
}
