//! Every documented error code, with what it means: to each of the four sendings, and to both queries.

mod common;

use common::*;
use wechatpay_proto::Advice::{ConfirmThenNewNumber, FixOrder, FixSetup, Query, ResendSame};
use wechatpay_proto::SignType::Md5;
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

/// The texts that the documents list under PARAM_ERROR, and those that were seen besides.
const PARAM_ERRORS: [&str; 20] = [
    "act_name字段必填,并且少于32个字符",
    "发放金额、最小金额、最大金额必须相等",
    "红包金额参数错误",
    "appid字段必填,最长为32个字符",
    "订单号字段必填,最长为28个字符",
    "client_ip必须是合法的IP字符串",
    "输入的商户号有误",
    "找不到对应的商户号",
    "商户号和wxappid不匹配",
    "nick_name字段必填，并且少于16字符",
    "nonce_str字段必填,并且少于32字符",
    "re_openid字段为必填并且少于32个字符",
    "remark字段为必填,并且少于256字符",
    "send_name字段为必填并且少于32字符",
    "total_num必须为1",
    "wishing字段为必填,并且少于128个字符",
    "输入的商户订单号有误",
    "该场景未开通，请登陆商户平台:产品中心-现金红包-产品设置-使用场景 进行开通",
    "授理模式/资金受理才需要填入msgappid",
    "send_name字段必填,并且少于32字符",
];

/// What an answer means, by endpoint; and whether it settles nothing unless it is signed.
type Read = (&'static str, bool, fn(&str) -> Outcome<'static>);

const SENDINGS: [Read; 4] = [
    ("sendredpack", false, |body| accept(&PACKET, body).unwrap().outcome()),
    ("sendminiprogramhb", false, |body| accept(&MINI, body).unwrap().outcome()),
    ("sendgroupredpack", false, |body| accept(&GROUP, body).unwrap().outcome()),
    ("sendworkwxredpack", true, |body| accept(&WORK, body).unwrap().outcome()),
];

const QUERIES: [Read; 2] = [
    ("gethbinfo", false, |body| accept(&QUERY, body).unwrap().outcome()),
    ("queryworkwxredpack", true, |body| accept(&WORK_QUERY, body).unwrap().outcome()),
];

fn failing(code: &str, return_code: &'static str, with_sign: bool) -> String {
    let fields = with(&with(&SENT, "result_code", "FAIL"), "return_code", return_code);
    let fields = with(&fields, "err_code", code);
    if with_sign { signed(Md5, &fields) } else { document(&fields) }
}

#[test]
fn the_table_is_complete() {
    let listed: Vec<_> = ErrorCode::LISTED.iter().map(|code| (code.as_str(), code.advice())).collect();
    assert_eq!(listed, CODES);
}

#[test]
fn to_a_sending_only_send_failed_is_a_failure() {
    for (endpoint, needs_sign, outcome) in SENDINGS {
        for (code, advice) in CODES {
            for with_sign in [false, true] {
                match outcome(&failing(code, "SUCCESS", with_sign)) {
                    Outcome::Failed => {
                        assert!(code == "SEND_FAILED" && (with_sign || !needs_sign), "{endpoint}")
                    }
                    Outcome::Unknown(reason) if code == "SEND_FAILED" => {
                        assert!(needs_sign && !with_sign, "{endpoint}");
                        assert_eq!(reason.advice(), Query, "{endpoint}");
                    }
                    Outcome::Unknown(reason) => assert_eq!(reason.advice(), advice, "{endpoint} {code}"),
                    Outcome::Accepted => panic!("{endpoint} {code}"),
                }
                // The envelope of the official samples proves nothing, whatever code is in it.
                let Outcome::Unknown(reason) = outcome(&failing(code, "FAIL", with_sign)) else {
                    panic!("{endpoint} {code}")
                };
                assert_ne!(reason.advice(), ConfirmThenNewNumber, "{endpoint} {code}");
            }
        }
    }
}

#[test]
fn an_outcome_is_one_of_three() {
    for (outcome, accepted, failed, unknown) in [
        (Outcome::Accepted, true, false, false),
        (Outcome::Failed, false, true, false),
        (Outcome::Unknown(Reason::NoVerdict), false, false, true),
    ] {
        let is = (outcome.is_accepted(), outcome.is_failed(), outcome.is_unknown());
        assert_eq!(is, (accepted, failed, unknown), "{outcome:?}");
    }
}

#[test]
fn to_a_sending_a_code_that_is_not_listed_says_query() {
    for (endpoint, _, outcome) in SENDINGS {
        for code in
            ["268458547", "0", "SUCCESS", "V2_ACCOUNT_SIMPLE_BAN", "SIGNERROR", "send_failed", "SEND_FAILED "]
        {
            for (return_code, with_sign) in [("SUCCESS", false), ("SUCCESS", true), ("FAIL", false)] {
                let open = Outcome::Unknown(Reason::Code(ErrorCode::Other(code.into())));
                assert_eq!(outcome(&failing(code, return_code, with_sign)), open, "{endpoint} {code}");
            }
        }
        assert_eq!(Reason::Code(ErrorCode::new("268458547")).advice(), Query);
    }
}

#[test]
fn to_a_sending_every_param_error_is_for_a_person() {
    for (endpoint, _, outcome) in SENDINGS {
        for text in PARAM_ERRORS {
            let text = format!("参数错误:{text}");
            let fields = with(&with(&SENT, "result_code", "FAIL"), "err_code", "PARAM_ERROR");
            let fields = with(&with(&fields, "err_code_des", &text), "return_msg", &text);
            let bare = without(&without(&fields, "mch_billno"), "re_openid");
            for body in [document(&fields), signed(Md5, &fields), document(&bare)] {
                let reason = Reason::Code(ErrorCode::ParamError);
                assert_eq!(
                    (reason.advice(), outcome(&body)),
                    (FixOrder, Outcome::Unknown(reason)),
                    "{endpoint}"
                );
            }
        }
    }
}

#[test]
fn to_a_query_no_code_says_anything_about_the_order() {
    for (endpoint, _, outcome) in QUERIES {
        for (code, _) in CODES.into_iter().chain([("268458547", Query), ("NEW_CODE", Query)]) {
            for (return_code, with_sign) in
                [("SUCCESS", false), ("SUCCESS", true), ("FAIL", false), ("FAIL", true)]
            {
                let outcome = outcome(&failing(code, return_code, with_sign));
                assert_eq!(
                    outcome,
                    Outcome::Unknown(Reason::QueryRefused(ErrorCode::new(code))),
                    "{endpoint}"
                );
                let Outcome::Unknown(reason) = outcome else { unreachable!() };
                assert!(
                    matches!(reason.advice(), Query | FixSetup),
                    "{endpoint} {code}: {:?}",
                    reason.advice()
                );
            }
        }
    }
}
