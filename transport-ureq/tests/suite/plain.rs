//! HTTP on raw sockets: what is sent, what comes back, and how often.

use std::net::{Ipv4Addr, TcpListener};

use bytes::Bytes;
use wechatpay_proto::transport::{BlockingTransport, ClientCertificate, Delivery, Fault, TargetError};
use wechatpay_transport_ureq::{BODY_LIMIT, Settings, TransportError, UreqTransport};

use crate::server::{Reply, Seen, Server, answer, ok, post};
use crate::with;

type Outcome = Result<http::Response<Bytes>, TransportError>;

fn transport() -> UreqTransport {
    with(Settings::new())
}

/// Sends one request to a server with this reply.
fn exchange(reply: Reply) -> (Outcome, Seen) {
    let server = Server::plain(reply);
    let outcome = transport().send_blocking(post(&server.http()));
    (outcome, server.finish())
}

fn one_request(seen: &Seen) {
    assert_eq!((seen.connections, seen.requests.len()), (1, 1));
}

#[test]
fn a_request_goes_out_as_it_is() {
    let (outcome, seen) = exchange(Reply::Answer(ok("<xml>好</xml>".as_bytes())));
    let response = outcome.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, "<xml>好</xml>".as_bytes()));
    one_request(&seen);
    let request = &seen.requests[0];
    assert!(request.head.starts_with("POST /pay?a=b HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.body, b"<xml></xml>");
    let mut names: Vec<_> =
        request.head.lines().filter_map(|line| Some(line.split_once(": ")?.0.to_lowercase())).collect();
    names.sort();
    assert_eq!(names, ["content-length", "content-type", "host", "user-agent"]); // and no accept-encoding
    assert!(request.head.contains(concat!("wechatpay-transport-ureq/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_redirect_comes_back_as_it_is() {
    for status in
        ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let (outcome, seen) = exchange(Reply::Answer(answer(status, "Location: /elsewhere\r\n", b"gone")));
        let response = outcome.unwrap();
        assert!(status.starts_with(response.status().as_str()));
        assert_eq!(
            (&response.headers()["location"], response.body().as_ref()),
            (&"/elsewhere".parse().unwrap(), &b"gone"[..])
        );
        one_request(&seen);
    }
}

#[test]
fn settings_among_the_extensions_do_not_count() {
    let server = Server::plain(Reply::Answer(answer("302 Found", "Location: /elsewhere\r\n", b"")));
    let lenient = ureq::Agent::new_with_defaults();
    let request = post(&server.http()).map(|body| body.to_vec());
    let request = lenient.configure_request(request).max_redirects(5).build().map(Bytes::from);
    assert_eq!(transport().send_blocking(request).unwrap().status(), 302);
    one_request(&server.finish());
}

#[test]
fn an_error_status_keeps_its_body() {
    for status in ["400 Bad Request", "404 Not Found", "500 Internal Server Error", "503 Busy"] {
        let (outcome, seen) = exchange(Reply::Answer(answer(status, "", b"why")));
        let response = outcome.unwrap();
        assert!(status.starts_with(response.status().as_str()));
        assert_eq!(response.body().as_ref(), b"why");
        one_request(&seen);
    }
}

#[test]
fn an_interim_response_is_not_the_answer() {
    let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let (outcome, seen) = exchange(Reply::Answer([&interim[..], &ok(b"final")].concat()));
    let response = outcome.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, &b"final"[..]));
    one_request(&seen);
}

#[test]
fn a_broken_exchange_is_an_error_and_is_not_repeated() {
    let large_headers =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(1_000_000));
    for broken in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<xml>",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n<xml>",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<xml>\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n<xml>",
        "\u{1b}]0;title\u{7}",
        &large_headers,
    ] {
        let (outcome, seen) = exchange(Reply::Close(broken.as_bytes().to_vec()));
        let error = outcome.unwrap_err();
        assert!(matches!(error, TransportError::Exchange(_)), "{broken:.60}: {error:?}");
        assert_eq!(error.delivery(), Delivery::MaybeSent);
        assert!(!format!("{error:?}").contains('\u{1b}'));
        one_request(&seen);
    }
}

#[test]
fn a_body_has_a_limit() {
    let chunked = |length: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        [head.as_bytes(), &vec![b'x'; length], b"\r\n0\r\n\r\n"].concat()
    };
    let until_close = |length: usize| [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; length]].concat();
    let with_length = |length: usize| ok(&vec![b'x'; length]);
    for reply in [&chunked as &dyn Fn(usize) -> Vec<u8>, &until_close, &with_length] {
        let (outcome, seen) = exchange(Reply::Close(reply(BODY_LIMIT)));
        assert_eq!(outcome.unwrap().body().len(), BODY_LIMIT);
        one_request(&seen);
        let (outcome, seen) = exchange(Reply::Close(reply(BODY_LIMIT + 1)));
        let error = outcome.unwrap_err();
        assert!(matches!(error, TransportError::BodyTooLarge { limit: BODY_LIMIT }), "{error:?}");
        assert_eq!(error.delivery(), Delivery::MaybeSent);
        one_request(&seen);
    }
}

