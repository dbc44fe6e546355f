//! What the front end gets, against a naive signer.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::jsapi::{AppPayment, ChooseWxPay, RequestPayment, SendBizRedPacket};
use wechatpay_proto::rule::Violation;
use wechatpay_proto::v2::mmpaymkttransfers::SendMiniProgramHbReply;
use wechatpay_proto::{Nonce, RequestError};

const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";
const TIME: u64 = 1_490_840_662;

fn nonce() -> Nonce {
    Nonce::from_text(NONCE).unwrap()
}

fn taken(package: &str) -> SendMiniProgramHbReply<'static> {
    accept(&MINI, document(&with(&SENT, "package", package))).unwrap()
}

/// What encodeURIComponent does to all text but `!*'()`, which it leaves bare and no package holds.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn value<'f>(fields: &'f [(&str, &str)], name: &str) -> &'f str {
    fields.iter().find(|(own, _)| *own == name).unwrap().1
}

#[test]
fn a_packet_is_signed_with_its_package_encoded() {
    assert_eq!(PACKAGE.len(), 251);
    // MD5 in lower case, whatever the merchant prefers
    for merchant in [MERCHANT.clone(), md5_merchant()] {
        let packet = SendBizRedPacket::new(&merchant, &taken(PACKAGE), TIME, nonce()).unwrap();
        let fields = packet.fields();
        assert_eq!(fields.map(|(name, _)| name), ["timeStamp", "nonceStr", "package", "signType", "paySign"]);
        let package = value(&fields, "package");
        assert_eq!((package.len(), package), (269, &*encoded(PACKAGE)));
        assert!(package.starts_with("sendid%3D242e8abd") && package.contains("%26ver%3D8%26sign%3D4110"));
        assert_eq!((value(&fields, "timeStamp"), value(&fields, "nonceStr")), ("1490840662", NONCE));
        assert_eq!(value(&fields, "signType"), "MD5");
        // appId is signed and not passed on, signType passed on and not signed
        let signed =
            [("appId", MINI.wxappid), ("nonceStr", NONCE), ("package", package), ("timeStamp", "1490840662")];
        assert_eq!(value(&fields, "paySign"), naive_sign(Md5, &signed).to_lowercase());
    }
}

#[test]
fn a_package_of_any_text_is_encoded_as_it_stands() {
    for odd in ["a=b+c%26d e", "红~包-_./:?#[]@$,;=", "=", "&="] {
        let packet = SendBizRedPacket::new(&MERCHANT, &taken(odd), 1, nonce()).unwrap();
        assert_eq!((packet.package.as_str(), packet.time_stamp.as_str()), (&*encoded(odd), "1"));
    }
}

#[test]
fn an_answer_that_took_no_packet_makes_none() {
    let failed = with(&with(&SENT, "result_code", "FAIL"), "package", PACKAGE);
    for fields in [failed.clone(), with(&failed, "return_code", "FAIL")] {
        let reply = accept(&MINI, document(&fields)).unwrap();
        let error = SendBizRedPacket::new(&MERCHANT, &reply, TIME, nonce()).unwrap_err();
        assert_eq!(error.to_string(), "result_code is not SUCCESS: no packet was taken");
    }
}

#[test]
fn a_package_that_was_kept_makes_the_same() {
    let make = |appid, package| SendBizRedPacket::from_package(&MERCHANT, appid, package, TIME, nonce());
    let answered = SendBizRedPacket::new(&MERCHANT, &taken(PACKAGE), TIME, nonce()).unwrap();
    assert_eq!(make(MINI.wxappid, PACKAGE).unwrap(), answered);
    assert_eq!(make(MINI.wxappid, "").unwrap_err(), RequestError::new("package", Violation::Missing));
    assert_eq!(make("", PACKAGE).unwrap_err(), RequestError::new("appid", Violation::Missing));
    let encoded = make(MINI.wxappid, &answered.package).unwrap_err();
    assert_eq!(encoded.to_string(), "package is not a package as it was answered, not encoded");
}

#[test]
fn milliseconds_are_no_seconds() {
    for time in [0, 1_490_840_662_000] {
        let errors = [
            SendBizRedPacket::new(&MERCHANT, &taken(PACKAGE), time, nonce()).unwrap_err(),
            RequestPayment::new(&MERCHANT, "wx1", PREPAY, time, nonce()).unwrap_err(),
            ChooseWxPay::new(&MERCHANT, "wx1", PREPAY, time, nonce()).unwrap_err(),
            AppPayment::new(&MERCHANT, "wx1", "1", PREPAY, time, nonce()).unwrap_err(),
        ];
        let violation = Violation::OutOfRange { min: 1, max: 9_999_999_999, value: time };
        assert_eq!(errors, [(); 4].map(|()| RequestError::new("timeStamp", violation.clone())));
    }
}

const PREPAY: &str = "wx2017033010242291fcfe0db70013231072";

