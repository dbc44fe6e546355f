//! Packets as they come and go: of every kind, claimed or not, with users, money and switches in the way.

use serde_json::json;
use wechatpay_mock_server::Rules;

use super::{START_FEN, everywhere};
use crate::common::{Form, OPENID};

#[test]
fn packets_of_every_kind_are_sent_claimed_and_told() {
    everywhere(|story| {
        let kinds = ["normal", "mini", "group", "workwx"].into_iter().enumerate();
        for (number, billno) in kinds {
            let form = Form::sends(story.merchant, billno)[number].clone();
            story.send(&form).answer().assert_success();
            let query = form.queried(story.merchant);
            assert_eq!(story.send(&query).answer().get("status"), Some("SENT"));
            let shares: &[_] =
                if billno == "group" { &[None, Some("oSecond"), Some("oThird")] } else { &[None] };
            for openid in shares {
                story.act(billno, "claim", *openid).unwrap();
            }
            let answer = story.send(&query).answer();
            assert_eq!(answer.get("status"), Some("RECEIVED"));
            assert_eq!(answer.get("openid"), Some(OPENID));
            assert_eq!(story.payments(billno), 1);
            assert!(story.act(billno, "claim", Some("oFourth")).is_err());
        }
        assert_eq!(story.balance(), START_FEN - 4_000);
        assert_eq!(story.journal(""), ["ok applied null"; 12]);
    });
}

#[test]
fn a_packet_that_nobody_claims_comes_back_by_the_clock() {
    everywhere(|story| {
        story.pay("1").answer().assert_success();
        assert_eq!(story.advance("23h"), [""; 0]);
        story.assert_status("1", "SENT");
        story.assert_one_debit("1");
        assert!(story.advance("1h")[0].ends_with("1 \"RFUND_ING\""));
        story.assert_status("1", "RFUND_ING");
        assert!(story.advance("15m")[0].ends_with("1 \"REFUND\""));
        assert_eq!(story.query("1").answer().get("refund_amount"), Some("1000"));
        assert_eq!(story.balance(), START_FEN);
        story.pay("1");
        assert_eq!((story.payments("1"), story.balance()), (1, START_FEN));
        story.advance("30d");
        assert_eq!(story.query("1").code(), "NOT_FOUND");
        story.journal("");
    });
}

#[test]
fn actions_by_hand_are_taken_or_refused_in_the_same_words() {
    everywhere(|story| {
        story.rule("settle", "manual");
        assert_eq!(story.pay("1").code(), "SUCCESS");
        story.assert_status("1", "SENDING");
        story.assert_no_debit("1");
        for (action, status) in [
            ("claim", None),
            ("settle", Some("SENT")),
            ("settle", None),
            ("refund", None),
            ("expire", Some("RFUND_ING")),
            ("refund", Some("REFUND")),
            ("fail", None),
        ] {
            assert_eq!(story.act("1", action, None).ok().as_deref(), status, "{action}");
        }
        assert_eq!(story.pay("2").code(), "SUCCESS");
        story.act("2", "fail", None).unwrap();
        story.assert_status("2", "FAILED");
        assert_eq!(story.balance(), START_FEN);
        story.journal("path=sendredpack");
    });
}

#[test]
fn users_stand_in_the_way() {
    everywhere(|story| {
        let to = |billno: &str, user: &str| {
            story.send(&Form::send(story.merchant, billno).with("re_openid", user)).code()
        };
        story.user("oRisk", &["risk_blocked"]);
        story.user("oNobody", &["not_realname"]);
        story.user("oElsewhere", &["foreign_openid"]);
        story.user("oFull", &["daily_cap:1"]);
        assert_eq!(to("1", "oRisk"), "NO_AUTH");
        assert_eq!(to("2", "oNobody"), "NO_AUTH");
        assert_eq!(to("3", "oElsewhere"), "OPENID_ERROR");
        assert_eq!(to("4", "oFull"), "SUCCESS");
        assert_eq!(to("5", "oFull"), "SENDNUM_LIMIT");
        story.user("oRisk", &[]);
        story.advance("2s");
        assert_eq!(to("1", "oRisk"), "SUCCESS");
        story.advance("1d");
        assert_eq!(to("6", "oFull"), "SUCCESS");
        assert_eq!(story.balance(), START_FEN - 3_000);
        for billno in ["2", "3", "5"] {
            assert_eq!(story.payments(billno), 0);
        }
        assert_eq!(story.journal("verdict=business").len(), 4);
    });
}

