//! Faults on purpose: what becomes of the money under each, whatever the client gets to see.

use std::time::Duration;

use proptest::prelude::*;
use wechatpay_mock_server::{
    Content, CutAt, End, Event, Fault, FaultError, FaultRule, InProcessError, Mock, MockMerchant, Rules,
    SignFlaw, Status, catalogue,
};
use wechatpay_proto::transport::{BlockingTransport as _, Delivery, Fault as _};

use crate::common::{Answer, Form, MCH_ID, call, shop, shop_with};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const START_FEN: u64 = 1_000_000;

fn attempt(merchant: &MockMerchant, form: &Form) -> Result<Answer, InProcessError> {
    merchant.transport().send_blocking(form.request()).map(Answer::new)
}

fn send(merchant: &MockMerchant, mch_billno: &str) -> Result<Answer, InProcessError> {
    attempt(merchant, &Form::send(merchant, mch_billno))
}

fn query(merchant: &MockMerchant, mch_billno: &str) -> Answer {
    call(merchant, &Form::query(merchant, mch_billno))
}

#[track_caller]
fn assert_status(merchant: &MockMerchant, mch_billno: &str, status: &str) {
    assert_eq!(query(merchant, mch_billno).assert_success().get("status"), Some(status));
}

/// How often the packet was paid.
fn payments(mock: &Mock, mch_billno: &str) -> usize {
    let packet = mock.red_packet(MCH_ID, mch_billno);
    let history = packet.map(|packet| packet.history).unwrap_or_default();
    history.iter().filter(|(_, status)| *status == Status::Sent).count()
}

/// The packet is paid, and its payer was debited once.
#[track_caller]
fn assert_paid_once(mock: &Mock, merchant: &MockMerchant, mch_billno: &str) {
    assert_eq!((payments(mock, mch_billno), merchant.balance_fen()), (1, START_FEN - 1_000));
}

#[track_caller]
fn assert_unpaid(mock: &Mock, merchant: &MockMerchant, mch_billno: &str) {
    let fen = merchant.balance_fen() + merchant.reserved_fen();
    assert_eq!((payments(mock, mch_billno), fen), (0, START_FEN));
}

/// The same number again, a second later: it pays once, whatever was before.
#[track_caller]
fn resend(mock: &Mock, merchant: &MockMerchant, mch_billno: &str) {
    mock.advance(SECOND);
    send(merchant, mch_billno).unwrap().assert_success();
    assert_paid_once(mock, merchant, mch_billno);
}

fn once(fault: Fault) -> FaultRule {
    FaultRule::new(fault).times(1)
}

#[test]
fn a_request_that_is_lost_was_not_carried_out() {
    for ending in [End::Reset, End::Close, End::Truncate, End::Hang] {
        let (mock, merchant) = shop();
        mock.arm(once(Fault::RequestLost { ending })).unwrap();
        let error = send(&merchant, "1").unwrap_err();
        assert_eq!(error.delivery(), Delivery::MaybeSent);
        assert_unpaid(&mock, &merchant, "1");
        query(&merchant, "1").assert_failure("NOT_FOUND", "指定单号数据不存在");
        resend(&mock, &merchant, "1");
    }
}

#[test]
fn a_reply_that_is_lost_leaves_one_debit_however_often_the_number_is_sent() {
    for ending in [End::Reset, End::Close, End::Truncate, End::Hang] {
        let (mock, merchant) = shop();
        mock.arm(once(Fault::ReplyLost { ending })).unwrap();
        let before = mock.now();
        let error = send(&merchant, "1").unwrap_err();
        assert_eq!(error.delivery(), Delivery::MaybeSent);
        // Who waits for nothing waits until the end of patience, by the mock's clock.
        let patience = if ending == End::Hang { 15 * SECOND } else { Duration::ZERO };
        assert_eq!(mock.now().since(before), patience);
        assert_paid_once(&mock, &merchant, "1");
        assert_status(&merchant, "1", "SENT");
        resend(&mock, &merchant, "1");
        resend(&mock, &merchant, "1");
    }
}