#[test]
fn a_payment_is_signed_with_the_digest_of_its_order() {
    for (merchant, sign_type, said) in
        [(md5_merchant(), Md5, "MD5"), (MERCHANT.clone(), HmacSha256, "HMAC-SHA256")]
    {
        let payment = RequestPayment::new(&merchant, "wxd678efh567hg6787", PREPAY, TIME, nonce()).unwrap();
        let fields = payment.fields();
        let package = format!("prepay_id={PREPAY}");
        let signed = [
            ("appId", "wxd678efh567hg6787"),
            ("timeStamp", "1490840662"),
            ("nonceStr", NONCE),
            ("package", &package),
            ("signType", said),
        ];
        let sign = naive_sign(sign_type, &signed);
        assert_eq!(fields.to_vec(), [&signed[..], &[("paySign", &sign)]].concat());
        assert_eq!(sign, sign.to_uppercase());

        let payment =
            AppPayment::new(&merchant, "wxd678efh567hg6787", "10000098", PREPAY, TIME, nonce()).unwrap();
        let signed = [
            ("appid", "wxd678efh567hg6787"),
            ("partnerid", "10000098"),
            ("prepayid", PREPAY),
            ("package", "Sign=WXPay"),
            ("noncestr", NONCE),
            ("timestamp", "1490840662"),
        ];
        let sign = naive_sign(sign_type, &signed);
        assert_eq!(payment.fields().to_vec(), [&signed[..], &[("sign", &sign)]].concat());
    }
}

/// `timestamp` is what the page takes, `timeStamp` what is signed; `appId` is signed and not passed on.
#[test]
fn choose_wx_pay_takes_its_time_in_lower_case() {
    for (merchant, sign_type, said) in
        [(md5_merchant(), Md5, "MD5"), (MERCHANT.clone(), HmacSha256, "HMAC-SHA256")]
    {
        let payment = ChooseWxPay::new(&merchant, "wxd678efh567hg6787", PREPAY, TIME, nonce()).unwrap();
        let package = format!("prepay_id={PREPAY}");
        let signed = [
            ("appId", "wxd678efh567hg6787"),
            ("timeStamp", "1490840662"),
            ("nonceStr", NONCE),
            ("package", &package),
            ("signType", said),
        ];
        let sign = naive_sign(sign_type, &signed);
        let fields = [
            ("timestamp", "1490840662"),
            ("nonceStr", NONCE),
            ("package", &package),
            ("signType", said),
            ("paySign", &sign),
        ];
        assert_eq!(payment.fields(), fields);
    }
}

#[test]
fn what_stands_in_a_payment_is_checked() {
    let long = "x".repeat(65);
    for (bad, rule) in [
        ("", "is required"),
        ("a&b", "has a character that is not allowed at byte 1; allowed: [0-9A-Za-z_-]"),
        ("a=b", "has a character that is not allowed at byte 1; allowed: [0-9A-Za-z_-]"),
        ("号", "has a character that is not allowed at byte 0; allowed: [0-9A-Za-z_-]"),
        (&*long, "has 65 bytes of UTF-8, at most 64 are allowed"),
    ] {
        let web =
            |appid, prepay_id| RequestPayment::new(&MERCHANT, appid, prepay_id, TIME, nonce()).unwrap_err();
        let page =
            |appid, prepay_id| ChooseWxPay::new(&MERCHANT, appid, prepay_id, TIME, nonce()).unwrap_err();
        let app = |appid, partnerid, prepay_id| {
            AppPayment::new(&MERCHANT, appid, partnerid, prepay_id, TIME, nonce()).unwrap_err()
        };
        for (error, name) in [
            (web(bad, PREPAY), "appid"),
            (web("wx1", bad), "prepay_id"),
            (page(bad, PREPAY), "appid"),
            (page("wx1", bad), "prepay_id"),
            (app(bad, "1", PREPAY), "appid"),
            (app("wx1", bad, PREPAY), "partnerid"),
            (app("wx1", "1", bad), "prepay_id"),
        ] {
            assert_eq!(error.to_string(), format!("{name} {rule}"));
        }
    }
}

/// One of each, for the tests that ask the same of all.
fn one_of_each() -> (SendBizRedPacket, RequestPayment, ChooseWxPay, AppPayment) {
    (
        SendBizRedPacket::new(&MERCHANT, &taken(PACKAGE), TIME, nonce()).unwrap(),
        RequestPayment::new(&MERCHANT, "wx1", PREPAY, TIME, nonce()).unwrap(),
        ChooseWxPay::new(&MERCHANT, "wx1", PREPAY, TIME, nonce()).unwrap(),
        AppPayment::new(&MERCHANT, "wx1", "1", PREPAY, TIME, nonce()).unwrap(),
    )
}

#[test]
fn nothing_of_them_is_shown() {
    let (packet, payment, page, app) = one_of_each();
    let shown = [format!("{packet:?}"), format!("{payment:#?}"), format!("{page:?}"), format!("{app:?}")];
    assert_eq!(shown, ["SendBizRedPacket(..)", "RequestPayment(..)", "ChooseWxPay(..)", "AppPayment(..)"]);
}

#[cfg(feature = "serde")]
#[test]
fn they_serialise_as_the_object_of_their_fields() {
    fn object(fields: &[(&str, &str)]) -> serde_json::Value {
        fields.iter().map(|(name, value)| (name.to_string(), serde_json::Value::from(*value))).collect()
    }
    let (packet, payment, page, app) = one_of_each();
    assert_eq!(serde_json::to_value(&packet).unwrap(), object(&packet.fields()));
    assert_eq!(serde_json::to_value(&payment).unwrap(), object(&payment.fields()));
    assert_eq!(serde_json::to_value(&page).unwrap(), object(&page.fields()));
    assert_eq!(serde_json::to_value(&app).unwrap(), object(&app.fields()));
}
