//! The suite that every transport has to pass, on both kinds of runtime.

use std::error::Error;

use bytes::Bytes;
use wechatpay_mock_server::conformance::{self, Setup};
use wechatpay_proto::transport::{BlockingTransport, Transport};
use wechatpay_transport_hyper::{HyperTransport, Identity, Roots, Settings, Timeouts, TransportError};

use crate::world::World;

/// Blocks on a runtime of its own.
fn blocking(
    transport: HyperTransport,
    mut runtime: tokio::runtime::Builder,
) -> impl BlockingTransport<Error = TransportError> + Sync {
    let runtime = runtime.enable_all().build().unwrap();
    move |request: http::Request<Bytes>| runtime.block_on(transport.send(request))
}

fn build(setup: &Setup) -> HyperTransport {
    build_on(Settings::new(), setup)
}

fn build_on(settings: Settings, setup: &Setup) -> HyperTransport {
    let conformance::Limits { connect, tls, write, response, body, total, .. } = setup.limits;
    let mut settings = settings
        .roots(Roots::from_pem(setup.ca_pem.as_bytes()).unwrap())
        .timeouts(Timeouts { connect, tls, write, response, body, total })
        .body_limit(setup.body_limit);
    for (host, address) in &setup.addresses {
        settings = settings.address(host, [*address]);
    }
    if let Some(identity) = &setup.identity {
        let identity = Identity::from_pem(identity.certificate_pem.as_bytes(), identity.key_pem.as_bytes());
        settings = settings.identity(identity.unwrap());
    }
    HyperTransport::new(settings).unwrap()
}

#[test]
fn on_the_wire_with_a_runtime_of_one_thread() {
    conformance::wire(|setup| blocking(build(setup), tokio::runtime::Builder::new_current_thread()));
}

#[test]
fn on_the_wire_with_a_runtime_of_several_threads() {
    conformance::wire(|setup| blocking(build(setup), tokio::runtime::Builder::new_multi_thread()));
}

#[test]
fn on_the_wire_with_a_fresh_connection_for_each_call() {
    let fresh = Settings::new().idle_connections(0);
    conformance::Wire::new()
        .without_reuse()
        .run(|setup| blocking(build_on(fresh.clone(), setup), tokio::runtime::Builder::new_current_thread()));
}

#[test]
fn with_money() {
    let world = World::new();
    let transport = blocking(world.transport(), tokio::runtime::Builder::new_multi_thread());
    conformance::payments(&world.mock, &world.merchant, &world.base(), &transport);
}

/// What a server that refuses the certificate, or misses it, says and means, in both versions of TLS.
#[test]
fn a_refused_certificate_tells_cause_and_remedy() {
    for (case, remedy) in [
        ("certificate-refused", "take the one of this mch_id from the merchant platform"),
        ("certificate-required", "give it with Settings::identity"),
    ] {
        let causes = std::sync::Mutex::new(Vec::new());
        conformance::Wire::new().only(case).run(|setup| {
            let send = blocking(build(setup), tokio::runtime::Builder::new_current_thread());
            let causes = &causes;
            move |request: http::Request<Bytes>| {
                let sent = send.send_blocking(request);
                let cause = sent.as_ref().err().and_then(|error| Some(error.source()?.to_string()));
                causes.lock().unwrap().extend(cause);
                sent
            }
        });
        let causes = causes.into_inner().unwrap();
        assert!(causes.len() == 2 && causes.iter().all(|cause| cause.contains(remedy)), "{causes:#?}");
    }
}
