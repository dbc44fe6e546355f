//! With the feature `tracing`: what a real call leaves in the log. Alone in its process, because there is one logger
//! of the facade `log`, to which ureq writes.
#![cfg(feature = "tracing")]

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wechatpay_mock_server::{Mock, Validity};
use wechatpay_proto::Client;
use wechatpay_proto::Fen;
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport, os_random};

/// Writes down everything at every level, whoever says it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

/// What ureq and rustls say, down to the level debug. At trace ureq prints whole answers, as the documentation says.
static FACADE: Facade = Facade(Mutex::new(String::new()));

struct Facade(Mutex<String>);

impl log::Log for Facade {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        writeln!(self.0.lock().unwrap(), "{} {}", record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

const RECEIVER: &str = "oxTWIuGaIt6gTKsQRLau2M0yL16E";

fn packet<'a>(mch_billno: &'a str, wxappid: &'a str) -> SendRedPack<'a> {
    SendRedPack {
        mch_billno,
        wxappid,
        send_name: "天虹百货",
        re_openid: RECEIVER,
        total_amount: Fen(100),
        wishing: "祝您元宵节快乐！",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "快来抢！",
        options: SendRedPackOptions::default(),
    }
}

#[test]
fn a_call_is_told_and_its_secrets_are_not() {
    log::set_logger(&FACADE).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id("10000098").create().unwrap();
    let server = mock.serve().unwrap();
    let (certificate, key) = server.kit().merchant_pem("10000098", Validity::Current).unwrap();
    let settings = Settings::new()
        .identity(Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap())
        .roots(Roots::from_pem(server.kit().ca_pem().as_bytes()).unwrap());
    let client = Client::new(merchant.credentials(), UreqTransport::new(settings).unwrap(), os_random);
    let events = Log::default();
    tracing::subscriber::with_default(events.clone(), || {
        let packet = packet("CANARYNUMBER", merchant.appid());
        let there = client.clone().with_base(BaseUrl::parse(&server.https_url()).unwrap());
        assert!(there.send_blocking(&packet).unwrap().outcome().is_accepted());
        let nobody = client.with_base(BaseUrl::parse("https://127.0.0.1:1").unwrap());
        nobody.send_blocking(&packet).unwrap_err();
    });
    let (events, facade) = (events.0.lock().unwrap(), FACADE.0.lock().unwrap());
    for wanted in [
        r#"method="POST""#,
        r#"host="127.0.0.1""#,
        r#"path="/mmpaymkttransfers/sendredpack""#,
        "status=200",
        "request_bytes=",
        "response_bytes=",
        "micros=",
        "delivery=NotSent",
    ] {
        assert!(events.contains(wanted), "{wanted}: {events}");
    }
    assert!(facade.contains("POST"), "ureq writes to the facade: {facade}");
    for told in [&events, &facade] {
        // The order and its answer, the key, the receiver, and the text that both carry.
        for secret in ["CANARYNUMBER", merchant.key(), RECEIVER, "天虹百货", "<xml>", "PRIVATE"] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }
    }
}
