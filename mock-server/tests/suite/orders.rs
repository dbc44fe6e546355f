//! What becomes of an order: sending its number again, limits, soft failures, time, claims, queries.

use std::time::Duration;

use proptest::prelude::*;
use wechatpay_mock_server::{
    Action, ActionError, Clock, Event, Fired, Mock, MockMerchant, RedPacket, Rules, Status,
};

use crate::common::{Answer, Form, MCH_ID, OPENID, call, legacy, shop, shop_with};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn send(merchant: &MockMerchant, mch_billno: &str) -> Answer {
    call(merchant, &Form::send(merchant, mch_billno))
}

fn query(merchant: &MockMerchant, mch_billno: &str) -> Answer {
    call(merchant, &Form::query(merchant, mch_billno))
}

fn payments(mock: &Mock, mch_billno: &str) -> usize {
    let packet = mock.red_packet(MCH_ID, mch_billno).unwrap();
    packet.history.iter().filter(|(_, status)| *status == Status::Sent).count()
}

#[test]
fn the_same_number_pays_once_whatever_the_state_of_its_packet() {
    let (mock, merchant) = shop();
    let first = send(&merchant, "1");
    let again = |nonce: &str| {
        mock.advance(SECOND);
        let answer = call(&merchant, &Form::send(&merchant, "1").with("nonce_str", nonce));
        assert_eq!(answer, first);
        assert_eq!((payments(&mock, "1"), mock.ledger().packets().count()), (1, 1));
    };
    again("another");
    again("50780e0cca98c8c8e814883e5caa672e");
    assert_eq!(merchant.balance_fen(), 999_000);
    merchant.claim("1").unwrap();
    again("claimed");
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Received);

    let unclaimed = send(&merchant, "2");
    for (wait, status) in [(DAY, Status::RfundIng), (HOUR, Status::Refund)] {
        mock.advance(wait);
        assert_eq!(send(&merchant, "2"), unclaimed);
        assert_eq!(merchant.red_packet("2").unwrap().status, status);
    }
    assert_eq!((payments(&mock, "2"), merchant.balance_fen()), (1, 999_000));
}

#[test]
fn another_receiver_amount_or_appid_under_the_same_number_is_fatal() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).appid("wx1").appid("wx2").create().unwrap();
    let first = send(&merchant, "1");
    mock.advance(SECOND);
    let before = mock.ledger();
    for (field, value, text) in [
        ("re_openid", "another", "更换了openid，但商户单号未更新"),
        ("total_amount", "1001", "更换了金额，但商户单号未更新"),
        // Out of range, but the order is looked up before the limits.
        ("total_amount", "20001", "更换了金额，但商户单号未更新"),
        ("wxappid", "wx2", "更换了appid，但商户单号未更新"),
    ] {
        let answer = call(&merchant, &Form::send(&merchant, "1").with(field, value));
        assert_eq!(answer.assert_failure("FATAL_ERROR", text).get(field), Some(value));
    }
    assert_eq!(mock.ledger(), before);
    for (field, value) in [
        ("wishing", "x"),
        ("send_name", "x"),
        ("act_name", "x"),
        ("remark", "x"),
        ("scene_id", "PRODUCT_3"),
        ("client_ip", "1.1.1.1"),
    ] {
        mock.advance(SECOND);
        assert_eq!(
            call(&merchant, &Form::send(&merchant, "1").with(field, value)),
            first,
            "{field} is not compared"
        );
    }
}

#[test]
fn a_number_belongs_to_its_merchant() {
    let (mock, merchant) = shop();
    let other = mock.merchant().create().unwrap();
    send(&merchant, "1").assert_success();
    query(&other, "1").assert_failure("NOT_FOUND", "指定单号数据不存在");
    let sent = call(&other, &Form::send(&other, "1").with("total_amount", "2000"));
    sent.assert_success();
    assert_eq!((merchant.balance_fen(), other.balance_fen()), (999_000, 998_000));
    assert_eq!(query(&merchant, "1").get("total_amount"), Some("1000"));
}

#[test]
fn the_same_number_needs_a_second_between_its_attempts() {
    let (mock, merchant) = shop();
    let first = send(&merchant, "1");
    for _ in 0..3 {
        send(&merchant, "1").assert_failure("FREQ_LIMIT", "超过频率限制,请稍后再试");
    }
    send(&merchant, "2").assert_success();
    mock.advance(SECOND - Duration::from_nanos(1));
    assert_eq!(send(&merchant, "1").code(), "FREQ_LIMIT");
    mock.advance(Duration::from_nanos(1));
    assert_eq!(send(&merchant, "1"), first, "a refused attempt does not put the next one off");
    assert_eq!(send(&merchant, "1").code(), "FREQ_LIMIT");

    let (_, merchant) = shop_with(Rules { resend_gap: Duration::ZERO, ..Rules::default() });
    assert_eq!(send(&merchant, "1"), send(&merchant, "1"));
}

