//! Payment notices: what the service posts to the merchant, and what others post in its name.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wechatpay_proto::SignType::{self, HmacSha256};
use wechatpay_proto::notice::{self, Handled, Handling, NoticeError, Order, PaymentNotice, Verdict};
use wechatpay_proto::wire::{self, XmlErrorKind as Kind};
use wechatpay_proto::{Fen, ReplyError};

use crate::common::*;

/// A payment notice that fits [`PLACED`], not signed yet.
pub(crate) const NOTICE: [(&str, &str); 14] = [
    ("appid", "wxd930ea5d5a258f4f"),
    ("attach", "支付测试"),
    ("bank_type", "CFT"),
    ("fee_type", "CNY"),
    ("is_subscribe", "Y"),
    ("mch_id", "10000098"),
    ("nonce_str", "5d2b6c2a8db53831f7eda20af46e531c"),
    ("openid", "oUpF8uMEb4qRXf22hE3X68TekukE"),
    ("out_trade_no", "1409811653"),
    ("result_code", "SUCCESS"),
    ("return_code", "SUCCESS"),
    ("total_fee", "100"),
    ("trade_type", "JSAPI"),
    ("transaction_id", "1004400740201409030005092168"),
];

pub(crate) const PLACED: Order<'static> = Order::new("wxd930ea5d5a258f4f", "1409811653", Fen(100));

fn good() -> String {
    signed(HmacSha256, &NOTICE)
}

fn read(body: &str) -> Result<PaymentNotice<'_>, NoticeError> {
    PaymentNotice::read(&MERCHANT, body.as_bytes())
}

fn refused(body: impl AsRef<str>) -> ReplyError {
    match read(body.as_ref()).unwrap_err() {
        NoticeError::Refused(error) => error,
        other => panic!("{other}: {}", body.as_ref()),
    }
}

#[test]
fn a_notice_is_read_and_held_against_the_order() {
    let body = good();
    let notice = read(&body).unwrap();
    assert_eq!(notice.is_for(&PLACED), Ok(()));
    assert!(notice.is_success());
    assert_eq!((notice.mch_id(), notice.appid()), ("10000098", PLACED.appid));
    assert_eq!((notice.out_trade_no(), notice.total_fee()), (PLACED.out_trade_no, Some(Fen(100))));
    assert_eq!(notice.transaction_id(), Some("1004400740201409030005092168"));
    assert_eq!(notice.fields().get("attach"), Some("支付测试"));
    for (order, field) in [
        (Order::new("wx8888888888888888", PLACED.out_trade_no, Fen(100)), "appid"),
        (Order::new("WXD930EA5D5A258F4F", PLACED.out_trade_no, Fen(100)), "appid"),
        (Order::new(PLACED.appid, "1409811654", Fen(100)), "out_trade_no"),
        (Order::new(PLACED.appid, PLACED.out_trade_no, Fen(101)), "total_fee"),
        (Order::new(PLACED.appid, PLACED.out_trade_no, Fen(0)), "total_fee"),
        (Order::in_currency(PLACED.appid, PLACED.out_trade_no, 100, "HKD"), "fee_type"),
        (Order::in_currency(PLACED.appid, PLACED.out_trade_no, 100, "cny"), "fee_type"),
    ] {
        let mismatch = notice.is_for(&order).unwrap_err();
        assert_eq!(mismatch, NoticeError::Mismatch { field });
        assert_eq!(mismatch.to_string(), format!("{field} of the notice is not that of the order"));
    }
    // a hundred of another currency are not a hundred fen
    let other = signed(HmacSha256, &with(&NOTICE, "fee_type", "HKD"));
    assert_eq!(read(&other).unwrap().is_for(&PLACED), Err(NoticeError::Mismatch { field: "fee_type" }));
    let silent = signed(HmacSha256, &without(&NOTICE, "fee_type"));
    assert_eq!(read(&silent).unwrap().is_for(&PLACED), Ok(()));
    // another merchant's notice is refused before anything of it can be read
    let other = signed(HmacSha256, &with(&NOTICE, "mch_id", "10000099"));
    assert_eq!(read(&other).unwrap_err(), NoticeError::Mismatch { field: "mch_id" });
    let failed = signed(HmacSha256, &with(&NOTICE, "result_code", "FAIL"));
    assert!(!read(&failed).unwrap().is_success());
}

