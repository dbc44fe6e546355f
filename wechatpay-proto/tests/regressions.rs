//! Faults that were found here once, each by its test.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::{Outgoing as _, Trust};
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::v2::mmpaymkttransfers::{SendWorkWxRedPack, SendWorkWxRedPackOptions};
use wechatpay_proto::wire::{self, Value, Writer};
use wechatpay_proto::{Advice, Call, Error, Nonce, Outcome, Reason, ReplyError, RiskInfo, endpoint};

fn written(value: &str) -> String {
    let mut xml = Writer::new();
    xml.element("a", &Value::Text(value));
    xml.finish()
}

#[test]
fn a_carriage_return_survives_writing_and_reading() {
    for value in ["x\ry", "x\r\ny", "\r", "]]>\r"] {
        let document = written(value);
        let read = wire::parse(document.as_bytes(), &[]).unwrap();
        assert_eq!(read.untrusted().get("a"), Some(value));
    }
}

#[test]
fn an_answer_with_a_carriage_return_in_it_is_written_as_it_was_read() {
    let reply = accept(&PACKET, document(&with(&SENT, "return_msg", "a\rb"))).unwrap();
    assert_eq!(reply.head.return_msg.as_deref(), Some("a\rb"));
    let mut xml = Writer::new();
    reply.write(&mut xml);
    assert_eq!(accept(&PACKET, xml.finish()), Ok(reply));
}