#[test]
fn a_compressed_body_stays_compressed() {
    // "<xml></xml>" as gzip
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\xa9\xc8\xcd\xb1\xb3\xd1\x07\x91\x00\x50\x36\xd9\xa8\x0b\x00\x00\x00";
    let (outcome, seen) = exchange(Reply::Answer(answer("200 OK", "Content-Encoding: gzip\r\n", gzip)));
    let response = outcome.unwrap();
    assert_eq!(response.body().as_ref(), gzip);
    assert_eq!(response.headers()["content-encoding"], "gzip");
    one_request(&seen);
}

#[test]
fn the_limit_for_bodies_can_be_set() {
    let server = Server::plain(Reply::Answer(ok(b"123456")));
    let transport = |limit| with(Settings::new().body_limit(limit));
    assert_eq!(transport(6).send_blocking(post(&server.http())).unwrap().body().as_ref(), b"123456");
    let error = transport(5).send_blocking(post(&server.http())).unwrap_err();
    assert!(matches!(error, TransportError::BodyTooLarge { limit: 5 }), "{error:?}");
    server.finish();
}

#[test]
fn the_body_says_how_long_it_is() {
    let server = Server::plain(Reply::Answer(ok(b"")));
    let mut request = post(&server.http());
    for (name, value) in
        [("content-length", "99"), ("transfer-encoding", "chunked"), ("expect", "100-continue")]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(transport().send_blocking(request).unwrap().status(), 200);
    let seen = server.finish();
    one_request(&seen);
    assert!(seen.requests[0].head.to_lowercase().contains("content-length: 11\r\n"));
    assert_eq!(seen.requests[0].body, b"<xml></xml>");
}

#[test]
fn a_method_without_body_goes_out_too() {
    let server = Server::plain(Reply::Answer(ok(b"got")));
    let request = http::Request::get(server.http()).body(Bytes::new()).unwrap();
    assert_eq!(transport().send_blocking(request).unwrap().body().as_ref(), b"got");
    let seen = server.finish();
    one_request(&seen);
    assert!(!seen.requests[0].head.to_lowercase().contains("content-length"));
}

#[test]
fn a_refused_connection_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for scheme in ["http", "https"] {
        let error = transport().send_blocking(post(&format!("{scheme}://{address}/"))).unwrap_err();
        assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
}

#[test]
fn an_unknown_name_proves_that_nothing_was_sent() {
    let name = "x".repeat(64); // longer than a label may be, so no name server is asked
    for settings in [Settings::new(), Settings::new().address(format!("{name}.example"), [])] {
        let error = with(settings).send_blocking(post(&format!("https://{name}.example/"))).unwrap_err();
        assert!(matches!(error, TransportError::Resolve(_)), "{error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
}

#[test]
fn a_host_without_addresses_is_not_asked_for() {
    let server = Server::plain(Reply::Answer(ok(b"")));
    let url = format!("http://localhost:{}/", server.port());
    let error = with(Settings::new().address("localhost", [])).send_blocking(post(&url)).unwrap_err();
    assert!(matches!(error, TransportError::Resolve(_)), "{error:?}");
    let seen = server.finish();
    assert_eq!((seen.connections, seen.requests.len()), (0, 0));
}

#[test]
fn a_request_that_cannot_be_written_proves_that_nothing_was_sent() {
    let server = Server::plain(Reply::Answer(ok(b"")));
    let mut request = post(&format!("{}{}", server.http(), "x".repeat(40_000)));
    request.headers_mut().insert("x", "y".parse().unwrap());
    let error = transport().send_blocking(request).unwrap_err();
    assert!(matches!(error, TransportError::NotWritten(_)), "{error:?}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(server.finish().requests.len(), 0);
}

#[test]
fn plain_http_stays_on_this_machine() {
    for url in ["http://192.0.2.1/", "http://api.mch.weixin.qq.com/", "http://127.0.0.1@192.0.2.1/", "/pay"] {
        let error = transport().send_blocking(post(url)).unwrap_err();
        assert!(matches!(error, TransportError::Target(_)), "{url}: {error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
    let error = transport().send_blocking(post("http://192.0.2.1/")).unwrap_err();
    assert!(matches!(error, TransportError::Target(TargetError::Insecure { host }) if host == "192.0.2.1"));
}

#[test]
fn a_mock_on_plain_http_needs_no_certificate() {
    let server = Server::plain(Reply::Answer(ok(b"mock")));
    let mut request = post(&server.http());
    request.extensions_mut().insert(ClientCertificate);
    assert_eq!(transport().send_blocking(request).unwrap().body().as_ref(), b"mock");
    one_request(&server.finish());
}

#[test]
fn plain_http_stays_on_this_machine_whatever_the_addresses_say() {
    let settings = Settings::new().address("localhost", [([192, 0, 2, 1], 80).into()]);
    let error = with(settings).send_blocking(post("http://localhost/")).unwrap_err();
    assert!(matches!(error, TransportError::Resolve(_)), "{error:?}");
    assert_eq!(error.delivery(), Delivery::NotSent);
}
