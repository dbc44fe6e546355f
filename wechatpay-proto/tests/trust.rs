//! The work-weixin pair: successes are signed, failures were seen without, and nothing that was not signed settles anything.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::Endpoint as _;
use wechatpay_proto::reply::ResultCode;
use wechatpay_proto::rule::Violation;
use wechatpay_proto::v2::mmpaymkttransfers::{HbStatus, SendWorkWxRedPack, SendWorkWxRedPackOptions};
use wechatpay_proto::wire::{self, XmlErrorKind};
use wechatpay_proto::{Advice, ApiKey, ErrorCode, Fen, Merchant, Nonce, Outcome, Reason, ReplyError};

/// A success that fits the query.
fn found() -> Vec<(&'static str, &'static str)> {
    with(&with(&SENT, "status", "SENT"), "sender_name", "甲")
}

/// The one failure that frees a number, naming the order.
fn dead() -> Vec<(&'static str, &'static str)> {
    let fields = with(&with(&SENT, "result_code", "FAIL"), "err_code", "SEND_FAILED");
    with(&fields, "err_code_des", "红包发放失败,请更换单号再重试")
}

/// The two refusals of one body, which must be one.
fn both_refuse(body: impl AsRef<[u8]>) -> ReplyError {
    let body = body.as_ref();
    let [sent, queried] = [accept(&WORK, body).err(), accept(&WORK_QUERY, body).err()];
    assert_eq!(sent, queried);
    sent.unwrap_or_else(|| panic!("not refused: {}", String::from_utf8_lossy(body)))
}

#[test]
fn x01_a_success_without_a_sign_is_refused() {
    assert!(accept(&WORK, signed(Md5, &SENT)).unwrap().outcome().is_accepted());
    assert!(accept(&WORK_QUERY, signed(Md5, &found())).unwrap().outcome().is_accepted());
    for unsigned in [
        document(&found()),
        document(&with(&found(), "err_code", "SEND_FAILED")),
        document(&with(&found(), "Sign", &"0".repeat(32))),
        document(&[("return_code", "SUCCESS"), ("result_code", "SUCCESS")]),
    ] {
        let refused = both_refuse(&unsigned);
        assert_eq!(refused, ReplyError::SignMissing, "{unsigned}");
        assert_eq!(refused.outcome(), Outcome::Unknown(Reason::Unreadable));
    }
}

#[test]
fn x02_a_sign_that_is_there_is_checked_whatever_the_answer_says() {
    let text = naive_text(&found());
    let other_key = naive_digest(Md5, format!("{text}{SECRET}"));
    let zero = "0".repeat(32);
    for (sign, refusal) in [
        (zero.as_str(), ReplyError::SignMismatch),
        // the secret of the application is not the key of the merchant
        (&other_key, ReplyError::SignMismatch),
        (&zero[1..], ReplyError::SignMalformed),
        ("C380BEC2BFD727A4B6845133519F3AD", ReplyError::SignMalformed),
        ("", ReplyError::SignMissing),
    ] {
        assert_eq!(both_refuse(document(&with(&found(), "sign", sign))), refusal, "{sign}");
        // a failure is read without a sign, not with a wrong one
        assert_eq!(both_refuse(document(&with(&dead(), "sign", sign))), refusal, "{sign}");
        let complaint = [("return_code", "FAIL"), ("return_msg", "x"), ("sign", sign)];
        assert_eq!(both_refuse(document(&complaint)), refusal, "{sign}");
    }
    // the digest is that of the table, not of the merchant and not of the message
    assert_eq!(both_refuse(signed(HmacSha256, &found())), ReplyError::SignTypeMismatch { expected: Md5 });
}

#[test]
fn x09_no_part_of_a_signed_answer_is_an_answer() {
    for (whole, of_query) in [(signed(Md5, &SENT), false), (signed(Md5, &found()), true)] {
        for end in 0..whole.len() {
            let part = &whole.as_bytes()[..end];
            let read = if of_query { accept(&WORK_QUERY, part).is_ok() } else { accept(&WORK, part).is_ok() };
            assert!(!read, "accepted when cut at {end}");
        }
    }
}

