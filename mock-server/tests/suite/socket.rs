//! Plain sockets: ways of writing HTTP, ways of breaking it, and the life of a server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};

use wechatpay_mock_server::{MAX_REQUEST, ServeError};

use crate::common::{Form, SEND, call, shop};
use crate::raw::{admin, body, connect, health, one, request, rest, status, talk};

/// Without a certificate every good request ends here, which shows that its fields were read.
const NO_CERTIFICATE: &str = "CA_ERROR";
const LAST: &str = "Connection: close\r\n";

fn first_line() -> String {
    format!("POST {SEND}")
}

#[test]
fn plain_http_shows_no_certificate() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let xml = Form::send(&merchant, "1").xml();
    let answer = talk(server.address(), request(&first_line(), LAST, &xml));
    assert_eq!(status(&answer), 200);
    assert!(body(&answer).contains("证书出错，请登录微信支付商户平台下载证书"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nx-mock-request-id: req_000001\r\n"), "{answer}");
    assert!(merchant.red_packet("1").is_none());
}

#[test]
fn a_connection_serves_many_requests_one_after_the_other_or_all_at_once() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let xml = Form::send(&merchant, "1").xml();
    let mut stream = connect(server.address());
    for _ in 0..3 {
        stream.write_all(request(&first_line(), "", &xml).as_bytes()).unwrap();
        assert!(one(&mut stream).contains(NO_CERTIFICATE));
    }
    let pipeline = [
        request(&first_line(), "", &xml),
        request("GET /nowhere", "", ""),
        request("GET /__mock/health", "", ""),
        request(&first_line(), LAST, &xml),
    ];
    stream.write_all(pipeline.concat().as_bytes()).unwrap();
    assert!(one(&mut stream).contains(NO_CERTIFICATE));
    assert_eq!(status(&one(&mut stream)), 404);
    assert!(one(&mut stream).contains("\"requests\":5"));
    assert!(rest(&mut stream).contains(NO_CERTIFICATE));
}

#[test]
fn a_request_may_be_written_in_any_legal_way() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let xml = Form::send(&merchant, "1").xml();
    let chunks: String =
        xml.split_inclusive('>').map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
    let absolute = format!("POST http://{}{SEND}", server.address());
    let ways = [
        (
            "chunked",
            format!(
                "{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{LAST}\r\n{chunks}0\r\n\r\n",
                first_line()
            ),
        ),
        ("absolute form", request(&absolute, LAST, &xml)),
        ("a query string", request(&format!("{}?a=b", first_line()), LAST, &xml)),
        ("HTTP/1.0", format!("{} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{xml}", first_line(), xml.len())),
        (
            "a content type of its own",
            request(&first_line(), &format!("Content-Type: application/json\r\n{LAST}"), &xml),
        ),
        ("lines of header in any case", request(&first_line(), "cOnNeCtIoN: ClOsE\r\n", &xml)),
    ];
    for (what, bytes) in ways {
        let answer = talk(server.address(), bytes);
        assert_eq!(status(&answer), 200, "{what}: {answer}");
        assert!(answer.contains(NO_CERTIFICATE), "{what}: {answer}");
    }
}

#[test]
fn a_body_may_come_byte_by_byte_or_only_after_it_was_asked_for() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let xml = Form::send(&merchant, "1").xml();
    let mut stream = connect(server.address());
    stream.set_nodelay(true).unwrap();
    for byte in request(&first_line(), "", &xml).as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    assert!(one(&mut stream).contains(NO_CERTIFICATE));

    let whole = request(&first_line(), &format!("Expect: 100-continue\r\n{LAST}"), &xml);
    let (head, body) = whole.split_at(whole.len() - xml.len());
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(one(&mut stream), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    assert!(rest(&mut stream).contains(NO_CERTIFICATE));
}

