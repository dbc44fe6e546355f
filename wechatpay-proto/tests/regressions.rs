//! Faults that were found here once, each by its test.

mod common;

use common::*;
use wechatpay_proto::SignType::HmacSha256;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::wire::{self, Value, Writer};
use wechatpay_proto::{Error, Nonce, ReplyError, endpoint};

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
    let refused = accept(&PACKET, "<html>").unwrap_err();
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
