//! The proxy for SDKs with a fixed host: CONNECT, and requests in absolute form. It leads to this server only.

use std::io::{Read as _, Write as _};

use crate::common::{Form, MCH_ID, SEND, shop};
use crate::raw::{Settings, client, connect, health, lines, one, request, rest, secure, status, talk};
use crate::tls::own;

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const HOST: &str = "api.mch.weixin.qq.com";

fn head(host: &str) -> String {
    format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n")
}

#[test]
fn a_tunnel_to_a_name_of_wechat_ends_in_this_server() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    for (number, host) in ["api.mch.weixin.qq.com:443", "API2.mch.weixin.qq.com:8443"].into_iter().enumerate()
    {
        let mut stream = connect(server.address());
        stream.write_all(head(host).as_bytes()).unwrap();
        assert_eq!(one(&mut stream), ESTABLISHED);
        let settings = Settings { alpn: &[b"h2", b"http/1.1"], identity: Some(own(&server, MCH_ID)) };
        let mut session = secure(stream, server.kit(), HOST, settings).unwrap();
        assert_eq!(session.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let xml = Form::send(&merchant, &number.to_string()).xml();
        session
            .write_all(request(&format!("POST {SEND}"), "Connection: close\r\n", &xml).as_bytes())
            .unwrap();
        let answer = rest(&mut session);
        assert!(answer.contains("<result_code><![CDATA[SUCCESS]]>"), "{answer}");
    }
    assert_eq!(merchant.balance_fen(), 998_000);
}

#[test]
fn all_of_wechats_hosts_are_answered_for_on_any_port_and_nobody_else() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for host in [
        "api.mch.weixin.qq.com:443",
        "api2.mch.weixin.qq.com:443",
        "fraud.mch.weixin.qq.com:443",
        "payapp.weixin.qq.com:443",
        "payapp.mch.weixin.qq.com:80",
        "api.wechatpay.cn:443",
        "api2.wechatpay.cn:443",
        "payapp.wechatpay.cn:443",
        "fraud.wechatpay.cn:1",
    ] {
        let mut stream = connect(server.address());
        stream.write_all(head(host).as_bytes()).unwrap();
        assert_eq!(one(&mut stream), ESTABLISHED, "{host}");
    }
    let mut stream = connect(server.address());
    for host in [
        "example.com:443",
        "weixin.qq.com:443",
        "pay.weixin.qq.com:443",
        "api.mch.weixin.qq.com.example.com:443",
        "xapi.mch.weixin.qq.com:443",
        "127.0.0.1:22",
        "localhost:443",
        "[::1]:443",
    ] {
        stream.write_all(head(host).as_bytes()).unwrap();
        let answer = one(&mut stream);
        assert_eq!(status(&answer), 403, "{host}");
        assert!(answer.contains("never dials out") && answer.contains(HOST), "{answer}");
    }
    health(server.address());
    assert_eq!(mock.requests(), 0);
}

#[test]
fn what_comes_right_behind_the_head_is_in_the_tunnel() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let post = |billno: &str, headers: &str| {
        request(&format!("POST {SEND}"), headers, &Form::send(&merchant, billno).xml())
    };
    let target = format!("{HOST}:443");

    // Plain, all in one write, with more requests than one.
    let all = talk(server.address(), head(&target) + &post("a", "") + &post("b", "Connection: close\r\n"));
    let tunnelled = all.strip_prefix(ESTABLISHED).unwrap();
    assert_eq!(tunnelled.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{all}");
    assert_eq!(tunnelled.matches("CA_ERROR").count(), 2);

    // TLS, whose first message comes with the head, or is cut by it anywhere.
    for cut in [1, 5, 6, 100, usize::MAX] {
        let settings = Settings { alpn: &[], identity: Some(own(&server, MCH_ID)) };
        let mut tls = client(server.kit(), HOST, settings);
        let mut hello = Vec::new();
        tls.write_tls(&mut hello).unwrap();
        let (first, second) = hello.split_at(cut.min(hello.len()));
        let mut stream = connect(server.address());
        stream.write_all(&[head(&target).as_bytes(), first].concat()).unwrap();
        assert_eq!(one(&mut stream), ESTABLISHED);
        stream.write_all(second).unwrap();
        tls.complete_io(&mut stream).unwrap();
        let mut session = rustls::StreamOwned::new(tls, stream);
        session.write_all(post(&(cut % 1000).to_string(), "Connection: close\r\n").as_bytes()).unwrap();
        assert!(rest(&mut session).contains("<result_code><![CDATA[SUCCESS]]>"), "{cut}");
    }
    assert_eq!(merchant.balance_fen(), 995_000);
}

