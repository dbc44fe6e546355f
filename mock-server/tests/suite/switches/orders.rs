//! Limits, windows and delays: what becomes of an order, and when.

use std::time::Duration;

use wechatpay_mock_server::{Action, Arrival, Clock, Commit, Mock, MockMerchant, Rules, Status};

use super::{query, send, shop};
use crate::common::{APPID, Answer, Form, KEY, MCH_ID, call, in_force};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn reentry_compare() {
    let again = |switches: &str, change: fn(Form) -> Form| {
        let (_, merchant) = shop(switches);
        let form = Form::send(&merchant, "1");
        call(&merchant, &form).assert_success();
        let answer = call(&merchant, &change(form));
        (answer.code().to_owned(), merchant.balance_fen())
    };
    let (fine, fatal) = (("SUCCESS".to_owned(), 999_000), ("FATAL_ERROR".to_owned(), 999_000));
    for name in ["wishing", "send_name", "act_name", "remark", "scene_id"] {
        let change: fn(Form) -> Form = match name {
            "wishing" => |form| form.with("wishing", "x"),
            "send_name" => |form| form.with("send_name", "x"),
            "act_name" => |form| form.with("act_name", "x"),
            "remark" => |form| form.with("remark", "x"),
            _ => |form| form.with("scene_id", "PRODUCT_1"),
        };
        assert_eq!(again("reentry-compare=known", change), fine, "{name}");
        assert_eq!(again("reentry-compare=all", change), fatal, "{name}");
    }
    // What is new in every request, and what nobody knows.
    assert_eq!(again("reentry-compare=all", |form| form.with("nonce_str", "x").unsigned("x", "y")), fine);
    let (_, merchant) = shop("reentry-compare=all");
    let form = Form::work_weixin(&merchant, "1");
    call(&merchant, &form).assert_success();
    call(&merchant, &form.clone().with("nonce_str", "x")).assert_success();
    let answer = call(&merchant, &form.with("wishing", "x"));
    assert_eq!((answer.code(), answer.text()), ("FATAL_ERROR", "更换了其他参数，但商户单号未更新"));
}

#[test]
fn resend_gap() {
    for (value, gap, code) in [("2s", SECOND, "FREQ_LIMIT"), ("2s", 2 * SECOND, "SUCCESS")]
        .into_iter()
        .chain([("none", Duration::ZERO, "SUCCESS"), ("off", Duration::ZERO, "SUCCESS")])
    {
        let (mock, merchant) = shop(&format!("resend-gap={value}"));
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        mock.advance(gap);
        assert_eq!(call(&merchant, &Form::send(&merchant, "1")).code(), code, "{value}");
    }
}

#[test]
fn resend_answer() {
    for (value, text) in [
        ("FREQ_LIMIT", "超过频率限制,请稍后再试"),
        ("PROCESSING", "请求已受理，请稍后使用原单号查询发放结果"),
    ] {
        let (_, merchant) = shop(&format!("resend-gap=1s resend-answer={value}"));
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        call(&merchant, &Form::send(&merchant, "1")).assert_failure(value, text);
    }
}

#[test]
fn query_limit() {
    let (mock, merchant) = shop("query-limit=2");
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let codes = || [0; 3].map(|_| query(&merchant, "1").code().to_owned());
    assert_eq!(codes(), ["SUCCESS", "SUCCESS", "FREQ_LIMIT"]);
    query(&merchant, "1").assert_failure("FREQ_LIMIT", "受频率限制");
    mock.advance(SECOND);
    assert_eq!(codes(), ["SUCCESS", "SUCCESS", "FREQ_LIMIT"]);
    let (_, merchant) = shop("query-limit=none");
    assert!((0..100).all(|_| query(&merchant, "1").code() == "NOT_FOUND"));
}

