//! The untyped door holds an answer to its request: another order's answer, and the answer of another kind of call, are
//! no success of this one.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::call::PATHS;
use wechatpay_proto::endpoint::SignBy;
use wechatpay_proto::{Call, CallReply, ReplyError, SignType};

/// Names and values.
type Fields = &'static [(&'static str, &'static str)];

const CODES: Fields = &[("return_code", "SUCCESS"), ("result_code", "SUCCESS")];
const OWN: Fields = &[("appid", "wxd930ea5d5a258f4f"), ("mch_id", "10000098")];
/// What order B is called.
const SENT_IDS: Fields = &[("appid", "wxd930ea5d5a258f4f"), ("out_trade_no", "ORDER-B")];

/// Calls about one order, each with what its success has beside the codes and who is who.
const KINDS: [(&str, Fields, Fields); 11] = [
    (
        "pay/unifiedorder",
        &[],
        &[("trade_type", "JSAPI"), ("prepay_id", "wx201410272009395522657a690389285100")],
    ),
    (
        "pay/micropay",
        &[],
        &[
            ("out_trade_no", "ORDER-B"),
            ("transaction_id", "1"),
            ("total_fee", "100"),
            ("time_end", "20141030133525"),
        ],
    ),
    (
        "pay/orderquery",
        &[],
        &[
            ("out_trade_no", "ORDER-B"),
            ("trade_state", "REFUND"),
            ("openid", "o"),
            ("trade_type", "MICROPAY"),
            ("bank_type", "CMC"),
            ("total_fee", "100"),
            ("cash_fee", "100"),
            ("transaction_id", "1"),
            ("time_end", "20141030133525"),
        ],
    ),
    ("pay/closeorder", &[], &[("result_msg", "OK")]),
    ("secapi/pay/reverse", &[], &[("recall", "N")]),
    (
        "secapi/pay/refund",
        &[("out_refund_no", "REFUND-B"), ("total_fee", "100"), ("refund_fee", "100")],
        &[
            ("out_trade_no", "ORDER-B"),
            ("transaction_id", "1"),
            ("out_refund_no", "REFUND-B"),
            ("refund_id", "2"),
            ("refund_fee", "100"),
            ("total_fee", "100"),
        ],
    ),
    (
        "pay/refundquery",
        &[("out_refund_no", "REFUND-B")],
        &[
            ("out_trade_no", "ORDER-B"),
            ("transaction_id", "1"),
            ("total_fee", "100"),
            ("refund_count", "1"),
            ("out_refund_no_0", "REFUND-B"),
            ("refund_id_0", "2"),
            ("refund_fee_0", "100"),
            ("refund_status_0", "SUCCESS"),
        ],
    ),
    (
        "secapi/pay/profitsharing",
        &[("out_order_no", "SHARE-B")],
        &[("transaction_id", "1"), ("out_order_no", "SHARE-B"), ("order_id", "3")],
    ),
    (
        "secapi/pay/profitsharingreturn",
        &[("out_return_no", "BACK-B")],
        &[("out_return_no", "BACK-B"), ("return_no", "4")],
    ),
    ("papay/querycontract", &[("contract_id", "5")], &[("contract_id", "5"), ("contract_state", "0")]),
    ("papay/deletecontract", &[("contract_id", "5")], &[("contract_id", "5")]),
];

fn digest(path: &str) -> SignType {
    let facts = PATHS.iter().find(|row| row.path[1..] == *path).unwrap();
    if facts.sign_by == SignBy::Md5 { Md5 } else { HmacSha256 }
}

fn call(path: &str, more: Fields) -> Call<'static> {
    Call::new(path).fields([SENT_IDS, more].concat())
}

/// The answer to a call of `path` that says `fields` and is rightly signed.
fn answered(
    path: &str,
    more: Fields,
    fields: &[(&'static str, &'static str)],
) -> Result<CallReply<'static>, ReplyError> {
    accept(&call(path, more), signed(digest(path), &[CODES, OWN, fields].concat()))
}

#[test]
fn a_success_of_another_order_is_refused() {
    for (path, more, success) in KINDS {
        assert!(answered(path, more, success).unwrap().head.is_success(), "{path}");
        let sent = [SENT_IDS, more].concat();
        let mut compared = 0;
        for (name, _) in success.iter().chain(OWN) {
            let bare = name.trim_end_matches("_0");
            if bare != "mch_id" && !sent.iter().any(|(own, _)| *own == bare) {
                continue;
            }
            compared += 1;
            let fields = with(&[CODES, OWN, success].concat(), name, "ORDER-A");
            let refused = accept(&call(path, more), signed(digest(path), &fields)).unwrap_err();
            assert!(
                matches!(refused, ReplyError::Correlation { field } if field == bare),
                "{path} {name}: {refused}"
            );
            assert!(refused.outcome().is_unknown());
        }
        assert!(compared >= 2, "{path}");
    }
}

