//! What the events tell, and what they never tell.
#![cfg(feature = "tracing")]

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wechatpay_proto::failover::Failover;
use wechatpay_proto::transport::ClientCertificate;
use wechatpay_transport::{Cause, Prepared, Settings, Step, TransportError};

/// Writes down every event of every level, a line each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        panic!("there are no spans: {span:?}")
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "micros" => self.0.push_str(" micros"), // only that it is there
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

/// The events of what is done inside.
fn events(inside: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), inside);
    std::mem::take(&mut log.0.lock().unwrap())
}

const URL: &str = "https://api.mch.weixin.qq.com/pay?q=canary-query";

fn request(url: &str) -> http::Request<Bytes> {
    let body = "<xml><sign>canary-body</sign></xml>";
    http::Request::post(url)
        .header("authorization", "canary-header")
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

fn response(status: u16, request_id: &str) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("request-id", http::HeaderValue::from_bytes(request_id.as_bytes()).unwrap())
        .header("set-cookie", "canary-response-header")
        .body(Bytes::from_static(b"canary-response"))
        .unwrap()
}

fn prepared() -> Prepared {
    Settings::new().proxy("http://user:canary-password@127.0.0.1:3128").prepare().unwrap()
}

fn call(url: &str, outcome: Result<http::Response<Bytes>, TransportError>) -> Vec<String> {
    events(|| {
        let prepared = prepared();
        let call = prepared.begin(&mut request(url)).unwrap();
        let _ = call.end(outcome);
    })
}

const CALL: &str = r#"method="POST" host="api.mch.weixin.qq.com" path="/pay" request_bytes=35"#;

#[test]
fn an_answer_is_told_with_its_sizes_and_its_request_id() {
    for status in [200, 302, 500] {
        let lines = call(URL, Ok(response(status, "08F0-a_b.c:1")));
        assert_eq!(
            lines,
            [format!(
                "DEBUG wechatpay_transport message=answered method=\"POST\" host=\"api.mch.weixin.qq.com\" \
                 path=\"/pay\" status={status} request_bytes=35 response_bytes=15 micros request_id=\"08F0-a_b.c:1\""
            )]
        );
    }
}

#[test]
fn each_failure_is_told_without_its_cause() {
    let cause = || Cause::new("canary-cause\u{1b}[2J");
    for (error, delivery) in [
        (TransportError::ShutDown, "NotSent"),
        (TransportError::Resolve(cause()), "NotSent"),
        (TransportError::Connect(cause()), "NotSent"),
        (TransportError::Handshake(cause()), "NotSent"),
        (TransportError::NotWritten(cause()), "NotSent"),
        (TransportError::Timeout(Step::Connect), "NotSent"),
        (TransportError::Timeout(Step::Body), "MaybeSent"),
        (TransportError::Exchange(cause()), "MaybeSent"),
        (TransportError::BodyTooLarge { limit: 65_536 }, "MaybeSent"),
    ] {
        let text = error.to_string();
        let lines = call(URL, Err(error));
        let expected =
            format!("WARN wechatpay_transport message=failed {CALL} micros delivery={delivery} error={text}");
        assert_eq!(lines, [expected]);
    }
}

#[test]
fn what_is_refused_before_anything_is_opened_is_told_too() {
    let lines = events(|| {
        let mut unarmed = request(URL);
        unarmed.extensions_mut().insert(ClientCertificate);
        assert!(prepared().begin(&mut unarmed).is_err());
        assert!(prepared().begin(&mut request("http://canary-user:canary@192.0.2.1/pay?canary")).is_err());
        assert!(prepared().begin(&mut request("/pay?canary")).is_err());
    });
    assert_eq!(lines.len(), 3);
    let begins = format!("WARN wechatpay_transport message=failed {CALL} micros delivery=NotSent error=");
    assert!(lines[0].starts_with(&begins), "{lines:?}");
    assert!(lines[1].contains(r#"host="192.0.2.1" path="/pay""#), "{lines:?}");
    assert!(lines[2].contains(r#"method="POST" path="/pay""#), "{lines:?}");
    assert!(!lines.concat().contains("canary"), "{lines:?}");
}

#[test]
fn a_call_that_is_dropped_is_told() {
    let lines = events(|| drop(prepared().begin(&mut request(URL)).unwrap()));
    let text = "dropped before its end, which leaves the outcome unknown";
    assert_eq!(lines, [format!("WARN wechatpay_transport message={text} {CALL} micros")]);
}

#[test]
fn the_host_is_the_one_that_is_used() {
    let lines = events(|| {
        let prepared = Settings::new().failover(Failover::default()).prepare().unwrap();
        for _ in 0..4 {
            let call = prepared.begin(&mut request(URL)).unwrap();
            let _ = call.end(Err(TransportError::Timeout(Step::Connect)));
        }
    });
    assert!(lines[2].contains(r#"host="api.mch.weixin.qq.com""#), "{lines:?}");
    assert!(lines[3].contains(r#"host="api2.mch.weixin.qq.com""#), "{lines:?}");
}

#[test]
fn a_request_id_that_is_none_is_left_out() {
    let long = "canary".repeat(2000);
    for impossible in ["canary\u{1b}[2J", "canary\r\nx: y", "canary\0"] {
        assert!(http::HeaderValue::try_from(impossible).is_err());
    }
    for hostile in ["canary id", "canary\u{e9}", "canary\tid", "\"canary\"", &long, &long[..65]] {
        let lines = call(URL, Ok(response(200, hostile)));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("response_bytes=15 micros"), "{lines:?}");
    }
    let lines = call(URL, Ok(http::Response::new(Bytes::new())));
    assert!(lines[0].ends_with("response_bytes=0 micros"), "{lines:?}");
    let lines = call(URL, Ok(response(200, &long[..64])));
    assert!(lines[0].ends_with(&format!("request_id=\"{}\"", &long[..64])), "{lines:?}");
}

#[test]
fn nothing_else_is_told() {
    let mut shown = String::new();
    let lines = events(|| {
        let prepared = prepared();
        write!(shown, "{prepared:?}").unwrap();
        let begin = || prepared.begin(&mut request(URL)).unwrap();
        write!(shown, "{:?}", begin()).unwrap(); // the call itself has the URI as well
        let _ = begin().end(Ok(response(200, "1")));
        let _ = begin().end(Err(TransportError::Exchange(Cause::new("canary-cause"))));
    });
    assert_eq!(lines.len(), 3, "{lines:?}");
    let all = lines.concat();
    assert!(!all.contains("canary") && !shown.contains("canary"), "{all} {shown}");
    assert!(!all.contains("<xml>") && !all.contains('?') && !all.contains("3128"), "{all}");
}
