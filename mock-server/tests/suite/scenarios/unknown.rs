//! The outcome is unknown: whatever was lost, late or doubled, a query tells what is, and the same number again leaves
//! one debit.

use serde_json::{Value, json};

use super::{Patience, START_FEN, Seen, Story, asking, everywhere};
use crate::common::Form;

/// What an answer that is lost comes to.
const LOST: &str = "MaybeSent";

/// The first attempt, which meets a fault; one that gets no answer and no end is not waited for.
fn first(story: &Story<'_>, billno: &str, then: Value, hangs: bool) -> Seen {
    story.arm_once(then);
    if hangs { story.send_in_vain(Form::send(story.merchant, billno).request()) } else { story.pay(billno) }
}

/// The same number again, so many seconds behind the beginning: it is paid then, once.
#[track_caller]
fn again(story: &Story<'_>, billno: &str, seconds: u64) {
    story.at(seconds);
    assert_eq!(story.pay(billno).code(), "SUCCESS");
    story.assert_status(billno, "SENT");
    story.assert_one_debit(billno);
}

#[test]
fn a_request_or_its_reply_is_lost() {
    let faults = [("request_lost", "NOT_FOUND", "not_applied"), ("reply_lost", "SUCCESS", "applied")];
    for (fault, known, commit) in faults {
        everywhere(|story| {
            for (number, ending) in (1..).zip(["reset", "close", "truncate", "hang"]) {
                let now = number * 100;
                story.at(now);
                let lost = json!({"fault": fault, "ending": ending});
                assert_eq!(first(story, ending, lost, ending == "hang").code(), LOST);
                story.at(now + 10);
                assert_eq!(story.query(ending).code(), known);
                for later in [20, 30] {
                    story.at(now + later);
                    assert_eq!(story.pay(ending).code(), "SUCCESS");
                    story.assert_status(ending, "SENT");
                    assert_eq!((story.payments(ending), story.balance()), (1, START_FEN - 1_000 * number));
                }
                let arrived = story.journal(&format!("path=sendredpack&mch_billno={ending}"));
                let first = format!("ok {commit} {fault}");
                assert_eq!(arrived, [&*first, "ok applied null", "ok applied null"]);
            }
        });
    }
}

#[test]
fn a_payment_wears_the_face_of_an_error() {
    everywhere(|story| {
        assert_eq!(first(story, "1", json!({"fault": "applied_then_error"}), false).code(), "SYSTEMERROR");
        story.assert_one_debit("1");
        story.assert_status("1", "SENT");
        again(story, "1", 10);
        let seen = first(story, "1", json!({"fault": "applied_then_error", "status": 502}), false);
        assert_eq!(seen.code(), "502 Bad Gateway");
        story.assert_status("1", "SENT");
        again(story, "1", 20);
        assert_eq!(story.journal("fault=applied_then_error").len(), 2);
    });
}

#[test]
fn a_success_is_a_lie() {
    everywhere(|story| {
        assert_eq!(first(story, "1", json!({"fault": "not_applied_but_ok"}), false).code(), "SUCCESS");
        story.assert_no_debit("1");
        assert_eq!(story.query("1").code(), "NOT_FOUND");
        again(story, "1", 10);
        let expected = ["ok not_applied not_applied_but_ok", "ok applied null"];
        assert_eq!(story.journal("path=sendredpack"), expected);
    });
}

#[test]
fn a_commit_comes_late_or_fails() {
    everywhere(|story| {
        let late = |fails: bool| json!({"fault": "late_commit", "after": "20m", "fails": fails});
        assert_eq!(first(story, "1", late(false), false).code(), "PROCESSING");
        story.assert_status("1", "SENDING");
        story.assert_no_debit("1");
        story.at(60);
        assert_eq!(story.pay("1").code(), "PROCESSING");
        assert!(story.advance("19m")[0].ends_with("1 \"SENT\""));
        story.assert_one_debit("1");
        story.assert_status("1", "SENT");
        again(story, "1", 1300);

        assert_eq!(first(story, "2", late(true), false).code(), "PROCESSING");
        story.assert_status("2", "SENDING");
        assert!(story.advance("20m")[0].ends_with("2 \"FAILED\""));
        story.assert_status("2", "FAILED");
        assert_eq!(story.pay("2").code(), "SEND_FAILED");
        assert_eq!(story.payments("2"), 0);
        story.assert_one_debit("1");
        story.journal("");
    });
}

