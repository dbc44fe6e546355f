//! Which connection serves again, and which never does.

use std::sync::Barrier;
use std::thread;

use rustls::version::{TLS12, TLS13};
use wechatpay_proto::transport::BlockingTransport;
use wechatpay_transport_ureq::Settings;

use crate::authority::{Authority, Demand};
use crate::server::{Cut, Reply, Server, answer, ok, post};
use crate::with;

#[test]
fn a_connection_serves_again_unless_fresh_ones_are_wanted() {
    for (idle, connections) in [(64, 1), (1, 1), (0, 3)] {
        let server = Server::plain(Reply::Answer(ok(b"1")));
        let transport = with(Settings::new().idle_connections(idle));
        for clone in [transport.clone(), transport.clone(), transport] {
            clone.send_blocking(post(&server.http())).unwrap();
        }
        let seen = server.finish();
        assert_eq!((seen.connections, seen.requests.len()), (connections, 3));
    }
}

#[test]
fn as_many_threads_open_as_many_connections() {
    const THREADS: usize = 16; // more than ureq keeps by itself
    const CALLS: usize = 25;
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let config = authority.server_with(Demand::Nothing, version);
        let server = Server::tls(config, Reply::Answer(ok(b"<xml></xml>")));
        let transport = with(Settings::new().roots(authority.roots()).idle_connections(THREADS));
        let rounds = Barrier::new(THREADS); // between two of them every connection is idle
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..CALLS {
                        rounds.wait();
                        transport.send_blocking(post(&server.https())).unwrap();
                    }
                });
            }
        });
        let seen = server.finish();
        assert_eq!(seen.requests.len(), THREADS * CALLS);
        assert!(seen.connections <= THREADS, "{}", seen.connections);
    }
}

/// The second answer to the first request must not become the answer to the second request.
#[test]
fn a_second_answer_is_never_taken() {
    let authority = Authority::new();
    let config = || authority.server("127.0.0.1", Demand::Nothing);
    for (length, cut) in [(10, Cut::All), (10, Cut::Half), (50_000, Cut::All), (50_000, Cut::Half)] {
        let reply = || Reply::Twice(ok(b"first"), ok(&vec![b'x'; length]), cut);
        for (server, encrypted) in [(Server::plain(reply()), false), (Server::tls(config(), reply()), true)] {
            let transport = with(Settings::new().roots(authority.roots()));
            let url = if encrypted { server.https() } else { server.http() };
            for _ in 0..3 {
                assert_eq!(transport.send_blocking(post(&url)).unwrap().body().as_ref(), b"first");
            }
            let seen = server.finish();
            assert_eq!((seen.connections, seen.requests.len()), (3, 3), "{length} {encrypted}");
        }
    }
}

#[test]
fn a_connection_that_the_server_ends_is_not_used_again() {
    let authority = Authority::new();
    for reply in [Reply::Goodbye(ok(b"1")), Reply::Answer(answer("200 OK", "Connection: close\r\n", b""))] {
        for version in [&TLS12, &TLS13] {
            let server = Server::tls(authority.server_with(Demand::Nothing, version), reply.clone());
            let transport = with(Settings::new().roots(authority.roots()));
            for _ in 0..3 {
                transport.send_blocking(post(&server.https())).unwrap();
            }
            let seen = server.finish();
            assert_eq!((seen.connections, seen.requests.len()), (3, 3));
        }
    }
}