#[test]
fn order_life() {
    for (value, hours, code) in [("1h", 1, "SEND_FAILED"), ("2h", 1, "SUCCESS"), ("3d", 71, "SUCCESS")] {
        let (mock, _) = shop(&format!("order-life={value}"));
        let merchant = mock.merchant().balance_fen(999).create().unwrap();
        let form = Form::send(&merchant, "1");
        assert_eq!(call(&merchant, &form).code(), "NOTENOUGH");
        merchant.top_up(1);
        mock.advance(hours * HOUR);
        assert_eq!(call(&merchant, &form).code(), code, "{value}");
    }
}

#[test]
fn amounts() {
    let of = |fen: &'static str| move |form: Form| form.with("total_amount", fen);
    for (fen, code) in
        [("199", "MONEY_LIMIT"), ("200", "SUCCESS"), ("300", "SUCCESS"), ("301", "MONEY_LIMIT")]
    {
        assert_eq!(send("amount=200..300", of(fen)), code, "{fen}");
        let scene = |form: Form| form.with("total_amount", fen).with("scene_id", "PRODUCT_1");
        assert_eq!(send("amount=1..1 scene-amount=200..300", scene), code, "{fen}");
        let (_, merchant) = shop("group=legacy amount=1..1000 group-amount=200..300");
        assert_eq!(
            call(&merchant, &Form::group(&merchant, "1").with("total_amount", fen)).code(),
            code,
            "{fen}"
        );
    }
}

#[test]
fn open_scenes() {
    let text = "该场景未开通，请登陆商户平台:产品中心-现金红包-产品设置-使用场景 进行开通";
    for (value, open) in [("all", true), ("PRODUCT_1+PRODUCT_2", true), ("PRODUCT_1", false), ("none", false)]
    {
        let (_, merchant) = shop(&format!("open-scenes={value}"));
        let answer = call(&merchant, &Form::send(&merchant, "1").with("scene_id", "PRODUCT_2"));
        if open {
            answer.assert_success();
        } else {
            answer.assert_param_error(text);
            assert!(merchant.red_packet("1").is_none());
        }
        call(&merchant, &Form::send(&merchant, "2")).assert_success();
    }
}

#[test]
fn limits_of_a_day() {
    for (switch, least, code) in [
        ("user-packets-a-day", "1", "SENDNUM_LIMIT"),
        ("user-fen-a-day", "1999", "RCVDAMOUNT_LIMIT"),
        ("merchant-fen-a-day", "1999", "SENDAMOUNT_LIMIT"),
    ] {
        for (value, expected) in [(least, code), ("none", "SUCCESS"), ("off", "SUCCESS"), ("2000", "SUCCESS")]
        {
            let (_, merchant) = shop(&format!("{switch}={value}"));
            call(&merchant, &Form::send(&merchant, "1")).assert_success();
            assert_eq!(call(&merchant, &Form::send(&merchant, "2")).code(), expected, "{switch}={value}");
        }
    }
}

#[test]
fn sends_per_second() {
    for (value, code) in [("1", "FREQ_LIMIT"), ("2", "SUCCESS"), ("none", "SUCCESS")] {
        let (mock, merchant) = shop(&format!("sends-per-second={value}"));
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        assert_eq!(call(&merchant, &Form::send(&merchant, "2")).code(), code, "{value}");
        mock.advance(SECOND);
        call(&merchant, &Form::send(&merchant, "3")).assert_success();
    }
}

/// Sends one packet, and says where it stands and what the merchant has then.
fn settled(switches: &str) -> (Mock, MockMerchant) {
    let (mock, merchant) = shop(switches);
    let answer = call(&merchant, &Form::send(&merchant, "1"));
    assert!(answer.assert_success().get("send_listid").is_some());
    (mock, merchant)
}

#[track_caller]
fn assert_stands(merchant: &MockMerchant, status: Status) {
    let packet = merchant.red_packet("1").unwrap();
    // What is held has its amount reserved; what is refused, or failed, has not.
    let (balance, reserved) = match (status, packet.hold) {
        (Status::Sent, _) => (999_000, 0),
        (Status::Sending, Some(_)) => (999_000, 1_000),
        _ => (1_000_000, 0),
    };
    let money = (merchant.balance_fen(), merchant.reserved_fen());
    assert_eq!((packet.status, money), (status, (balance, reserved)));
}

