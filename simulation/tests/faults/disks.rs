//! Disks that fail, processes that die, and more than one of them.

use std::time::Duration;

use wechatpay_proto::payout::Asked;
use wechatpay_simulation::{Odds, Plan, Want};

use super::world::{MINUTE, SECOND, run, run_with_every_crash, times, words};

#[test]
fn f12_every_crash_of_a_payout_that_goes_well() {
    let report = run_with_every_crash(&Plan::quiet());
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f12_every_crash_of_a_payout_that_comes_back() {
    let want = Want { claimed: None, ..Plan::quiet().wants.remove(0) };
    let report = run_with_every_crash(&Plan { wants: vec![want], ..Plan::quiet() });
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["refunded"]));
}

#[test]
fn f12_every_crash_of_two_workers() {
    let plan = Plan { workers: 2, reclaims: false, ..Plan::quiet() };
    assert_eq!(words(&run_with_every_crash(&plan)), ["received"]);
}

#[test]
fn f13_nothing_is_sent_while_writes_fail() {
    for seed in 0..50 {
        let odds = Odds { write_fails: 1000, ..Odds::default() };
        let report = run(&Plan { seed, odds, heals: 10 * MINUTE, ..Plan::quiet() });
        let first = times(&report, Asked::Send)[0];
        assert!(first >= 10 * MINUTE, "sent at {first:?}");
        assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
    }
}

#[test]
fn f13_a_torn_record_is_an_error_and_the_one_before_it_stands() {
    let torn = |seed| {
        let odds = Odds { write_fails: 500, ..Odds::default() };
        let report = run(&Plan { seed, odds, heals: MINUTE, ..Plan::quiet() });
        assert_eq!(
            (report.counts.sends, words(&report)),
            (1, vec!["received"]),
            "{}",
            report.trace.join("\n")
        );
        report.counts.torn
    };
    let found: u64 = (0..200).map(torn).sum();
    assert!(found >= 20, "{found} torn texts were read");
}

#[test]
fn f14_a_double_click_is_one_payment() {
    for second in [Duration::ZERO, SECOND / 20, 5 * SECOND, 30 * MINUTE] {
        for workers in [1, 2, 3] {
            let clicks = (0..3).map(|nth| (second * nth, nth as usize % workers)).collect();
            let want = Want { clicks, ..Plan::quiet().wants.remove(0) };
            let report = run_with_every_crash(&Plan { wants: vec![want], workers, ..Plan::quiet() });
            assert_eq!((report.counts.numbers, report.counts.sends), (1, 1));
            assert_eq!(words(&report), ["received"]);
        }
    }
}

#[test]
fn f14_two_workers_share_many_payments() {
    let want =
        |nth: u64| Want { clicks: vec![(nth as u32 * SECOND / 10, 0)], ..Plan::quiet().wants.remove(0) };
    let plan = Plan { wants: (0..20).map(want).collect(), workers: 2, capacity: 5, ..Plan::quiet() };
    let report = run(&plan);
    assert_eq!((report.counts.sends, report.counts.ends.received), (20, 20));
}