endpoint! {
    /// A text whose author saw no need for a rule.
    struct Unruled<'a> => UnruledReply<'b>;
    POST "/unruled", certificate: false, sign: Merchant, trust: Signed;

    envelope { nonce_str: nonce; }
    required { body: &'a str => Rule::Any; }
    reply {}
    echo {}
    promise {}
}

#[test]
fn a_text_under_no_rule_still_has_to_be_xml() {
    for bad in ["a\0", "a\u{1b}", "a\u{FFFE}", "a\r", "a\r\n"] {
        let error = MERCHANT.sign(&Unruled { body: bad }, Nonce::from_bytes([0; 16])).err();
        let error = error.unwrap_or_else(|| panic!("{bad:?} was signed"));
        assert_eq!(error.field(), "body");
        assert!(matches!(error.violation(), Violation::Characters { at: 1, .. }), "{bad:?}: {error}");
    }
}

#[test]
fn a_half_written_document_is_not_shown() {
    let mut xml = Writer::new();
    xml.element("re_openid", &Value::Text("CANARY"));
    assert!(!format!("{xml:?}").contains("CANARY"), "{xml:?}");
}

#[test]
fn only_a_fail_may_come_without_a_sign() {
    for code in ["SUCCESS ", "success", "OK", "0"] {
        let body = document(&[("return_code", code), ("return_msg", "x")]);
        assert_eq!(accept(&ORDER, body).unwrap_err(), ReplyError::SignMissing, "{code:?}");
    }
}

#[test]
fn an_unknown_field_that_is_empty_is_absent_like_a_known_one() {
    let reply = accept(&ORDER, signed(HmacSha256, &with(&PAID, "zzz", ""))).unwrap();
    assert_eq!(reply.extra, []);
}

#[test]
fn an_error_says_its_cause_once() {
    let refused = accept(&PACKET, "<XML>").unwrap_err();
    let error: Error<std::io::Error> = Error::Reply(refused);
    assert_eq!(error.to_string().matches("no <xml> root").count(), 1, "{error}");
    assert!(std::error::Error::source(&error).is_none(), "what is shown is not a source as well");
}

#[test]
fn a_port_is_a_number() {
    for url in ["https://host:99999", "https://host:x", "http://127.0.0.1:", "http://[127.0.0.1]"] {
        assert!(BaseUrl::parse(url).is_err(), "{url}");
    }
}

#[test]
fn the_attributes_of_a_declaration_stand_apart() {
    assert!(wire::parse(b"<?xml version=\"1.0\"encoding=\"UTF-8\"?><xml/>", &[]).is_err());
}

fn sent_by(agentid: Option<u32>, sender_name: Option<&'static str>) -> SendWorkWxRedPack<'static> {
    let options = SendWorkWxRedPackOptions { agentid, sender_name, ..Default::default() };
    SendWorkWxRedPack { options, ..WORK.clone() }
}

#[test]
fn an_empty_sender_is_no_sender() {
    assert_eq!(sign(&MERCHANT, &sent_by(None, Some(""))).unwrap_err().field(), "sender_name");
    assert!(sign(&MERCHANT, &sent_by(Some(1), Some(""))).is_ok(), "empty is absent");
}

#[test]
fn an_answer_that_was_signed_is_written_with_one_sign() {
    let call = Call::new("tools/authcodetoopenid");
    let reply = accept(&call, signed(Md5, &with(&PAID, "openid", "o"))).unwrap();
    let written = MERCHANT.write_reply(&call.spec(), &reply).unwrap();
    assert!(accept(&call, written).is_ok());
    let mut typed = accept(&ORDER, signed(HmacSha256, &PAID)).unwrap();
    typed.extra.push(("sign".into(), "x".into()));
    assert!(MERCHANT.write_reply(&ORDER.spec(), &typed).is_err());
    typed.extra = vec![("odd".into(), "\u{1}".into())];
    assert!(MERCHANT.write_reply(&ORDER.spec(), &typed).is_err(), "what cannot be read back is not written");
    typed.extra = vec![("key".into(), "x".into())];
    assert_eq!(MERCHANT.write_reply(&ORDER.spec(), &typed).unwrap_err(), ReplyError::KeyElement);
    let mut sent = accept(&PACKET, document(&SENT)).unwrap();
    sent.extra.push(("odd".into(), "\u{1}".into()));
    assert!(MERCHANT.write_reply(&PACKET.spec(), &sent).is_err());
}

#[test]
fn a_query_that_says_failed_and_paid_settles_nothing() {
    let failed = with(&SENT, "status", "FAILED");
    let outcome = |fields: &[(&str, &str)], list: &str| {
        let body = document(fields).replace("</xml>", &format!("{list}</xml>"));
        accept(&QUERY, body).unwrap().outcome()
    };
    assert_eq!(outcome(&failed, ""), Outcome::Failed);
    assert_eq!(outcome(&with(&failed, "refund_amount", "0"), ""), Outcome::Failed);
    let contradiction = Outcome::Unknown(Reason::Contradiction);
    assert_eq!(outcome(&with(&failed, "refund_amount", "1"), ""), contradiction);
    assert_eq!(outcome(&with(&failed, "refund_time", "2026-01-01 09:00:00"), ""), contradiction);
    let claim = "<hblist><hbinfo><openid>o</openid></hbinfo></hblist>";
    assert_eq!(outcome(&failed, claim), contradiction);
    assert_eq!(Reason::Contradiction.advice(), Advice::FixOrder, "a person decides, nothing is sent again");

    let outcome = |fields: &[(&str, &str)]| accept(&WORK_QUERY, signed(Md5, fields)).unwrap().outcome();
    assert_eq!(outcome(&with(&failed, "refund_amount", "0")), Outcome::Failed);
    let time = "2026-01-01 09:00:00";
    let told =
        [("openid", "o"), ("amount", "1"), ("rcv_time", time), ("refund_time", time), ("refund_amount", "1")];
    for (name, value) in told {
        assert_eq!(outcome(&with(&failed, name, value)), contradiction, "{name}");
    }
}

#[test]
fn a_name_that_was_received_is_not_shown() {
    let error = RiskInfo::decode("CANARY%0A%3D").unwrap_err().to_string();
    assert!(!error.contains("CANARY") && !error.contains('\n'), "{error}");
}

#[test]
fn a_large_number_is_its_own_echo() {
    let call = Call::new("pay/x").trust(Trust::TransportOnly).field("n", 10_000_000_000_u64).echo("n");
    assert!(accept(&call, "<xml><return_code>SUCCESS</return_code><n>10000000000</n></xml>").is_ok());
}

#[test]
fn a_host_has_no_case() {
    let base = BaseUrl::parse("https://API.mch.weixin.qq.com").unwrap();
    let call = Call::new("secsvc/realnameauth");
    let signed = MERCHANT.sign_for(&base, &call, Nonce::from_bytes([0; 16])).unwrap();
    assert_eq!(signed.uri().host(), Some("fraud.mch.weixin.qq.com"));
}

/// Found by the fuzz target `reply`: with a field that was malformed too, the typed door said that, and the untyped one that
/// there was no `return_code`.
#[test]
fn an_answer_without_return_code_is_none_whatever_else_is_wrong() {
    let missing = ReplyError::Missing { field: "return_code" };
    for body in [
        "<xml><hblist><hbinfo><amount>050</amount></hbinfo></hblist></xml>",
        "<xml><total_amount>050</total_amount></xml>",
        "<xml><return_code/><total_amount>050</total_amount></xml>",
    ] {
        assert_eq!(accept(&QUERY, body).unwrap_err(), missing, "{body}");
        let call = Call::new("mmpaymkttransfers/gethbinfo");
        assert_eq!(accept(&call, body).unwrap_err(), missing, "{body}");
    }
}
