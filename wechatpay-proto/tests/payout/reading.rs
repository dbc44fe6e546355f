//! What each answer means, for every kind: the state after it, who is told, and what comes next.

use std::time::Duration;

use wechatpay_proto::payout::{Asked, End, Kind, State};
use wechatpay_proto::transport::Delivery;
use wechatpay_proto::{Advice, ErrorCode, Fen};

use crate::common::*;
use crate::world::*;

/// What comes next is `turn`, after `wait` and up to 20 % more.
#[track_caller]
fn then(world: &mut World, turn: Turn, wait: Duration) {
    assert_eq!(world.turn(), turn);
    assert!(world.waited >= wait && world.waited <= wait * 6 / 5, "{:?} and not {wait:?}", world.waited);
}

#[test]
fn a_success_is_accepted_and_followed() {
    for kind in Kind::ALL {
        let mut world = World::sending(kind);
        assert_eq!(world.answer(&sent(kind)), State::Accepted, "{kind:?}");
        told(&world, &[]);
        assert_eq!(world.disk.send_listid(), Some("1000041701201411113000000000001"));
        assert_eq!(world.disk.package(), (kind == Kind::MiniProgram).then_some(PACKAGE));
        then(&mut world, Turn::Query, HOUR);
        // an err_code that names no fault means nothing
        for code in ["0", "SUCCESS", "OK"] {
            let mut world = World::sending(kind);
            let fields = with(&sent_fields(kind), "err_code", code);
            assert_eq!(world.answer(&reply(kind, &fields)), State::Accepted, "{kind:?} {code}");
        }
    }
}

#[test]
fn each_status_of_a_query_has_its_state() {
    let back = |amount: Option<u32>| State::Refunded { amount: amount.map(Fen) };
    for kind in Kind::ALL {
        let whole = back((kind != Kind::Group).then_some(1_000));
        for (status, more, state, next) in [
            ("SENT", &[][..], State::Accepted, Some(HOUR)),
            ("RFUND_ING", &[], State::Refunding, Some(HOUR)),
            ("RECEIVED", &[], State::Received, None),
            ("REFUND", &[], whole, None),
            ("REFUND", &[("refund_amount", "1000")], back(Some(1_000)), None),
            ("REFUND", &[("refund_amount", "300")], back(Some(300)), None),
            ("FAILED", &[], State::Failed, None),
            ("FAILED", &[("reason", "风险"), ("refund_amount", "0")], State::Failed, None),
        ] {
            let mut world = World::querying(kind);
            assert_eq!(world.answer(&reply(kind, &found_fields(status, more))), state, "{kind:?} {status}");
            told(&world, &[]);
            match (next, world.turn()) {
                // only the answer to a sending brings the package
                (Some(_), turn) if kind == Kind::MiniProgram && state == State::Accepted => {
                    assert_eq!(turn, Turn::Send);
                }
                (Some(wait), turn) => {
                    assert_eq!(turn, Turn::Query);
                    assert!(world.waited >= wait && world.waited <= wait * 6 / 5);
                }
                (None, turn) => {
                    let end = match state {
                        State::Received => End::Received,
                        State::Refunded { amount } => End::Refunded { amount },
                        _ => End::Failed,
                    };
                    assert_eq!((turn, world.waited), (Turn::Done(end), Duration::ZERO));
                }
            }
        }
    }
}

#[test]
fn sending_settles_nothing_with_and_without_a_reason() {
    for kind in Kind::ALL {
        for more in [&[][..], &[("reason", "余额不足")]] {
            let mut world = World::querying(kind);
            assert_eq!(world.answer(&reply(kind, &found_fields("SENDING", more))), UNKNOWN);
            told(&world, &[]);
            assert_eq!(world.disk.reason(), Some("SENDING"));
            then(&mut world, Turn::Query, 5 * SECOND);
        }
        let mut world = World::querying(kind);
        assert_eq!(world.answer(&found(kind, "LOST")), UNKNOWN);
        told(&world, &["unlisted status \"LOST\""]);
        then(&mut world, Turn::Query, 5 * SECOND);
    }
}

