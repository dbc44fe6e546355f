//! The page *what went wrong?*: what stands in its left columns is what this project prints, or what the mock answers, and
//! each of these is made here. Where a text changes, the page has to.

use std::collections::BTreeSet;
use std::fs;

use bytes::Bytes;
use http::Response;
use rustls::AlertDescription::{CertificateRequired, CertificateRevoked, UnknownCA};
use wechatpay_mock_server::{Certificate, Kit, MockMerchant};
use wechatpay_proto::endpoint::Form;
use wechatpay_proto::notice::{NoticeError, Order, PaymentNotice, RefundNotice};
use wechatpay_proto::v2::mmpaymkttransfers::GetHbInfo;
use wechatpay_proto::{ApiKey, Client, Fen, Merchant, ReplyError, SignType};
use wechatpay_transport_ureq::{Cause, Identity, Settings, TransportError, UreqTransport};

use crate::common::{Form as Request, KEY, MCH_ID, SEND, call, call_from, md5, post, shop};

const PAGES: [&str; 2] = [
    include_str!("../../../docs/what-went-wrong.md"),
    include_str!("../../../docs/what-went-wrong.zh-CN.md"),
];

/// What is quoted in the left columns of a page.
fn quoted(page: &str) -> Vec<&str> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let cells = cells.map(|(cell, _)| cell.trim()).filter(|cell| cell.starts_with('`'));
    cells.map(|cell| cell.trim_matches('`')).collect()
}

#[test]
fn what_the_page_quotes_is_what_is_printed() {
    let printed: BTreeSet<String> =
        [identities(), archives(), calls(), causes(), keys(), amounts(), codes(), notices()]
            .concat()
            .into_iter()
            .collect();
    for page in PAGES {
        let quoted = quoted(page);
        let all: BTreeSet<String> = quoted.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(all.len(), quoted.len(), "nothing is told twice");
        assert_eq!(
            all.difference(&printed).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "nothing prints this"
        );
        assert_eq!(
            printed.difference(&all).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "the page has this no more"
        );
    }
}

const FOREIGN_KEY: &[u8] = include_bytes!("../../../transport/tests/identities/ec.key.pem");
/// As the JDK writes it, with line feeds in it.
const ARCHIVE: &[u8] = include_bytes!("../../../transport/tests/identities/java-rsa.p12");

/// The files of a merchant of the mock: certificate, key, p12.
fn files() -> [Vec<u8>; 3] {
    let kit = Kit::create(None).unwrap();
    let files = kit.write_merchant(MCH_ID).unwrap();
    [files.certificate, files.key, files.p12].map(|file| fs::read(file).unwrap())
}

fn identities() -> Vec<String> {
    let [certificate, key, p12] = files();
    let text = String::from_utf8(key.clone()).unwrap();
    let url_encoded = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace('\n', "%0A");
    let fifth_line = text.lines().nth(5).unwrap();
    let (shorter, encrypted) = (text.replace(fifth_line, ""), text.replace("PRIVATE", "ENCRYPTED PRIVATE"));
    let broken: [(&[u8], &[u8]); 9] = [
        (b"", &key),
        (&key, &certificate),
        (&certificate, FOREIGN_KEY),
        (&p12, &key),
        (&certificate, b"/etc/wechatpay/apiclient_key.pem"),
        (&certificate, url_encoded.as_bytes()),
        (&certificate, shorter.as_bytes()),
        (&certificate, &key[..key.len() - 100]),
        (&certificate, encrypted.as_bytes()),
    ];
    broken.map(|(chain, key)| Identity::from_pem(chain, key).unwrap_err().to_string()).into()
}

fn archives() -> Vec<String> {
    let filtered = String::from_utf8_lossy(ARCHIVE).into_owned().into_bytes();
    let line_ends: Vec<u8> = ARCHIVE
        .iter()
        .flat_map(|byte| match byte {
            b'\n' => vec![b'\r', b'\n'],
            byte => vec![*byte],
        })
        .collect();
    let broken: [&[u8]; 4] = [&filtered, &line_ends, b"<html>404 Not Found</html>", b""];
    broken.map(|file| Identity::from_p12(file, MCH_ID).unwrap_err().to_string()).into()
}

/// What the client makes of an answer to a query.
fn refused(status: u16, body: &'static str) -> String {
    let answer =
        move |_| Ok::<_, TransportError>(Response::builder().status(status).body(Bytes::from(body)).unwrap());
    let client = Client::new(merchant(), answer, || Ok::<_, std::io::Error>([7; 16]));
    client.send_blocking(&GetHbInfo { mch_billno: "1", appid: "wx8888888888888888" }).unwrap_err().to_string()
}

