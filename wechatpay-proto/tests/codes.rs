//! Every documented error code, with what it means: to a sending, and to a query.

mod common;

use common::*;
use wechatpay_proto::Advice::{ConfirmThenNewNumber, FixOrder, FixSetup, Query, ResendSame};
use wechatpay_proto::{Advice, ErrorCode, Outcome, Reason};

/// The tables of the official pages and what was observed beside them; the classes are ours.
const CODES: [(&str, Advice); 26] = [
    ("NO_AUTH", Query),
    ("SENDNUM_LIMIT", ResendSame),
    ("SENDAMOUNT_LIMIT", ResendSame),
    ("RCVDAMOUNT_LIMIT", ResendSame),
    ("ILLEGAL_APPID", FixOrder),
    ("MONEY_LIMIT", FixOrder),
    ("SEND_FAILED", ConfirmThenNewNumber),
    ("FATAL_ERROR", Query),
    ("CA_ERROR", FixSetup),
    ("SIGN_ERROR", FixSetup),
    ("SYSTEMERROR", Query),
    ("PROCESSING", Query),
    ("XML_ERROR", FixSetup),
    ("FREQ_LIMIT", ResendSame),
    ("API_METHOD_CLOSED", FixSetup),
    ("NOTENOUGH", ResendSame),
    ("OPENID_ERROR", FixOrder),
    ("MSGAPPID_ERROR", FixOrder),
    ("ACCEPTMODE_ERROR", FixOrder),
    ("PARAM_ERROR", FixOrder),
    ("SECOND_OVER_LIMITED", ResendSame),
    ("DAY_OVER_LIMITED", ResendSame),
    ("PRODUCT_AUTHORITY_UNOPEN", FixSetup),
    ("NO_COMPETENCE", FixSetup),
    ("PAYER_ACCOUNT_ABNORMAL", Query),
    ("NOT_FOUND", Query),
];

fn failing(code: &str, return_code: &'static str) -> String {
    let fields = with(&with(&SENT, "result_code", "FAIL"), "return_code", return_code);
    document(&with(&fields, "err_code", code))
}

#[test]
fn the_table_is_complete() {
    let listed: Vec<_> = ErrorCode::LISTED.iter().map(|code| (code.as_str(), code.advice())).collect();
    assert_eq!(listed, CODES);
}

#[test]
fn to_a_sending_only_send_failed_is_a_failure() {
    for (code, advice) in CODES {
        let reply = accept(&PACKET, failing(code, "SUCCESS")).unwrap();
        match reply.outcome() {
            Outcome::Failed => assert_eq!(code, "SEND_FAILED"),
            Outcome::Unknown(reason) => assert_eq!(reason.advice(), advice, "{code}"),
            Outcome::Accepted => panic!("{code}"),
        }
        // The envelope of the official samples proves nothing, whatever code is in it.
        let reply = accept(&PACKET, failing(code, "FAIL")).unwrap();
        let Outcome::Unknown(reason) = reply.outcome() else { panic!("{code}") };
        assert_ne!(reason.advice(), ConfirmThenNewNumber, "{code}");
    }
}

#[test]
fn to_a_query_no_code_says_anything_about_the_order() {
    for (code, _) in CODES.into_iter().chain([("268458547", Query)]) {
        for return_code in ["SUCCESS", "FAIL"] {
            let reply = accept(&QUERY, failing(code, return_code)).unwrap();
            let outcome = reply.outcome();
            assert_eq!(outcome, Outcome::Unknown(Reason::QueryRefused(ErrorCode::new(code))));
            let Outcome::Unknown(reason) = outcome else { unreachable!() };
            assert!(matches!(reason.advice(), Query | FixSetup), "{code}: {:?}", reason.advice());
        }
    }
}