#[test]
fn an_error_behind_the_payment_is_no_proof_of_failure() {
    let (mock, merchant) = shop();
    mock.arm(once(Fault::applied_then_error())).unwrap();
    let answer = send(&merchant, "1").unwrap();
    answer.assert_failure("SYSTEMERROR", "请求已受理，请稍后使用原单号查询发放结果");
    assert_eq!(answer.get("mch_billno"), None);
    assert_paid_once(&mock, &merchant, "1");
    resend(&mock, &merchant, "1");

    let (mock, merchant) = shop();
    mock.arm(once(Fault::applied_then_status(502))).unwrap();
    let answer = send(&merchant, "1").unwrap();
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("<h1>502 Bad Gateway</h1>"));
    assert_paid_once(&mock, &merchant, "1");
    resend(&mock, &merchant, "1");
}

#[test]
fn a_success_can_be_a_lie() {
    let (mock, merchant) = shop();
    mock.arm(once(Fault::not_applied_but_ok())).unwrap();
    send(&merchant, "1").unwrap().assert_success();
    assert_unpaid(&mock, &merchant, "1");
    assert_eq!(query(&merchant, "1").code(), "NOT_FOUND");
    resend(&mock, &merchant, "1");
}

#[test]
fn a_late_commit_is_processing_then_paid_or_failed() {
    let (mock, merchant) = shop();
    mock.arm(once(Fault::late_commit(20 * MINUTE))).unwrap();
    let processing = "请求已受理，请稍后使用原单号查询发放结果";
    send(&merchant, "1").unwrap().assert_failure("PROCESSING", processing);
    assert_unpaid(&mock, &merchant, "1");
    assert_status(&merchant, "1", "SENDING");
    mock.advance(MINUTE);
    send(&merchant, "1").unwrap().assert_failure("PROCESSING", processing);
    mock.advance(18 * MINUTE);
    assert_status(&merchant, "1", "SENDING");
    assert_unpaid(&mock, &merchant, "1");
    let fired = mock.advance(MINUTE);
    assert_eq!(fired[0].event, Event::Moved(Status::Sent));
    assert_status(&merchant, "1", "SENT");
    resend(&mock, &merchant, "1");

    mock.arm(once(Fault::late_failure(MINUTE))).unwrap();
    assert_eq!(send(&merchant, "2").unwrap().code(), "PROCESSING");
    assert_status(&merchant, "2", "SENDING");
    mock.advance(MINUTE);
    assert_status(&merchant, "2", "FAILED");
    assert_eq!(send(&merchant, "2").unwrap().code(), "SEND_FAILED");
    assert_paid_once(&mock, &merchant, "1");
}

#[test]
fn a_late_arrival_pays_once_with_and_without_a_resend_between() {
    for between in [false, true] {
        let (mock, merchant) = shop();
        mock.arm(once(Fault::late_arrival(MINUTE))).unwrap();
        assert_eq!(send(&merchant, "1").unwrap_err().delivery(), Delivery::MaybeSent);
        assert_eq!(query(&merchant, "1").code(), "NOT_FOUND");
        assert_unpaid(&mock, &merchant, "1");
        if between {
            resend(&mock, &merchant, "1");
        }
        let fired = mock.advance(MINUTE);
        assert!(matches!(fired[0].event, Event::Arrived { applied: true, .. }), "{fired:?}");
        assert_status(&merchant, "1", "SENT");
        assert_paid_once(&mock, &merchant, "1");
        resend(&mock, &merchant, "1");
    }
}

#[test]
fn a_duplicate_delivery_pays_once() {
    let (mock, merchant) = shop();
    mock.arm(once(Fault::DuplicateDelivery { first: true })).unwrap();
    send(&merchant, "1").unwrap().assert_success();
    assert_paid_once(&mock, &merchant, "1");
    // The second comes too soon behind the first.
    let (mock, merchant) = shop();
    mock.arm(once(Fault::duplicate_delivery())).unwrap();
    assert_eq!(send(&merchant, "1").unwrap().code(), "FREQ_LIMIT");
    assert_paid_once(&mock, &merchant, "1");
    resend(&mock, &merchant, "1");

    let (mock, merchant) = shop_with(Rules::unlimited());
    mock.arm(once(Fault::duplicate_delivery())).unwrap();
    send(&merchant, "1").unwrap().assert_success();
    assert_eq!(mock.requests(), 2);
    assert_paid_once(&mock, &merchant, "1");
}