#[test]
fn x11_an_unsigned_failure_says_its_codes_and_nothing_else() {
    for (return_code, result_code) in [
        ("SUCCESS", "FAIL"),
        ("FAIL", "FAIL"),
        ("FAIL", "SUCCESS"),
        ("FAIL", ""),
        ("SUCCESS", ""),
        ("SUCCESS", "success"),
    ] {
        let fields = with(&with(&dead(), "return_code", return_code), "result_code", result_code);
        let body = document(&with(&with(&fields, "status", "FAILED"), "zzz", "1"));
        let reply = accept(&WORK, &body).unwrap();
        assert_eq!(reply.head.err_code, Some(ErrorCode::SendFailed));
        assert_eq!(reply.head.err_code_des.as_deref(), Some("红包发放失败,请更换单号再重试"));
        assert_eq!((&reply.mch_billno, &reply.mch_id, reply.total_amount), (&None, &None, None), "{body}");
        assert_eq!((&reply.send_listid, reply.extra.len()), (&None, 0), "{body}");
        let Outcome::Unknown(reason) = reply.outcome() else { panic!("{body}") };
        assert_eq!((&reason, reason.advice()), (&Reason::Code(ErrorCode::SendFailed), Advice::Query));

        let reply = accept(&WORK_QUERY, &body).unwrap();
        assert_eq!((&reply.status, &reply.mch_billno, reply.extra.len()), (&None, &None, 0), "{body}");
        assert_eq!(reply.outcome(), Outcome::Unknown(Reason::QueryRefused(ErrorCode::SendFailed)));
    }
    // it speaks of no order, so it cannot speak of another one
    let other = document(&with(&dead(), "mch_billno", "1"));
    assert!(accept(&WORK, other).unwrap().outcome().is_unknown());
    let empty = document(&[("result_code", "FAIL"), ("err_code", "SEND_FAILED")]);
    assert_eq!(both_refuse(empty), ReplyError::Missing { field: "return_code" });
}

#[test]
fn a_signed_failure_that_names_the_order_settles_it() {
    let outcome = |fields: &[(&str, &str)]| accept(&WORK, signed(Md5, fields)).map(|reply| reply.outcome());
    assert_eq!(outcome(&dead()), Ok(Outcome::Failed));
    let open = Outcome::Unknown(Reason::Code(ErrorCode::SendFailed));
    assert_eq!(outcome(&without(&dead(), "mch_billno")), Ok(open.clone()));
    assert_eq!(outcome(&with(&dead(), "return_code", "FAIL")), Ok(open));
    let refused = outcome(&with(&dead(), "mch_billno", "1")).unwrap_err();
    assert_eq!(refused, ReplyError::Correlation { field: "mch_billno" });

    let reply = accept(&WORK, signed(Md5, &with(&SENT, "return_code", "FAIL"))).unwrap();
    assert_eq!(reply.head.result_code, Some(ResultCode::Success));
    assert_eq!(reply.outcome(), Outcome::Unknown(Reason::NoVerdict), "a FAIL beside a SUCCESS is none");

    let failed = accept(&WORK_QUERY, signed(Md5, &with(&found(), "status", "FAILED"))).unwrap();
    assert_eq!((failed.status.clone(), failed.outcome()), (Some(HbStatus::Failed), Outcome::Failed));
}

#[test]
fn x13_an_unknown_field_is_kept_if_it_was_signed() {
    let reply = accept(&WORK, signed(Md5, &with(&SENT, "zzz", "1 & 2"))).unwrap();
    assert_eq!(reply.extra, [("zzz".into(), "1 & 2".into())]);
    let appended = signed(Md5, &found()).replace("</xml>", "<zzz>1</zzz></xml>");
    assert_eq!(both_refuse(appended), ReplyError::SignMismatch);
}

#[test]
fn x18_a_signed_success_has_what_it_promises_and_is_about_this_order() {
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"] {
        for silent in [without(&SENT, field), with(&SENT, field, "")] {
            assert_eq!(accept(&WORK, signed(Md5, &silent)).unwrap_err(), ReplyError::Missing { field });
        }
        let other = accept(&WORK, signed(Md5, &with(&SENT, field, "1"))).unwrap_err();
        assert_eq!(other, ReplyError::Correlation { field });
    }
    for field in ["mch_billno", "mch_id", "status"] {
        let silent = accept(&WORK_QUERY, signed(Md5, &without(&found(), field))).unwrap_err();
        assert_eq!(silent, ReplyError::Missing { field });
    }
    for field in ["mch_billno", "mch_id"] {
        let other = accept(&WORK_QUERY, signed(Md5, &with(&found(), field, "1"))).unwrap_err();
        assert_eq!(other, ReplyError::Correlation { field });
    }
    // the amount that was claimed is no echo
    let claimed = with(&with(&found(), "total_amount", "1"), "amount", "7");
    assert_eq!(accept(&WORK_QUERY, signed(Md5, &claimed)).unwrap().amount, Some(Fen(7)));
}