#[test]
fn switches_change_when_an_order_is_paid_and_for_how_long() {
    everywhere(|story| {
        for (name, value) in [
            ("not-found", "SYSTEMERROR"),
            ("settle", "after:2s"),
            ("query-lag", "1s"),
            ("resend-gap", "5s"),
            ("resend-answer", "PROCESSING"),
            ("claim-window", "1h"),
            ("hblist", "absent"),
        ] {
            story.rule(name, value);
        }
        assert_eq!(story.pay("1").code(), "SUCCESS");
        assert_eq!(story.query("1").code(), "SYSTEMERROR");
        assert_eq!(story.pay("1").code(), "PROCESSING");
        story.advance("1s");
        story.assert_status("1", "SENDING");
        story.assert_no_debit("1");
        assert!(story.advance("1s")[0].ends_with("1 \"SENT\""));
        story.assert_one_debit("1");
        story.act("1", "claim", None).unwrap();
        let answer = story.query("1").answer();
        assert_eq!((answer.get("status"), answer.get("hbinfo")), (Some("RECEIVED"), None));
        story.advance("10s");
        assert_eq!(story.pay("1").code(), "SUCCESS");
        assert_eq!(story.pay("2").code(), "SUCCESS");
        story.advance("2h");
        assert_eq!(story.query("2").answer().get("status"), Some("REFUND"));
        story.assert_one_debit("1");
        story.journal("");
    });
}

/// Each word of each switch but the one by default, one after the other; what is refused is refused in the same words.
#[test]
fn every_word_of_every_switch_means_the_same() {
    let switches = Rules::default().describe();
    let choices = switches.iter().filter(|switch| switch.accepted.contains('|'));
    let words = choices.flat_map(|switch| {
        switch.accepted.split('|').map(|word| (switch.name, word, switch.default.as_str()))
    });
    let words: Vec<_> = words.filter(|(_, word, default)| word != default).collect();
    assert!(words.len() > 20, "{words:?}");
    everywhere(|story| {
        for (number, (name, word, default)) in (1..).zip(&words) {
            story.at(number * 10);
            story.note(format!("{name}={word}"));
            let set = story.hand.set_rule(None, name, word);
            // Words such as `after:<duration>` only say what may be said.
            assert_eq!(set.is_err(), word.contains('<'), "{set:?}");
            let wrong = story.hand.set_rule(Some(story.mch_id()), name, "?");
            story.note(format!("{set:?} {:?}", wrong.unwrap_err()));
            let billno = number.to_string();
            let form = Form::send(story.merchant, &billno).with("re_openid", &*billno);
            for form in [&form, &form, &form.queried(story.merchant)] {
                story.send(form);
            }
            assert!(story.payments(&billno) <= 1);
            story.hand.set_rule(None, name, default).unwrap();
        }
        story.balance();
        story.journal("path=sendredpack");
    });
}

#[test]
fn money_and_numbers_are_judged_alike() {
    everywhere(|story| {
        let form = Form::send(story.merchant, "1");
        let rich = |amount: &str| form.clone().with("total_amount", amount);
        assert_eq!(story.send(&rich("99")).code(), "MONEY_LIMIT");
        assert_eq!(story.send(&form.clone().with("total_num", "2")).code(), "PARAM_ERROR");
        assert_eq!(story.send(&form.clone().keyed("wrong")).code(), "SIGN_ERROR");
        assert_eq!(story.send(&form.clone().with("act_name", "猜".repeat(11))).code(), "PARAM_ERROR");
        story.assert_no_debit("1");
        story.arm(json!({"then": {"fault": "latency", "spread": "fixed", "by": "0ms"}}));
        assert_eq!(story.send(&form).code(), "SUCCESS");
        assert_eq!(story.send(&form).code(), "FREQ_LIMIT");
        story.advance("1s");
        assert_eq!(story.send(&form).code(), "SUCCESS");
        story.advance("1s");
        assert_eq!(story.send(&form.clone().with("re_openid", "oElse")).code(), "FATAL_ERROR");
        story.assert_one_debit("1");
        // Down to the last yuan, and up again.
        story.rule("amount", "100..10000000");
        story.rule("user-fen-a-day", "none");
        let last = Form::send(story.merchant, "2").with("total_amount", "999000");
        assert_eq!(story.send(&last).code(), "SUCCESS");
        assert_eq!(story.pay("3").code(), "NOTENOUGH");
        story.top_up(1_000);
        story.advance("1s");
        assert_eq!(story.pay("3").code(), "SUCCESS");
        assert_eq!(story.balance(), 0);
        assert_eq!(story.journal("path=sendredpack&commit=applied").len(), 4);
    });
}