#[test]
fn a_tunnel_may_follow_other_requests() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let mut stream = connect(server.address());
    let all = [request("GET /nowhere", "", ""), head("example.com:443"), head(&format!("{HOST}:443"))];
    stream
        .write_all((all.concat() + &request("GET /__mock/health", "Connection: close\r\n", "")).as_bytes())
        .unwrap();
    assert_eq!((status(&one(&mut stream)), status(&one(&mut stream))), (404, 403));
    assert_eq!(one(&mut stream), ESTABLISHED);
    assert_eq!(status(&rest(&mut stream)), 200);
}

#[test]
fn there_is_no_tunnel_inside_tls_or_inside_a_tunnel() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let target = head(&format!("{HOST}:443"));
    let (_, mut session) = lines(&server).into_iter().nth(1).unwrap();
    session.write_all(target.as_bytes()).unwrap();
    assert_eq!(status(&one(&mut session)), 405);

    let mut stream = connect(server.address());
    stream.write_all(target.repeat(2).as_bytes()).unwrap();
    assert_eq!(one(&mut stream), ESTABLISHED);
    let answer = one(&mut stream);
    assert_eq!(status(&answer), 405);
    assert!(answer.contains("not inside another tunnel"));
    // The tunnel itself goes on.
    stream.write_all(request("GET /nowhere", "Connection: close\r\n", "").as_bytes()).unwrap();
    assert_eq!(status(&rest(&mut stream)), 404);
}

#[test]
fn a_client_that_leaves_its_tunnel_leaves_nothing_behind() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let mut stream = connect(server.address());
    stream.write_all(head(&format!("{HOST}:443")).as_bytes()).unwrap();
    assert_eq!(one(&mut stream), ESTABLISHED);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    health(server.address());
}

#[test]
fn absolute_forms_are_for_wechats_hosts_and_this_machine() {
    let (mock, merchant) = shop();
    let server = mock.server().host_alias("pay.test").start().unwrap();
    let xml = Form::send(&merchant, "1").xml();
    let ask = |base: &str| {
        talk(server.address(), request(&format!("POST {base}{SEND}"), "Connection: close\r\n", &xml))
    };
    for ours in [
        "http://api.mch.weixin.qq.com",
        "http://api2.mch.weixin.qq.com:8080",
        "http://API.wechatpay.cn",
        "http://localhost",
        "http://127.0.0.1:1",
        "http://[::1]",
        "http://host.docker.internal",
        "http://pay.test",
        "https://api.mch.weixin.qq.com",
    ] {
        assert!(ask(ours).contains("CA_ERROR"), "{ours}");
    }
    let requests = mock.requests();
    for theirs in
        ["http://example.com", "http://user@example.com", "http://10.0.0.1", "http://localhost.example.com"]
    {
        let answer = ask(theirs);
        assert_eq!(status(&answer), 403, "{theirs}");
        assert!(answer.contains("never dials out"), "{answer}");
    }
    assert_eq!(mock.requests(), requests);
}

#[test]
fn a_port_for_https_only_opens_tunnels_for_tls() {
    let (mock, _) = shop();
    let server = mock.server().https_only().start().unwrap();
    let target = head(&format!("{HOST}:443"));
    let mut stream = connect(server.address());
    stream.write_all(target.as_bytes()).unwrap();
    assert_eq!(one(&mut stream), ESTABLISHED);
    let mut session = secure(stream, server.kit(), HOST, Settings::default()).unwrap();
    session.write_all(request("GET /nowhere", "Connection: close\r\n", "").as_bytes()).unwrap();
    assert_eq!(status(&rest(&mut session)), 404);
    let plain = talk(server.address(), target + &request("GET /nowhere", "Connection: close\r\n", ""));
    assert_eq!(status(plain.strip_prefix(ESTABLISHED).unwrap()), 400);
}