fn calls() -> Vec<String> {
    let page = |title: &str| {
        format!("<html>\r\n<head><title>{title}</title></head>\r\n<body></body>\r\n</html>\r\n")
    };
    let page = |title| &*page(title).leak();
    let none = UreqTransport::new(Settings::new()).unwrap();
    let client = Client::new(merchant(), none, || Ok::<_, std::io::Error>([7; 16]));
    let bare = client.send_blocking(&GetHbInfo { mch_billno: "1", appid: "wx8888888888888888" }).unwrap_err();
    vec![
        refused(400, page("400 No required SSL certificate was sent")),
        refused(400, page("400 The SSL certificate error")),
        refused(404, page("404 Not Found")),
        refused(502, page("502 Bad Gateway")),
        refused(200, page("Welcome")),
        refused(200, ""),
        std::error::Error::source(&bare).unwrap().to_string(),
        TransportError::Handshake(Cause::new("reset")).to_string(),
        TransportError::Exchange(Cause::new("reset")).to_string(),
        ReplyError::Correlation { field: "out_trade_no" }.to_string(),
        ReplyError::OtherCall { field: "refund_id" }.to_string(),
        ReplyError::OtherForm { found: Form::Text, expected: Form::Text }.to_string(),
        ReplyError::SignMismatch.to_string(),
    ]
}

/// What lies under a transport's error, where one side does not take the certificate of the other.
fn causes() -> Vec<String> {
    let alerts = [CertificateRequired, UnknownCA, CertificateRevoked].map(rustls::Error::AlertReceived);
    let issuer = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    alerts.into_iter().chain([issuer]).map(|error| Cause::new(error).to_string()).collect()
}

fn keys() -> Vec<String> {
    let around = [("", "\n"), ("\u{feff}", ""), ("\"", "\""), ("", "1")];
    around
        .map(|(before, behind)| ApiKey::new(format!("{before}{KEY}{behind}")).unwrap_err().to_string())
        .into()
}

fn amounts() -> Vec<String> {
    ["1.001", "1e2"].map(|text| Fen::from_yuan(text).unwrap_err().to_string()).into()
}

/// What the mock answers.
fn codes() -> Vec<String> {
    let (mock, merchant) = shop();
    let send = |number: &str| Request::send(&merchant, number);
    let planned =
        |code: &str| call(&merchant, &send(code).with("remark", format!("#mock {code}"))).code().to_owned();
    let sent = call(&merchant, &send("1"));
    sent.assert_success();
    let no_document = Request::send(&merchant, "2").xml().replace("</xml>", "");
    let answers = [
        call_from(&mock, &send("3"), Certificate::None, None),
        call(&merchant, &send("4").keyed("00000000000000000000000000000000")),
        call(&merchant, &send("5").with("total_amount", "10.00")),
        call(&merchant, &send("1")),
        call(&merchant, &Request::query(&merchant, "6")),
        exchange(&merchant, no_document),
    ];
    let mut codes: Vec<String> = answers.iter().map(|answer| answer.code().to_owned()).collect();
    codes.extend(["SYSTEMERROR", "SEND_FAILED", "NOTENOUGH"].map(planned));
    codes.push("CERT_ERROR".to_owned()); // documented for refunds, which the mock does not play
    codes
}

fn exchange(merchant: &MockMerchant, body: String) -> crate::common::Answer {
    use wechatpay_proto::transport::BlockingTransport as _;
    crate::common::Answer::new(merchant.transport().send_blocking(post(SEND, body)).unwrap())
}

fn merchant() -> Merchant {
    Merchant::direct(MCH_ID, ApiKey::new(KEY).unwrap()).unwrap()
}

/// A notice of a payment of 1 yuan, signed.
fn paid() -> String {
    let fields = [
        ("appid", "wx8888888888888888"),
        ("mch_id", MCH_ID),
        ("out_trade_no", "1409811653"),
        ("result_code", "SUCCESS"),
        ("return_code", "SUCCESS"),
        ("total_fee", "100"),
        ("transaction_id", "1004400740201409030005092168"),
    ];
    let joined: String = fields.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    let elements: String = fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!("<xml>{elements}<sign>{}</sign></xml>", md5(&format!("{joined}key={KEY}")))
}

fn notices() -> Vec<String> {
    let (merchant, good) = (merchant().with_sign_type(SignType::Md5), paid());
    let read = |body: &str| PaymentNotice::read(&merchant, body.as_bytes()).unwrap_err().to_string();
    let escaped = good.replace('<', "&lt;").replace('>', "&gt;");
    let long = good.replace("<sign>", "<sign>00000000000000000000000000000000");
    let refund = "<xml><return_code>SUCCESS</return_code><appid>wx8888888888888888</appid><mch_id>10000098</mch_id>\
        <nonce_str>1</nonce_str><req_info>AAAAAAAAAAAAAAAAAAAAAA==</req_info></xml>";
    let other: NoticeError = PaymentNotice::read(&merchant, good.as_bytes())
        .unwrap()
        .is_for(&Order::new("wx8888888888888888", "1409811653", Fen(101)))
        .unwrap_err();
    vec![
        read(&serde_json::to_string(&good).unwrap()),
        read(&escaped),
        read(&good.replace('<', "%3C").replace('>', "%3E")),
        read(""),
        RefundNotice::read(&merchant, good.as_bytes()).unwrap_err().to_string(),
        read(&good.replace("1409811653", "1409811654")),
        read(&long),
        RefundNotice::read(&merchant, refund.as_bytes()).unwrap_err().to_string(),
        other.to_string(),
    ]
}