#[test]
fn a_request_arrives_late_behind_a_query_and_a_resend() {
    for resent in [false, true] {
        everywhere(|story| {
            let late = json!({"fault": "late_arrival", "after": "1m", "ending": "close"});
            assert_eq!(first(story, "1", late, false).code(), LOST);
            assert_eq!(story.query("1").code(), "NOT_FOUND");
            story.assert_no_debit("1");
            assert!(story.journal("path=sendredpack")[0].contains("later"));
            if resent {
                again(story, "1", 10);
            }
            story.at(50);
            assert!(story.advance("10s")[0].ends_with("1 true"));
            story.assert_one_debit("1");
            again(story, "1", 70);
            assert_eq!(story.journal("path=sendredpack")[0], "ok applied late_arrival");
        });
    }
}

#[test]
fn a_request_is_delivered_twice() {
    everywhere(|story| {
        // The second comes too soon behind the first.
        let twice = |first: bool| json!({"fault": "duplicate_delivery", "first": first});
        assert_eq!(first(story, "1", twice(false), false).code(), "FREQ_LIMIT");
        story.assert_one_debit("1");
        story.assert_status("1", "SENT");
        again(story, "1", 10);
        story.at(20);
        assert_eq!(first(story, "1", twice(true), false).code(), "SUCCESS");
        again(story, "1", 30);
        assert_eq!(story.journal("fault=duplicate_delivery").len(), 4);
    });
}

#[test]
fn requests_ask_for_the_same_themselves() {
    everywhere(|story| {
        let mut paid = 0;
        let asked = [
            ("REQUEST_LOST", LOST, 0),
            ("REPLY_LOST", LOST, 1),
            ("REPLY_LOST_CLOSE", LOST, 1),
            ("REPLY_LOST_HANG", LOST, 1),
            ("APPLIED_THEN_SYSTEMERROR", "SYSTEMERROR", 1),
            ("APPLIED_THEN_502", "502 Bad Gateway", 1),
            ("NOT_APPLIED_BUT_OK", "SUCCESS", 0),
            ("LATE_COMMIT", "PROCESSING", 0),
            ("LATE_ARRIVAL", LOST, 0),
            ("DUPLICATE_DELIVERY", "FREQ_LIMIT", 1),
            ("SYSTEMERROR", "SYSTEMERROR", 0),
            ("NO_AUTH_APPLIED", "NO_AUTH", 1),
            ("UNHEARD_OF", "400 Bad Request", 0),
        ];
        for (number, (name, code, payments)) in (1..).zip(asked) {
            let (billno, now) = (&*format!("1{name}").replace('_', ""), number * 10);
            story.at(now);
            let form = Form::send(story.merchant, billno).with("re_openid", billno);
            let request = asking(&form, &format!("REDPACK_{name}"));
            let seen = match name {
                "REPLY_LOST_HANG" => story.send_in_vain(request),
                _ => story.exchange(request, Patience::Usual),
            };
            assert_eq!((&*seen.code(), story.payments(billno)), (code, payments), "{name}");
            story.at(now + 2);
            story.query(billno);
            let resent = story.send(&form).code();
            assert_eq!(resent, if name == "LATE_COMMIT" { "PROCESSING" } else { "SUCCESS" }, "{name}");
            paid += story.payments(billno);
        }
        assert_eq!(paid, asked.len() - 1);
        assert_eq!(story.advance("20m").len(), 2);
        assert_eq!(story.balance(), START_FEN - 1_000 * asked.len() as u64);

        let script = Form::send(story.merchant, "script").with("remark", "#mock SYSTEMERROR,PROCESSING,OK");
        for code in ["SYSTEMERROR", "PROCESSING", "SUCCESS", "SUCCESS"] {
            story.advance("1s");
            assert_eq!(story.send(&script).code(), code);
        }
        assert_eq!(story.payments("script"), 1);
        story.journal("path=sendredpack");
    });
}
