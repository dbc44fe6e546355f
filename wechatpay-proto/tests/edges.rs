//! Small promises that no other test asks for: what is shown, where a fault is said to be, what one value may be.
#![allow(deprecated, reason = "what is out of use is tested too")]

mod common;

use common::*;
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::v2::mmpaymkttransfers::{
    SendGroupRedPack, SendGroupRedPackOptions, SendRedPack, SendRedPackOptions,
};
use wechatpay_proto::wire::{self, Value, Writer, XmlErrorKind};
use wechatpay_proto::{Fen, Nonce, RequestError, RiskInfo, SignType};

#[test]
fn what_is_shown_for_debugging_says_what_it_is() {
    let document = wire::parse(b"<xml><a>1</a><b>2</b></xml>", &[]).unwrap();
    assert_eq!(format!("{document:?}"), r#"Unverified(["a", "b"])"#);
    let writer = Writer::new();
    assert_eq!(format!("{writer:?}"), "Writer(5 bytes)");
    let signed = MERCHANT.sign(&PACKET, Nonce::from_bytes([7; 16])).unwrap();
    let shown = format!("{signed:?}");
    assert!(shown.contains("api.mch.weixin.qq.com/mmpaymkttransfers/sendredpack"), "{shown}");
    assert!(shown.contains(&signed.xml().len().to_string()), "{shown}");
    assert_eq!(format!("{:?}", Nonce::from_text("5K8264").unwrap()), r#"Nonce("5K8264")"#);
    assert_eq!(format!("{} {}", SignType::Md5, SignType::HmacSha256), "MD5 HMAC-SHA256");
}

#[test]
fn fields_know_how_many_they_are() {
    for (body, len) in [("<xml></xml>", 0), ("<xml><a>1</a></xml>", 1), ("<xml><a/><b>2</b></xml>", 2)] {
        let document = wire::parse(body.as_bytes(), &[]).unwrap();
        let fields = document.untrusted();
        assert_eq!((fields.len(), fields.is_empty()), (len, len == 0), "{body}");
    }
}

#[test]
fn a_place_in_a_document_counts_its_byte_order_mark() {
    for (document, at) in [("<xml><a>1</a>", 13), ("\u{FEFF}<xml><a>1</a>", 16)] {
        let error = wire::parse(document.as_bytes(), &[]).unwrap_err();
        assert_eq!((error.kind, error.at), (XmlErrorKind::Truncated, at), "{document:?}");
    }
}

#[test]
fn a_row_of_one_value_takes_this_value_alone() {
    for (rule, good, bad) in [
        (Value::Number(1), Value::Number(1), Value::Number(2)),
        (Value::Number(1), Value::Number(1), Value::Text("1")),
        (Value::Text("MCHT"), Value::Text("MCHT"), Value::Text("mcht")),
        (Value::Text("MCHT"), Value::Text("MCHT"), Value::Number(1)),
    ] {
        assert_eq!(Rule::Exactly(rule).check(&good), Ok(()));
        assert_eq!(Rule::Exactly(rule).check(&bad), Err(Violation::Exactly { value: rule }), "{bad:?}");
    }
}

#[test]
fn every_part_of_risk_info_is_written_and_read() {
    let info = RiskInfo::default().posttime(1).mobile("86-1").deviceid("d").clientversion("7");
    let encoded = info.encode().unwrap();
    assert_eq!(encoded, "posttime%3D1%26mobile%3D86-1%26deviceid%3Dd%26clientversion%3D7");
    assert_eq!(RiskInfo::decode(&encoded), Ok(info));
    for twice in
        ["mobile%3D1%26mobile%3D1", "deviceid%3D1%26deviceid%3D1", "clientversion%3D1%26clientversion%3D1"]
    {
        let error = RiskInfo::decode(twice).unwrap_err();
        assert_eq!(error.violation(), &Violation::Duplicate, "{twice}");
    }
}

/// The fields of a service provider, as far as they go and one step on.
#[test]
fn the_provider_of_a_packet_is_held_to_the_limits() {
    type Fields = (&'static str, &'static str, Option<&'static str>);
    type Set = fn(&'static str) -> Fields;
    let one = |(sub_mch_id, msgappid, consume_mch_id): Fields| {
        let (sub_mch_id, msgappid) = (Some(sub_mch_id), Some(msgappid));
        let options = SendRedPackOptions { sub_mch_id, msgappid, consume_mch_id, ..Default::default() };
        let request = SendRedPack { options, ..PACKET.clone() };
        provider().sign(&request, Nonce::from_bytes([7; 16])).map(drop)
    };
    let group = |(sub_mch_id, msgappid, consume_mch_id): Fields| {
        let (sub_mch_id, msgappid) = (Some(sub_mch_id), Some(msgappid));
        let options = SendGroupRedPackOptions { sub_mch_id, msgappid, consume_mch_id, ..Default::default() };
        let request = SendGroupRedPack { options, ..GROUP.clone() };
        provider().sign(&request, Nonce::from_bytes([7; 16])).map(drop)
    };
    let rows: [(&str, Set, bool); 3] = [
        ("sub_mch_id", |text| (text, "wx1", None), false),
        ("msgappid", |text| ("1", text, None), true),
        ("consume_mch_id", |text| ("1", "wx1", Some(text)), false),
    ];
    for sign in [&one as &dyn Fn(Fields) -> Result<(), RequestError>, &group] {
        for (name, fields, dash) in rows {
            let refused = |text| {
                let error = sign(fields(text)).err();
                error.map(|error| (error.field().to_owned(), error.violation().clone()))
            };
            let (longest, too_long) =
                ("12345678901234567890123456789012", "123456789012345678901234567890123");
            assert_eq!(refused(longest), None);
            assert_eq!(refused(too_long), Some((name.to_owned(), Violation::TooLong { max: 32, len: 33 })));
            let odd = refused("a-b");
            assert_eq!(odd.is_none(), dash, "{name} {odd:?}");
            assert!(refused("a b").is_some_and(|(field, _)| field == name));
        }
    }
}

#[test]
fn a_group_packet_has_three_fen_at_least_and_one_for_each() {
    for (total, total_num, least) in [(2, 4, 3), (3, 4, 4), (2, 3, 3), (19, 20, 20)] {
        let request = SendGroupRedPack { total_amount: Fen(total), total_num, ..GROUP.clone() };
        let error = MERCHANT.sign(&request, Nonce::from_bytes([7; 16])).map(drop).unwrap_err();
        let violation = Violation::OutOfRange { min: least, max: u32::MAX.into(), value: total.into() };
        assert_eq!((error.field(), error.violation()), ("total_amount", &violation));
    }
}

#[test]
fn text_is_read_as_xml_has_it() {
    let longest = "a".repeat(wire::MAX_VALUE);
    for (inside, value) in [
        ("1 > 2", "1 > 2"),
        ("<![CDATA[a\r\nb\rc]]>", "a\nb\nc"),
        ("a\r\nb\rc", "a\nb\nc"),
        (&format!("<![CDATA[{longest}]]>"), &longest),
        (&longest, &longest),
    ] {
        let document = format!("<xml><a>{inside}</a></xml>");
        let document = wire::parse(document.as_bytes(), &[]).unwrap();
        assert_eq!(document.untrusted().get("a"), Some(value));
    }
    for document in ["<xml><a>1]]>2</a></xml>", "<xml>]]><a>1</a></xml>"] {
        assert_eq!(
            wire::parse(document.as_bytes(), &[]).unwrap_err().kind,
            XmlErrorKind::CdataEnd,
            "{document}"
        );
    }
}

#[test]
fn documents_are_alike_where_their_fields_are() {
    let read = |body: &'static str| wire::parse(body.as_bytes(), &[]).unwrap();
    let one = read("<xml><a>1</a></xml>");
    assert_eq!(one, read("<xml> <a><![CDATA[1]]></a> </xml>"));
    for other in ["<xml><a>2</a></xml>", "<xml><b>1</b></xml>", "<xml></xml>", "<xml><a>1</a><b>1</b></xml>"]
    {
        assert_ne!(one, read(other), "{other}");
    }
}

#[test]
fn a_byte_order_mark_is_text_only_where_any_text_is() {
    let marked = Value::Text("a\u{FEFF}");
    assert_eq!(Rule::Any.check(&marked), Ok(()));
    let refused = Rule::Text { max: 9 }.check(&marked);
    assert!(matches!(refused, Err(Violation::Characters { at: 1, .. })), "{refused:?}");
}

#[test]
fn a_line_may_end_only_where_any_text_is() {
    let lines = Value::Text("a\tb\nc");
    assert_eq!(Rule::Any.check(&lines), Ok(()));
    for (rule, text) in [(Rule::Text { max: 9 }, lines), (Rule::Any, Value::Text("a\u{1}b"))] {
        let refused = rule.check(&text);
        assert!(matches!(refused, Err(Violation::Characters { at: 1, .. })), "{rule:?} {refused:?}");
    }
}
