//! Plain sockets: ways of writing HTTP, ways of breaking it, and the life of a server.

use std::io::{Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use wechatpay_mock_server::{MAX_REQUEST, ServeError};

use crate::common::{Form, SEND, call, shop};
use crate::raw::{
    self, LIMIT, admin, body, connect, health, lines, one, request, rest, secure, status, talk,
};

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
    for (kind, mut stream) in lines(&server) {
        let (before, asked) = (mock.requests(), server.connections().asked);
        for _ in 0..3 {
            stream.write_all(request(&first_line(), "", &xml).as_bytes()).unwrap();
            assert!(one(&mut stream).contains(NO_CERTIFICATE), "{kind}");
        }
        let pipeline = [
            request(&first_line(), "", &xml),
            request("GET /nowhere", "", ""),
            request("GET /__mock/health", "", ""),
            request(&first_line(), LAST, &xml),
        ];
        stream.write_all(pipeline.concat().as_bytes()).unwrap();
        assert!(one(&mut stream).contains(NO_CERTIFICATE), "{kind}");
        assert_eq!(status(&one(&mut stream)), 404, "{kind}");
        assert!(one(&mut stream).contains(&format!("\"requests\":{}", before + 5)), "{kind}");
        assert!(rest(&mut stream).contains(NO_CERTIFICATE), "{kind}");
        assert_eq!(server.connections().asked, asked + 7, "{kind}");
    }
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
        for (kind, mut stream) in lines(&server) {
            stream.write_all(bytes.as_bytes()).unwrap();
            let answer = rest(&mut stream);
            assert_eq!(status(&answer), 200, "{kind}, {what}: {answer}");
            assert!(answer.contains(NO_CERTIFICATE), "{kind}, {what}: {answer}");
        }
    }
}

#[test]
fn a_client_of_http_1_0_that_asks_for_it_keeps_its_connection() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for (kind, mut stream) in lines(&server) {
        for _ in 0..2 {
            stream.write_all(b"GET /nowhere HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
            let answer = one(&mut stream);
            assert!(
                answer.starts_with("HTTP/1.0 404 ") && answer.contains("connection: keep-alive"),
                "{kind}"
            );
        }
        stream.write_all(b"GET /nowhere HTTP/1.0\r\n\r\n").unwrap();
        assert!(rest(&mut stream).starts_with("HTTP/1.0 404 "), "{kind}");
    }
}

#[test]
fn a_body_may_come_byte_by_byte_or_only_after_it_was_asked_for() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let xml = Form::send(&merchant, "1").xml();
    for (kind, mut stream) in lines(&server) {
        for byte in request(&first_line(), "", &xml).as_bytes() {
            stream.write_all(&[*byte]).unwrap();
        }
        assert!(one(&mut stream).contains(NO_CERTIFICATE), "{kind}");

        let whole = request(&first_line(), &format!("Expect: 100-continue\r\n{LAST}"), &xml);
        let (head, body) = whole.split_at(whole.len() - xml.len());
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(one(&mut stream), "HTTP/1.1 100 Continue\r\n\r\n", "{kind}");
        stream.write_all(body.as_bytes()).unwrap();
        assert!(rest(&mut stream).contains(NO_CERTIFICATE), "{kind}");
    }
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

/// How many connections this process may have besides those of other tests; each takes two handles.
fn room() -> usize {
    let limit = Command::new("sh")
        .args(["-c", "ulimit -n"])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse::<usize>().ok());
    (limit.unwrap_or(256).saturating_sub(200) / 2).min(1_000)
}

#[test]
fn a_thousand_clients_that_hang_do_not_keep_others_out() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let hanging: Vec<_> =
        [&b""[..], b"\x16\x03\x01", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"]
            .into_iter()
            .cycle()
            .take(room())
            .map(|bytes| {
                let mut stream = connect(server.address());
                stream.write_all(bytes).unwrap();
                stream
            })
            .collect();
    health(server.address());
    let answer = talk(server.address(), request(&first_line(), LAST, &Form::send(&merchant, "1").xml()));
    assert!(answer.contains(NO_CERTIFICATE));
    assert_eq!(server.connections().accepted, hanging.len() + 2);
}

/// The same nonsense in every run.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = next() % 600;
    (0..length).map(|_| next().to_le_bytes()[3]).collect()
}