#[test]
fn settle() {
    let (_, merchant) = settled("settle=at-once");
    assert_stands(&merchant, Status::Sent);

    let (mock, merchant) = settled("settle=after:2s");
    mock.advance(SECOND);
    assert_stands(&merchant, Status::Sending);
    assert_eq!(query(&merchant, "1").get("status"), Some("SENDING"));
    // Sending it again neither pays nor starts anew.
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    assert_stands(&merchant, Status::Sending);
    mock.advance(SECOND);
    assert_stands(&merchant, Status::Sent);

    let (_, merchant) = settled("settle=polls:3");
    let seen = [0; 4].map(|_| query(&merchant, "1").get("status").unwrap().to_owned());
    assert_eq!(seen, ["SENDING", "SENDING", "SENT", "SENT"]);
    assert_stands(&merchant, Status::Sent);

    let (mock, merchant) = settled("settle=manual");
    assert!((0..10).all(|_| query(&merchant, "1").get("status") == Some("SENDING")));
    mock.advance(23 * HOUR);
    assert_stands(&merchant, Status::Sending);
    mock.act(MCH_ID, "1", &Action::Settle).unwrap();
    assert_stands(&merchant, Status::Sent);

    let (mock, merchant) = settled("settle=manual");
    mock.advance(24 * HOUR);
    assert_stands(&merchant, Status::Failed);
}

#[test]
fn what_is_held_by_a_rule_says_when_it_is_decided() {
    let (mock, merchant) = shop("settle=after:2s");
    let outcome = mock.handle(&Form::send(&merchant, "1").request(), &Arrival::with(in_force(MCH_ID)));
    assert_eq!(outcome.commit, Commit::Later(mock.now().after(2 * SECOND)));
    assert_eq!(Answer::new(outcome.seen().unwrap()).code(), "SUCCESS");
}

#[test]
fn query_lag() {
    for (value, after, code) in [
        ("5s", 4 * SECOND, "NOT_FOUND"),
        ("5s", 5 * SECOND, "SUCCESS"),
        ("none", Duration::ZERO, "SUCCESS"),
        ("0s", Duration::ZERO, "SUCCESS"),
    ] {
        let (mock, merchant) = shop(&format!("query-lag={value}"));
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        mock.advance(after);
        assert_eq!(query(&merchant, "1").code(), code, "{value}");
    }
    // A query that finds nothing is none of those that an order waits for.
    let (mock, merchant) = settled("query-lag=5s settle=polls:1");
    assert_eq!(query(&merchant, "1").code(), "NOT_FOUND");
    assert_stands(&merchant, Status::Sending);
    mock.advance(5 * SECOND);
    assert_eq!(query(&merchant, "1").get("status"), Some("SENT"));
}

#[test]
fn windows_and_delays() {
    let (mock, merchant) = settled("claim-window=1h refund-delay=2h query-horizon=4h");
    for (hours, status) in [(0, "SENT"), (1, "RFUND_ING"), (1, "RFUND_ING"), (1, "REFUND"), (1, "REFUND")] {
        mock.advance(hours * HOUR);
        assert_eq!(query(&merchant, "1").get("status"), Some(status));
    }
    mock.advance(SECOND);
    assert_eq!(query(&merchant, "1").code(), "NOT_FOUND");
}

#[test]
fn night_window() {
    let at = |value: &str, time: &str| {
        let mut rules = Rules::default();
        rules.set("night-window", value).unwrap();
        let clock = Clock::parse(&format!("frozen:2026-01-02T{time}+08:00")).unwrap();
        let mock = Mock::builder().clock(clock).rules(rules).build();
        let merchant = mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).create().unwrap();
        (mock, merchant)
    };
    for time in ["00:00:00", "07:59:59"] {
        let (_, merchant) = at("off", time);
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        let (mock, merchant) = at("on", time);
        let answer = call(&merchant, &Form::send(&merchant, "1"));
        answer.assert_failure("TIME_LIMITED", "企业红包的发送时间受限");
        assert_eq!(query(&merchant, "1").get("reason"), Some("企业红包的发送时间受限"));
        assert_stands(&merchant, Status::Sending);
        mock.advance(8 * HOUR);
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
    }
    for time in ["08:00:00", "23:59:59"] {
        let (_, merchant) = at("on", time);
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
    }
}

