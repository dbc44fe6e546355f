//! The world controlled from outside: its clock, its users, its merchants; reset, taken out, put back.

use std::time::Duration;

use serde_json::json;
use wechatpay_mock_server::{
    Clock, Event, MerchantSpec, Mistaken, Mock, MockError, MockMerchant, Scope, State, StateError, Status,
    Time, Upcoming, UserFlag,
};

use crate::common::{Answer, Form, MCH_ID, OPENID, call, shop};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

fn everything() -> std::collections::BTreeSet<Scope> {
    [Scope::State, Scope::Requests, Scope::Faults, Scope::Clock].into()
}

/// Requests whose answers tell how the world stands.
fn probe(mock: &Mock, merchant: &MockMerchant) -> Vec<Answer> {
    let mut answers = Vec::new();
    for billno in ["1", "2", "new"] {
        answers.push(call(merchant, &Form::query(merchant, billno)));
        mock.advance(2 * SECOND);
        answers.push(call(merchant, &Form::send(merchant, billno)));
        answers.push(call(merchant, &Form::send(merchant, billno).with("re_openid", "blocked")));
        mock.advance(30 * HOUR);
        answers.push(call(merchant, &Form::query(merchant, billno)));
    }
    answers
}

/// A world in which a bit of everything has happened.
fn lived() -> (Mock, MockMerchant) {
    let (mock, merchant) = shop();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    merchant.claim("1").unwrap();
    mock.set_rule(Some(MCH_ID), "settle", "after:2h").unwrap();
    mock.advance(SECOND);
    call(&merchant, &Form::send(&merchant, "2")).assert_success();
    mock.set_user(Some(MCH_ID), "blocked", vec![UserFlag::RiskBlocked]);
    mock.set_rule(None, "claim-window", "20h").unwrap();
    (mock, merchant)
}

#[test]
fn a_world_that_was_put_back_goes_on_as_it_would_have() {
    let (mock, merchant) = lived();
    let state = mock.state();
    let told = probe(&mock, &merchant);
    let ledger = mock.ledger();
    assert_ne!(mock.state(), state);

    mock.restore(state.clone()).unwrap();
    assert_eq!(mock.state().red_packets, state.red_packets);
    assert_eq!(probe(&mock, &merchant), told);
    assert_eq!(mock.ledger(), ledger);

    // In another mock too, by way of JSON.
    let other = Mock::builder().seed(7).build();
    other.restore(State::from_json(state.to_json().as_bytes()).unwrap()).unwrap();
    let twin = other.merchants().remove(0);
    assert_eq!((twin.key(), other.seed()), (merchant.key(), mock.seed()));
    assert_eq!(probe(&other, &twin), told);
    assert_eq!(other.ledger(), ledger);
}

#[test]
fn a_state_that_cannot_be_changes_nothing_and_says_where_it_is_wrong() {
    let (mock, _) = lived();
    let good = mock.state();
    let json: serde_json::Value = serde_json::from_str(&good.to_json()).unwrap();
    for (place, name, value, told) in [
        ("", "version", json!(2), "version 2"),
        ("", "unheard_of", json!(1), "unheard_of"),
        ("/merchants/0", "key", json!("short"), "merchants[0]"),
        ("/merchants/0", "under", json!("nobody"), "under"),
        ("/red_packets/1/shares/0", "amount", json!(1), "red_packets[1]"),
        ("/red_packets/1", "history", json!([]), "red_packets[1]"),
        ("/red_packets/0", "mch_billno", json!("2"), "there twice"),
        ("/rules", "settle", json!("someday"), "rules.settle"),
        ("/clock", "mode", json!("backwards"), "clock"),
    ] {
        let mut changed = json.clone();
        changed.pointer_mut(place).unwrap()[name] = value;
        let read = State::from_json(changed.to_string().as_bytes());
        let message = read.and_then(|state| mock.restore(state)).unwrap_err().to_string();
        assert!(message.contains(told), "{message}");
        assert!(!message.contains("exposed_your_key"), "{message}");
        assert_eq!(mock.state(), good);
    }
    assert_eq!(State::from_json(b"{\"version\":9}"), Err(StateError::Version(9)));
}

#[test]
fn a_reset_of_one_merchant_leaves_the_others() {
    let (mock, merchant) = lived();
    let other = mock.merchant().balance_fen(5_000).create().unwrap();
    call(&other, &Form::send(&other, "1")).assert_success();
    other.top_up(70);
    let now = mock.now();

    mock.reset(&everything(), Some(MCH_ID));
    assert_eq!((merchant.red_packet("1"), merchant.balance_fen()), (None, 1_000_000));
    assert!(other.red_packet("1").is_some());
    assert_eq!((other.balance_fen(), mock.now()), (4_070, now));
    assert_eq!(mock.journal().merchant(MCH_ID).count(), 0);
    assert_eq!(mock.journal().merchant(other.mch_id()).count(), 1);
    call(&merchant, &Form::send(&merchant, "3").with("re_openid", "blocked")).assert_success();

    mock.advance(HOUR);
    mock.reset(&everything(), None);
    assert_eq!((other.red_packet("1"), other.balance_fen()), (None, 5_000));
    assert_eq!((mock.journal().count(), mock.now()), (0, Mock::builder().build().now()));
}

