//! The end of a transport: nobody is cut off, and nobody comes in.

use std::sync::Arc;
use std::thread;

use rustls::version::{TLS12, TLS13};
use wechatpay_proto::transport::{BlockingTransport, Delivery, Fault};
use wechatpay_transport_ureq::{Settings, TransportError};

use crate::authority::{Authority, Demand};
use crate::server::{Hold, Reply, Server, ok, post};
use crate::with;

#[test]
fn a_call_in_flight_ends_normally_and_later_ones_are_refused() {
    let hold = Arc::new(Hold::default());
    let server = Server::plain(Reply::Held(Arc::clone(&hold), ok(b"paid")));
    let gone = Server::plain(Reply::Silence);
    let nobody = gone.http();
    gone.finish();
    let transport = with(Settings::new());
    thread::scope(|scope| {
        let call = scope.spawn(|| transport.send_blocking(post(&server.http())));
        hold.arrived();
        let clone = transport.clone();
        let shutting = scope.spawn(move || clone.shutdown());
        let refused = loop {
            match transport.send_blocking(post(&nobody)).unwrap_err() {
                TransportError::Connect(_) => thread::yield_now(), // not yet
                error => break error,
            }
        };
        assert!(matches!(refused, TransportError::ShutDown), "{refused:?}");
        assert_eq!(refused.delivery(), Delivery::NotSent);
        assert!(!shutting.is_finished());
        hold.release();
        assert_eq!(call.join().unwrap().unwrap().body().as_ref(), b"paid");
        shutting.join().unwrap();
    });
    transport.shutdown(); // again, which changes nothing
    let seen = server.finish();
    assert_eq!((seen.connections, seen.requests.len()), (1, 1));
}

#[test]
fn idle_connections_end_with_a_goodbye() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let config = authority.server_with(Demand::Nothing, version);
        let server = Server::tls(config, Reply::Answer(ok(b"")));
        let transport = with(Settings::new().roots(authority.roots()));
        transport.send_blocking(post(&server.https())).unwrap();
        transport.shutdown();
        assert_eq!(server.finish().goodbyes, 1);
        let error = transport.send_blocking(post("https://127.0.0.1:1/")).unwrap_err();
        assert!(matches!(error, TransportError::ShutDown), "{error:?}");
    }
}