/// What is told of a refusal, whether the order counts as still open, what comes next and after how long.
fn of_code(code: &ErrorCode<'_>) -> (&'static str, bool, Turn, Duration) {
    use ErrorCode as C;
    match (code, code.advice()) {
        (C::Processing, _) => ("", true, Turn::Query, 20 * MINUTE),
        (C::SystemError | C::NotFound, _) => ("", true, Turn::Query, SECOND),
        (C::FatalError, _) => ("sending stops", true, Turn::Query, SECOND),
        (C::NoAuth, _) => ("refused", false, Turn::Query, HOUR),
        (C::PayerAccountAbnormal, _) => ("refused", true, Turn::Query, HOUR),
        (C::FreqLimit, _) => ("", false, Turn::Send, SECOND),
        (C::SecondOverLimited, _) => ("refused", false, Turn::Send, SECOND),
        (_, Advice::ResendSame) => ("refused", false, Turn::Query, HOUR),
        (_, Advice::FixSetup) => ("set-up", false, Turn::Send, SECOND),
        (_, Advice::FixOrder) => ("sending stops", false, Turn::Query, SECOND),
        (C::Other(_), _) => ("unlisted err_code", true, Turn::Query, SECOND),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_code_but_one_says_failed() {
    let codes = ErrorCode::LISTED.iter().map(ErrorCode::as_str);
    for kind in Kind::ALL {
        for name in codes.clone().chain(["ZZZ", "268501013", "SEND FAILED", "send_failed", "FAILED"]) {
            let code = ErrorCode::new(name);
            let mut world = World::sending(kind);
            let state = world.answer(&refusing(kind, name));
            if code == ErrorCode::SendFailed {
                assert_eq!(state, REFUSED);
                told(&world, &[]);
                // not before a query has confirmed it
                then(&mut world, Turn::Query, SECOND);
                continue;
            }
            let (alert, tainted, turn, wait) = of_code(&code);
            assert_eq!(state, State::Unknown { attempts: 1, tainted }, "{kind:?} {name}");
            told(&world, if alert.is_empty() { &[] } else { std::slice::from_ref(&alert) });
            assert_eq!(world.disk.reason(), Some(name));
            then(&mut world, turn, wait);
        }
    }
}

#[test]
fn a_refusal_does_not_resolve_the_attempt_before_it() {
    for code in ErrorCode::LISTED.iter().filter(|code| **code != ErrorCode::SendFailed) {
        let mut world = World::querying(Kind::RedPack);
        world.answer(&not_found(Kind::RedPack));
        assert_eq!(world.turn(), Turn::Send);
        let state = world.answer(&refusing(Kind::RedPack, code.as_str()));
        assert_eq!(state, State::Unknown { attempts: 2, tainted: true }, "{code}");
        assert_eq!(world.turn(), Turn::Query, "{code}: query first");
    }
}

#[test]
fn no_code_to_a_query_says_anything_about_the_order() {
    for kind in Kind::ALL {
        for code in ErrorCode::LISTED.iter().map(ErrorCode::as_str).chain(["ZZZ", "268501013"]) {
            let mut world = World::querying(kind);
            let fields = [("return_code", "SUCCESS"), ("result_code", "FAIL"), ("err_code", code)];
            assert_eq!(world.answer(&reply(kind, &fields)), UNKNOWN, "{code}");
            let alert = match ErrorCode::new(code) {
                ErrorCode::SystemError
                | ErrorCode::Processing
                | ErrorCode::NotFound
                | ErrorCode::FreqLimit => "",
                ErrorCode::Other(_) => "unlisted err_code",
                ErrorCode::NoAuth => "set-up",
                other if matches!(other.advice(), Advice::FixSetup | Advice::FixOrder) => "set-up",
                _ => "refused",
            };
            told(&world, if alert.is_empty() { &[] } else { std::slice::from_ref(&alert) });
            match code {
                // what is not there is sent again at once: the gap of a second has gone by
                "NOT_FOUND" => then(&mut world, Turn::Send, Duration::ZERO),
                _ => then(&mut world, Turn::Query, 5 * SECOND),
            }
        }
    }
}

#[test]
fn a_failure_that_names_no_order_frees_no_number() {
    for kind in Kind::ALL {
        let fields = [("return_code", "SUCCESS"), ("result_code", "FAIL"), ("err_code", "SEND_FAILED")];
        let mut world = World::sending(kind);
        assert_eq!(world.answer(&reply(kind, &fields)), UNKNOWN);
        told(&world, &["refused: SEND_FAILED"]);
        then(&mut world, Turn::Query, SECOND);
    }
}

#[test]
fn no_verdict_and_no_document_say_nothing() {
    for kind in Kind::ALL {
        let cut = document(&sent_fields(kind)).replace("</xml>", "");
        let cases = [
            (reply(kind, &[("return_code", "FAIL"), ("return_msg", "签名失败")]), "neither a success"),
            (reply(kind, &[("return_code", "SUCCESS")]), "neither a success"),
            (reply(kind, &without(&sent_fields(kind), "result_code")), "neither a success"),
            (http_502(), "unreadable answer of 41 bytes"),
            (answer(cut), "unreadable answer"),
            (answer(""), "unreadable answer of 0 bytes"),
            (answer(r#"{"return_code":"SUCCESS","result_code":"SUCCESS"}"#), "unreadable answer"),
            (answer("<html><return_code>SUCCESS</return_code></html>"), "unreadable answer"),
            (answer("<xml></xml>"), "unreadable answer"),
        ];
        for (response, alert) in cases {
            for mut world in [World::sending(kind), World::querying(kind)] {
                let asked = world.queries;
                assert_eq!(world.answer(&response), UNKNOWN, "{kind:?} {response:?}");
                told(&world, &[alert]);
                then(&mut world, Turn::Query, if asked == 0 { SECOND } else { 5 * SECOND });
            }
        }
    }
}

#[test]
fn transport_faults_change_no_state() {
    for kind in Kind::ALL {
        let mut world = World::sending(kind);
        assert_eq!(world.fault(Delivery::MaybeSent), UNKNOWN);
        then(&mut world, Turn::Query, SECOND);
        // proved to be unsent, and nothing is open: no query needed
        let mut world = World::sending(kind);
        assert_eq!(world.fault(Delivery::NotSent), REFUSED);
        then(&mut world, Turn::Send, SECOND);
        // the same hint after an attempt that is open
        world.fault(Delivery::MaybeSent);
        assert_eq!(world.turn(), Turn::Query);
        world.answer(&not_found(kind));
        assert_eq!(world.turn(), Turn::Send);
        assert_eq!(world.fault(Delivery::NotSent), State::Unknown { attempts: 3, tainted: true });
        assert_eq!(world.turn(), Turn::Query);
        // no query settles anything by not being sent
        for delivery in [Delivery::NotSent, Delivery::MaybeSent] {
            let mut world = World::querying(kind);
            assert_eq!(world.fault(delivery), UNKNOWN);
            told(&world, &[]);
            then(&mut world, Turn::Query, 5 * SECOND);
        }
    }
}

#[test]
fn an_answer_about_something_else_is_neither_success_nor_failure() {
    for kind in Kind::ALL {
        for (field, other) in [
            ("mch_billno", "10000098201411111234567891"),
            ("mch_id", "10000099"),
            ("wxappid", "wx8888888888888889"),
            ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16F"),
            ("total_amount", "1001"),
        ] {
            for result in ["SUCCESS", "FAIL"] {
                let mut world = World::sending(kind);
                let fields = with(&with(&sent_fields(kind), field, other), "result_code", result);
                let fields = with(&fields, "err_code", "SEND_FAILED");
                assert_eq!(world.answer(&reply(kind, &fields)), UNKNOWN, "{kind:?} {field}");
                told(&world, &[&format!("{field} of the answer")]);
                assert_eq!(world.disk.send_listid(), None);
                then(&mut world, Turn::Query, SECOND);
            }
            // what is promised must be there
            let mut world = World::sending(kind);
            assert_eq!(world.answer(&reply(kind, &without(&sent_fields(kind), field))), UNKNOWN);
            told(&world, &["unreadable"]);
        }
        for status in ["SENT", "FAILED", "RECEIVED", "REFUND"] {
            for (field, other) in [
                ("mch_billno", "10000098201411111234567891"),
                ("mch_id", "10000099"),
                ("total_amount", "1001"),
                ("total_amount", "999"),
                ("refund_amount", "1001"),
            ] {
                let mut world = World::querying(kind);
                let fields = with(&found_fields(status, &[]), field, other).to_vec();
                assert_eq!(world.answer(&reply(kind, &fields)), UNKNOWN, "{kind:?} {status} {field}");
                told(&world, &[&format!("{field} of the answer")]);
                then(&mut world, Turn::Query, 5 * SECOND);
            }
            for field in ["mch_billno", "mch_id", "status"] {
                let mut world = World::querying(kind);
                let fields = without(&found_fields(status, &[]), field);
                assert_eq!(world.answer(&reply(kind, &fields)), UNKNOWN, "{kind:?} {status} {field}");
                told(&world, &["unreadable"]);
            }
        }
    }
}

#[test]
fn mini_program_success_without_a_package_is_unreadable() {
    let mut world = World::sending(Kind::MiniProgram);
    assert_eq!(world.answer(&sent(Kind::RedPack)), UNKNOWN);
    told(&world, &["unreadable"]);
}

#[test]
fn an_unsigned_success_of_work_weixin_is_unreadable() {
    let mut world = World::sending(Kind::WorkWx);
    assert_eq!(world.answer(&answer(document(&SENT))), UNKNOWN);
    let mut world = World::querying(Kind::WorkWx);
    assert_eq!(world.answer(&answer(document(&found_fields("RECEIVED", &[])))), UNKNOWN);
    let mut world = World::querying(Kind::WorkWx);
    assert_eq!(world.answer(&answer(document(&found_fields("FAILED", &[])))), UNKNOWN);
}

#[test]
fn a_failure_with_a_claim_is_a_conflict() {
    for kind in Kind::ALL {
        let mut failed = document(&found_fields("FAILED", &[]));
        let claim = "<hblist><hbinfo><openid>o</openid><amount>1000</amount></hbinfo></hblist></xml>";
        failed = failed.replace("</xml>", claim);
        if kind == Kind::WorkWx {
            // it lists nobody, but a refund is as much of a contradiction
            let fields = found_fields("FAILED", &[("refund_amount", "1000")]);
            failed = signed(wechatpay_proto::SignType::Md5, &fields);
        }
        let mut world = World::querying(kind);
        assert_eq!(world.answer(&answer(failed)), State::Conflict, "{kind:?}");
        told(&world, &["evidence of success and of failure"]);
        assert_eq!(world.turn(), Turn::Done(End::Conflict));
    }
}

#[test]
fn another_payment_under_this_number_is_not_believed_and_never_failed() {
    let other = |status| reply(Kind::RedPack, &found_fields(status, &[("detail_id", "2")]));
    let accepted = || {
        let mut world = World::sending(Kind::RedPack);
        world.answer(&sent(Kind::RedPack));
        world.turn();
        world
    };
    for status in ["SENT", "RECEIVED", "REFUND"] {
        let mut world = accepted();
        assert_eq!(world.answer(&other(status)), State::Accepted, "{status}");
        told(&world, &["send_listid of the answer"]);
        // from now on nothing is a proof of failure
        world.turn();
        assert_eq!(world.answer(&found(Kind::RedPack, "FAILED")), State::Conflict);
    }
    // success and failure under one number contradict each other, whichever comes first
    let mut world = accepted();
    assert_eq!(world.answer(&other("FAILED")), State::Conflict);
    told(&world, &["evidence of success and of failure"]);
    let mut world = World::querying(Kind::RedPack);
    assert_eq!(world.answer(&other("FAILED")), State::Failed);
    assert_eq!(world.hear(Asked::Send, &sent(Kind::RedPack)), State::Conflict);
    told(&world, &["evidence of success and of failure"]);
}

/// A payment is known by the first success. What a refusal or a failure names is none.
#[test]
fn only_a_success_names_the_payment() {
    let named = |code| {
        let mut fields = with(&SENT, "result_code", "FAIL");
        fields.push(("err_code", code));
        reply(Kind::RedPack, &with(&fields, "send_listid", "1"))
    };
    for code in ["NOTENOUGH", "NO_AUTH", "SYSTEMERROR", "PROCESSING", "FREQ_LIMIT", "ZZZ"] {
        let mut world = World::sending(Kind::RedPack);
        world.answer(&named(code));
        assert_eq!(world.disk.send_listid(), None, "{code}");
        while world.turn() == Turn::Query {
            world.answer(&reply(Kind::RedPack, &found_fields("SENDING", &[("detail_id", "3")])));
            assert_eq!(world.disk.send_listid(), None, "{code}");
            if world.queries > 60 {
                break;
            }
        }
        if world.queries <= 60 {
            assert_eq!(world.answer(&sent(Kind::RedPack)), State::Accepted, "{code}");
            told(&world, &[]);
            assert_eq!(world.disk.send_listid(), Some("1000041701201411113000000000001"));
        }
    }
    let mut world = World::sending(Kind::RedPack);
    world.answer(&named("SEND_FAILED"));
    assert_eq!(world.disk.send_listid(), None);
    world.turn();
    world.answer(&reply(Kind::RedPack, &found_fields("FAILED", &[("detail_id", "2")])));
    assert_eq!((world.state(), world.disk.send_listid()), (State::Failed, None));
}

/// A success that names a fault is none, and no failure is believed after it.
#[test]
fn an_answer_that_contradicts_itself_settles_nothing() {
    const KIND: Kind = Kind::RedPack;
    let faults = ["SEND_FAILED", "PROCESSING", "SYSTEMERROR", "NOTENOUGH", "NOT_FOUND", "ZZZ"];
    for code in faults {
        let odd = || {
            let mut world = World::sending(KIND);
            let state = world.answer(&reply(KIND, &with(&sent_fields(KIND), "err_code", code)));
            assert_eq!((state, world.disk.reason()), (UNKNOWN, Some("contradiction")), "{code}");
            told(&world, &["the answer says success and names a fault"]);
            assert_eq!(world.turn(), Turn::Query);
            world
        };
        assert_eq!(odd().answer(&found(KIND, "RECEIVED")), State::Received);
        assert_eq!(odd().answer(&found(KIND, "FAILED")), State::Conflict);
        // a query's
        for status in ["SENT", "RECEIVED", "REFUND", "FAILED"] {
            let mut world = World::querying(KIND);
            let answer = reply(KIND, &found_fields(status, &[("err_code", code)]));
            assert_eq!(world.answer(&answer), UNKNOWN, "{status} {code}");
            told(&world, &["the answer says success and names a fault"]);
            assert_eq!(world.turn(), Turn::Query);
            assert_eq!(world.answer(&found(KIND, "FAILED")), State::Conflict);
        }
    }
    for harmless in ["SUCCESS", "0", "OK", ""] {
        let mut world = World::sending(KIND);
        let answer = reply(KIND, &with(&sent_fields(KIND), "err_code", harmless));
        assert_eq!(world.answer(&answer), State::Accepted, "{harmless}");
    }
    // a failure that tells of a claim, or of another amount
    for (name, value) in [("rcv_time", "2015-04-21 20:00:00"), ("openid", "o"), ("amount", "1000")] {
        let mut world = World::querying(KIND);
        let answer = reply(KIND, &found_fields("FAILED", &[(name, value)]));
        assert_eq!(world.answer(&answer), State::Conflict, "{name}");
    }
    let mut world = World::querying(KIND);
    assert_eq!(world.answer(&reply(KIND, &found_fields("FAILED", &[("total_amount", "999")]))), UNKNOWN);
    told(&world, &["total_amount of the answer"]);
}

/// Who is named in another case is another.
#[test]
fn an_echo_that_differs_in_case_only_is_another_orders() {
    for kind in Kind::ALL {
        for name in ["re_openid", "wxappid"] {
            let fields = sent_fields(kind);
            let (_, value) = fields.iter().find(|(own, _)| *own == name).unwrap();
            for other in [value.to_ascii_uppercase(), value.to_ascii_lowercase()] {
                if other != **value {
                    let mut world = World::sending(kind);
                    assert_eq!(world.answer(&reply(kind, &with(&fields, name, &other))), UNKNOWN, "{kind:?}");
                    told(&world, &[&format!("{name} of the answer")]);
                }
            }
        }
    }
}

/// A second sending, for the package, is answered with another payment: that attempt has no answer.
#[test]
fn an_answer_about_another_payment_leaves_the_attempt_open() {
    let fields = sent_fields(Kind::MiniProgram);
    let mut world = World::sending(Kind::MiniProgram);
    world.answer(&refusing(Kind::MiniProgram, "NOTENOUGH"));
    assert_eq!(world.turn(), Turn::Query);
    let found = found_fields("SENT", &[("detail_id", "1")]);
    assert_eq!(world.answer(&reply(Kind::MiniProgram, &found)), State::Accepted);
    assert!(!world.disk.to_string().contains(" tainted="), "{}", world.disk);
    assert_eq!(world.turn(), Turn::Send);
    world.answer(&reply(Kind::MiniProgram, &with(&fields, "send_listid", "2")));
    told(&world, &["send_listid of the answer"]);
    assert!(world.disk.to_string().contains(" tainted=1 "), "{}", world.disk);
}
