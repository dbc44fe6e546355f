//! Money, time and chance in a world that is changed while things are under way.

use std::time::Duration;

use http::{Method, Request};
use wechatpay_mock_server::{
    Action, Arrival, Clock, Commit, CommitKind, Fault, FaultRule, Filter, Mock, MockMerchant, Rules, Scope,
    Status,
};

use crate::common::{Form, MCH_ID, call, shop, shop_with};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
const SUB: &str = "1900000109";

/// A service provider whose sub-merchant pays for the order 1.
fn under_way() -> (Mock, MockMerchant) {
    let mock = Mock::builder().build();
    let provider = mock.merchant().mch_id(MCH_ID).service_provider().create().unwrap();
    let sub = mock.merchant().mch_id(SUB).balance_fen(5_000).under(&provider).create().unwrap();
    let form = Form::send(&provider, "1").with("sub_mch_id", SUB).with("msgappid", sub.appid());
    call(&provider, &form).assert_success();
    assert_eq!(mock.ledger().balance(SUB), 4_000);
    (mock, provider)
}

/// "What it started with equals its balance plus what is on its way plus what was received."
#[test]
fn a_packet_goes_with_the_merchant_that_paid_for_it() {
    let (mock, _) = under_way();
    mock.reset(&[Scope::State].into(), Some(SUB));
    mock.advance(2 * DAY);
    assert_eq!(mock.ledger().balance(SUB), 5_000);

    let (mock, provider) = under_way();
    assert!(mock.remove_merchant(SUB));
    mock.advance(2 * DAY);
    assert_eq!(mock.ledger().balance(SUB), 0);
    let again = mock.merchant().mch_id(SUB).balance_fen(5_000).under(&provider).create().unwrap();
    assert_eq!(again.balance_fen(), 5_000);
}

/// A reset of one merchant leaves the others: also with their money.
#[test]
fn who_paid_for_a_packet_that_is_forgotten_has_the_money_again() {
    let (mock, provider) = under_way();
    provider.claim("1").unwrap();
    mock.reset(&[Scope::State].into(), Some(MCH_ID));
    assert_eq!(mock.ledger().balance(SUB), 5_000);

    let (mock, _) = under_way();
    mock.advance(2 * DAY);
    assert_eq!((mock.ledger().balance(SUB), mock.next_due()), (5_000, None));
    mock.reset(&[Scope::State].into(), Some(MCH_ID));
    assert_eq!(mock.ledger().balance(SUB), 5_000);
}

/// What a merchant paid today counts, whatever days others live in.
#[test]
fn a_skewed_clock_of_one_merchant_does_not_begin_another_day_for_all() {
    let (mock, merchant) = shop_with(Rules { user_packets_a_day: Some(1), ..Rules::default() });
    let other = mock.merchant().create().unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    for skew in [Fault::clock_ahead(DAY), Fault::clock_behind(DAY)] {
        let name = skew.clone();
        mock.arm(skew.on("sendredpack").merchant(other.mch_id()).times(1)).unwrap();
        call(&other, &Form::send(&other, &format!("{}", mock.requests()))).assert_success();
        let second = Form::send(&merchant, &format!("{}", mock.requests()));
        assert_eq!(call(&merchant, &second).code(), "SENDNUM_LIMIT", "{name:?}");
    }
}

/// What was planned or counted at a time that is yet to come does not stand in the way once the clock was set back.
#[test]
fn limits_of_a_second_end_after_a_second_though_the_clock_was_set_back() {
    let (mock, merchant) = shop_with(Rules { sends_per_second: Some(1), ..Rules::default() });
    mock.arm(Fault::rate_limit(1, SECOND).on("gethbinfo")).unwrap();
    let (early, send, query) = (mock.now(), Form::send(&merchant, "1"), Form::query(&merchant, "1"));
    mock.advance(DAY);
    call(&merchant, &send).assert_success();
    call(&merchant, &query).assert_success();
    assert_eq!(call(&merchant, &query).code(), "FREQ_LIMIT");
    mock.set_clock(Clock::Frozen(early));
    call(&merchant, &query).assert_success();
    call(&merchant, &send).assert_success();
    assert_eq!(call(&merchant, &query).code(), "FREQ_LIMIT");
    assert_eq!(call(&merchant, &send).code(), "FREQ_LIMIT");
    assert_eq!(merchant.balance_fen(), 999_000);
}

