//! Refusals on purpose and by chance: codes, rates, certificates; and answers that come late.

use bytes::Bytes;
use http::Method;
use serde_json::json;
use wechatpay_proto::ErrorCode;

use super::{Patience, START_FEN, Seen, everywhere};
use crate::common::{Form, SEND, post};

#[test]
fn every_code_comes_in_its_true_envelope() {
    everywhere(|story| {
        for (number, code) in (1..).zip(ErrorCode::LISTED) {
            story.at(number * 10);
            for commit in ["not_applied", "applied"] {
                let code = code.as_str();
                let then = json!({"fault": "err_code", "code": code});
                story.arm(json!({"when": {"nth": [1, 2]}, "then": then, "commit": commit}));
                let billno = format!("{number}{commit}").replace('_', "");
                let form = Form::send(story.merchant, &billno).with("re_openid", &*billno);
                assert_eq!(story.send(&form).code(), code);
                assert_eq!(story.query(&billno).code(), code);
                assert_eq!(story.payments(&billno), usize::from(commit == "applied"), "{code}");
                story.disarm();
            }
        }
        let mut workwx = Form::work_weixin(story.merchant, "w");
        for code in ["NO_AUTH", "268501013"] {
            let then = json!({"fault": "err_code", "code": code});
            story.arm(json!({"when": {"times": 1}, "then": then, "commit": "not_applied"}));
            story.send(&workwx).answer().assert_signed(story.merchant.key());
            workwx = workwx.with("mch_billno", "w2");
        }
        assert_eq!(story.journal("path=sendredpack&commit=applied").len(), ErrorCode::LISTED.len());
    });
}

#[test]
fn what_cannot_be_read_is_answered_alike() {
    everywhere(|story| {
        let codes = |path: &str| {
            let good = Form::send(story.merchant, "1").xml();
            let bodies = [
                String::new(),
                "<xml>".to_owned(),
                "<xml></xml>".to_owned(),
                format!("<!DOCTYPE xml>{good}"),
                good.replace("</xml>", "<remark>again</remark></xml>"),
                good.replace("</xml>", &format!("{}</xml>", " ".repeat(1 << 20))),
            ];
            bodies.map(|body| story.exchange(post(path, body), Patience::Usual).code())
        };
        let malformed = "XML_ERROR";
        let [empty, cut, bare, doctype, twice, large] = codes(SEND);
        assert_eq!([empty, cut, doctype, twice].map(|code| code == malformed), [true; 4]);
        assert_eq!((&*bare, &*large), ("PARAM_ERROR", "413 Payload Too Large"));
        for code in codes("/nowhere").into_iter().take(5) {
            assert_eq!(code, "404 Not Found");
        }
        let mut get = post(SEND, Form::send(story.merchant, "1").xml());
        *get.method_mut() = Method::GET;
        *get.body_mut() = Bytes::new();
        assert_eq!(story.exchange(get, Patience::Usual).code(), malformed);
        assert_eq!((story.pay("1").code(), story.balance()), ("SUCCESS".to_owned(), START_FEN - 1_000));
    });
}

#[test]
fn too_many_in_a_time_are_refused() {
    everywhere(|story| {
        story.arm(json!({"then": {"fault": "rate_limit", "most": 2, "per": "1s"}}));
        let codes = |numbers: [&str; 3]| numbers.map(|billno| story.pay(billno).code());
        assert_eq!(codes(["1", "2", "3"]), ["SUCCESS", "SUCCESS", "FREQ_LIMIT"]);
        story.advance("999ms");
        assert_eq!(story.query("1").code(), "FREQ_LIMIT");
        story.advance("1ms");
        assert_eq!(codes(["3", "1", "2"]), ["SUCCESS", "SUCCESS", "FREQ_LIMIT"]);
        story.disarm();
        // The service's own limit.
        story.rule("sends-per-second", "1");
        story.advance("1s");
        assert_eq!(codes(["4", "5", "6"]), ["SUCCESS", "FREQ_LIMIT", "FREQ_LIMIT"]);
        assert_eq!(story.balance(), START_FEN - 4_000);
        story.journal("");
    });
}

