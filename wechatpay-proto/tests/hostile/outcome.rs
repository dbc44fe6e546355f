//! What a refused answer means for the money: nothing is settled, whichever endpoint asked and whoever leads the payout.

use std::sync::Arc;

use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::payout::{Asked, Evidence, Intent, Next, Now, Payout, Policy, State};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::{Nonce, Outcome, Reason};

use crate::common::*;

/// One document of each case that is refused, made of a good answer: what to look for in it and what to put there.
const REFUSED: [(&str, &str, &str); 33] = [
    ("x02", "</xml>", "<sign/></xml>"),
    ("x02", "</xml>", "<sign>00</sign></xml>"),
    ("x04", "<mch_id>", "<mch_id>10000098</mch_id><mch_id>"),
    ("x05", "<mch_id>", "<mch_id><!-- -->"),
    ("x05", "<mch_id>", "<mch_id><?x?>"),
    ("x07", "<mch_id>", "<p:mch_id>1</p:mch_id><mch_id>"),
    ("x08", "<mch_id>", "<a><mch_id>1</mch_id></a><mch_id>"),
    ("x09", "</xml>", ""),
    ("x09", "</mch_id>", ""),
    ("x10", "</xml>", "</xml><xml></xml>"),
    ("x10", "</xml>", "</xml>x"),
    ("x17", "<mch_id>", "<mch_id>&nbsp;"),
    ("x25", "</xml>", "<key>1</key><sign>00000000000000000000000000000000</sign></xml>"),
    ("x27", "</xml>", "<sign>00000000000000000000000000000000</sign></xml>"),
    ("x28", "<xml>", "<!DOCTYPE xml><xml>"),
    ("x28", "<mch_id>", "<mch_id><!doctype x>"),
    ("x29", "<xml>", "<!DOCTYPE xml [<!ENTITY a \"b\">]><xml>"),
    ("x30", "<xml>", "<!DOCTYPE r[<aa<bb<cc<dd><xml>"),
    ("x32", "<mch_id>", "<mch_id a=\"b\">"),
    ("x32", "</mch_id>", "</mch_id a=\"b\">"),
    ("x34", "<mch_id>", "<mch_id>\0"),
    ("x34", "<mch_id>", "<mch_id>\u{b}"),
    ("x36", "<xml>", "<?xml version=\"1.0\" encoding=\"GBK\"?><xml>"),
    ("x36", "<xml>", "<?xml version=\"9.9\"?><xml>"),
    ("x36", "<xml>", " <?xml version=\"1.0\"?><xml>"),
    ("x38", "xml>", "XML>"),
    ("x38", "xml>", "html>"),
    ("x39", "<mch_id>", "x<mch_id>"),
    ("x41", "</mch_id>", "</mch_ID>"),
    ("x41", "<mch_id>", "<mch_id><![cdata[x]]>"),
    ("x41", "<mch_id>", "<mch_id>]]>"),
    ("x41", "<mch_id>", "<mch_id>1 < 2"),
    ("x41", "<mch_id>", "<mch_id>&"),
];

/// A success for every red packet and every query of one.
fn good() -> String {
    document(&with(&with(&SENT, "status", "RECEIVED"), "package", PACKAGE))
}

fn assert_open<E: Outgoing>(request: &E, body: &[u8], why: &str) {
    let refused = accept(request, body).err();
    let refused = refused.unwrap_or_else(|| panic!("{why}: accepted by {}", request.spec().path));
    assert_eq!(refused.outcome(), Outcome::Unknown(Reason::Unreadable), "{why}");
}

/// Where a payout stands whose only sending was answered with `body`.
fn led(body: &[u8]) -> State {
    let (policy, now) = (Policy::default(), Now::default());
    let intent = Arc::new(Intent::new("row 1", &MERCHANT, &PACKET).unwrap());
    let payout = Payout::new(Arc::clone(&intent), &policy, now).saved();
    let Ok(Next::Send(attempt)) = payout.next(now) else { panic!("nothing to send") };
    let nonce = Nonce::from_bytes([7; 16]);
    let (_, flight) = attempt.saved().sign(now, &MERCHANT, &BaseUrl::default(), nonce).unwrap();
    let evidence = Evidence::read(&intent, Asked::Send, &MERCHANT, &answer(body));
    flight.learn(now, evidence).snapshot().state()
}

#[test]
fn an_answer_that_is_refused_leaves_every_outcome_open() {
    let good = good();
    assert!(accept(&PACKET, &good).unwrap().outcome().is_accepted());
    assert!(accept(&MINI, &good).unwrap().outcome().is_accepted());
    assert!(accept(&GROUP, &good).unwrap().outcome().is_accepted());
    assert!(accept(&QUERY, &good).unwrap().outcome().is_accepted());
    for (case, from, to) in REFUSED {
        assert!(good.contains(from));
        let (body, why) = (good.replace(from, to), format!("{case}: {to}"));
        let body = body.as_bytes();
        assert_open(&PACKET, body, &why);
        assert_open(&MINI, body, &why);
        assert_open(&GROUP, body, &why);
        assert_open(&QUERY, body, &why);
        assert_open(&WORK, body, &why);
        assert_open(&WORK_QUERY, body, &why);
        assert_eq!(led(body), State::Unknown { attempts: 1, tainted: true }, "{why}");
    }
}

#[test]
fn x18_an_answer_about_another_order_leaves_the_payout_open() {
    assert_eq!(led(document(&SENT).as_bytes()), State::Accepted);
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"] {
        for other in ["", "1"] {
            let body = document(&with(&SENT, field, other));
            assert_eq!(led(body.as_bytes()), State::Unknown { attempts: 1, tainted: true }, "{field}");
        }
    }
}

#[test]
fn x11_a_communication_failure_leaves_the_payout_open() {
    let failed = with(&with(&SENT, "return_code", "FAIL"), "err_code", "SEND_FAILED");
    for result in ["SUCCESS", "FAIL", ""] {
        let state = led(document(&with(&failed, "result_code", result)).as_bytes());
        assert!(matches!(state, State::Unknown { attempts: 1, .. }), "{result}: {state:?}");
    }
}

#[test]
fn an_answer_without_a_verdict_settles_nothing() {
    for field in ["return_code", "result_code"] {
        for silent in [without(&SENT, field), with(&SENT, field, ""), with(&SENT, field, "success")] {
            let outcome = accept(&PACKET, document(&silent)).map_or_else(|e| e.outcome(), |r| r.outcome());
            assert!(outcome.is_unknown(), "{field}: {outcome:?}");
            let state = led(document(&silent).as_bytes());
            assert!(matches!(state, State::Unknown { attempts: 1, .. }), "{field}: {state:?}");
        }
    }
}