#[test]
fn random_bytes_never_take_the_port_down() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let openings =
        ["", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\n", "\x16\x03\x01\x02"];
    for seed in 0..200 {
        let bytes = [openings[seed % 4].as_bytes(), &noise(seed as u64)].concat();
        let mut plain = connect(server.address());
        let _ = plain.write_all(&bytes);
        let _ = plain.shutdown(Shutdown::Write);
        // Some of it may be a POST to nowhere; nothing of it is served.
        let answer = all(&mut plain);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{seed}");
        let (_, mut stream) = lines(&server).into_iter().nth(1).unwrap();
        let _ = stream.write_all(&bytes);
        let _ = stream.write_all(b"\r\n\r\n");
        drop(stream);
    }
    health(server.address());
    let ledger = mock.ledger();
    assert_eq!((mock.merchants().len(), ledger), (1, shop().0.ledger()));
}

fn all(stream: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

#[test]
fn a_server_stops_under_load() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let (address, xml) = (server.address(), Form::send(&merchant, "1").xml());
    let (answered, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let Ok(mut stream) = TcpStream::connect(address) else { return };
                stream.set_read_timeout(Some(LIMIT)).unwrap();
                let mut bytes = [0; 4096];
                // Until the server cuts the connection.
                while stream.write_all(request(&first_line(), "", &xml).as_bytes()).is_ok()
                    && stream.read(&mut bytes).is_ok_and(|length| length > 0)
                {
                    let _ = answered.send(());
                }
            });
        }
        for _ in 0..100 {
            answers.recv_timeout(LIMIT).unwrap();
        }
        server.stop();
        assert!(TcpStream::connect(address).is_err());
    });
}

#[test]
fn a_port_for_one_scheme_says_so_to_the_other() {
    let (mock, merchant) = shop();
    let xml = Form::send(&merchant, "1").xml();
    let secured = mock.server().https_only().start().unwrap();
    for line in [first_line(), "GET /__mock/health".to_owned()] {
        let answer = talk(secured.address(), request(&line, LAST, &xml));
        assert_eq!(status(&answer), 400);
        assert!(answer.contains("This port takes HTTPS only"), "{answer}");
    }
    let session = || secure(connect(secured.address()), secured.kit(), "localhost", raw::Settings::default());
    let mut stream = session().unwrap();
    stream.write_all(request("GET /__mock/health", LAST, "").as_bytes()).unwrap();
    assert_eq!(status(&rest(&mut stream)), 200);
    assert_eq!(mock.requests(), 0);

    let plain = mock.server().http_only().start().unwrap();
    health(plain.address());
    assert!(talk(plain.address(), request(&first_line(), LAST, &xml)).contains(NO_CERTIFICATE));
    let error =
        secure(connect(plain.address()), plain.kit(), "localhost", raw::Settings::default()).unwrap_err();
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
}

#[test]
fn clients_are_sent_to_the_scheme_that_the_port_takes() {
    let (mock, _) = shop();
    let both = mock.serve().unwrap();
    let plain = mock.server().http_only().start().unwrap();
    for (server, url) in [(&both, both.https_url()), (&plain, plain.http_url())] {
        let variables = std::fs::read_to_string(server.kit().dir().join(".env")).unwrap();
        assert!(variables.contains(&format!("WECHATPAY_MOCK_URL={url}\n")), "{variables}");
    }
}

#[test]
fn without_the_admin_api_there_is_nothing_at_its_paths() {
    let (mock, merchant) = shop();
    let server = mock.server().admin(false).start().unwrap();
    for line in ["GET /__mock/health", "POST /__mock/redpackets/10000098/1/claim", "GET /__mock"] {
        let (status, answer) = admin(server.address(), line);
        assert_eq!((status, &answer["error"]["code"]), (404, &"admin_off".into()), "{line}");
    }
    let answer = talk(server.address(), request(&first_line(), LAST, &Form::send(&merchant, "1").xml()));
    assert!(answer.contains(NO_CERTIFICATE));
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
    // In an async test too, where a runtime may not be dropped.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async { mock.server().listen(address).start().unwrap_err() });
    assert!(matches!(error, ServeError::Bind { .. }));
    let elsewhere = mock.server().listen("127.0.0.2:0".parse().unwrap()).start();
    // Not every system has more than one loopback address.
    if let Ok(server) = elsewhere {
        health(server.address());
    }
}

