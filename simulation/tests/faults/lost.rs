//! Requests and answers that are lost, and requests that arrive more than once.

use wechatpay_proto::payout::Asked;
use wechatpay_simulation::{Carried, Plan, Treatment};

use super::world::{MINUTE, SECOND, alerted, asked, run, run_with_every_crash, sends, times, words};

#[test]
fn f01_request_lost_is_sent_again_under_the_same_number() {
    let plan = sends([Treatment::request_lost()]);
    let report = run_with_every_crash(&plan);
    assert_eq!(asked(&report, 3), "SQS");
    assert_eq!((report.counts.sends, words(&report)), (2, vec!["received"]));
    assert!(report.alerts.is_empty(), "that nothing came is no news: {:?}", report.alerts);
}

#[test]
fn f01_request_not_sent_is_sent_again_without_a_query() {
    let report = run_with_every_crash(&sends([Treatment::not_sent()]));
    assert_eq!(asked(&report, 2), "SS");
    let sends = times(&report, Asked::Send);
    assert!(sends[1] - sends[0] >= SECOND, "{sends:?}");
    assert_eq!(words(&report), ["received"]);
}

#[test]
fn f01_not_sent_after_a_timeout_proves_nothing_of_the_first() {
    let plan = Plan {
        queries: vec![Treatment::not_sent(), Treatment::not_sent()],
        ..sends([Treatment::answer_lost()])
    };
    let report = run_with_every_crash(&plan);
    assert_eq!(asked(&report, 4), "SQQQ", "only queries, until one of them finds it");
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f02_answer_lost_is_found_by_a_query() {
    let report = run_with_every_crash(&sends([Treatment::answer_lost()]));
    assert_eq!(asked(&report, 2), "SQ");
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f02_every_answer_lost_for_a_while() {
    let report = run_with_every_crash(&Plan {
        queries: vec![Treatment::answer_lost(); 5],
        ..sends([Treatment::answer_lost()])
    });
    assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
}

#[test]
fn f15_request_delivered_twice_is_paid_once() {
    for after in [SECOND / 100, 5 * SECOND, 40 * MINUTE] {
        let again = Carried { after, ..Carried::WELL };
        let twice = Treatment { copies: vec![Carried::WELL, again], ..Treatment::well() };
        let report = run_with_every_crash(&sends([twice]));
        assert_eq!((report.counts.sends, words(&report)), (1, vec!["received"]));
        assert_eq!(report.counts.late_answers, 1);
    }
}

#[test]
fn f15_a_request_that_arrives_after_its_resend_is_paid_once() {
    let late = Carried { after: 3 * MINUTE, ..Carried::WELL };
    let plan = sends([Treatment { copies: vec![late], ..Treatment::well() }]);
    let report = run_with_every_crash(&plan);
    assert_eq!((report.counts.sends, words(&report)), (2, vec!["received"]));
    assert!(!alerted(&report, "Conflict"));
    assert_eq!(run(&plan).counts.late_answers, 1);
}