/// The same counts after a restart as before it, wherever the clock had been.
#[test]
fn what_was_paid_on_a_day_is_known_again_after_the_clock_went_back() {
    let (mock, merchant) = shop_with(Rules { user_packets_a_day: Some(1), ..Rules::default() });
    let early = mock.now();
    for (number, at) in [("1", early), ("2", early.after(DAY))] {
        mock.set_clock(Clock::Frozen(at));
        call(&merchant, &Form::send(&merchant, number)).assert_success();
    }
    mock.set_clock(Clock::Frozen(early));
    for billno in ["3", "4"] {
        assert_eq!(call(&merchant, &Form::send(&merchant, billno)).code(), "SENDNUM_LIMIT");
        mock.restore(mock.state()).unwrap();
        mock.advance(SECOND);
    }
}

/// Whose a request is that is on its way is what the engine read, not what a stricter reader would.
#[test]
fn a_reset_takes_back_a_late_request_that_only_the_rules_can_read() {
    let (mock, merchant) = shop();
    mock.set_rule(None, "duplicates", "first").unwrap();
    mock.arm(Fault::late_arrival(SECOND).into()).unwrap();
    let body = Form::send(&merchant, "1").xml().replace("</xml>", "<remark>again</remark></xml>");
    let mut request = Form::send(&merchant, "1").request();
    *request.body_mut() = body.into();
    mock.handle(&request, &Arrival::with(crate::common::in_force(MCH_ID)));
    assert_eq!(mock.scheduled()[0].key.mch_billno, "1");
    mock.reset(&[Scope::State].into(), Some(MCH_ID));
    assert_eq!(mock.scheduled(), []);
}

/// A reset of the whole world leaves nothing on its way, whoever sent it.
#[test]
fn a_reset_takes_back_late_requests_of_nobody() {
    let (mock, _) = shop();
    mock.arm(Fault::late_arrival(SECOND).into()).unwrap();
    mock.handle(&crate::common::post("/nothing", "x"), &Arrival::default());
    assert_eq!(mock.scheduled().len(), 1);
    mock.reset(&[Scope::State].into(), None);
    assert_eq!(mock.scheduled(), []);
}

/// Anything but a POST has no body for the application; after a restart too.
#[test]
fn a_late_request_that_is_no_post_stays_none() {
    let (mock, merchant) = shop();
    mock.arm(FaultRule::new(Fault::late_arrival(SECOND)).times(2)).unwrap();
    let arrival = Arrival::with(crate::common::in_force(MCH_ID));
    let mut request = Form::send(&merchant, "1").request();
    *request.method_mut() = Method::PUT;
    mock.handle(&request, &arrival);
    // Of an authority alone there is no path.
    mock.handle(&Request::options("api.mch.weixin.qq.com").body("".into()).unwrap(), &arrival);
    mock.restore(mock.state()).unwrap();
    assert_eq!(mock.advance(SECOND).len(), 2);
    assert_eq!(merchant.red_packet("1"), None);
}

/// Without an appid nothing can be sent; and a world that is put back would have one made up.
#[test]
fn a_merchant_keeps_an_appid() {
    let (mock, merchant) = shop();
    let error = mock.set_appids(MCH_ID, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "merchant: appids need one at least");
    assert_eq!(mock.merchants()[0].appid(), merchant.appid());
}