#[test]
fn a_signed_failure_of_another_order_is_refused_too() {
    let failure = [("return_code", "SUCCESS"), ("result_code", "FAIL"), ("err_code", "ORDERNOTEXIST")];
    let about = |number| signed(HmacSha256, &with(&[&failure[..], OWN].concat(), "out_trade_no", number));
    assert!(accept(&call("pay/orderquery", &[]), about("ORDER-B")).unwrap().head.is_failure());
    let refused = accept(&call("pay/orderquery", &[]), about("ORDER-A")).unwrap_err();
    assert_eq!(refused, ReplyError::Correlation { field: "out_trade_no" });
}

#[test]
fn a_success_of_another_kind_of_call_is_refused() {
    for (asked, more, _) in KINDS {
        for (other, _, success) in KINDS.iter().filter(|(other, ..)| *other != asked) {
            let fields = [CODES, OWN, success].concat();
            let refused = accept(&call(asked, more), signed(digest(asked), &fields)).map(|_| ()).unwrap_err();
            let kind = matches!(
                refused,
                ReplyError::Missing { .. } | ReplyError::OtherCall { .. } | ReplyError::Correlation { .. }
            );
            assert!(kind && refused.outcome().is_unknown(), "a success of {other} to {asked}: {refused}");
        }
    }
    let found = KINDS.iter().find(|(path, ..)| *path == "pay/orderquery").unwrap().2;
    let answered = |path: &str| {
        let more = KINDS.iter().find(|(own, ..)| *own == path).unwrap().1;
        answered(path, more, found).unwrap_err()
    };
    assert_eq!(answered("secapi/pay/refund"), ReplyError::Missing { field: "out_refund_no" });
    let closed = answered("pay/closeorder");
    assert_eq!(closed, ReplyError::OtherCall { field: "time_end" });
    assert!(
        closed.to_string().contains("time_end") && closed.to_string().contains("another call"),
        "{closed}"
    );
    // a payment that was taken back is no payment that was taken
    assert_eq!(answered("pay/micropay"), ReplyError::OtherCall { field: "trade_state" });
}

#[test]
fn what_was_sent_marks_no_other_call_and_an_unlisted_path_has_no_marks() {
    let success = [CODES, OWN, &[("order_id", "3")]].concat();
    let taken =
        |call: Call<'static>| accept(&call, signed(Md5, &success)).map(|reply| reply.head.is_success());
    let deduct = || Call::new("pay/pappayapply").field("appid", "wxd930ea5d5a258f4f");
    assert_eq!(taken(deduct()), Err(ReplyError::OtherCall { field: "order_id" }));
    assert_eq!(taken(deduct().field("order_id", "3")), Ok(true));
    assert_eq!(taken(deduct().field("order_id", "")), Err(ReplyError::OtherCall { field: "order_id" }));
    assert_eq!(taken(Call::new("brand/new")), Ok(true));
    // an empty mark is none
    let empty = signed(Md5, &with(&success, "order_id", ""));
    assert!(accept(&deduct(), empty).unwrap().head.is_success());
}

#[test]
fn where_an_answer_counts_one_must_be_what_was_sent() {
    let found = |more: &[(&'static str, &'static str)]| {
        let call = Call::new("pay/refundquery").fields([("out_refund_no", "B"), ("refund_id", "7")]);
        let fields = [CODES, OWN, &[("refund_count", "2")], more].concat();
        accept(&call, signed(HmacSha256, &fields)).map(|reply| reply.head.is_success())
    };
    let other = |field| Err(ReplyError::Correlation { field });
    assert_eq!(found(&[("out_refund_no_0", "A"), ("out_refund_no_1", "B")]), Ok(true));
    assert_eq!(found(&[("out_refund_no_0", "A"), ("out_refund_no_1", "b")]), other("out_refund_no"));
    assert_eq!(found(&[("out_refund_no_10", "A")]), other("out_refund_no"));
    assert_eq!(found(&[("refund_id_0", "8")]), other("refund_id"));
    // the bare name speaks for itself, and what is no number counts nothing
    assert_eq!(found(&[("out_refund_no", "A"), ("out_refund_no_0", "B")]), other("out_refund_no"));
    for nothing in
        ["out_refund_no_", "out_refund_no_x", "out_refund_no_0_0", "out_refund_no0", "my_out_refund_no_0"]
    {
        assert_eq!(found(&[(nothing, "A")]), Ok(true), "{nothing}");
    }
    assert_eq!(found(&[("out_refund_no_0", "")]), Ok(true));
}