#[test]
fn a_mebibyte_is_read_and_a_byte_more_is_not() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let of = |length: usize| talk(server.address(), request(&first_line(), LAST, &" ".repeat(length)));
    assert!(of(MAX_REQUEST).contains("XML_ERROR"));
    let answer = of(MAX_REQUEST + 1);
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("<center>nginx</center>"));
    mock.set_rule(None, "large-body", "xml-error").unwrap();
    let answer = of(MAX_REQUEST + 1);
    assert!(status(&answer) == 200 && answer.contains("XML_ERROR"), "{answer}");
    health(server.address());
}

#[test]
fn nonsense_on_the_port_harms_nobody_else() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let (long_head, hello) =
        ("x".repeat(256 * 1024), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    let nonsense: [(&str, Vec<u8>); 12] = [
        ("nothing", Vec::new()),
        ("half a TLS hello", hello.clone()),
        ("a TLS record of zeros", [&hello[..3], &[0; 600]].concat()),
        ("a TLS record that is too long", b"\x16\x03\x01\xff\xff".repeat(200)),
        ("SSL 2", b"\x80\x2e\x01\x00\x02".to_vec()),
        ("binary", (0..=255).collect()),
        ("no HTTP", b"HELO localhost\r\n\r\n".to_vec()),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("half a head", b"POST / HTTP/1.1\r\nHost: a".to_vec()),
        ("half a body", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".to_vec()),
        ("a bad chunk", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        ("a bad length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in nonsense {
        let mut stream = connect(server.address());
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{what}");
        health(server.address());
    }
    let answer =
        talk(server.address(), request("GET /__mock/health", &format!("X-Long: {long_head}\r\n"), ""));
    assert!(answer.is_empty() || status(&answer) == 431, "{answer}");
    drop(TcpStream::connect(server.address()).unwrap());
    health(server.address());
}

#[test]
fn clients_that_hang_do_not_keep_others_out() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let hanging: Vec<_> =
        [&b""[..], b"\x16\x03\x01", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"]
            .into_iter()
            .cycle()
            .take(100)
            .map(|bytes| {
                let mut stream = connect(server.address());
                stream.write_all(bytes).unwrap();
                stream
            })
            .collect();
    health(server.address());
    let answer = talk(server.address(), request(&first_line(), LAST, &Form::send(&merchant, "1").xml()));
    assert!(answer.contains(NO_CERTIFICATE));
    drop(hanging);
}

#[test]
fn dropping_a_server_ends_its_connections_and_frees_its_port() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let (address, kit) = (server.address(), server.kit().dir().to_owned());
    let mut idle = connect(address);
    idle.write_all(request("GET /nowhere", "", "").as_bytes()).unwrap();
    one(&mut idle);
    let mut hello = connect(address);
    hello.write_all(b"\x16\x03\x01").unwrap();
    assert!(kit.join("ca.pem").exists());
    drop(server);
    assert_eq!((rest(&mut idle), rest(&mut hello)), (String::new(), String::new()));
    assert!(TcpStream::connect(address).is_err());
    assert!(!kit.exists());
    // The world goes on without it, and with another one on the same port.
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let again = mock.server().listen(address).start().unwrap();
    assert_eq!(health(again.address())["requests"], 2);
}

#[test]
fn a_server_listens_on_free_loopback_addresses_only() {
    let (mock, _) = shop();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "8.8.8.8:443"] {
        let refused = mock.server().listen(address.parse().unwrap()).start();
        assert!(matches!(refused, Err(ServeError::NotLoopback { .. })), "{address}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = mock.server().listen(address).start().unwrap_err();
    assert!(matches!(error, ServeError::Bind { address: at, .. } if at == address));
    let elsewhere = mock.server().listen("127.0.0.2:0".parse().unwrap()).start();
    // Not every system has more than one loopback address.
    if let Ok(server) = elsewhere {
        health(server.address());
    }
}

#[test]
fn two_servers_of_one_mock_share_its_world() {
    let (mock, merchant) = shop();
    let servers = [mock.serve().unwrap(), mock.serve().unwrap()];
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    for server in &servers {
        let (status, packet) = admin(server.address(), "GET /__mock/redpackets/10000098/1");
        assert_eq!((status, &packet["status"]), (200, &"SENT".into()));
    }
}