#[test]
fn a_server_that_is_exposed_wants_its_token_for_all_but_its_health() {
    let (mock, merchant) = shop();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let token = "0123456789abcdef";
    let error = mock.server().expose("0123456789abcde").start().unwrap_err();
    assert!(matches!(error, ServeError::AdminToken { .. }));
    assert_eq!(error.to_string(), "the admin token must be 16 visible ASCII characters or more, and has 15");
    let builder = mock.server().listen("0.0.0.0:0".parse().unwrap()).expose(token);
    assert!(!format!("{builder:?}").contains(token));
    let server = builder.start().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    let ask = |line: &str, headers: &str| {
        let answer = talk(
            address,
            format!("{line} HTTP/1.1\r\nHost: mock.test\r\nX-Mock-Admin: 1\r\n{headers}{LAST}\r\n"),
        );
        (status(&answer), answer)
    };
    assert_eq!(ask("GET /__mock/health", "").0, 200);
    let packet = "GET /__mock/redpackets/10000098/1";
    let claim = "POST /__mock/redpackets/10000098/1/claim";
    for wrong in
        ["", "Authorization: Bearer 0123456789abcdeF\r\n", "Authorization: Basic 0123456789abcdef\r\n"]
    {
        for line in [packet, claim, "POST /__mock/health", "GET /__mock", "GET /__mock/health/"] {
            let (status, answer) = ask(line, wrong);
            assert_eq!(status, 401, "{line} {wrong}");
            assert!(answer.contains("www-authenticate: Bearer") && answer.contains("token_missing"));
            assert!(!answer.contains(token));
        }
    }
    let right = format!("Authorization: Bearer {token}\r\n");
    assert_eq!((ask(packet, &right).0, ask(claim, &right).0), (200, 200));
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

/// Half a head on every place there is, and more of them at the door: whoever brings a whole one is served at once.
#[test]
fn half_heads_shut_nobody_out() {
    let (mock, merchant) = shop();
    let server = mock.server().max_connections(8).start().unwrap();
    let half = || {
        let mut stream = connect(server.address());
        stream.write_all(b"POST /mmpaymkttransfers/sendredpack HTTP/1.1\r\nHost: ").unwrap();
        stream
    };
    let mut halves: Vec<_> = (0..21).map(|_| half()).collect();
    assert_eq!(health(server.address())["status"], "ok");
    assert_eq!(admin(server.address(), "GET /__mock/rules").0, 200);
    let xml = Form::send(&merchant, "1").xml();
    let answer = talk(server.address(), request(&first_line(), LAST, &xml));
    assert!(answer.contains(NO_CERTIFICATE), "{answer}");
    // Those that were waited for longest gave up their places, the last ones did not.
    let mut first = halves.remove(0);
    let mut bytes = [0; 1];
    assert!(matches!(first.read(&mut bytes), Ok(0) | Err(_)));
    let mut last = halves.pop().unwrap();
    last.write_all(b"a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(&mut last).contains("XML_ERROR"));
    assert!(server.connections().open <= 8);
}

/// Half a handshake and half a body are as good as half a head; a call that waits for an answer keeps its place.
#[test]
fn whoever_waits_for_an_answer_keeps_its_place() {
    let (mock, merchant) = shop();
    let server = mock.server().max_connections(4).start().unwrap();
    let mut waits = connect(server.address());
    let wait = request("GET /__mock/requests/wait?timeout_ms=60000", LAST, "");
    waits.write_all(wait.as_bytes()).unwrap();
    while server.connections().asked < 1 {
        thread::yield_now();
    }
    let half = |text: &[u8]| {
        let mut stream = connect(server.address());
        stream.write_all(text).unwrap();
        stream
    };
    let hello = || half(&[0x16, 3, 1, 0, 200, 1]);
    let body =
        || half(format!("POST {SEND} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf").as_bytes());
    let mut halves: Vec<_> = (0..5).flat_map(|_| [hello(), body()]).collect();
    assert_eq!(health(server.address())["requests"], 0);
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    assert!(rest(&mut waits).contains("req_000001"));
    // The place was taken, and did not become free because the time for a body was over: that would have been told.
    let mut told = Vec::new();
    drop(halves[1].read_to_end(&mut told));
    assert!(told.is_empty(), "{told:?}");
}
