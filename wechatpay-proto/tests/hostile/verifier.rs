//! What opens a document: a sign that is there, is of the form and the digest agreed on, and fits.

use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::wire::{self, XmlErrorKind as Kind};
use wechatpay_proto::{ApiKey, Fen, Nonce, ReplyError};

use crate::common::*;
use crate::{fields, xml};

#[test]
fn x01_a_signed_kind_without_a_sign_is_refused() {
    for unsigned in [
        document(&PAID),
        document(&with(&PAID, "result_code", "FAIL")),
        document(&without(&PAID, "return_code")),
        document(&with(&PAID, "return_code", "")),
        document(&with(&PAID, "Sign", &"0".repeat(64))),
        xml(""),
    ] {
        assert_eq!(accept(&ORDER, &unsigned).unwrap_err(), ReplyError::SignMissing, "{unsigned}");
    }
    assert!(accept(&ORDER, signed(HmacSha256, &PAID)).is_ok());
}

#[test]
fn x02_a_sign_of_another_form_never_reaches_the_comparison() {
    let good = naive_sign(Md5, &SENT);
    let bad = [
        good[1..].to_owned(),
        format!("{good}0"),
        "0".repeat(63),
        format!("G{}", &good[1..]),
        format!(" {good}"),
        format!("{good} "),
        format!(" {}", &good[1..]),
        format!("\n{}", &good[1..]),
        format!("+{}", &good[1..]),
        format!("{}号", &good[3..]),
        format!("{good}{good}{good}"),
    ];
    for bad in &bad {
        let unsigned_kind = accept(&PACKET, document(&with(&SENT, "sign", bad)));
        assert_eq!(unsigned_kind.unwrap_err(), ReplyError::SignMalformed, "{bad:?}");
        let signed_kind = accept(&ORDER, document(&with(&PAID, "sign", bad)));
        assert_eq!(signed_kind.unwrap_err(), ReplyError::SignMalformed, "{bad:?}");
    }
    for empty in ["<sign/>", "<sign></sign>", "<sign><![CDATA[]]></sign>"] {
        let sent = document(&SENT).replace("</xml>", &format!("{empty}</xml>"));
        assert_eq!(accept(&PACKET, sent).unwrap_err(), ReplyError::SignMalformed, "{empty}");
        let paid = document(&PAID).replace("</xml>", &format!("{empty}</xml>"));
        assert_eq!(accept(&ORDER, paid).unwrap_err(), ReplyError::SignMissing, "{empty}");
        let fail = format!("<xml><return_code>FAIL</return_code>{empty}</xml>");
        assert_eq!(accept(&ORDER, fail).unwrap_err(), ReplyError::SignMissing, "{empty}");
    }
    assert!(accept(&PACKET, document(&with(&SENT, "sign", &good))).is_ok());
    assert!(accept(&PACKET, document(&with(&SENT, "sign", &good.to_lowercase()))).is_ok());
}

#[test]
fn x03_no_message_chooses_its_digest() {
    let mismatch = |expected| Err(ReplyError::SignTypeMismatch { expected });
    for said in [PAID.to_vec(), with(&PAID, "sign_type", "MD5"), with(&PAID, "sign_type", "HMAC-SHA256")] {
        assert_eq!(accept(&ORDER, signed(Md5, &said)), mismatch(HmacSha256));
        let merchant = md5_merchant();
        let response = answer(signed(HmacSha256, &said));
        assert_eq!(pending(&merchant, &ORDER).accept(&response), mismatch(Md5));
    }
    // the red packets know MD5 only, whatever the merchant prefers
    assert_eq!(accept(&PACKET, signed(HmacSha256, &SENT)).unwrap_err(), mismatch(Md5).unwrap_err());
    assert!(accept(&PACKET, signed(Md5, &SENT)).is_ok());
}

#[test]
fn x13_an_unknown_field_is_kept_if_it_was_signed() {
    let more = with(&with(&PAID, "zzz", "1 & 2"), "aaa", "");
    let reply = accept(&ORDER, signed(HmacSha256, &with(&more, "sub_appid", "x"))).unwrap();
    for (name, value) in [("zzz", "1 & 2"), ("sub_appid", "x")] {
        assert!(reply.extra.contains(&(name.into(), value.into())), "{name}");
    }
    let appended = signed(HmacSha256, &PAID).replace("</xml>", "<zzz>1</zzz></xml>");
    assert_eq!(accept(&ORDER, appended).unwrap_err(), ReplyError::SignMismatch);
}

#[test]
fn x15_zero_signs_and_empty_does_not() {
    let zero = with(&PAID, "cash_fee", "0");
    assert_eq!(accept(&ORDER, signed(HmacSha256, &zero)).unwrap().cash_fee, Some(Fen(0)));
    let not_counted = signed(HmacSha256, &PAID).replace("</xml>", "<cash_fee>0</cash_fee></xml>");
    assert_eq!(accept(&ORDER, not_counted).unwrap_err(), ReplyError::SignMismatch);
    for empty in ["<cash_fee/>", "<cash_fee></cash_fee>", "<cash_fee><![CDATA[]]></cash_fee>"] {
        let traceless = signed(HmacSha256, &PAID).replace("</xml>", &format!("{empty}</xml>"));
        assert_eq!(accept(&ORDER, traceless).unwrap().cash_fee, None);
    }
}

