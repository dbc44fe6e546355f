//! Every fault of the catalogue over a bare socket: the bytes that the engine decided on, no more and no less, and the
//! end that it wants. The engine of a twin says what to expect.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rustls::{ClientConnection, StreamOwned};
use wechatpay_mock_server::{
    Arrival, Certificate, Effect, End, Fault, FaultRule, Mock, MockMerchant, Server, TlsFlaw, Via, catalogue,
};

use crate::common::{Form, MCH_ID, SEND, shop};
use crate::raw::{Settings, admin, connect, health, request, rest, secure, status, talk};
use crate::tls::own;

const NAME: &str = "localhost";

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn open(server: &Server, via: Via) -> Self {
        let stream = connect(server.address());
        if via == Via::Plain {
            return Self::Plain(stream);
        }
        let settings = Settings { alpn: &[], identity: Some(own(server, MCH_ID)) };
        Self::Tls(Box::new(secure(stream, server.kit(), NAME, settings).unwrap()))
    }

    fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).unwrap(),
            Self::Tls(stream) => stream.write_all(bytes).unwrap(),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) {
        match self {
            Self::Plain(stream) => stream.read_exact(bytes).unwrap(),
            Self::Tls(stream) => stream.read_exact(bytes).unwrap(),
        }
    }

    /// All that comes, and the error behind it.
    fn rest(&mut self) -> (Vec<u8>, Option<ErrorKind>) {
        let mut all = Vec::new();
        let end = match self {
            Self::Plain(stream) => stream.read_to_end(&mut all),
            Self::Tls(stream) => stream.read_to_end(&mut all),
        };
        (all, end.err().map(|error| error.kind()))
    }

    fn leave(&mut self) {
        match self {
            Self::Plain(stream) => stream.shutdown(Shutdown::Write).unwrap(),
            Self::Tls(stream) => stream.sock.shutdown(Shutdown::Write).unwrap(),
        }
    }
}

fn post(xml: &str) -> String {
    request(&format!("POST {SEND}"), "Connection: close\r\n", xml)
}

/// What the engine decides on for a request that comes this way.
fn decide(mock: &Mock, via: Via, xml: &str) -> Effect {
    let certificate = if via == Via::Plain { Certificate::None } else { Certificate::of(MCH_ID) };
    let peer = Some(IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut arrival = Arrival::with(certificate);
    (arrival.peer, arrival.via) = (peer, via);
    let request = Request::post(SEND).header("host", "127.0.0.1").header("connection", "close");
    mock.handle(&request.body(Bytes::from(xml.to_owned())).unwrap(), &arrival).effect
}

fn twins(rule: &FaultRule) -> [(Mock, MockMerchant); 2] {
    [(); 2].map(|()| {
        let (mock, merchant) = shop();
        mock.arm(rule.clone()).unwrap();
        (mock, merchant)
    })
}

fn assert_reply(answer: &[u8], expected: &Response<Bytes>, what: &str) {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a whole head");
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    assert_eq!(status(head), expected.status().as_u16(), "{what}");
    for (name, value) in expected.headers() {
        let line = format!("\r\n{name}: {}", value.to_str().unwrap());
        assert!(head.to_lowercase().contains(&line.to_lowercase()), "{what}: {line} in {head}");
    }
    assert!(answer[end + 4..] == expected.body()[..], "{what}");
}

#[test]
fn every_fault_of_an_answer_comes_over_the_socket_as_the_engine_decided() {
    let of_requests =
        |rule: &FaultRule| !matches!(rule.then, Fault::Refuse | Fault::Silence | Fault::Tls { .. });
    for rule in catalogue().into_iter().flat_map(|entry| entry.examples).filter(of_requests) {
        for via in [Via::Plain, Via::Tls] {
            let what = format!("{via:?} {:?}", rule.then);
            let [(mock, merchant), (twin, _)] = twins(&rule);
            let server = mock.server().max_delay(Duration::ZERO).start().unwrap();
            let xml = Form::send(&merchant, "1").xml();
            let mut stream = Stream::open(&server, via);
            stream.write(post(&xml).as_bytes());
            match decide(&twin, via, &xml) {
                Effect::Reply(expected) => assert_reply(&stream.rest().0, &expected, &what),
                Effect::Wire { pieces, end, .. } => {
                    let expected: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
                    assert_end(&mut stream, via, &expected, end, &what);
                }
            }
            assert_eq!(mock.ledger(), twin.ledger(), "{what}");
            health(server.address());
        }
    }
}

fn assert_end(stream: &mut Stream, via: Via, expected: &[u8], end: End, what: &str) {
    if end == End::Hang {
        let mut got = vec![0; expected.len()];
        stream.read(&mut got);
        assert!(got == expected, "{what}");
        stream.leave();
        assert_eq!(stream.rest().0, b"", "{what}");
        return;
    }
    let (got, error) = stream.rest();
    match end {
        End::Reset => {
            assert!(expected.starts_with(&got), "{what}");
            assert_eq!(error, Some(ErrorKind::ConnectionReset), "{what}");
        }
        _ => {
            assert!(got == expected, "{what}: {} of {}", got.len(), expected.len());
            let cut = (end == End::Truncate && via == Via::Tls).then_some(ErrorKind::UnexpectedEof);
            assert_eq!(error, cut, "{what}");
        }
    }
}

#[test]
fn whoever_shuts_the_door_leaves_the_admin_api_open_over_plain_http() {
    for fault in [Fault::refuse(), Fault::silence()] {
        let (mock, merchant) = shop();
        let id = mock.arm(FaultRule::new(fault.clone())).unwrap();
        let server = mock.serve().unwrap();
        let post = post(&Form::send(&merchant, "1").xml());
        let mut stream = Stream::open(&server, Via::Plain);
        stream.write(post.as_bytes());
        let end = if fault == Fault::Refuse { End::Reset } else { End::Hang };
        assert_end(&mut stream, Via::Plain, b"", end, "plain");
        assert_eq!(admin(server.address(), "GET /__mock/health").0, 200);
        if fault == Fault::Refuse {
            let stream = connect(server.address());
            let error = secure(stream, server.kit(), NAME, Settings::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        assert_eq!(mock.requests(), 0);
        assert!(mock.disarm(id));
        assert!(talk(server.address(), post).contains("CA_ERROR"));
    }
}

#[test]
fn a_flawed_handshake_is_for_one_name_where_the_rule_says_so() {
    let (mock, _) = shop();
    let rule = FaultRule::new(Fault::tls(TlsFlaw::Alert)).server_name("api.mch.weixin.qq.com");
    mock.arm(rule).unwrap();
    let server = mock.serve().unwrap();
    let shake = |name| secure(connect(server.address()), server.kit(), name, Settings::default());
    let error = shake("api.mch.weixin.qq.com").unwrap_err();
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
    let mut session = shake("api2.mch.weixin.qq.com").unwrap();
    session.write_all(post("").as_bytes()).unwrap();
    assert_eq!(status(&rest(&mut session)), 200);
}
