//! The suite that every transport has to pass.

use wechatpay_mock_server::conformance::{self, Setup};
use wechatpay_mock_server::{Mock, Validity};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_transport_ureq::{Identity, Roots, Settings, Timeouts, UreqTransport};

fn build(setup: &Setup) -> UreqTransport {
    build_on(Settings::new(), setup)
}

fn build_on(settings: Settings, setup: &Setup) -> UreqTransport {
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
    UreqTransport::new(settings).unwrap()
}

#[test]
fn on_the_wire() {
    conformance::wire(build);
}

#[test]
fn on_the_wire_with_a_fresh_connection_for_each_call() {
    let fresh = Settings::new().idle_connections(0);
    conformance::Wire::new().without_reuse().run(|setup| build_on(fresh.clone(), setup));
}

#[test]
fn with_money() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id("10000098").create().unwrap();
    let server = mock.serve().unwrap();
    let (certificate, key) = server.kit().merchant_pem("10000098", Validity::Current).unwrap();
    let settings = Settings::new()
        .identity(Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap())
        .roots(Roots::from_pem(server.kit().ca_pem().as_bytes()).unwrap());
    let base = BaseUrl::parse(&server.https_url()).unwrap();
    conformance::payments(&mock, &merchant, &base, &UreqTransport::new(settings).unwrap());
}