#[test]
fn x23_every_other_character_keeps_its_bytes() {
    let strange = "\u{2028}\u{2029}\u{85}\u{a0}\u{7f}\u{200d}e\u{301}é😀👨\u{200d}👩\u{200d}👧 \u{FFFD}\u{10FFFF}\u{202e}";
    let reply = accept(&ORDER, signed(HmacSha256, &with(&PAID, "attach", strange))).unwrap();
    assert_eq!(reply.attach.as_deref(), Some(strange));
    let packet = SendRedPack { wishing: strange, ..PACKET.clone() };
    let signed = MERCHANT.sign(&packet, Nonce::from_bytes([0; 16])).unwrap();
    let read = fields(signed.xml());
    assert!(read.contains(&("wishing".to_owned(), strange.to_owned())));
    assert_eq!(read.last().unwrap().1, naive_sign(Md5, &read));
}

#[test]
fn x25_a_key_element_is_refused_where_answers_are_signed() {
    for value in ["x", "", KEY] {
        let body = signed(HmacSha256, &with(&PAID, "key", value));
        assert_eq!(accept(&ORDER, body).unwrap_err(), ReplyError::KeyElement);
        let body = signed(Md5, &with(&SENT, "key", value));
        assert_eq!(accept(&PACKET, body).unwrap_err(), ReplyError::KeyElement);
    }
    let more = with(&with(&with(&PAID, "Sign", "0"), "SIGN", "1"), "Key", "2");
    let reply = accept(&ORDER, signed(HmacSha256, &more)).unwrap();
    assert_eq!(reply.extra.len(), 3, "ordinary fields");
}

