//! The suite for transports: what it says of good ones, and that it notices bad ones.

use std::io;
use std::panic::catch_unwind;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_mock_server::conformance::{self, Setup, Wire};
use wechatpay_mock_server::{Arrival, Certificate, Mock, Standing};
use wechatpay_proto::transport::{BaseUrl, BlockingTransport, ClientCertificate, Delivery, Fault};

use crate::common::shop;

type Answer<E> = Result<Response<Bytes>, E>;

#[test]
fn the_in_process_transport_pays() {
    let (mock, merchant) = shop();
    let report = conformance::payments(&mock, &merchant, &BaseUrl::default(), &merchant.transport());
    assert_eq!(report.skipped().count(), 0);
    let ids: Vec<_> = report.ids().collect();
    assert_eq!(
        ids,
        ["pay", "pay-again", "query", "certificate", "same-answer", "threads", "wrong-sign", "nowhere"]
    );
    assert!(report.to_string().starts_with("8 cases held\n  pay: "), "{report}");
    // It can be run again in the same world.
    conformance::payments(&mock, &merchant, &BaseUrl::default(), &merchant.transport());
}

#[test]
fn a_closure_around_the_engine_pays() {
    let (mock, merchant) = shop();
    let closure = |request: Request<Bytes>| Answer::<io::Error>::Ok(handle(&mock, &request));
    conformance::payments(&mock, &merchant, &BaseUrl::backup(), &closure);
}

#[test]
fn over_plain_http_nothing_is_paid() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let base = BaseUrl::parse(&server.http_url()).unwrap();
    let arrival = Arrival::with(Certificate::None);
    let closure =
        |request: Request<Bytes>| Answer::<io::Error>::Ok(mock.handle(&request, &arrival).seen().unwrap());
    let report = conformance::payments(&mock, &merchant, &base, &closure);
    assert_eq!(report.ids().collect::<Vec<_>>(), ["wrong-sign", "nowhere"]);
    assert_eq!(report.skipped().count(), 6);
}

#[test]
fn a_transport_that_sends_twice_is_noticed() {
    let (mock, merchant) = shop();
    let twice = |request: Request<Bytes>| {
        handle(&mock, &request);
        Answer::<io::Error>::Ok(handle(&mock, &request))
    };
    let problems = panic_of(|| drop(conformance::payments(&mock, &merchant, &BaseUrl::default(), &twice)));
    assert!(problems.contains("requests that the mock got: 2 instead of 1"), "{problems}");
}

#[test]
fn a_transport_that_always_shows_the_certificate_is_noticed() {
    let (mock, merchant) = shop();
    let marking = |mut request: Request<Bytes>| {
        request.extensions_mut().insert(ClientCertificate);
        Answer::<io::Error>::Ok(handle(&mock, &request))
    };
    let problems = panic_of(|| drop(conformance::payments(&mock, &merchant, &BaseUrl::default(), &marking)));
    assert!(problems.starts_with("1 of 8 cases failed:\n  certificate: "), "{problems}");
}

/// What comes of each case with a transport that does not send anything and says that it did, or that it did not.
#[test]
fn transports_that_send_nothing_hold_only_where_nothing_is_to_be_sent() {
    // Those wait for their server for a while, where the first call came to what it must.
    let slow =
        ["interim-101", "reuse-after-error", "silence-then-next", "surplus-too-long", "length-and-chunks"];
    let wire = || slow.iter().fold(Wire::new(), |wire, id| wire.skip(*id));
    let answering = |_: Request<Bytes>| Answer::<Never>::Ok(Response::new(Bytes::new()));
    let problems = panic_of(|| drop(wire().run(|_: &Setup| answering)));
    let (failed, all) = counts(&problems);
    assert_eq!(failed, all, "{problems}");

    let failing = |delivery| move |_: Request<Bytes>| Answer::Err(Never(delivery));
    for delivery in [Delivery::NotSent, Delivery::MaybeSent] {
        let problems = panic_of(|| drop(wire().run(|_: &Setup| failing(delivery))));
        let (failed, all) = counts(&problems);
        assert!(failed > 100 && failed <= all, "{problems}");
        let held = !problems.contains("  target-host:");
        assert_eq!(held, delivery == Delivery::NotSent, "{problems}");
    }
}

#[test]
fn a_panic_of_a_transport_is_a_failure_like_others() {
    let problems = panic_of(|| {
        drop(
            Wire::new().only("reuse").run(|_: &Setup| |_: Request<Bytes>| -> Answer<Never> { panic!("oh") }),
        );
    });
    assert_eq!(problems.matches("a panic: oh").count(), 6, "{problems}");
}

#[test]
fn names_of_no_case_are_refused() {
    let run = |wire: Wire| {
        panic_of(|| drop(wire.run(|_: &Setup| |_: Request<Bytes>| Answer::Err(Never(Delivery::NotSent)))))
    };
    assert_eq!(run(Wire::new().skip("redirect-399")), "there is no case \"redirect-399\"");
    assert_eq!(run(Wire::new().only("nothing")), "no case starts with \"nothing\"");
}

#[test]
fn a_setup_hides_its_key() {
    let problems = panic_of(|| {
        drop(Wire::new().only("certificate-shown").run(|setup: &Setup| -> Silent {
            let key = &setup.identity.as_ref().unwrap().key_pem;
            let secret = key.lines().nth(1).unwrap();
            assert!(key.starts_with("-----BEGIN PRIVATE KEY-----") && !format!("{setup:?}").contains(secret));
            panic!("looked at");
        }));
    });
    assert!(problems.contains("looked at"), "{problems}");
}

/// A transport that is never made.
struct Silent;

impl BlockingTransport for Silent {
    type Error = Never;

    fn send_blocking(&self, _: Request<Bytes>) -> Answer<Never> {
        Err(Never(Delivery::NotSent))
    }
}

#[derive(Debug)]
struct Never(Delivery);

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl std::error::Error for Never {}

impl Fault for Never {
    fn delivery(&self) -> Delivery {
        self.0
    }
}

/// As a socket would bring it, with the certificate of the only merchant.
fn handle(mock: &Mock, request: &Request<Bytes>) -> Response<Bytes> {
    let certificate = match request.extensions().get::<ClientCertificate>() {
        Some(ClientCertificate) => Certificate::Merchant {
            mch_id: mock.merchants()[0].mch_id().to_owned(),
            standing: Standing::InForce,
        },
        None => Certificate::None,
    };
    mock.handle(request, &Arrival::with(certificate)).seen().unwrap()
}

fn panic_of(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    *catch_unwind(run).unwrap_err().downcast::<String>().unwrap()
}

/// `failed` and `all` of a text that begins with "`failed` of `all` cases failed".
fn counts(problems: &str) -> (usize, usize) {
    let mut words = problems.split(' ');
    let failed = words.next().unwrap().parse().unwrap();
    (failed, words.nth(1).unwrap().parse().unwrap())
}