#[test]
fn what_will_happen_is_told_and_can_be_gone_to() {
    let (mock, merchant) = lived();
    let scheduled = mock.scheduled();
    let [next] = scheduled.as_slice() else { panic!("{scheduled:?}") };
    assert_eq!((next.what, next.key.mch_billno.as_str()), (Upcoming::Moves(Status::Sent), "2"));
    let fired = mock.advance_to_next();
    assert_eq!((fired[0].at, mock.now()), (next.at, next.at));
    assert_eq!(fired[0].event, Event::Moved(Status::Sent));
    let statuses =
        |mock: &Mock| mock.advance_to_next().iter().map(|fired| fired.status()).collect::<Vec<_>>();
    assert_eq!(statuses(&mock), [Some(Status::RfundIng)]);
    assert_eq!(statuses(&mock), [Some(Status::Refund)]);
    assert_eq!(mock.advance_to_next(), []);
    assert_eq!(merchant.balance_fen(), 1_000_000 - 1_000);
}

#[test]
fn the_clock_goes_back_when_it_is_set_and_only_then() {
    let (mock, _) = shop();
    let start = mock.now();
    mock.set_clock(Clock::Frozen(start.after(HOUR)));
    assert_eq!(mock.now(), start.after(HOUR));
    mock.set_clock(Clock::Frozen(start));
    assert_eq!((mock.now(), mock.clock_mode().as_str()), (start, "frozen"));
    mock.set_clock(Clock::parse("scaled:1000").unwrap());
    let one = mock.now();
    assert!(mock.now() >= one);
    assert_eq!(mock.clock_mode(), "scaled:1000");
    assert!(Time::parse("2026-11-01T00:00:00+08:00").unwrap() < one, "it starts from the system's time");
}

#[test]
fn a_new_key_is_good_at_once_and_the_old_one_for_its_grace() {
    let (mock, merchant) = shop();
    let rotated = merchant.rotate_key(None, HOUR).unwrap();
    assert_ne!(rotated.key(), merchant.key());
    call(&rotated, &Form::send(&rotated, "1")).assert_success();
    call(&merchant, &Form::send(&merchant, "2")).assert_success();
    mock.advance(HOUR);
    call(&merchant, &Form::send(&merchant, "3")).assert_sign_error();
    call(&rotated, &Form::send(&rotated, "3")).assert_success();
    let chosen = "another_key_of_32_characters_abc";
    let again = rotated.rotate_key(Some(chosen.to_owned()), Duration::ZERO).unwrap();
    assert_eq!(again.key(), chosen);
    call(&rotated, &Form::send(&rotated, "4")).assert_sign_error();
    let short = rotated.rotate_key(Some("short".to_owned()), HOUR).unwrap_err();
    assert!(matches!(short, MockError::Merchant { part: "key", .. }) && !short.to_string().contains("short"));
    call(&again, &Form::send(&again, "4")).assert_success();
}

#[test]
fn a_certificate_is_taken_for_what_it_is_told_to_be() {
    let (_, merchant) = shop();
    let form = Form::send(&merchant, "1");
    let answer = |mistaken| {
        merchant.take_certificate_for(mistaken).unwrap();
        let answer = call(&merchant, &form);
        (
            answer.status,
            answer.get("err_code").map(str::to_owned),
            answer.get("return_msg").map(str::to_owned),
        )
    };
    let refused = |text: &str| (200, Some("CA_ERROR".to_owned()), Some(text.to_owned()));
    let other = "请求没带商户API证书或者带上了错误的商户API证书";
    assert_eq!(answer(Some(Mistaken::Missing)), refused("证书出错，请登录微信支付商户平台下载证书"));
    assert_eq!(answer(Some(Mistaken::Expired)), refused("证书已过期"));
    assert_eq!(answer(Some(Mistaken::Revoked)), refused(other));
    assert_eq!(answer(Some(Mistaken::OtherMerchant)), refused(other));
    assert_eq!(answer(Some(Mistaken::Foreign)), (400, None, None));
    assert_eq!(answer(None).1.as_deref(), Some("SUCCESS"));
}

#[test]
fn users_are_in_the_way_as_they_were_told_to_be() {
    let (mock, merchant) = shop();
    let send = |billno: &str| {
        let answer = call(&merchant, &Form::send(&merchant, billno));
        answer.code().to_owned()
    };
    mock.set_user(None, OPENID, vec![UserFlag::RiskBlocked]);
    assert_eq!(send("1"), "NO_AUTH");
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Sending);
    mock.set_user(None, OPENID, vec![UserFlag::ForeignOpenid]);
    assert_eq!(send("2"), "OPENID_ERROR");
    mock.set_user(None, OPENID, vec![UserFlag::DailyCap(1)]);
    assert_eq!(send("3"), "SUCCESS");
    assert_eq!(send("4"), "SENDNUM_LIMIT");
    mock.set_user(Some("another"), OPENID, vec![UserFlag::RiskBlocked]);
    mock.set_user(None, OPENID, vec![]);
    assert_eq!(send("5"), "SUCCESS");
    assert!(UserFlag::parse("daily_cap:x").unwrap_err().contains("daily_cap"));
}

#[test]
fn merchants_come_and_go() {
    let (mock, merchant) = shop();
    let partner = mock
        .add_merchant(serde_json::from_str::<MerchantSpec>(r#"{"mch_id":"P","mode":"partner"}"#).unwrap())
        .unwrap();
    let sub = mock.merchant().under(&partner).create().unwrap();
    assert!(!mock.remove_merchant("P"), "others are under it");
    assert!(mock.remove_merchant(sub.mch_id()) && mock.remove_merchant("P"));
    assert!(!mock.remove_merchant("P"));
    call(&partner, &Form::query(&partner, "1")).assert_param_error("找不到对应的商户号");
    assert!(mock.remove_merchant(merchant.mch_id()));
    let again = mock.merchant().mch_id(MCH_ID).balance_fen(5).create().unwrap();
    assert_eq!(again.balance_fen(), 5);
    assert!(mock.rotate_key("P", None, HOUR).is_err() && mock.top_up("P", 1).is_err());
}