#[test]
fn x27_no_refusal_helps_to_forge() {
    let correct = naive_sign(HmacSha256, &PAID);
    let text = naive_text(&PAID);
    for (body, expected) in [
        (document(&PAID), ReplyError::SignMissing),
        (document(&with(&PAID, "sign", "0")), ReplyError::SignMalformed),
        (signed(Md5, &PAID), ReplyError::SignTypeMismatch { expected: HmacSha256 }),
        (document(&with(&PAID, "sign", &"0".repeat(64))), ReplyError::SignMismatch),
        (signed(HmacSha256, &with(&PAID, "key", "x")), ReplyError::KeyElement),
        (signed(HmacSha256, &with(&PAID, "mch_id", "1")), ReplyError::Correlation { field: "mch_id" }),
        (signed(HmacSha256, &without(&PAID, "appid")), ReplyError::Missing { field: "appid" }),
    ] {
        let error = accept(&ORDER, &body).unwrap_err();
        assert_eq!(error, expected);
        let shown = format!("{error} {error:?}");
        for secret in [correct.as_str(), &correct.to_lowercase(), &text, &body, KEY, PAID[2].1, PAID[4].1] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn x04_two_signs_are_refused_whichever_fits() {
    let good = signed(HmacSha256, &PAID);
    let right = naive_sign(HmacSha256, &PAID);
    for other in ["", &"0".repeat(64), &right] {
        let other = format!("<sign>{other}</sign>");
        for doubled in [
            good.replace("<sign>", &format!("{other}<sign>")),
            good.replace("</xml>", &format!("{other}</xml>")),
        ] {
            let refused = accept(&ORDER, doubled).unwrap_err();
            assert!(matches!(refused, ReplyError::Xml(e) if e.kind == Kind::Duplicate), "{refused}");
        }
    }
}

/// The text that is signed has no escapes: a value can swallow the fields behind it, and the sign still fits.
#[test]
fn x13_a_text_that_swallows_a_promised_field_is_refused() {
    let all = with(&PAID, "body", "x");
    let names = ["appid", "mch_id", "out_trade_no", "total_fee"];
    for name in names {
        let mut sorted = all.clone();
        sorted.sort_unstable();
        let place = sorted.iter().position(|(own, _)| *own == name).unwrap();
        // every neighbour in the order of signing that can take it in
        let Some((before, kept)) = place.checked_sub(1).map(|place| sorted[place]) else { continue };
        let value = sorted[place].1;
        let longer = format!("{kept}&{name}={value}");
        let folded = without(&with(&all, before, &longer), name);
        assert_eq!(naive_text(&folded), naive_text(&all), "the sign fits");
        match accept(&ORDER, signed(HmacSha256, &folded)) {
            // a code that swallowed something is none of a success
            Ok(reply) => assert!(!reply.head.is_success(), "{name} in {before}"),
            Err(ReplyError::Missing { field }) => assert_eq!(field, name),
            Err(ReplyError::Correlation { field }) => assert_eq!(field, before),
            Err(other) => panic!("{other}"),
        }
    }
    // the other way round: a text that was signed as one comes apart into fields, in the order of the names
    let spoken = with(&PAID, "attach", "x&bank_type=CFT");
    let sign = naive_sign(HmacSha256, &spoken);
    let unfolded = with(&with(&PAID, "attach", "x"), "bank_type", "CFT");
    let reply = accept(&ORDER, document(&with(&unfolded, "sign", &sign))).unwrap();
    assert_eq!(reply.total_fee, Some(Fen(100)), "what is promised and echoed is that of the order");
    let doubled = with(&PAID, "attach", "x&total_fee=1");
    let sign = naive_sign(HmacSha256, &doubled);
    let lower = with(&with(&PAID, "attach", "x"), "sign", &sign);
    assert_eq!(accept(&ORDER, document(&lower)).unwrap_err(), ReplyError::SignMismatch);
}

#[test]
fn x13_a_name_with_the_marks_in_it_never_reaches_the_sign() {
    // signed as it stands it would fit that of two fields
    let folded = [&PAID[..], &[("bank_type=CFT&body", "x")]].concat();
    let unfolded = [&PAID[..], &[("bank_type", "CFT"), ("body", "x")]].concat();
    assert_eq!(naive_text(&folded), naive_text(&unfolded));
    let refused = accept(&ORDER, signed(HmacSha256, &folded)).unwrap_err();
    assert!(matches!(refused, ReplyError::Xml(_)), "{refused}");
    assert!(accept(&ORDER, signed(HmacSha256, &unfolded)).is_ok());
}

#[test]
fn x23_a_line_end_signs_as_the_line_feed_that_it_becomes() {
    let spoken = with(&PAID, "attach", "a\nb");
    let good = signed(HmacSha256, &spoken);
    let crlf = good.replace("a\nb", "a\r\nb");
    assert_ne!(good, crlf);
    assert_eq!(accept(&ORDER, crlf).unwrap().attach.as_deref(), Some("a\nb"));
    let raw = naive_sign(HmacSha256, &with(&PAID, "attach", "a\r\nb"));
    let signed_raw = document(&with(&spoken, "sign", &raw)).replace("a\nb", "a\r\nb");
    assert_eq!(accept(&ORDER, signed_raw).unwrap_err(), ReplyError::SignMismatch);
}

#[test]
fn x31_as_many_fields_as_a_document_may_have_are_signed() {
    let names: Vec<String> = (0..wire::MAX_ELEMENTS - PAID.len() - 1).map(|at| format!("f{at}")).collect();
    let more: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let full = [&PAID[..], &more].concat();
    let good = signed(HmacSha256, &full);
    assert_eq!(accept(&ORDER, &good).unwrap().extra.len(), more.len());
    let last = names.last().unwrap();
    let changed = good.replace(&format!("<{last}>1"), &format!("<{last}>2"));
    assert_eq!(accept(&ORDER, changed).unwrap_err(), ReplyError::SignMismatch);
    let over = signed(HmacSha256, &with(&full, "one_more", "1"));
    assert!(
        matches!(accept(&ORDER, over).unwrap_err(), ReplyError::Xml(e) if e.kind == Kind::TooManyElements)
    );
}

#[test]
fn x08_a_signed_document_is_flat_even_where_a_list_is_declared() {
    let key = ApiKey::new(KEY).unwrap();
    let list = [wire::List { container: "hblist", item: "hbinfo" }];
    let good = signed(Md5, &SENT);
    let open = |body: &str| {
        let document = wire::parse(body.as_bytes(), &list).unwrap();
        document.signed(Md5, &key).map(|fields| fields.into_owned())
    };
    assert!(open(&good).is_ok());
    for nested in ["<hblist/>", "<hblist><hbinfo><total_amount>9</total_amount></hbinfo></hblist>"] {
        let body = good.replace("</xml>", &format!("{nested}</xml>"));
        assert_eq!(open(&body), Err(ReplyError::SignedNesting), "{nested}");
        assert_eq!(accept(&QUERY, &body).unwrap_err(), ReplyError::SignedNesting, "{nested}");
    }
}

/// The time that the comparison takes is measured by a bench; here, that no digit is worth more than another.
#[test]
fn x44_a_sign_that_is_wrong_in_one_digit_is_refused_alike() {
    for (sign_type, digits) in [(Md5, 32), (HmacSha256, 64)] {
        let merchant = MERCHANT.clone().with_sign_type(sign_type);
        let right = naive_sign(sign_type, &PAID);
        assert_eq!(right.len(), digits);
        for at in 0..digits {
            let mut wrong = right.clone();
            let digit = if right[at..=at] == *"0" { "1" } else { "0" };
            wrong.replace_range(at..=at, digit);
            let response = answer(document(&with(&PAID, "sign", &wrong)));
            let refused = pending(&merchant, &ORDER).accept(&response).unwrap_err();
            assert_eq!(refused, ReplyError::SignMismatch, "digit {at} of {sign_type}");
        }
    }
}