#[test]
fn the_answers_are_documents_of_the_dialect() {
    for (answer, code) in [(notice::SUCCESS, "SUCCESS"), (notice::FAIL, "FAIL")] {
        let document = wire::parse(answer.as_bytes(), &[]).unwrap();
        assert_eq!(document.untrusted().get("return_code"), Some(code));
    }
}

#[test]
fn x01_a_notice_without_a_sign_is_refused() {
    for unsigned in [
        document(&NOTICE),
        document(&with(&NOTICE, "sign", "")),
        document(&with(&NOTICE, "Sign", &"0".repeat(64))),
    ] {
        assert_eq!(refused(unsigned), ReplyError::SignMissing);
    }
    assert_eq!(refused("<xml/>"), ReplyError::SignMissing);
}

#[test]
fn x02_a_sign_has_a_form_in_a_notice_too() {
    let right = naive_sign(HmacSha256, &NOTICE);
    for bad in [&right[1..], &format!("{right}0"), &format!(" {right}"), &"0".repeat(31), &"G".repeat(64)] {
        assert_eq!(refused(document(&with(&NOTICE, "sign", bad))), ReplyError::SignMalformed, "{bad}");
    }
}

#[test]
fn x03_a_notice_does_not_choose_its_digest() {
    for said in [NOTICE.to_vec(), with(&NOTICE, "sign_type", "MD5")] {
        let refusal = ReplyError::SignTypeMismatch { expected: HmacSha256 };
        assert_eq!(refused(signed(SignType::Md5, &said)), refusal);
        let body = signed(SignType::Md5, &said);
        assert!(PaymentNotice::read(&md5_merchant(), body.as_bytes()).is_ok(), "as the order was placed");
    }
}

