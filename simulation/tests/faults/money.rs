//! Refusals for want of money.

use wechatpay_proto::payout::Asked;
use wechatpay_simulation::{Moment, Plan};

use super::world::{DAY, HOUR, run_with_every_crash, words};

#[test]
fn f07_not_enough_is_no_failure_before_a_query_says_so() {
    let report = run_with_every_crash(&Plan { balance: 50, ..Plan::quiet() });
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["failed"]));
    let last = report.sent.last().unwrap();
    assert_eq!(last.asked, Asked::Query);
    assert!(last.at >= DAY, "the order lives for a day, and so may be paid: {:?}", last.at);
    assert_eq!(report.alerts, ["Refused", "WindowClosed"]);
}

#[test]
fn f07_not_enough_is_paid_under_its_number_when_there_is_money() {
    let moments = vec![(3 * HOUR, Moment::Money { fen: 1_000 })];
    let report = run_with_every_crash(&Plan { balance: 50, moments, ..Plan::quiet() });
    assert_eq!((report.counts.numbers, words(&report)), (1, vec!["received"]));
    let sends = report.sent.iter().filter(|sent| sent.asked == Asked::Send).count();
    assert!((2..=5).contains(&sends), "{sends} sends in three hours without money");
}