#[test]
fn a_merchant_sends_thirty_packets_a_second_and_another_one_its_own_thirty() {
    let rules = Rules { user_packets_a_day: None, ..Rules::default() };
    let (mock, merchant) = shop_with(rules);
    let other = mock.merchant().create().unwrap();
    for number in 0..30 {
        send(&merchant, &number.to_string()).assert_success();
    }
    send(&merchant, "30").assert_failure("FREQ_LIMIT", "超过频率限制,请稍后再试");
    assert!(merchant.red_packet("30").is_none());
    send(&other, "30").assert_success();
    for _ in 0..100 {
        query(&merchant, "1").assert_success();
    }
    mock.advance(SECOND);
    send(&merchant, "30").assert_success();
}

#[test]
fn without_money_an_order_waits_with_a_reason_and_is_paid_after_a_top_up() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(999).create().unwrap();
    let text = "帐号余额不足，请到商户平台充值后再重试";
    send(&merchant, "1").assert_failure("NOTENOUGH", text);
    let waiting = query(&merchant, "1");
    assert_eq!((waiting.get("status"), waiting.get("reason")), (Some("SENDING"), Some(text)));
    assert_eq!(
        merchant.claim("1").unwrap_err().to_string(),
        "a packet that is SENDING does not allow claim: it is not paid yet: settle pays it, fail closes it without payment"
    );

    mock.advance(SECOND);
    send(&merchant, "1").assert_failure("NOTENOUGH", text);
    merchant.top_up(1);
    assert_eq!(
        query(&merchant, "1").get("status"),
        Some("SENDING"),
        "the platform does not try again by itself"
    );
    mock.advance(SECOND);
    let sent = send(&merchant, "1");
    assert_eq!(sent.assert_success().get("send_listid"), waiting.get("detail_id"));
    let paid = query(&merchant, "1");
    assert_eq!((paid.get("status"), paid.get("reason")), (Some("SENT"), None));
    assert_eq!(paid.get("send_time"), waiting.get("send_time"));
    assert_eq!((merchant.balance_fen(), payments(&mock, "1")), (0, 1));
}

#[test]
fn limits_of_a_day_leave_orders_that_another_day_pays() {
    // Half an hour before midnight in Beijing: 2026-01-01T15:30:00Z.
    let late = Clock::parse("frozen:2026-01-01T23:30:00+08:00").unwrap();
    let base = Rules::default();
    let cases = [
        ("SENDNUM_LIMIT", Rules { user_packets_a_day: Some(2), ..base.clone() }),
        ("RCVDAMOUNT_LIMIT", Rules { user_fen_a_day: Some(2_999), ..base.clone() }),
        ("SENDAMOUNT_LIMIT", Rules { merchant_fen_a_day: Some(2_999), ..base }),
    ];
    for (code, rules) in cases {
        let mock = Mock::builder().clock(late).rules(rules).build();
        let merchant = mock.merchant().mch_id(MCH_ID).create().unwrap();
        send(&merchant, "1").assert_success();
        send(&merchant, "2").assert_success();
        let refused = send(&merchant, "3");
        assert_eq!(refused.code(), code);
        let waiting = query(&merchant, "3");
        assert_eq!(
            (waiting.get("status"), waiting.get("reason")),
            (Some("SENDING"), refused.get("err_code_des"))
        );
        let other = call(&merchant, &Form::send(&merchant, "4").with("re_openid", "another"));
        assert_eq!(other.code() == "SUCCESS", code != "SENDAMOUNT_LIMIT", "{code}: {other:?}");

        mock.advance(HOUR / 2 - SECOND);
        assert_eq!(send(&merchant, "3").code(), code, "a second before midnight");
        mock.advance(SECOND);
        send(&merchant, "3").assert_success();
        assert_eq!(payments(&mock, "3"), 1);
    }
}

#[test]
fn the_documented_limits_of_a_user_are_ten_packets_and_a_thousand_yuan() {
    let (mock, merchant) = shop();
    for number in 0..10 {
        send(&merchant, &number.to_string()).assert_success();
    }
    assert_eq!(send(&merchant, "a").code(), "SENDNUM_LIMIT");
    let text = "该用户今日领取金额超过限制,如有需要请登录微信支付商户平台更改API安全配置";
    let big = |billno: &str| {
        let form = Form::send(&merchant, billno).with("re_openid", "o2").with("total_amount", "20000");
        call(&merchant, &form)
    };
    for number in ["b", "c", "d", "e", "f"] {
        big(number).assert_success();
    }
    big("g").assert_failure("RCVDAMOUNT_LIMIT", text);
    assert_eq!(mock.ledger().packets().filter(|packet| packet.status == Status::Sending).count(), 2);
}