#[test]
fn no_balance() {
    let why = "帐号余额不足，请到商户平台充值后再重试";
    for (code, text) in [("NOTENOUGH", why), ("PROCESSING", "请求已受理，请稍后使用原单号查询发放结果")]
    {
        let (mock, _) = shop(&format!("no-balance={code}"));
        let merchant = mock.merchant().balance_fen(999).create().unwrap();
        let form = Form::send(&merchant, "1");
        call(&merchant, &form).assert_failure(code, text);
        let order = query(&merchant, "1");
        assert_eq!((order.get("status"), order.get("reason")), (Some("SENDING"), Some(why)));
        merchant.top_up(1);
        call(&merchant, &form).assert_success();
        assert_eq!(merchant.balance_fen(), 0);
    }
}

/// Sends 100 fen under this number, in one kind after the other, and says what was answered.
fn of_100_fen(merchant: &MockMerchant, kind: usize, mch_billno: &str) -> Answer {
    call(merchant, &Form::sends(merchant, mch_billno)[kind].clone().with("total_amount", "100"))
}

const KINDS: std::ops::Range<usize> = 0..4;
const ENOUGH_FOR_ONE: u64 = 150;

fn with_150_fen(switches: &str) -> (Mock, MockMerchant) {
    let (mock, _) = shop(&format!("group=legacy amount=1..20000 {switches}"));
    let merchant = mock.merchant().balance_fen(ENOUGH_FOR_ONE).create().unwrap();
    (mock, merchant)
}

#[test]
fn what_was_taken_is_reserved() {
    for kind in KINDS {
        for switch in ["settle=manual", "settle=after:1h", "settle=polls:3"] {
            let (_, merchant) = with_150_fen(switch);
            let codes = ["1", "2", "3"].map(|number| of_100_fen(&merchant, kind, number).code().to_owned());
            assert_eq!(codes, ["SUCCESS", "NOTENOUGH", "NOTENOUGH"], "{switch}, {kind}");
            assert_eq!((merchant.balance_fen(), merchant.reserved_fen()), (50, 100), "{switch}, {kind}");
            assert_eq!(merchant.red_packet("1").unwrap().status, Status::Sending);
        }
    }
}

#[test]
fn what_was_reserved_is_paid_once_or_goes_back() {
    for kind in KINDS {
        let (mock, merchant) = with_150_fen("settle=manual");
        let act = |number: &str, action: Action| mock.act(merchant.mch_id(), number, &action).unwrap();
        let money = || (merchant.balance_fen(), merchant.reserved_fen());
        of_100_fen(&merchant, kind, "1").assert_success();
        // The same number again reserves nothing more.
        mock.advance(SECOND);
        of_100_fen(&merchant, kind, "1").assert_success();
        assert_eq!(money(), (50, 100));
        act("1", Action::Settle);
        assert_eq!(money(), (50, 0));
        act("1", Action::Expire);
        act("1", Action::Refund);
        assert_eq!(money(), (150, 0));

        of_100_fen(&merchant, kind, "2").assert_success();
        act("2", Action::Fail { reason: None });
        assert_eq!(money(), (150, 0));

        of_100_fen(&merchant, kind, "3").assert_success();
        assert_eq!(money(), (50, 100));
        // Nobody settles it: its life ends.
        mock.advance(24 * HOUR);
        assert_eq!((merchant.red_packet("3").unwrap().status, money()), (Status::Failed, (150, 0)));
    }
}