#[test]
fn an_order_is_stuck_for_so_many_queries_or_for_ever() {
    let (mock, merchant) = shop();
    mock.arm(once(Fault::stuck_for(2))).unwrap();
    assert_eq!(send(&merchant, "1").unwrap().code(), "PROCESSING");
    for status in ["SENDING", "SENDING", "SENT", "SENT"] {
        assert_status(&merchant, "1", status);
    }
    assert_paid_once(&mock, &merchant, "1");

    let (mock, merchant) = shop();
    let reason = "该用户今日领取金额超过限制";
    mock.arm(once(Fault::StuckState { polls: None, reason: Some(reason.to_owned()) })).unwrap();
    assert_eq!(send(&merchant, "1").unwrap().code(), "PROCESSING");
    for _ in 0..3 {
        mock.advance(MINUTE);
        assert_eq!(send(&merchant, "1").unwrap().code(), "PROCESSING");
        let answer = query(&merchant, "1");
        assert_eq!((answer.get("status"), answer.get("reason")), (Some("SENDING"), Some(reason)));
    }
    assert_unpaid(&mock, &merchant, "1");
    // An order that nobody pays is closed in the end.
    mock.advance(Rules::default().order_life);
    assert_status(&merchant, "1", "FAILED");
}

/// Every fault that hides or falsifies the answer does what its rule says, and sending again is always safe.
#[test]
fn the_plan_says_what_becomes_of_the_money() {
    // Nothing is missing where answers carry no sign.
    let fits = |rule: &FaultRule| rule.then != Fault::reply_sign(SignFlaw::Missing);
    let examples =
        catalogue().into_iter().filter(|entry| entry.needs_commit).flat_map(|entry| entry.examples);
    for example in examples.filter(fits) {
        let meet = |rule: FaultRule| {
            let (mock, merchant) = shop();
            mock.arm(rule).unwrap();
            drop(merchant.transport().send_blocking(Form::send(&merchant, "1").request()));
            (mock, merchant)
        };
        let rule = || once(example.then.clone());
        let (mock, merchant) = meet(rule().applied());
        assert_paid_once(&mock, &merchant, "1");
        resend(&mock, &merchant, "1");

        let (mock, merchant) = meet(rule().not_applied());
        assert_eq!(merchant.red_packet("1"), None, "{example:?}");
        assert_unpaid(&mock, &merchant, "1");
        resend(&mock, &merchant, "1");

        let (mock, merchant) = meet(rule().later(20 * MINUTE));
        assert_eq!(merchant.red_packet("1"), None, "{example:?}");
        mock.advance(20 * MINUTE);
        assert_paid_once(&mock, &merchant, "1");
        resend(&mock, &merchant, "1");
    }
}

#[test]
fn a_refusal_wears_its_true_envelope() {
    for code in ["NOTENOUGH", "SIGN_ERROR", "SEND_FAILED", "NO_AUTH", "268501013"] {
        let (mock, merchant) = shop();
        mock.arm(Fault::err(code).not_applied().on("sendredpack").nth(1..=2)).unwrap();
        for _ in 0..2 {
            let answer = send(&merchant, "1").unwrap();
            assert_eq!((answer.code(), answer.get("mch_billno")), (code, Some("1")));
            assert_eq!(answer.get("return_msg"), answer.get("err_code_des"));
            assert_unpaid(&mock, &merchant, "1");
        }
        resend(&mock, &merchant, "1");
    }
    let (mock, merchant) = shop();
    let rule = Fault::ErrCode { code: "FREQ_LIMIT".to_owned(), text: None }.not_applied();
    mock.arm(rule.on("gethbinfo")).unwrap();
    query(&merchant, "1").assert_failure("FREQ_LIMIT", "受频率限制");
    send(&merchant, "1").unwrap().assert_success();
    // Where answers are signed, so is this one.
    mock.arm(Fault::err("NO_AUTH").not_applied()).unwrap();
    let answer = call(&merchant, &Form::work_weixin(&merchant, "2"));
    answer.assert_signed_failure(merchant.key(), "NO_AUTH", "发放失败，此请求可能存在风险，已被微信拦截");
}