#[test]
fn an_order_that_stays_unpaid_fails_after_a_day_and_its_number_is_dead() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(0).create().unwrap();
    send(&merchant, "1");
    merchant.top_up(10_000);
    mock.advance(DAY - Duration::from_nanos(1));
    assert_eq!(query(&merchant, "1").get("status"), Some("SENDING"));
    let due = mock.next_due().unwrap();
    let fired = mock.advance(Duration::from_nanos(1));
    assert!(matches!(&*fired, [Fired { at, event: Event::Moved(Status::Failed), .. }] if *at == due));
    let failed = query(&merchant, "1");
    assert_eq!((failed.get("status"), failed.get("reason")), (Some("FAILED"), None));
    for _ in 0..2 {
        send(&merchant, "1").assert_failure("SEND_FAILED", "该订单已经过期,请更换商户单号");
        mock.advance(DAY);
    }
    let changed = Form::send(&merchant, "1").with("re_openid", "another");
    assert_eq!(call(&merchant, &changed).code(), "FATAL_ERROR");
    send(&merchant, "2").assert_success();
    assert_eq!((merchant.balance_fen(), payments(&mock, "1")), (9_000, 0));
}

#[test]
fn an_unclaimed_packet_goes_back_after_a_day_and_a_quarter_of_an_hour() {
    let (mock, merchant) = shop();
    send(&merchant, "1").assert_success();
    assert!(mock.advance(DAY - Duration::from_nanos(1)).is_empty());
    let fired = mock.advance(2 * DAY);
    let events: Vec<_> = fired.iter().map(|fired| (fired.at.to_answer(), fired.status().unwrap())).collect();
    assert_eq!(
        events,
        [("2026-01-02 09:00:00".into(), Status::RfundIng), ("2026-01-02 09:15:00".into(), Status::Refund)]
    );
    assert_eq!(merchant.balance_fen(), 1_000_000);
    assert_eq!(mock.next_due(), None);
}

#[test]
fn a_packet_can_be_claimed_until_its_last_moment_and_no_later() {
    for (wait, claimed) in [(DAY - Duration::from_nanos(1), true), (DAY, false)] {
        let (mock, merchant) = shop();
        send(&merchant, "1").assert_success();
        mock.advance(wait);
        assert_eq!(merchant.claim("1").is_ok(), claimed);
        mock.advance(2 * DAY);
        assert_eq!(merchant.balance_fen(), if claimed { 999_000 } else { 1_000_000 });
    }
}

#[test]
fn an_order_can_be_queried_for_thirty_days() {
    let (mock, merchant) = shop();
    query(&merchant, "1").assert_failure("NOT_FOUND", "指定单号数据不存在");
    let sent = send(&merchant, "1");
    mock.advance(30 * DAY);
    assert_eq!(query(&merchant, "1").get("status"), Some("REFUND"));
    mock.advance(Duration::from_nanos(1));
    query(&merchant, "1").assert_failure("NOT_FOUND", "指定单号数据不存在");
    assert_eq!(send(&merchant, "1"), sent, "the number is still taken");
    assert_eq!(merchant.balance_fen(), 1_000_000);
}

#[test]
fn each_status_allows_its_own_actions_and_no_others() {
    let claim = |openid: Option<&str>| Action::Claim { openid: openid.map(str::to_owned) };
    let actions =
        [Action::Settle, claim(None), Action::Expire, Action::Refund, Action::Fail { reason: None }];
    // How to get there, and what is allowed then.
    let table: [(Status, &[Action], [bool; 5]); 6] = [
        (Status::Sending, &[], [true, false, false, false, true]),
        (Status::Failed, &[Action::Fail { reason: None }], [false; 5]),
        (Status::Sent, &[Action::Settle], [false, true, true, false, false]),
        (Status::Received, &[Action::Settle, claim(Some(OPENID))], [false; 5]),
        (Status::RfundIng, &[Action::Settle, Action::Expire], [false, false, false, true, false]),
        (Status::Refund, &[Action::Settle, Action::Expire, Action::Refund], [false; 5]),
    ];
    for (status, path, allowed) in table {
        for (action, allowed) in actions.iter().zip(allowed) {
            let mock = Mock::builder().build();
            let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(0).create().unwrap();
            send(&merchant, "1");
            merchant.top_up(1_000);
            for step in path {
                mock.act(MCH_ID, "1", step).unwrap();
            }
            let before = mock.ledger();
            assert_eq!(before.packets().next().unwrap().status, status);
            let result = mock.act(MCH_ID, "1", action);
            assert_eq!(result.is_ok(), allowed, "{status:?} {action:?}");
            if let Err(error) = result {
                assert_eq!(error, ActionError::Illegal { status, action: action.clone() });
                assert_eq!(mock.ledger(), before);
            }
        }
    }
    let (mock, merchant) = shop();
    send(&merchant, "1").assert_success();
    assert_eq!(mock.act(MCH_ID, "1", &claim(Some("another"))), Err(ActionError::NotTheReceiver));
    assert!(matches!(merchant.claim("2"), Err(ActionError::NotFound(key)) if key.mch_billno == "2"));
}

