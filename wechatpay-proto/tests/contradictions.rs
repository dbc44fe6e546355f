//! Two facts that contradict each other settle nothing: a success with the code of a failure, a failure with a claim.

mod common;

use common::*;
use wechatpay_proto::SignType::Md5;
use wechatpay_proto::jsapi::SendBizRedPacket;
use wechatpay_proto::{Advice, Call, ErrorCode, Fen, Nonce, Outcome, Reason};

const CONTRADICTION: Outcome<'static> = Outcome::Unknown(Reason::Contradiction);

/// What a success of a sending may say in `err_code`, beside nothing.
const HARMLESS: [&str; 4] = ["SUCCESS", "0", "OK", ""];

/// What it may not: every listed code, numbers, and words that look harmless.
fn codes() -> Vec<&'static str> {
    let listed = ErrorCode::LISTED.iter().map(|code| leak(code.as_str().to_owned()));
    listed.chain(["268501013", "ZZZ", "success", "ok", "Ok", "00", "1", " ", "SUCCESS "]).collect()
}

/// The outcomes of every sending whose answer has `err_code` set to `code`.
fn sendings(code: &'static str) -> [Outcome<'static>; 4] {
    let fields = with(&with(&SENT, "package", PACKAGE), "err_code", code);
    let plain = document(&fields);
    [
        accept(&PACKET, &plain).unwrap().outcome().into_owned(),
        accept(&MINI, &plain).unwrap().outcome().into_owned(),
        accept(&GROUP, &plain).unwrap().outcome().into_owned(),
        accept(&WORK, signed(Md5, &fields)).unwrap().outcome().into_owned(),
    ]
}

/// The same for both queries, with `more` beside a status.
fn queries(status: &'static str, more: &[(&'static str, &'static str)]) -> [Outcome<'static>; 2] {
    let found = with(&SENT, "status", status);
    let fields = more.iter().fold(found, |fields, (name, value)| with(&fields, name, value));
    [
        accept(&QUERY, document(&fields)).unwrap().outcome().into_owned(),
        accept(&WORK_QUERY, signed(Md5, &fields)).unwrap().outcome().into_owned(),
    ]
}

#[test]
fn a_success_with_the_code_of_a_failure_is_none() {
    for harmless in HARMLESS {
        assert!(sendings(harmless).iter().all(Outcome::is_accepted), "{harmless}");
        assert!(queries("SENT", &[("err_code", harmless)]).iter().all(Outcome::is_accepted), "{harmless}");
        assert!(queries("FAILED", &[("err_code", harmless)]).iter().all(Outcome::is_failed), "{harmless}");
    }
    assert!(codes().contains(&"SEND_FAILED") && codes().contains(&"NOTENOUGH"));
    for code in codes() {
        assert_eq!(sendings(code), [(); 4].map(|()| CONTRADICTION), "{code}");
        for status in ["SENT", "RECEIVED", "REFUND", "RFUND_ING", "FAILED", "SENDING"] {
            assert_eq!(
                queries(status, &[("err_code", code)]),
                [(); 2].map(|()| CONTRADICTION),
                "{status} {code}"
            );
        }
        let head = accept(&PACKET, document(&with(&SENT, "err_code", code))).unwrap().head;
        assert!(!head.is_success() && !head.is_failure() && head.is_contradiction(), "{code}");
        assert_eq!(head.reason().advice(), Advice::FixOrder, "{code}");
        // nor is it one for whoever asks by name
        let call = Call::new("pay/x").sign_type(Md5);
        let reply = accept(&call, signed(Md5, &with(&PAID, "err_code", code))).unwrap();
        assert!(!reply.head.is_success() && reply.head.is_contradiction(), "{code}");
    }
}

#[test]
fn no_front_end_parameters_come_from_a_contradiction() {
    let taken = with(&SENT, "package", PACKAGE);
    let make = |fields: &[(&str, &str)]| {
        let reply = accept(&MINI, document(fields)).unwrap();
        SendBizRedPacket::new(&MERCHANT, &reply, 1, Nonce::from_bytes([1; 16])).is_ok()
    };
    assert!(make(&taken));
    assert!(!make(&with(&taken, "err_code", "PROCESSING")));
}

#[test]
fn a_failure_that_tells_of_a_claim_is_none() {
    for (name, value) in [
        ("rcv_time", "2019-12-12 16:36:10"),
        ("openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
        ("amount", "1000"),
        ("refund_time", "2019-12-13 16:51:38"),
        ("refund_amount", "1000"),
    ] {
        assert_eq!(queries("FAILED", &[(name, value)]), [(); 2].map(|()| CONTRADICTION), "{name}");
        assert!(queries("FAILED", &[(name, "")]).iter().all(Outcome::is_failed), "{name} is empty");
        assert!(queries("RECEIVED", &[(name, value)]).iter().all(Outcome::is_accepted), "{name}");
    }
    assert!(queries("FAILED", &[("refund_amount", "0"), ("reason", "x")]).iter().all(Outcome::is_failed));
}

#[test]
fn an_answer_about_another_amount_settles_nothing() {
    for status in ["FAILED", "SENT", "RECEIVED", "REFUND"] {
        let found = with(&SENT, "status", status);
        let settled = queries(status, &[]);
        let (plain, work) =
            (accept(&QUERY, document(&found)).unwrap(), accept(&WORK_QUERY, signed(Md5, &found)).unwrap());
        assert_eq!([plain.outcome_for(Fen(1_000)), work.outcome_for(Fen(1_000))], settled, "{status}");
        for other in [Fen(999), Fen(1_001)] {
            assert_eq!([plain.outcome_for(other), work.outcome_for(other)], [(); 2].map(|()| CONTRADICTION));
        }
        // where the answer does not say it, there is nothing to compare
        let silent = accept(&QUERY, document(&without(&found, "total_amount"))).unwrap();
        assert_eq!(silent.outcome_for(Fen(1)), silent.outcome());
    }
}