#[test]
fn x25_a_key_element_is_refused_in_a_success() {
    for value in ["x", "", KEY] {
        assert_eq!(both_refuse(signed(Md5, &with(&found(), "key", value))), ReplyError::KeyElement);
    }
    let nested = signed(Md5, &found()).replace("</xml>", "<hblist><hbinfo/></hblist></xml>");
    assert!(matches!(both_refuse(nested), ReplyError::Xml(error) if error.kind == XmlErrorKind::Nested));
}

/// The sign covers a text without escapes: whoever chooses a sender's name could write fields into it. So the name is
/// refused on its way out, and an answer that swallows a field is refused on its way in.
#[test]
fn a_senders_name_adds_and_hides_no_field() {
    for (name, at) in [("甲&total_amount=1", 3), ("甲=1", 3), ("&status=FAILED", 0)] {
        let options = SendWorkWxRedPackOptions { sender_name: Some(name), ..Default::default() };
        let allowed = "text without & and = and C0 controls";
        let text =
            format!("sender_name has a character that is not allowed at byte {at}; allowed: {allowed}");
        let packet = SendWorkWxRedPack { options, ..WORK.clone() };
        refused(&packet, "sender_name", Violation::Characters { allowed, at }, &text);
    }

    let fold = |fields: &[(&'static str, &'static str)], name| {
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        let sign = naive_sign(Md5, &fields);
        let place = fields.iter().position(|(own, _)| *own == name).unwrap();
        let ((before, kept), (_, value)) = (fields[place - 1], fields[place]);
        let longer = format!("{kept}&{name}={value}");
        let folded = without(&with(&fields, before, &longer), name);
        assert_eq!(naive_text(&folded), naive_text(&fields), "the sign fits");
        (before, document(&with(&folded, "sign", &sign)))
    };
    let sent = with(&SENT, "sender_name", "甲");
    let (swallower, folded) = fold(&sent, "total_amount");
    assert_eq!(swallower, "sender_name");
    assert_eq!(accept(&WORK, folded).unwrap_err(), ReplyError::Missing { field: "total_amount" });
    let (swallower, folded) = fold(&found(), "status");
    assert_eq!(swallower, "sender_name");
    assert_eq!(accept(&WORK_QUERY, folded).unwrap_err(), ReplyError::Missing { field: "status" });
    // whatever swallows what, the order that is accepted is this one
    for (name, _) in sent.iter().filter(|(name, _)| *name != "mch_billno") {
        let (swallower, folded) = fold(&sent, name);
        match accept(&WORK, folded) {
            Ok(reply) if reply.outcome().is_accepted() => {
                // an echo swallows nothing, and none is swallowed
                assert!(["send_listid", "sender_name"].contains(name), "{swallower} {name}");
            }
            Ok(reply) => assert!(reply.outcome().is_unknown(), "{swallower} {name}"),
            Err(error) => assert!(error.outcome().is_unknown(), "{swallower} {name}"),
        }
    }

    // unfolded, the last of two equal names would win somewhere; here there is none
    let spoken = with(&found(), "sender_name", "甲&status=FAILED");
    let sign = naive_sign(Md5, &spoken);
    let doubled =
        document(&with(&found(), "sign", &sign)).replace("<status>", "<status>FAILED</status><status>");
    assert!(matches!(both_refuse(doubled), ReplyError::Xml(error) if error.kind == XmlErrorKind::Duplicate));
}

#[test]
fn a_server_sees_both_signs() {
    let xml = MERCHANT.sign(&WORK, Nonce::from_bytes([7; 16])).unwrap().xml().to_owned();
    let fits = |xml: &str| {
        let document = wire::parse(xml.as_bytes(), &[]).unwrap();
        let (fields, spec) = (document.untrusted(), SendWorkWxRedPack::SPEC);
        (spec.is_signed_by(fields, &MERCHANT), spec.is_inner_signed_by(fields, &MERCHANT))
    };
    assert_eq!(fits(&xml), (true, true));
    // remark is under the outer sign only, act_name under both
    assert_eq!(fits(&xml.replace("快来抢", "慢慢抢")), (false, true));
    assert_eq!(fits(&xml.replace("猜灯谜抢红包活动", "猜")), (false, false));
    let inner = xml.find("<workwx_sign>").unwrap()..xml.find("</workwx_sign>").unwrap();
    assert_eq!(fits(&xml.replace(&xml[inner], "<workwx_sign>")), (false, false));
    let document = wire::parse(xml.as_bytes(), &[]).unwrap();
    let without_secret = Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    assert!(!SendWorkWxRedPack::SPEC.is_inner_signed_by(document.untrusted(), &without_secret));
}