#[test]
fn certificates_are_taken_for_others() {
    everywhere(|story| {
        let [missing, expired, wrong] = [
            "证书出错，请登录微信支付商户平台下载证书",
            "证书已过期",
            "请求没带商户API证书或者带上了错误的商户API证书",
        ];
        let states = [
            ("missing", Some(missing)),
            ("expired", Some(expired)),
            ("revoked", Some(wrong)),
            ("foreign", None),
            ("other_merchant", Some(wrong)),
        ];
        for (number, (state, text)) in (1..).zip(states) {
            let check = |seen: Seen| match text {
                Some(text) => drop(seen.answer().assert_failure("CA_ERROR", text)),
                None => {
                    assert_eq!(seen.code(), "400 Bad Request");
                    assert!(seen.answer().body.contains("400 The SSL certificate error"));
                }
            };
            let billno = number.to_string();
            story.at(number * 10);
            story.arm_once(json!({"fault": "client_certificate", "taken_for": state}));
            check(story.pay(&billno));
            story.certificate(state);
            check(story.pay(&billno));
            let asked = story.query(&billno);
            assert_eq!(asked.code(), if text.is_some() { "CA_ERROR" } else { "400 Bad Request" });
            story.certificate("ok");
            assert_eq!(story.payments(&billno), 0);
            story.pay(&billno).answer().assert_success();
        }
        let form = Form::send(story.merchant, "bare");
        story.send_without_certificate(&form).answer().assert_failure("CA_ERROR", missing);
        assert_eq!(story.balance(), START_FEN - 5_000);
        assert_eq!(story.journal("verdict=cert").len(), 16);
    });
}

#[test]
fn chance_is_the_seeds() {
    everywhere(|story| {
        let refusal = json!({"fault": "err_code", "code": "SYSTEMERROR"});
        let reordered = json!({"fault": "content", "how": "reordered"});
        story.arm(json!({"when": {"every": 3}, "then": reordered, "commit": "applied"}));
        story.arm(json!({"when": {"probability": 0.5}, "then": refusal, "commit": "not_applied"}));
        story.arm(json!({"when": {"probability": 0.0}, "then": {"fault": "reply_lost"}}));
        let codes: Vec<_> = (1..=30)
            .map(|number: u32| {
                let billno = number.to_string();
                story.send(&Form::send(story.merchant, &billno).with("re_openid", &*billno)).code()
            })
            .collect();
        let paid = codes.iter().filter(|code| *code == "SUCCESS").count();
        assert!(
            (1..30).contains(&paid) && codes.iter().all(|code| code == "SUCCESS" || code == "SYSTEMERROR")
        );
        assert_eq!(story.balance(), START_FEN - 1_000 * paid as u64);
        assert_eq!(story.journal("commit=applied").len(), paid);
    });
}

/// In-process the frozen clock moves by what the caller waited, over sockets it does not; so it is set behind each
/// wait, or the answers behind it would differ in their times.
#[test]
fn answers_come_late_or_too_late() {
    everywhere(|story| {
        let latency = |by: &str| json!({"fault": "latency", "spread": "fixed", "by": by});
        story.arm_once(latency("20ms"));
        assert_eq!(story.pay("1").code(), "SUCCESS");
        story.at(5);
        story.arm_once(latency("1h"));
        assert_eq!(story.send_in_vain(Form::send(story.merchant, "2").request()).code(), "MaybeSent");
        story.at(10);
        story.assert_status("2", "SENT");
        assert_eq!(story.pay("2").code(), "SUCCESS");
        story.arm_once(json!({"fault": "drip", "chunk": 100, "gap": "1ms"}));
        story.assert_status("2", "SENT");
        story.at(15);
        story.arm_once(json!({"fault": "drip", "chunk": 1, "gap": "1h"}));
        assert_eq!(story.send_in_vain(Form::query(story.merchant, "2").request()).code(), "MaybeSent");
        story.at(20);
        assert_eq!((story.payments("1"), story.payments("2")), (1, 1));
        assert_eq!(story.balance(), START_FEN - 2_000);
        assert_eq!(story.journal("").len(), 6);
    });
}
