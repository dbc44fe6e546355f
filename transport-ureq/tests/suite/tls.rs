//! TLS with a private authority: who is let in, and what a failure proves.

use rustls::version::{TLS12, TLS13};
use std::error::Error;
use wechatpay_proto::transport::{BlockingTransport, ClientCertificate, Delivery, Fault};
use wechatpay_transport_ureq::{Settings, TransportError};

use crate::authority::{Authority, Demand, MCH_ID};
use crate::server::{Reply, Seen, Server, ok, post};
use crate::with;

fn marked(url: &str) -> http::Request<bytes::Bytes> {
    let mut request = post(url);
    request.extensions_mut().insert(ClientCertificate);
    request
}

fn counts(seen: &Seen) -> (usize, usize) {
    (seen.connections, seen.requests.len())
}

#[test]
fn the_merchant_shows_the_certificate() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let server =
            Server::tls(authority.server_with(Demand::MustIdentify, version), Reply::Answer(ok(b"paid")));
        let transport = with(Settings::new().identity(authority.identity()).roots(authority.roots()));
        let response = transport.send_blocking(marked(&server.https())).unwrap();
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, &b"paid"[..]));
        assert_eq!(transport.identity().and_then(|identity| identity.common_name()), Some(MCH_ID));
        let seen = server.finish();
        assert_eq!(counts(&seen), (1, 1));
        assert!(seen.requests[0].subject.as_ref().unwrap().contains(&format!("CN={MCH_ID}")));
    }
}

#[test]
fn connections_with_and_without_certificate_are_never_mixed() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("127.0.0.1", Demand::MayIdentify), Reply::Answer(ok(b"1")));
    let transport = with(Settings::new().identity(authority.identity()).roots(authority.roots()));
    for with_certificate in [true, false, true, false] {
        let request = if with_certificate { marked(&server.https()) } else { post(&server.https()) };
        transport.send_blocking(request).unwrap();
    }
    let seen = server.finish();
    assert_eq!(counts(&seen), (2, 4)); // each kind has a connection of its own, and keeps it
    let shown: Vec<_> = seen.requests.iter().map(|request| request.subject.is_some()).collect();
    assert_eq!(shown, [true, false, true, false]);
}

#[test]
fn a_missing_identity_is_noticed_before_connecting() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("127.0.0.1", Demand::MayIdentify), Reply::Answer(ok(b"1")));
    let transport = with(Settings::new().roots(authority.roots()));
    let error = transport.send_blocking(marked(&server.https())).unwrap_err();
    assert!(matches!(error, TransportError::NoIdentity), "{error:?}");
    assert_eq!(counts(&server.finish()), (0, 0));
}

#[test]
fn a_server_that_cannot_prove_itself_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for config in [
        stranger.server("127.0.0.1", Demand::Nothing),
        authority.server("other.example", Demand::Nothing),
        authority.server("127.0.0.2", Demand::Nothing),
        authority.expired_server(),
    ] {
        let server = Server::tls(config, Reply::Answer(ok(b"1")));
        let transport = with(Settings::new().identity(authority.identity()).roots(authority.roots()));
        for request in [marked(&server.https()), post(&server.https())] {
            let error = transport.send_blocking(request).unwrap_err();
            assert!(matches!(error, TransportError::Handshake(_)), "{error:?}");
            assert_eq!(error.delivery(), Delivery::NotSent);
        }
        assert_eq!(counts(&server.finish()), (2, 0));
    }
}

#[test]
fn a_private_authority_is_not_believed_by_default() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("127.0.0.1", Demand::Nothing), Reply::Answer(ok(b"1")));
    let error = with(Settings::new()).send_blocking(post(&server.https())).unwrap_err();
    assert!(matches!(error, TransportError::Handshake(_)), "{error:?}");
    assert_eq!(counts(&server.finish()), (1, 0));
}

#[test]
fn a_refused_client_certificate_is_a_proof_in_tls_1_2_only() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (version, proved) in [(&TLS12, true), (&TLS13, false)] {
        let server =
            Server::tls(authority.server_with(Demand::MustIdentify, version), Reply::Answer(ok(b"1")));
        let transport = with(Settings::new().identity(stranger.identity()).roots(authority.roots()));
        for (request, remedy) in [
            (marked(&server.https()), "of this mch_id from the merchant platform"),
            (post(&server.https()), "give it with Settings::identity"),
        ] {
            let error = transport.send_blocking(request).unwrap_err();
            assert_eq!(error.delivery() == Delivery::NotSent, proved, "{error:?}");
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains(remedy), "{cause}");
        }
        assert_eq!(counts(&server.finish()), (2, 0));
    }
}