/// A query is answered at once, whatever becomes of its order later.
#[test]
fn a_query_of_a_held_order_is_carried_out() {
    let (mock, merchant) = shop();
    mock.set_rule(None, "settle", "after:2s").unwrap();
    let arrival = Arrival::with(crate::common::in_force(MCH_ID));
    let sent = mock.handle(&Form::send(&merchant, "1").request(), &arrival);
    assert_eq!(sent.commit, Commit::Later(mock.now().after(2 * SECOND)));
    let asked = mock.handle(&Form::query(&merchant, "1").request(), &arrival);
    assert_eq!(asked.commit, Commit::Applied);
}

/// Whether somebody asked between does not matter.
#[test]
fn what_was_due_has_happened_before_the_clock_goes_back() {
    for asked in [false, true] {
        let (mock, merchant) = shop();
        let early = mock.now().before(2 * DAY);
        mock.arm(Fault::clock_behind(DAY + SECOND).into()).unwrap();
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        let seen = if asked { mock.advance(Duration::ZERO) } else { Vec::new() };
        let fired = mock.set_clock(Clock::Frozen(early));
        assert_eq!(seen.len() + fired.len(), 1);
        assert_eq!(merchant.red_packet("1").unwrap().status, Status::RfundIng, "{asked}");
    }
}

/// What was paid today is what the packets say that are left.
#[test]
fn limits_of_a_day_forget_the_packets_that_were_forgotten_and_no_others() {
    let (mock, provider) = under_way();
    mock.set_rule(None, "user-packets-a-day", "2").unwrap();
    let form = |billno: &str| {
        let form = Form::send(&provider, billno).with("sub_mch_id", SUB).with("consume_mch_id", MCH_ID);
        form.with("msgappid", provider.appid())
    };
    call(&provider, &form("2")).assert_success();
    assert_eq!(call(&provider, &form("3")).code(), "SENDNUM_LIMIT");
    mock.reset(&[Scope::State].into(), Some(SUB));
    mock.advance(SECOND);
    call(&provider, &form("3")).assert_success();
    assert_eq!(call(&provider, &form("4")).code(), "SENDNUM_LIMIT");
    mock.reset(&[Scope::State].into(), Some(MCH_ID));
    assert_eq!(mock.next_due(), None);
    call(&provider, &form("4")).assert_success();
}

/// What is only rehearsed is answered as it would have been, and leaves nothing behind.
#[test]
fn a_rehearsal_knows_the_money_and_the_limits_and_leaves_them() {
    let rules = Rules { sends_per_second: Some(1), user_packets_a_day: Some(2), ..Rules::default() };
    let (mock, merchant) = shop_with(rules);
    let lie = mock.arm(Fault::not_applied_but_ok().into()).unwrap();
    let arrival = Arrival::with(crate::common::in_force(MCH_ID));
    let outcome = mock.handle(&Form::send(&merchant, "1").request(), &arrival);
    assert_eq!(outcome.commit, Commit::NotApplied);
    mock.disarm(lie);
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    mock.advance(SECOND);
    mock.arm(Fault::not_applied_but_ok().into()).unwrap();
    let told = |switch: &str, value: &str| {
        mock.set_rule(None, switch, value).unwrap();
        call(&merchant, &Form::send(&merchant, "2")).code().to_owned()
    };
    assert_eq!(told("user-packets-a-day", "2"), "SUCCESS");
    assert_eq!(told("user-packets-a-day", "1"), "SENDNUM_LIMIT");
    mock.set_rule(None, "user-packets-a-day", "none").unwrap();
    assert_eq!(told("merchant-fen-a-day", "1999"), "SENDAMOUNT_LIMIT");
    assert_eq!(told("merchant-fen-a-day", "2000"), "SUCCESS");
    mock.set_balance(MCH_ID, 999).unwrap();
    assert_eq!(told("merchant-fen-a-day", "none"), "NOTENOUGH");
}

