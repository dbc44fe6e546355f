//! What the constructor refuses, and what a call is judged by before anything is opened.

use std::time::Duration;

use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair};
use wechatpay_proto::failover::{Failover, Thresholds};
use wechatpay_proto::transport::{BaseUrl, ClientCertificate, Delivery, Fault, TargetError};
use wechatpay_transport::{
    BuildError, Cause, Identity, Lane, Prepared, Settings, Step, Timeouts, TransportError, os_random,
};

fn identity() -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
}

fn request(url: &str, marked: bool) -> http::Request<Bytes> {
    let mut request = http::Request::post(url).body(Bytes::from_static(b"<xml/>")).unwrap();
    if marked {
        request.extensions_mut().insert(ClientCertificate);
    }
    request
}

fn lane(prepared: &Prepared, url: &str, marked: bool) -> Result<Lane, TransportError> {
    prepared.begin(&mut request(url, marked)).map(|call| call.lane())
}

#[test]
fn the_types_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Identity>();
    check::<Settings>();
    check::<Prepared>();
    check::<TransportError>();
    check::<BuildError>();
}

#[test]
fn a_time_limit_is_above_zero_and_at_most_a_day() {
    type Set = fn(&mut Timeouts, Duration);
    let fields: [(&str, Set); 6] = [
        ("connect", |timeouts, value| timeouts.connect = value),
        ("tls", |timeouts, value| timeouts.tls = value),
        ("write", |timeouts, value| timeouts.write = value),
        ("response", |timeouts, value| timeouts.response = value),
        ("body", |timeouts, value| timeouts.body = value),
        ("total", |timeouts, value| timeouts.total = value),
    ];
    const DAY: Duration = Duration::from_secs(86_400);
    for (field, set) in fields {
        for (value, good) in [
            (Duration::ZERO, false),
            (Duration::from_nanos(1), true),
            (DAY, true),
            (DAY + Duration::from_nanos(1), false),
            (Duration::MAX, false),
        ] {
            let mut timeouts = Timeouts::default();
            set(&mut timeouts, value);
            match Settings::new().timeouts(timeouts).prepare() {
                Ok(prepared) => assert!(good && prepared.timeouts() == &timeouts, "{field} {value:?}"),
                Err(BuildError::Timeout { name, value: refused }) => {
                    assert_eq!((good, name, refused), (false, field, value));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

#[test]
fn a_body_limit_is_above_zero() {
    assert!(matches!(Settings::new().body_limit(0).prepare(), Err(BuildError::BodyLimit)));
    assert_eq!(Settings::new().body_limit(1).prepare().unwrap().body_limit(), 1);
    assert_eq!(Settings::new().prepare().unwrap().body_limit(), 65_536);
}

#[test]
fn a_proxy_is_for_https_only_and_its_password_stays_inside() {
    assert!(matches!(Settings::new().proxy("socks5://127.0.0.1:1").prepare(), Err(BuildError::Proxy)));
    let settings = Settings::new().proxy("http://user:canary@127.0.0.1:3128");
    assert!(!format!("{settings:?}").contains("canary"));
    let prepared = settings.prepare().unwrap();
    assert!(!format!("{prepared:?}").contains("canary"));
    assert!(prepared.proxy(Lane::Loopback).is_none());
    for lane in [Lane::Anonymous, Lane::Merchant] {
        assert_eq!(prepared.proxy(lane).unwrap().port(), 3128);
    }
}

#[test]
fn a_call_goes_over_its_own_lane() {
    let prepared = Settings::new().identity(identity()).prepare().unwrap();
    for (url, marked, expected) in [
        ("https://api.mch.weixin.qq.com/pay", true, Lane::Merchant),
        ("https://api.mch.weixin.qq.com/pay", false, Lane::Anonymous),
        ("http://127.0.0.1:1/pay", true, Lane::Loopback),
        ("http://127.0.0.1:1/pay", false, Lane::Loopback),
    ] {
        assert_eq!(lane(&prepared, url, marked).unwrap(), expected);
    }
    assert!(prepared.tls(Lane::Loopback).is_none());
    for lane in [Lane::Anonymous, Lane::Merchant] {
        assert_eq!(prepared.tls(lane).unwrap().alpn_protocols, [b"http/1.1"]);
    }
    assert!(prepared.tls(Lane::Merchant).is_some() && prepared.tls(Lane::Anonymous).is_some());
}

#[test]
fn what_may_not_go_is_stopped_before_anything_is_opened() {
    let prepared = Settings::new().prepare().unwrap();
    let error = lane(&prepared, "https://api.mch.weixin.qq.com/pay", true).unwrap_err();
    assert!(matches!(error, TransportError::NoIdentity), "{error:?}");
    for (url, why) in [
        ("http://192.0.2.1/", TargetError::Insecure { host: "192.0.2.1".to_owned() }),
        ("http://127.0.0.1@192.0.2.1/", TargetError::Host),
        ("/pay", TargetError::Host),
        ("ftp://127.0.0.1/", TargetError::Scheme),
    ] {
        let error = lane(&prepared, url, false).unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(matches!(error, TransportError::Target(found) if found == why), "{url}");
    }
}

#[test]
fn nothing_contradicts_the_url_and_the_body() {
    let prepared = Settings::new().identity(identity()).prepare().unwrap();
    let mut request = request("https://api.mch.weixin.qq.com/pay", true);
    request.extensions_mut().insert("a setting of some library");
    for name in ["host", "content-length", "transfer-encoding", "expect", "content-type"] {
        request.headers_mut().append(name, http::HeaderValue::from_static("7"));
    }
    assert_eq!(prepared.begin(&mut request).unwrap().lane(), Lane::Merchant);
    assert_eq!(request.headers().keys().collect::<Vec<_>>(), ["content-type"]);
    assert!(request.extensions().is_empty());
}

#[test]
fn an_address_is_found_whatever_its_case() {
    let address = ([127, 0, 0, 1], 1).into();
    let prepared =
        Settings::new().address("API.example", [address]).address("none.example", []).prepare().unwrap();
    assert_eq!(prepared.addresses("api.EXAMPLE"), Some(&[address][..]));
    assert_eq!(prepared.addresses("none.example"), Some(&[][..]));
    assert_eq!(prepared.addresses("other.example"), None);
}

#[test]
fn only_fit_addresses_are_tried() {
    let prepared = Settings::new().prepare().unwrap();
    let (here, there) = (([127, 0, 0, 1], 1).into(), ([192, 0, 2, 1], 1).into());
    let usable = |lane, found: &[_]| prepared.usable(lane, "localhost", found.iter().copied());
    assert_eq!(usable(Lane::Loopback, &[here]).unwrap(), [here]);
    assert_eq!(usable(Lane::Merchant, &[there, here]).unwrap(), [there, here]);
    assert_eq!(usable(Lane::Anonymous, &[there; 17]).unwrap().len(), 16);
    assert!(matches!(usable(Lane::Merchant, &[]), Err(TransportError::Resolve(_))));
    let insecure = TargetError::Insecure { host: "localhost".to_owned() };
    assert!(
        matches!(usable(Lane::Loopback, &[here, there]), Err(TransportError::Target(error)) if error == insecure)
    );
}

/// Where a call goes, and how it ends.
fn call(prepared: &Prepared, url: &str, end: impl FnOnce() -> Option<TransportError>) -> String {
    let mut request = request(url, false);
    let call = prepared.begin(&mut request).unwrap();
    let outcome = match end() {
        Some(error) => Err(error),
        None => Ok(http::Response::new(Bytes::new())),
    };
    let failed = outcome.is_err();
    assert_eq!(call.end(outcome).is_err(), failed);
    request.uri().to_string()
}

#[test]
fn the_host_changes_between_calls_and_the_rest_of_the_request_does_not() {
    const PRIMARY: &str = "https://api.mch.weixin.qq.com/mmpaymkttransfers/sendredpack?a=b";
    const BACKUP: &str = "https://api2.mch.weixin.qq.com/mmpaymkttransfers/sendredpack?a=b";
    let prepared = Settings::new().failover(Failover::default()).prepare().unwrap();
    let timeout = || Some(TransportError::Timeout(Step::Connect));
    let other = || Some(TransportError::Exchange(Cause::new("reset")));
    for _ in 0..10 {
        assert_eq!(call(&prepared, PRIMARY, other), PRIMARY, "what is not about the host changes nothing");
    }
    for _ in 0..3 {
        assert_eq!(call(&prepared, PRIMARY, timeout), PRIMARY);
    }
    assert_eq!(call(&prepared, PRIMARY, || None), BACKUP);
    assert_eq!(call(&prepared, BACKUP, || None), BACKUP);
    let fraud = "https://fraud.mch.weixin.qq.com/risk/getpublickey";
    assert_eq!(call(&prepared, fraud, || None), fraud, "other hosts have no backup");
    let port = "https://api.mch.weixin.qq.com:8443/";
    assert_eq!(call(&prepared, port, || None), port);
}

#[test]
fn the_primary_comes_back_with_time() {
    let thresholds =
        Thresholds { connect_timeouts: 1, stay: Duration::from_nanos(1), ..Thresholds::default() };
    let failover = Failover::new(BaseUrl::default(), BaseUrl::backup(), thresholds);
    let prepared = Settings::new().failover(failover).prepare().unwrap();
    let url = "https://api.mch.weixin.qq.com/pay";
    call(&prepared, url, || Some(TransportError::Timeout(Step::Connect)));
    assert_ne!(call(&prepared, url, || None), url);
    let back = (0..1_000_000).any(|_| call(&prepared, url, || None) == url);
    assert!(back, "the clock stands still");
}

#[test]
fn without_failover_no_host_changes() {
    let prepared = Settings::new().prepare().unwrap();
    let url = "https://api.mch.weixin.qq.com/pay";
    for _ in 0..10 {
        assert_eq!(call(&prepared, url, || Some(TransportError::Timeout(Step::Resolve))), url);
    }
}

#[test]
fn a_call_that_is_dropped_has_no_say() {
    let thresholds = Thresholds { connect_timeouts: 1, ..Thresholds::default() };
    let base = |url| BaseUrl::parse(url).unwrap();
    let failover = Failover::new(base("https://a.example"), base("http://127.0.0.1:1"), thresholds);
    let prepared = Settings::new().failover(failover).prepare().unwrap();
    let mut first = request("https://a.example/", false);
    drop(prepared.begin(&mut first).unwrap());
    assert_eq!(lane(&prepared, "https://a.example/", false).unwrap(), Lane::Anonymous);
    let error = TransportError::Timeout(Step::Handshake);
    assert!(prepared.begin(&mut first).unwrap().end(Err(error)).is_err());
    // The lane is that of the host that is used.
    assert_eq!(lane(&prepared, "https://a.example/", false).unwrap(), Lane::Loopback);
}

#[test]
fn randomness_differs() {
    assert_ne!(os_random().unwrap(), os_random().unwrap());
}