#[test]
fn time_has_an_end_and_nothing_breaks_there() {
    let (mock, merchant) = shop();
    send(&merchant, "1").assert_success();
    assert_eq!(mock.advance(Duration::MAX).len(), 2);
    mock.advance(Duration::MAX);
    send(&merchant, "2").assert_success();
    assert_eq!(query(&merchant, "1").assert_failure("NOT_FOUND", "指定单号数据不存在").status, 200);
    assert_eq!(query(&merchant, "2").get("status"), Some("REFUND"));
    assert_eq!(merchant.balance_fen(), 1_000_000);
}

#[derive(Clone, Debug)]
enum Step {
    Send { kind: usize, billno: u8, openid: u8, fen: u32 },
    Claim { billno: u8, openid: Option<u8> },
    TopUp { fen: u64 },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..5, 0_u8..6, 0_u8..2, 0_usize..3).prop_map(|(kind, billno, openid, size)| {
            Step::Send { kind, billno, openid, fen: [500, 9_000, 20_001][size] }
        }),
        3 => (0_u8..6, proptest::option::of(0_u8..4)).prop_map(|(billno, openid)| Step::Claim { billno, openid }),
        1 => (0_u64..5_000).prop_map(|fen| Step::TopUp { fen }),
        2 => (0_u64..50_000).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// What of a packet is with users or on its way, there or back.
fn out(packet: &RedPacket) -> u64 {
    let claimed: u64 = packet.claims().map(|(amount, _)| u64::from(amount.0)).sum();
    let unclaimed = u64::from(packet.unclaimed().0);
    claimed + if matches!(packet.status, Status::Sent | Status::RfundIng) { unclaimed } else { 0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a client sends, in whatever order, no fen is made or lost and no number is paid twice.
    #[test]
    fn requests_neither_make_nor_lose_money(steps in proptest::collection::vec(step(), 0..40)) {
        let mock = Mock::builder().rules(legacy()).build();
        let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(10_000).create().unwrap();
        let mut given = 10_000;
        for step in steps {
            match step {
                Step::Send { kind, billno, openid, fen } => {
                    let [normal, mini_program, group, work_weixin] = Form::sends(&merchant, &billno.to_string());
                    // Group packets more often: only they can be claimed in part.
                    let form = [normal, mini_program, group.clone(), group, work_weixin][kind]
                        .clone()
                        .with("re_openid", format!("o{openid}"))
                        .with("total_amount", fen.to_string());
                    let answer = call(&merchant, &form);
                    let known = mock.red_packet(MCH_ID, &billno.to_string());
                    if answer.code() == "SUCCESS" {
                        let packet = known.unwrap();
                        prop_assert_eq!(answer.get("send_listid"), Some(&*packet.send_listid));
                        prop_assert_eq!((packet.amount.0, packet.re_openid), (fen, format!("o{openid}")));
                        prop_assert!(packet.status != Status::Sending && packet.status != Status::Failed);
                    }
                }
                Step::Claim { billno, openid } => {
                    let openid = openid.map(|openid| format!("o{openid}"));
                    drop(mock.act(MCH_ID, &billno.to_string(), &Action::Claim { openid }));
                }
                Step::TopUp { fen } => {
                    merchant.top_up(fen);
                    given += fen;
                }
                Step::Wait { seconds } => drop(mock.advance(Duration::from_secs(seconds))),
            }
            let ledger = mock.ledger();
            prop_assert_eq!(ledger.balance(MCH_ID) + ledger.packets().map(out).sum::<u64>(), given);
            for packet in ledger.packets() {
                let shares: u64 = packet.shares.iter().map(|share| u64::from(share.amount.0)).sum();
                prop_assert_eq!(shares, u64::from(packet.amount.0));
                let paid = packet.history.iter().filter(|(_, status)| *status == Status::Sent).count();
                prop_assert!(paid <= 1);
            }
        }
    }
}