#[test]
fn limits_of_a_day_count_when_an_order_is_taken_and_not_when_it_fails() {
    for (switch, code) in [
        ("user-packets-a-day=1", "SENDNUM_LIMIT"),
        ("user-fen-a-day=199", "RCVDAMOUNT_LIMIT"),
        ("merchant-fen-a-day=199", "SENDAMOUNT_LIMIT"),
    ] {
        let (mock, merchant) = shop(&format!("settle=manual {switch}"));
        of_100_fen(&merchant, 0, "1").assert_success();
        assert_eq!(of_100_fen(&merchant, 0, "2").code(), code, "{switch}");
        mock.act(MCH_ID, "1", &Action::Fail { reason: None }).unwrap();
        of_100_fen(&merchant, 0, "3").assert_success();
        // It counts on the day on which it was taken, whenever it is paid.
        mock.advance(16 * HOUR);
        mock.act(MCH_ID, "3", &Action::Settle).unwrap();
        of_100_fen(&merchant, 0, "4").assert_success();
    }
}

#[test]
fn a_fault_that_holds_an_order_reserves_and_one_that_rehearses_does_not() {
    use wechatpay_mock_server::{Fault, FaultRule};
    for (fault, reserves) in [
        (Fault::late_commit(HOUR), true),
        (Fault::late_failure(HOUR), true),
        (Fault::stuck(), true),
        (Fault::not_applied_but_ok(), false),
        (Fault::late_arrival(HOUR), false),
        (Fault::request_lost(), false),
    ] {
        let (mock, merchant) = with_150_fen("");
        mock.arm(FaultRule::new(fault.clone()).times(1)).unwrap();
        let request = Form::send(&merchant, "1").with("total_amount", "100").request();
        mock.handle(&request, &Arrival::with(in_force(merchant.mch_id())));
        let money = (merchant.balance_fen(), merchant.reserved_fen());
        assert_eq!(money, if reserves { (50, 100) } else { (150, 0) }, "{fault:?}");
        mock.advance(SECOND);
        let code = of_100_fen(&merchant, 0, "2").code().to_owned();
        assert_eq!(code, if reserves { "NOTENOUGH" } else { "SUCCESS" }, "{fault:?}");
    }
}

#[test]
fn a_state_of_before_has_its_orders_reserved_where_the_balance_covers_them() {
    use wechatpay_mock_server::State;
    let (mock, merchant) = with_150_fen("settle=manual");
    of_100_fen(&merchant, 0, "1").assert_success();
    let state: serde_json::Value = serde_json::from_str(&mock.state().to_json()).unwrap();
    // As it was written when money left the balance with the payment.
    let of_before = |balance_fen: u64| {
        let mut state = state.clone();
        assert!(state["red_packets"][0].as_object_mut().unwrap().remove("taken").is_some());
        let own = |one: &&mut serde_json::Value| one["mch_id"] == merchant.mch_id();
        state["merchants"].as_array_mut().unwrap().iter_mut().find(own).unwrap()["balance_fen"] =
            balance_fen.into();
        State::from_json(state.to_string().as_bytes()).unwrap()
    };
    let money = |mock: &Mock| {
        let ledger = mock.ledger();
        (ledger.balance(merchant.mch_id()), ledger.reserved(merchant.mch_id()))
    };
    mock.restore(of_before(150)).unwrap();
    assert_eq!(money(&mock), (50, 100));
    assert_eq!(of_100_fen(&merchant, 0, "2").code(), "NOTENOUGH");
    // Twice is once: what is written now says what is reserved.
    mock.restore(mock.state()).unwrap();
    assert_eq!(money(&mock), (50, 100));

    mock.restore(of_before(99)).unwrap();
    assert_eq!(money(&mock), (99, 0));
    let settle = || mock.act(merchant.mch_id(), "1", &Action::Settle);
    assert_eq!(settle().unwrap_err(), wechatpay_mock_server::ActionError::NotEnough);
    mock.top_up(merchant.mch_id(), 1).unwrap();
    assert_eq!((settle().unwrap().status, money(&mock)), (Status::Sent, (0, 0)));
}