#[test]
fn a_body_cut_off_inside_tls_is_noticed() {
    let authority = Authority::new();
    for cut_off in ["HTTP/1.1 200 OK\r\n\r\n<xml>", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<xml>"] {
        let reply = Reply::Close(cut_off.as_bytes().to_vec());
        let server = Server::tls(authority.server("127.0.0.1", Demand::Nothing), reply);
        let transport = with(Settings::new().roots(authority.roots()));
        let error = transport.send_blocking(post(&server.https())).unwrap_err();
        assert!(matches!(error, TransportError::Exchange(_)), "{error:?}");
        assert_eq!(error.delivery(), Delivery::MaybeSent);
        assert_eq!(counts(&server.finish()), (1, 1));
    }
}

#[test]
fn a_proxy_sees_the_host_and_no_request() {
    let authority = Authority::new();
    let proxy =
        Server::tunnel(authority.server("pay.example", Demand::MustIdentify), Reply::Answer(ok(b"paid")));
    let transport = with(
        Settings::new()
            .identity(authority.identity())
            .roots(authority.roots())
            .proxy(format!("http://127.0.0.1:{}", proxy.port())),
    );
    let response = transport.send_blocking(marked("https://pay.example/pay")).unwrap();
    assert_eq!(response.body().as_ref(), b"paid");

    let mock = Server::plain(Reply::Answer(ok(b"mock")));
    assert_eq!(transport.send_blocking(post(&mock.http())).unwrap().body().as_ref(), b"mock");
    assert_eq!(counts(&mock.finish()), (1, 1)); // plain http on this machine goes there directly

    let seen = proxy.finish();
    assert_eq!(counts(&seen), (1, 2));
    assert_eq!(seen.requests[0].head, "CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example:443\r\n\r\n");
    assert!(seen.requests[1].head.starts_with("POST /pay HTTP/1.1\r\n")); // inside the tunnel
    assert!(seen.requests[1].subject.as_ref().unwrap().contains(MCH_ID));
}

#[test]
fn a_proxy_that_fails_proves_that_nothing_was_sent() {
    let refusing =
        Server::plain(Reply::Close(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let gone = Server::plain(Reply::Silence);
    let gone_port = gone.port();
    gone.finish();
    for port in [refusing.port(), gone_port] {
        let proxy = format!("http://user:canary@127.0.0.1:{port}");
        let transport = with(Settings::new().proxy(proxy));
        let error = transport.send_blocking(post("https://pay.example/")).unwrap_err();
        assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(!format!("{error:?}").contains("canary"));
    }
    assert_eq!(counts(&refusing.finish()), (1, 1));
}

#[test]
fn a_body_that_ends_with_a_goodbye_is_whole() {
    let authority = Authority::new();
    let reply = Reply::Goodbye(b"HTTP/1.1 200 OK\r\n\r\n<xml></xml>".to_vec());
    let server = Server::tls(authority.server("127.0.0.1", Demand::Nothing), reply);
    let transport = with(Settings::new().roots(authority.roots()));
    let response = transport.send_blocking(post(&server.https())).unwrap();
    assert_eq!(response.body().as_ref(), b"<xml></xml>");
    assert_eq!(counts(&server.finish()), (1, 1));
}

#[test]
fn the_addresses_of_the_settings_replace_those_of_the_name() {
    let authority = Authority::new();
    let config = authority.server("pay.example", Demand::Nothing);
    let server = Server::tls(config, Reply::Answer(ok(b"found")));
    let address = ([127, 0, 0, 1], server.port()).into();
    let settings = Settings::new().roots(authority.roots());
    let transport = with(settings.address("Pay.example", [address]).address("other.example", [address]));
    let response = transport.send_blocking(post("https://pay.example/pay")).unwrap();
    assert_eq!(response.body().as_ref(), b"found");
    // The server must still prove to be the host.
    let error = transport.send_blocking(post("https://other.example/")).unwrap_err();
    assert!(matches!(error, TransportError::Handshake(_)), "{error:?}");
    assert_eq!(counts(&server.finish()), (2, 1));
}

#[test]
fn a_name_that_tls_cannot_check_is_not_connected_to() {
    let server = Server::plain(Reply::Answer(ok(b"1")));
    let name = "under_score-.example"; // a label does not end with a hyphen
    let transport = with(Settings::new().address(name, [([127, 0, 0, 1], server.port()).into()]));
    let error = transport.send_blocking(post(&format!("https://{name}/"))).unwrap_err();
    assert!(matches!(error, TransportError::Resolve(_)), "{error:?}");
    assert_eq!(counts(&server.finish()), (0, 0));
}