#[test]
fn faults_are_disarmed_refused_and_kept_to_their_merchant() {
    let (mock, merchant) = shop();
    let other = mock.merchant().create().unwrap();
    let id = mock.arm(FaultRule::new(Fault::request_lost()).merchant(merchant.mch_id())).unwrap();
    assert!(send(&merchant, "1").is_err());
    send(&other, "1").unwrap().assert_success();
    assert!(mock.disarm(id) && !mock.disarm(id));
    send(&merchant, "1").unwrap().assert_success();
    let refused = mock.arm(Fault::cut(CutAt::Head, End::Close).into());
    assert_eq!(refused, Err(FaultError::CommitMissing { fault: "cut" }));
    send(&merchant, "2").unwrap().assert_success();
}

/// What the merchant meets does not depend on who else is there.
#[test]
fn chance_is_the_merchants_own() {
    let story = |company: bool| {
        let (mock, merchant) = shop_with(Rules::unlimited());
        let other = mock.merchant().create().unwrap();
        mock.arm(Fault::err("SYSTEMERROR").not_applied().probability(0.5)).unwrap();
        mock.arm(Fault::content(Content::Reordered).applied().every(2)).unwrap();
        let turns = (0..40).map(|turn: u32| {
            for _ in 0..if company { turn % 3 } else { 0 } {
                drop(send(&other, &turn.to_string()));
            }
            send(&merchant, &turn.to_string())
        });
        turns.collect::<Vec<_>>()
    };
    let alone = story(false);
    assert_eq!(alone, story(true));
    let errors = alone.iter().flatten().filter(|answer| answer.code() == "SYSTEMERROR").count();
    assert!((1..20).contains(&errors), "{errors}");
}

#[derive(Clone, Debug)]
enum Step {
    Arm { rule: usize, times: u64 },
    Send { billno: u8, kind: usize },
    Query { billno: u8 },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<usize>(), 1_u64..4).prop_map(|(rule, times)| Step::Arm { rule, times }),
        6 => (0_u8..4, 0_usize..4).prop_map(|(billno, kind)| Step::Send { billno, kind }),
        1 => (0_u8..4).prop_map(|billno| Step::Query { billno }),
        2 => (0_u64..5_000).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// Rules with every fault and every plan, but those whose answers are large.
fn rules() -> Vec<FaultRule> {
    let examples = catalogue().into_iter().flat_map(|entry| {
        let needs_commit = entry.needs_commit;
        entry.examples.into_iter().flat_map(move |rule| {
            let plain = || rule.clone();
            if needs_commit {
                vec![plain(), plain().not_applied(), plain().later(MINUTE)]
            } else {
                vec![plain()]
            }
        })
    });
    let huge = |rule: &FaultRule| matches!(rule.then, Fault::Content(Content::Huge { .. }));
    examples.filter(|rule| !huge(rule)).collect()
}

/// What of the packets is with users or on its way, there or back.
fn out(mock: &Mock) -> u64 {
    let paid = |status| matches!(status, Status::Sent | Status::Received | Status::RfundIng);
    let ledger = mock.ledger();
    ledger.packets().filter(|packet| paid(packet.status)).map(|packet| u64::from(packet.amount.0)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever goes wrong, in whatever order, no fen is made or lost and no number is paid twice.
    #[test]
    fn no_fault_makes_or_loses_money(steps in proptest::collection::vec(step(), 0..40)) {
        let (mock, merchant) = shop();
        let rules = rules();
        for step in steps {
            match step {
                Step::Arm { rule, times } => {
                    mock.arm(rules[rule % rules.len()].clone().times(times)).unwrap();
                }
                Step::Send { billno, kind } => {
                    let form = &Form::sends(&merchant, &billno.to_string())[kind];
                    drop(merchant.transport().send_blocking(form.request()));
                }
                Step::Query { billno } => {
                    let form = Form::query(&merchant, &billno.to_string());
                    drop(merchant.transport().send_blocking(form.request()));
                }
                Step::Wait { seconds } => drop(mock.advance(Duration::from_secs(seconds))),
            }
            prop_assert_eq!(merchant.balance_fen() + merchant.reserved_fen() + out(&mock), START_FEN);
            for billno in 0..4 {
                prop_assert!(payments(&mock, &billno.to_string()) <= 1);
            }
        }
    }
}
