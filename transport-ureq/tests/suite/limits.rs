//! Each step has its own time, and the whole call has one.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use wechatpay_proto::transport::{BlockingTransport, Delivery, Fault};
use wechatpay_transport_ureq::{Settings, Step, Timeouts, TransportError};

use crate::authority::{Authority, Demand};
use crate::server::{Reply, Seen, Server, ok, post};
use crate::{timeouts, with};

const SHORT: Duration = Duration::from_millis(100);

type Limit = fn(&mut Timeouts);

const TOTAL: Limit = |timeouts| timeouts.total = SHORT;

#[track_caller]
fn assert_ends_in(step: Step, settings: Settings, limit: Limit, request: http::Request<Bytes>) {
    let error = with(settings.timeouts(timeouts(limit))).send_blocking(request).unwrap_err();
    assert!(matches!(error, TransportError::Timeout(at) if at == step), "{step:?}: {error:?}");
    let expected = if step < Step::Write { Delivery::NotSent } else { Delivery::MaybeSent };
    assert_eq!(error.delivery(), expected);
}

fn counts(seen: &Seen) -> (usize, usize) {
    (seen.connections, seen.requests.len())
}

#[test]
fn a_proxy_that_never_answers_ends_with_the_time_to_connect_or_the_total() {
    for limit in [TOTAL, |timeouts| timeouts.connect = SHORT] {
        let proxy = Server::plain(Reply::Silence);
        let settings = Settings::new().proxy(format!("http://127.0.0.1:{}", proxy.port()));
        assert_ends_in(Step::Connect, settings, limit, post("https://pay.example/"));
        assert_eq!(counts(&proxy.finish()), (1, 1)); // the CONNECT
    }
}

#[test]
fn a_handshake_without_end_ends_with_its_time_or_the_total() {
    for limit in [TOTAL, |timeouts| timeouts.tls = SHORT] {
        let server = Server::plain(Reply::Answer(ok(b""))); // waits for the rest of a request that is none
        assert_ends_in(Step::Handshake, Settings::new(), limit, post(&server.https()));
        assert_eq!(counts(&server.finish()), (1, 0));
    }
}

#[test]
fn a_handshake_inside_a_tunnel_has_the_same_time() {
    let proxy = Server::plain(Reply::Answer(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())); // and nobody behind it
    let settings = Settings::new().proxy(format!("http://127.0.0.1:{}", proxy.port()));
    assert_ends_in(Step::Handshake, settings, |t| t.tls = SHORT, post("https://pay.example/"));
    assert_eq!(counts(&proxy.finish()), (1, 1));
}

#[test]
fn a_server_that_does_not_read_ends_with_the_time_to_write_or_the_total() {
    for limit in [TOTAL, |timeouts| timeouts.write = SHORT] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let request = post(&url).map(|_| vec![b'x'; 64 << 20].into()); // more than the system buffers
        assert_ends_in(Step::Write, Settings::new(), limit, request);
    }
}

/// Head and body have one limit together, and a peer that takes a few bytes again and again does not renew it.
#[test]
fn reading_slowly_wins_no_time_to_write() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let reader = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        while stream.read(&mut [0; 8]).is_ok_and(|read| read > 0) {}
    });
    let request = post(&url).map(|_| vec![0; 256 << 20].into());
    let limit: Limit = |timeouts| (timeouts.write, timeouts.response) = (SHORT * 5, SHORT);
    assert_ends_in(Step::Write, Settings::new(), limit, request);
    drop(reader); // it has much to read, and nobody waits for it
}

#[test]
fn silence_ends_with_the_time_for_responses_or_the_total() {
    for limit in [TOTAL, |timeouts| timeouts.response = SHORT] {
        let server = Server::plain(Reply::Silence);
        assert_ends_in(Step::Response, Settings::new(), limit, post(&server.http()));
        assert_eq!(counts(&server.finish()), (1, 1));
    }
}

#[test]
fn half_a_head_ends_with_the_time_for_responses() {
    let server = Server::plain(Reply::Answer(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()));
    assert_ends_in(Step::Response, Settings::new(), |t| t.response = SHORT, post(&server.http()));
    assert_eq!(counts(&server.finish()), (1, 1));
}

#[test]
fn half_a_body_ends_with_the_time_for_bodies_or_the_total() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<xml>";
    for limit in [TOTAL, |timeouts| timeouts.body = SHORT] {
        let server = Server::plain(Reply::Answer(half.to_vec()));
        assert_ends_in(Step::Body, Settings::new(), limit, post(&server.http()));
        assert_eq!(counts(&server.finish()), (1, 1));
    }
}

#[test]
fn the_same_holds_inside_tls() {
    let authority = Authority::new();
    let half = Reply::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<xml>".to_vec());
    let cases: [(Step, Reply, Limit); 3] = [
        (Step::Response, Reply::Silence, |timeouts| timeouts.response = SHORT),
        (Step::Body, half.clone(), |timeouts| timeouts.body = SHORT),
        (Step::Body, half, |timeouts| timeouts.total = SHORT * 5), // the handshake takes time, too
    ];
    for (step, reply, limit) in cases {
        let server = Server::tls(authority.server("127.0.0.1", Demand::Nothing), reply);
        assert_ends_in(step, Settings::new().roots(authority.roots()), limit, post(&server.https()));
        assert_eq!(counts(&server.finish()), (1, 1));
    }
}