/// Seconds, scripts and switches begin anew with a reset or a new merchant, and go on after a restart.
#[test]
fn what_a_merchant_did_a_moment_ago_is_forgotten_by_a_reset_and_by_nothing_else() {
    let (mock, merchant) = shop_with(Rules { sends_per_second: Some(1), ..Rules::default() });
    let scripted = |billno: &str| Form::send(&merchant, billno).with("remark", "#mock NO_AUTH,OK");
    for whose in [Some(MCH_ID), None, None] {
        assert_eq!(call(&merchant, &scripted("1")).code(), "NO_AUTH");
        call(&merchant, &scripted("1")).assert_success();
        mock.restore(mock.state()).unwrap();
        assert_eq!(call(&merchant, &Form::send(&merchant, "2")).code(), "FREQ_LIMIT");
        mock.reset(&[Scope::State].into(), whose);
    }
    mock.set_rule(Some(MCH_ID), "settle", "manual").unwrap();
    assert!(mock.remove_merchant(MCH_ID));
    mock.merchant().mch_id(MCH_ID).create().unwrap();
    assert!(mock.own_rules(MCH_ID).is_empty());
}

/// Requests that come late and packets that move on happen in the order of their times.
#[test]
fn everything_happens_in_order() {
    let (mock, merchant) = shop();
    mock.set_rule(None, "settle", "after:30s").unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    mock.arm(Fault::late_arrival(60 * SECOND).into()).unwrap();
    let late = merchant.transport().timeout(DAY);
    assert!(
        wechatpay_proto::transport::BlockingTransport::send_blocking(
            &late,
            Form::send(&merchant, "2").request()
        )
        .is_err()
    );
    let fired = mock.advance(2 * DAY);
    assert!(fired.len() > 5 && fired.is_sorted_by_key(|fired| fired.at), "{fired:?}");
    let settled = &mock.state().red_packets[0];
    assert_eq!((settled.hold, settled.history.len()), (None, 4));
}

/// A held order of a world that did not reserve, whose payer has nothing when its time comes, waits with a reason and
/// ends with its life. One with its amount reserved is paid whatever the balance is.
#[test]
fn a_held_order_without_money_waits_and_ends() {
    let (mock, merchant) = shop();
    mock.set_rule(None, "settle", "after:30s").unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    mock.set_balance(MCH_ID, 0).unwrap();
    let mut before = mock.state();
    mock.advance(60 * SECOND);
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Sent);
    before.red_packets[0].taken = None;
    mock.restore(before).unwrap();
    mock.advance(60 * SECOND);
    let waiting = merchant.red_packet("1").unwrap();
    assert_eq!((waiting.status, waiting.hold, waiting.reason.is_some()), (Status::Sending, None, true));
    mock.advance(DAY);
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Failed);
    mock.set_balance(MCH_ID, 5_000).unwrap();
    call(&merchant, &Form::send(&merchant, "2")).assert_success();
    let settled = mock.act(MCH_ID, "2", &Action::Settle).unwrap();
    assert_eq!((settled.status, settled.hold), (Status::Sent, None));
}

/// Of two deliveries one was carried out, and of a late one the journal hears in the end.
#[test]
fn what_became_of_a_request_is_told_in_the_end() {
    let (mock, merchant) = shop();
    let arrival = Arrival::with(crate::common::in_force(MCH_ID));
    let twice = mock.arm(Fault::duplicate_delivery().into()).unwrap();
    let outcome = mock.handle(&Form::send(&merchant, "1").request(), &arrival);
    assert_eq!(outcome.commit, Commit::Applied);
    mock.disarm(twice);
    mock.restore(mock.state()).unwrap();
    assert_eq!(mock.arm(Fault::late_arrival(SECOND).into()).unwrap(), twice + 1);
    mock.handle(&Form::send(&merchant, "2").request(), &arrival);
    let late = Filter::default().order("2").commit(CommitKind::Applied);
    assert!(mock.wait_for(1, &late, Duration::ZERO).is_err());
    mock.advance(SECOND);
    assert!(mock.wait_for(1, &late, Duration::ZERO).is_ok());
}