#[test]
fn x09_no_part_of_a_notice_is_a_notice() {
    let body = good();
    for end in 0..body.len() {
        assert!(PaymentNotice::read(&MERCHANT, &body.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn x11_nothing_is_read_of_a_failed_communication() {
    let fail = with(&NOTICE, "return_code", "FAIL");
    assert_eq!(read(&document(&fail)).unwrap_err(), NoticeError::CommunicationFailure);
    assert_eq!(read(&signed(HmacSha256, &fail)).unwrap_err(), NoticeError::CommunicationFailure);
    // with a sign it is checked like any other
    assert_eq!(refused(document(&with(&fail, "sign", &"0".repeat(64)))), ReplyError::SignMismatch);
    let odd = signed(HmacSha256, &with(&NOTICE, "return_code", "success"));
    assert_eq!(read(&odd).unwrap_err(), NoticeError::CommunicationFailure);
    let silent = signed(HmacSha256, &without(&NOTICE, "return_code"));
    assert_eq!(refused(silent), ReplyError::Missing { field: "return_code" });
}

#[test]
fn x13_a_notice_that_was_changed_or_folded_is_refused() {
    let appended = good().replace("</xml>", "<coupon_fee>1</coupon_fee></xml>");
    assert_eq!(refused(appended), ReplyError::SignMismatch);
    let extra = signed(HmacSha256, &with(&NOTICE, "zzz", "1"));
    assert_eq!(read(&extra).unwrap().fields().get("zzz"), Some("1"));
    for (place, (name, value)) in NOTICE.into_iter().enumerate().skip(1) {
        let (before, kept) = NOTICE[place - 1];
        let longer = format!("{kept}&{name}={value}");
        let folded = without(&with(&NOTICE, before, &longer), name);
        assert_eq!(naive_text(&folded), naive_text(&NOTICE), "the sign fits");
        let folded = signed(HmacSha256, &folded);
        let silent =
            [without(&NOTICE, name), with(&NOTICE, name, "")].map(|fields| signed(HmacSha256, &fields));
        match name {
            // what a success needs must be there by its own name
            "mch_id" | "out_trade_no" | "result_code" | "return_code" | "total_fee" | "transaction_id" => {
                assert!(read(&folded).is_err(), "{name} in {before}");
                for silent in silent {
                    assert_eq!(refused(silent), ReplyError::Missing { field: leak(name.to_owned()) });
                }
            }
            // its absence means CNY
            "fee_type" => {
                assert_eq!(read(&folded).unwrap_err(), NoticeError::Folded { field: "fee_type" });
                assert!(silent.iter().all(|body| read(body).unwrap().is_success()));
            }
            // not every product has it, and nothing rests on it
            _ => assert!(silent.iter().all(|body| read(body).unwrap().is_success()), "{name}"),
        }
    }
    for silent in [without(&NOTICE, "appid"), with(&NOTICE, "appid", "")] {
        assert_eq!(refused(signed(HmacSha256, &silent)), ReplyError::Missing { field: "appid" });
    }
}

#[test]
fn x19_the_amount_of_a_notice_is_a_plain_integer() {
    for bad in ["-1", "+1", " 1", "1 ", "01", "1.0", "1e3", "0x10", "１", "18446744073709551617"] {
        let refused = refused(signed(HmacSha256, &with(&NOTICE, "total_fee", bad)));
        assert!(matches!(refused, ReplyError::Malformed { field: "total_fee", .. }), "{bad}: {refused}");
    }
}

#[test]
fn x25_a_key_element_is_refused_in_a_notice() {
    assert_eq!(refused(signed(HmacSha256, &with(&NOTICE, "key", "x"))), ReplyError::KeyElement);
}

#[test]
fn x26_the_same_notice_a_hundred_times_is_handled_once() {
    let body = good();
    let mut handled = Handled::default();
    let key = read(&body).unwrap().duplicate_key();
    for round in 0..100 {
        let notice = read(&body).unwrap();
        assert_eq!(notice.duplicate_key(), key, "verified each time, and the same each time");
        let done = handled.once(notice.duplicate_key(), || Ok::<_, ReplyError>(round)).unwrap();
        assert_eq!(done, if round == 0 { Handling::Done(0) } else { Handling::AlreadyProcessed });
    }
    // another copy of it, written otherwise, is the same one
    let other = signed(HmacSha256, &with(&NOTICE, "nonce_str", "another"));
    assert_eq!(read(&other).unwrap().duplicate_key(), key);
    for (name, value) in [("out_trade_no", "1409811654"), ("sub_mch_id", "1608783242")] {
        let next = signed(HmacSha256, &with(&NOTICE, name, value));
        assert_ne!(read(&next).unwrap().duplicate_key(), key, "{name}");
    }
    // a sub-merchant that was folded away would make a second notice of it
    let whole = with(&with(&NOTICE, "sub_appid", "wx1"), "sub_mch_id", "1608783242");
    let folded = with(&NOTICE, "sub_appid", "wx1&sub_mch_id=1608783242");
    assert_eq!(naive_text(&folded), naive_text(&whole), "the sign fits");
    let folded = signed(HmacSha256, &folded);
    assert_eq!(read(&folded).unwrap_err(), NoticeError::Folded { field: "sub_mch_id" });
}

#[test]
fn x26_two_at_once_are_handled_once() {
    let (body, handled, work) = (good(), Mutex::new(Handled::default()), AtomicUsize::new(0));
    let deliver = || {
        let notice = read(&body).unwrap();
        let mut handled = handled.lock().unwrap();
        let done =
            handled.once(notice.duplicate_key(), || Ok::<_, ReplyError>(work.fetch_add(1, Ordering::SeqCst)));
        done.unwrap() == Handling::AlreadyProcessed
    };
    let already: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(deliver)).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!((work.load(Ordering::SeqCst), already), (1, 7));
}

#[test]
fn x26_what_failed_is_done_again_and_a_failure_hides_no_success() {
    let mut handled = Handled::default();
    let body = good();
    let notice = read(&body).unwrap();
    assert_eq!(handled.once(notice.duplicate_key(), || Err::<(), _>("no disk")), Err("no disk"));
    assert_eq!(handled.once(notice.duplicate_key(), || Ok::<_, &str>(())), Ok(Handling::Done(())));

    let mut handled = Handled::default();
    let failed = signed(HmacSha256, &with(&NOTICE, "result_code", "FAIL"));
    let failed = read(&failed).unwrap();
    assert_eq!(handled.once(failed.duplicate_key(), || Ok::<_, &str>(())), Ok(Handling::Done(())));
    assert_eq!(handled.once(failed.duplicate_key(), || Ok::<_, &str>(())), Ok(Handling::AlreadyProcessed));
    // nor does it hide that the service contradicts itself
    let odd = signed(HmacSha256, &with(&NOTICE, "trade_state", "PAY_FAIL"));
    let odd = read(&odd).unwrap();
    assert_eq!(odd.verdict(), Verdict::Unknown);
    assert_eq!(handled.once(odd.duplicate_key(), || Ok::<_, &str>(())), Ok(Handling::Done(())));
    assert_eq!(handled.once(notice.duplicate_key(), || Ok::<_, &str>(())), Ok(Handling::Done(())));
}

#[test]
fn x27_no_refused_notice_helps_to_forge() {
    let (right, text) = (naive_sign(HmacSha256, &NOTICE), naive_text(&NOTICE));
    for body in [
        document(&NOTICE),
        document(&with(&NOTICE, "sign", &"0".repeat(64))),
        signed(SignType::Md5, &NOTICE),
        signed(HmacSha256, &with(&NOTICE, "mch_id", "1")),
        signed(HmacSha256, &without(&NOTICE, "total_fee")),
        signed(HmacSha256, &with(&NOTICE, "attach", "CANARY&trade_state=CANARY")),
        good().replace('<', "&lt;"),
        good().replace("</xml>", ""),
    ] {
        let error = read(&body).unwrap_err();
        let shown = format!("{error} {error:?} {:?} {}", error.likely_causes(), notice::FAIL);
        let openid = "oUpF8uMEb4qRXf22hE3X68TekukE";
        for secret in [&*right, &right.to_lowercase(), &text, &body, KEY, openid, "CANARY"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn x28_a_notice_is_of_the_dialect_or_refused() {
    for (from, to, kind) in [
        ("<xml>", "<!DOCTYPE xml><xml>", Kind::Doctype),
        ("<xml>", "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><xml>", Kind::Doctype),
        ("<total_fee>", "<total_fee><!-- -->", Kind::Comment),
        ("<total_fee>", "<total_fee>1</total_fee><total_fee>", Kind::Duplicate),
        ("<total_fee>", "<a><total_fee>9</total_fee></a><total_fee>", Kind::Nested),
        ("<total_fee>", "<total_fee a=\"b\">", Kind::Attribute),
        ("</xml>", "</xml>x", Kind::Trailing),
    ] {
        let body = good().replacen(from, to, 1);
        assert!(matches!(refused(body), ReplyError::Xml(error) if error.kind == kind), "{to}");
    }
}

#[test]
fn x43_a_notice_shows_its_names_only() {
    let body = signed(HmacSha256, &with(&NOTICE, "attach", "CANARY\u{9b}31m"));
    let notice = read(&body).unwrap();
    let shown = format!("{notice:?}");
    for secret in ["CANARY", "oUpF8uMEb4qRXf22hE3X68TekukE", KEY] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("total_fee"), "{shown}");
}
